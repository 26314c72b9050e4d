// Role: copies of a store: every table at one committed version, files checked to be durable, in a directory that is a store itself. Extents are
// linked where source and copy share a file system (they never change), copied elsewhere.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
package import DataSource
import Delta

/// What was copied.
package struct BackupReport: Sendable {
  package var tables = 0
  package var extents = 0
  package var bytes = 0
  package init() {}
}

extension Store {
  /// Copies the store, with functions, policies and what else stands outside the tables, to a directory that is missing or empty. Throws
  /// ALREADY_EXISTS for an occupied target.
  package func backup(to target: String) throws -> BackupReport {
    let (inner, outer) = (Self.place(target), Self.place(path))
    if inner == outer || inner.hasPrefix(outer + "/") {
      throw KConnectError(.usage, "'\(target)' lies in the store itself", hint: "choose a directory outside of '\(path)'")
    }
    if pathKind(target) != .missing, try pathKind(target) != .directory || !DirectoryReader.names(in: target).isEmpty {
      throw KConnectError(.alreadyExists, "'\(target)' is not empty", hint: "choose a directory that is empty or not there yet")
    }
    let copy = try Store.open(target, create: true, fileSystem: fileSystem)
    var report = BackupReport()
    for (name, snapshots) in try moment(metadataTo: copy.path) {
      let to = try copy.createDatabase(name)
      for snapshot in snapshots {
        try Self.copy(snapshot, to: to, &report)
        // Rows that wait in a log are in an extent of the copy.
        for part in try snapshot.tail?.parts() ?? [] {
          let copied = try to.table(snapshot.table.name)
          _ = try copied.commit(rows: part.frames, schema: part.schema, segment: part.number)
          report.extents += 1
        }
      }
    }
    return report
  }

  /// Every table of each database, and the metadata, while no view takes rows in: what is stored of a view is never newer than its source, and
  /// stands where the metadata says.
  private func moment(metadataTo target: String) throws -> [(database: String, snapshots: [TableSnapshot])] {
    let databases = try databaseNames().map { try database($0) }
    var locked: [Directory.Identity: FileLock] = [:]
    for database in databases where locked[database.directory.identity] == nil {
      // Where nobody can write nothing changes.
      do { locked[database.directory.identity] = try database.lockViews() } catch let error as KConnectError where error.code == .permission {}
    }
    defer { withExtendedLifetime(locked) {} }
    let snapshots = try databases.map { (database: $0.name, snapshots: try $0.everyTable().map { try $0.snapshot() }) }
    try MetadataStore(storePath: path).copy(toStore: target)
    return snapshots
  }

  /// Makes a store of a backup: a copy of it, checked first. Throws FORMAT_CORRUPT naming the first problem.
  package static func restore(from backup: String, to target: String, fileSystem: FileSystem = .system) throws -> BackupReport {
    let source = try Store.open(backup, fileSystem: fileSystem)
    if let problem = try source.verify().problems.first { throw KConnectError(.formatCorrupt, "the backup is damaged: \(problem)") }
    return try source.backup(to: target)
  }

  /// The path without links; what is not there yet under its directory's.
  private static func place(_ path: String) -> String {
    if pathExists(path) || !path.contains("/") { return resolvedPath(pathExists(path) ? path : ".") + (pathExists(path) ? "" : "/" + path) }
    return joinPath(place(parentPath(path)), lastPathComponent(path))
  }

  private static func copy(_ snapshot: TableSnapshot, to database: Database, _ report: inout BackupReport) throws {
    let fileSystem = database.store.fileSystem
    let entry = try StoreNames.encode(snapshot.table.name, kind: "table")
    let place = database.directory.path(Database.temporaryPrefix + randomIdentifier())
    do {
      let log = DeltaLog(path: place, displayPath: joinPath(database.path, entry), fileSystem: fileSystem)
      _ = try log.makeDirectories()
      try SystemError.check(fileSystem.makeDirectory(joinPath(place, StoreTable.ownDirectory)), "cannot create", place)
      for extent in snapshot.extents {
        try copyFile(
          snapshot.table.directory.path(extent.fileName), shownAs: joinPath(snapshot.table.displayPath, extent.fileName), joinPath(place, extent.fileName), fileSystem)
        report.extents += 1
        report.bytes += extent.byteSize
      }
      try SystemError.check(fileSystem.syncDirectory(place), "cannot sync", place)
      // The whole state as the first version of a new log; versions of rows stay, so that cursors do not run backwards.
      var info = CommitInfo()
      info["operation"] = .string("RESTORE")
      var actions: [DeltaAction] = [.commitInfo(info), .protocol(snapshot.delta.protocol), .metadata(snapshot.delta.metadata)]
      actions += snapshot.delta.transactions.values.sorted { $0.appId < $1.appId }.map { .transaction($0) }
      actions += snapshot.delta.domains.values.sorted { $0.domain < $1.domain }.map { .domainMetadata($0) }
      actions += snapshot.delta.adds.map { .add($0) }
      try log.putState(actions, version: snapshot.version)
      try SystemError.check(fileSystem.rename(place, database.directory.path(entry), .noReplace), "cannot create the table", joinPath(database.path, entry))
      try SystemError.check(fileSystem.syncDirectory(database.directory.path), "cannot sync", database.path)
    } catch {
      _ = fileSystem.removeTree(place)
      throw error
    }
    report.tables += 1
  }

  private static func copyFile(_ from: String, shownAs shown: String, _ to: String, _ fileSystem: FileSystem) throws {
    let code = fileSystem.link(from, to)
    if code == 0 { return }
    guard code == EXDEV || code == EPERM || code == EMLINK || code == ENOTSUP else { throw SystemError.make("cannot copy to", to, code) }
    let source = try InputFile(path: from, displayPath: shown)
    let target = try OutputFile(creating: to, fileSystem: fileSystem)
    var at = 0
    let size = source.size ?? 0
    while at < size {
      // SAFETY: `pread` fills at most the bytes it is given and says how many; they live for the calls.
      let block = unsafe try [UInt8](capturing: min(8 << 20, size - at)) { try unsafe source.pread(into: $0, at: at) }
      guard !block.isEmpty else { throw KConnectError(.io, "'\(shown)' ended early at byte \(at) of \(size)") }
      try unsafe block.withUnsafeBytes { try unsafe target.write($0) }
      at += block.count
    }
    try target.sync()
    try target.close()
  }
}

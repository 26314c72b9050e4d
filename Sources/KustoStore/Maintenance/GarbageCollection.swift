// Role: removes what no version and no process needs any more: files that left a table an hour ago and that no running read can have in its
// snapshot, files that dead processes wrote and never committed, log files below the last checkpoint, dropped tables, drafts.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import Delta

/// What garbage collection removed, or would remove.
package struct GarbageReport: Sendable {
  package struct Item: Sendable, Hashable {
    /// Relative to the store.
    package var path: String
    package var bytes: Int
    /// One word or two: `removed extent`, `uncommitted extent`, `old log`, `dropped table`, `hidden table`, `draft`.
    package var reason: String
  }
  package var items: [Item] = []
  package var bytes: Int { items.reduce(0) { $0 + $1.bytes } }
  package init() {}
}

extension Store {
  /// Removes garbage in all databases; with `dryRun` only lists it. `graceMilliseconds` is how long removed files stay at least.
  package func collectGarbage(dryRun: Bool = false, graceMilliseconds: Int64 = 3_600_000) throws -> GarbageReport {
    var collector = GarbageCollector(store: self, dryRun: dryRun, grace: graceMilliseconds)
    for name in try databaseNames() { try collector.collect(try database(name)) }
    try collector.drafts(in: path)
    try collector.droppedDatabases(in: joinPath(path, Database.droppedDirectory))
    return collector.report
  }
}

private struct GarbageCollector {
  let store: Store
  let dryRun: Bool
  let grace: Int64
  /// Who lives. It is taken after each listing: whoever wrote what was listed and is not in it is dead.
  var census = LeaseHolder.Census()
  let now = StoreClock.nowMilliseconds
  var report = GarbageReport()

  init(store: Store, dryRun: Bool, grace: Int64) {
    self.store = store
    self.dryRun = dryRun
    self.grace = grace
  }

  mutating func collect(_ database: Database) throws {
    try database.rollForward()
    try hiddenTables(of: database)
    for table in try database.everyTable() { try collect(table) }
    try drafts(in: database.path, of: database)
    try drafts(in: joinPath(database.path, Database.journalDirectory))
    try droppedTables(of: database)
  }

  // MARK: Tables

  private mutating func collect(_ table: StoreTable) throws {
    if !dryRun { try table.sealAbandonedRows() }
    // The listing comes first, then the census, then the snapshot: the writer of a listed file lives, or has committed it, or never will.
    let names = try DirectoryReader.names(in: table.directory.path)
    census = try LeaseHolder.census(table.database.directory)
    let snapshot = try table.state()
    let live = Set(snapshot.adds.map { DeltaPath.canonical($0.path) })
    let removed = Dictionary(snapshot.tombstones.values.map { (DeltaPath.canonical($0.path), $0.deletionTimestamp ?? 0) }) { max($0, $1) }
    for name in names where name.hasSuffix(".parquet") && !live.contains(name) {
      if let time = removed[name] {
        // Reads that began after the removal, with a margin for the time a commit takes, cannot have the file.
        let isUnread = census.oldest(table.id).map { time < $0 - 600_000 } ?? true
        if now - time > grace, isUnread { remove(table.directory.path(name), shown: joinPath(table.displayPath, name), "removed extent") }
      } else if let lease = Self.lease(of: name), !census.identifiers.contains(lease) {
        // Its writer is dead: nobody will commit it. One that was committed and removed long ago, too.
        if try isOlder(table.directory.path(name), than: census.oldest(table.id)) { remove(table.directory.path(name), shown: joinPath(table.displayPath, name), "uncommitted extent") }
      }
    }
    try drafts(in: joinPath(table.displayPath, "_delta_log"))
    try logs(table, snapshot)
  }

  /// The last twelve characters before the extension: who wrote the file. Nil for names that are not the store's.
  private static func lease(of name: String) -> String? {
    let stem = name.dropLast(".parquet".utf8.count)
    guard stem.utf8.count == 49, GUID(String(stem.prefix(36))) != nil else { return nil }
    return String(stem.suffix(12))
  }

  /// Files whose process died are left while a read that began before their last change runs: a link moved by another table may be in it.
  private func isOlder(_ path: String, than oldest: Int64?) throws -> Bool {
    guard let oldest else { return true }
    return Self.facts(path).map { $0.modified < oldest } ?? false
  }

  /// Commit files and checkpoints that the last checkpoint stands for.
  private mutating func logs(_ table: StoreTable, _ snapshot: DeltaSnapshot) throws {
    guard let last = snapshot.tail.checkpointVersion else { return }
    let directory = table.directory.path("_delta_log")
    for name in try DirectoryReader.names(in: directory) {
      let version: Int64
      switch LogFileName(name) {
      case .commit(let v), .checkpoint(let v), .uuidCheckpoint(let v), .checkpointPart(let v, _, _), .checksum(let v): version = v
      case .compacted(_, let v): version = v
      case nil: continue
      }
      let path = joinPath(directory, name)
      guard version < last, let facts = Self.facts(path), now - facts.modified > grace else { continue }
      if let oldest = census.oldest(table.id), facts.modified + 600_000 >= oldest { continue }
      remove(path, shown: joinPath(joinPath(table.displayPath, "_delta_log"), name), "old log")
    }
  }

  // MARK: The rest

  /// Stored parts of views, stored results and snapshots of graphs that no entry of this store names: their maker died in between. Those that another store made in a
  /// database that both have are its own.
  private mutating func hiddenTables(of database: Database) throws {
    guard try database.everyTableName().contains(where: Database.isHidden) else { return }
    let lock = try database.lockViews()
    defer { withExtendedLifetime(lock) {} }
    let metadata = MetadataStore(storePath: store.path)
    var named = try Set(MaterializedView.all(in: database.name, metadata).map(\.state))
    named.formUnion(try metadata.entries(.storedResult, in: .database(database.name)).compactMap { $0.document["Table"]?.stringValue })
    named.formUnion(try GraphSnapshot.all(in: database.name, metadata).flatMap { [$0.nodeTable, $0.edgeTable] })
    for name in try database.everyTableName() where Database.isHidden(name) && !named.contains(name) {
      guard let table = try database.anyTable(name), try table.snapshot().description.folder == store.format.id else { continue }
      let bytes = Self.size(table.displayPath)
      // It waits among the dropped ones until nobody reads it.
      if !dryRun { try database.dropTable(name, ifExists: true) }
      report.items.append(GarbageReport.Item(path: joinPath(database.name, name), bytes: bytes, reason: "hidden table"))
    }
  }

  /// Temporary files and directories that nobody finished.
  mutating func drafts(in directory: String, of database: Database? = nil) throws {
    guard pathKind(directory) == .directory else { return }
    let drafts = try DirectoryReader.names(in: directory).filter { $0.hasPrefix(Database.temporaryPrefix) || $0.hasPrefix(".") && $0.hasSuffix(".tmp") }
    if drafts.isEmpty { return }
    if let database { census = try LeaseHolder.census(database.directory) }
    for name in drafts {
      if let lease = Database.lease(ofDraft: name), census.identifiers.contains(lease) { continue }
      let path = joinPath(directory, name)
      if let facts = Self.facts(path), now - facts.modified > grace { remove(path, shown: path, "draft") }
    }
  }

  private mutating func droppedTables(of database: Database) throws {
    let directory = joinPath(database.path, Database.droppedDirectory)
    guard pathKind(directory) == .directory else { return }
    let ids = try DirectoryReader.names(in: directory)
    census = try LeaseHolder.census(database.directory)
    for id in ids where census.oldest(id) == nil { remove(joinPath(directory, id), shown: joinPath(directory, id), "dropped table") }
  }

  mutating func droppedDatabases(in directory: String) throws {
    guard pathKind(directory) == .directory else { return }
    for name in try DirectoryReader.names(in: directory) {
      // The tables' ids are not looked at: any read under way keeps it.
      let census = try LeaseHolder.census(Directory(joinPath(directory, name)))
      if census.oldestRead.isEmpty, census.isComplete { remove(joinPath(directory, name), shown: joinPath(directory, name), "dropped database") }
    }
  }

  private mutating func remove(_ path: String, shown: String, _ reason: String) {
    let bytes = Self.size(path)
    if !dryRun, store.fileSystem.removeTree(path) != 0 { return }
    let root = store.path + "/"
    report.items.append(GarbageReport.Item(path: shown.hasPrefix(root) ? String(shown.dropFirst(root.count)) : shown, bytes: bytes, reason: reason))
  }

  private static func facts(_ path: String) -> (size: Int, modified: Int64)? {
    var info = stat()
    // SAFETY: lstat fills `info` during the call.
    guard unsafe lstat(path, &info) == 0 else { return nil }
    return (Int(info.st_size), Int64(info.st_mtim.tv_sec) * 1_000 + Int64(info.st_mtim.tv_nsec) / 1_000_000)
  }

  private static func size(_ path: String) -> Int {
    guard pathKind(path) == .directory else { return facts(path)?.size ?? 0 }
    return ((try? DirectoryReader.names(in: path)) ?? []).reduce(0) { $0 + size(joinPath(path, $1)) }
  }
}

// Role: changes of one or several tables of a database that become visible together: locks in the order of the tables' ids, a check against
// what others committed, one journal entry, then each log.

import Columnar
import DataSource
import Delta

/// A commit under construction. One thread; used once.
package final class StoreTransaction {
  package let database: Database
  private var changes: [TableChange] = []
  private let operation: String
  /// Files in a target's directory that are links to those of the source.
  private var links: [StagedExtents] = []

  package init(_ database: Database, operation: String = "TRANSACTION") {
    self.database = database
    self.operation = operation
  }

  private func change(_ table: StoreTable, basis: DeltaSnapshot?, _ body: (inout TableChange) throws -> Void) throws {
    if let i = changes.firstIndex(where: { $0.table.id == table.id }) {
      try body(&changes[i])
    } else {
      var fresh = TableChange(table, basis: try basis ?? table.state(), operation: operation)
      try body(&fresh)
      changes.append(fresh)
    }
  }

  /// Adds a change of a table that has none in this commit yet.
  func add(_ change: TableChange) { changes.append(change) }

  /// Adds rows that were ingested but not committed.
  package func append(_ staged: StagedExtents, ingestIfNotExists: [String] = []) throws {
    try change(staged.table, basis: nil) {
      $0.append(staged)
      $0.ingestIfNotExists += ingestIfNotExists.map { ExtentTags.ingestByPrefix + $0 }
    }
  }

  /// Takes extents of a snapshot out.
  package func drop(_ extents: [Extent], of snapshot: TableSnapshot) throws {
    let files = try snapshot.files(of: Set(extents.map(\.id)))
    try change(snapshot.table, basis: snapshot.delta) { $0.remove(files) }
  }

  /// Takes all extents of a snapshot out, and what merges make of them meanwhile.
  package func replaceAll(of snapshot: TableSnapshot) throws {
    try change(snapshot.table, basis: snapshot.delta) { $0.replaceAll(snapshot.files) }
  }

  /// Records a writer's sequence number in a table.
  package func record(_ application: String, _ version: Int64, in table: StoreTable) throws {
    try change(table, basis: nil) { $0.transaction(application, version) }
  }

  /// Moves extents to another table of the database whose columns include theirs. Rows get the target's commit version; they keep their
  /// ingestion time unless `setNewIngestionTime`. Throws SCHEMA_MISMATCH.
  package func move(_ extents: [Extent], of snapshot: TableSnapshot, to target: StoreTable, setNewIngestionTime: Bool) throws {
    guard snapshot.table.database === target.database || snapshot.table.database.path == target.database.path else {
      throw KConnectError(.notSupported, "not supported: moving extents between databases", hint: "use .set-or-append with a query over the other database")
    }
    let schema = try target.snapshot().schema
    for field in snapshot.schema.fields where schema.field(field.name)?.type != field.type {
      throw KConnectError(
        .schemaMismatch, "column '\(field.name)':\(field.type) of table '\(snapshot.table.name)' does not match table '\(target.name)'",
        hint: "every column of the source must be in the target, with its type")
    }
    let files = try snapshot.files(of: Set(extents.map(\.id)))
    try drop(extents, of: snapshot)
    let moved = try target.linked(files, from: snapshot, setNewIngestionTime: setNewIngestionTime)
    try append(moved)
  }

  /// Commits all changes or none. Throws LOCKED (retryable) when another commit stands in the way: it took out an extent that this one moves
  /// or drops, or changed columns. One result per table in the order the tables were first named; all are skipped when one of them finds its
  /// rows there already.
  @discardableResult
  package func commit() throws -> [(table: StoreTable, result: IngestResult)] {
    changes.removeAll { $0.actions.isEmpty }
    defer { changes = [] }
    if changes.isEmpty { return [] }
    if changes.count == 1 { return [(changes[0].table, try changes[0].table.commit(changes[0]))] }
    let id = randomIdentifier()
    let ids = Set(changes.map(\.table.id))
    while true {
      try database.rollForward(waits: true)
      let locks = try changes.sorted { $0.table.id < $1.table.id }.map { try $0.table.lockCommits() }
      defer { withExtendedLifetime(locks) {} }
      if try database.hasPendingCommit(tables: ids) { continue }
      return try decide(id)
    }
  }

  private func decide(_ id: String) throws -> [(table: StoreTable, result: IngestResult)] {
    var entry = JournalEntry(id: id)
    var versions: [Int64] = []
    for change in changes {
      let table = change.table
      guard let name = table.currentEntry else { throw KConnectError(.pathNotFound, "the table '\(table.name)' was dropped meanwhile") }
      let newest = try table.log.update(change.basis)
      var winners: [WinningCommit] = []
      for version in (change.basis.version + 1)..<(newest.version + 1) {
        if let found = try table.log.commit(version) { winners.append(WinningCommit(version: version, actions: found.actions)) }
      }
      var actions = change.described(id)
      if !winners.isEmpty {
        switch try change.rebase(winners, newest, id: id) {
        case .retry(let rebased): actions = rebased
        case .conflict(let error): throw error
        case .done: return skipped()
        }
      }
      let (version, text) = try table.log.prepare(actions, on: newest, options: StoreTable.commitOptions)
      entry.commits.append(JournalEntry.Commit(table: table.id, entry: name, version: version, text: text))
      versions.append(version)
    }
    // The files stay from the moment that the decision may be on disk.
    for staged in changes.flatMap(\.staged) { staged.markCommitted() }
    try database.decide(entry)
    // Decided is done: what cannot be completed now is seen through the journal, and completed by whoever opens the tables next.
    try? database.complete(entry)
    var out: [(table: StoreTable, result: IngestResult)] = []
    for (change, version) in zip(changes, versions) {
      var result = IngestResult()
      result.version = version
      let snapshot = try change.table.state()
      try change.table.describe(change, snapshot, &result)
      for i in result.extents.indices { result.extents[i].version = version }
      if StoreTable.commitOptions.isCheckpointDue?(snapshot) ?? false { _ = try? change.table.log.writeCheckpoint(snapshot) }
      out.append((change.table, result))
    }
    return out
  }

  private func skipped() -> [(table: StoreTable, result: IngestResult)] {
    changes.map { change in
      var result = IngestResult()
      result.isSkipped = true
      return (change.table, result)
    }
  }
}

extension StoreTable {
  /// The files of another table under new names in this one's directory, not committed yet. Commit versions that a file brings (of the other
  /// table, or of this one where it was here before) are not read: its rows have the version of the commit that adds it.
  func linked(_ files: [ExtentFile], from source: TableSnapshot, setNewIngestionTime: Bool) throws -> StagedExtents {
    let fileSystem = database.store.fileSystem
    var adds: [AddFile] = []
    let now = StoreClock.nowTicks
    do {
      for file in files {
        // A name of its own: the extent may have been here before.
        let fileName = try newFileName(ExtentFile.newId())
        try SystemError.check(
          fileSystem.link(source.table.directory.path(file.extent.fileName), directory.path(fileName)), "cannot link", joinPath(displayPath, fileName))
        var add = file.add
        add.path = DeltaPath.encoded(fileName)
        add.dataChange = true
        add.baseRowId = nil
        add.defaultRowCommitVersion = nil
        add.tags?[ExtentKey.rowVersions] = nil
        if setNewIngestionTime {
          add.tags?[ExtentKey.ingestionTime] = String(now)
          add.tags?[ExtentKey.minCreatedOn] = String(now)
          add.tags?[ExtentKey.maxCreatedOn] = String(now)
        }
        adds.append(add)
      }
      try SystemError.check(fileSystem.syncDirectory(directory.path), "cannot sync", displayPath)
    } catch {
      for add in adds { _ = fileSystem.remove(directory.path(DeltaPath.canonical(add.path))) }
      throw error
    }
    return StagedExtents(self, adds: adds)
  }
}

// Role: names of tables: renaming, exchanging, dropping. A single rename is one system call; several are decided in the journal, where readers of
// several tables look.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import Delta

extension Database {
  /// Renames tables, all or none; names may be exchanged. Throws PATH_NOT_FOUND or ALREADY_EXISTS.
  package func renameTables(_ renames: [(from: String, to: String)]) throws {
    let renames = renames.filter { $0.from != $0.to }
    if let own = renames.first(where: { Self.isHidden($0.to) }) { throw Self.ownName(own.to) }
    if renames.isEmpty { return }
    guard Set(renames.map(\.from)).count == renames.count, Set(renames.map(\.to)).count == renames.count else {
      throw KConnectError(.usage, "a table name occurs twice in a rename")
    }
    for _ in 0..<100 {
      try rollForward(waits: true)
      let tables = try renames.map { try table($0.from) }
      // Two names of one table: somebody exchanged them between the looks.
      if Set(tables.map(\.id)).count < tables.count { continue }
      let locks = try tables.sorted { $0.id < $1.id }.map { try $0.lockCommits() }
      defer { withExtendedLifetime(locks) {} }
      if try hasPendingCommit(tables: Set(tables.map(\.id))) { continue }
      var entry = JournalEntry(id: randomIdentifier())
      for (table, rename) in zip(tables, renames) {
        guard let from = table.currentEntry, try from == StoreNames.encode(rename.from, kind: "table") else { continue }
        entry.renames.append(JournalEntry.Rename(table: table.id, from: from, to: try StoreNames.encode(rename.to, kind: "table")))
      }
      // Somebody renamed one of them between the look and the lock.
      if entry.renames.count < renames.count { continue }
      let names = try lockNames()
      defer { withExtendedLifetime(names) {} }
      try checkFree(renames)
      try rename(entry)
      for rename in renames {
        forget(rename.from)
        forget(rename.to)
      }
      return
    }
    throw KConnectError(.locked, "the tables are renamed by others at the same time", isRetryable: true)
  }

  private func checkFree(_ renames: [(from: String, to: String)]) throws {
    let leaving = Set(renames.map(\.from))
    for rename in renames where !leaving.contains(rename.to) {
      guard pathExists(directory.path(try StoreNames.encode(rename.to, kind: "table"))) else { continue }
      throw alreadyExists(rename.to)
    }
  }

  private func rename(_ entry: JournalEntry) throws {
    if entry.renames.count > 1 {
      try decide(entry)
      return try complete(entry)
    }
    let only = entry.renames[0]
    let code = store.fileSystem.rename(directory.path(only.from), directory.path(only.to), .noReplace)
    if code == EEXIST || code == ENOTEMPTY { throw alreadyExists(percentDecoded(only.to)) }
    try SystemError.check(code, "cannot rename", joinPath(path, only.from))
    try SystemError.check(store.fileSystem.syncDirectory(directory.path), "cannot sync", path)
  }

  /// Moves a table out of sight; garbage collection deletes it once nobody reads it. Throws PATH_NOT_FOUND unless `ifExists`.
  @discardableResult
  package func dropTable(_ name: String, ifExists: Bool = false) throws -> StoreTable? {
    for _ in 0..<100 {
      guard let table = try anyTable(name) else {
        if ifExists { return nil }
        return try self.table(name)
      }
      let lock: FileLock
      do { lock = try table.lockForCommit() } catch let error as KConnectError where error.code == .pathNotFound { continue }
      defer { withExtendedLifetime(lock) {} }
      guard let entry = table.currentEntry, try entry == StoreNames.encode(name, kind: "table") else { continue }
      try moveToDropped(table, entry)
      return table
    }
    throw KConnectError(.locked, "the table '\(name)' is renamed by others at the same time", isRetryable: true)
  }

  /// Takes a table away under its commit lock.
  private func moveToDropped(_ table: StoreTable, _ entry: String) throws {
    let dropped = directory.path(Self.droppedDirectory)
    let code = store.fileSystem.makeDirectory(dropped)
    if code != 0, code != EEXIST { throw SystemError.make("cannot create", dropped, code) }
    try SystemError.check(
      store.fileSystem.rename(directory.path(entry), joinPath(dropped, table.id), .noReplace), "cannot drop the table", joinPath(path, entry))
    try SystemError.check(store.fileSystem.syncDirectory(directory.path), "cannot sync", path)
    forget(percentDecoded(entry))
  }

  /// Drops a table that this process made for rows that did not come; one that has seen a commit or rows since stays.
  func dropUnused(_ table: StoreTable) {
    guard let lock = try? table.lockForCommit() else { return }
    defer { withExtendedLifetime(lock) {} }
    guard let snapshot = try? table.snapshot(), snapshot.version == 0, snapshot.rowCount == 0, let entry = table.currentEntry else { return }
    _ = try? moveToDropped(table, entry)
  }

  /// The position up to which everything is committed now, for `cursor_after` and its kin.
  package func currentCursor() throws -> DatabaseCursor {
    let tables = try tables()
    // Rows that wait have no position before they are committed.
    for table in tables { try store.rowLogs.log(table.id)?.seal() }
    return DatabaseCursor(try Dictionary(tables.map { ($0.id, try $0.state().version) }) { a, _ in a })
  }
}

// Role: a database: a directory of tables, and the journal of commits that span several of them.
//
//   <database>/_journal/<operation>.json   commits and renames under way      <database>/.dropped/<id>   tables that were dropped
//   <database>/_journal/leases/<id>        one locked file per process

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import Synchronization

/// An open database.
package final class Database: Sendable {
  package let store: Store
  package let name: String
  /// The directory's path by name, for messages and renames.
  package let path: String
  let directory: Directory
  let leases: LeaseHolder
  private let known = Mutex<[String: StoreTable]>([:])
  /// The journal's directory as it was when nothing was in it.
  let emptyJournal = Mutex<FileStamp?>(nil)

  static let journalDirectory = "_journal"
  static let droppedDirectory = ".dropped"
  static let temporaryPrefix = ".new-"
  /// Tables of these prefixes hold what is stored of materialized views, stored query results, and snapshots of graphs; no name of a user's
  /// table begins so.
  static let viewPrefix = "$view-", resultPrefix = "$result-", graphPrefix = "$graph-"
  private static let ownPrefixes = [viewPrefix, resultPrefix, graphPrefix]

  /// Whether a name is that of a table which no command lists.
  static func isHidden(_ name: String) -> Bool { ownPrefixes.contains { name.hasPrefix($0) } }

  init(store: Store, name: String, path: String) throws {
    self.store = store
    self.name = name
    self.path = path
    directory = try Directory(path)
    leases = LeaseHolder(directory)
  }

  // MARK: Making and dropping

  /// Makes a database's directory; answers an errno, EEXIST when the name is taken.
  static func make(in store: String, directory: String, _ fileSystem: FileSystem) throws -> Int32 {
    let temporary = joinPath(store, temporaryPrefix + randomIdentifier())
    var code = fileSystem.makeDirectory(temporary)
    if code == 0 { code = fileSystem.makeDirectory(joinPath(temporary, journalDirectory)) }
    if code == 0 { code = fileSystem.rename(temporary, joinPath(store, directory), .noReplace) }
    if code != 0 {
      _ = fileSystem.removeTree(temporary)
      return code
    }
    return fileSystem.syncDirectory(store)
  }

  /// Makes (or takes over) a directory elsewhere and links the store's name to it.
  static func make(at place: String, linkedFrom link: String, _ fileSystem: FileSystem) throws -> Int32 {
    let (_, code) = fileSystem.makeDirectories(joinPath(place, journalDirectory))
    if code != 0 { return code }
    // SAFETY: symlink reads both zero-terminated bridged paths during the call.
    return unsafe symlink(resolvedPath(place), link) == 0 ? fileSystem.syncDirectory(parentPath(link)) : errno
  }

  /// Moves the directory to the store's `.dropped`.
  func drop() throws {
    let fileSystem = store.fileSystem
    var info = stat()
    // SAFETY: lstat fills `info` during the call.
    let isLink = unsafe lstat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFLNK
    if isLink { return try SystemError.check(fileSystem.remove(path), "cannot drop the database", path) }
    let dropped = joinPath(store.path, Self.droppedDirectory)
    try SystemError.check(fileSystem.makeDirectories(dropped).code, "cannot create", dropped)
    try SystemError.check(fileSystem.rename(path, joinPath(dropped, randomIdentifier()), .noReplace), "cannot drop the database", path)
    try SystemError.check(fileSystem.syncDirectory(store.path), "cannot sync", store.path)
  }

  // MARK: Tables

  /// The names of all tables, sorted by bytes. Renames under way that the last writer left behind are completed first.
  package func tableNames() throws -> [String] { try everyTableName().filter { !Self.isHidden($0) } }

  /// The names of all tables, with those that hold the stored parts of views.
  func everyTableName() throws -> [String] {
    try rollForward()
    return try DirectoryReader.names(in: directory.path).compactMap { entry in
      guard let name = StoreNames.decode(entry), pathKind(directory.path(entry) + "/_delta_log") == .directory else { return nil }
      return name
    }
  }

  /// All tables, sorted by name.
  package func tables() throws -> [StoreTable] { try tableNames().compactMap { try tableIfExists($0) } }

  /// All tables, with those that hold the stored parts of views: for whoever looks after files.
  package func everyTable() throws -> [StoreTable] { try everyTableName().compactMap { try anyTable($0) } }

  /// The table of that name; nil when there is none. Commits under way that the last writer left behind are completed first.
  package func tableIfExists(_ name: String) throws -> StoreTable? { Self.isHidden(name) ? nil : try anyTable(name) }

  /// As `tableIfExists`, for those that hold the stored parts of views as well.
  func anyTable(_ name: String) throws -> StoreTable? {
    guard let entry = try? StoreNames.encode(name, kind: "table") else { return nil }
    try rollForward()
    var found = Directory.identity(of: directory.path(entry))
    if found == nil {
      // On its way to this name, perhaps: renames of several tables take steps.
      try rollForward(waits: true)
      found = Directory.identity(of: directory.path(entry))
    }
    guard let identity = found else { return nil }
    return try known.withLock { known in
      if let same = known[name], same.directory.identity == identity { return same }
      guard pathKind(directory.path(entry) + "/_delta_log") == .directory else { return nil }
      let table = try StoreTable(database: self, name: name, entry: entry)
      known[name] = table
      return table
    }
  }

  /// The table of that name; throws PATH_NOT_FOUND with the nearest name.
  package func table(_ name: String) throws -> StoreTable {
    if let found = try tableIfExists(name) { return found }
    let names = try tableNames()
    throw KConnectError(
      .pathNotFound, "there is no table '\(name)' in the database '\(self.name)'",
      hint: nearestNames(to: name, among: names, limit: 1).first.map { "did you mean '\($0)'?" }
        ?? (names.isEmpty ? "the database has no tables" : "tables: \(names.prefix(12).joined(separator: ", "))"))
  }

  /// Makes an empty table; throws ALREADY_EXISTS unless `ifNotExists`, SCHEMA_MISMATCH for columns a Delta table cannot have.
  @discardableResult
  package func createTable(_ description: TableDescription, ifNotExists: Bool = false) throws -> StoreTable {
    try makeTable(description, ifNotExists: ifNotExists).table
  }

  static func ownName(_ name: String) -> KConnectError {
    KConnectError(.usage, "'\(name)' cannot be the name of a table: what begins with \(ownPrefixes.map { "'\($0)'" }.joined(separator: ", ")) is the store's own")
  }

  /// The same, telling whether it was this call that made the table.
  func makeTable(_ description: TableDescription, ifNotExists: Bool) throws -> (table: StoreTable, isNew: Bool) {
    for _ in 0..<3 {
      if let found = try tableIfExists(description.name) {
        if ifNotExists { return (found, false) }
        throw alreadyExists(description.name)
      }
      let draft = try draftTable(description)
      do { try publish(draft) } catch {
        discard(draft)
        if let error = error as? KConnectError, error.code == .alreadyExists { continue }
        throw error
      }
      return (try table(description.name), true)
    }
    throw KConnectError(.locked, "the table '\(description.name)' is made and dropped by others at the same time", isRetryable: true)
  }

  /// Lets go of its tables.
  func close() { known.withLock { $0 = [:] } }

  func forget(_ name: String) { known.withLock { _ = $0.removeValue(forKey: name) } }
}

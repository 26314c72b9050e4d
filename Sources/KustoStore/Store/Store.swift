// Role: the door to a store: a directory with a format mark and one directory for each database.
//
//   <store>/_kconnect/store.json    format version and id            <store>/.dropped/<id>      databases that were dropped
//   <store>/<database>/<table>      Delta tables                   <store>/_kconnect/places/<name>  <store>/<name> holds databases that are linked

#if canImport(Glibc)
import Glibc
#endif
import Columnar
package import DataSource
import Synchronization

/// An open store. Safe to use from any thread; many processes may have the same store open.
package final class Store: Sendable {
  /// Absolute, links resolved.
  package let path: String
  package let format: StoreFormat
  let fileSystem: FileSystem
  /// The row logs that this process writes.
  package let rowLogs = RowLogs()
  private let known = Mutex<[String: Database]>([:])

  /// Lets go of databases and tables that were opened: they hold descriptors, and know the store that knows them. It can still be used.
  package func close() {
    for database in known.withLock({ known in
      defer { known = [:] }
      return Array(known.values)
    }) { database.close() }
  }

  private init(path: String, format: StoreFormat, fileSystem: FileSystem) throws {
    self.path = path
    self.format = format
    self.fileSystem = fileSystem
  }

  /// Opens a store; with `create`, a missing or empty directory becomes one. Throws PATH_NOT_FOUND, NOT_SUPPORTED for newer formats, and
  /// CONFIGURATION for a directory that holds something else.
  package static func open(_ path: String, create: Bool = false, fileSystem: FileSystem = .system) throws -> Store {
    switch pathKind(path) {
    case .missing:
      guard create else {
        throw KConnectError(.pathNotFound, "there is no store at '\(path)'", hint: "choose it with --store DIR or KCONNECT_STORE; the first write creates it")
      }
      let (_, code) = fileSystem.makeDirectories(path)
      try SystemError.check(code, "cannot create the store", path)
    case .directory: break
    case .file, .special: throw KConnectError(.configuration, "'\(path)' is no directory, expected a store")
    }
    let path = resolvedPath(path)
    if let format = try StoreFormat.read(path) { return try Store(path: path, format: format, fileSystem: fileSystem) }
    let contents = try DirectoryReader.names(in: path).filter { $0 != StoreFormat.directory }
    guard contents.isEmpty else {
      throw KConnectError(.configuration, "'\(path)' is no store: it holds '\(contents[0])' and no store mark", hint: "choose an empty or missing directory")
    }
    guard create else { throw KConnectError(.pathNotFound, "there is no store at '\(path)': the directory is empty") }
    let (_, code) = fileSystem.makeDirectories(joinPath(path, StoreFormat.directory))
    try SystemError.check(code, "cannot create the store", path)
    let format = try StoreFormat.create(path, fileSystem: fileSystem)
    return try Store(path: path, format: format, fileSystem: fileSystem)
  }

  // MARK: Databases

  /// The names of all databases, sorted.
  package func databaseNames() throws -> [String] {
    try DirectoryReader.names(in: path).compactMap { directory in
      guard let name = StoreNames.decode(directory), isDatabase(directory) else { return nil }
      return name
    }
  }

  /// Whether a name in the store's directory is that of a database.
  private func isDatabase(_ directory: String) -> Bool { pathKind(joinPath(path, directory)) == .directory && !pathExists(placeMark(directory)) }

  /// What says that a directory of the store is no database, but the place of databases that links name.
  private func placeMark(_ directory: String) -> String { joinPath(joinPath(joinPath(path, StoreFormat.directory), "places"), directory) }

  /// The database of that name; nil when there is none.
  package func databaseIfExists(_ name: String) throws -> Database? {
    guard let directory = try? StoreNames.encode(name, kind: "database") else { return nil }
    let path = joinPath(self.path, directory)
    guard let identity = Directory.identity(of: path), isDatabase(directory) else { return nil }
    return try known.withLock { known in
      if let same = known[name], same.directory.identity == identity { return same }
      let database = try Database(store: self, name: name, path: path)
      known[name] = database
      return database
    }
  }

  /// The database of that name; throws PATH_NOT_FOUND with the nearest name.
  package func database(_ name: String) throws -> Database {
    if let found = try databaseIfExists(name) { return found }
    let names = try databaseNames()
    throw KConnectError(
      .pathNotFound, "there is no database '\(name)' in the store '\(path)'",
      hint: nearestNames(to: name, among: names, limit: 1).first.map { "did you mean '\($0)'?" }
        ?? (names.isEmpty ? "the store has no databases; create one with .create database" : "databases: \(names.prefix(12).joined(separator: ", "))"))
  }

  /// Makes a database; `at` puts its directory elsewhere and links to it. Throws ALREADY_EXISTS unless `ifNotExists`, and for a place where another
  /// database stands.
  @discardableResult
  package func createDatabase(_ name: String, ifNotExists: Bool = false, at place: String? = nil) throws -> Database {
    let directory = try StoreNames.encode(name, kind: "database")
    if let found = try databaseIfExists(name) {
      if ifNotExists { return found }
      throw KConnectError(.alreadyExists, "the database '\(name)' exists already")
    }
    if let place { try claim(place, for: directory) }
    let code = try place.map { try Database.make(at: $0, linkedFrom: joinPath(path, directory), fileSystem) }
      ?? Database.make(in: path, directory: directory, fileSystem)
    // A mark of a directory that somebody took away.
    if code == 0 { _ = fileSystem.remove(placeMark(directory)) }
    if code == EEXIST {
      if ifNotExists, let found = try databaseIfExists(name) { return found }
      throw KConnectError(.alreadyExists, "the database '\(name)' exists already")
    }
    try SystemError.check(code, "cannot create the database", joinPath(path, directory))
    return try database(name)
  }

  /// Makes the directory for a database that is to be linked. One in the store's own is marked, so that it is no second database.
  private func claim(_ place: String, for directory: String) throws {
    if let identity = Directory.identity(of: place), let other = try databaseNames().first(where: { try databaseIfExists($0)?.directory.identity == identity }) {
      throw KConnectError(.alreadyExists, "the database '\(other)' stands at '\(place)' already", hint: "two names for one place are not kept; use '\(other)'")
    }
    let (created, code) = fileSystem.makeDirectories(place)
    try SystemError.check(code, "cannot create the database", place)
    let resolved = resolvedPath(place)
    guard resolved.hasPrefix(path + "/"), let first = resolved.dropFirst(path.count + 1).split(separator: "/").first else { return }
    let entry = String(first)
    guard entry != directory else {
      for path in created.reversed() { _ = fileSystem.removeDirectory(path) }
      throw KConnectError(.usage, "'\(place)' lies in the store where the database's own name stands", hint: "choose another place, or leave persist (…) out")
    }
    guard StoreNames.decode(entry) != nil, pathKind(joinPath(joinPath(path, entry), Database.journalDirectory)) != .directory else { return }
    let mark = placeMark(entry)
    try SystemError.check(fileSystem.makeDirectories(parentPath(mark)).code, "cannot create", parentPath(mark))
    if case .notDurable(let cause) = try SmallFile.put("".utf8, name: entry, in: parentPath(mark), fileSystem: fileSystem) { throw cause }
  }

  /// Moves a database out of sight; garbage collection deletes it. Throws PATH_NOT_FOUND unless `ifExists`. A linked one is only unlinked.
  package func dropDatabase(_ name: String, ifExists: Bool = false) throws {
    guard let database = try databaseIfExists(name) else {
      if ifExists { return }
      _ = try self.database(name)
      return
    }
    try database.drop()
    known.withLock { _ = $0.removeValue(forKey: name) }
  }
}

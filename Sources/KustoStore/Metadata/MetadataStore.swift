// Role: everything a store knows besides table contents, in one SQLite file (`<store>/_kconnect/metadata.sqlite`, through GRDB): functions,
// mappings, policies, views, external tables, principals as entries; operations, failures and the journal as logs. Entries of a table are keyed
// by the table's id (`metaData.id`), so they follow renames and never reach a new table of an old name.

import DataSource
import GRDB
import Synchronization

/// The metadata of one store. Safe from any thread; many processes may use the file at once.
package final class MetadataStore: Sendable {
  package let path: String
  private let queue = Mutex<DatabaseQueue?>(nil)

  static let fileName = "metadata.sqlite"

  init(storePath: String) { path = joinPath(joinPath(storePath, StoreFormat.directory), Self.fileName) }

  /// Runs `body` on a consistent state; answers `absent` while the store has no metadata yet.
  func read<Value>(absent: Value, _ body: (GRDB.Database) throws -> Value) throws -> Value {
    guard let queue = try open(creating: false) else { return absent }
    return try translating { try queue.read(body) }
  }

  /// Runs `body` in one transaction, durable when it returns.
  func write<Value>(_ body: (GRDB.Database) throws -> Value) throws -> Value {
    guard let queue = try open(creating: true) else { throw KConnectError(.internalError, "the metadata of the store was not created") }
    return try translating { try queue.write(body) }
  }

  /// Copies everything, as of one moment, into a store that has no metadata yet.
  func copy(toStore storePath: String) throws {
    guard let queue = try open(creating: false) else { return }
    let target = joinPath(joinPath(storePath, StoreFormat.directory), Self.fileName)
    try translating { try queue.inDatabase { try $0.execute(sql: "VACUUM INTO ?", arguments: [target]) } }
  }

  private func open(creating: Bool) throws -> DatabaseQueue? {
    try queue.withLock { queue in
      if let queue { return queue }
      if !creating, !pathExists(path) { return nil }
      var configuration = Configuration()
      configuration.busyMode = .timeout(20)
      configuration.prepareDatabase { database in
        try database.execute(sql: "PRAGMA journal_mode = WAL")
        try database.execute(sql: "PRAGMA synchronous = FULL")
      }
      let opened = try translating {
        let opened = try DatabaseQueue(path: path, configuration: configuration)
        // Whoever only reads does not wait for those who write.
        if try opened.read({ try MetadataSchema.found($0) }) != MetadataSchema.version { try opened.write { try MetadataSchema.prepare($0) } }
        return opened
      }
      queue = opened
      return opened
    }
  }

  /// SQLite's errors as ours; a file that stays locked is retryable.
  private func translating<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as DatabaseError {
      let isBusy = error.resultCode == .SQLITE_BUSY || error.resultCode == .SQLITE_LOCKED
      throw KConnectError(
        isBusy ? .locked : error.resultCode == .SQLITE_FULL ? .diskFull : error.resultCode == .SQLITE_NOTADB || error.resultCode == .SQLITE_CORRUPT ? .formatCorrupt : .io,
        "the store's metadata '\(path)': \(error.message ?? "SQLite error \(error.resultCode.rawValue)")", isRetryable: isBusy)
    }
  }
}

/// The tables of the file.
enum MetadataSchema {
  static let version = 1

  /// The version of the file; 0 for a new one.
  static func found(_ database: GRDB.Database) throws -> Int { try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0 }

  static func prepare(_ database: GRDB.Database) throws {
    let found = try found(database)
    guard found <= version else {
      throw KConnectError(.notSupported, "the store's metadata has version \(found); this program reads up to version \(version)", hint: "use a newer kconnect")
    }
    if found == version { return }
    try database.execute(
      sql: """
        CREATE TABLE entry (kind TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL, updated INTEGER NOT NULL,
          PRIMARY KEY (kind, scope, name)) WITHOUT ROWID;
        CREATE TABLE operation (id TEXT PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL, database TEXT NOT NULL, state TEXT NOT NULL,
          status TEXT NOT NULL, started INTEGER NOT NULL, updated INTEGER NOT NULL, request TEXT NOT NULL, principal TEXT NOT NULL,
          owner TEXT NOT NULL, retry INTEGER NOT NULL, application TEXT NOT NULL, cpu INTEGER NOT NULL, result TEXT);
        CREATE INDEX operation_started ON operation (started);
        CREATE TABLE failure (operation TEXT NOT NULL, database TEXT NOT NULL, target TEXT NOT NULL, failed INTEGER NOT NULL, path TEXT NOT NULL,
          details TEXT NOT NULL, permanent INTEGER NOT NULL, kind TEXT NOT NULL, policy INTEGER NOT NULL, code TEXT NOT NULL,
          principal TEXT NOT NULL, properties TEXT NOT NULL, streaming INTEGER NOT NULL);
        CREATE TABLE journal (event TEXT NOT NULL, time INTEGER NOT NULL, database TEXT NOT NULL, entity TEXT NOT NULL, updated TEXT NOT NULL,
          before TEXT NOT NULL, after TEXT NOT NULL, command TEXT NOT NULL, principal TEXT NOT NULL, request TEXT NOT NULL);
        CREATE INDEX journal_time ON journal (time);
        PRAGMA user_version = 1;
        """)
  }
}

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
  private let answers = Mutex(Answers())

  static let fileName = "metadata.sqlite"

  private let storePath: String

  init(storePath: String) {
    self.storePath = storePath
    path = joinPath(joinPath(storePath, StoreFormat.directory), Self.fileName)
  }

  /// Runs `body` on a consistent state; answers `absent` while the store has no metadata yet.
  func read<Value>(absent: Value, _ body: (GRDB.Database) throws -> Value) throws -> Value {
    guard let queue = try open(creating: false) else { return absent }
    return try translating { try queue.read(body) }
  }

  /// Answers to questions, as long as the file is as it was.
  private struct Answers {
    var stamps: [FileStamp?] = []
    var values: [String: any Sendable] = [:]
    static let most = 4_096
  }

  private final class Answer<Value: Sendable>: Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
  }

  /// As `read`, for small answers that every request asks for: kept under the question's text until the file changes, here or in other processes.
  func answer<Value: Sendable>(_ question: String, absent: Value, _ body: (GRDB.Database) throws -> Value) throws -> Value {
    let stamps = [FileStamp(of: path), FileStamp(of: path + "-wal")]
    let known = answers.withLock { $0.stamps == stamps ? $0.values[question] : nil }
    if let known = known as? Answer<Value> { return known.value }
    let value = try read(absent: absent, body)
    if stamps.allSatisfy({ $0?.isSettled ?? true }) {
      let kept = Answer(value)
      answers.withLock { answers in
        if answers.stamps != stamps || answers.values.count >= Answers.most { answers = Answers(stamps: stamps) }
        answers.values[question] = kept
      }
    }
    return value
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
    if isClosed { try Self.makeEmpty(target) }
    try translating { try queue.inDatabase { try $0.execute(sql: "VACUUM INTO ?", arguments: [target]) } }
  }

  private func open(creating: Bool) throws -> DatabaseQueue? {
    try queue.withLock { queue in
      if let queue { return queue }
      if !creating, !pathExists(path) { return nil }
      let opened = try openWritable() ?? openReadOnly()
      queue = opened
      return opened
    }
  }

  /// Nil on a medium that takes no writes.
  private func openWritable() throws -> DatabaseQueue? {
    do {
      var configuration = Configuration()
      configuration.busyMode = .timeout(20)
      configuration.prepareDatabase { database in
        try database.execute(sql: "PRAGMA journal_mode = WAL")
        try database.execute(sql: "PRAGMA synchronous = FULL")
      }
      let opened = try DatabaseQueue(path: path, configuration: configuration)
      // Whoever only reads does not wait for those who write.
      if try opened.read({ try MetadataSchema.found($0) }) != MetadataSchema.version { try opened.write { try MetadataSchema.prepare($0, storePath: storePath) } }
      return opened
    } catch let error as DatabaseError where pathExists(path) && !pathExists(path + "-wal") && [.SQLITE_READONLY, .SQLITE_CANTOPEN].contains(error.resultCode) {
      return nil
    } catch {
      return try translating { () throws -> DatabaseQueue? in throw error }
    }
  }

  /// The file as it is, which nobody can change: without a log beside it nobody has it open, and no locks are needed.
  private func openReadOnly() throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.readonly = true
    return try translating {
      let opened = try DatabaseQueue(path: "file:\(percentEncoded(path))?immutable=1", configuration: configuration)
      _ = try opened.read { try MetadataSchema.check($0) }
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
  static let version = 2

  /// The version of the file; 0 for a new one.
  static func found(_ database: GRDB.Database) throws -> Int { try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0 }

  /// Throws NOT_SUPPORTED for a newer file.
  @discardableResult
  static func check(_ database: GRDB.Database) throws -> Int {
    let found = try found(database)
    guard found <= version else {
      throw KConnectError(.notSupported, "the store's metadata has version \(found); this program reads up to version \(version)", hint: "use a newer kconnect")
    }
    return found
  }

  /// Makes the tables, or brings those of an older file to this version.
  static func prepare(_ database: GRDB.Database, storePath: String) throws {
    let found = try check(database)
    if found == version { return }
    if found == 1 {
      try encodeScopes(database, storePath)
      return try database.execute(sql: "PRAGMA user_version = 2")
    }
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
        PRAGMA user_version = 2;
        """)
  }

  /// Scopes of views, external tables and functions were written with the bare name of their database up to version 1, which could be read in more
  /// than one way when it held a slash.
  private static func encodeScopes(_ database: GRDB.Database, _ storePath: String) throws {
    let databases = ((try? DirectoryReader.names(in: storePath)) ?? []).compactMap(StoreNames.decode).filter { $0.contains("/") || $0.contains("%") }
    for name in databases {
      for (kind, entity) in [("view", EntryKind.view), ("external", .externalTable), ("function", .function)] {
        let old = kind + ":" + name + "/"
        let scopes = try String.fetchAll(
          database, sql: "SELECT DISTINCT scope FROM entry WHERE substr(scope, 1, ?) = ?", arguments: [old.unicodeScalars.count, old])
        for scope in scopes {
          let rest = String(scope.dropFirst(old.count))
          // The scope may be that of another database's entity, whose name holds the slash.
          let isThere = try Bool.fetchOne(
            database, sql: "SELECT EXISTS (SELECT 1 FROM entry WHERE kind = ? AND scope = ? AND name = ?)",
            arguments: [entity.rawValue, EntryScope.database(name).text, rest])
          guard isThere == true else { continue }
          try database.execute(sql: "UPDATE OR REPLACE entry SET scope = ? WHERE scope = ?", arguments: [EntryScope.prefix(kind, of: name) + rest, scope])
        }
      }
    }
  }
}

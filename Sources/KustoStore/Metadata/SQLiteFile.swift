// Role: one SQLite file of a store, through GRDB: opened at its first use, its tables made or brought to the version of this program.

import DataSource
import GRDB
import Synchronization

/// What a file holds and how it is used.
struct SQLiteLayout: Sendable {
  /// As messages name the file.
  var title: String
  var version: Int
  /// Makes the tables of a file of the version it is given; 0: it is new.
  var prepare: @Sendable (GRDB.Database, Int) throws -> Void
  /// SQLite's `synchronous`: with FULL a transaction is durable when it returns, with NORMAL soon after, and whole in any case.
  var synchronous = "FULL"
  /// How long to wait for other processes.
  var busySeconds: Double = 20
}

/// One file. Safe from any thread; many processes may use it at once.
final class SQLiteFile: Sendable {
  let path: String
  private let layout: SQLiteLayout
  private let queue = Mutex<DatabaseQueue?>(nil)

  init(path: String, _ layout: SQLiteLayout) {
    self.path = path
    self.layout = layout
  }

  /// Runs `body` on a consistent state; answers `absent` while there is no file.
  func read<Value>(absent: Value, _ body: (GRDB.Database) throws -> Value) throws -> Value {
    guard let queue = try open(creating: false) else { return absent }
    return try translating { try queue.read(body) }
  }

  /// Runs `body` in one transaction.
  func write<Value>(_ body: (GRDB.Database) throws -> Value) throws -> Value {
    guard let queue = try open(creating: true) else { throw KConnectError(.internalError, "\(layout.title) was not created") }
    return try translating { try queue.write(body) }
  }

  /// Copies everything, as of one moment, into a file that is empty or not there.
  func copy(to target: String) throws {
    guard let queue = try open(creating: false) else { return }
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
      configuration.busyMode = .timeout(layout.busySeconds)
      let synchronous = layout.synchronous
      configuration.prepareDatabase { database in
        try database.execute(sql: "PRAGMA journal_mode = WAL")
        try database.execute(sql: "PRAGMA synchronous = \(synchronous)")
      }
      let opened = try DatabaseQueue(path: path, configuration: configuration)
      // Whoever only reads does not wait for those who write.
      if try opened.read({ try Self.version($0) }) != layout.version { try opened.write { try prepare($0) } }
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
      _ = try opened.read { try check($0) }
      return opened
    }
  }

  /// The version of the file; 0 for a new one.
  private static func version(_ database: GRDB.Database) throws -> Int { try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0 }

  /// The version of the file; throws NOT_SUPPORTED for a newer one.
  private func check(_ database: GRDB.Database) throws -> Int {
    let found = try Self.version(database)
    guard found <= layout.version else {
      throw KConnectError(
        .notSupported, "\(layout.title) has version \(found); this program reads up to version \(layout.version)", hint: "use a newer kconnect")
    }
    return found
  }

  /// Makes the tables, or brings those of an older file to this version.
  private func prepare(_ database: GRDB.Database) throws {
    let found = try check(database)
    if found == layout.version { return }
    try layout.prepare(database, found)
    try database.execute(sql: "PRAGMA user_version = \(layout.version)")
  }

  /// SQLite's errors as ours; a file that stays locked is retryable.
  private func translating<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as DatabaseError {
      let isBusy = error.resultCode == .SQLITE_BUSY || error.resultCode == .SQLITE_LOCKED
      throw KConnectError(
        isBusy ? .locked : error.resultCode == .SQLITE_FULL ? .diskFull : error.resultCode == .SQLITE_NOTADB || error.resultCode == .SQLITE_CORRUPT ? .formatCorrupt : .io,
        "\(layout.title) '\(path)': \(error.message ?? "SQLite error \(error.resultCode.rawValue)")", isRetryable: isBusy)
    }
  }
}

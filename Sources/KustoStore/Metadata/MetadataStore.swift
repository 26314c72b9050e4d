// Role: everything a store knows besides table contents, in one SQLite file (`<store>/_kconnect/metadata.sqlite`, through GRDB): functions,
// mappings, policies, views, external tables, principals as entries; operations, failures and the journal as logs. Entries of a table are keyed
// by the table's id (`metaData.id`), so they follow renames and never reach a new table of an old name.

import DataSource
import GRDB
import Synchronization

/// The metadata of one store. Safe from any thread; many processes may use the file at once.
package final class MetadataStore: Sendable {
  package var path: String { file.path }
  private let file: SQLiteFile
  private let answers = Mutex(Answers())
  /// The file whose mode was looked at together with those of its companions (`protect`).
  let protected = Mutex<Directory.Identity?>(nil)

  static let fileName = "metadata.sqlite"

  init(storePath: String) {
    let layout = SQLiteLayout(title: "the store's metadata", version: MetadataSchema.version) { try MetadataSchema.prepare($0, found: $1, storePath: storePath) }
    file = SQLiteFile(path: joinPath(joinPath(storePath, StoreFormat.directory), Self.fileName), layout)
  }

  /// Runs `body` on a consistent state; answers `absent` while the store has no metadata yet.
  func read<Value>(absent: Value, _ body: (GRDB.Database) throws -> Value) throws -> Value { try file.read(absent: absent, body) }

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
  func write<Value>(_ body: (GRDB.Database) throws -> Value) throws -> Value { try file.write(body) }

  /// Copies everything, as of one moment, into a store that has no metadata yet.
  func copy(toStore storePath: String) throws {
    let target = joinPath(joinPath(storePath, StoreFormat.directory), Self.fileName)
    if isClosed { try Self.makeEmpty(target) }
    try file.copy(to: target)
  }
}

/// The tables of the file.
enum MetadataSchema {
  static let version = 2

  /// Makes the tables, or brings those of an older file to this version.
  static func prepare(_ database: GRDB.Database, found: Int, storePath: String) throws {
    if found == 1 { return try encodeScopes(database, storePath) }
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

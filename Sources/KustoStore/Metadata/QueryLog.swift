// Role: the queries of all processes that have ended, for 30 days, in a file of their own (`<store>/_kconnect/queries.sqlite`). It may change each
// second, and answers about definitions hold only while the file of the metadata stays as it is; what it loses is no loss of the store.
// Source: Kusto, ".show queries command".

import Columnar
import DataSource
import GRDB

/// A query as `.show queries` lists it. Times are ticks of 100 ns since 1970.
struct QueryRecord: Sendable {
  var activityId: GUID
  var requestId: String
  /// With secrets hidden.
  var text: String
  var database: String
  var principal: String
  var application: String
  var startedOn: Int64
  var updatedOn: Int64
  /// `Running`, `Completed`, `Failed`, `Canceled`.
  var state: String
  var failure: String
  /// Ticks of processor time.
  var cpu: Int64
  /// Bytes.
  var peakMemory: Int
  /// The columns ScannedExtentsStatistics and ResultSetStatistics.
  var scanned: DynamicValue
  var results: DynamicValue
}

/// The log of one store. Safe from any thread; many processes may use it at once.
final class QueryLog: Sendable {
  /// The most queries that are kept.
  static let most = 10_000
  private static let mostTextBytes = 16_384
  private static let keptTicks: Int64 = 30 * 864_000_000_000
  private static var oldest: Int64 { StoreClock.nowTicks - keptTicks }
  private let file: SQLiteFile
  private let metadata: MetadataStore

  init(_ metadata: MetadataStore) {
    self.metadata = metadata
    file = SQLiteFile(path: Self.path(besides: metadata.path), Self.layout)
  }

  /// Where the log stands, beside the metadata.
  static func path(besides metadata: String) -> String { joinPath(parentPath(metadata), "queries.sqlite") }

  /// A transaction need not be durable at once, and nobody is to wait for it.
  private static let layout = SQLiteLayout(
    title: "the store's log of queries", version: 1,
    prepare: { database, _ in
      try database.execute(
        sql: """
          CREATE TABLE query (id TEXT PRIMARY KEY, request TEXT NOT NULL, text TEXT NOT NULL, database TEXT NOT NULL, principal TEXT NOT NULL,
            application TEXT NOT NULL, started INTEGER NOT NULL, updated INTEGER NOT NULL, state TEXT NOT NULL, failure TEXT NOT NULL,
            cpu INTEGER NOT NULL, memory INTEGER NOT NULL, scanned TEXT NOT NULL, results TEXT NOT NULL);
          CREATE INDEX query_started ON query (started);
          """)
    }, synchronous: "NORMAL", busySeconds: 0.02)

  /// Adds queries, oldest first, in one transaction, and drops those that are too many or too old. Throws LOCKED (retryable) while another process writes.
  func add(_ records: [QueryRecord]) throws {
    // As closed to others as the metadata, which tell as much.
    if metadata.isClosed, !pathExists(file.path) { try MetadataStore.makeEmpty(file.path) }
    try file.write { database in
      let insert = try database.cachedStatement(sql: "INSERT OR IGNORE INTO query VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      for record in records {
        try insert.execute(arguments: [
          record.activityId.description, record.requestId, Self.cut(record.text), record.database, record.principal, record.application, record.startedOn,
          record.updatedOn, record.state, record.failure, record.cpu, record.peakMemory, record.scanned.json, record.results.json,
        ])
      }
      try database.execute(sql: "DELETE FROM query WHERE started < ?", arguments: [Self.oldest])
      try database.execute(sql: "DELETE FROM query WHERE rowid <= (SELECT max(rowid) FROM query) - ?", arguments: [Self.most])
    }
  }

  /// Its first bytes.
  private static func cut(_ text: String) -> String { text.utf8.count > mostTextBytes ? String(decoding: text.utf8.prefix(mostTextBytes), as: UTF8.self) : text }

  /// Newest first.
  func records() throws -> [QueryRecord] {
    try file.read(absent: []) { database in
      try Row.fetchAll(database, sql: "SELECT * FROM query WHERE started >= ? ORDER BY updated DESC, rowid DESC", arguments: [Self.oldest]).map { row in
        QueryRecord(
          activityId: GUID(row["id"] as String) ?? GUID(high: 0, low: 0), requestId: row["request"], text: row["text"], database: row["database"],
          principal: row["principal"], application: row["application"], startedOn: row["started"], updatedOn: row["updated"], state: row["state"],
          failure: row["failure"], cpu: row["cpu"], peakMemory: row["memory"], scanned: DynamicValue(json: row["scanned"] as String) ?? .bag([]),
          results: DynamicValue(json: row["results"] as String) ?? .bag([]))
      }
    }
  }
}

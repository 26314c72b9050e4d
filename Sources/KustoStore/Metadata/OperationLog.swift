// Role: the log of commands that change something: state, result of asynchronous ones, failures of ingestion, and the journal of definitions.

import Columnar
import DataSource
import GRDB

#if canImport(Glibc)
import Glibc
#endif

/// One logged command. Times are ticks of 100 ns since 1970.
struct OperationRecord: Sendable {
  var id: GUID
  var kind: String
  var text: String
  var database: String
  /// `InProgress`, `Completed`, `Failed`, `Canceled`, `Abandoned`, …
  var state: String
  var status: String
  var startedOn: Int64
  var updatedOn: Int64
  var requestId: String
  var principal: String
  var shouldRetry: Bool
  var application: String
  /// Ticks of processor time.
  var cpu: Int64
  /// The table an asynchronous command gave, as JSON (`ResultDocument`).
  var result: String?
}

/// One failed ingestion.
struct FailureRecord: Sendable {
  var operation: GUID
  var database: String
  var table: String
  var failedOn: Int64
  var path: String
  var details: String
  var isPermanent: Bool
  var kind: String
  var comesFromPolicy: Bool
  var code: String
  var principal: String
  var properties: String
  var isStreaming: Bool
}

/// One change of a definition.
struct JournalRecord: Sendable {
  var event: String
  var time: Int64
  var database: String
  var entity: String
  var updatedEntity: String
  var before: String
  var after: String
  var command: String
  var principal: String
  var requestId: String
}

extension MetadataStore {
  /// Records older than this are dropped when new ones come.
  private static let keptTicks: Int64 = 30 * 864_000_000_000
  /// The most operations that are kept: a stream makes one with every batch.
  private static let mostOperations = 100_000

  func begin(_ operation: OperationRecord) throws {
    try write { database in
      try database.execute(sql: "DELETE FROM operation WHERE started < ?", arguments: [operation.startedOn - Self.keptTicks])
      try database.execute(sql: "DELETE FROM operation WHERE rowid <= (SELECT max(rowid) FROM operation) - ?", arguments: [Self.mostOperations])
      try database.execute(
        sql: "INSERT INTO operation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          operation.id.description, operation.kind, operation.text, operation.database, operation.state, operation.status, operation.startedOn,
          operation.updatedOn, operation.requestId, operation.principal, Self.ownProcess, operation.shouldRetry, operation.application, operation.cpu,
          operation.result,
        ])
    }
  }

  func finish(_ id: GUID, state: String, status: String, shouldRetry: Bool, cpu: Int64, result: String?) throws {
    try write { database in
      try database.execute(
        sql: "UPDATE operation SET state = ?, status = ?, updated = ?, retry = ?, cpu = ?, result = ? WHERE id = ?",
        arguments: [state, status, StoreClock.nowTicks, shouldRetry, cpu, result, id.description])
    }
  }

  /// Newest first; those of a process that is gone without an end are shown as abandoned.
  func operations(_ ids: [GUID] = []) throws -> [OperationRecord] {
    try read(absent: []) { database in
      let rows =
        ids.isEmpty
        ? try Row.fetchAll(database, sql: "SELECT * FROM operation ORDER BY started DESC, rowid DESC")
        : try ids.flatMap { try Row.fetchAll(database, sql: "SELECT * FROM operation WHERE id = ?", arguments: [$0.description]) }
      return rows.map(Self.operation)
    }
  }

  private static func operation(_ row: Row) -> OperationRecord {
    var state: String = row["state"]
    var status: String = row["status"]
    if state == "InProgress", !isRunning(row["owner"]) {
      state = "Abandoned"
      status = "the process that ran it ended before it"
    }
    return OperationRecord(
      id: GUID(row["id"] as String) ?? GUID(high: 0, low: 0), kind: row["kind"], text: row["text"], database: row["database"], state: state, status: status,
      startedOn: row["started"], updatedOn: row["updated"], requestId: row["request"], principal: row["principal"], shouldRetry: row["retry"],
      application: row["application"], cpu: row["cpu"], result: row["result"])
  }

  func add(_ failure: FailureRecord) throws {
    try write { database in
      try database.execute(sql: "DELETE FROM failure WHERE failed < ?", arguments: [failure.failedOn - Self.keptTicks])
      try database.execute(
        sql: "INSERT INTO failure VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          failure.operation.description, failure.database, failure.table, failure.failedOn, failure.path, failure.details, failure.isPermanent,
          failure.kind, failure.comesFromPolicy, failure.code, failure.principal, failure.properties, failure.isStreaming,
        ])
    }
  }

  func failures(streaming: Bool) throws -> [FailureRecord] {
    try read(absent: []) { database in
      try Row.fetchAll(database, sql: "SELECT * FROM failure WHERE streaming = ? ORDER BY failed DESC", arguments: [streaming]).map { row in
        FailureRecord(
          operation: GUID(row["operation"] as String) ?? GUID(high: 0, low: 0), database: row["database"], table: row["target"], failedOn: row["failed"],
          path: row["path"], details: row["details"], isPermanent: row["permanent"], kind: row["kind"], comesFromPolicy: row["policy"], code: row["code"],
          principal: row["principal"], properties: row["properties"], isStreaming: row["streaming"])
      }
    }
  }

  func add(_ record: JournalRecord) throws {
    try write { database in
      try database.execute(
        sql: "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          record.event, record.time, record.database, record.entity, record.updatedEntity, record.before, record.after, record.command, record.principal,
          record.requestId,
        ])
    }
  }

  /// Notes a change of a definition that no command made: a write that made its table, a policy that took one away.
  func note(_ event: String, _ entity: String, in database: String, after: String = "") throws {
    let principal = Principal.process.fullyQualifiedName
    try add(
      JournalRecord(
        event: event, time: StoreClock.nowTicks, database: database, entity: entity, updatedEntity: entity, before: "", after: after, command: "", principal: principal,
        requestId: ""))
  }

  /// Oldest first, as Kusto lists them.
  func journal(database name: String?) throws -> [JournalRecord] {
    try read(absent: []) { database in
      let rows =
        try name.map { try Row.fetchAll(database, sql: "SELECT * FROM journal WHERE database = ? ORDER BY time", arguments: [$0]) }
        ?? Row.fetchAll(database, sql: "SELECT * FROM journal ORDER BY time")
      return rows.map { row in
        JournalRecord(
          event: row["event"], time: row["time"], database: row["database"], entity: row["entity"], updatedEntity: row["updated"], before: row["before"],
          after: row["after"], command: row["command"], principal: row["principal"], requestId: row["request"])
      }
    }
  }

  // MARK: Processes

  /// This process: its number and start time, which together are not used again.
  private static var ownProcess: String { "\(getpid()):\(startTime(of: getpid()) ?? "")" }

  private static func isRunning(_ owner: String) -> Bool {
    let parts = owner.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let pid = Int32(parts[0]), let start = startTime(of: pid) else { return false }
    return start == parts[1]
  }

  /// Field 22 of `/proc/<pid>/stat`.
  private static func startTime(of pid: Int32) -> String? {
    guard let text = try? SmallFile.readSpecial("/proc/\(pid)/stat"), let close = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: close)...].split(separator: " ")
    return fields.count > 19 ? String(fields[19]) : nil
  }
}

extension SmallFile {
  /// A file of the kernel, which has no size: its first 4 KiB.
  static func readSpecial(_ path: String) throws -> String {
    let file = try InputFile(path: path)
    // SAFETY: `read` fills at most the 4 KiB it is given and says how many.
    let bytes = try unsafe [UInt8](capturing: 4_096) { try unsafe file.read(into: $0) }
    return String(decoding: bytes, as: UTF8.self)
  }
}

// Role: what a write asks about its table, and the commands that make tables: each is one request.
// Source: ".show table schema", ".create-merge table", ".show operations".

import Columnar
import DataSource
import KQL
import KustoWire

/// Commands about the tables of one database.
struct ClusterTables: Sendable {
  let client: ClusterClient
  let database: String

  static func quoted(_ name: String) -> String { "['" + String(KQLPrinter.quoted(string: name).dropFirst().dropLast()) + "']" }

  /// The table's columns; nil when there is no such table.
  func schema(_ table: String) throws -> StructType? {
    let answer: CommandAnswer
    do {
      answer = try client.command(".show table \(Self.quoted(table)) schema as json", database: database, activity: "schemaShow")
    } catch let error as KConnectError where error.code == .pathNotFound && Self.isAboutTable(error) { return nil }
    guard let text = answer.texts("Schema").first, let value = try? DynamicValue(parsing: text), case .array(let columns)? = value["OrderedColumns"] else {
      if answer.rowCount == 0 { return nil }
      throw KConnectError(.formatCorrupt, "the schema of the table '\(table)' is not understood")
    }
    return StructType(
      try columns.map { column in
        guard case .string(let name)? = column["Name"], case .string(let typeName)? = column["CslType"] ?? column["Type"], let type = DataType(name: typeName) else {
          throw KConnectError(.formatCorrupt, "the schema of the table '\(table)' has a column that is not understood")
        }
        return StructField(name, type)
      })
  }

  /// The error is about the table, not the database.
  private static func isAboutTable(_ error: KConnectError) -> Bool {
    guard let failure = RequestFailure.of(error) else { return true }
    let service = failure.service
    return !service.code.contains("Database") && !service.type.contains("Database") && !service.message.contains("no database") && !service.message.contains("kind 'Database'")
  }

  /// Makes the table, or adds columns to it.
  func createMerge(_ table: String, _ schema: StructType) throws {
    _ = try client.command(".create-merge table \(Self.quoted(table)) (\(schema))", database: database, activity: "tableCreate", isRepeatable: true)
  }

  func drop(_ table: String) throws {
    _ = try client.command(".drop table \(Self.quoted(table)) ifexists", database: database, activity: "tableDrop", isRepeatable: true)
  }

  func rowCount(_ table: String) throws -> Int { try ClusterReader(client: client, database: database).count(QueryTextShape(Self.quoted(table))) }

  /// All ingest-by tags of the table's extents, without their prefix; none where there is no such table.
  func ingestByTags(_ table: String) throws -> Set<String> {
    let answer: CommandAnswer
    do {
      answer = try client.command(".show table \(Self.quoted(table)) extents", database: database, activity: "extentsShow")
    } catch let error as KConnectError where error.code == .pathNotFound && Self.isAboutTable(error) { return [] }
    var found: Set<String> = []
    for text in answer.texts("Tags") {
      for tag in text.split(whereSeparator: \.isNewline) where tag.hasPrefix("ingest-by:") { found.insert(String(tag.dropFirst("ingest-by:".count))) }
    }
    return found
  }

  /// Runs an asynchronous command and waits for its end. `timeoutSeconds` below 0: for ever. Answers the operation's id. Throws HTTP with id and
  /// state when it did not complete.
  func wait(for command: String, activity: String, timeoutSeconds: Int) throws -> String {
    let answer = try client.command(command, database: database, activity: activity)
    guard let id = answer.texts("OperationId").first else { throw KConnectError(.formatCorrupt, "the answer to an asynchronous command has no OperationId") }
    let start = client.retry.clock.nowTicks
    var pause = 100
    while true {
      let state = try client.command(".show operations \(id)", database: database, activity: "operationShow")
      let name = state.texts("State").last ?? "InProgress"
      switch name {
      case "Completed": return id
      case "InProgress", "Scheduled": break
      default:
        let status = ObfuscatedText.hidden(state.texts("Status").last ?? "", isMessage: true)
        let isTransient = state.column("ShouldRetry").last == .bool(true) || name == "Throttled"
        throw KConnectError(name == "Throttled" ? .throttled : .http, "operation \(id) ended as \(name): \(status)", isRetryable: isTransient)
      }
      if timeoutSeconds >= 0, client.retry.clock.nowTicks - start > Int64(timeoutSeconds) * 10_000_000 {
        throw KConnectError(.http, "operation \(id) is not done after \(timeoutSeconds) seconds", hint: "it goes on at the cluster: .show operations \(id)", isRetryable: false)
      }
      client.retry.clock.wait(milliseconds: pause)
      // Quick at first, then up to the connector's 4 s.
      pause = min(4_000, pause * 2)
    }
  }
}

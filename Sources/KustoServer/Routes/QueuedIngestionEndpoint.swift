// Role: queued ingestion without queues in the client's hands: a request names blobs, the server queues them and tells how they fared.
// Source: Microsoft, "Kusto ingestion REST API" (v1/rest/ingestion), as ingest-v2 clients use it.

import Columnar
import DataSource
import KustoStore
import KustoWire

extension KustoService {
  /// What a request under `/v1/rest/ingestion` asks for.
  enum QueuedIngestionRequest {
    case configuration
    case queue(database: String, table: String)
    case status(database: String, table: String, operation: String)
  }

  private static let maxBlobs = 1_000
  /// Members of `properties` that are about the request, not about the data.
  private static let ownProperties: Set<String> = ["enabletracking", "skipbatching", "deleteafterdownload"]

  func queuedIngestion(_ scope: RequestScope, _ asked: QueuedIngestionRequest, _ reply: CountedReply) throws {
    let answer: DynamicValue
    switch asked {
    case .configuration: answer = try ingestionConfiguration(scope)
    case .queue(let database, let table):
      let body = try received(scope, limit: 4 << 20)
      answer = try working(scope) { try queueBlobs(scope, database, table, body) }
    case .status(let database, let table, let operation): answer = try ingestionState(scope, database, table, operation)
    }
    try reply.send(.json(200, answer.json + "\n"))
  }

  /// Where blobs go, and how many at a time.
  private func ingestionConfiguration(_ scope: RequestScope) throws -> DynamicValue {
    try executor.requireIngestion(scope.properties(self))
    let containers = try queues.resources(endpoint: scope.request.endpoint).filter { $0.type == "TempStorage" }.map { Self.bag([("path", .string($0.root))]) }
    return Self.bag([
      ("containerSettings", Self.bag([
        ("containers", .array(containers)), ("lakeFolders", .array([])), ("refreshInterval", .string("01:00:00")), ("preferredUploadMethod", .string("Storage")),
      ])),
      ("ingestionSettings", Self.bag([
        ("maxBlobsPerBatch", .long(Int64(Self.maxBlobs))), ("maxDataSize", .long(Int64(configuration.maxBlobInflatedBytes))), ("preferredIngestionMethod", .string("Rest")),
      ])),
    ])
  }

  private func queueBlobs(_ scope: RequestScope, _ name: String, _ tableName: String, _ bytes: [UInt8]) throws -> DynamicValue {
    try executor.requireIngestion(database: name, table: tableName, scope.properties(self))
    guard let database = try executor.databaseIfExists(name) else { throw WireError.databaseMissing(name) }
    guard let table = try database.tableIfExists(tableName) else { throw WireError.tableMissing(tableName, database: database.name) }
    let body = String(decoding: bytes, as: UTF8.self)
    guard let value = DynamicValue(json: body), let blobs = Self.member("blobs", of: value)?.elements, !blobs.isEmpty else {
      throw WireError.badRequest("The body is {\"blobs\":[{\"url\":\"…\"}],\"properties\":{\"format\":\"…\"}}")
    }
    guard blobs.count <= Self.maxBlobs else { throw WireError.badRequest("The request names \(blobs.count) blobs, \(Self.maxBlobs) are the most") }
    let urls = try blobs.enumerated().map { i, blob in
      guard let url = Self.member("url", of: blob)?.stringValue, !url.isEmpty else { throw WireError.badRequest("The blob \(i) has no 'url'") }
      return url
    }
    let given = Self.member("properties", of: value)?.entries ?? []
    var properties = given.filter { !Self.ownProperties.contains($0.key.lowercased()) && $0.value != .null }
    properties.append(DynamicEntry("authorizationContext", .string(try queues.identityToken(principal: scope.principal ?? .process))))
    let deletes = given.contains { $0.key.lowercased() == "deleteafterdownload" && $0.value == .bool(true) }

    let operation = randomIdentifier(), now = StoreClock.nowTicks
    try queues.putStatus(Self.key(operation), Self.bag([
      ("Database", .string(database.name)), ("Table", .string(table.name)), ("StartTime", .datetime(now)), ("Count", .long(Int64(urls.count))),
    ]))
    for (i, url) in urls.enumerated() {
      let source = Self.member("sourceId", of: blobs[i])?.stringValue ?? randomIdentifier()
      let row = Self.bag([
        ("Status", .string("Pending")), ("IngestionSourceId", .string(source)), ("IngestionSourcePath", .string(String(url.prefix { $0 != "?" && $0 != ";" }))),
        ("StartTime", .datetime(now)), ("UpdatedOn", .datetime(now)),
      ])
      try queues.putStatus(Self.key(operation, i), row)
      let message = Self.bag([
        ("Id", .string(source)), ("BlobPath", .string(url)), ("DatabaseName", .string(database.name)), ("TableName", .string(table.name)),
        ("RetainBlobOnSuccess", .bool(!deletes)), ("ReportLevel", .long(2)), ("ReportMethod", .long(1)),
        ("ApplicationForTracing", .string(scope.request.header("x-ms-app") ?? "")),
        ("IngestionStatusInTable", Self.bag([("PartitionKey", .string(Self.key(operation))), ("RowKey", .string("\(i)"))])),
        ("AdditionalProperties", .bag(properties)),
      ])
      _ = try queues.post(Base64.text(message.json.utf8), to: .ready)
    }
    metrics.add("kconnect_queued_ingestion_requests_total")
    return Self.bag([("ingestionOperationId", .string(operation))])
  }

  private func ingestionState(_ scope: RequestScope, _ name: String, _ tableName: String, _ given: String) throws -> DynamicValue {
    try executor.requireIngestion(database: name, table: tableName, scope.properties(self))
    let operation = given.lowercased()
    guard GUID(operation) != nil, let head = try queues.status(Self.key(operation)), head["Database"]?.stringValue?.lowercased() == name.lowercased(),
      head["Table"]?.stringValue == tableName, let count = head["Count"]?.longValue
    else { throw WireError.notFound(scope.request.path) }
    let rows = try (0..<Int(count)).compactMap { try queues.status(Self.key(operation, $0)) }
    var counts = [(name: String, count: Int64)]()
    for state in ["Succeeded", "Failed", "InProgress", "Canceled"] {
      counts.append((state, Int64(rows.count(where: { Self.state($0) == state }))))
    }
    let start = head["StartTime"] ?? .null
    let updated = rows.compactMap { $0["UpdatedOn"]?.stringValue ?? $0["UpdatedOn"]?.json.replacing("\"", with: "") }.max().map { DynamicValue.string($0) } ?? start
    // Clients differ in how they spell the members; both are given.
    let status = counts.map { ($0.name, DynamicValue.long($0.count)) } + counts.map { (Self.lowered($0.name), DynamicValue.long($0.count)) }
    var answer: [(String, DynamicValue)] = [("startTime", start), ("startedAt", start), ("lastUpdated", updated), ("lastUpdateTime", updated), ("status", Self.bag(status))]
    if scope.request.parameter("details")?.lowercased() == "true" { answer.append(("details", .array(rows.map { Self.details($0) }))) }
    return Self.bag(answer)
  }

  private static func details(_ row: DynamicValue) -> DynamicValue {
    let start = row["StartTime"] ?? .null, updated = row["UpdatedOn"] ?? .null
    var members: [(String, DynamicValue)] = [
      ("sourceId", row["IngestionSourceId"] ?? .null), ("url", row["IngestionSourcePath"] ?? .null), ("status", .string(state(row))),
      ("startTime", start), ("startedAt", start), ("lastUpdated", updated), ("lastUpdateTime", updated),
    ]
    if state(row) == "Failed" {
      members += [("errorCode", row["ErrorCode"] ?? .null), ("failureStatus", row["FailureStatus"] ?? .null), ("details", row["Details"] ?? .null)]
    }
    return bag(members)
  }

  private static func state(_ row: DynamicValue) -> String {
    switch row["Status"]?.stringValue {
    case "Succeeded"?: "Succeeded"
    case "Failed"?: "Failed"
    default: "InProgress"
    }
  }

  private static func key(_ operation: String, _ index: Int? = nil) -> String { "operation-" + operation + (index.map { "/\($0)" } ?? "") }
  private static func bag(_ members: [(String, DynamicValue)]) -> DynamicValue { .bag(members.map { DynamicEntry($0.0, $0.1) }) }
  private static func lowered(_ name: String) -> String { name.prefix(1).lowercased() + name.dropFirst() }
  private static func member(_ name: String, of value: DynamicValue) -> DynamicValue? { value.entries?.first { $0.key.lowercased() == name.lowercased() }?.value }
}

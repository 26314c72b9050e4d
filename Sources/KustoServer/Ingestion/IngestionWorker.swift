// Role: takes messages of queued ingestion in their order, brings the blobs they name into tables, and reports how it went. Each message
// is committed under its number, so that a message taken twice is in the table once, and is known to be there before its blob is looked for.

import Columnar
import DataSource
import KustoStore
import KustoWire

#if canImport(Glibc)
import Glibc
#endif

struct IngestionWorker {
  private let service: KustoService
  /// Attempts for failures that may pass: with the pauses between them about ten minutes.
  private static let attempts = 16
  /// The name under which a table records the number of the last message.
  private static let writer = "kconnect-queued"

  /// Seconds before the next attempt.
  private static func pause(after attempts: Int) -> Int { min(60, 1 << min(attempts, 6)) }

  init(_ service: KustoService) { self.service = service }

  /// Works until the server stops.
  func drain(until isStopping: () -> Bool) {
    while !isStopping() {
      try? service.queues.resume()
      // One at a time: the numbers in a table must grow.
      guard let messages = try? service.queues.first(limit: 16), !messages.isEmpty else {
        service.queues.waitForMessages(milliseconds: 500)
        // Those that are counted may not be there, not be readable for now, or be put aside.
        if service.queues.waiting > 0 { usleep(service.queues.areAllAside ? 250_000 : 20_000) }
        continue
      }
      for message in messages {
        if isStopping() { return }
        // What cannot be written down now is found again: the table knows its number.
        do { try work(message) } catch { usleep(500_000) }
      }
    }
  }

  /// Throws when the outcome could not be written down.
  private func work(_ message: QueuedMessage) throws {
    let order: IngestionOrder
    do { order = try IngestionOrder(message: message.text) } catch {
      service.metrics.add("kconnect_queued_ingestion_failures_total")
      var outcome = MetadataStore.Outcome()
      outcome.report = (Base64.text(IngestionOrder.unreadable(message, error).json.utf8), IngestionQueues.Queue.failed.rawValue)
      _ = try service.queues.conclude(message, outcome)
      return
    }
    do {
      try ingest(order, message)
    } catch {
      // What fails behind the commit of the rows does not undo it: to do the message again, or to call it failed, would double them.
      let isIngested = try table(of: order).map { try Self.holds($0, message) } ?? false
      if !isIngested { return try giveUp(order, message, error) }
    }
    service.metrics.add("kconnect_queued_ingestions_total")
    guard try service.queues.conclude(message, outcome(order, nil)), !order.retainsBlob else { return }
    // Last: while the message is there, so is its blob.
    if let parts = URLParts(order.blob), let blob = BlobName(parts.path),
      try service.queues.isSigned(parts.query ?? "", resource: blob.container, rights: ["w", "c"], isTimeless: true)
    { service.blobs.remove(blob) }
  }

  /// For now, where the failure may pass; else for good.
  private func giveUp(_ order: IngestionOrder, _ message: QueuedMessage, _ error: any Error) throws {
    // The next start takes it up again.
    if service.isStopping { return }
    if (error as? KConnectError)?.isRetryable ?? false, message.dequeueCount + 1 < Self.attempts {
      return try service.queues.postpone(message, seconds: Self.pause(after: message.dequeueCount))
    }
    service.metrics.add("kconnect_queued_ingestion_failures_total")
    // The store has logged the failures of its own.
    if let error = error as? WireError {
      try? service.executor.noteFailure(database: order.database, table: order.table, source: order.source, code: error.code, details: error.detail, isPermanent: error.isPermanent)
    }
    if order.reportLevel == 1 { AccessLog.say("queued ingestion of '\(order.source)' into '\(order.table)' failed: \(error)") }
    _ = try service.queues.conclude(message, outcome(order, error))
  }

  private func table(of order: IngestionOrder) throws -> StoreTable? { try service.executor.databaseIfExists(order.database)?.tableIfExists(order.table) }

  /// True when the table has the rows of that message, or of a later one.
  private static func holds(_ table: StoreTable, _ message: QueuedMessage) throws -> Bool { try table.recordedTransaction(writer).map { $0 >= message.sequence } ?? false }

  private func ingest(_ order: IngestionOrder, _ message: QueuedMessage) throws {
    guard let database = try service.executor.databaseIfExists(order.database) else { throw WireError.databaseMissing(order.database) }
    guard let table = try database.tableIfExists(order.table) else { throw WireError.tableMissing(order.table, database: database.name) }
    if try Self.holds(table, message) { return }
    var properties = RequestProperties(requestId: "queued;" + order.id)
    properties.application = order.application ?? "queued ingestion"
    if let token = order.properties.first(where: { $0.name.lowercased() == "authorizationcontext" })?.value {
      guard let principal = try service.queues.principal(ofToken: token) else {
        throw WireError(status: 400, code: "BadRequest_InvalidKustoIdentityToken", type: "KustoBadRequestException", detail: "The identity token is not one of this server", isPermanent: true)
      }
      properties.principal = principal
    } else if service.authenticator != nil {
      throw WireError(status: 400, code: "BadRequest_InvalidKustoIdentityToken", type: "KustoBadRequestException", detail: "The message has no identity token", isPermanent: true)
    }
    try service.withReadableFile(of: order.blob, under: RequestCancellation()) { path in
      var files = ReceivedData(.files([path]), format: order.format, name: order.source)
      files.properties = order.properties
      files.transaction = (Self.writer, message.sequence)
      _ = try service.executor.ingest(files, into: table, properties)
    }
  }

  /// For the queues and the table the client asked for.
  private func outcome(_ order: IngestionOrder, _ error: (any Error)?) -> MetadataStore.Outcome {
    var outcome = MetadataStore.Outcome()
    let isWanted = error == nil ? order.reportLevel == 2 : order.reportLevel != 1
    if isWanted, order.reportMethod != 1 {
      let queue: IngestionQueues.Queue = error == nil ? .success : .failed
      outcome.report = (Base64.text(order.result(error).json.utf8), queue.rawValue)
    }
    if let key = order.statusKey, order.reportMethod != 0 { outcome.status = (key, { order.statusRow(error, over: $0) }) }
    return outcome
  }
}

/// What a message asks for.
struct IngestionOrder: Sendable {
  var id: String
  var database: String
  var table: String
  /// A full address with its key.
  var blob: String
  var format: String?
  var properties: [(name: String, value: String)]
  var retainsBlob: Bool
  var reportLevel: Int
  var reportMethod: Int
  var application: String?
  /// `partition/row` of the status table.
  var statusKey: String?
  private let operation = randomIdentifier()

  /// The blob without its key.
  var source: String { String(blob.prefix { $0 != "?" && $0 != ";" }) }

  /// Reads a message: JSON, usually in base64. Throws USAGE.
  init(message: String) throws {
    let text = Base64.bytes(message).map { String(decoding: $0, as: UTF8.self) } ?? message
    guard let value = DynamicValue(json: text), value.entries != nil else { throw KConnectError(.usage, "the message is no JSON object: '\(text.prefix(80))'") }
    func member(_ name: String, of value: DynamicValue) -> DynamicValue? { value.entries?.first { $0.key.lowercased() == name.lowercased() }?.value }
    func string(_ name: String) throws -> String {
      guard let text = member(name, of: value)?.stringValue, !text.isEmpty else { throw KConnectError(.usage, "the message has no '\(name)'") }
      return text
    }
    id = member("Id", of: value)?.stringValue ?? randomIdentifier()
    database = try string("DatabaseName")
    table = try string("TableName")
    blob = try string("BlobPath")
    let extra = member("AdditionalProperties", of: value)?.entries ?? []
    properties = extra.compactMap { entry in
      switch entry.value {
      case .null: return nil
      case .string(let text): return (entry.key, text)
      default: return (entry.key, entry.value.json)
      }
    }
    let given = properties
    format = given.first { $0.name.lowercased() == "format" }?.value
    if case .bool(let retains)? = member("RetainBlobOnSuccess", of: value) { retainsBlob = retains } else { retainsBlob = false }
    reportLevel = Int(member("ReportLevel", of: value)?.longValue ?? 0)
    reportMethod = Int(member("ReportMethod", of: value)?.longValue ?? 0)
    application = member("ApplicationForTracing", of: value)?.stringValue
    if let status = member("IngestionStatusInTable", of: value), let partition = member("PartitionKey", of: status)?.stringValue, let row = member("RowKey", of: status)?.stringValue {
      statusKey = partition + "/" + row
    }
  }

  private static func failure(_ error: any Error) -> (code: String, details: String, isPermanent: Bool) {
    if let error = error as? WireError { return (error.code, error.detail, error.isPermanent) }
    return (IngestFailure.code(error), WireError(error).detail, !((error as? KConnectError)?.isRetryable ?? false))
  }

  /// The message for the queue of successes or of failures.
  func result(_ error: (any Error)?) -> DynamicValue {
    var entries = [
      DynamicEntry("OperationId", .string(operation)), DynamicEntry("Database", .string(database)), DynamicEntry("Table", .string(table)),
      DynamicEntry(error == nil ? "SucceededOn" : "FailedOn", .datetime(StoreClock.nowTicks)), DynamicEntry("IngestionSourceId", .string(id)),
      DynamicEntry("IngestionSourcePath", .string(source)), DynamicEntry("RootActivityId", .string(operation)),
    ]
    if let error {
      let failure = Self.failure(error)
      entries += [
        DynamicEntry("Details", .string(failure.details)), DynamicEntry("ErrorCode", .string(failure.code)),
        DynamicEntry("FailureStatus", .string(failure.isPermanent ? "Permanent" : "Exhausted")), DynamicEntry("OriginatesFromUpdatePolicy", .bool(false)),
        DynamicEntry("ShouldRetry", .bool(!failure.isPermanent)),
      ]
    }
    return .bag(entries)
  }

  /// The row of the status table with its new state.
  func statusRow(_ error: (any Error)?, over row: DynamicValue) -> DynamicValue {
    var entries = row.entries ?? []
    func set(_ key: String, _ value: DynamicValue) {
      entries.removeAll { $0.key == key }
      entries.append(DynamicEntry(key, value))
    }
    set("Status", .string(error == nil ? "Succeeded" : "Failed"))
    set("IngestionSourceId", .string(id))
    set("IngestionSourcePath", .string(source))
    set("Database", .string(database))
    set("Table", .string(table))
    set("UpdatedOn", .datetime(StoreClock.nowTicks))
    set("OperationId", .string(operation))
    set("ActivityId", .string(operation))
    if let error {
      let failure = Self.failure(error)
      set("ErrorCode", .string(failure.code))
      set("FailureStatus", .string(failure.isPermanent ? "Permanent" : "Exhausted"))
      set("Details", .string(failure.details))
      set("OriginatesFromUpdatePolicy", .bool(false))
    }
    return .bag(entries)
  }

  /// The report of a message that could not be read.
  static func unreadable(_ message: QueuedMessage, _ error: any Error) -> DynamicValue {
    .bag([
      DynamicEntry("OperationId", .string(message.id)), DynamicEntry("FailedOn", .datetime(StoreClock.nowTicks)), DynamicEntry("Details", .string(failure(error).details)),
      DynamicEntry("ErrorCode", .string("General_BadRequest")), DynamicEntry("FailureStatus", .string("Permanent")), DynamicEntry("ShouldRetry", .bool(false)),
    ])
  }
}

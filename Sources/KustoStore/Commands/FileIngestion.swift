// Role: files into a table, for `.ingest` and for the server's ingestion endpoints: format, mapping, tags, policies, and the log of failures.

import Columnar
import DataSource
import Engine
import FileConnector
import KQL

/// An ingestion of files under a request.
struct FileIngestion: Sendable {
  let executor: CommandExecutor
  let request: Request
  let operationId: GUID
  /// What failures are logged as, such as `DataIngestPull`.
  let kind: String
  var isStreaming = false
  /// What stands for the paths in logs; nil: the first path.
  var sourceName: String?
  /// What each path is called in the rows of a mapping with `SourceLocation`; empty: `sourceName`, or the paths themselves.
  var locations: [String] = []
  /// The sequence number under which the rows are committed once only.
  var transaction: (application: String, version: Int64)?

  func ingest(_ input: IngestInput, _ format: IngestFormat, into table: StoreTable, _ properties: CommandProperties) throws -> IngestResult {
    do {
      let plan = try plan(input, format, for: try table.snapshot().schema, of: table, properties)
      var wanted = try properties.ingestProperties(operation: "INGEST")
      wanted.transaction = transaction
      let result = try UpdatePolicies(executor, request).ingest(plan, into: table, wanted, mode: .append, check: Self.requireRecords)
      report(result.dropped, of: result.rowCount, input, table, properties)
      count(input, into: table, properties, rows: result.rowCount)
      // The rows are committed: what fails from here on is no failure of the ingestion.
      Retention(executor).sweep(behind: table)
      return result
    } catch {
      count(input, into: table, properties, rows: 0, failure: error)
      try? recordFailure(error, table, path: sourceName ?? input.name, properties)
      throw error
    }
  }

  /// As `ingest`, into the table's row log: the rows are durable and visible when it returns, and committed later. Update policies are not asked.
  func append(_ input: IngestInput, _ format: IngestFormat, to table: StoreTable, _ properties: CommandProperties) throws {
    do {
      let schema = try table.columns()
      let (batches, dropped) = try rows(of: try plan(input, format, for: schema, of: table, properties))
      let rowCount = batches.reduce(0) { $0 + $1.rowCount }
      try Self.requireRecords(dropped, rowCount)
      try table.rowLog().append(
        batches.map { batch in
          RecordBatch(
            schema: schema, columns: schema.fields.map { field in batch.schema.index(of: field.name).map { batch.columns[$0] } ?? .nulls(field.type, count: batch.rowCount) },
            rowCount: batch.rowCount)
        })
      report(dropped, of: rowCount, input, table, properties)
      count(input, into: table, properties, rows: rowCount)
    } catch {
      count(input, into: table, properties, rows: 0, failure: error)
      try? recordFailure(error, table, path: sourceName ?? input.name, properties)
      throw error
    }
  }

  /// The rows of an input under a table's columns.
  private func plan(_ input: IngestInput, _ format: IngestFormat, for schema: StructType, of table: StoreTable, _ properties: CommandProperties) throws -> LogicalPlan {
    var mapping: IngestionMapping?
    let mappingKind = format.mappingKind
    var reader = format
    if try properties.bool("treatGzAsUncompressed") == true, mappingKind == "csv" { reader.options.append(("compression", "none")) }
    // Older names of the properties say the kind.
    let older = ["csv", "json", "avro"].first { properties[$0 + "Mapping"] != nil }
    if let text = properties.text("ingestionMapping") ?? older.flatMap({ properties.text($0 + "Mapping") }) {
      let given = properties.text("ingestionMappingType")?.lowercased() ?? (properties["ingestionMapping"] == nil ? older : nil)
      let made = try IngestionMapping(name: "ingestionMapping", kind: given == "apacheavro" ? "avro" : given ?? mappingKind, text: text)
      try made.checkConstants(schema)
      mapping = made
    } else if let name = properties.text("ingestionMappingReference") ?? properties.text("mappingReference") ?? properties.text(mappingKind + "MappingReference") {
      do { mapping = try IngestionMapping.find(name, kind: mappingKind, for: table, executor.metadata) } catch var error as KConnectError {
        error.cause = MappingMissing()
        throw error
      }
    }
    let ignoresFirst = try properties.bool("ignoreFirstRecord") ?? false, checksWidth = try properties.checksWidth()
    let plans = try parts(input, of: format, apart: mapping?.tellsSource ?? false).map { part, location in
      try IngestSource(
        input: part, format: reader, mapping: mapping, ignoresFirstRecord: ignoresFirst, checksWidth: checksWidth, followsRedirects: executor.pathGuard == nil, location: location
      ).plan(for: schema)
    }
    return plans.count == 1 ? plans[0] : LogicalPlan(node: .union(plans), schema: plans[0].schema)
  }

  /// The parts of an input that are read for themselves, and what their rows are told to come from: with `apart` each file is one.
  private func parts(_ input: IngestInput, of format: IngestFormat, apart: Bool) throws -> [(input: IngestInput, location: String)] {
    guard apart, case .files(let paths) = input else {
      let location = apart ? Self.location(sourceName ?? "") : ""
      return input.parts.map { ($0, location) }
    }
    var names = locations.count == paths.count ? locations : paths
    if locations.isEmpty, paths.count == 1, let sourceName { names = [sourceName] }
    var parts: [(input: IngestInput, location: String)] = []
    for (path, name) in zip(paths, names) {
      guard pathKind(path) == .directory else {
        parts.append((.files([path]), Self.location(name)))
        continue
      }
      var wanted = ListingOptions()
      wanted.fileExtensions = try format.provider.format.fileExtensions
      for file in try FileListing.files([path], wanted) { parts.append((.files([file.path]), file.path)) }
    }
    return parts
  }

  /// A path, or an address without what stands behind `?`: there may be credentials.
  private static func location(_ name: String) -> String { name.contains("://") ? String(name.prefix { $0 != "?" && $0 != ";" }) : name }

  /// Runs a plan of few rows: a bare scan on this thread, others by the engine.
  private func rows(of plan: LogicalPlan) throws -> ([RecordBatch], DroppedRecords) {
    var batches: [RecordBatch] = []
    if case .scan(let node) = plan.node {
      let scan = try node.table.scan(ScanRequest(columns: node.columns), context: request.context)
      while let morsel = try scan.nextMorsel() {
        try morsel.read { batch in
          batches.append(batch)
          return true
        }
      }
      return (batches, DroppedRecords(scan.metrics))
    }
    var options = executor.options
    options.threads = 1
    let execution = try QueryExecution(plan, options: options, context: request.context)
    try request.properties.cancellation.running(execution) { execution in
      try execution.run { batch in
        batches.append(batch)
        return true
      }
    }
    return (batches, DroppedRecords(execution.progress))
  }

  /// Throws when records were left out, and nothing else was there: before anything is committed.
  private static func requireRecords(_ dropped: DroppedRecords, _ rows: Int) throws {
    guard dropped.count > 0, rows == 0 else { return }
    throw KConnectError(.formatCorrupt, "there is no record of the format in the data: \(dropped.notes.joined(separator: "; "))", cause: NoRecords())
  }

  /// Records that were left out are an entry among the failures.
  private func report(_ dropped: DroppedRecords, of rows: Int, _ input: IngestInput, _ table: StoreTable, _ properties: CommandProperties) {
    if dropped.count == 0 { return }
    let details = dropped.notes.joined(separator: "; ")
    try? recordFailure(KConnectError(.formatCorrupt, "\(rows) rows were ingested; \(details)", cause: BrokenRecord.malformed), table, path: sourceName ?? input.name, properties)
  }

  private func recordFailure(_ error: any Error, _ table: StoreTable, path: String, _ properties: CommandProperties) throws {
    try executor.metadata.add(
      FailureRecord(
        operation: operationId, database: table.database.name, table: table.name, failedOn: StoreClock.nowTicks, path: LoggedText.hidingSecrets(path),
        details: CommandRun.message(error), isPermanent: !CommandRun.isRetryable(error), kind: kind, comesFromPolicy: IngestFailure.isOfPolicy(error),
        code: IngestFailure.code(error), principal: request.principal, properties: properties.json, isStreaming: isStreaming))
  }
}

/// Why an ingestion failed: the mapping it names is not there.
private struct MappingMissing: Error {}

/// Why an ingestion failed: not one record could be read.
private struct NoRecords: Error {}

/// Why an ingestion failed: an update policy of the table did.
struct PolicyFailure: Error {
  var reason: any Error
}

/// The names Kusto gives to failures of ingestion. Source: its reference, "Ingestion error codes".
package enum IngestFailure {
  static func isOfPolicy(_ error: any Error) -> Bool { (error as? KConnectError)?.cause is PolicyFailure }

  /// What failed in a policy: its query, what the query gives, or its ingestion.
  static func policyCode(_ error: any Error) -> String {
    switch (error as? KConnectError)?.code {
    case .schemaMismatch?: "UpdatePolicy_QuerySchemaDoesNotMatchTableSchema"
    case .kqlSyntax?, .kqlSemantic?, .columnNotFound?, .functionNotFound?, .typeMismatch?, .pathNotFound?, .notSupported?: "UpdatePolicy_BadRequest"
    default: "UpdatePolicy_UnknownError"
    }
  }

  package static func code(_ error: any Error) -> String {
    switch (error as? KConnectError)?.cause {
    case is MappingMissing: return "BadRequest_MappingReferenceWasNotFound"
    case is NoRecords: return "BadRequest_NoRecordsOrWrongFormat"
    case let failure as PolicyFailure: return policyCode(failure.reason)
    case let broken as BrokenRecord:
      return switch broken {
      case .fieldCount: "Stream_WrongNumberOfFields"
      case .openQuote: "Stream_ClosingQuoteMissing"
      case .malformed: "BadRequest_InvalidBlob"
      }
    default: break
    }
    let codes: [(KConnectError.Code, String)] = [
      (.pathNotFound, "Download_SourceNotFound"), (.permission, "Download_Forbidden"), (.formatCorrupt, "BadRequest_InvalidBlob"),
      (.valueInvalid, "BadRequest_InvalidMapping"), (.columnNotFound, "BadRequest_InvalidMapping"), (.notSupported, "BadRequest_FormatNotSupported"),
      (.usage, "BadRequest_FormatNotSupported"), (.http, "Download_UnknownError"), (.optionInvalid, "BadRequest_MalformedIngestionProperty"),
      (.lowMemory, "General_ThrottledIngestion"),
    ]
    return (error as? KConnectError).flatMap { error in codes.first { $0.0 == error.code }?.1 } ?? "General_BadRequest"
  }
}

extension CommandProperties {
  /// Tags, creation time and idempotency of an ingestion. Throws OPTION_INVALID.
  func ingestProperties(operation: String) throws -> IngestProperties {
    var out = IngestProperties()
    out.operation = operation
    out.additionalTags = try texts("tags") ?? []
    out.ingestIfNotExists = try texts("ingestIfNotExists") ?? []
    out.creationTime = try datetime("creationTime")
    return out
  }

  /// Whether records of a delimited text must all have as many fields as the first: yes, unless `validationPolicy` has other options than
  /// constant columns (1) or asks for the best that can be done (implications 1). Throws OPTION_INVALID.
  func checksWidth() throws -> Bool {
    guard let text = text("validationPolicy") else { return true }
    guard let policy = DynamicValue(json: text), policy.entries != nil else {
      throw KConnectError(.optionInvalid, "validationPolicy: found '\(text.prefix(80))', expected a JSON object", hint: #"as in {"ValidationOptions":1,"ValidationImplications":0}"#)
    }
    return policy["ValidationOptions"]?.longValue ?? 1 == 1 && policy["ValidationImplications"]?.longValue ?? 0 == 0
  }
}

/// Data that came over the network, on its way into a table.
package struct ReceivedData: Sendable {
  package var input: IngestInput
  /// A format word of ingestion; nil: by the extension of `name`.
  package var format: String?
  /// What logs call the data: a blob's address, a request's id.
  package var name: String
  /// Ingestion properties by name; unknown ones are ignored.
  package var properties: [(name: String, value: String)] = []
  package var isStreaming = false
  /// A writer's name and its sequence number: rows with that number or a later one in the table are not committed again.
  package var transaction: (application: String, version: Int64)?

  package init(_ input: IngestInput, format: String?, name: String) {
    self.input = input
    self.format = format
    self.name = name
  }
}

extension CommandExecutor {
  /// The database of that name, whatever its case; nil when there is none.
  package func databaseIfExists(_ name: String) throws -> Database? {
    if !name.isEmpty, let found = try store.databaseIfExists(name) { return found }
    guard let resolved = try resolve(name) else { return nil }
    return try store.databaseIfExists(resolved)
  }

  /// Brings data into a table; committed when it returns. Throws what reading and committing throw; failures are in `.show ingestion failures`.
  package func ingest(_ data: ReceivedData, into table: StoreTable, _ properties: RequestProperties) throws -> IngestResult {
    try requireIngestion(into: table, properties)
    let (ingestion, format, given) = try ingestion(of: data, table, properties)
    return try ingestion.ingest(data.input, format, into: table, given)
  }

  /// Notes a queued ingestion that failed before the store had a part in it, for `.show ingestion failures`; the names are those that were asked for.
  package func noteFailure(database: String, table: String, source: String, code: String, details: String, isPermanent: Bool) throws {
    try metadata.add(
      FailureRecord(
        operation: GUID(randomIdentifier()) ?? GUID(high: 0, low: 0), database: database, table: table, failedOn: StoreClock.nowTicks, path: LoggedText.hidingSecrets(source),
        details: details, isPermanent: isPermanent, kind: "DataIngestPull", comesFromPolicy: false, code: code, principal: "", properties: "{}", isStreaming: false))
  }

  /// As `ingest`, into the table's row log: durable and visible when it returns, committed within seconds.
  package func append(_ data: ReceivedData, to table: StoreTable, _ properties: RequestProperties) throws {
    try requireIngestion(into: table, properties)
    let (ingestion, format, given) = try ingestion(of: data, table, properties)
    try ingestion.append(data.input, format, to: table, given)
  }

  /// Whether rows of the table go into others as well, so that they need a commit of their own.
  package func feedsOthers(_ table: StoreTable) throws -> Bool {
    try !UpdatePolicies(self, Request(text: "", database: table.database.name, properties: RequestProperties())).from(table).isEmpty
  }

  private func ingestion(of data: ReceivedData, _ table: StoreTable, _ properties: RequestProperties) throws -> (FileIngestion, IngestFormat, CommandProperties) {
    let request = Request(text: "", database: table.database.name, properties: properties)
    let format = try data.format.map { try IngestFormat($0) } ?? IngestFormat.guess(data.name)
    let ingestion = FileIngestion(
      executor: self, request: request, operationId: request.activityId, kind: data.isStreaming ? "StreamingIngest" : "DataIngestPull", isStreaming: data.isStreaming,
      sourceName: data.name, transaction: data.transaction)
    return (ingestion, format, CommandProperties(data.properties, allowed: CommandRun.ingestionProperties))
  }
}

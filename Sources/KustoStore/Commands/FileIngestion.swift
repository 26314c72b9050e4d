// Role: files into a table, for `.ingest` and for the server's ingestion endpoints: format, mapping, tags, policies, and the log of failures.

import Columnar
import DataSource
import Engine
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
  /// The sequence number under which the rows are committed once only.
  var transaction: (application: String, version: Int64)?

  func ingest(_ paths: [String], _ format: IngestFormat, into table: StoreTable, _ properties: CommandProperties) throws -> IngestResult {
    do {
      var mapping: IngestionMapping?
      let mappingKind = format.kind == "text" ? "csv" : format.kind
      if let text = properties.text("ingestionMapping") {
        mapping = try IngestionMapping(name: "ingestionMapping", kind: properties.text("ingestionMappingType")?.lowercased() ?? mappingKind, text: text)
      } else if let name = properties.text("ingestionMappingReference") ?? properties.text("mappingReference") {
        do { mapping = try IngestionMapping.find(name, kind: mappingKind, for: table, executor.metadata) } catch var error as KConnectError {
          error.cause = MappingMissing()
          throw error
        }
      }
      let source = IngestSource(
        paths: paths, format: format, mapping: mapping, ignoresFirstRecord: try properties.bool("ignoreFirstRecord") ?? false,
        bindOptions: request.bindOptions(executor, SessionCatalog(executor, request)))
      let plan = try source.plan(for: try table.snapshot().schema)
      var wanted = try properties.ingestProperties(operation: "INGEST")
      wanted.transaction = transaction
      let result = try UpdatePolicies(executor, request).ingest(plan, into: table, wanted, mode: .append)
      Retention(executor).sweep(table.database, now: StoreClock.nowTicks)
      return result
    } catch {
      try? recordFailure(error, table, path: sourceName ?? paths[0], properties)
      throw error
    }
  }

  private func recordFailure(_ error: any Error, _ table: StoreTable, path: String, _ properties: CommandProperties) throws {
    try executor.metadata.add(
      FailureRecord(
        operation: operationId, database: table.database.name, table: table.name, failedOn: StoreClock.nowTicks, path: LoggedText.hidingSecrets(path),
        details: CommandRun.message(error), isPermanent: !CommandRun.isRetryable(error), kind: kind, comesFromPolicy: false, code: IngestFailure.code(error),
        principal: request.principal, properties: properties.json, isStreaming: isStreaming))
  }
}

/// Why an ingestion failed: the mapping it names is not there.
private struct MappingMissing: Error {}

/// The names Kusto gives to failures of ingestion.
package enum IngestFailure {
  package static func code(_ error: any Error) -> String {
    if (error as? KConnectError)?.cause is MappingMissing { return "BadRequest_MappingReferenceWasNotFound" }
    let codes: [(KConnectError.Code, String)] = [
      (.pathNotFound, "Download_SourceNotFound"), (.permission, "Download_Forbidden"), (.formatCorrupt, "BadRequest_NoRecordsOrWrongFormat"),
      (.valueInvalid, "BadRequest_InvalidMapping"), (.columnNotFound, "BadRequest_InvalidMapping"), (.notSupported, "BadRequest_FormatNotSupported"),
      (.usage, "BadRequest_FormatNotSupported"), (.http, "Download_UnknownError"), (.optionInvalid, "BadRequest_InvalidMapping"),
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
}

/// Files that came over the network, on their way into a table.
package struct ReceivedFiles: Sendable {
  package var paths: [String]
  /// A format word of ingestion; nil: by the extension of `name`.
  package var format: String?
  /// What logs call the data: a blob's address, a request's id.
  package var name: String
  /// Ingestion properties by name; unknown ones are ignored.
  package var properties: [(name: String, value: String)] = []
  package var isStreaming = false
  /// A writer's name and its sequence number: rows with that number or a later one in the table are not committed again.
  package var transaction: (application: String, version: Int64)?

  package init(paths: [String], format: String?, name: String) {
    self.paths = paths
    self.format = format
    self.name = name
  }
}

extension CommandExecutor {
  /// The database of that name, whatever its case; nil when there is none.
  package func databaseIfExists(_ name: String) throws -> Database? {
    guard let resolved = try resolve(name) else { return nil }
    return try store.databaseIfExists(resolved)
  }

  /// Brings files into a table; committed when it returns. Throws what reading and committing throw; failures are in `.show ingestion failures`.
  package func ingest(_ files: ReceivedFiles, into table: StoreTable, _ properties: RequestProperties) throws -> IngestResult {
    try requireIngestion(into: table, properties)
    let request = Request(text: "", database: table.database.name, properties: properties)
    let format = try files.format.map { try IngestFormat($0) } ?? IngestFormat.guess(files.name)
    let ingestion = FileIngestion(
      executor: self, request: request, operationId: request.activityId, kind: files.isStreaming ? "StreamingIngest" : "DataIngestPull", isStreaming: files.isStreaming,
      sourceName: files.name, transaction: files.transaction)
    return try ingestion.ingest(files.paths, format, into: table, CommandProperties(files.properties, allowed: CommandRun.ingestionProperties))
  }
}

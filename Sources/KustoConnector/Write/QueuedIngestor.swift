// Role: writeMode Queued: parts are put into storage while rows come, and named in the cluster's queue when all of them are there, so that a write
// that fails before leaves nothing to ingest, nor a table that it would have made; one that fails among the messages says how many parts are on
// their way, or that the table it made stays. The cluster ingests them when it sees fit.
// Source: queue messages as the ingest clients write them.

import Columnar
import DataSource
import KustoStore
import Synchronization

final class QueuedIngestor: PartIngestor {
  private let client: ClusterClient
  private let database: String
  private let table: String
  private let properties: PartProperties
  /// Parts that are not the last are ingested at once.
  private let flushesFull: Bool
  /// Each part carries a tag, so that a message that is delivered twice ingests once.
  private let marksParts: Bool
  private let resources: IngestionResources
  private let storage: IngestionStorage
  /// The table where this write makes it; nil: it is there.
  private let newTable: NewTable?
  private let id = randomIdentifier()
  private let parts = Mutex<[(url: String, part: IngestionPart)]>([])

  init(
    _ client: ClusterClient, database: String, table: String, _ properties: PartProperties, flushesFull: Bool, marksParts: Bool, resources: IngestionResources,
    newTable: NewTable?
  ) {
    self.client = client
    self.database = database
    self.table = table
    self.properties = properties
    self.flushesFull = flushesFull
    self.marksParts = marksParts
    self.resources = resources
    self.newTable = newTable
    storage = IngestionStorage(client: client)
  }

  func ingest(_ part: IngestionPart) throws {
    let name = "\(database)__\(table)__\(id)__\(part.number)\(properties.format.fileExtension)"
    let url = try storage.put(part.bytes, name: name, container: try resources.container())
    var kept = part
    kept.bytes = []
    parts.withLock { $0.append((url, kept)) }
  }

  func commit(rows: Int) throws -> Bool {
    let parts = parts.withLock { $0.sorted { $0.part.number < $1.part.number } }
    do { try newTable?.make() } catch { throw newTable?.left(after: error) ?? error }
    for (done, (url, part)) in parts.enumerated() {
      do {
        try storage.post(try message(url, part), queue: try resources.queue(), isRepeatable: marksParts)
      } catch let error as KConnectError {
        let isOpen = !marksParts && RequestFailure.leavesOutcomeOpen(error)
        guard isOpen || done > 0 else { throw newTable?.left(after: error) ?? error }
        let hint = "count the rows before they are written again; ensureNoDuplicatedBlobs=true lets messages be repeated"
        if isOpen { throw RequestFailure.outcomeUnknown(error, "part \(done + 1) of \(parts.count) is queued; those before it are", hint: hint) }
        throw KConnectError(error.code, "\(error.message): \(done) of \(parts.count) parts are queued and will be ingested, the others will not", hint: hint, cause: error.cause)
      }
    }
    return true
  }

  /// No message names the parts. Where the storage cannot be reached they are left to the service.
  func abort() {
    for (url, _) in parts.withLock({ $0 }) {
      guard storage.remove(url) else { return }
    }
  }

  private func message(_ url: String, _ part: IngestionPart) throws -> String {
    let mark = "\(id)_\(part.number)"
    var more = [DynamicEntry("authorizationContext", .string(try resources.identityToken()))]
    let unless = properties.ingestion.ingestIfNotExists + (marksParts ? [mark] : [])
    for member in properties.members(extraTags: marksParts ? ["ingest-by:" + mark] : [], unless: unless) { more.append(DynamicEntry(member.name, .string(member.value))) }
    if properties.mappingReference != nil { more.append(DynamicEntry("ingestionMappingType", .string("Csv"))) }
    let now = ScalarText.text(.datetime(client.retry.clock.nowTicks)) ?? ""
    let flushes = properties.flushImmediately || flushesFull && !part.isLast
    return DynamicValue.bag([
      DynamicEntry("Id", .string(randomIdentifier())), DynamicEntry("BlobPath", .string(url)), DynamicEntry("RawDataSize", .long(Int64(part.rawBytes))),
      DynamicEntry("DatabaseName", .string(database)), DynamicEntry("TableName", .string(table)), DynamicEntry("RetainBlobOnSuccess", .bool(false)),
      DynamicEntry("FlushImmediately", .bool(flushes)), DynamicEntry("IgnoreSizeLimit", .bool(false)), DynamicEntry("ReportLevel", .long(0)),
      DynamicEntry("ReportMethod", .long(0)), DynamicEntry("SourceMessageCreationTime", .string(now)), DynamicEntry("ApplicationForTracing", .string("kconnect")),
      DynamicEntry("AdditionalProperties", .bag(more)),
    ]).json
  }
}

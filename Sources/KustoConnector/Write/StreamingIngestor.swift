// Role: writeMode KustoStreaming: chunks of a few megabytes go straight to the table and are visible at once; a chunk that cannot be streamed for
// now goes the queued way. A chunk is sent again only when it was surely not taken: what is unknown ends the write, which says so.
// Source: REST "Streaming ingestion HTTP request"; the managed clients' fall-back: 3 attempts, then the queue, never for permanent errors.

import Columnar
import DataSource
import Synchronization

final class StreamingIngestor: PartIngestor {
  private let client: ClusterClient
  private let database: String
  private let table: String
  private let properties: PartProperties
  private let fallBack: QueuedIngestor
  /// The table where this write makes it; nil: it is there.
  private let newTable: NewTable?
  private let queued = Mutex(0)
  /// Rows that are in the table.
  private let taken = Mutex(0)

  init(_ client: ClusterClient, database: String, table: String, _ properties: PartProperties, fallBack: QueuedIngestor, newTable: NewTable?) {
    self.client = client
    self.database = database
    self.table = table
    self.properties = properties
    self.fallBack = fallBack
    self.newTable = newTable
  }

  /// Bytes that services take in one request.
  private static let requestBytes = 10 << 20

  func ingest(_ part: IngestionPart) throws {
    do {
      try newTable?.make()
      try send(part)
    } catch { throw newTable?.left(after: error) ?? error }
  }

  private func send(_ part: IngestionPart) throws {
    if part.bytes.count > Self.requestBytes { return try queue(part) }
    var path = "/v1/rest/ingest/\(FormText.encoded(database))/\(FormText.encoded(table))?streamFormat=\(properties.format.ingestionName)"
    if let mapping = properties.mappingReference { path += "&mappingName=" + FormText.encoded(mapping) }
    var policy = client.retry
    policy.attempts = 3
    do {
      try policy.run(when: RequestFailure.isRefusal) { attempt in
        var headers = [(name: "Content-Type", value: "application/octet-stream")]
        if properties.format == .csv { headers.append(("Content-Encoding", "gzip")) }
        var request = HTTPRequest("POST", client.address.engine + path, headers: headers, body: part.bytes)
        request.timeoutMilliseconds = 630_000
        request.isRepeatable = false
        // SAFETY: no receiver, so no pointer is handed over.
        _ = try unsafe client.exchange(request, .engine, activity: "executeStreamingIngest", attempt: attempt, receive: nil)
      }
      taken.withLock { $0 += part.rows }
    } catch let error as KConnectError where error.isRetryable && RequestFailure.isRefusal(error) {
      try queue(part)
    } catch let error as KConnectError where RequestFailure.leavesOutcomeOpen(error) {
      throw RequestFailure.outcomeUnknown(
        error, "\(part.rows) rows (chunk \(part.number) of the write) have reached '\(table)'", hint: "count the rows before they are written again; writeMode=Transactional writes all or none")
    } catch var error as KConnectError {
      let rows = taken.withLock { $0 }
      if rows > 0 { error.message += "; \(rows) rows of this write are in '\(table)' already" }
      throw error
    }
  }

  private func queue(_ part: IngestionPart) throws {
    try fallBack.ingest(part)
    queued.withLock { $0 += 1 }
  }

  func commit(rows: Int) throws -> Bool {
    do { try newTable?.make() } catch { throw newTable?.left(after: error) ?? error }
    if queued.withLock({ $0 }) > 0 { _ = try fallBack.commit(rows: rows) }
    return true
  }

  func abort() { fallBack.abort() }
}

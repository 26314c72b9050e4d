// Role: streaming ingestion: a body of rows into a table's row log, durable and visible when the reply says so.

import Columnar
import DataSource
import FileConnector
import KustoStore
import KustoWire

extension KustoService {
  /// `/v1/rest/ingest/{database}/{table}?streamFormat=…&mappingName=…&sourceKind=…`.
  func streamingIngestion(_ scope: RequestScope, database name: String, table tableName: String, _ reply: CountedReply) throws {
    let request = scope.request
    try executor.requireIngestion(database: name, table: tableName, scope.properties(self))
    guard let database = try executor.databaseIfExists(name) else { throw WireError.databaseMissing(name) }
    guard let table = try database.tableIfExists(tableName) else { throw WireError.tableMissing(tableName, database: database.name) }
    guard let format = request.parameter("streamFormat"), !format.isEmpty else { throw WireError.badRequest("The parameter 'streamFormat' is missing") }
    var properties: [(name: String, value: String)] = []
    if let mapping = request.parameter("mappingName"), !mapping.isEmpty { properties.append(("ingestionMappingReference", mapping)) }
    let work = scope.properties(self)
    do {
      if request.parameter("sourceKind")?.lowercased() == "uri" {
        try ingestAddress(scope, format, into: table, properties, work)
      } else {
        try ingestRows(scope, format, into: table, properties, work)
      }
    } catch { throw WireError.ingestion(error) }
    metrics.add("kconnect_streaming_ingestions_total")
    try reply.send(.json(200, #"{"Tables":[{"TableName":"Table_0","Columns":[{"ColumnName":"ConsumptionRecordsCount","DataType":"Int64","ColumnType":"long"}],"Rows":[]}]}"#))
  }

  /// The body has the rows. Few of them go into the row log, many into a commit of their own, read piece by piece.
  private func ingestRows(_ scope: RequestScope, _ format: String, into table: StoreTable, _ properties: [(name: String, value: String)], _ work: RequestProperties) throws {
    func data(_ input: IngestInput) -> ReceivedData {
      var data = ReceivedData(input, format: format, name: scope.clientRequestId)
      data.properties = properties
      data.isStreaming = true
      return data
    }
    let memory = TextMemory(configuration.requestMemory)
    defer { withExtendedLifetime(memory) {} }
    let received = try receiving(scope) {
      try scope.request.bodyOfRows(
        limit: configuration.maxStreamingBytes, inflated: configuration.maxStreamingInflatedBytes, held: configuration.heldStreamingBytes, blobs.directory,
        within: configuration.queryTimeout
      ) { count in
        scope.bodyBytes.withLock { $0 = count }
        try memory.hold(rows: count)
      }
    }
    switch received {
    case .file(let file):
      defer { withExtendedLifetime(file) {} }
      // Inflated it is more.
      scope.bodyBytes.withLock { $0 = configuration.heldStreamingBytes }
      try working(scope) { _ = try executor.ingest(data(.files([file.path])), into: table, work) }
    case .memory(let body):
      guard !body.isEmpty else { throw WireError.emptyStream }
      try working(scope) {
        if try executor.feedsOthers(table) {
          let key = GroupIngestion.Key(table: table.id, format: format.lowercased(), properties: properties.map { "\($0.name)=\($0.value)" }, principal: scope.principal?.fullyQualifiedName ?? "")
          // Others' rows go with this one's: nobody who leaves takes them along.
          var common = work
          common.cancellation = RequestCancellation()
          try streaming.ingest(body, key) { _ = try executor.ingest(data(.bodies($0)), into: table, common) }
        } else {
          try executor.append(data(.bodies([body])), to: table, work)
        }
      }
    }
  }

  /// The body names a blob to fetch.
  private func ingestAddress(_ scope: RequestScope, _ format: String, into table: StoreTable, _ properties: [(name: String, value: String)], _ work: RequestProperties) throws {
    let text = String(decoding: try received(scope, limit: 1 << 20), as: UTF8.self)
    guard let address = DynamicValue(json: text)?["sourceUri"]?.stringValue ?? DynamicValue(json: text)?["SourceUri"]?.stringValue else {
      throw WireError.badRequest("The body of an ingestion with sourceKind=uri is {\"sourceUri\":\"…\"}")
    }
    try working(scope) {
      try withReadableFile(of: address, under: scope.request.cancellation) { path in
        var files = ReceivedData(.files([path]), format: format, name: String(address.prefix { $0 != "?" && $0 != ";" }))
        files.properties = properties
        files.isStreaming = true
        _ = try executor.ingest(files, into: table, work)
      }
    }
  }

  /// Runs `body` with the place of an address's bytes: a file whose name tells its compression. `cancellation` ends fetching them.
  func withReadableFile(of address: String, under cancellation: RequestCancellation, _ body: (String) throws -> Void) throws {
    if let own = try queues.ownFile(of: address) {
      defer { withExtendedLifetime(own) {} }
      return try body(own.path)
    }
    let place = address.contains("://") ? String(address.prefix { $0 != ";" }) : address
    try pathGuard.check(place)
    let path = place.hasPrefix("file://") ? String(place.dropFirst(7)) : place
    if !path.contains("://") {
      try ReceivedFile.checkInflation(path, limit: configuration.maxBlobInflatedBytes)
      return try body(path)
    }
    // Fetched here, so that what is looked at is what is read.
    let received = try deadlines.limiting(seconds: configuration.commandTimeout, cancellation) { deadline in
      do { return try transferLimits(cancellation).holding { try fetched(path) } } catch {
        guard deadline.hasFired else { throw error }
        throw KConnectError(.http, "time-out: '\(path.prefix { $0 != "?" })' has not come whole within \(deadline.seconds) seconds", isRetryable: true)
      }
    }
    try body(received.path)
  }

  /// What stands at an allowed address, in a file. Throws HTTP, 413 when it is larger than a blob may be, also inflated.
  private func fetched(_ address: String) throws -> ReceivedFile {
    var http = HTTPOptions()
    http.followsRedirects = false
    http.limitBytes = configuration.maxBlobBytes
    let source = try HTTPDownload.spool(address, http)
    let ending = source.path.split(separator: "/").last.map { String($0) } ?? ""
    let name = ending.drop { $0 != "." }.dropFirst().filter { $0.isLetter || $0.isNumber || $0 == "." }
    let received = try ReceivedFile(blobs.directory, extension: name.isEmpty ? "blob" : String(name.suffix(40)))
    try BlobStore.copy(source) { try received.append($0) }
    try received.close()
    try ReceivedFile.checkInflation(received.path, limit: configuration.maxBlobInflatedBytes)
    return received
  }
}

extension WireError {
  static let emptyStream = WireError(
    status: 400, code: "BadRequest_EmptyBlob", type: "Kusto.DataNode.Exceptions.StreamingIngestionRequestException", detail: "The stream to ingest is empty", isPermanent: true)

  /// A failure of ingestion under the name Kusto gives it.
  static func ingestion(_ error: any Error) -> WireError {
    guard let error = error as? KConnectError, !error.isRetryable || error.code == .http else { return WireError(error) }
    let code = IngestFailure.code(error)
    var answer = WireError(error)
    guard answer.status == 400 else { return answer }
    answer.isPermanent = !error.isRetryable
    switch code {
    case "BadRequest_MappingReferenceWasNotFound": (answer.code, answer.type) = (code, "MappingNotFoundException")
    case "BadRequest_FormatNotSupported": (answer.code, answer.type) = (code, "FormatNotSupportedException")
    case "BadRequest_InvalidMapping": (answer.code, answer.type) = (code, "MappingNotValidException")
    default: (answer.code, answer.type) = (code, "Kusto.DataNode.Exceptions.StreamingIngestionRequestException")
    }
    return answer
  }
}

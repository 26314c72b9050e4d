// Role: the part of Azure Storage that queued ingestion uses: blobs and blocks, queues, and the status table, with keys in the address.
// Source: Microsoft, "Blob service REST API", "Queue service REST API", "Table service REST API".

import Columnar
import DataSource
import KustoConnector
import KustoStore
import KustoWire

extension KustoService {
  func storage(_ scope: RequestScope, _ reply: CountedReply) throws {
    let request = scope.request
    let segments = request.segments
    guard segments.count >= 2 else { throw WireError.notFound(request.path) }
    if let queue = IngestionQueues.Queue(rawValue: segments[1]) {
      try queues.check(signature: request.query, resource: segments[1])
      return try reply.send(try self.queue(request, queue, Array(segments.dropFirst(2))))
    }
    if segments[1] == IngestionQueues.statusTable || segments[1].hasPrefix(IngestionQueues.statusTable + "(") {
      try queues.check(signature: request.query, resource: IngestionQueues.statusTable)
      return try reply.send(try statusTable(request, segments[1]))
    }
    let blob = BlobName(request.path), container = segments[1]
    guard blob != nil || StorageAccount.isContainerName(container) && segments.count == 2 else { throw WireError.notFound(request.path) }
    if try configuration.storageAccount?.allows(request, container: container, blob: blob?.name) != true {
      try queues.check(signature: request.query, resource: container)
    }
    guard let blob else { return try reply.send(try self.container(request, container)) }
    // Slashes may have come encoded.
    if blob.name.split(separator: "/", omittingEmptySubsequences: false).contains(where: { $0 == "." || $0 == ".." }) { throw StorageError.invalidName(request) }
    try self.blob(scope, blob, reply)
  }

  // MARK: Blobs

  private func container(_ request: ServerRequest, _ name: String) throws -> Reply {
    // Containers are there as soon as they are named.
    if request.method == "PUT", request.parameter("restype") == "container" { return Reply(201, [("x-ms-request-id", randomIdentifier())]) }
    guard request.method == "GET", request.parameter("comp") == "list" else {
      if request.parameter("restype") == "container", ["GET", "HEAD"].contains(request.method) { return Reply(200) }
      throw WireError.badRequest("The container takes GET with comp=list")
    }
    let limit = min(5_000, max(1, request.parameter("maxresults").flatMap { Int($0) } ?? 5_000))
    let marker = request.parameter("marker") ?? ""
    let found = try blobs.names(container: name, prefix: request.parameter("prefix") ?? "").filter { $0.name > marker }.sorted { $0.name < $1.name }
    var out = "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ContainerName=\"\(name)\"><Blobs>"
    for (name, facts) in found.prefix(limit) {
      out += "<Blob><Name>\(MarkupText.escaped(name))</Name><Properties><Last-Modified>\(HTTPDate.text(facts.modified * 10_000_000))</Last-Modified>"
        + "<Etag>\(MarkupText.escaped(String(facts.tag.filter { $0 != "\"" })))</Etag><Content-Length>\(facts.size)</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>"
    }
    let next = found.count > limit ? MarkupText.escaped(found[limit - 1].name) : ""
    return Reply(200, type: "application/xml", out + "</Blobs><NextMarker>\(next)</NextMarker></EnumerationResults>")
  }

  private func blob(_ scope: RequestScope, _ blob: BlobName, _ reply: CountedReply) throws {
    let request = scope.request
    let replaces = request.header("if-none-match") != "*"
    if let wanted = request.header("if-match"), wanted != "*", try wanted != blobs.facts(blob).tag {
      return try reply.send(Reply(412, [("x-ms-error-code", "ConditionNotMet")]))
    }
    switch (request.method, request.parameter("comp")?.lowercased()) {
    case ("PUT", nil):
      if !replaces, (try? blobs.facts(blob)) != nil { throw KConnectError(.alreadyExists, "the blob exists already") }
      let received = try request.bodyInFile(blobs.directory, extension: "blob", limit: configuration.maxBlobBytes)
      try blobs.put(received, as: blob, replaces: replaces)
      try reply.send(Reply(201, headers(try blobs.facts(blob))))
    case ("PUT", "block"):
      guard let block = request.parameter("blockid") else { throw WireError.badRequest("The parameter 'blockid' is missing") }
      let received = try request.bodyInFile(blobs.directory, extension: "block", limit: configuration.maxBlobBytes)
      try blobs.putBlock(received, block, of: blob)
      try reply.send(Reply(201))
    case ("PUT", "blocklist"):
      let body = try request.bodyInMemory(limit: 16 << 20)
      let blocks = XMLScanner.texts(of: ["Latest", "Uncommitted", "Committed"], in: body)
      // Also where the same list was put before and its answer was lost.
      if !replaces, (try? blobs.facts(blob)) != nil { throw KConnectError(.alreadyExists, "the blob exists already") }
      guard blocks.count <= 50_000 else { throw WireError.badRequest("The list has \(blocks.count) blocks, 50000 are the most") }
      try blobs.putBlockList(blocks, of: blob, limit: configuration.maxBlobBytes, replaces: replaces)
      try reply.send(Reply(201, headers(try blobs.facts(blob))))
    case ("GET", "blocklist"):
      // Blocks that are in no blob yet are not told: `committed` is what a client asks whose answer was lost.
      guard request.parameter("blocklisttype")?.lowercased() ?? "committed" == "committed" else { throw WireError.badRequest("The list of blocks can be read with blocklisttype=committed only") }
      let listed = try blobs.committedBlocks(of: blob).map { "<Block><Name>\(MarkupText.escaped($0.id))</Name><Size>\($0.size)</Size></Block>" }.joined()
      let text = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList><CommittedBlocks>\(listed)</CommittedBlocks></BlockList>"
      try reply.send(Reply(200, headers(try blobs.facts(blob)) + [("Content-Type", "application/xml")], Array(text.utf8)))
    case ("HEAD", _):
      let facts = try blobs.facts(blob)
      try reply.start(ReplyHead(200, headers(facts) + [("Content-Type", "application/octet-stream")], length: facts.size))
    case ("GET", nil): try get(request, blob, reply)
    case ("DELETE", nil):
      guard blobs.remove(blob) else { _ = try blobs.path(of: blob); return }
      try reply.send(Reply(202))
    default: throw WireError.badRequest("The operation \(request.method) \(request.parameter("comp") ?? "") of blobs is not supported")
    }
  }

  private func headers(_ facts: BlobFacts) -> [(name: String, value: String)] {
    [
      ("ETag", facts.tag), ("Last-Modified", HTTPDate.text(facts.modified * 10_000_000)),
      ("x-ms-request-id", randomIdentifier()), ("x-ms-version", "2024-11-04"), ("x-ms-blob-type", "BlockBlob"), ("Accept-Ranges", "bytes"),
    ]
  }

  private func get(_ request: ServerRequest, _ blob: BlobName, _ reply: CountedReply) throws {
    let path = try blobs.path(of: blob), facts = try blobs.facts(blob)
    var start = 0, count = facts.size, status = 200
    var extra: [(name: String, value: String)] = []
    if let range = request.header("x-ms-range") ?? request.header("range"), range.hasPrefix("bytes=") {
      let bounds = range.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard bounds.count == 2, let first = bounds[0], first >= 0, first < facts.size, bounds[1].map({ $0 >= first }) ?? true else {
        return try reply.send(Reply(416, [("Content-Range", "bytes */\(facts.size)"), ("x-ms-error-code", "InvalidRange")]))
      }
      start = first
      count = min(facts.size - 1, bounds[1] ?? facts.size - 1) - first + 1
      status = 206
      extra = [("Content-Range", "bytes \(start)-\(start + count - 1)/\(facts.size)")]
    }
    try reply.start(ReplyHead(status, headers(facts) + extra + [("Content-Type", "application/octet-stream")], length: count))
    try BlobStore.copy(path, from: start, count: count) { try reply.write(Buffer($0)) }
  }

  // MARK: Queues

  private func queue(_ request: ServerRequest, _ queue: IngestionQueues.Queue, _ rest: [String]) throws -> Reply {
    guard rest.first == "messages" else {
      if rest.isEmpty, ["GET", "HEAD"].contains(request.method) { return Reply(200, [("x-ms-approximate-messages-count", String(try queues.count(queue)))]) }
      throw WireError.notFound(request.path)
    }
    let type = "application/xml"
    switch request.method {
    case "POST":
      let body = try request.bodyInMemory(limit: 1 << 20)
      guard let text = XMLScanner.texts(of: ["MessageText"], in: body).first else { throw WireError.badRequest("The body has no <MessageText>") }
      let message = try queues.post(text, to: queue)
      return Reply(201, type: type, QueueAnswer.messages([message], .posted))
    case "GET":
      let limit = request.parameter("numofmessages").flatMap { Int($0) } ?? 1
      guard (1...32).contains(limit) else { throw WireError.badRequest("The parameter 'numofmessages' is \(limit), expected 1 to 32") }
      if request.parameter("peekonly")?.lowercased() == "true" { return Reply(200, type: type, QueueAnswer.messages(try queues.peek(queue, limit: limit), .peeked)) }
      let seconds = request.parameter("visibilitytimeout").flatMap { Int($0) } ?? 30
      guard (1...604_800).contains(seconds) else { throw WireError.badRequest("The parameter 'visibilitytimeout' is \(seconds), expected 1 to 604800") }
      return Reply(200, type: type, QueueAnswer.messages(try queues.receive(queue, limit: limit, hiddenForSeconds: seconds), .received))
    case "DELETE":
      if rest.count == 1 {
        try queues.clear(queue)
        return Reply(204)
      }
      guard rest.count == 2, let receipt = request.parameter("popreceipt") else { throw WireError.badRequest("The parameter 'popreceipt' is missing") }
      guard try queues.delete(rest[1], from: queue, receipt: receipt) else { throw WireError.notFound(request.path) }
      return Reply(204)
    default: throw WireError.badRequest("The operation \(request.method) of queues is not supported")
    }
  }

  // MARK: Status table

  private func statusTable(_ request: ServerRequest, _ segment: String) throws -> Reply {
    let named = Self.keys(segment)
    switch request.header("x-http-method") ?? request.method {
    case "GET":
      guard let key = named else { throw WireError.badRequest("Rows are read by PartitionKey and RowKey") }
      guard let row = try queues.status(key) else { throw WireError.notFound(request.path) }
      return .json(200, row.json)
    case "POST", "PUT", "MERGE", "PATCH":
      let body = String(decoding: try request.bodyInMemory(limit: 1 << 20), as: UTF8.self)
      guard let given = DynamicValue(json: body), let entries = given.entries else { throw WireError.badRequest("The row is no JSON object") }
      func text(_ name: String) -> String { entries.first { $0.key == name }?.value.stringValue ?? "" }
      let key = named ?? text("PartitionKey") + "/" + text("RowKey")
      guard key.utf8.count > 1 else { throw WireError.badRequest("The row has no PartitionKey and RowKey") }
      var row = request.method == "MERGE" || request.method == "PATCH" ? try queues.status(key)?.entries ?? [] : []
      for entry in entries {
        row.removeAll { $0.key == entry.key }
        row.append(entry)
      }
      try queues.putStatus(key, .bag(row))
      return Reply(204)
    default: throw WireError.badRequest("The operation \(request.method) of tables is not supported")
    }
  }

  /// `partition/row` of `status(PartitionKey='p',RowKey='r')`.
  private static func keys(_ segment: String) -> String? {
    func value(_ name: String) -> String? {
      guard let start = segment.firstRange(of: name + "='") else { return nil }
      return String(segment[start.upperBound...].prefix { $0 != "'" })
    }
    guard let partition = value("PartitionKey"), let row = value("RowKey") else { return nil }
    return partition + "/" + row
  }
}

/// An error as storage clients read it.
struct StorageError {
  let error: WireError
  init(_ error: WireError) { self.error = error }

  /// Names with segments that are `.` or `..`, which clients on the way would take away, and names with control characters.
  static func invalidName(_ request: ServerRequest) -> WireError {
    WireError(
      status: 400, code: "InvalidUri", type: "KustoBadRequestException", detail: "The request's path holds a name that is not valid: '\(request.path.prefix(200))'", isPermanent: true)
  }

  var reply: Reply {
    let (status, code): (Int, String) = switch (error.status, error.code) {
    case (403, _): (403, "AuthenticationFailed")
    case (404, _), (_, "BadRequest_EntityNotFound"): (404, "BlobNotFound")
    case (413, _): (413, "RequestBodyTooLarge")
    case (_, "BadRequest_EntityAlreadyExists"): (409, "BlobAlreadyExists")
    case (400, "InvalidUri"): (400, "InvalidUri")
    case (400, _): (400, "InvalidInput")
    default: (500, "InternalError")
    }
    let text = "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>\(code)</Code><Message>\(MarkupText.escaped(error.detail))</Message></Error>"
    return Reply(status, type: "application/xml", text, [("x-ms-error-code", code)])
  }
}

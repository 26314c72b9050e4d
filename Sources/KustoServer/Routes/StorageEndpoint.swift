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
      try queues.check(request.query, resource: segments[1], rights: Self.queueRights(request))
      return try reply.send(try self.queue(request, queue, Array(segments.dropFirst(2))))
    }
    if segments[1] == IngestionQueues.statusTable || segments[1].hasPrefix(IngestionQueues.statusTable + "(") {
      try queues.check(request.query, resource: IngestionQueues.statusTable, rights: Self.tableRights(request))
      return try reply.send(try statusTable(request, segments[1]))
    }
    let blob = BlobName(request.path), container = segments[1]
    guard blob != nil || StorageAccount.isContainerName(container) && segments.count == 2 else { throw WireError.notFound(request.path) }
    if try configuration.storageAccount?.allows(request, container: container, blob: blob?.name) != true {
      try queues.check(request.query, resource: container, rights: StorageAccount.rights(request, blob?.name))
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
      try Self.checkPut(request)
      if !replaces, (try? blobs.facts(blob)) != nil { throw KConnectError(.alreadyExists, "the blob exists already") }
      let received = try request.bodyInFile(blobs.directory, extension: "blob", limit: configuration.maxBlobBytes)
      try blobs.put(received, as: blob, replaces: replaces)
      try reply.send(Reply(201, headers(try blobs.facts(blob))))
    case ("PUT", "block"):
      guard let block = request.parameter("blockid") else { throw WireError.badRequest("The parameter 'blockid' is missing") }
      guard !block.isEmpty, Base64.bytes(block.utf8, .padded) != nil else { throw WireError.badRequest("The parameter 'blockid' is not Base64") }
      let received = try request.bodyInFile(blobs.directory, extension: "block", limit: configuration.maxBlobBytes)
      try blobs.putBlock(received, block, of: blob)
      try reply.send(Reply(201))
    case ("PUT", "blocklist"):
      let body = try request.bodyInMemory(limit: 16 << 20)
      var digests = try BodyDigests(request)
      try digests.add(body)
      try digests.check()
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

  /// Throws 501 for what is asked of a new blob and not done here, 400 where it is not said what kind of blob it is to be.
  private static func checkPut(_ request: ServerRequest) throws {
    func notSupported(_ asked: String) -> WireError { StorageError.notSupported("Blobs are block blobs whose bytes come in the request: '\(asked)' is not supported") }
    if request.header("x-ms-copy-source") != nil { throw notSupported("x-ms-copy-source") }
    guard let type = request.header("x-ms-blob-type") else { throw StorageError.missingHeader("x-ms-blob-type") }
    if type.lowercased() != "blockblob" { throw notSupported("x-ms-blob-type: \(type)") }
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
    if let range = (request.header("x-ms-range") ?? request.header("range")).flatMap({ ByteRange($0, size: facts.size) }) {
      guard case .part(let first, let length) = range else {
        return try reply.send(Reply(416, [("Content-Range", "bytes */\(facts.size)"), ("x-ms-error-code", "InvalidRange")]))
      }
      (start, count, status) = (first, length, 206)
      extra = [("Content-Range", "bytes \(start)-\(start + count - 1)/\(facts.size)")]
    }
    try reply.start(ReplyHead(status, headers(facts) + extra + [("Content-Type", "application/octet-stream")], length: count))
    try BlobStore.copy(path, from: start, count: count) { try reply.write(Buffer($0)) }
  }

  // MARK: Queues

  /// Letters of which one is needed.
  private static func queueRights(_ request: ServerRequest) -> Set<Character> {
    switch request.method {
    case "POST": ["a"]
    case "DELETE": request.segments.count > 3 ? ["p"] : ["d"]
    case "GET" where request.segments.count > 2 && request.parameter("peekonly")?.lowercased() != "true": ["p"]
    default: ["r"]
    }
  }

  private static func tableRights(_ request: ServerRequest) -> Set<Character> {
    switch request.header("x-http-method") ?? request.method {
    case "GET", "HEAD": ["r"]
    case "POST": ["a"]
    case "DELETE": ["d"]
    default: ["u"]
    }
  }

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
    let named = EntityKey(segment)
    let method = request.header("x-http-method") ?? request.method
    switch method {
    case "GET":
      guard let key = named else { throw StorageError.notSupported("Rows are read by PartitionKey and RowKey; queries of tables are not supported") }
      guard let row = try queues.status(key.text) else { throw StorageError.missingRow(key) }
      return .json(200, row.json)
    case "POST", "PUT", "MERGE", "PATCH":
      let body = String(decoding: try request.bodyInMemory(limit: 1 << 20), as: UTF8.self)
      guard let given = DynamicValue(json: body), let entries = given.entries else { throw WireError.badRequest("The row is no JSON object") }
      guard let key = named ?? EntityKey(given) else { throw WireError.badRequest("The row has no PartitionKey and RowKey") }
      if method == "POST", named == nil {
        guard try queues.addStatus(key.text, given) else { throw StorageError.existingRow(key) }
        return Reply(204, [("Preference-Applied", "return-no-content")])
      }
      let known = try queues.status(key.text)
      // Without the condition a row that is missing is made.
      if known == nil, request.header("if-match") != nil { throw StorageError.missingRow(key) }
      var row = method == "MERGE" || method == "PATCH" ? known?.entries ?? [] : []
      for entry in [DynamicEntry("PartitionKey", .string(key.partition)), DynamicEntry("RowKey", .string(key.row))] + entries {
        row.removeAll { $0.key == entry.key }
        row.append(entry)
      }
      try queues.putStatus(key.text, .bag(row))
      return Reply(204)
    default: throw StorageError.notSupported("The operation \(method) of tables is not supported")
    }
  }
}

/// What names a row of the status table.
struct EntityKey {
  let partition: String
  let row: String

  /// The key as it is kept.
  var text: String { partition + "/" + row }

  /// Of a row's members; nil without both.
  init?(_ row: DynamicValue) {
    guard let partition = row["PartitionKey"]?.stringValue, let name = row["RowKey"]?.stringValue, !(partition + name).isEmpty else { return nil }
    self.partition = partition
    self.row = name
  }

  /// Of a segment `status(PartitionKey='p',RowKey='r')`, where a quote inside is doubled; nil for others.
  init?(_ segment: String) {
    var values: [Substring: String] = [:]
    var rest = segment.drop { $0 != "(" }.dropFirst()
    while let equals = rest.firstIndex(of: "="), rest[equals...].dropFirst().first == "'" {
      let name = rest[..<equals]
      rest = rest[equals...].dropFirst(2)
      var value = ""
      while let quote = rest.firstIndex(of: "'") {
        value += rest[..<quote]
        rest = rest[quote...].dropFirst()
        guard rest.first == "'" else { break }
        value.append("'")
        rest = rest.dropFirst()
      }
      values[name] = value
      rest = rest.drop { $0 == "," || $0 == " " }
    }
    guard let partition = values["PartitionKey"], let row = values["RowKey"] else { return nil }
    self.partition = partition
    self.row = row
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

  static func notSupported(_ detail: String) -> WireError {
    WireError(status: 501, code: "NotImplemented", type: "KustoBadRequestException", detail: detail, isPermanent: true)
  }

  static func missingHeader(_ name: String) -> WireError {
    WireError(status: 400, code: "MissingRequiredHeader", type: "KustoBadRequestException", detail: "The request has no header '\(name)', which it must have", isPermanent: true)
  }

  static func missingRow(_ key: EntityKey) -> WireError {
    WireError(status: 404, code: "ResourceNotFound", type: "EntityNotFoundException", detail: "There is no row '\(key.text)'", isPermanent: true)
  }

  static func existingRow(_ key: EntityKey) -> WireError {
    WireError(status: 409, code: "EntityAlreadyExists", type: "EntityAlreadyExistsException", detail: "The row '\(key.text)' exists already", isPermanent: true)
  }

  var reply: Reply {
    let (status, code): (Int, String) = switch (error.status, error.code) {
    case (403, "AuthorizationPermissionMismatch"): (403, "AuthorizationPermissionMismatch")
    case (403, _): (403, "AuthenticationFailed")
    case (404, "ResourceNotFound"), (409, "EntityAlreadyExists"): (error.status, error.code)
    case (404, _), (_, "BadRequest_EntityNotFound"): (404, "BlobNotFound")
    case (413, _): (413, "RequestBodyTooLarge")
    case (_, "BadRequest_EntityAlreadyExists"): (409, "BlobAlreadyExists")
    case (400, "InvalidUri"), (400, "Md5Mismatch"), (400, "Crc64Mismatch"), (400, "MissingRequiredHeader"): (400, error.code)
    case (400, _): (400, "InvalidInput")
    case (501, _): (501, "NotImplemented")
    default: (500, "InternalError")
    }
    let text = "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>\(code)</Code><Message>\(MarkupText.escaped(error.detail))</Message></Error>"
    return Reply(status, type: "application/xml", text, [("x-ms-error-code", code)])
  }
}

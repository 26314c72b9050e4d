// Role: from a request's path to what answers it; ids, CORS, authentication, limits, errors, log and metrics around it.

import Columnar
import DataSource
import FileConnector
import KustoAccess
import KustoStore
import KustoWire

extension KustoService {
  /// Answers a request. Blocks until the reply is on its way; never throws.
  package func handle(_ request: ServerRequest, _ target: any ReplyWriter) {
    var scope = RequestScope(request)
    let began = Deadlines.now
    let reply = CountedReply(target, common: commonHeaders(scope), request)
    let route = Route(request)
    do {
      try answer(route, &scope, reply)
      try reply.finish()
    } catch is ClientLeft {
    } catch {
      if !reply.hasStarted {
        try? reply.send(errorReply(WireError(ofRequest: error), scope, route))
        try? reply.finish()
      }
    }
    let duration = Deadlines.now - began
    metrics.request(route.name, status: reply.status, milliseconds: duration, bytesIn: min(max(0, request.header("content-length").flatMap { Int($0) } ?? 0), configuration.maxBlobBytes), bytesOut: reply.bytes)
    memoryReturn.note(bytes: max(scope.bodyBytes.withLock { $0 }, reply.bytes), now: began + duration)
    accessLog.write(scope, status: reply.status, milliseconds: duration, bytes: reply.bytes)
  }

  private func answer(_ route: Route, _ scope: inout RequestScope, _ reply: CountedReply) throws {
    if let fault = scope.request.fault { throw WireError.badRequest(fault) }
    if scope.request.method == "OPTIONS" { return try reply.send(preflight(scope.request)) }
    if case .ping = route.kind {} else { try checkOrigin(scope.request) }
    if route.hasBadName {
      if case .storage = route.kind { throw StorageError.invalidName(scope.request) }
      throw WireError.badRequest("The request's path holds a name that is not valid: '\(scope.request.path.prefix(200))'")
    }
    switch route.kind {
    case .ping: return try reply.send(ping())
    case .metadata: return try reply.send(.json(200, metadataText))
    case .root: return try reply.send(Reply(200, type: "text/plain; charset=utf-8", "KConnect: a Kusto-compatible server\n"))
    case .unknown: return try reply.send(try identityReply(scope.request))
    case .wrongMethod(let allowed):
      return try reply.send(Reply(405, [("Allow", allowed), ("Content-Type", "text/plain")], Array("method not allowed\n".utf8)))
    case .storage: return try storage(scope, reply)
    default: break
    }
    scope.principal = try authenticator?.principal(of: scope.request)
    let scope = scope
    switch route.kind {
    case .metrics: try reply.send(Reply(200, type: "text/plain; version=0.0.4", metricsText()))
    case .query(let version): try query(scope, version: version, reply)
    case .command: try command(scope, reply)
    case .queuedIngestion(let asked): try queuedIngestion(scope, asked, reply)
    case .ingest(let database, let table): try streamingIngestion(scope, database: database, table: table, reply)
    default: throw WireError.notFound(scope.request.path)
    }
  }

  /// Runs the work of a request whose body is there, when there is room for it; throws THROTTLED when there is not. Clients that are slow to send hold
  /// none of that room.
  /// What it fetches ends with it.
  func working<R>(_ scope: RequestScope, _ body: () throws -> R) throws -> R {
    let limits = transferLimits(scope.request.cancellation)
    return try permits.holding(scope.principal?.fullyQualifiedName ?? "") { try limits.holding(body) }
  }

  /// How long addresses are waited for that a request names.
  func transferLimits(_ cancellation: RequestCancellation) -> TransferLimits {
    TransferLimits(stallTimeoutMilliseconds: configuration.addressTimeout * 1_000) { cancellation.isCancelled }
  }

  /// Takes a body in. What is long in coming has room of its own, and a time.
  func received(_ scope: RequestScope, limit: Int, onBytes: (Int) throws -> Void = { _ in }) throws -> [UInt8] {
    try receiving(scope) {
      try scope.request.bodyInMemory(limit: limit, within: configuration.queryTimeout) { count in
        scope.bodyBytes.withLock { $0 = count }
        try onBytes(count)
      }
    }
  }

  /// Runs `read`, which takes a body in.
  func receiving<R>(_ scope: RequestScope, _ read: () throws -> R) throws -> R {
    try scope.request.body.isWhole ? read() : uploads.holding(scope.principal?.fullyQualifiedName ?? "", read)
  }

  /// Whether the announced length of a body is one that will not be taken: nothing of it needs to be waited for.
  func refusesLength(of request: ServerRequest) -> Bool {
    guard let length = request.header("content-length").flatMap({ Int($0) }), length > 1 << 20 else { return false }
    switch Route(request).kind {
    case .query, .command: return length > configuration.maxTextBytes
    case .ingest: return length > configuration.maxStreamingBytes
    case .storage: return length > configuration.maxBlobBytes
    default: return true
    }
  }

  private func metricsText() -> String {
    metrics.text(gauges: [
      ("kconnect_running_requests", "Requests that run now.", permits.running),
      ("kconnect_queued_messages", "Messages of queued ingestion that wait.", queues.waiting),
      ("kconnect_resident_memory_bytes", "Memory in use.", ProcessClock.residentBytes),
    ])
  }

  /// What monitoring and clients that wait for the server look at.
  private func ping() -> Reply {
    .json(200, "{\"Message\":\"Pong! KConnect\",\"ApplicationHealthState\":\"Healthy\"}\n")
  }

  // MARK: Headers

  private func commonHeaders(_ scope: RequestScope) -> [(name: String, value: String)] {
    var headers = [(name: "x-ms-client-request-id", value: scope.clientRequestId), (name: "x-ms-activity-id", value: scope.activityId)]
    if let origin = scope.request.header("origin"), allows(origin: origin, scope.request) {
      headers += [
        ("Access-Control-Allow-Origin", origin), ("Vary", "Origin"), ("Access-Control-Expose-Headers", "x-ms-client-request-id, x-ms-activity-id"),
        ("Access-Control-Allow-Credentials", "true"),
      ]
    }
    return headers
  }

  /// Without authentication, what keeps strangers out is that nobody else reaches the server; but pages of other sites run in the user's
  /// browser, and names of theirs may lead here. Throws 403 for both.
  private func checkOrigin(_ request: ServerRequest) throws {
    if authenticator != nil { return }
    if let origin = request.header("origin"), !allows(origin: origin, request) {
      throw KConnectError(.permission, "pages of '\(origin.prefix(100).filter { $0.isASCII && !$0.isNewline })' may not use this server, which knows no users", hint: "--allow-origin names further ones")
    }
    guard configuration.isLoopbackOnly, let host = request.header("host"), let parts = URLParts("http://" + host), !parts.isLoopback else { return }
    throw KConnectError(.permission, "'\(host.prefix(100))' is not this server, which listens on this machine only and knows no users", hint: "ask localhost")
  }

  /// With authentication every page may ask: it has nothing of the user's that the server would take. Else pages of this machine, of the server
  /// itself, of the Kusto web UI, and those that the operator allows.
  private func allows(origin: String, _ request: ServerRequest) -> Bool {
    guard origin.utf8.count <= 256, origin.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return false }
    if authenticator != nil { return true }
    guard let parts = URLParts(origin) else { return false }
    if parts.isLoopback || origin.lowercased() == "https://dataexplorer.azure.com" { return true }
    if let host = request.header("host"), URLParts("http://" + host)?.host == parts.host { return true }
    return configuration.allowedOrigins.contains { $0.lowercased() == origin.lowercased() }
  }

  private func preflight(_ request: ServerRequest) -> Reply {
    let wanted = request.header("access-control-request-headers") ?? "authorization, content-type, x-ms-client-request-id, x-ms-app, x-ms-activity-id, x-ms-client-version, x-ms-user-id"
    let allowed = String(String.UnicodeScalarView(wanted.unicodeScalars.filter { $0.value >= 0x20 && $0.value < 0x7F }.prefix(1_024)))
    return Reply(
      204,
      [
        ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS"), ("Access-Control-Allow-Headers", allowed), ("Access-Control-Allow-Private-Network", "true"),
        ("Access-Control-Max-Age", "3600"),
      ])
  }

  private func errorReply(_ error: WireError, _ scope: RequestScope, _ route: Route) -> Reply {
    if case .storage = route.kind { return StorageError(error).reply }
    let out = BufferBuilder<UInt8>(capacity: 1_024)
    out.error(error, scope.errorContext())
    var headers = [(name: "Content-Type", value: "application/json")]
    if error.status == 401 { headers.append(("WWW-Authenticate", error.challenge ?? "Bearer")) }
    if error.status == 429 { headers.append(("Retry-After", "1")) }
    return Reply(error.status, headers, out.finish().array)
  }

  /// The answer of the identity provider, where there is one and the path is its.
  private func identityReply(_ request: ServerRequest) throws -> Reply {
    guard let identity else { throw WireError.notFound(request.path) }
    return try permits.holding("identity provider") {
      let body = request.method == "POST" ? try request.bodyInMemory(limit: 1 << 16) : []
      let question = ProviderRequest(method: request.method, path: request.path, query: request.query, headers: request.headers, body: body, peer: request.peer)
      guard let answer = identity.respond(to: question) else { throw WireError.notFound(request.path) }
      return Reply(answer.status, answer.headers, answer.body)
    }
  }

  private var metadataText: String { metadata.map { $0.document.json } ?? Self.authenticationMetadata }

  /// The public cloud's values: without an identity provider of its own the server says what clients assume anyway.
  private static let authenticationMetadata = """
    {"AzureAD":{"LoginEndpoint":"https://login.microsoftonline.com","LoginMfaRequired":false,"KustoClientAppId":"db662dc1-0cfe-4e1c-a843-19a68e65be58",\
    "KustoClientRedirectUri":"https://microsoft/kustoclient","KustoServiceResourceId":"https://kusto.kusto.windows.net",\
    "FirstPartyAuthorityUrl":"https://login.microsoftonline.com/f8cdef31-a31e-4b4a-93e4-5f571e91255a"},\
    "dSTS":{"CloudEndpointSuffix":"windows.net","DstsRealm":"realm://dsts.core.windows.net","DstsInstance":"prod-dsts.dsts.core.windows.net",\
    "KustoDnsHostName":"kusto.windows.net","ServiceName":"kusto"}}
    """
}

extension WireError {
  static func notFound(_ path: String) -> WireError {
    WireError(status: 404, code: "NotFound", type: "KustoBadRequestException", detail: "There is nothing at '\(path.prefix(200))'", isPermanent: true)
  }
}

/// What a path leads to.
struct Route {
  enum Kind {
    case query(version: Int)
    case command
    case ingest(database: String, table: String)
    case queuedIngestion(KustoService.QueuedIngestionRequest)
    case metadata, ping, metrics, root, storage, unknown
    case wrongMethod(allowed: String)
  }
  let kind: Kind
  /// For metrics.
  let name: String
  /// A segment that could be mistaken for something else: control characters, `..`.
  let hasBadName: Bool

  init(_ request: ServerRequest) {
    let segments = request.segments
    hasBadName = segments.contains { $0 == ".." || $0 == "." || $0.utf8.contains { $0 < 0x20 || $0 == 0x7F } || !$0.isValidText }
    let words = segments.prefix(4).map { $0.lowercased() }
    func posting(_ kind: Kind, _ methods: Set<String> = ["POST"]) -> Kind {
      methods.contains(request.method) ? kind : .wrongMethod(allowed: methods.sorted().joined(separator: ", "))
    }
    func getting(_ kind: Kind) -> Kind { posting(kind, ["GET", "HEAD"]) }
    switch words {
    case []: (kind, name) = (getting(.root), "root")
    case ["v1", "rest", "query"]: (kind, name) = (posting(.query(version: 1), ["GET", "POST"]), "query_v1")
    case ["v2", "rest", "query"]: (kind, name) = (posting(.query(version: 2), ["GET", "POST"]), "query_v2")
    case ["v1", "rest", "mgmt"]: (kind, name) = (posting(.command), "mgmt")
    case ["v1", "rest", "ping"], ["v2", "rest", "ping"]: (kind, name) = (getting(.ping), "ping")
    case ["v1", "rest", "auth", "metadata"]: (kind, name) = (getting(.metadata), "metadata")
    case ["metrics"]: (kind, name) = (getting(.metrics), "metrics")
    case _ where words.count >= 1 && words[0] == BlobStore.account: (kind, name) = (.storage, "storage")
    case _ where segments.count == 5 && words[0] == "v1" && words[1] == "rest" && words[2] == "ingest":
      (kind, name) = (posting(.ingest(database: segments[3], table: segments[4])), "ingest")
    case _ where words.starts(with: ["v1", "rest", "ingestion"]):
      name = "queued_ingestion"
      switch (words.count > 3 ? words[3] : "", segments.count) {
      case ("configuration", 4): kind = getting(.queuedIngestion(.configuration))
      case ("queued", 6): kind = posting(.queuedIngestion(.queue(database: segments[4], table: segments[5])))
      case ("queued", 7): kind = getting(.queuedIngestion(.status(database: segments[4], table: segments[5], operation: segments[6])))
      default: kind = .unknown
      }
    default: (kind, name) = (.unknown, "unknown")
    }
  }
}

extension String {
  /// Without characters that stand for broken UTF-8.
  fileprivate var isValidText: Bool { !unicodeScalars.contains("\u{FFFD}") }
}

// Role: requests to a cluster: queries and commands with ids, properties, tokens and retries. Answers are parsed while they arrive.
// Source: REST "Query/management HTTP request"; the clients' routing: text that begins with `.` goes to /v1/rest/mgmt.

package import Columnar
import DataSource
package import KustoWire

#if canImport(Glibc)
import Glibc
#endif

/// A cluster with what is needed to talk to it.
package struct ClusterClient: Sendable {
  package let address: ClusterAddress
  package let tokens: any TokenProvider
  package let transport: any HTTPTransport
  package var retry: RetryPolicy
  /// The id of the run; every request has it in front of its own.
  package var requestId: String
  package var properties: ClientRequestProperties

  package init(
    _ address: ClusterAddress, tokens: any TokenProvider = NoToken(), transport: any HTTPTransport, retry: RetryPolicy = RetryPolicy(),
    requestId: String = randomIdentifier(), properties: ClientRequestProperties = ClientRequestProperties()
  ) {
    self.address = address
    self.tokens = tokens
    self.transport = transport
    self.retry = retry
    self.requestId = requestId
    self.properties = properties
  }

  /// Which of the cluster's services is meant.
  package enum Service: Sendable { case engine, ingestion }

  // MARK: Queries

  /// Runs a query and gives its tables to `onEvent` as they come. Sent again after failures that may pass, as long as no rows of a result came
  /// and the query has not cost the service much. Throws the service's error, HTTP, CANCELLED, or what `onEvent` throws.
  package func query(
    _ text: String, database: String?, activity: String = "executeQuery", isCancelled: (@Sendable () -> Bool)? = nil,
    onEvent: @escaping (AnswerEvent) throws -> Void
  ) throws {
    let defers = properties.option("deferpartialqueryfailures") == .bool(true)
    var hasBegun = false
    // What comes before the first rows of a result: it is passed on with them, or at the end.
    var held: [AnswerEvent] = []
    let receiver: (AnswerEvent) throws -> Void = { event in
      if !defers, case .rows(let table, let batch) = event, table.kind == .completionInformation { try Self.checkCompletion(batch) }
      if !hasBegun, !Self.hasRowsOfAResult(event) { return held.append(event) }
      hasBegun = true
      for event in held { try onEvent(event) }
      held = []
      try onEvent(event)
    }
    let body = try requestBody(text, database)
    func attempt(_ path: String, _ format: AnswerFormat) throws {
      var began = retry.clock.nowTicks
      try retry.run(unless: { hasBegun }, when: { isWorthwhile($0, since: began) }) { number in
        began = retry.clock.nowTicks
        held = []
        try send(
          path, .engine, body: body, format: format, activity: activity, attempt: number, timeoutSeconds: properties.serverTimeoutSeconds(default: 240) + 30,
          isCancelled: isCancelled, onEvent: receiver)
      }
    }
    do { try attempt("/v2/rest/query", .v2) } catch let error where RequestFailure.of(error)?.status == 404 && !hasBegun {
      // Services without the v2 endpoint.
      try attempt("/v1/rest/query", .v1)
    }
    for event in held { try onEvent(event) }
  }

  private static func hasRowsOfAResult(_ event: AnswerEvent) -> Bool {
    guard case .rows(let table, _) = event else { return false }
    return table.kind == .primaryResult || table.kind == .other
  }

  /// Whether a request that may be repeated is sent again: not after its time was up, nor when the service may have worked on it for long.
  private func isWorthwhile(_ error: KConnectError, since began: Int64) -> Bool {
    if error.cause is RequestTimedOut { return false }
    return !RequestFailure.leavesOutcomeOpen(error) || retry.clock.nowTicks - began < Self.cheapTicks
  }

  private static let cheapTicks: Int64 = 20 * 10_000_000

  /// Rows with a level below 4 tell of failures.
  private static func checkCompletion(_ batch: RecordBatch) throws {
    guard let levels = batch.schema.index(of: "Level"), let payloads = batch.schema.index(of: "Payload") else { return }
    for i in 0..<batch.rowCount {
      guard case .int(let level) = batch.columns[levels].scalar(i), level > 0, level < 4 else { continue }
      var text = ""
      if case .string(let payload) = batch.columns[payloads].scalar(i) { text = payload }
      if let value = try? DynamicValue(parsing: text), case .string(let shown)? = value["Text"] { text = shown }
      throw ServiceError(message: text)
    }
  }

  // MARK: Commands

  /// Runs a management command and holds its answer. `isRepeatable`: it may be sent again when it is not known whether it ran.
  package func command(
    _ text: String, database: String?, on service: Service = .engine, activity: String = "executeCommand", isRepeatable: Bool? = nil
  ) throws -> CommandAnswer {
    let body = try requestBody(text, database)
    let repeats = isRepeatable ?? text.drop { $0.isWhitespace }.hasPrefix(".show")
    var began = retry.clock.nowTicks
    do {
      return try retry.run(when: { repeats ? isWorthwhile($0, since: began) : RequestFailure.isRefusal($0) }) { number in
        began = retry.clock.nowTicks
        var tables: [CommandTable] = []
        try send(
          "/v1/rest/mgmt", service, body: body, format: .v1, activity: activity, attempt: number,
          timeoutSeconds: properties.serverTimeoutSeconds(default: 600) + 30, isRepeatable: repeats, isCancelled: nil
        ) { event in
          switch event {
          case .begin(let table): tables.append(CommandTable(schema: table.schema))
          case .rows(_, let batch): tables[tables.count - 1].batches.append(batch)
          case .restart, .end: break
          }
        }
        guard let first = tables.first else { throw KConnectError(.formatCorrupt, "the answer to a command has no table") }
        return CommandAnswer(table: first)
      }
    } catch let error as KConnectError where !repeats && RequestFailure.leavesOutcomeOpen(error) {
      throw RequestFailure.outcomeUnknown(
        error, "the command was carried out", hint: "look before it is sent again: .show commands", isRetryable: error.isRetryable)
    }
  }

  // MARK: Requests

  private func requestBody(_ text: String, _ database: String?) throws -> [UInt8] {
    var members = [DynamicEntry("db", .string(database ?? "NetDefaultDB")), DynamicEntry("csl", .string(text))]
    // A JSON text in a text: what all services understand.
    if let json = properties.json { members.append(DynamicEntry("properties", .string(json))) }
    return Array(DynamicValue.bag(members).json.utf8)
  }

  private func send(
    _ path: String, _ service: Service, body: [UInt8], format: AnswerFormat, activity: String, attempt: Int, timeoutSeconds: Int,
    isRepeatable: Bool = true, isCancelled: (@Sendable () -> Bool)?, onEvent: @escaping (AnswerEvent) throws -> Void
  ) throws {
    let reader = AnswerReader(format, onEvent: onEvent)
    var request = HTTPRequest("POST", base(service) + path, headers: [("Content-Type", "application/json; charset=utf-8")], body: body)
    request.timeoutMilliseconds = timeoutSeconds * 1_000
    request.isRepeatable = isRepeatable
    request.isCancelled = isCancelled
    do {
      _ = try unsafe exchange(request, service, activity: activity, attempt: attempt) { bytes in
        try unsafe reader.append(bytes)
        return true
      }
      try reader.finish()
    } catch let error as ServiceError {
      throw RequestFailure(status: nil, service: error).publicError(doing: base(service) + path)
    }
  }

  private func base(_ service: Service) -> String { service == .engine ? address.engine : address.ingestion }

  /// Sends a request with ids and token; after a 401 once more with a new token. The answer has a status of 2xx; others throw.
  func exchange(_ request: HTTPRequest, _ service: Service, activity: String, attempt: Int, receive: HTTPBodyReceiver?) throws -> HTTPResponse {
    let resource = TokenResource(endpoint: base(service))
    var request = request
    request.headers += [
      ("Accept", "application/json"), ("x-ms-client-request-id", Self.headerSafe("\(requestId);\(activity);\(randomIdentifier());\(attempt)")), ("x-ms-app", "kconnect"),
      ("x-ms-user", Self.user), ("x-ms-client-version", "KConnect"), ("x-ms-version", "2024-12-12"),
    ]
    var token = try self.token(resource)
    for isRenewed in [false, true] {
      var authorized = request
      if let token { authorized.headers.append(("Authorization", "Bearer " + token.secret)) }
      let response = try unsafe transport.send(authorized, receive: receive)
      if (200..<300).contains(response.status) { return response }
      if response.status == 401, !isRenewed, let refused = token, tokens.invalidate(refused, for: resource) {
        token = try self.token(resource)
        continue
      }
      throw Self.failure(response, request, retry.clock.nowTicks, hasToken: token != nil)
    }
    throw KConnectError(.internalError, "a request without an outcome")
  }

  private func token(_ resource: TokenResource) throws -> Token? {
    guard let token = try tokens.token(for: resource) else { return nil }
    guard ClusterAddress.isSafeForTokens(resource.endpoint) else {
      throw KConnectError(.configuration, "credentials are not sent to '\(resource.endpoint)' without TLS", hint: "write https://, or use no credentials")
    }
    return token
  }

  private static func failure(_ response: HTTPResponse, _ request: HTTPRequest, _ now: Int64, hasToken: Bool) -> KConnectError {
    if (300..<400).contains(response.status) {
      return KConnectError(
        .http, "\(request.shownURL): HTTP \(response.status): the address redirects, which is not followed", hint: "write the address of the cluster itself",
        cause: RequestFailure(status: response.status, service: ServiceError(message: "redirect")))
    }
    var service = ServiceError(status: response.status, body: response.body)
    if service.activityId == nil { service.activityId = response.headers["x-ms-activity-id"] }
    if response.status == 401, service.message.isEmpty { service.message = hasToken ? "the cluster refuses the token" : "the cluster wants credentials" }
    let failure = RequestFailure(
      status: response.status, service: service, retryAfterMilliseconds: RetryPolicy.retryAfter(response.headers["retry-after"], nowTicks: now))
    return failure.publicError(doing: request.shownURL)
  }

  private static func headerSafe(_ text: String) -> String { String(decoding: text.utf8.map { $0 < 0x20 || $0 == 0x7F ? 0x5F : $0 }, as: UTF8.self) }

  private static let user: String = {
    // SAFETY: getenv answers nil or a zero-terminated text, which is copied at once.
    headerSafe(unsafe getenv("USER").map { unsafe String(cString: $0) } ?? "[none]")
  }()
}

/// A table of a command's answer.
package struct CommandTable: Sendable {
  package var schema: StructType
  package var batches: [RecordBatch] = []

  package init(schema: StructType) { self.schema = schema }
}

/// The answer to a command.
package struct CommandAnswer: Sendable {
  package let table: CommandTable

  package var rowCount: Int { table.batches.reduce(0) { $0 + $1.rowCount } }

  /// The values of a column, in row order; empty when there is no such column.
  package func column(_ name: String) -> [Scalar] {
    guard let i = table.schema.index(of: name) else { return [] }
    return table.batches.flatMap { batch in (0..<batch.rowCount).map { batch.columns[i].scalar($0) } }
  }

  /// The values of a column as texts; nulls are empty.
  package func texts(_ name: String) -> [String] {
    column(name).map { value in
      if case .dynamic(let value) = value { return value.json }
      return ScalarText.text(value) ?? ""
    }
  }
}

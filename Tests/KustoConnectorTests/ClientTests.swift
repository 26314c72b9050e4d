// Requests of the client: addresses, headers, retries, tokens, errors.

import Columnar
import DataSource
import KustoConnector
import KustoWire
import Synchronization
import Testing

struct AddressCase: CustomTestStringConvertible, Sendable {
  var text: String
  var engine: String
  var ingestion: String
  var alias: String
  var testDescription: String { text }
}

let addressCases = [
  AddressCase(text: "mycl.westeurope", engine: "https://mycl.westeurope.kusto.windows.net", ingestion: "https://ingest-mycl.westeurope.kusto.windows.net", alias: "mycl.westeurope"),
  AddressCase(text: "https://MyCl.westeurope.kusto.windows.net", engine: "https://mycl.westeurope.kusto.windows.net", ingestion: "https://ingest-mycl.westeurope.kusto.windows.net", alias: "mycl.westeurope"),
  AddressCase(text: "https://ingest-mycl.weu.kusto.windows.net/", engine: "https://mycl.weu.kusto.windows.net", ingestion: "https://ingest-mycl.weu.kusto.windows.net", alias: "mycl.weu"),
  AddressCase(text: "https://ingest-mycl.kusto.chinacloudapi.cn", engine: "https://mycl.kusto.chinacloudapi.cn", ingestion: "https://ingest-mycl.kusto.chinacloudapi.cn", alias: "mycl"),
  AddressCase(text: "https://kusto.aria.microsoft.com", engine: "https://kusto.aria.microsoft.com", ingestion: "https://kusto.aria.microsoft.com", alias: "Aria proxy"),
  AddressCase(text: "https://insights.playfab.com", engine: "https://insights.playfab.com", ingestion: "https://insights.playfab.com", alias: "PlayFab proxy"),
  AddressCase(text: "http://localhost:8080", engine: "http://localhost:8080", ingestion: "http://localhost:8080", alias: "localhost:8080"),
  AddressCase(text: "http://127.0.0.1:8080/", engine: "http://127.0.0.1:8080", ingestion: "http://127.0.0.1:8080", alias: "127.0.0.1:8080"),
  AddressCase(text: "http://[::1]:8080", engine: "http://[::1]:8080", ingestion: "http://[::1]:8080", alias: "[::1]:8080"),
  AddressCase(text: "https://help.z1.fabric.example", engine: "https://help.z1.fabric.example", ingestion: "https://ingest-help.z1.fabric.example", alias: "help.z1.fabric.example"),
]

@Suite struct ClientTests {
  @Test(arguments: addressCases) func addresses(_ wanted: AddressCase) throws {
    let address = try ClusterAddress(wanted.text)
    #expect(address.engine == wanted.engine)
    #expect(address.ingestion == wanted.ingestion)
    #expect(address.alias == wanted.alias)
  }

  @Test(arguments: ["", "ftp://x", "https://user:pw@host", "https://host?x=1", "https://ho st", "https://host#f"]) func badAddresses(_ text: String) {
    #expect(throws: KConnectError.self) { try ClusterAddress(text) }
  }

  private func client(_ transport: ScriptedTransport, _ clock: ManualClock = ManualClock(), tokens: any TokenProvider = NoToken(), at url: String = "https://c.r.kusto.windows.net") throws -> ClusterClient {
    ClusterClient(try ClusterAddress(url), tokens: tokens, transport: transport, retry: RetryPolicy(clock: clock), requestId: "run")
  }

  private func count(_ client: ClusterClient) throws -> Int {
    var rows = 0
    try client.query("T", database: "db") { if case .rows(let table, let batch) = $0, table.kind == .primaryResult { rows += batch.rowCount } }
    return rows
  }

  @Test func requestsCarryIdsAndProperties() throws {
    let transport = ScriptedTransport { _, _ in .init(body: Answers.v2("n:long", "[1]")) }
    var client = try client(transport, tokens: FixedToken("s3cret"))
    client.properties = try ClientRequestProperties(json: "{\"Options\":{\"servertimeout\":\"00:01:00\"},\"Parameters\":{\"n\":\"long(1)\"}}")
    #expect(try count(client) == 1)
    let request = transport.requests[0]
    #expect(request.url == "https://c.r.kusto.windows.net/v2/rest/query")
    let headers = Dictionary(uniqueKeysWithValues: request.headers)
    #expect(headers["Authorization"] == "Bearer s3cret")
    #expect(headers["x-ms-client-request-id"]?.hasPrefix("run;executeQuery;") == true)
    #expect(headers["x-ms-client-request-id"]?.hasSuffix(";1") == true)
    #expect(headers["x-ms-app"] == "kconnect")
    #expect(request.timeoutMilliseconds == 90_000)
    let body = try DynamicValue(parsing: String(decoding: request.body ?? [], as: UTF8.self))
    guard case .string(let properties)? = body["properties"] else {
      Issue.record("properties are no text")
      return
    }
    #expect(properties == "{\"Options\":{\"servertimeout\":\"00:01:00\"},\"Parameters\":{\"n\":\"long(1)\"}}")
  }

  @Test func transientFailuresAreTriedAgain() throws {
    let clock = ManualClock()
    let transport = ScriptedTransport { _, n in
      n < 3 ? .init(status: 503, body: Answers.error("Unavailable", "later", permanent: false)) : .init(body: Answers.v2("n:long", "[1]"))
    }
    #expect(try count(try client(transport, clock)) == 1)
    #expect(transport.requests.count == 3)
    #expect(clock.waits.count == 2)
    #expect(clock.waits.allSatisfy { $0 >= 500 && $0 <= 10_000 })
  }

  @Test func permanentFailuresAreNot() throws {
    let transport = ScriptedTransport { _, _ in .init(status: 500, body: Answers.error("General_InternalServerError", "never", permanent: true)) }
    #expect(throws: KConnectError.self) { try count(try client(transport)) }
    #expect(transport.requests.count == 1)
  }

  @Test func retryAfterIsWaitedFor() throws {
    let clock = ManualClock()
    let transport = ScriptedTransport { _, n in
      n == 1 ? .init(status: 429, headers: ["retry-after": "7"], body: Answers.error("TooManyRequests", "busy", permanent: false)) : .init(body: Answers.v2("n:long", ""))
    }
    #expect(try count(try client(transport, clock)) == 0)
    #expect(clock.waits == [7_000])
  }

  @Test func attemptsEnd() throws {
    let transport = ScriptedTransport { _, _ in .init(status: 504, body: Answers.error("Timeout", "slow", permanent: false)) }
    do {
      _ = try count(try client(transport))
      Issue.record("no error")
    } catch let error as KConnectError {
      #expect(error.message.contains("slow"))
      #expect(error.isRetryable)
    }
    #expect(transport.requests.count == 4)
  }

  @Test func halfAnAnswerIsTriedAgainOnlyBeforeRows() throws {
    let cut = KConnectError(.http, "cut", isRetryable: true)
    let early = ScriptedTransport { _, n in n == 1 ? .init(body: "[{\"FrameType\":\"DataSetHeader\"}", failure: cut) : .init(body: Answers.v2("n:long", "[1]")) }
    #expect(try count(try client(early)) == 1)
    // A table that was only announced, with the connection cut and without.
    let whole = Answers.v2("n:long", "[1],[2]")
    for failure in [cut, nil] {
      let announced = ScriptedTransport { _, n in n == 1 ? .init(body: String(whole.split(separator: ",[2]")[0]), failure: failure) : .init(body: whole) }
      #expect(try count(try client(announced)) == 2)
      #expect(announced.requests.count == 2)
    }
    let late = ScriptedTransport { _, _ in .init(body: String(Answers.v2("n:long", "[1],[2]").dropLast(60)), failure: cut) }
    #expect(throws: KConnectError.self) { try count(try client(late)) }
    #expect(late.requests.count == 1)
  }

  @Test func refusedTokenIsRenewedOnce() throws {
    let tokens = CountingTokens()
    let transport = ScriptedTransport { request, _ in
      request.headers.contains { $0.value == "Bearer t1" } ? .init(body: Answers.v2("n:long", "[1]")) : .init(status: 401)
    }
    #expect(try count(try client(transport, tokens: tokens)) == 1)
    #expect(transport.requests.count == 2)
    let refusing = ScriptedTransport { _, _ in .init(status: 401) }
    do {
      _ = try count(try client(refusing, tokens: CountingTokens()))
      Issue.record("no error")
    } catch let error as KConnectError {
      #expect(error.code == .permission)
      #expect(!"\(error)".contains("t0") && !"\(error)".contains("t1"))
    }
    #expect(refusing.requests.count == 2)
  }

  @Test func tokensDoNotTravelInClear() throws {
    let transport = ScriptedTransport { _, _ in .init(body: Answers.v2("n:long", "[1]")) }
    #expect(throws: KConnectError.self) { try count(try client(transport, tokens: FixedToken("s"), at: "http://cluster.example")) }
    #expect(transport.requests.isEmpty)
    #expect(try count(try client(transport, tokens: FixedToken("s"), at: "http://127.0.0.1:9")) == 1)
  }

  @Test func redirectsAreNotFollowed() throws {
    let transport = ScriptedTransport { _, _ in .init(status: 302, headers: ["location": "https://evil.example/"]) }
    #expect(throws: KConnectError.self) { try count(try client(transport, tokens: FixedToken("s"))) }
    #expect(transport.requests.count == 1)
  }

  @Test func oldServicesAreAskedTheOldWay() throws {
    let transport = ScriptedTransport { request, _ in
      request.url.hasSuffix("/v2/rest/query") ? .init(status: 404) : .init(body: Answers.v1("n:long", "[1],[2]"))
    }
    var rows = 0
    try client(transport).query("T", database: "db") { if case .rows(_, let batch) = $0 { rows += batch.rowCount } }
    #expect(rows == 2)
  }

  @Test func commandsThatMayHaveRunAreNotRepeated() throws {
    let cut = KConnectError(.http, "cut", isRetryable: true)
    let transport = ScriptedTransport { _, _ in throw cut }
    #expect(throws: KConnectError.self) { try client(transport).command(".move extents all from table A to table B", database: "db") }
    #expect(transport.requests.count == 1)
    #expect(throws: KConnectError.self) { try client(transport).command(".show tables", database: "db") }
    #expect(transport.requests.count == 5)
  }

  /// What has cost the service much, or may have been carried out, is not asked for again.
  @Test func dearRequestsAreNotRepeated() throws {
    let timedOut = ScriptedTransport { _, _ in throw KConnectError(.http, "no answer within 1 ms", cause: RequestTimedOut(), isRetryable: true) }
    #expect(throws: KConnectError.self) { try count(try client(timedOut)) }
    #expect(throws: KConnectError.self) { try client(timedOut).command(".show tables", database: "db") }
    #expect(timedOut.requests.count == 2)
    let clock = ManualClock()
    let cut = ScriptedTransport { _, n in
      // The service works for a while; then the connection breaks.
      clock.wait(milliseconds: n == 1 ? 100 : 60_000)
      throw KConnectError(.http, "cut", isRetryable: true)
    }
    #expect(throws: KConnectError.self) { try count(try client(cut, clock)) }
    #expect(cut.requests.count == 2)
    let error = #expect(throws: KConnectError.self) { try client(cut, clock).command(".set-or-append T <| print 1", database: "db") }
    #expect(error?.message.contains("not known whether the command was carried out") == true)
    let refused = ScriptedTransport { _, _ in .init(status: 429, body: Answers.error("Throttled", "busy", permanent: false)) }
    let plain = #expect(throws: KConnectError.self) { try client(refused).command(".set-or-append T <| print 1", database: "db") }
    #expect(plain?.message.contains("not known") == false && refused.requests.count == 4)
  }

  @Test func secretsInMessagesOfServices() {
    let text = "cannot write 'https://a.blob.core.windows.net/c/x?sv=1&sig=abcdef' nor 'https://a.blob.core.windows.net/c;S3CRETKEY=='"
    let message = ServiceError(message: text).publicError(status: 400, doing: "x").message
    #expect(!message.contains("abcdef") && !message.contains("S3CRETKEY"))
  }

  @Test func errorsBecomeFamilies() throws {
    let cases: [(Int, String, KConnectError.Code)] = [
      (400, "{\"error\":{\"code\":\"General_BadRequest\",\"@message\":\"Semantic error: SEM0100\",\"innererror\":{\"code\":\"SEM0100\",\"@message\":\"no column\"}}}", .kqlSemantic),
      (400, "{\"error\":{\"code\":\"General_BadRequest\",\"@message\":\"x\",\"innererror\":{\"code\":\"SYN0002\",\"@message\":\"y\"}}}", .kqlSyntax),
      (400, Answers.error("BadRequest_EntityNotFound", "Entity ID 'X' of kind 'Table' was not found.", permanent: true), .pathNotFound),
      (403, Answers.error("Forbidden", "no", permanent: true), .permission),
      (429, Answers.error("TooManyRequests", "no", permanent: true), .throttled),
      (502, "<html>\nBad gateway", .http),
    ]
    for (status, body, code) in cases {
      let transport = ScriptedTransport { _, _ in .init(status: status, body: body) }
      do {
        _ = try count(try client(transport))
        Issue.record("no error")
      } catch let error as KConnectError { #expect(error.code == code, "\(status) \(body): \(error)") }
    }
  }

  @Test func incompleteInformationIsAnError() throws {
    let frame = ",{\"FrameType\":\"DataTable\",\"TableId\":2,\"TableKind\":\"QueryCompletionInformation\",\"TableName\":\"Q\",\"Columns\":[\(Answers.columns("Level:int,Payload:string"))],\"Rows\":[[2,\"{\\\"Text\\\":\\\"set too large\\\"}\"]]},{\"FrameType\":\"DataSetCompletion\""
    let parts = Answers.v2("n:long", "[1]").split(separator: ",{\"FrameType\":\"DataSetCompletion\"", omittingEmptySubsequences: false)
    let whole = Answers.v2("n:long", "[1]")
    let cut = whole.firstRange(of: "{\"FrameType\":\"DataSetCompletion\"")
    guard let cut, !parts.isEmpty else {
      Issue.record("no completion in the answer")
      return
    }
    var head = String(whole[..<cut.lowerBound])
    while head.last == "\n" || head.last == "," { head.removeLast() }
    let text = head + frame + String(whole[cut.upperBound...])
    let transport = ScriptedTransport { _, _ in .init(body: text) }
    #expect(throws: KConnectError.self) { try count(try client(transport)) }
    var patient = try client(transport)
    patient.properties = try ClientRequestProperties(json: "{\"Options\":{\"deferpartialqueryfailures\":true}}")
    #expect(try count(patient) == 1)
  }

  @Test func httpDates() {
    #expect(HTTPDate.ticks("Sun, 06 Nov 1994 08:49:37 GMT") == 7_841_117_770_000_000)
    #expect(HTTPDate.text(7_841_117_770_000_000) == "Sun, 06 Nov 1994 08:49:37 GMT")
    #expect(HTTPDate.ticks("yesterday") == nil)
  }
}

/// `t0`, then `t1` after a refusal, then nothing new.
private final class CountingTokens: TokenProvider {
  private let number = Mutex(0)
  var name: String { "counting" }
  func token(for resource: TokenResource) throws -> Token? { Token(secret: "t\(number.withLock { $0 })") }
  func invalidate(_ token: Token, for resource: TokenResource) -> Bool {
    number.withLock { number in
      number += 1
      return true
    }
  }
}

// Role: clients that do not behave, over real sockets: the server ends their connections and goes on answering others.

import Columnar
import Foundation
import KustoServer
import Testing

@Suite(.timeLimit(.minutes(15))) struct LiveTests {
  /// Silence after which a connection is closed: longer than a busy machine keeps an honest client from sending what it has begun.
  private static let idleSeconds = 4
  private static let head = "POST /v1/rest/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"

  struct Loiterer: CustomTestStringConvertible, Sendable {
    var testDescription: String
    /// What is sent before nothing more comes.
    var bytes: String
  }

  static let loiterers: [Loiterer] = [
    Loiterer(testDescription: "nothing at all", bytes: ""),
    Loiterer(testDescription: "half a head", bytes: "POST /v1/rest/query HTTP/1.1\r\nHost: localhost\r\nX-A: "),
    Loiterer(testDescription: "a head and no body", bytes: head),
    Loiterer(testDescription: "a body that stops", bytes: head + "{\"csl\":"),
    Loiterer(testDescription: "a body that stops behind what is gathered", bytes: "POST /v1/rest/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" + String(repeating: " ", count: 100_000)),
    Loiterer(testDescription: "a chunked body that stops", bytes: "POST /v1/rest/query HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"csl"),
    Loiterer(testDescription: "an ingestion that stops", bytes: "POST /v1/rest/ingest/NetDefaultDB/T?streamFormat=csv HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n1\n"),
    Loiterer(testDescription: "a request, then nothing", bytes: "GET /v1/rest/ping HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  ]

  /// Many of a kind, more than requests may run at a time: others are answered meanwhile, and all of them are closed in the end.
  @Test(arguments: loiterers) func loitering(_ loiterer: Loiterer) async throws {
    let test = try TestService { $0.maxRequests = 4 }
    test.command(".create table T (a:long)")
    try await LiveServer.with(test, change: { $0.idleTimeout = Self.idleSeconds }) { server in
      let connections = try (0..<24).map { _ in
        let connection = try server.connect()
        try connection.send(loiterer.bytes)
        return connection
      }
      // None of them holds a place among the requests.
      #expect(try server.ask("print 41 + 1").contains("[[42]]"))
      for connection in connections { _ = connection.readToEnd() }
      #expect(try server.ask("print 41 + 1").contains("[[42]]"))
      try server.wait(for: "kconnect_running_requests", toBe: 0)
    }
  }

  /// A body that comes fast enough for its connection, and too long for a request; others are answered meanwhile.
  @Test func endlessBodies() async throws {
    let test = try TestService {
      $0.maxRequests = 2
      $0.queryTimeout = 4
    }
    test.command(".create table T (a:long)")
    try await LiveServer.with(test) { server in
      for target in ["/v1/rest/query", "/v1/rest/ingest/NetDefaultDB/T?streamFormat=csv"] {
        let connections = try (0..<8).map { _ in try server.connect() }
        for connection in connections {
          try connection.send("POST \(target) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n" + String(repeating: " ", count: 70_000))
        }
        #expect(try server.ask("print 41 + 1").contains("[[42]]"))
        for connection in connections { #expect(String(decoding: connection.readToEnd(), as: UTF8.self).hasPrefix("HTTP/1.1 408")) }
      }
      try server.wait(for: "kconnect_running_requests", toBe: 0)
    }
  }

  /// Who waits for a word before sending gets it, but for what is refused anyway.
  @Test func expectations() async throws {
    let test = try TestService()
    try await LiveServer.with(test) { server in
      let body = "{\"csl\":\"print 41 + 1\"}"
      func head(_ length: Int) -> String { "POST /v1/rest/query HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: \(length)\r\n\r\n" }
      let connection = try server.connect()
      try connection.send(head(body.utf8.count))
      #expect(String(decoding: connection.read(), as: UTF8.self).hasPrefix("HTTP/1.1 100"))
      try connection.send(body)
      let reply = String(decoding: connection.readToEnd(), as: UTF8.self)
      #expect(reply.hasPrefix("HTTP/1.1 200") && reply.contains("[[42]]"), "\(reply.prefix(300))")
      let refused = try server.connect()
      try refused.send(head(99_999_999_999))
      #expect(String(decoding: refused.readToEnd(), as: UTF8.self).hasPrefix("HTTP/1.1 413"))
    }
  }

  /// A byte now and then does not keep a connection.
  @Test(arguments: ["", head]) func trickling(_ start: String) async throws {
    let test = try TestService()
    try await LiveServer.with(test, change: { $0.idleTimeout = Self.idleSeconds }) { server in
      let connection = try server.connect()
      try connection.send(start.isEmpty ? "POST /v1/rest/query HTTP/1.1\r\nX-A: " : start)
      // Ends when the server does not take the bytes any more.
      while (try? connection.send(" ")) != nil { usleep(50_000) }
      #expect(try server.ask("print 41 + 1").contains("[[42]]"))
    }
  }

  /// An answer that nobody takes is given up, and with it its place among the requests.
  @Test func answerNobodyReads() async throws {
    let test = try TestService()
    try await LiveServer.with(test, change: { $0.idleTimeout = Self.idleSeconds }) { server in
      let body = #"{"csl":"set notruncation; range x from 1 to 100000000 step 1 | extend s = strcat('some text ', x)"}"#
      let connection = try server.connect()
      try connection.send("POST /v2/rest/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
      #expect(!connection.read().isEmpty)
      try server.wait(for: "kconnect_running_requests", toBe: 0)
      #expect(try server.ask("print 41 + 1").contains("[[42]]"))
    }
  }

  /// The query of a client that leaves ends.
  @Test(arguments: [
    "range x from 1 to 1000000000000 step 1 | summarize count() by x % 7", "let n = toscalar(range x from 1 to 1000000000000 step 1 | summarize count()); print n",
  ], ["HTTP/1.1", "HTTP/1.0", ""])
  func clientLeaves(_ query: String, _ version: String) async throws {
    let test = try TestService()
    try await LiveServer.with(test) { server in
      let body = "{\"csl\":\"\(query)\"}"
      do {
        let connection = try server.connect()
        try connection.send("POST /v2/rest/query \(version.isEmpty ? "HTTP/1.1" : version)\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        try server.wait(for: "kconnect_running_requests", toBe: 1)
        // Without a word, or as the system closes for a program that ends.
        if version.isEmpty { connection.reset() }
        withExtendedLifetime(connection) {}
      }
      try server.wait(for: "kconnect_running_requests", toBe: 0)
    }
  }

  /// A client that says it will send no more still reads (RFC 9112, 9.6).
  @Test(arguments: [("print 41 + 1", "[[42]]"), ("range x from 1 to 600000000 step 1 | summarize n = count(), m = max(x % 7)", "[[600000000,6]]")])
  func halfClosed(_ query: String, _ rows: String) async throws {
    let test = try TestService()
    try await LiveServer.with(test) { server in
      let body = "{\"csl\":\"\(query)\"}"
      let connection = try server.connect()
      try connection.send("POST /v1/rest/query HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
      connection.endOutput()
      let reply = String(decoding: connection.readToEnd(), as: UTF8.self)
      // An interim response may stand in front.
      #expect(reply.contains("HTTP/1.1 200") && reply.contains(rows), "\(reply)")
    }
  }

  /// Bodies that are none are answered, and end the connection.
  @Test(arguments: [
    "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc",
    "Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", "Transfer-Encoding: identity\r\n\r\nabc",
  ])
  func bodiesThatAreNone(_ rest: String) async throws {
    let test = try TestService()
    try await LiveServer.with(test) { server in
      let connection = try server.connect()
      try connection.send("POST /v1/rest/query HTTP/1.1\r\nHost: localhost\r\n\(rest)")
      let reply = String(decoding: connection.readToEnd(), as: UTF8.self)
      #expect(reply.hasPrefix("HTTP/1.1 400 ") && reply.components(separatedBy: "HTTP/1.1").count == 2, "\(reply)")
      #expect(try server.ask("print 41 + 1").contains("[[42]]"))
    }
  }

  /// Connections end with the answer for clients of HTTP/1.0, and for those that say `close` in any spelling; 1.0 gets no chunks.
  @Test(arguments: ["HTTP/1.0\r\n", "HTTP/1.0\r\nHost: localhost\r\n", "HTTP/1.0\r\nConnection: keep-alive\r\n", "HTTP/1.1\r\nHost: localhost\r\nConnection: Close\r\n"])
  func connectionsThatEnd(_ version: String) async throws {
    let test = try TestService()
    try await LiveServer.with(test) { server in
      let body = "{\"csl\":\"range x from 1 to 20000 step 1 | summarize n = count()\"}"
      let connection = try server.connect()
      try connection.send("POST /v1/rest/query \(version)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
      let reply = String(decoding: connection.readToEnd(), as: UTF8.self)
      #expect(reply.hasPrefix(version.prefix(8) + " 200") && reply.contains("[[20000]]"), "\(reply.prefix(300))")
      #expect(version.hasPrefix("HTTP/1.1") || !reply.lowercased().contains("chunked") && reply.contains("\r\n\r\n{"), "\(reply.suffix(60))")
      #expect(version.hasPrefix("HTTP/1.1") || reply.lowercased().contains("connection: close"))
    }
  }

  struct Naming: CustomTestStringConvertible, Sendable {
    var testDescription: String
    /// Version and headers.
    var head: String
    var status: String
  }

  /// Each request of HTTP/1.1 names its host, once (RFC 9112, 3.2); the connection goes on.
  @Test(arguments: [
    Naming(testDescription: "one host", head: "HTTP/1.1\r\nHost: localhost\r\n", status: "200"),
    Naming(testDescription: "an address and a port", head: "HTTP/1.1\r\nhost:[::1]:80\r\n", status: "200"),
    Naming(testDescription: "an empty one", head: "HTTP/1.1\r\nHost:\r\n", status: "200"),
    Naming(testDescription: "none", head: "HTTP/1.1\r\n", status: "400"),
    Naming(testDescription: "none in HTTP/1.0", head: "HTTP/1.0\r\n", status: "200"),
    Naming(testDescription: "two", head: "HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n", status: "400"),
    Naming(testDescription: "two in HTTP/1.0", head: "HTTP/1.0\r\nHost: localhost\r\nHost: localhost\r\n", status: "400"),
    Naming(testDescription: "with a user", head: "HTTP/1.1\r\nHost: localhost@evil.example\r\n", status: "400"),
    Naming(testDescription: "with a path", head: "HTTP/1.1\r\nHost: localhost/v1\r\n", status: "400"),
  ]) func hosts(_ naming: Naming) async throws {
    let test = try TestService()
    try await LiveServer.with(test) { server in
      let body = "{\"csl\":\"print 41 + 1\"}"
      let connection = try server.connect()
      try connection.send("POST /v1/rest/query \(naming.head)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
      if naming.head.hasPrefix("HTTP/1.1") { try connection.send("GET /v1/rest/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") }
      let reply = String(decoding: connection.readToEnd(), as: UTF8.self)
      #expect(reply.hasPrefix("\(naming.head.prefix(8)) \(naming.status)"), "\(reply.prefix(300))")
      #expect(reply.contains("[[42]]") == (naming.status == "200"))
      #expect(naming.head.hasPrefix("HTTP/1.0") || reply.contains("Pong"), "\(reply)")
    }
  }

  struct Early: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var target: String
    var length: String
    /// Bytes that come before the client waits for a reply.
    var sent: Int
    var status: String
  }

  /// What is refused is refused before the body has come; the connection ends then.
  @Test(arguments: [
    Early(testDescription: "a query", target: "/v1/rest/query", length: "99999999999", sent: 0, status: "413"),
    Early(testDescription: "an ingestion", target: "/v1/rest/ingest/NetDefaultDB/T?streamFormat=csv", length: "99999999999", sent: 1_000, status: "413"),
    Early(testDescription: "a table that is not there", target: "/v1/rest/ingest/NetDefaultDB/Nope?streamFormat=csv", length: "9000000", sent: 200_000, status: "400"),
    Early(testDescription: "a blob without a key", target: "/devstoreaccount1/tmp/x", length: "999999999", sent: 200_000, status: "403"),
  ]) func earlyReplies(_ early: Early) async throws {
    let test = try TestService()
    test.command(".create table T (a:long)")
    try await LiveServer.with(test) { server in
      let connection = try server.connect()
      let method = early.target.hasPrefix("/dev") ? "PUT" : "POST"
      try connection.send("\(method) \(early.target) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(early.length)\r\n\r\n" + String(repeating: "1", count: early.sent))
      let reply = String(decoding: connection.readToEnd(), as: UTF8.self)
      #expect(reply.hasPrefix("HTTP/1.1 \(early.status)"), "\(reply.prefix(300))")
      #expect(reply.lowercased().contains("connection: close"))
      #expect(try server.ask("print 41 + 1").contains("[[42]]"))
    }
  }

  /// A file of another server: one that is not there is the request's mistake, one that is larger than it looks is refused.
  @Test func filesOfOthers() async throws {
    let other = try TestService()
    try await LiveServer.with(other) { server in
      let test = try TestService(allowedURLs: [server.url + "/"]) { $0.maxBlobInflatedBytes = 1 << 20 }
      let missing = test.ask("externaldata(a:string)['\(server.url)/none.csv']", "/v1/rest/query")
      #expect(missing.status == 400 && missing.text.contains("404"), "\(missing.text.prefix(300))")
      let resources = other.command(".get ingestion resources").text
      let root = resources.components(separatedBy: "\"").first { $0.contains("/devstoreaccount1/tmp?") } ?? ""
      let (path, key) = ("/devstoreaccount1/tmp/bomb.csv.gz", root.components(separatedBy: "?").last ?? "")
      #expect(other.send("PUT", "\(path)?\(key)", AttackTests.bomb).status == 201)
      test.command(".create table T (a:long)")
      let address = "{\"sourceUri\":\"\(server.url)\(path)?\(key)\"}"
      let reply = test.send("POST", "/v1/rest/ingest/NetDefaultDB/T?streamFormat=csv&sourceKind=uri", Array(address.utf8))
      #expect(reply.status == 413, "\(reply.status) \(reply.text.prefix(300))")
      #expect(test.rows("T | count") == "[[0]]")
    }
  }

  struct Silence: CustomTestStringConvertible, Sendable {
    var testDescription: String
    /// `/v1/rest/query` or `/v1/rest/mgmt` with a text, or an ingestion.
    var text: String?
    var path: String
    /// Seconds that addresses and requests have.
    var address = 60
    var request = 60
    var status: Int
    var part: String
  }

  /// An address that never answers: its own time, or that of the request, bounds the wait, and the client may try again.
  @Test(arguments: [
    Silence(testDescription: "externaldata", text: "externaldata(a:long)['URL/a.csv']", path: "/v1/rest/query", address: 1, status: 400, part: "time-out"),
    Silence(testDescription: "ingest", text: ".ingest into table T ('URL/a.csv') with (format=csv)", path: "/v1/rest/mgmt", address: 1, status: 400, part: "time-out"),
    Silence(testDescription: "a streamed address", path: "/v1/rest/ingest/NetDefaultDB/T?streamFormat=csv&sourceKind=uri", address: 1, status: 400, part: "time-out"),
    Silence(testDescription: "externaldata beyond the request's time", text: "externaldata(a:long)['URL/a.csv']", path: "/v1/rest/query", request: 4, status: 504, part: "Timeout"),
    Silence(testDescription: "ingest beyond the request's time", text: ".ingest into table T ('URL/a.csv') with (format=csv)", path: "/v1/rest/mgmt", request: 4, status: 504, part: "Timeout"),
    Silence(testDescription: "a streamed address beyond the request's time", path: "/v1/rest/ingest/NetDefaultDB/T?streamFormat=csv&sourceKind=uri", request: 4, status: 400, part: "time-out"),
  ]) func silentAddresses(_ silence: Silence) throws {
    let other = try SilentAddress()
    let test = try TestService(allowedURLs: [other.url + "/"]) {
      $0.addressTimeout = silence.address
      ($0.queryTimeout, $0.commandTimeout) = (silence.request, silence.request)
    }
    test.command(".create table T (a:long)")
    let reply =
      silence.text.map { test.ask($0.replacingOccurrences(of: "URL", with: other.url), silence.path) }
      ?? test.send("POST", silence.path, Array("{\"sourceUri\":\"\(other.url)/a.csv\"}".utf8))
    #expect(reply.status == silence.status && reply.text.contains(silence.part) && reply.text.contains("\"@permanent\":false"), "\(reply.status) \(reply.text.prefix(500))")
    #expect(test.rows("T | count") == "[[0]]")
  }

  @Test func connectionsBeyondTheLimitWait() async throws {
    let test = try TestService()
    try await LiveServer.with(test, change: {
      $0.maxConnections = 3
      $0.idleTimeout = 1
    }) { server in
      let connections = try (0..<12).map { _ in try server.connect() }
      #expect(try server.ask("print 41 + 1").contains("[[42]]"))
      withExtendedLifetime(connections) {}
    }
  }

  @Test func version6() async throws {
    let test = try TestService()
    guard FileManager.default.fileExists(atPath: "/proc/net/if_inet6"), try !String(contentsOfFile: "/proc/net/if_inet6", encoding: .utf8).isEmpty else {
      return print("skipped: this machine has no IPv6")
    }
    try await LiveServer.with(test, listen: "[::1]:0") { server in
      let reply = try server.ask("print 41 + 1")
      #expect(reply.contains("[[42]]"))
    }
  }

  struct Injection: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var header: String
  }

  static let injections: [Injection] = [
    Injection(testDescription: "line feed in an id", header: "x-ms-client-request-id: a\nSet-Cookie: evil=1\r\n"),
    Injection(testDescription: "carriage return in an id", header: "x-ms-client-request-id: a\rSet-Cookie: evil=1\r\n"),
    Injection(testDescription: "folded header", header: "x-ms-client-request-id: a\r\n Set-Cookie: evil=1\r\n"),
    Injection(testDescription: "zero byte in an id", header: "x-ms-client-request-id: a\0Set-Cookie: evil=1\r\n"),
    Injection(testDescription: "encoded line break in an id", header: "x-ms-client-request-id: a%0d%0aSet-Cookie: evil=1\r\n"),
    Injection(testDescription: "line feed in the origin", header: "Origin: http://x\nSet-Cookie: evil=1\r\n"),
    Injection(testDescription: "two lengths", header: "Content-Length: 3\r\n"),
    Injection(testDescription: "length and chunks", header: "Transfer-Encoding: chunked\r\n"),
    Injection(testDescription: "endless name", header: String(repeating: "a", count: 100_000) + ": 1\r\n"),
    Injection(testDescription: "endless value", header: "X-A: " + String(repeating: "a", count: 1_000_000) + "\r\n"),
    Injection(testDescription: "very many headers", header: (0..<5_000).map { "X-\($0): 1\r\n" }.joined()),
  ]

  /// Nothing of a request's header becomes a header of the reply, and the server answers the next one.
  @Test(arguments: injections) func headerInjection(_ injection: Injection) async throws {
    let test = try TestService()
    try await LiveServer.with(test, change: { $0.idleTimeout = Self.idleSeconds }) { server in
      let reply = (try? server.ask("print 41 + 1", headers: injection.header)) ?? ""
      let head = reply.components(separatedBy: "\r\n\r\n").first ?? ""
      let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) }
      #expect(status == nil || status == 200 || (400..<500).contains(status ?? 0), "\(head)")
      for line in head.components(separatedBy: "\n") { #expect(!line.lowercased().hasPrefix("set-cookie"), "\(head)") }
      let next = try server.ask("print 41 + 1")
      #expect(next.contains("[[42]]"))
    }
  }

  /// `scripts/serve-stress`, for a moment: queries, commands and ingestion side by side without an error.
  @Test func stress() async throws {
    guard let python = JudgeTests.anyPython else { return print("skipped: no python3") }
    let test = try TestService { $0.upkeepInterval = 1 }
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../scripts/serve-stress").path
    try await LiveServer.with(test) { server in
      let result = JudgeTests.run(python, [script, "--url", server.url, "--seconds", "2", "--clients", "8"])
      #expect(result.code == 0, "\(result.output)")
    }
  }
}

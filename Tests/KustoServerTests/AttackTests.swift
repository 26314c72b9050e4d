// Role: what hostile requests are answered. After each the server still answers an honest one.

import Columnar
import Foundation
import KustoServer
import Testing

struct Attack: CustomTestStringConvertible {
  var name: String
  var method = "POST"
  var target: String
  var headers: [(name: String, value: String)] = []
  var body: [UInt8] = []
  /// Any of them.
  var statuses: Set<Int>
  var part = ""
  var testDescription: String { name }

  static func text(_ name: String, _ text: String, _ target: String = "/v1/rest/query", statuses: Set<Int>, part: String = "") -> Attack {
    Attack(name: name, target: target, body: Array(DynamicValue.bag([DynamicEntry("csl", .string(text))]).json.utf8), statuses: statuses, part: part)
  }
}

@Suite struct AttackTests {
  private static func command(_ name: String, _ text: String, statuses: Set<Int> = [403], part: String = "Forbidden") -> Attack {
    .text(name, text, "/v1/rest/mgmt", statuses: statuses, part: part)
  }

  /// 20 MB of zeros in 20 kB.
  static let bomb: [UInt8] = {
    let process = Process(), pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "head -c 20000000 /dev/zero | gzip -9"]
    process.standardOutput = pipe
    try? process.run()
    return Array(pipe.fileHandleForReading.readDataToEndOfFile())
  }()

  static let attacks: [Attack] = [
    Attack(name: "body too large", target: "/v2/rest/query", body: [UInt8](repeating: 32, count: 1_100_000), statuses: [413], part: "PayloadTooLarge"),
    Attack(name: "announced too large", target: "/v2/rest/query", headers: [("Content-Length", "99999999999")], statuses: [413]),
    Attack(name: "zip bomb as a query", target: "/v2/rest/query", body: bomb, statuses: [413]),
    Attack(name: "zip bomb as rows", target: "/v1/rest/ingest/NetDefaultDB/T?streamFormat=csv", body: bomb, statuses: [413]),
    Attack(name: "damaged gzip", target: "/v2/rest/query", body: [0x1F, 0x8B, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9], statuses: [400]),
    Attack(name: "deep JSON", target: "/v2/rest/query", body: Array((String(repeating: "[", count: 100_000)).utf8), statuses: [400], part: "General_BadRequest"),
    Attack(name: "deep JSON in properties", target: "/v2/rest/query", body: Array(#"{"csl":"print 1","properties":\#(String(repeating: #"{"a":"#, count: 5_000))}"#.utf8), statuses: [400]),
    Attack(name: "no JSON", target: "/v2/rest/query", body: Array("csl=print 1".utf8), statuses: [400]),
    Attack(name: "broken UTF-8", target: "/v2/rest/query", body: [0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x7D], statuses: [400]),
    Attack(name: "empty body", target: "/v2/rest/query", statuses: [400]),
    .text("deep query", "print " + String(repeating: "(", count: 50_000) + "1", statuses: [400]),
    Attack(name: "path traversal in a database", target: "/v1/rest/ingest/%2e%2e/T?streamFormat=csv", body: [49], statuses: [400]),
    Attack(name: "path traversal in a table", target: "/v1/rest/ingest/NetDefaultDB/..%2f..%2fetc?streamFormat=csv", body: [49], statuses: [400]),
    Attack(name: "zero byte in a name", target: "/v1/rest/ingest/NetDefaultDB/T%00?streamFormat=csv", body: [49], statuses: [400]),
    Attack(name: "path traversal in a blob, unsigned", method: "PUT", target: "/devstoreaccount1/tmp/..%2f..%2fx?sig=x", body: [49], statuses: [403]),
    Attack(name: "blob without a key", method: "GET", target: "/devstoreaccount1/tmp/x", statuses: [403], part: "AuthenticationFailed"),
    Attack(name: "queue without a key", method: "GET", target: "/devstoreaccount1/failed/messages", statuses: [403]),
    Attack(name: "header injection", target: "/v1/rest/mgmt", headers: [("x-ms-client-request-id", "a\r\nSet-Cookie: x=1"), ("Origin", "http://localhost\r\nX: y")], body: Array(#"{"csl":".show version"}"#.utf8), statuses: [200, 403]),
    Attack(name: "a page of another site", target: "/v1/rest/mgmt", headers: [("Origin", "https://evil.example"), ("Content-Type", "text/plain")], body: Array(#"{"csl":".create table Evil (a:long)"}"#.utf8), statuses: [403], part: "Forbidden"),
    Attack(name: "a name that leads here", target: "/v1/rest/query", headers: [("Host", "evil.example:8080")], body: Array(#"{"csl":"print 1"}"#.utf8), statuses: [403], part: "Forbidden"),
    Attack(name: "the longest length", target: "/v1/rest/query", headers: [("Content-Length", "9223372036854775807")], body: Array(#"{"csl":"print 1"}"#.utf8), statuses: [200, 413]),
    Attack(name: "the longest length again", method: "GET", target: "/v1/rest/ping", headers: [("Content-Length", "9223372036854775807")], statuses: [200, 413]),
    Attack(name: "the longest time", target: "/v1/rest/query", body: Array(#"{"csl":"print 1","properties":{"Options":{"servertimeout":"10675199.02:48:05.4775807"}}}"#.utf8), statuses: [200]),
    Attack(name: "days and the longest time", target: "/v1/rest/query", body: Array(#"{"csl":"print 1","properties":{"Options":{"servertimeout":"9999 days, 10675199.02:48:05.4775807"}}}"#.utf8), statuses: [200]),
    command("ingest of a system file", ".ingest into table T ('/etc/passwd') with (format=csv)"),
    command("ingest by a file address", ".ingest into table T ('file:///etc/passwd') with (format=csv)"),
    command("ingest through a link out", ".ingest into table T ('/tmp/../etc/passwd') with (format=csv)"),
    command("ingest of a relative path", ".ingest into table T ('etc/passwd') with (format=csv)"),
    command("ingest from the metadata service", ".ingest into table T ('http://169.254.169.254/metadata/instance') with (format=csv)"),
    command("ingest from elsewhere", ".ingest into table T ('https://example.com/x.csv') with (format=csv)"),
    command("export to anywhere", ".export to csv ('/var/tmp/out') <| print 1"),
    command("external table anywhere", ".create external table E (a:string) kind=storage dataformat=csv ('/etc')"),
    command("database anywhere", ".create database X persist (@'/var/tmp/x')"),
    .text("externaldata of a system file", "externaldata(a:string)['/etc/passwd']", statuses: [403], part: "Forbidden"),
    .text("externaldata from a link-local address", "externaldata(a:string)['http://169.254.169.254/x']", statuses: [403]),
    .text("externaldata from a link-local address in other words", "externaldata(a:string)['http://2852039166/x']", statuses: [403]),
    .text("externaldata behind credentials", "externaldata(a:string)['http://allowed.example@169.254.169.254/x']", statuses: [403]),
    Attack(name: "streaming from a file", target: "/v1/rest/ingest/NetDefaultDB/T?streamFormat=csv&sourceKind=uri", body: Array(#"{"sourceUri":"file:///etc/passwd"}"#.utf8), statuses: [403]),
  ]

  @Test(arguments: attacks) func refused(_ attack: Attack) throws {
    let server = try TestService {
      $0.maxTextBytes = 1 << 20
      $0.maxStreamingInflatedBytes = 1 << 20
    }
    #expect(server.command(".create table T (a:string)").status == 200)
    let reply = server.send(attack.method, attack.target, headers: attack.headers, attack.body)
    #expect(attack.statuses.contains(reply.status), "\(reply.status): \(reply.text.prefix(600))")
    #expect(attack.part.isEmpty || reply.text.contains(attack.part), "\(reply.text.prefix(600))")
    #expect(!reply.text.contains("root:"))
    for header in reply.head?.headers ?? [] { #expect(!header.value.utf8.contains { $0 < 0x20 }, "\(header)") }
    #expect(server.rows("T | count") == "[[0]]")
  }

  /// What lies under an allowed place is read; a link out of it is not.
  @Test func allowedPlaces() throws {
    let place = NSTemporaryDirectory() + "kconnect-allowed-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: place) }
    try "1\n2\n".write(toFile: place + "/a.csv", atomically: true, encoding: .utf8)
    try FileManager.default.createSymbolicLink(atPath: place + "/out.csv", withDestinationPath: "/etc/passwd")
    let server = try TestService(allowedPaths: [place])
    server.command(".create table T (a:string)")
    #expect(server.command(".ingest into table T ('\(place)/a.csv') with (format=csv)").status == 200)
    #expect(server.rows("T | count") == "[[2]]")
    #expect(server.command(".ingest into table T ('\(place)/out.csv') with (format=csv)").status == 403)
    #expect(server.command(".ingest into table T ('\(place)x/a.csv') with (format=csv)").status == 403)
    // One file outside, in every spelling, through every door.
    let secret = NSTemporaryDirectory() + "kconnect-secret-" + UUID().uuidString + ".csv"
    try "topsecret\n".write(toFile: secret, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: secret) }
    let name = String(secret.split(separator: "/").last ?? "")
    for spelling in [
      "file://\(place)/%2e%2e/\(name)", "FILE://\(place)/%2e%2e/\(name)", "file://\(place)/?/../../\(name)", "file://\(place)/#/../\(name)", "file://localhost\(place)/../\(name)",
      "file://elsewhere\(place)/a.csv", "file:\(place)/%2e%2e/\(name)", "\(place)/../\(name)", "\(place)/*/../\(name)", "\(place)/{a,../\(name)}", "File://\(place)/..%2f\(name)",
    ] {
      for reply in [
        server.command(".ingest into table T (@'\(spelling)') with (format=csv)"), server.ask("externaldata(a:string)[@'\(spelling)']", "/v1/rest/query"),
        server.command(".create external table E (a:string) kind=storage dataformat=csv (@'\(spelling)')"), server.command(".export to csv (@'\(spelling)') <| print 1"),
        server.send("POST", "/v1/rest/ingest/NetDefaultDB/T?streamFormat=csv&sourceKind=uri", Array("{\"sourceUri\":\"\(spelling)\"}".utf8)),
      ] {
        #expect(reply.status >= 400 && reply.status < 500, "\(spelling): \(reply.status) \(reply.text.prefix(300))")
        #expect(!reply.text.contains("topsecret"))
      }
    }
    #expect(server.rows("T | count") == "[[2]]")
    #expect(server.rows("externaldata(a:long)['\(place)/a.csv'] | summarize sum(a)") == "[[3]]")
  }
}

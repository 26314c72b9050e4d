// Role: streaming and queued ingestion through the handler: what is acknowledged is in the table, once.

import Columnar
import Foundation
import KustoServer
import KustoStore
import Testing

@Suite struct IngestionTests {
  private func stream(_ server: TestService, _ query: String, _ body: String) -> CollectedReply {
    server.send("POST", "/v1/rest/ingest/NetDefaultDB/T?" + query, Array(body.utf8))
  }

  struct StreamCase: CustomTestStringConvertible {
    var name: String
    var query: String
    var body: String
    var status = 200
    /// The table's rows, or a part of the error.
    var expected: String
    var testDescription: String { name }
  }

  static let streams: [StreamCase] = [
    StreamCase(name: "csv", query: "streamFormat=Csv", body: "1,x\n2,y\n", expected: #"[[1,"x"],[2,"y"]]"#),
    StreamCase(name: "tsv", query: "streamFormat=tsv", body: "1\tx\n", expected: #"[[1,"x"]]"#),
    StreamCase(name: "psv", query: "streamFormat=psv", body: "1|x\n", expected: #"[[1,"x"]]"#),
    StreamCase(name: "json by name", query: "streamFormat=json", body: #"{"s":"x","a":1}"# + "\n", expected: #"[[1,"x"]]"#),
    StreamCase(name: "multijson", query: "streamFormat=MultiJSON", body: #"{"a":1,"s":"x"}{"a":2,"s":"y"}"#, expected: #"[[1,"x"],[2,"y"]]"#),
    StreamCase(name: "csv by mapping", query: "streamFormat=csv&mappingName=m", body: "x,1\n", expected: #"[[1,"x"]]"#),
    StreamCase(name: "json by mapping", query: "streamFormat=json&mappingName=j", body: #"{"w":"x","n":{"v":1}}"#, expected: #"[[1,"x"]]"#),
    StreamCase(name: "no such mapping", query: "streamFormat=csv&mappingName=nope", body: "x,1\n", status: 400, expected: "BadRequest_MappingReferenceWasNotFound"),
    StreamCase(name: "no format", query: "", body: "1,x\n", status: 400, expected: "streamFormat"),
    StreamCase(name: "no such format", query: "streamFormat=xls", body: "1,x\n", status: 400, expected: "BadRequest_FormatNotSupported"),
    StreamCase(name: "nothing", query: "streamFormat=csv", body: "", status: 400, expected: "BadRequest_EmptyBlob"),
    StreamCase(name: "broken json", query: "streamFormat=multijson", body: #"{"a":"#, status: 400, expected: "\"@permanent\":true"),
  ]

  @Test(arguments: streams) func streaming(_ c: StreamCase) throws {
    let server = try Self.server()
    let reply = stream(server, c.query, c.body)
    #expect(reply.status == c.status, "\(reply.text)")
    if c.status == 200 {
      #expect(reply.text.contains("\"Tables\":[{"))
      #expect(server.rows("T | order by a asc") == c.expected)
    } else {
      #expect(reply.text.contains(c.expected), "\(reply.text)")
      #expect(server.rows("T | count") == "[[0]]")
    }
  }

  private static func server() throws -> TestService {
    let server = try TestService()
    server.command(".create table T (a:long, s:string)")
    server.command(#".create table T ingestion csv mapping "m" '[{"column":"a","Properties":{"Ordinal":"1"}},{"column":"s","Properties":{"Ordinal":"0"}}]'"#)
    server.command(#".create table T ingestion json mapping "j" '[{"column":"a","Properties":{"Path":"$.n.v"}},{"column":"s","Properties":{"Path":"$.w"}}]'"#)
    return server
  }

  /// Requests side by side share commits; each is in the table once, a bad one fails alone.
  @Test func together() async throws {
    let server = try Self.server()
    let service = server.service
    let statuses = await withTaskGroup(of: Int.self) { group in
      for i in 0..<40 {
        group.addTask {
          await withCheckedContinuation { done in
            Thread.detachNewThread {
              let reply = CollectedReply()
              let body = i == 7 ? "{\"a\":" : "{\"a\":\(i),\"s\":\"x\"}"
              service.handle(ServerRequest(method: "POST", target: "/v1/rest/ingest/NetDefaultDB/T?streamFormat=multijson", body: MemoryBytes(Array(body.utf8))), reply)
              done.resume(returning: reply.status)
            }
          }
        }
      }
      return await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
    }
    #expect(statuses == [200: 39, 400: 1])
    #expect(server.rows("T | summarize count(), sum(a)") == "[[39,773]]")
  }

  /// Blobs, blocks, ranges, messages; then the worker.
  @Test func queued() throws {
    let server = try Self.server()
    let resources = try #require(DynamicValue(json: server.command(".get ingestion resources").text)?["Tables"]?.elements?.first?["Rows"]?.elements)
    var roots: [String: (path: String, key: String)] = [:]
    for row in resources {
      let cells = row.elements ?? []
      let address = cells[1].stringValue ?? ""
      let path = address.firstRange(of: "/devstore").map { String(address[$0.lowerBound...].prefix { $0 != "?" }) } ?? ""
      roots[cells[0].stringValue ?? ""] = (path, String(address.drop { $0 != "?" }.dropFirst()))
    }
    #expect(Set(roots.keys) == ["SecuredReadyForAggregationQueue", "FailedIngestionsQueue", "SuccessfulIngestionsQueue", "TempStorage", "IngestionsStatusTable"])
    let temporary = try #require(roots["TempStorage"]), ready = try #require(roots["SecuredReadyForAggregationQueue"])
    func blob(_ method: String, _ name: String, _ more: String = "", headers: [(name: String, value: String)] = [], _ body: String = "") -> CollectedReply {
      server.send(method, "\(temporary.path)/\(name)?\(temporary.key)\(more)", headers: headers, Array(body.utf8))
    }
    #expect(blob("PUT", "d/a.csv", "", "1,x\n").status == 201)
    #expect(blob("PUT", "b.csv", "&comp=block&blockid=QQ%3D%3D", "3,").status == 201)
    #expect(blob("PUT", "b.csv", "&comp=block&blockid=Qg%3D%3D", "y\n").status == 201)
    #expect(blob("PUT", "b.csv", "&comp=blocklist", "<BlockList><Latest>QQ==</Latest><Latest>Qg==</Latest></BlockList>").status == 201)
    #expect(blob("GET", "b.csv").text == "3,y\n")
    #expect(blob("GET", "b.csv", headers: [("Range", "bytes=2-2")]).text == "y")
    #expect(blob("GET", "b.csv", headers: [("Range", "bytes=9-")]).status == 416)
    #expect(blob("HEAD", "b.csv").head?.length == 4)
    #expect(blob("GET", "none.csv").status == 404)
    #expect(blob("PUT", "c.csv", "&comp=blocklist", "<BlockList><Latest>none</Latest></BlockList>").status == 404)

    // Commands read them, too, without a permission to read addresses; other keys open nothing.
    #expect(server.command(".create table U (a:long, b:string)").status == 200)
    func pull(_ key: String) -> CollectedReply { server.command(".ingest into table U (h'http://localhost\(temporary.path)/b.csv?\(key)') with (format='csv')") }
    #expect(pull(temporary.key).status == 200)
    #expect(pull(temporary.key.replacingOccurrences(of: "sig=", with: "sig=x")).status == 403)
    #expect(server.rows("U") == "[[3,\"y\"]]")

    let token = try #require(DynamicValue(json: server.command(".get kusto identity token").text)?["Tables"]?.elements?.first?["Rows"]?.elements?.first?.elements?.first?.stringValue)
    func post(_ name: String, table: String = "T", token: String) -> CollectedReply {
      let message = """
        {"Id":"\(UUID().uuidString)","BlobPath":"http://localhost\(temporary.path)/\(name)?\(temporary.key)","DatabaseName":"NetDefaultDB","TableName":"\(table)",
        "RetainBlobOnSuccess":true,"ReportLevel":2,"ReportMethod":0,"AdditionalProperties":{"format":"csv","authorizationContext":"\(token)","tags":"[\\"x\\"]"}}
        """
      return server.send("POST", "\(ready.path)/messages?\(ready.key)", Array("<QueueMessage><MessageText>\(Data(message.utf8).base64EncodedString())</MessageText></QueueMessage>".utf8))
    }
    for (name, table, token) in [("d/a.csv", "T", token), ("b.csv", "T", token), ("none.csv", "T", token), ("b.csv", "Nope", token), ("b.csv", "T", "forged.token")] {
      let reply = post(name, table: table, token: token)
      #expect(reply.status == 201 && reply.text.contains("<MessageId>"))
    }
    server.service.start()
    func messages(_ type: String) -> [DynamicValue] {
      guard let root = roots[type] else { return [] }
      let text = server.send("GET", "\(root.path)/messages?\(root.key)&peekonly=true&numofmessages=32").text
      return text.split(separator: "<MessageText>").dropFirst().compactMap { Data(base64Encoded: String($0.prefix { $0 != "<" })).flatMap { DynamicValue(json: String(decoding: $0, as: UTF8.self)) } }
    }
    while messages("SuccessfulIngestionsQueue").count + messages("FailedIngestionsQueue").count < 5 { usleep(1_000) }
    server.service.stop()
    #expect(server.rows("T | order by a asc") == #"[[1,"x"],[3,"y"]]"#)
    #expect(messages("SuccessfulIngestionsQueue").count == 2)
    #expect(messages("FailedIngestionsQueue").compactMap { $0["ErrorCode"]?.stringValue }.sorted() == ["BadRequest_InvalidKustoIdentityToken", "BadRequest_TableNotExist", "Download_SourceNotFound"])
  }
}

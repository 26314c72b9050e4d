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
  ] + quality

  /// Kusto: "Ingestion behavior of invalid data". Lines of JSON that are none are left out; delimited texts are as wide as their first record.
  static let quality: [StreamCase] = [
    StreamCase(name: "json, broken lines", query: "streamFormat=json", body: "{\"a\":1,\"s\":\"x\"}\nnope\n[1]\n{\"a\":2", expected: #"[[1,"x"]]"#),
    StreamCase(name: "json, only broken lines", query: "streamFormat=json", body: "nope\n{\"a\":\n", status: 400, expected: "BadRequest_NoRecordsOrWrongFormat"),
    StreamCase(name: "json by mapping, broken lines", query: "streamFormat=json&mappingName=j", body: "{\"w\":\"x\",\"n\":{\"v\":1}}\n{{\n", expected: #"[[1,"x"]]"#),
    StreamCase(name: "json, a value that does not fit", query: "streamFormat=json", body: #"{"a":"one","s":"y"}"#, expected: #"[[null,"y"]]"#),
    StreamCase(name: "json, a member that is missing", query: "streamFormat=json", body: #"{"s":"y","more":[1]}"#, expected: #"[[null,"y"]]"#),
    StreamCase(name: "multijson, broken inside", query: "streamFormat=multijson", body: #"{"a":1}{"a" 2}{"a":3}"#, status: 400, expected: "BadRequest_InvalidBlob"),
    StreamCase(name: "multijson, no object", query: "streamFormat=multijson", body: "hello", status: 400, expected: "BadRequest_InvalidBlob"),
    StreamCase(name: "csv, a short record", query: "streamFormat=csv", body: "1,x\n2\n3,z\n", status: 400, expected: "Stream_WrongNumberOfFields"),
    StreamCase(name: "csv, a long record", query: "streamFormat=csv", body: "1,x\n2,y,z\n", status: 400, expected: "Stream_WrongNumberOfFields"),
    StreamCase(name: "csv, short and long", query: "streamFormat=csv", body: "1\n2,y\n", status: 400, expected: "Stream_WrongNumberOfFields"),
    StreamCase(name: "csv, long and right", query: "streamFormat=csv", body: "1,x,z\n2,y\n", status: 400, expected: "Stream_WrongNumberOfFields"),
    StreamCase(name: "csv, all short", query: "streamFormat=csv", body: "1\n2\n", expected: #"[[1,""],[2,""]]"#),
    StreamCase(name: "csv, all long", query: "streamFormat=csv", body: "1,x,9\n2,y,9\n", expected: #"[[1,"x"],[2,"y"]]"#),
    StreamCase(name: "csv by mapping, a short record", query: "streamFormat=csv&mappingName=m", body: "x,1\ny\n", status: 400, expected: "Stream_WrongNumberOfFields"),
    StreamCase(name: "csv, an open quote", query: "streamFormat=csv", body: "1,\"x\n", status: 400, expected: "Stream_ClosingQuoteMissing"),
    StreamCase(name: "csv, a value that does not fit", query: "streamFormat=csv", body: "one,x\n2,y\n", expected: #"[[2,"y"],[null,"x"]]"#),
    StreamCase(name: "csv, blank lines", query: "streamFormat=csv", body: "1,x\n\n2,y\n\n", expected: #"[[1,"x"],[2,"y"]]"#),
    StreamCase(name: "psv, a short record", query: "streamFormat=psv", body: "1|x\n2\n", status: 400, expected: "Stream_WrongNumberOfFields"),
    StreamCase(name: "txt", query: "streamFormat=txt", body: "1\n2\n", expected: #"[[1,""],[2,""]]"#),
    StreamCase(
      name: "w3clogfile", query: "streamFormat=w3clogfile", body: "#Version: 1.0\r\n#Fields: s sc-bytes a\r\nx 5 1\r\n- 6 2\r\n#Fields: s sc-bytes a\r\n\"y z\" - -\r\n",
      expected: #"[[1,"x"],[2,""],[null,"y z"]]"#),
    StreamCase(name: "w3clogfile with tabs", query: "streamFormat=w3clogfile", body: "#Fields:\ta\ts\n1\tx y\n", expected: #"[[1,"x y"]]"#),
    StreamCase(
      name: "w3clogfile by mapping", query: "streamFormat=w3clogfile&mappingName=w", body: "#Fields: date sc-bytes cs(User-Agent)\n2024-01-01 7 Agent/1.0+(x)\n",
      expected: #"[[7,"Agent/1.0+(x)"]]"#),
    StreamCase(name: "w3clogfile without fields", query: "streamFormat=w3clogfile", body: "x 1\n", status: 400, expected: "BadRequest_InvalidBlob"),
    StreamCase(name: "w3clogfile, an open quote", query: "streamFormat=w3clogfile", body: "#Fields: a s\n1 \"x\n2 y\n", status: 400, expected: "Stream_ClosingQuoteMissing"),
    StreamCase(name: "w3clogfile, a short record", query: "streamFormat=w3clogfile", body: "#Fields: a s\n1 x\n2\n", status: 400, expected: "Stream_WrongNumberOfFields"),
    StreamCase(name: "w3clogfile, other fields", query: "streamFormat=w3clogfile", body: "#Fields: a s\n1 x\n#Fields: s a\ny 2\n", status: 400, expected: "BadRequest_FormatNotSupported"),
    StreamCase(name: "no parquet", query: "streamFormat=parquet", body: "PAR0", status: 400, expected: "BadRequest_InvalidBlob"),
  ]

  /// The same rules in commands; what was left out is told of.
  @Test(arguments: quality) func commands(_ c: StreamCase) throws {
    let server = try TestService(allowedPaths: [NSTemporaryDirectory()])
    Self.makeTable(server)
    let words = Dictionary(uniqueKeysWithValues: c.query.split(separator: "&").map { ($0.split(separator: "=")[0], $0.split(separator: "=")[1]) })
    let mapping = words["mappingName"].map { ", ingestionMappingReference='\($0)'" } ?? ""
    let path = server.directory + "/rows." + (words["streamFormat"] == "parquet" ? "parquet" : "txt")
    try c.body.write(toFile: path, atomically: true, encoding: .utf8)
    let reply = server.command(".ingest into table T ('\(path)') with (format='\(words["streamFormat"] ?? "")'\(mapping))")
    #expect(reply.status == (c.status == 200 ? 200 : 400), "\(reply.text)")
    #expect(server.rows("T | order by a asc nulls last") == (c.status == 200 ? c.expected : "[]"))
    if c.status != 200, c.expected.contains("_") {
      let code = server.command(".show ingestion failures | project ErrorCode").text
      #expect(code.contains(c.expected), "\(code)")
    }
  }

  /// One record of three is none: told of among the failures; with a validation policy that says so records may have any width.
  @Test func toldOf() throws {
    let server = try Self.server()
    #expect(server.command(".ingest inline into table T with (format='json') <|\n{\"a\":1}\nnope\n{\"a\":2}").status == 200)
    #expect(server.rows("T | count") == "[[2]]")
    let failures = server.command(".show ingestion failures | project ErrorCode, Details, ShouldRetry").text
    #expect(failures.contains("BadRequest_InvalidBlob") && failures.contains("2 rows were ingested") && failures.contains("1 malformed record was dropped"), "\(failures)")
    #expect(server.command(".ingest inline into table T <| 3\n4,x").status == 400)
    #expect(server.command(#".ingest inline into table T with (validationPolicy='{"ValidationOptions":0}') <| 3\#n4,x"#).status == 200)
    #expect(server.rows("T | summarize count(), sum(a)") == "[[4,10]]")
    #expect(server.command(".ingest inline into table T with (validationPolicy='no') <| 3").status == 400)
  }

  @Test(arguments: streams) func streaming(_ c: StreamCase) throws {
    let server = try Self.server()
    let reply = stream(server, c.query, c.body)
    #expect(reply.status == c.status, "\(reply.text)")
    if c.status == 200 {
      #expect(reply.text.contains("\"Tables\":[{"))
      #expect(server.rows("T | order by a asc nulls last") == c.expected)
    } else {
      #expect(reply.text.contains(c.expected), "\(reply.text)")
      #expect(server.rows("T | count") == "[[0]]")
    }
  }

  private static func server() throws -> TestService {
    let server = try TestService()
    makeTable(server)
    return server
  }

  private static func makeTable(_ server: TestService) {
    server.command(".create table T (a:long, s:string)")
    server.command(#".create table T ingestion csv mapping "m" '[{"column":"a","Properties":{"Ordinal":"1"}},{"column":"s","Properties":{"Ordinal":"0"}}]'"#)
    server.command(#".create table T ingestion w3clogfile mapping "w" '[{"column":"a","Properties":{"Field":"sc-bytes"}},{"column":"s","Properties":{"Field":"cs(User-Agent)"}}]'"#)
    server.command(#".create table T ingestion json mapping "j" '[{"column":"a","Properties":{"Path":"$.n.v"}},{"column":"s","Properties":{"Path":"$.w"}}]'"#)
  }

  /// Two records with fields a, s (once null), n.v and t, in one block of deflate, as fastavro writes them.
  private static let avro = Array(
    Data(
      base64Encoded: "T2JqAQQUYXZyby5jb2RlYw5kZWZsYXRlFmF2cm8uc2NoZW1hygR7InR5cGUiOiAicmVjb3JkIiwgIm5hbWUiOiAiUm93IiwgImZpZWxkcyI6IFt7Im5hbWUiOiAiYSIsICJ0eXBlIjogImxvbmcifSwgeyJuYW1lIjogInMiLCAi"
        + "dHlwZSI6IFsibnVsbCIsICJzdHJpbmciXX0sIHsibmFtZSI6ICJuIiwgInR5cGUiOiB7InR5cGUiOiAicmVjb3JkIiwgIm5hbWUiOiAiTiIsICJmaWVsZHMiOiBbeyJuYW1lIjogInYiLCAidHlwZSI6ICJpbnQifV19fSwgeyJuYW1lIjog"
        + "InQiLCAidHlwZSI6IHsibG9naWNhbFR5cGUiOiAidGltZXN0YW1wLW1pbGxpcyIsICJ0eXBlIjogImxvbmcifX1dfQAAAQIDBAUGBwgJCgsMDQ4PBChjYmKqEJnwqK1pZjILgwYDACIUBAABAgMEBQYHCAkKCwwNDg8=") ?? Data())

  @Test func avroFiles() throws {
    let server = try TestService(allowedPaths: [NSTemporaryDirectory()])
    Self.makeTable(server)
    let path = server.directory + "/x.avro"
    try Data(Self.avro).write(to: URL(fileURLWithPath: path))
    let streamed = server.send("POST", "/v1/rest/ingest/NetDefaultDB/T?streamFormat=avro", Self.avro)
    #expect(streamed.status == 200, "\(streamed.text)")
    #expect(server.rows("T | order by a asc | project a, e = isempty(s)") == "[[1,false],[2,true]]")
    // By a mapping that is stored, and by one that comes along.
    let list = #"[{"column":"a","Properties":{"Path":"$.n.v"}},{"column":"s","Properties":{"Field":"s"}}]"#
    #expect(server.command(".create table T ingestion avro mapping 'v' '\(list)'").status == 200)
    for properties in ["format='avro', ingestionMappingReference='v'", "format='apacheavro', ingestionMappingType='ApacheAvro', ingestionMapping='\(list)'"] {
      let reply = server.command(".ingest into table T ('\(path)') with (\(properties))")
      #expect(reply.status == 200, "\(reply.text)")
    }
    #expect(server.rows("T | where a >= 10 | order by a asc | project a") == "[[10],[10],[20],[20]]")
    for format in [" with (format='avro')", " with (format='apacheavro')", ""] {
      #expect(server.rows("externaldata(a:long, n:dynamic, t:datetime)['\(path)']\(format) | where a == 1 | project n.v, t") == #"[[10,"2024-01-02T03:04:05.0000000Z"]]"#)
    }
    #expect(server.command(".ingest inline into table T with (format='avro') <| x").status == 400)
    let damaged = server.send("POST", "/v1/rest/ingest/NetDefaultDB/T?streamFormat=avro", Array(Self.avro.dropLast(5)))
    #expect(damaged.status == 400 && damaged.text.contains("Exceptions.StreamingIngestionRequestException"), "\(damaged.text)")
    #expect(server.rows("T | count") == "[[6]]")
  }

  /// Arrays of bytes as text by a mapping; what is none is null.
  @Test func bytesOfAvro() throws {
    let server = try TestService(allowedPaths: [NSTemporaryDirectory()])
    Self.makeTable(server)
    let path = server.directory + "/b.avro"
    let bytes = Data(
      base64Encoded: "T2JqAQQUYXZyby5jb2RlYwhudWxsFmF2cm8uc2NoZW1hjAJ7InR5cGUiOiAicmVjb3JkIiwgIm5hbWUiOiAiUiIsICJmaWVsZHMiOiBbeyJuYW1lIjogImlkIiwgInR5cGUiOiB7InR5cGUiOiAiYXJyYXkiLCAiaXRlbXMiOiAi"
        + "aW50In19LCB7Im5hbWUiOiAiYiIsICJ0eXBlIjogImJ5dGVzIn1dfQAwMTIzNDU2Nzg5YWJjZGVmBBwGxgOGAkQAAgEC2AQAADAxMjM0NTY3ODlhYmNkZWY=") ?? Data()
    try bytes.write(to: URL(fileURLWithPath: path))
    func ingest(_ field: String) -> String {
      server.command(#".ingest into table T ('\#(path)') with (format='avro', ingestionMapping='[{"column":"s","Properties":{"Path":"$.\#(field)","Transform":"BytesAsBase64"}}]')"#).text
    }
    #expect(ingest("b").contains("BytesAsBase64"))
    #expect(!ingest("id").contains("BytesAsBase64"))
    #expect(server.rows("T | project t = strcat('<', s, '>') | order by t desc") == #"[["<>"],["<44Mi>"]]"#)
  }

  /// Streamed rows are in the log: queries, counts and commands find them, extents come later.
  @Test func waitingRows() throws {
    let server = try Self.server()
    #expect(stream(server, "streamFormat=csv", "1,x\n2,y\n").status == 200)
    #expect(server.rows("T | where a == 2 | project s") == #"[["y"]]"#)
    #expect(server.rows("T | where ingestion_time() > ago(1h) and isnotempty(extent_id()) | count") == "[[2]]")
    #expect(server.rows(".show table T extents | count") == "[[0]]")
    #expect(server.rows(".show table T details | project TotalRowCount") == "[[2]]")
    let cursor = try #require(DynamicValue(json: server.rows("print cursor_current()"))?.elements?.first?.elements?.first?.stringValue)
    #expect(server.rows(".show table T extents | count") == "[[1]]")
    #expect(stream(server, "streamFormat=csv", "3,z\n").status == 200)
    #expect(server.rows("T | where cursor_after('\(cursor)') | project a") == "[[3]]")
    #expect(server.rows("T | where cursor_before_or_at('\(cursor)') | count") == "[[2]]")
    #expect(server.command(".alter column T.s type=long").status == 200)
    #expect(server.rows("T | count") == "[[3]]")
    #expect(stream(server, "streamFormat=csv", "4,40\n").status == 200)
    #expect(server.command(".delete table T records <| T | where a > 2").status == 200)
    #expect(server.rows("T | summarize sum(a)") == "[[3]]")
    #expect(stream(server, "streamFormat=csv", "5,50\n").status == 200)
    #expect(server.command(".set-or-replace T <| print a = 9, s = 90").status == 200)
    #expect(server.rows("T") == "[[9,90]]")
  }

  struct LargeCase: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var format = "csv"
    var body: String
    var isPacked = false
    var status = 200
    /// Rows, and extents at once.
    var expected = "[[2000,1]]"
  }

  static let large: [LargeCase] = {
    let csv = (1...2_000).map { "\($0),x\n" }.joined(), json = (1...2_000).map { "{\"a\":\($0),\"s\":\"x\"}\n" }.joined()
    return [
      LargeCase(testDescription: "csv", body: csv), LargeCase(testDescription: "csv, packed", body: csv, isPacked: true), LargeCase(testDescription: "json", format: "json", body: json),
      LargeCase(testDescription: "multijson, packed", format: "multijson", body: json, isPacked: true),
      LargeCase(testDescription: "packed to little", body: String(repeating: "1,x\n", count: 2_000), isPacked: true),
      LargeCase(testDescription: "few rows", body: "1,x\n", expected: "[[1,0]]"), LargeCase(testDescription: "few rows, packed", body: "1,x\n", isPacked: true, expected: "[[1,0]]"),
      LargeCase(testDescription: "broken at the end", body: csv + "1\n", status: 400, expected: "[[0,0]]"),
      LargeCase(testDescription: "broken at the end, packed", body: csv + "1\n", isPacked: true, status: 400, expected: "[[0,0]]"),
      LargeCase(testDescription: "too large", body: String(repeating: csv, count: 20), status: 413, expected: "[[0,0]]"),
      LargeCase(testDescription: "too large, packed", body: String(repeating: csv, count: 20), isPacked: true, status: 413, expected: "[[0,0]]"),
    ]
  }()

  /// Bodies with more bytes than are held in memory, also only when they are inflated: through a file into a commit of their own.
  @Test(arguments: large) func largeBodies(_ c: LargeCase) throws {
    let server = try TestService {
      $0.heldStreamingBytes = 1_000
      $0.maxStreamingBytes = 200_000
      $0.maxStreamingInflatedBytes = 200_000
    }
    Self.makeTable(server)
    let reply = server.send("POST", "/v1/rest/ingest/NetDefaultDB/T?streamFormat=\(c.format)", c.isPacked ? try Self.gzip(c.body, in: server.directory) : Array(c.body.utf8))
    #expect(reply.status == c.status, "\(reply.text)")
    #expect(server.rows(".show table T details | project TotalRowCount, TotalExtents") == c.expected)
    let left = try FileManager.default.contentsOfDirectory(atPath: server.directory + "/store/_kconnect/ingest")
    #expect(left.isEmpty, "\(left)")
  }

  private static func gzip(_ text: String, in directory: String) throws -> [UInt8] {
    let path = directory + "/plain"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let process = Process(), output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "gzip -9 -c \"$0\"", path]
    process.standardOutput = output
    try process.run()
    return Array(output.fileHandleForReading.readDataToEndOfFile())
  }

  /// Rows of a table with an update policy are committed with those that the policy makes of them.
  @Test func updatePolicy() throws {
    let server = try Self.server()
    server.command(".create table D (b:long)")
    #expect(server.command(#".alter table D policy update @'[{"IsEnabled":true,"Source":"T","Query":"T | project b = a * 10","IsTransactional":true}]'"#).status == 200)
    #expect(stream(server, "streamFormat=csv", "1,x\n2,y\n").status == 200)
    #expect(server.rows("D | order by b asc") == "[[10],[20]]")
    #expect(server.rows(".show table T extents | count") == "[[1]]")
    #expect(stream(server, "streamFormat=csv", "1,x\n2\n").status == 400)
    #expect(server.rows("D | count") == "[[2]]")
  }

  /// With the first key the store's metadata hold a secret: others than their owner read neither them nor what SQLite keeps beside them.
  @Test func secretsAreClosed() throws {
    let server = try Self.server()
    let place = server.directory + "/store/_kconnect/"
    #expect(server.command(".get ingestion resources").status == 200)
    let names = try FileManager.default.contentsOfDirectory(atPath: place).filter { $0.hasPrefix("metadata.sqlite") }
    #expect(names.contains("metadata.sqlite"))
    for name in names {
      var info = stat()
      #expect(stat(place + name, &info) == 0)
      #expect(info.st_mode & 0o077 == 0, "\(name)")
    }
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
    // Who lost the answer to the list asks for it; a blob that is put anew has none.
    #expect(blob("GET", "b.csv", "&comp=blocklist&blocklisttype=committed").text.contains("<Block><Name>QQ==</Name><Size>2</Size></Block><Block><Name>Qg==</Name>"))
    #expect(blob("GET", "d/a.csv", "&comp=blocklist").text.contains("<CommittedBlocks></CommittedBlocks>"))
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

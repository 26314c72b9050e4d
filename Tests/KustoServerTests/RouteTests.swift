// Role: requests and what they are answered: status, and parts of the body and of the headers.

import Columnar
import Foundation
import KustoServer
import KustoStore
import Testing

struct RouteCase: CustomTestStringConvertible {
  var name: String
  var method = "POST"
  var target: String
  var headers: [(name: String, value: String)] = []
  var body = ""
  var status: Int
  /// Parts of the reply's body.
  var parts: [String] = []
  var replyHeaders: [(name: String, value: String)] = []
  var testDescription: String { name }
}

@Suite struct RouteTests {
  static let cases: [RouteCase] = [
    RouteCase(name: "ping", method: "GET", target: "/v1/rest/ping", status: 200, parts: ["Pong", "\"ApplicationHealthState\":\"Healthy\""]),
    RouteCase(name: "metadata", method: "GET", target: "/v1/rest/auth/metadata", status: 200, parts: ["\"KustoServiceResourceId\"", "\"FirstPartyAuthorityUrl\""]),
    RouteCase(name: "metrics", method: "GET", target: "/metrics", status: 200, parts: ["kconnect_running_requests"]),
    RouteCase(name: "nothing there", method: "GET", target: "/v3/rest/query", status: 404),
    RouteCase(name: "wrong method", method: "DELETE", target: "/v2/rest/query", status: 405, replyHeaders: [("Allow", "GET, POST")]),
    RouteCase(name: "version 2", target: "/v2/rest/query", body: #"{"csl":"print a=1"}"#, status: 200, parts: ["\"FrameType\":\"DataSetHeader\"", "\"Rows\":[[1]]", "\"HasErrors\":false"]),
    RouteCase(name: "doubled slashes", target: "//v2//rest/query", body: #"{"csl":"print a=1"}"#, status: 200),
    RouteCase(name: "version 1", target: "/v1/rest/query", body: #"{"csl":"print a=1"}"#, status: 200, parts: ["\"DataType\":\"Int64\",\"ColumnType\":\"long\"", "\"QueryStatus\""]),
    RouteCase(name: "commands on version 1", target: "/v1/rest/query", body: #"{"csl":".show databases"}"#, status: 200, parts: ["NetDefaultDB"]),
    RouteCase(name: "commands on version 2", target: "/v2/rest/query", body: #"{"csl":".show databases"}"#, status: 400, parts: ["BadRequest_SyntaxError"]),
    RouteCase(name: "queries on mgmt", target: "/v1/rest/mgmt", body: #"{"csl":"print 1"}"#, status: 400, parts: ["BadRequest_SyntaxError"]),
    RouteCase(name: "one table for commands", target: "/v1/rest/mgmt", body: #"{"db":"","csl":".show version"}"#, status: 200, parts: [#"{"Tables":[{"TableName":"Table_0""#, "\"Engine\""]),
    RouteCase(name: "piped command", target: "/v1/rest/mgmt", body: #"{"csl":".show databases | project DatabaseName"}"#, status: 200, parts: [#""Rows":[["NetDefaultDB"]]"#]),
    RouteCase(name: "properties as text", target: "/v1/rest/query", body: #"{"csl":"declare query_parameters(n:long); print n","properties":"{\"Parameters\":{\"n\":\"long(7)\"}}"}"#, status: 200, parts: ["[[7]]"]),
    RouteCase(name: "properties as object, keys in lower case", target: "/v1/rest/query", body: #"{"csl":"declare query_parameters(n:long); print n","properties":{"parameters":{"n":7}}}"#, status: 200, parts: ["[[7]]"]),
    RouteCase(name: "parameter of another type", target: "/v1/rest/query", body: #"{"csl":"declare query_parameters(n:long); print n","properties":{"Parameters":{"n":"abc"}}}"#, status: 400, parts: ["SEM0100"]),
    RouteCase(name: "a parameter is a value, not text", target: "/v1/rest/query", body: #"{"csl":"declare query_parameters(s:string); print s","properties":{"Parameters":{"s":"x'; print 2"}}}"#, status: 200, parts: [#"[["x'; print 2"]]"#]),
    RouteCase(name: "query by GET", method: "GET", target: "/v2/rest/query?db=NetDefaultDB&csl=print%20a%3D1", status: 200, parts: ["[[1]]"]),
    RouteCase(name: "GET changes nothing", method: "GET", target: "/v1/rest/query?csl=.create%20database%20X", status: 403),
    RouteCase(name: "syntax error", target: "/v2/rest/query", body: #"{"csl":"print |"}"#, status: 400, parts: ["\"code\":\"General_BadRequest\"", "SYN0002", "\"@permanent\":true"]),
    RouteCase(name: "syntax error of a command", target: "/v1/rest/mgmt", body: #"{"csl":".shw tables"}"#, status: 400, parts: ["BadRequest_SyntaxError"]),
    RouteCase(name: "semantic error", target: "/v2/rest/query", body: #"{"csl":"print nope"}"#, status: 400, parts: ["Semantic error: SEM0100", "nope"]),
    RouteCase(name: "no such database", target: "/v2/rest/query", body: #"{"db":"nope","csl":"print 1"}"#, status: 400, parts: ["BadRequest_DatabaseNotExist"]),
    RouteCase(name: "databases in any case", target: "/v2/rest/query", body: #"{"db":"NETDEFAULTDB","csl":"print current_database()"}"#, status: 200, parts: ["NetDefaultDB"]),
    RouteCase(name: "no such table", target: "/v1/rest/mgmt", body: #"{"csl":".drop table Nope"}"#, status: 400, parts: ["BadRequest_EntityNotFound", "Nope"]),
    RouteCase(name: "read-only request", target: "/v1/rest/mgmt", body: #"{"csl":".create table T (a:long)","properties":{"Options":{"request_readonly":true}}}"#, status: 403, parts: ["Forbidden"]),
    RouteCase(name: "truncated", target: "/v2/rest/query", body: #"{"csl":"range x from 1 to 9 step 1","properties":{"Options":{"truncationmaxrecords":"3"}}}"#, status: 200,
              parts: [#"[1],[2],[3],{"OneApiErrors":[{"error":{"code":"LimitsExceeded""#, "\"HasErrors\":true"]),
    RouteCase(name: "truncated, version 1", target: "/v1/rest/query", body: #"{"csl":"set truncationmaxrecords=3; range x from 1 to 9 step 1"}"#, status: 200, parts: [#"[3],{"Exceptions":["#]),
    RouteCase(name: "truncated by bytes", target: "/v2/rest/query", body: #"{"csl":"range x from 1 to 100000 step 1","properties":{"Options":{"truncationmaxsize":1000}}}"#, status: 200, parts: ["set limit of 1000 bytes"]),
    RouteCase(name: "truncation deferred", target: "/v2/rest/query", body: #"{"csl":"range x from 1 to 9 step 1","properties":{"Options":{"truncationmaxrecords":3,"deferpartialqueryfailures":true}}}"#, status: 200,
              parts: ["[1],[2],[3]]}", "E_QUERY_RESULT_SET_TOO_LARGE", "\"HasErrors\":false"]),
    RouteCase(name: "no truncation", target: "/v1/rest/query", body: #"{"csl":"range x from 1 to 600000 step 1 | count","properties":{"Options":{"notruncation":true}}}"#, status: 200, parts: ["[[600000]]"]),
    RouteCase(name: "too many columns", target: "/v1/rest/query", body: #"{"csl":"print 1, 2, 3","properties":{"Options":{"maxoutputcolumns":2}}}"#, status: 400, parts: ["LimitsExceeded", "maxoutputcolumns"]),
    RouteCase(name: "another language", target: "/v1/rest/query", body: #"{"csl":"select 1","properties":{"Options":{"query_language":"sql"}}}"#, status: 400, parts: ["query_language"]),
    RouteCase(name: "the language by name", target: "/v1/rest/query", body: #"{"csl":"print 41 + 1","properties":{"Options":{"query_language":"kql"}}}"#, status: 200, parts: ["[[42]]"]),
    RouteCase(name: "options nobody knows", target: "/v1/rest/query", body: #"{"csl":"print 41 + 1","ns":null,"properties":{"Options":{"nobody_knows":[1],"queryconsistency":"weakconsistency"}}}"#, status: 200, parts: ["[[42]]"]),
    RouteCase(name: "preflight", method: "OPTIONS", target: "/v2/rest/query", headers: [("Origin", "https://dataexplorer.azure.com"), ("Access-Control-Request-Headers", "authorization,x-ms-app")], status: 204,
              replyHeaders: [("Access-Control-Allow-Origin", "https://dataexplorer.azure.com"), ("Access-Control-Allow-Headers", "authorization,x-ms-app"), ("Access-Control-Allow-Private-Network", "true")]),
    RouteCase(name: "request id", target: "/v2/rest/query", headers: [("x-ms-client-request-id", "KPC.execute;1")], body: #"{"csl":"print 1"}"#, status: 200, replyHeaders: [("x-ms-client-request-id", "KPC.execute;1")]),
    RouteCase(name: "render", target: "/v2/rest/query", body: #"{"csl":"print x=1 | render timechart with (title='T')"}"#, status: 200, parts: [#"\"Visualization\":\"timechart\",\"Title\":\"T\""#]),
    RouteCase(name: "several results", target: "/v2/rest/query", body: #"{"csl":"print a=1; print b=2"}"#, status: 200, parts: ["\"TableId\":1,\"TableKind\":\"PrimaryResult\"", "\"TableId\":2,\"TableKind\":\"PrimaryResult\"", "\"TableId\":3,\"TableKind\":\"QueryCompletionInformation\""]),
  ]

  @Test(arguments: cases) func answers(_ c: RouteCase) throws {
    let server = try TestService()
    let reply = server.send(c.method, c.target, headers: c.headers, Array(c.body.utf8))
    #expect(reply.status == c.status, "\(reply.text.prefix(600))")
    for part in c.parts { #expect(reply.text.contains(part), "no '\(part)' in \(reply.text.prefix(2_000))") }
    for (name, value) in c.replyHeaders { #expect(reply.header(name) == value) }
    if c.status == 200, reply.header("Content-Type") == "application/json" { #expect(DynamicValue(json: reply.text) != nil, "no JSON: \(reply.text.prefix(400))") }
    if c.status >= 400, c.status != 405 {
      let error = DynamicValue(json: reply.text)?["error"]
      #expect(error?["code"]?.stringValue != nil && error?["message"]?.stringValue != nil && error?["@message"]?.stringValue != nil, "\(reply.text)")
    }
  }

  @Test func values() throws {
    let server = try TestService()
    let text = """
      print b=true, i=int(1), l=9007199254740993, d=1.0, n=real(nan), m=decimal(1.50), s='é"\\n', t=datetime(2020-03-04T14:05:01.3109965), ts=time(-2.00:00:02),
        g=guid(74be27de-1e4e-49d9-b579-fe0b331d3642), y=dynamic({"a":[1,null]}), nb=bool(null), ns=tostring(dynamic(null)), nm=decimal(null)
      """
    #expect(server.rows(text) == #"[[true,1,9007199254740993,1.0,"NaN","1.50","é\"\n","2020-03-04T14:05:01.3109965Z","-2.00:00:02","74be27de-1e4e-49d9-b579-fe0b331d3642",{"a":[1,null]},null,"",null]]"#)
  }

  @Test func fragments() throws {
    let server = try TestService()
    let options = #"{"Options":{"results_v2_newlines_between_frames":true,"results_v2_fragment_primary_tables":true,"results_error_reporting_placement":"end_of_table","truncationmaxrecords":2}}"#
    let reply = server.ask("range x from 1 to 3 step 1", properties: options)
    let frames = try #require(DynamicValue(json: reply.text)?.elements)
    #expect(frames.map { $0["FrameType"]?.stringValue ?? "" } == ["DataSetHeader", "DataTable", "TableHeader", "TableFragment", "TableCompletion", "DataSetCompletion"])
    #expect(frames[4]["OneApiErrors"] != nil)
    let lines = reply.text.split(separator: "\n")
    #expect(lines.first?.hasPrefix("[{\"FrameType\":\"DataSetHeader\",\"IsProgressive\":false,\"Version\":\"v2.0\",\"IsFragmented\":true") == true)
    #expect(lines.dropFirst().dropLast().allSatisfy { $0.hasPrefix(",") } && lines.last == "]")
  }

  /// Rows of the answer, and what must be known before there is a plan.
  @Test(arguments: [
    "range x from 1 to 1000000000000 step 1 | summarize count() by x % 7", "let n = toscalar(range x from 1 to 1000000000000 step 1 | summarize count()); print n",
    "let t = materialize(range x from 1 to 1000000000000 step 1 | summarize count() by x % 7); t | union t",
    "print 1 in ((range x from 1 to 1000000000000 step 1 | summarize max(x)))", ".set T <| range x from 1 to 1000000000000 step 1 | summarize count() by x % 7",
  ])
  func timeLimit(_ text: String) throws {
    let server = try TestService()
    let reply = server.ask(text, "/v1/rest/query", properties: #"{"Options":{"servertimeout":"00:00:01"}}"#)
    #expect(reply.status == 504)
    #expect(reply.text.contains("\"code\":\"Timeout\"") && reply.text.contains("\"@permanent\":false"))
  }

  @Test func cancelledWhileItIsBound() async throws {
    let server = try TestService()
    let reply = Task.detached {
      let reply = CollectedReply()
      let body = #"{"csl":"let n = toscalar(range x from 1 to 1000000000000 step 1 | summarize count()); print n"}"#
      server.service.handle(
        ServerRequest(method: "POST", target: "/v2/rest/query", headers: [("x-ms-client-request-id", "slow;1")], body: MemoryBytes(Array(body.utf8))), reply)
      return (reply.status, reply.text)
    }
    while server.command(".cancel query 'slow;1'").text.contains("true") == false { await Task.yield() }
    let (status, text) = await reply.value
    #expect(status == 400 && text.contains("BadRequest_RequestCancelled"), "\(text)")
  }

  /// What would be a lie to ignore is refused by its name.
  @Test func otherLanguages() throws {
    let server = try TestService()
    let refused = server.ask("select 1", properties: #"{"Options":{"query_language":"sql"}}"#)
    #expect(refused.status == 400 && refused.text.contains("NOT_SUPPORTED") && refused.text.contains("query_language"), "\(refused.text.prefix(300))")
    for language in ["kql", "csl", ""] { #expect(server.ask("print 1", properties: "{\"Options\":{\"query_language\":\"\(language)\"}}").status == 200) }
    #expect(server.ask("set request_readonly=true; print 1").status == 400)
  }

  /// What rows do to a query is the query's, and not worth a repetition.
  @Test(arguments: ["print assert(1 == 2, 'boom')", "range x from 1 to 10 step 1 | extend y = assert(x < 5, 'boom')", "print hll_merge(5)"])
  func failuresOfRows(_ query: String) throws {
    let server = try TestService()
    let reply = server.ask(query)
    #expect(reply.status == 400 && reply.text.contains("\"@permanent\":true"), "\(reply.status) \(reply.text.prefix(300))")
  }

  @Test(arguments: [".show external table E artifacts limit -1", ".drop extents from T limit -1", ".create table T ingestion csv mapping 'm' '[{\"column\":\"a\",\"Properties\":{\"Ordinal\":0}},{\"column\":\"a\",\"Properties\":{\"Ordinal\":1}}]'"])
  func valuesOfCommands(_ command: String) throws {
    let server = try TestService(allowedPaths: ["/tmp"])
    server.command(".set T <| print a = 1")
    server.command(".create external table E (a:long) kind=storage dataformat=csv ('/tmp')")
    #expect(server.command(command).status == 400)
    #expect(server.rows("T") == "[[1]]")
  }

  /// What `set` statements can say as well as options.
  @Test func statementsThatCount() throws {
    let server = try TestService()
    #expect(server.command(".set T <| range x from 1 to 5 step 1 | extend t = datetime(2024-01-01) + x * 1d").status == 200)
    let scope = "set query_datetimescope_column='t'; set query_datetimescope_from=datetime(2024-01-04);"
    #expect(server.rows("\(scope) T | count") == "[[3]]")
    #expect(server.rows("\(scope) set query_datetimescope_to='2024-01-05'; T | count") == "[[2]]")
    #expect(server.rows("T | count") == "[[5]]")
    #expect(server.rows("set maxoutputcolumns=2; T | count") == "[[5]]")
    #expect(server.rows("set maxoutputcolumns=1; T").contains("maxoutputcolumns"))
    #expect(server.rows("set best_effort=true; union T, NoSuch | count") == "[[5]]")
    #expect(DynamicValue(json: server.ask("union T, NoSuch | count", "/v1/rest/query", properties: #"{"Options":{"best_effort":true}}"#).text)?["Tables"]?.elements?.first?["Rows"]?.json == "[[5]]")
    let list = "range x from 1 to 3000000 step 1 | summarize l = make_list(x) | project array_length(l)"
    #expect(server.rows(list) == "[[1048576]]")
    #expect(server.rows("set max_memory_consumption_per_query_per_node=1000000; \(list)").contains("LowMemory"))
  }

  /// The text of a query, and what becomes of it, is memory of the request; the data of a command is not looked at.
  @Test func memoryOfTexts() throws {
    let server = try TestService { $0.requestMemory = 32 << 20 }
    let list = (0..<150_000).map { String($0) }.joined(separator: ",")
    #expect(server.ask("print 1 in (\(list.prefix(20_000))1)", "/v1/rest/query").status == 200)
    let refused = server.ask("print 1 in (\(list))", "/v1/rest/query")
    #expect(refused.status == 400 && refused.text.contains("LowMemoryCondition"), "\(refused.text.prefix(300))")
    server.command(".create table T (a:long)")
    #expect(server.command(".ingest inline into table T <|\n" + list.replacingOccurrences(of: ",", with: "\n")).status == 200)
    #expect(server.rows("T | count") == "[[150000]]")
  }

  /// The file of the log can be renamed: after a hang-up signal lines go to a new one.
  @Test func accessLogBeginsAnew() throws {
    let path = NSTemporaryDirectory() + "kconnect-log-" + UUID().uuidString
    defer { for name in [path, path + ".1"] { try? FileManager.default.removeItem(atPath: name) } }
    let server = try TestService(accessLog: try AccessLog(path: path, showsText: false))
    func lines(_ path: String) throws -> Int { try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count }
    server.ask("print 1")
    try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
    server.ask("print 2")
    #expect(try lines(path + ".1") == 2 && !FileManager.default.fileExists(atPath: path))
    AccessLog.countHangUp()
    server.ask("print 3")
    #expect(try lines(path + ".1") == 2)
    #expect(try lines(path) == 1)
  }

  @Test func memoryLimit() throws {
    let server = try TestService { $0.requestMemory = 32 << 20 }
    let reply = server.ask("range x from 1 to 100000000 step 1 | summarize l = make_list(strcat('a text that takes its part of the memory ', x)) | project array_length(l)")
    #expect(reply.text.contains("LowMemoryCondition"), "\(reply.text.prefix(400))")
    #expect(server.rows("print 41 + 1") == "[[42]]")
  }

  @Test(arguments: [
    ("T | where a > 0\n| where nope > 1", "SEM0100", 2, 9), ("print a =\n  1 +", "SYN0002", 2, 6), ("let f = (x:long) { x };\nprint f('a', 2)", "SEM0100", 2, 9),
  ])
  func places(_ text: String, _ code: String, _ line: Int, _ position: Int) throws {
    let server = try TestService()
    server.command(".create table T (a:long)")
    let inner = DynamicValue(json: server.ask(text).text)?["error"]?["innererror"]
    #expect(inner?["code"]?.stringValue == code && inner?["@line"]?.stringValue == "\(line)" && inner?["@pos"]?.stringValue == "\(position)", "\(inner?.json ?? "none")")
  }

  @Test(arguments: [
    (#"{"query_datetimescope_column":"t","query_datetimescope_from":"datetime(2024-01-02)","query_datetimescope_to":"2024-01-03"}"#, "[[2]]"),
    (#"{"query_datetimescope_column":"t","query_datetimescope_from":"2024-01-03"}"#, "[[2]]"), (#"{"query_datetimescope_column":"nope","query_datetimescope_from":"2024-01-03"}"#, "[[4]]"),
    (#"{"query_datetimescope_column":"a","query_datetimescope_from":"2024-01-03"}"#, "[[4]]"),
  ])
  func scopeInTime(_ options: String, _ count: String) throws {
    let server = try TestService()
    #expect(server.command(".set T <| range a from 1 to 4 step 1 | extend t = datetime(2024-01-01) + (a - 1) * 1d").status == 200)
    let reply = server.ask("T | count", "/v1/rest/query", properties: "{\"Options\":\(options)}")
    #expect(DynamicValue(json: reply.text)?["Tables"]?.elements?.first?["Rows"]?.json == count, "\(reply.text.prefix(400))")
  }

  /// Blobs named by a request, queued by the server, and how they fared.
  @Test func queuedByRequest() throws {
    let server = try TestService()
    server.command(".create table T (a:long, s:string)")
    let configuration = try #require(DynamicValue(json: server.send("GET", "/v1/rest/ingestion/configuration").text))
    let container = try #require(configuration["containerSettings"]?["containers"]?.elements?.first?["path"]?.stringValue)
    let key = try #require(container.split(separator: "?").last)
    let target = "/devstoreaccount1/tmp/rows.csv?\(key)"
    #expect(server.send("PUT", target, Array("1,x\n2,y\n".utf8)).status == 201)
    let base = "/v1/rest/ingestion/queued/NetDefaultDB/T"
    let body = #"{"timestamp":"2024-01-01T00:00:00Z","blobs":[{"url":"http://localhost\#(target)","sourceId":"11111111-1111-1111-1111-111111111111","rawSize":8},{"url":"http://localhost/devstoreaccount1/tmp/missing.csv?\#(key)"}],"properties":{"format":"csv","enableTracking":true,"tags":["one"],"deleteAfterDownload":true}}"#
    let accepted = server.send("POST", base, Array(body.utf8))
    #expect(accepted.status == 200, "\(accepted.text)")
    let operation = try #require(DynamicValue(json: accepted.text)?["ingestionOperationId"]?.stringValue)
    let waiting = try #require(DynamicValue(json: server.send("GET", "\(base)/\(operation)").text)?["status"])
    #expect(waiting["InProgress"] == .long(2) && waiting["succeeded"] == .long(0))
    server.service.start()
    defer { server.service.stop() }
    var state = DynamicValue.null
    repeat { state = DynamicValue(json: server.send("GET", "\(base)/\(operation)?details=true").text) ?? .null } while state["status"]?["InProgress"] != .long(0)
    #expect(state["status"]?["Succeeded"] == .long(1) && state["status"]?["Failed"] == .long(1))
    let details = try #require(state["details"]?.elements)
    #expect(details[0]["sourceId"]?.stringValue == "11111111-1111-1111-1111-111111111111" && details[0]["status"]?.stringValue == "Succeeded")
    #expect(details[1]["failureStatus"]?.stringValue != nil && details[1]["errorCode"]?.stringValue != nil)
    #expect(!state.json.contains("sig="))
    #expect(server.rows("T | summarize sum(a)") == "[[3]]")
    #expect(server.command(".show table T extents | project Tags").text.contains("one"))
    #expect(server.send("GET", "\(base)/11111111-2222-3333-4444-555555555555").status == 404)
    #expect(server.send("POST", "/v1/rest/ingestion/queued/NetDefaultDB/Nope", Array(body.utf8)).text.contains("BadRequest_TableNotExist"))
    #expect(server.send("POST", base, Array("{}".utf8)).status == 400)
  }

  @Test func gzip() throws {
    let server = try TestService()
    let body = Array(#"{"csl":"range x from 1 to 20000 step 1"}"#.utf8), plain = server.send("POST", "/v1/rest/query", body)
    for (accepted, isCompressed) in [("gzip", true), ("gzip, deflate", true), ("br;q=1.0, gzip;q=0.5", true), ("*", true), ("gzip;q=0", false), ("identity", false), ("br", false)] {
      let reply = server.send("POST", "/v1/rest/query", headers: [("Accept-Encoding", accepted)], body)
      #expect((reply.header("Content-Encoding") == "gzip") == isCompressed, "\(accepted)")
      #expect(reply.head?.headers.contains { $0.name == "Vary" && $0.value == "Accept-Encoding" } == true)
      #expect(reply.bytes.starts(with: [0x1F, 0x8B]) == isCompressed)
      if isCompressed { #expect(reply.bytes.count < plain.bytes.count / 2 && reply.head?.length == nil) }
    }
    // What is small is sent as it is.
    let small = server.send("POST", "/v1/rest/mgmt", headers: [("Accept-Encoding", "gzip")], Array(#"{"csl":".show version"}"#.utf8))
    #expect(small.status == 200 && small.header("Content-Encoding") == nil)
    let failed = server.send("POST", "/v2/rest/query", headers: [("Accept-Encoding", "gzip")], Array(#"{"csl":"print nope"}"#.utf8))
    #expect(failed.status == 400)
  }

  /// Names in a stored function are those of its own database.
  @Test func functionsAtHome() throws {
    let server = try TestService()
    for (database, text) in [
      ("", ".create database A"), ("", ".create database B"), ("A", ".create table T (a:long)"), ("B", ".create table T (a:long)"), ("B", ".create table OnlyB (a:long)"),
      ("A", ".ingest inline into table T <| 1"), ("B", ".ingest inline into table T <| 2"), ("B", ".ingest inline into table OnlyB <| 3"),
      ("B", ".create function Inner(x:long) { T | where a >= x }"), ("B", ".create function F() { Inner(0) | union OnlyB }"), ("B", ".create function V() { OnlyB }"),
      ("B", ".create function All() { union withsource=s T, Only* | summarize make_list(a) }"), ("B", ".create function N() { toscalar(T | summarize sum(a)) }"),
      ("B", ".create function Other() { database('A').T }"), ("A", ".create function Inner(x:long) { print a = long(99) }"),

    ] {
      let reply = server.ask(text, "/v1/rest/mgmt", database: database.isEmpty ? nil : database)
      #expect(reply.status == 200, "\(text): \(reply.text)")
    }
    for (query, expected) in [
      ("database('B').F() | order by a asc", "[[2],[3]]"), ("database('B').V()", "[[3]]"), ("database('B').V", "[[3]]"), ("database('B').Inner(1)", "[[2]]"), ("Inner(0)", "[[99]]"),
      ("print database('B').N()", "[[2]]"), ("database('B').Other()", "[[1]]"), ("database('B').All()", "[[[2,3]]]"),
      ("T | where a in ((database('B').T | project a))", "[]"), ("let x = () { database('B').V() }; x()", "[[3]]"),
    ] {
      let reply = server.ask(query, "/v1/rest/query", database: "A")
      let rows = DynamicValue(json: reply.text)?["Tables"]?.elements?.first?["Rows"]?.json
      #expect(rows == expected, "\(query): \(rows ?? reply.text)")
    }
    let lost = server.ask("OnlyB", "/v1/rest/query", database: "A")
    #expect(lost.status == 400)
  }

  @Test func tooManyRequests() throws {
    let server = try TestService { $0.maxRequestsPerPrincipal = 0 }
    let reply = server.ask("print 1")
    #expect(reply.status == 429)
    #expect(reply.text.contains("\"code\":\"TooManyRequests\"") && reply.header("Retry-After") != nil)
  }

  @Test func oneServerForAStore() throws {
    let server = try TestService()
    #expect(throws: (any Error).self) { try KustoService(ServerConfiguration(storePath: server.directory + "/store")) }
  }

  private struct Keeper: Authenticator {
    func principal(of request: ServerRequest) throws -> Principal? {
      guard request.header("authorization") == "Bearer good" else { throw WireErrorMaker.unauthorized }
      return Principal(.user, objectId: "a", tenantId: "t", userPrincipalName: "a@b.c")
    }
  }

  @Test func principals() throws {
    let server = try TestService(authenticator: Keeper())
    let body = Array(#"{"csl":"print current_principal()"}"#.utf8)
    let refused = server.send("POST", "/v1/rest/query", body)
    #expect(refused.status == 401 && refused.header("WWW-Authenticate") != nil)
    let welcome = server.send("POST", "/v1/rest/query", headers: [("Authorization", "Bearer good")], body)
    #expect(welcome.status == 200 && welcome.text.contains("aaduser=a;t"))
    #expect(server.send("GET", "/v1/rest/auth/metadata").status == 200)
    #expect(server.send("GET", "/metrics").status == 401)
  }
}

// Role: request options that decide what a query may reach and what it sees: as options of the request and as `set` statements, each on and off.

import Columnar
import Foundation
import KustoServer
import KustoStore
import Testing

@Suite struct OptionTests {
  /// A server with a table `T` (two rows, then two more behind `cursor`), one with row level security switched off, one with it on, an external table
  /// and a second database.
  struct Filled {
    let server: TestService
    /// After the first two rows of T.
    let cursor: String
    /// After all four.
    let last: String

    init() throws {
      let place = NSTemporaryDirectory() + "kconnect-options-" + UUID().uuidString
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      try "1\n2\n3\n".write(toFile: place + "/a.csv", atomically: true, encoding: .utf8)
      file = place + "/a.csv"
      server = try TestService(allowedPaths: [place], allowedURLs: ["http://127.0.0.1:1/"])
      for text in [
        ".set T <| range a from 1 to 2 step 1", ".set Off <| range a from 1 to 4 step 1", ".set On <| range a from 1 to 4 step 1",
        ".alter table Off policy row_level_security disable 'Off | where a < 3'", ".alter table On policy row_level_security enable 'On | where a < 3'",
        ".create external table E (a:long) kind=storage dataformat=csv (@'\(file)')", ".create external table W (a:long) kind=storage dataformat=csv ('http://127.0.0.1:1/a.csv')",
        ".create database Other", ".create function F() { T | count }",
      ] {
        let reply = server.command(text)
        guard reply.status == 200 else { throw LiveFailure("\(text): \(reply.text)") }
      }
      cursor = Self.value(server.ask("print cursor_current()", "/v1/rest/query"))
      server.command(".append T <| range a from 3 to 4 step 1")
      last = Self.value(server.ask("print cursor_current()", "/v1/rest/query"))
      server.command(".append T <| print a = 5")
    }

    let file: String

    static func value(_ reply: CollectedReply) -> String {
      DynamicValue(json: reply.text)?["Tables"]?.elements?.first?["Rows"]?.elements?.first?.elements?.first?.stringValue ?? reply.text
    }

    /// Rows as JSON, or the status and the message.
    func ask(_ text: String, _ options: [(String, String)] = [], database: String = "NetDefaultDB") -> String {
      let properties = "{\"Options\":{\(options.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ","))}}"
      let reply = server.ask(text, "/v1/rest/query", database: database, properties: properties)
      guard reply.status == 200 else { return "\(reply.status) \(reply.text)" }
      return DynamicValue(json: reply.text)?["Tables"]?.elements?.first?["Rows"]?.json ?? reply.text
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let option: String
    let text: String
    /// Without the option; FILE is the allowed file's path.
    let off: String
    /// With it.
    let on: String
    var testDescription: String { "\(option): \(text)" }
  }

  static let flags: [Case] = [
    Case(option: "query_force_row_level_security", text: "Off | count", off: "[[4]]", on: "[[2]]"), Case(option: "query_force_row_level_security", text: "On | count", off: "[[2]]", on: "[[2]]"),
    Case(option: "query_force_row_level_security", text: "T | count", off: "[[5]]", on: "[[5]]"), Case(option: "request_block_row_level_security", text: "On | count", off: "[[2]]", on: "403"),
    Case(option: "request_block_row_level_security", text: "print toscalar(On | count)", off: "[[2]]", on: "403"), Case(option: "request_block_row_level_security", text: "Off | count", off: "[[4]]", on: "[[4]]"),
    Case(option: "request_external_data_disabled", text: "externaldata(a:long)['FILE'] | count", off: "[[3]]", on: "403"), Case(option: "request_external_data_disabled", text: "external_table('E') | count", off: "[[3]]", on: "403"),
    Case(option: "request_external_data_disabled", text: "evaluate infer_storage_schema(dynamic({'StorageContainers':['FILE'],'DataFormat':'csv'}))", off: "[[", on: "403"),
    Case(option: "request_external_table_disabled", text: "external_table('E') | count", off: "[[3]]", on: "403"), Case(option: "request_external_table_disabled", text: "externaldata(a:long)['FILE'] | count", off: "[[3]]", on: "[[3]]"),
    Case(option: "request_callout_disabled", text: "externaldata(a:long)['FILE'] | count", off: "[[3]]", on: "[[3]]"), Case(option: "request_callout_disabled", text: "externaldata(a:long)['http://127.0.0.1:1/a.csv'] | count", off: "400", on: "403"),
    Case(option: "request_callout_disabled", text: "external_table('W') | count", off: "400", on: "403"), Case(option: "request_remote_entities_disabled", text: "database('NetDefaultDB').T | count", off: "[[5]]", on: "[[5]]"),
    Case(option: "request_remote_entities_disabled", text: "F()", off: "[[5]]", on: "[[5]]"), Case(option: "query_cursor_disabled", text: "T | where cursor_after('') | count", off: "[[5]]", on: "400"),
    Case(option: "query_cursor_disabled", text: "print isnotempty(cursor_current())", off: "[[true]]", on: "400"), Case(option: "query_cursor_disabled", text: "T | count", off: "[[5]]", on: "[[5]]"),
    Case(option: "query_results_apply_getschema", text: "T | project a, s = 'x'", off: "[[1", on: #"[["a",0,"System.Int64","long"],["s",1,"System.String","string"]]"#),
    Case(option: "validatepermissions", text: "T | where a > toscalar(T | summarize max(a))", off: "[]", on: #"[["OK"]]"#),
    Case(option: "validatepermissions", text: "range x from 1 to 1000000000000 step 1 | summarize count() by x", off: "", on: #"[["OK"]]"#),
    Case(option: "validatepermissions", text: "T | evaluate pivot(a) | where ['1'] > 0", off: "[[", on: #"[["Incomplete"]]"#), Case(option: "validatepermissions", text: "Nope | count", off: "400", on: "400"),
    Case(option: "validate_permissions", text: "T", off: "[[", on: #"[["OK"]]"#),
  ]

  @Test(arguments: flags) func flag(_ test: Case) throws {
    let filled = try Filled()
    let text = test.text.replacingOccurrences(of: "FILE", with: filled.file)
    for value in ["true", "\"true\"", "1"] {
      let found = filled.ask(text, [(test.option, value)])
      #expect(found.hasPrefix(test.on), "\(value): \(found.prefix(300))")
      #expect(!test.on.hasPrefix("4") || found.contains(test.option) || test.text.hasPrefix("Nope"), "\(found.prefix(300))")
    }
    for statement in [test.option, "\(test.option)=true", "\(test.option.uppercased())=true"] {
      let found = filled.ask("set \(statement); \(text)")
      #expect(found.hasPrefix(test.on), "set \(statement): \(found.prefix(300))")
    }
    guard !test.off.isEmpty else { return }
    for found in [filled.ask(text), filled.ask(text, [(test.option, "false")]), filled.ask("set \(test.option)=false; \(text)"), filled.ask("set \(test.option)=''; \(text)", [(test.option, "\"\"")])] {
      #expect(found.hasPrefix(test.off), "\(found.prefix(300))")
    }
  }

  @Test func otherDatabases() throws {
    let filled = try Filled()
    #expect(filled.ask("database('NetDefaultDB').T | count", database: "Other") == "[[5]]")
    for text in ["database('NetDefaultDB').T | count", "database('NetDefaultDB').F()", "cluster('local').database('NetDefaultDB').T", "union database('NetDefaultDB').*", "print toscalar(database('NetDefaultDB').T | count)"] {
      let found = filled.ask(text, [("request_remote_entities_disabled", "true")], database: "Other")
      #expect(found.hasPrefix("403") || found.contains("no table matches"), "\(text): \(found.prefix(300))")
    }
  }

  /// Behind commands, too.
  @Test func queriesOfCommands() throws {
    let filled = try Filled()
    let on = { (name: String, text: String) in filled.server.ask(text, "/v1/rest/mgmt", properties: "{\"Options\":{\"\(name)\":true}}").status }
    #expect(on("request_external_data_disabled", ".set New <| externaldata(a:long)['\(filled.file)']") == 403)
    #expect(on("request_block_row_level_security", ".set New <| On") == 403)
    #expect(on("query_force_row_level_security", ".set New <| Off") == 200)
    #expect(filled.ask("New | count") == "[[2]]" && filled.ask("T | count") == "[[5]]")
  }

  /// Commands are not carried out; those with a query inside are known in part.
  @Test(arguments: [
    (".drop table T", "OK"), (".show tables", "OK"), (".show tables | count", "Incomplete"), (".set New <| T", "Incomplete"), (".ingest inline into table T <| 9", "Incomplete"),
  ]) func permissionsOfCommands(_ text: String, _ outcome: String) throws {
    let filled = try Filled()
    for option in ["validatepermissions", "validate_permissions"] {
      let reply = filled.server.ask(text, "/v1/rest/mgmt", properties: "{\"Options\":{\"\(option)\":true}}")
      #expect(reply.status == 200 && Filled.value(reply) == outcome, "\(reply.text.prefix(300))")
    }
    #expect(filled.ask("T | count") == "[[5]]" && filled.ask("New | count").hasPrefix("400"))
  }

  @Test func binsOfRequests() throws {
    let filled = try Filled()
    for (options, text, wanted) in [
      ([("query_bin_auto_size", "10")], "print bin_auto(25)", "[[20]]"), ([("query_bin_auto_size", "\"10\"")], "print bin_auto(25)", "[[20]]"),
      ([("query_bin_auto_size", "10"), ("query_bin_auto_at", "3")], "print bin_auto(25)", "[[23]]"), ([("query_bin_auto_size", "\"1h\"")], "print bin_auto(datetime(2024-01-01 10:30))", "[[\"2024-01-01T10:00:00.0000000Z\"]]"),
      ([("query_bin_auto_size", "\"01:00:00\"")], "print bin_auto(datetime(2024-01-01 10:30))", "[[\"2024-01-01T10:00:00.0000000Z\"]]"),
      ([("query_bin_auto_size", "\"timespan(1d)\""), ("query_bin_auto_at", "\"datetime(2024-01-01 12:00)\"")], "print bin_auto(datetime(2024-01-03 10:30))", "[[\"2024-01-02T12:00:00.0000000Z\"]]"),
      ([("query_bin_auto_size", "10")], "set query_bin_auto_size=5; print bin_auto(27)", "[[25]]"),
    ] {
      #expect(filled.ask(text, options) == wanted, "\(options)")
    }
    #expect(filled.ask("print bin_auto(1)", [("query_bin_auto_size", "\"bin_auto(1)\"")]).hasPrefix("400"))
    #expect(filled.ask("print bin_auto(1)").hasPrefix("400"))
  }

  @Test func cursorsOfRequests() throws {
    let filled = try Filled()
    let (first, last) = ("\"\(filled.cursor)\"", "\"\(filled.last)\"")
    #expect(filled.ask("print cursor_current()", [("query_cursor_current", first)]) == "[[\(first)]]")
    #expect(filled.ask("T | where cursor_after() | count", [("query_cursor_after_default", first)]) == "[[3]]")
    #expect(filled.ask("T | where cursor_after() and cursor_before_or_at() | count", [("query_cursor_after_default", first), ("query_cursor_before_or_at_default", last)]) == "[[2]]")
    #expect(filled.ask("set query_cursor_after_default='\(filled.last)'; T | where cursor_after() | count") == "[[1]]")
    #expect(filled.ask("T | where cursor_after() | count").hasPrefix("400"))
    #expect(filled.ask("T | where cursor_after() | count", [("query_cursor_after_default", "\"nonsense\"")]).hasPrefix("400"))
    let scoped = [("query_cursor_scoped_tables", #"["T"]"#), ("query_cursor_after_default", first)]
    #expect(filled.ask("T | summarize count(), min(a)", scoped) == "[[3,3]]")
    #expect(filled.ask("T | summarize count(), min(a)", scoped + [("query_cursor_before_or_at_default", last)]) == "[[2,3]]")
    #expect(filled.ask("T | where cursor_after('') | count", scoped) == "[[3]]")
    #expect(filled.ask("Off | count", scoped) == "[[4]]")
    #expect(filled.ask("set query_cursor_scoped_tables=dynamic(['T']); set query_cursor_after_default='\(filled.last)'; T | project a") == "[[5]]")
    #expect(filled.ask("F()", scoped) == "[[3]]")
  }

  @Test func unionsOfManyTables() throws {
    let filled = try Filled()
    let most = { (n: Int) in [("query_max_entities_in_union", String(n))] }
    #expect(filled.ask("union T, Off | count", most(2)) == "[[9]]")
    #expect(filled.ask("union T, Off | count", most(1)).hasPrefix("400"))
    #expect(filled.ask("T | union Off, On | count", most(2)).contains("query_max_entities_in_union"))
    #expect(filled.ask("set query_max_entities_in_union=1; union T, Off | count").hasPrefix("400"))
  }
}

// Role: what the reference's pages say about commands, each as a script of commands and the answer to a question behind it.

import DataSource
import KustoStore
import Testing

/// Commands one after the other, and what a query answers then; `{dir}` stands for a directory of the case's own.
struct ScriptCase: Sendable, CustomTestStringConvertible {
  /// Files in the directory: names and texts.
  var files: [(name: String, text: String)] = []
  var steps: [String] = []
  var ask: String
  var rows: [[String]]
  var testDescription: String { "\(steps.last ?? "") → \(ask)" }
}

/// A command that fails behind others, with a code and a part of its message or hint.
struct RefusalCase: Sendable, CustomTestStringConvertible {
  var files: [(name: String, text: String)] = []
  var steps: [String] = []
  var text: String
  var code: KConnectError.Code
  var says: String
  var testDescription: String { text }
}

@Suite struct CommandReferenceTests {
  /// A store with a database, and the files of a case.
  private final class Place: Sendable {
    let store: TemporaryStore
    let directory: String

    init(_ files: [(name: String, text: String)]) throws {
      store = try CommandSessionTests.store()
      directory = store.path + "-files"
      for (name, text) in files {
        let target = joinPath(directory, name)
        _ = FileSystem.system.makeDirectories(parentPath(target))
        _ = try SmallFile.put(text.utf8, name: lastPathComponent(target), in: parentPath(target), fileSystem: .system)
      }
    }

    deinit { _ = FileSystem.system.removeTree(directory) }

    @discardableResult
    func run(_ text: String) throws -> [[String]] {
      let parts = text.split(separator: "{dir}", omittingEmptySubsequences: false)
      return try store.run(parts.joined(separator: directory)).rows.map { row in
        row.map { value in value.split(separator: directory, omittingEmptySubsequences: false).joined(separator: "{dir}") }
      }
    }
  }

  private func check(_ item: ScriptCase) throws {
    let place = try Place(item.files)
    for step in item.steps { try place.run(step) }
    #expect(try place.run(item.ask) == item.rows)
  }

  private func check(_ item: RefusalCase) throws {
    let place = try Place(item.files)
    for step in item.steps { try place.run(step) }
    do {
      try place.run(item.text)
      Issue.record("\(item.text) did not fail")
    } catch let error as KConnectError {
      let said = "\(error.message) \(error.hint ?? "")"
      #expect(error.code == item.code, "\(said)")
      #expect(said.contains(item.says), "\(said)")
    }
  }

  // MARK: Rows

  static let rows: [ScriptCase] = [
    ScriptCase(
      steps: [".create table Logs (Date:datetime, EventDetails:dynamic)", ".ingest inline into table Logs\n  [2015-01-01,\"{\"\"EventType\"\":\"\"Read\"\", \"\"Count\"\":\"\"12\"\"}\"]\n  [2015-01-01,\"{\"\"EventType\"\":\"\"Write\"\"}\"]"],
      ask: "Logs | project Date, EventDetails.EventType", rows: [["2015-01-01T00:00:00.0000000Z", "\"Read\""], ["2015-01-01T00:00:00.0000000Z", "\"Write\""]]),
    ScriptCase(steps: [".create table T (a:long, b:string)", ".ingest inline into table T [7,\"b1\"] [8,b2]"], ask: "T | order by a asc", rows: [["7", "b1"], ["8", "b2"]]),
    ScriptCase(
      steps: [".create table T (a:long, b:string)", ".ingest inline into table T [1,\"x] [y\"] [2,a[0]\n3,z]"], ask: "T | order by a asc", rows: [["1", "x] [y"], ["2", "a[0]"], ["3", "z"]]),
    ScriptCase(steps: [".create table T (a:string)", ".ingest inline into table T [[INFO] [main] started] [done]"], ask: "T | order by a asc", rows: [["[INFO] [main] started"], ["done"]]),
    ScriptCase(steps: [".set T <| range a from 1 to 3 step 1", ".delete table T records <| T | where true"], ask: "T | count", rows: [["0"]]),
    // A policy sees the times of rows, whether the caller asks for them or not.
    ScriptCase(
      steps: [".create table T (a:long)", ".ingest inline into table T <| 1", ".alter table T policy row_level_security enable 'T | where ingestion_time() > ago(1d)'"], ask: "T | project a", rows: [["1"]]),
    ScriptCase(
      steps: [".create table T (a:long)", ".ingest inline into table T <| 1", ".alter table T policy row_level_security enable 'T | where ingestion_time() > ago(1d)'"],
      ask: "T | extend isLate = ingestion_time() > ago(1d)", rows: [["1", "true"]]),
  ]

  @Test(arguments: rows) func rowsCome(_ item: ScriptCase) throws { try check(item) }

  static let refusedRows: [RefusalCase] = [
    RefusalCase(steps: [".set T <| print a = 1, s = 'x'"], text: ".delete table T records <| T", code: .usage, says: "at least one 'where'"),
    RefusalCase(steps: [".set T <| print a = 1, s = 'x'"], text: ".delete table T records with (whatif=true) <| T | project s", code: .usage, says: ".clear table T data"),
  ]

  @Test(arguments: refusedRows) func slipsAreRefused(_ item: RefusalCase) throws { try check(item) }

  // MARK: Mappings

  static let mappings: [ScriptCase] = [
    ScriptCase(
      files: [("a.csv", "x,1\ny,2\n"), ("b.csv", "z,3\n")],
      steps: [
        ".create table T (b:long, src:string, line:int, c:string, a:string)",
        #".ingest into table T ('{dir}/a.csv', '{dir}/b.csv') with (format='csv', ingestionMapping='[{"Column":"a","Properties":{"Ordinal":"0"}},{"Column":"b","Properties":{"Ordinal":"1"}},{"Column":"src","Properties":{"Transform":"SourceLocation"}},{"Column":"line","Properties":{"Transform":"SourceLineNumber"}},{"Column":"c","Properties":{"ConstValue":"k"}}]')"#,
      ],
      ask: "T | order by b asc",
      rows: [["1", "{dir}/a.csv", "1", "k", "x"], ["2", "{dir}/a.csv", "2", "k", "y"], ["3", "{dir}/b.csv", "1", "k", "z"]]),
    ScriptCase(
      files: [("e.json", #"{"Timestamp":1704067200000,"Event":{"Name":"n1","Type":"t1"}}"# + "\n" + #"{"Timestamp":1704067201000,"Event":{"Name":"n2"}}"# + "\n")],
      steps: [
        ".create table T (stamp:long, name:string, kind:string, src:string, line:long, at:datetime, text:string, ingested:datetime, k:string, whole:dynamic)",
        #".ingest into table T ('{dir}/e.json') with (format='json', ingestionMapping='[{"Column":"stamp","Properties":{"Path":"$.Timestamp"}},{"Column":"name","Properties":{"Path":"$.Event.Name"}},{"Column":"kind","Properties":{"Path":"$.Event.Type"}},{"Column":"src","Properties":{"Transform":"SourceLocation"}},{"Column":"line","Properties":{"Transform":"SourceLineNumber"}},{"Column":"at","Properties":{"Path":"$.Timestamp","Transform":"DateTimeFromUnixMilliseconds"}},{"Column":"text","Properties":{"Path":"$.Timestamp","Transform":"DateTimeFromUnixMilliseconds"}},{"Column":"ingested","Properties":{"ConstValue":"2021-01-01T10:32:00"}},{"Column":"k","Properties":{"Path":"a constant"}},{"Column":"whole","Properties":{"Path":"$"}}]')"#,
      ],
      ask: "T | order by line asc",
      rows: [
        ["1704067200000", "n1", "t1", "{dir}/e.json", "1", "2024-01-01T00:00:00.0000000Z", "2024-01-01T00:00:00.0000000Z", "2021-01-01T10:32:00.0000000Z", "a constant", #"{"Timestamp":1704067200000,"Event":{"Name":"n1","Type":"t1"}}"#],
        ["1704067201000", "n2", "", "{dir}/e.json", "2", "2024-01-01T00:00:01.0000000Z", "2024-01-01T00:00:01.0000000Z", "2021-01-01T10:32:00.0000000Z", "a constant", #"{"Timestamp":1704067201000,"Event":{"Name":"n2"}}"#],
      ]),
    ScriptCase(
      files: [("s.json", #"{"sp ace":5,"it's":"q","Props":{"EventName":"CustomEvent","Revenue":0.5},"events":[{"n1":"v1"},{"n2":"v2","n1":"v3"}],"n":7}"#)],
      steps: [
        ".create table T (a:long, q:string, EventName:string, Props:dynamic, events:dynamic, n:dynamic)",
        #".ingest into table T ('{dir}/s.json') with (format='json', ingestionMapping=```[{"Column":"a","Properties":{"Path":"$.[\'sp ace\']"}},{"Column":"q","Properties":{"Field":"it's"}},{'Column':'EventName','Properties':{'Path':'$.Props.EventName'}},{"Column":"Props","Properties":{"Path":"$.Props","Transform":"DropMappedFields"}},{"Column":"events","Properties":{"Path":"$.events","Transform":"PropertyBagArrayToDictionary"}},{"Column":"n","Properties":{"Path":"$.n","Transform":"DropMappedFields"}},]```)"#,
      ],
      ask: "T", rows: [["5", "q", "CustomEvent", #"{"Revenue":0.5}"#, #"{"n1":"v3","n2":"v2"}"#, "7"]]),
    ScriptCase(
      steps: [
        ".export to parquet (@'{dir}/p') <| print s = 'x', ['sp ace'] = 5, d = dynamic({'a':{'b':1,'c':2}})", ".create table T (s:string, n:long, b:long, rest:string, k:string, whole:dynamic, line:long)",
        #".ingest into table T ('{dir}/p') with (format='parquet', ingestionMapping=```[{"Column":"s","Properties":{"Field":"s"}},{"Column":"n","Properties":{"Path":"$.['sp ace']"}},{"Column":"b","Properties":{"Path":"$.d.a.b"}},{"Column":"rest","Properties":{"Path":"$.d","Transform":"DropMappedFields"}},{"Column":"k","Properties":{"Path":"k"}},{"Column":"whole","Properties":{"Path":"$"}},{"Column":"line","Properties":{"Transform":"SourceLineNumber"}}]```)"#,
      ],
      ask: "T", rows: [["x", "5", "1", #"{"a":{"c":2}}"#, "k", #"{"s":"x","sp ace":5,"d":{"a":{"b":1,"c":2}}}"#, "1"]]),
    // Missing columns are treated as null values: ".ingest into command".
    ScriptCase(
      steps: [
        ".export to parquet (@'{dir}/p') <| print s = 'x'", ".create table T (s:string, n:long, b:string, at:datetime, d:dynamic, rest:dynamic)",
        #".ingest into table T ('{dir}/p') with (format='parquet', ingestionMapping='[{"Column":"s","Properties":{"Field":"s"}},{"Column":"n","Properties":{"Path":"$.n"}},{"Column":"b","Properties":{"Path":"$.nope.b"}},{"Column":"at","Properties":{"Field":"seconds","Transform":"DateTimeFromUnixSeconds"}},{"Column":"d","Properties":{"Path":"$[0]"}},{"Column":"rest","Properties":{"Path":"$.r","Transform":"DropMappedFields"}}]')"#,
        #".ingest into table T ('{dir}/p') with (format='parquet', ingestionMapping='[{"Column":"n","Properties":{"Path":"$.n"}}]')"#,
      ],
      ask: "T | project s, isnull(n), b, isnull(at), isnull(d), isnull(rest) | order by s asc",
      rows: [["", "true", "", "true", "true", "true"], ["x", "true", "", "true", "true", "true"]]),
    ScriptCase(
      steps: [".create table T (a:long)", ".ingest inline into table T with (tags=\"['Tag1', 'Tag2']\") <| 1"], ask: ".show table T extents | project Tags", rows: [["Tag1\r\nTag2"]]),
  ]

  @Test(arguments: mappings) func mappingsMap(_ item: ScriptCase) throws { try check(item) }

  /// Functions can call other functions, and not themselves: ".create function command".
  static let refusedFunctions: [RefusalCase] = [
    RefusalCase(text: ".create function F() { F() }", code: .kqlSemantic, says: "'F' calls itself"),
    RefusalCase(steps: [".create table T (a:long)"], text: ".create-or-alter function F(n:long) { T | take n | where a > toscalar(F(n - 1) | count) }", code: .kqlSemantic, says: "'F' calls itself"),
    RefusalCase(text: ".create function with (docstring='x') F(T:(a:long), s:string = 'y', U:(*)) { T | union (F(T, s, U)) }", code: .kqlSemantic, says: "'F' calls itself"),
    RefusalCase(steps: [".create function F() { print 1 }"], text: ".create-or-alter function F() { F() | count }", code: .kqlSemantic, says: "'F' calls itself"),
    RefusalCase(steps: [".create function with (skipvalidation=true) F(n:long) { F(n) }"], text: "F(1)", code: .kqlSemantic, says: "'F' calls itself"),
  ]

  @Test(arguments: refusedFunctions) func functionsDoNotCallThemselves(_ item: RefusalCase) throws { try check(item) }

  @Test func whatOnlyLooksRecursiveIsStored() throws {
    let store = try CommandSessionTests.store()
    try store.run(".create function F(n:long) { let G = (n:long) { n * 2 }; print x = G(G(n)) }")
    try store.run(".create function H(s:string) { F(1) | where 'H(s)' has s | extend H = x }")
    #expect(try store.run("H('s')").rows == [["4", "4"]])
  }

  static let refusedMappings: [RefusalCase] = [
    RefusalCase(
      steps: [".create table T (a:long)"], text: #".ingest inline into table T with (format='json', ingestionMapping='[{"Column":"a","Properties":{"Path":"$.a","Transform":"SourceLocatoin"}}]') <| {"a":1}"#,
      code: .valueInvalid, says: "did you mean 'SourceLocation'"),
    RefusalCase(
      steps: [".create table T (a:long)"], text: #".ingest inline into table T with (format='json', ingestionMapping='[{"Column":"a","Properties":{"Path":"$.a["}}]') <| {"a":1}"#,
      code: .valueInvalid, says: "column 'a'"),
    RefusalCase(
      steps: [".create table T (a:dynamic)"], text: #".ingest inline into table T with (format='csv', ingestionMapping='[{"Column":"a","Properties":{"Ordinal":0,"Transform":"DropMappedFields"}}]') <| 1"#,
      code: .notSupported, says: "DropMappedFields"),
    RefusalCase(
      steps: [".create table T (a:int, b:string)"], text: #".create table T ingestion csv mapping 'm' '[{"Column":"b","Properties":{"ConstValue":"x"}},{"Column":"a","Properties":{"ConstValue":"abc"}}]'"#,
      code: .valueInvalid, says: "column 'a': the constant 'abc' is no int"),
    RefusalCase(
      text: #".create database db ingestion json mapping 'm' '[{"Column":"a","DataType":"datetime","Properties":{"Path":"yesterday"}}]'"#,
      code: .valueInvalid, says: "column 'a': the constant 'yesterday' is no datetime"),
    RefusalCase(
      steps: [".create table T (a:int)"], text: #".create table T ingestion csv mapping 'm' '[{"Column":"a","Properties":{"Ordinal":"0","ConstValue":"1"}}]'"#,
      code: .valueInvalid, says: "both Ordinal and ConstValue"),
    RefusalCase(
      steps: [".create table T (a:int)", #".create table T ingestion json mapping 'm' '[{"Column":"a","Properties":{"Path":"$.a"}}]'"#],
      text: #".alter-merge table T ingestion json mapping 'm' '[{"Column":"a","Properties":{"Path":"$.a","ConstValue":"1"}}]'"#,
      code: .valueInvalid, says: "both Path and ConstValue"),
    RefusalCase(
      steps: [".create table T (a:int)"], text: #".ingest inline into table T with (format='csv', ingestionMapping='[{"Column":"a","Properties":{"ConstValue":"abc"}}]') <| 1"#,
      code: .valueInvalid, says: "column 'a': the constant 'abc' is no int"),
  ]

  @Test(arguments: refusedMappings) func wrongMappings(_ item: RefusalCase) throws { try check(item) }

  // MARK: Tables

  static let tables: [ScriptCase] = [
    ScriptCase(
      steps: [
        ".create table S (a:long, b:string) with (folder='f')", ".alter table S column-docstrings (a:'one')", ".alter-merge table S policy retention softdelete = 10d", ".alter table S policy restricted_view_access true",
        ".create table U (a:long, b:string)", ".alter table S policy update @'[{\"IsEnabled\":true,\"Source\":\"U\",\"Query\":\"U\"}]'", ".create table N based-on S", ".create table N based-on U ifnotexists",
      ],
      ask: ".show tables | where TableName == 'N' | project Folder, DocString", rows: [["f", "Created based on S"]]),
    ScriptCase(
      steps: [".create table S (a:long)", ".alter table S policy restricted_view_access true", ".create table N based-on S"],
      ask: ".show table N policy restricted_view_access | project parse_json(Policy).IsEnabled", rows: [["true"]]),
    ScriptCase(
      steps: [".create table U (a:long)", ".create table S (a:long)", ".alter table S policy update @'[{\"IsEnabled\":true,\"Source\":\"U\",\"Query\":\"U\"}]'", ".create table N based-on S"],
      ask: ".show table N policy update | project Policy", rows: [["null"]]),
    ScriptCase(steps: [".set T <| print a = 1", ".rename tables Old=Main ifexists, Main=T"], ask: ".show tables | project TableName", rows: [["Main"]]),
    ScriptCase(steps: [".set Main <| print a = 1", ".set T <| print a = 2", ".rename tables T=Main ifexists, Main=T"], ask: "T | union kind=outer withsource=t Main | project t, a | order by a asc", rows: [["T", "1"], ["Main", "2"]]),
    ScriptCase(
      steps: [
        ".set T <| range a from 1 to 4 step 1", ".create materialized-view with (backfill=true) V on table T { T | summarize n = count() by k = a % 2 }",
        ".rename table T to ['new name'] with (updateMaterializedViews=true)", ".append ['new name'] <| print a = long(6)",
      ],
      ask: "V | order by k asc", rows: [["0", "3"], ["1", "2"]]),
    ScriptCase(steps: [".set P with (policy_ingestiontime=false) <| print x = 1"], ask: "P | project isnull(ingestion_time())", rows: [["true"]]),
    ScriptCase(
      steps: [
        ".set T <| print a = 1", ".alter table T policy ingestiontime false", ".append T <| print a = 2", ".alter table T policy ingestiontime true", ".append T <| print a = 3",
        ".delete table T policy ingestiontime", ".append T <| print a = 4",
      ],
      ask: "T | project a, isNull = isnull(ingestion_time()) | order by a asc", rows: [["1", "false"], ["2", "true"], ["3", "false"], ["4", "true"]]),
    ScriptCase(
      steps: [".set T <| print a = 1", ".create table B (b:string, a:long)", ".move extents all from table T to table B", ".append B <| print b = 'x', a = 2"], ask: "B | order by a asc | project a, b",
      rows: [["1", ""], ["2", "x"]]),
    ScriptCase(steps: [".show version"], ask: ".show capacity materialized-view | project Resource, Origin", rows: [["MaterializedView", "CapacityPolicy/MaterializedView"]]),
  ]

  @Test(arguments: tables) func tablesAreMade(_ item: ScriptCase) throws { try check(item) }

  private static let view = [".set T <| print id = 1", ".create materialized-view V on table T { T | summarize count() by id }"]

  static let refusedTables: [RefusalCase] = [
    RefusalCase(steps: view, text: ".create table V (a:long)", code: .alreadyExists, says: "materialized view"),
    RefusalCase(steps: view, text: ".set V <| print 1", code: .alreadyExists, says: "materialized view"),
    RefusalCase(steps: view, text: ".create function V() { print 1 }", code: .alreadyExists, says: "materialized view"),
    RefusalCase(steps: view, text: ".create external table T (a:long) kind=storage dataformat=csv (h@'/nowhere')", code: .alreadyExists, says: "a table"),
    RefusalCase(steps: view + [".create function F() { print 1 }"], text: ".rename materialized-view V to F", code: .alreadyExists, says: "a function"),
    RefusalCase(
      steps: [".set T <| print id = 1, t = now()"], text: ".create materialized-view V on table T { T | where t > ago(1d) | summarize count() by id }", code: .notSupported, says: "ago()"),
    RefusalCase(steps: [".set T <| print id = 1, x = 2"], text: ".create materialized-view V on table T { T | summarize r = sum(x) / count() by id }", code: .notSupported, says: "'sum(x) / count()'"),
    RefusalCase(steps: [".set T <| print id = 1, x = 2"], text: ".create materialized-view V on table T { T | summarize count(), tostring(max(x)) by id }", code: .notSupported, says: "'tostring(max(x))'"),
    RefusalCase(steps: view, text: ".alter materialized-view V on table T { T | summarize count_ = count() + 1 by id }", code: .notSupported, says: "'count() + 1'"),
    RefusalCase(steps: view, text: ".create materialized-view W on materialized-view V { V | summarize count() by id }", code: .notSupported, says: "over 'V'"),
    RefusalCase(
      steps: [
        ".set T <| print id = 1, x = 2", ".create materialized-view V on table T { T | summarize take_any(*) by id }", ".create materialized-view W on materialized-view V { V | summarize count() by x }",
      ], text: ".alter materialized-view V on table T { T | summarize x = max(x) by id }", code: .notSupported, says: "'W' reads 'V'"),
    RefusalCase(steps: [".set T <| print id = 1"], text: ".create materialized-view V on table T { T | sort by id | summarize count() by id }", code: .notSupported, says: "sort"),
    RefusalCase(
      steps: [".set T <| print id = 1"], text: ".create materialized-view with (lookback=1d, lookback_column='Nope') V on table T { T | summarize count() by id }", code: .columnNotFound, says: "'Nope'"),
    RefusalCase(steps: [".set T <| print a = 1"], text: ".rename tables B=A, C=T", code: .pathNotFound, says: "'A'"),
    RefusalCase(steps: [".set T <| print a = 1", ".create table B (a:string)"], text: ".move extents all from table T to table B", code: .schemaMismatch, says: "'a'"),
    RefusalCase(
      steps: [".set T <| print id = 1", ".create materialized-view V on table T { T | union (T | where id > 5) | summarize count() by id }"],
      text: ".rename table T to N with (updateMaterializedViews=true)", code: .notSupported, says: "'V'"),
  ]

  @Test(arguments: refusedTables) func wrongTables(_ item: RefusalCase) throws { try check(item) }

  // MARK: Other commands

  static let others: [ScriptCase] = [
    ScriptCase(
      steps: [
        ".set S <| print a = 1", ".set T <| print a = 1", ".create materialized-view with (backfill=true) V on table S { S | summarize count() by a }",
        ".create materialized-view with (backfill=true) W on table T { T | summarize count() by a }", ".rename table S to Other",
      ],
      ask: ".show materialized-views details | project MaterializedViewName | order by MaterializedViewName asc", rows: [["V"], ["W"]]),
    ScriptCase(
      files: [("a.csv", "x,1\n")],
      steps: [
        ".create table T (b:long, a:string)",
        #".ingest into table T ('{dir}/a.csv') with (format='csv', csvMapping='[{"Column":"a","Properties":{"Ordinal":"0"}},{"Column":"b","Properties":{"Ordinal":"1"}}]')"#,
        #".create table T ingestion csv mapping 'm' '[{"Column":"a","Properties":{"Ordinal":"0"}}]'"#, ".ingest into table T ('{dir}/a.csv') with (format='csv', csvMappingReference='m')",
      ],
      ask: "T | order by b asc", rows: [["", "x"], ["1", "x"]]),
    ScriptCase(
      files: [("a.csv.gz", "x\n")], steps: [".create table T (a:string)", ".ingest into table T ('{dir}/a.csv.gz') with (format='csv', treatGzAsUncompressed=true)"], ask: "T", rows: [["x"]]),
  ]

  static let functions: [ScriptCase] = [
    ScriptCase(steps: [".create function F() { print h'secret' }"], ask: ".show function F | project Body", rows: [["{ print h'****' }"]]),
    ScriptCase(steps: [".create function F() { print h'secret' }"], ask: ".show function F with (ShowObfuscatedStrings=true) | project Body", rows: [["{ print h'secret' }"]]),
    ScriptCase(steps: [".create function F() { print h'secret' }"], ask: "F()", rows: [["secret"]]),
    ScriptCase(
      steps: [".create function F(T:(a:long, b:string), x:long = 3) { T | where a > x }"], ask: ".show function F schema as json | project parse_json(Schema).InputParameters",
      rows: [[#"[{"Name":"T","Columns":[{"Name":"a","Type":"System.Int64","CslType":"long"},{"Name":"b","Type":"System.String","CslType":"string"}]},{"Name":"x","Type":"System.Int64","CslType":"long","CslDefaultValue":"3"}]"#]]),
    ScriptCase(
      steps: [".set T <| print a = 1", ".create function F() { T | summarize n = count() }"], ask: ".show function F schema as json | project parse_json(Schema).OutputColumns",
      rows: [[#"[{"Name":"n","Type":"System.Int64","CslType":"long"}]"#]]),
  ]

  @Test(arguments: functions) func functionsAreShown(_ item: ScriptCase) throws { try check(item) }

  @Test func detailsArePersisted() throws {
    let store = try CommandSessionTests.store()
    try store.run(".set T with (persistDetails=true) <| range a from 1 to 7 step 1")
    let id = try store.run(".show operations | where Operation == 'TableSet' | project tostring(OperationId)").rows.first?.first ?? ""
    #expect(try store.run(".show operation \(id) details | project RowCount").rows == [["7"]])
  }

  @Test func emptyPlacesAreFound() throws {
    try check(
      RefusalCase(
        text: ".create external table E (a:long) kind=storage dataformat=csv (h@'{dir}/nothing') with (validateNotEmpty=true)", code: .pathNotFound, says: "external table 'E'"))
    try check(ScriptCase(steps: [".create external table E (a:long) kind=storage dataformat=csv (h@'{dir}') with (encoding='UTF8NoBOM')"], ask: ".show external tables | count", rows: [["1"]]))
  }

  @Test(arguments: others) func othersAnswer(_ item: ScriptCase) throws { try check(item) }

  @Test func queriesGiveNamesOfColumns() throws {
    try check(
      RefusalCase(steps: [".set T <| print s = 'hello'"], text: ".set X <| search 'hello'", code: .schemaMismatch, says: "$table"))
  }

  @Test func scriptsSkipWhatOnlyShows() throws {
    let store = try CommandSessionTests.store()
    let script = ".execute database script <|\n// one\n.create table A (a:long)\n//\n// two\n.show tables\n.create table B (b:long)"
    #expect(try store.run(script).rows.map { Array($0[2...3]) } == [[".create table A (a:long)", "Completed"], [".show tables", "Skipped"], [".create table B (b:long)", "Completed"]])
    #expect(throws: KConnectError.self) { try store.run(".execute database script with (ContinueOnErrors=true, ThrowOnErrors=true) <|\n.create table C (a:long)") }
  }

  // MARK: Partitions of external tables

  private static let rowsToExport = ".set T <| datatable(Timestamp:datetime, CustomerName:string, UserId:long) [datetime(2024-01-02 03:04:05), 'a/b', 1, datetime(2024-01-02), '', 2, datetime(2024-03-04), '_x', 3, datetime(null), 'Ö', 4]"

  static let partitions: [ScriptCase] = [
    ScriptCase(
      steps: [
        rowsToExport,
        ".create external table E (Timestamp:datetime, CustomerName:string) kind=blob partition by (CustomerName:string=CustomerName, Date:datetime=startofday(Timestamp)) pathformat = (\"CustomerName=\" CustomerName \"/\" datetime_pattern(\"yyyy/MM/dd\", Date)) dataformat=csv (h@'{dir}/e')",
        ".export to table E <| T | project Timestamp, CustomerName",
      ],
      ask: ".show external table E artifacts | project p = tostring(Partition) | order by p asc",
      rows: [
        [#"{"CustomerName":"_x","Date":"2024-03-04T00:00:00.0000000Z"}"#], [#"{"CustomerName":"a/b","Date":"2024-01-02T00:00:00.0000000Z"}"#],
        [#"{"CustomerName":null,"Date":"2024-01-02T00:00:00.0000000Z"}"#], [#"{"CustomerName":"Ö","Date":null}"#],
      ].sorted { $0[0] < $1[0] }),
    ScriptCase(
      steps: [
        rowsToExport, ".create external table E (Timestamp:datetime, CustomerName:string) kind=storage partition by (Name:string=CustomerName, Date:datetime=bin(Timestamp, 1h)) dataformat=csv (h@'{dir}/e')",
        ".export to table E <| T",
      ],
      ask: "external_table('E') | order by Timestamp asc, CustomerName asc",
      rows: [["", "Ö"], ["2024-01-02T00:00:00.0000000Z", ""], ["2024-01-02T03:04:05.0000000Z", "a/b"], ["2024-03-04T00:00:00.0000000Z", "_x"]]),
    ScriptCase(
      steps: [
        rowsToExport,
        ".create external table E (Timestamp:datetime, UserId:long) kind=storage partition by (Id:long = hash(UserId, 10), Date:datetime = startofday(Timestamp)) pathformat=(\"id=\" Id \"/dt=\" datetime_pattern(\"yyyyMMdd\", Date)) dataformat=csv (h@'{dir}/e') with (fileExtension='.txt')",
        ".export to table E <| T | project UserId, Timestamp",
      ],
      ask: "external_table('E') | summarize sum(UserId), count()", rows: [["10", "4"]]),
    ScriptCase(
      files: [("pd/2024/01/02/x.csv", "2024-01-02T05:00:00Z,7\n"), ("pd/2024/x.csv", "2024-01-02T05:00:00Z,8\n")],
      steps: [".create external table PD (Timestamp:datetime, x:long) kind=storage partition by (Date:datetime = bin(Timestamp, 1d)) dataformat=csv (h@'{dir}/pd')"],
      ask: "external_table('PD')", rows: [["2024-01-02T05:00:00.0000000Z", "7"]]),
    ScriptCase(
      steps: [
        rowsToExport, ".create external table E (UserId:long) kind=storage partition by (Date:datetime) pathformat=(datetime_pattern(\"'year='yyyy'/month='MM\", Date)) dataformat=parquet (h@'{dir}/e')",
        ".export to table E <| T | project UserId, Date = Timestamp",
      ],
      ask: "external_table('E') | order by UserId asc",
      rows: [["1", "2024-01-01T00:00:00.0000000Z"], ["2", "2024-01-01T00:00:00.0000000Z"], ["3", "2024-03-01T00:00:00.0000000Z"], ["4", ""]]),
  ]

  @Test(arguments: partitions) func partitionsAreComputed(_ item: ScriptCase) throws { try check(item) }

  static let refusedPartitions: [RefusalCase] = [
    RefusalCase(
      text: ".create external table E (a:datetime) kind=storage partition by (d:datetime = startofday(b)) dataformat=csv (h@'/nowhere')", code: .columnNotFound, says: "'b'"),
    RefusalCase(text: ".create external table E (a:string) kind=storage partition by (d:datetime = a) dataformat=csv (h@'/nowhere')", code: .typeMismatch, says: "'d'"),
  ]

  @Test(arguments: refusedPartitions) func wrongPartitions(_ item: RefusalCase) throws { try check(item) }
}

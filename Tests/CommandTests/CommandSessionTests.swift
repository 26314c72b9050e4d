// Role: sessions with a store: the issue's real session on 100 000 rows, and the columns of answers as the protocol lists them.

import Columnar
import DataSource
import Engine
import KQL
import KustoStore
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A store in a directory of its own, removed with the object.
final class TemporaryStore: Sendable {
  let path: String
  let executor: CommandExecutor

  init() throws {
    path = "/tmp/kconnect-command-tests-" + randomIdentifier()
    executor = CommandExecutor(try Store.open(path, create: true))
  }

  deinit {
    executor.store.close()
    _ = FileSystem.system.removeTree(path)
  }

  /// Columns and rows of the first table, rows as texts.
  @discardableResult
  func run(_ text: String, database: String? = "db") throws -> (columns: String, rows: [[String]]) {
    let result = try executor.execute(text, database: database)
    guard let table = result.tables.first else { return ("", []) }
    let rows = try result.rows(of: table).map { row in
      row.map { value -> String in if case .dynamic(let value) = value { value.json } else { ScalarText.text(value) ?? "" } }
    }
    return (table.schema.fields.map { "\($0.name):\($0.type)" }.joined(separator: " "), rows)
  }
}

@Suite struct CommandSessionTests {
  static func store() throws -> TemporaryStore {
    let store = try TemporaryStore()
    try store.run(".create database db")
    return store
  }

  /// Of tables that are made together none is made when one of them cannot be.
  @Test(arguments: [".create tables", ".create-merge tables"]) func tablesAreMadeTogether(_ command: String) throws {
    let store = try Self.store()
    try store.run(".create table T (a:long)")
    try store.run(".create materialized-view V on table T { T | summarize count() by a }")
    for name in ["V", "['$view-x']"] {
      #expect(throws: KConnectError.self) { try store.run("\(command) A1 (a:long), \(name) (b:long)") }
    }
    #expect(try store.run(".show tables | project TableName").rows == [["T"]])
    try store.run("\(command) A1 (a:long), T (a:long)")
    #expect(try store.run(".show tables | project TableName | order by TableName asc").rows == [["A1"], ["T"]])
  }

  /// A database with `*` stands for all of that name in union and find.
  @Test func databasesByWildcard() throws {
    let store = try Self.store()
    for (i, name) in ["Sales1", "Sales2", "Other"].enumerated() {
      try store.run(".create database \(name)")
      try store.run(".set Orders <| print x = \(i + 1)", database: name)
      try store.run(".set Extra <| print x = \(i + 10), s = 'red'", database: name)
    }
    #expect(try store.run("union database('Sales*').Orders | summarize sum(x)").rows == [["3"]])
    #expect(try store.run("union database('*').O* | summarize sum(x), count()").rows == [["6", "3"]])
    #expect(try store.run("find in (database('Sales*').*) where x > 1 project x | order by x asc | project x").rows == [["2"], ["10"], ["11"]])
    #expect(try store.run("find withsource=t in (database('*').E*) where s has 'red' | count").rows == [["3"]])
    #expect(throws: KConnectError.self) { try store.run("union database('Nope*').Orders") }
  }

  /// The steps of a self-hosted telemetry store, with fewer rows.
  @Test func realSession() throws {
    let store = try TemporaryStore()
    let data = store.path + "-data"
    defer { _ = FileSystem.system.removeTree(data) }
    try store.run(".create database telemetry persist (@\"\(data)/telemetry\")")
    try store.run(".create table metrics(timestamp:datetime, sensor:string, metric:string, value:real)", database: "telemetry")
    #expect(try store.run(".show tables | count", database: "telemetry").rows == [["1"]])
    let file = data + "/readings"
    try store.run(
      ".export to parquet (@'\(file)') with (namePrefix='readings') <| range i from 0 to 99999 step 1 "
        + "| project timestamp = datetime(2024-01-01) + i * 1s, sensor = strcat('s', i % 10), metric = 'temperature', value = 20.0 + (i % 100) / 10.0",
      database: "telemetry")
    let ingested = try store.run(".ingest into table metrics(@\"\(file)\") with (format=\"parquet\")", database: "telemetry")
    #expect(ingested.columns == "ExtentId:guid ItemLoaded:string Duration:string HasErrors:string OperationId:guid")
    #expect(try store.run("metrics | count", database: "telemetry").rows == [["100000"]])
    let first = try store.run("metrics | where sensor == 's3' | order by timestamp asc | take 1000", database: "telemetry")
    #expect(first.rows.count == 1_000)
    #expect(first.rows.first?[0] == "2024-01-01T00:00:03.0000000Z")
  }

  @Test func columnsOfAnswers() throws {
    let store = try Self.store()
    try store.run(".create table T (a:long, b:string) with (docstring='d', folder='f')")
    #expect(try store.run(".show tables").columns == "TableName:string DatabaseName:string Folder:string DocString:string")
    #expect(try store.run(".show tables").rows == [["T", "db", "f", "d"]])
    #expect(try store.run(".show table T cslschema").rows == [["T", "a:long,b:string", "db", "f", "d"]])
    #expect(try store.run(".show version").columns == "BuildVersion:string BuildTime:datetime ServiceType:string ProductVersion:string")
    #expect(try store.run(".drop table T").columns == "TableName:string DatabaseName:string")
  }

  /// A decimal is read as it was written, with as many digits behind the point.
  @Test(arguments: [
    "1.5", "0.1", "1.234", "1.50", "100", "0.00", "1e3", "-12345.67890", "0.000000000000000001", "999999999999999999", "1234567890123456789.5", "0.10000000000000000000",
  ])
  func decimalTexts(_ text: String) throws {
    let store = try Self.store()
    let written = try store.run("print d = decimal(\(text)), t = tostring(decimal(\(text)))").rows
    try store.run(".set T <| print d = decimal(\(text))")
    #expect(try store.run("T | project d, t = tostring(d)").rows == written)
    #expect(try store.run("T | where tostring(d) == tostring(decimal(\(text))) | count").rows == [["1"]])
    #expect(try store.run("T | where d == decimal(\(text)) | count").rows == [["1"]])
  }

  @Test func ingestionAndPolicies() throws {
    let store = try Self.store()
    try store.run(".create table S (a:long, b:string)")
    try store.run(".create table D (a:long)")
    try store.run(".create function F() { S | where a > 1 | project a }")
    try store.run(".alter table D policy update @'[{\"IsEnabled\":true,\"Source\":\"S\",\"Query\":\"F()\",\"IsTransactional\":true}]'")
    try store.run(".ingest inline into table S <|\n1,x\n2,y\n3,\"z, w\"")
    #expect(try store.run("S | order by a asc").rows == [["1", "x"], ["2", "y"], ["3", "z, w"]])
    #expect(try store.run("D | order by a asc").rows == [["2"], ["3"]])
    try store.run(".set-or-append S <| print a = 9, b = 'q'")
    #expect(try store.run("D | count").rows == [["3"]])
    try store.run(".alter table S policy row_level_security enable \"S | where b == 'x'\"")
    #expect(try store.run("S | project a").rows == [["1"]])
    try store.run(".delete table S policy row_level_security")
    #expect(try store.run("S | where ingestion_time() > ago(1h) | count").rows == [["4"]])
    try store.run(".delete table S records <| S | where a == 9")
    #expect(try store.run("S | count").rows == [["3"]])
    try store.run(".clear table S data")
    #expect(try store.run("S | count").rows == [["0"]])
  }

  /// A stored scalar function stands wherever a built-in one does, around aggregate calls too.
  @Test(arguments: [
    ("T | summarize f(count())", [["4"]]), ("T | summarize sum(f(a)) by k = f(a) | sort by k asc", [["2", "2"], ["4", "4"]]),
    ("T | summarize s = f(f(sum(a))) + count()", [["14"]]), ("T | make-series n = f(sum(a)) on a from 0 to 3 step 1", [["[0,2,4]", "[0,1,2]"]]),
    ("T | top 1 by f(a) | project a", [["2"]]), ("T | sort by f(a) asc | project a", [["1"], ["2"]]),
    ("T | extend l = pack_array(1, 2) | mv-apply l to typeof(long) on (summarize s = f(sum(l))) | project s", [["6"], ["6"]]),
    ("T | partition by b (summarize s = f(sum(a))) | sort by s asc", [["2"], ["4"]]), ("T | join kind=inner (T | summarize n = f(count()) by a) on a | project n", [["2"], ["2"]]),
    ("T | top-nested 1 of b by s = f(sum(a))", [["y", "4"]]), ("T | summarize f(a) + count()", nil),
  ] as [(String, [[String]]?)])
  func storedFunctions(_ query: String, _ rows: [[String]]?) throws {
    let store = try Self.store()
    try store.run(".create table T (a:long, b:string)")
    try store.run(".ingest inline into table T <|\n1,x\n2,y")
    try store.run(".create function f(x:long) { x * 2 }")
    if let rows { #expect(try store.run(query).rows == rows) } else { #expect(throws: KConnectError.self) { try store.run(query) } }
  }

  /// What 'restrict access' hides stays hidden behind stored functions and results; a stored function that it leaves sees everything.
  @Test(arguments: [
    ("restrict access to (database().F); F(1)", [["1"]]), ("restrict access to (database('db').F); F(1)", [["1"]]), ("restrict access to (database().Other); F(1)", nil),
    ("restrict access to (database('*').*); T | count", [["2"]]), ("restrict access to (database('d*').T); T | union database('db').T | count", [["4"]]),
    ("restrict access to (database('x*').*); T | count", nil), ("let V = view () { T | take 1 }; restrict access to (V); V | invoke G() | count", nil),
    ("let V = view () { T | take 1 }; restrict access to (V); print S(1)", nil), ("let V = view () { T | take 1 }; restrict access to (V); V | extend s = S(1)", nil),
    ("let V = view () { T | take 1 }; restrict access to (V); restrict access to (database().T); T", nil),
    ("let V = view () { T | take 1 }; restrict access to (V); stored_query_result('R')", nil), ("restrict access to (database().R); stored_query_result('R') | count", [["2"]]),
  ] as [(String, [[String]]?)])
  func restrictedAccess(_ query: String, _ rows: [[String]]?) throws {
    let store = try Self.store()
    try store.run(".set T <| print a = 1 | union (print a = 2)")
    try store.run(".create function F(n:long) { T | where a == n }")
    try store.run(".create function G(X:(a:long)) { union X, T }")
    try store.run(".create function S(n:long) { toscalar(T | count) + n }")
    try store.run(".set stored_query_result R <| T")
    if let rows { #expect(try store.run(query).rows == rows) } else { #expect(throws: KConnectError.self) { try store.run(query) } }
  }

  /// A stored function stands before a table of its name, but for table() and wildcards; one without arguments is named as tables and values are.
  @Test(arguments: [
    ("N", [["2"]]), ("N()", [["2"]]), ("database('db').N", [["2"]]), ("table('N')", [["1"]]), ("union N* | summarize sum(z)", [["1"]]), ("let N = print z = 3; N", [["3"]]),
    ("print C", [["7"]]), ("range x from 1 to 2 step 1 | extend y = x * C | summarize sum(y)", [["21"]]),
  ] as [(String, [[String]])])
  func functionsAndTables(_ query: String, _ rows: [[String]]) throws {
    let store = try Self.store()
    try store.run(".create function N() { print z = 2 }")
    try store.run(".create function C() { 7 }")
    try store.run(".set N <| print z = 1")
    #expect(try store.run(query).rows == rows)
  }

  /// What fails, fails before anything is lost; what follows the commit does not make it fail.
  @Test func failuresLoseNothing() throws {
    let store = try Self.store()
    try store.run(".set S <| print a = 1, b = 'precious'")
    #expect(throws: (any Error).self) {
      try store.run(".set-or-replace S with (recreate_schema=true) <| range i from 1 to 40 step 1 | summarize a = toreal(sum(decimal(9999999999999999999999999999999999999))), c = 1")
    }
    #expect(try store.run("S").rows == [["1", "precious"]])
    try store.run(".set-or-replace S with (recreate_schema=true) <| print b = 7, c = datetime(2020-01-01)")
    #expect(try store.run("S | project b").rows == [["7"]])
    #expect(try store.run("S | getschema | project ColumnName").rows == [["b"], ["c"]])
    // A table that cannot be read any more stops the retention of its own rows only.
    try store.run(".create table X (a:long)")
    try store.run(".alter-merge table X policy retention softdelete = 1d")
    let file = fopen(store.path + "/db/X/_delta_log/00000000000000000000.json", "w")
    fputs("garbage", file)
    fclose(file)
    let other = CommandExecutor(try Store.open(store.path))
    #expect(throws: (any Error).self) { _ = try other.execute("X | count", database: "db") }
    _ = try other.execute(".ingest inline into table S <|\n8,2021-01-01", database: "db")
    #expect(try store.run("S | count").rows == [["2"]])
    for bad in [".drop extents older -3 days from S", ".alter-merge table S policy retention softdelete = -1d", ".ingest into table S ('?')"] {
      #expect(throws: (any Error).self) { try store.run(bad) }
    }
    #expect(try store.run("S | count").rows == [["2"]])
  }

  /// A policy that is not transactional also runs behind one that is.
  @Test func policiesBehindPolicies() throws {
    let store = try Self.store()
    for name in ["A", "B", "C", "D"] { try store.run(".create table \(name) (a:long)") }
    for (target, source, isTransactional) in [("B", "A", true), ("C", "B", false), ("D", "C", true)] {
      try store.run(".alter table \(target) policy update @'[{\"IsEnabled\":true,\"Source\":\"\(source)\",\"Query\":\"\(source) | extend a = a * 10\",\"IsTransactional\":\(isTransactional)}]'")
    }
    try store.run(".ingest inline into table A <|\n1\n2")
    #expect(try store.run("union withsource=t A, B, C, D | summarize s = sum(a) by t | order by t asc").rows == [["A", "3"], ["B", "30"], ["C", "300"], ["D", "3000"]])
  }

  @Test func viewsAndExternalTables() throws {
    let store = try Self.store()
    try store.run(".set T <| range a from 1 to 10 step 1 | extend k = a % 3")
    try store.run(".create materialized-view with (backfill=true) V on table T { T | summarize n = count() by k }")
    #expect(try store.run("V | order by k asc").rows == [["0", "3"], ["1", "4"], ["2", "3"]])
    try store.run(".append T <| print a = long(11), k = long(0)")
    #expect(try store.run("materialized_view('V') | where k == 0").rows == [["0", "4"]])
    let directory = store.path + "-export"
    defer { _ = FileSystem.system.removeTree(directory) }
    try store.run(".export to csv (@'\(directory)') with (includeHeaders='all') <| T")
    try store.run(".create external table E (a:long, k:long) kind=storage dataformat=csv (@'\(directory)') with (ignoreFirstRecord=true)")
    #expect(try store.run("external_table('E') | summarize sum(a)").rows == [["66"]])
  }

  @Test func operationsRunInTheBackground() throws {
    let store = try Self.store()
    let id = try store.run(".set async T <| range a from 1 to 1000 step 1").rows[0][0]
    store.executor.drain()
    #expect(try store.run(".show operations \(id) | project State").rows == [["Completed"]])
    #expect(try store.run(".show operation \(id) details | project RowCount").rows == [["1000"]])
  }

  @Test func mistakesSayWhatIsThere() throws {
    let store = try Self.store()
    try store.run(".create table Metrics (a:long)")
    for (text, says) in [
      (".drop table Metrcs", "did you mean 'Metrics'"), (".show table Metric details", "did you mean 'Metrics'"), (".drop column Metrics.b", "no column 'b'"),
      (".set Metrics <| print 1", "exists already"), (".append Metrics <| print 'x'", "string"),
      (".ingest into table Metrics ('/nowhere/x.csv')", "/nowhere/x.csv"), (".ingest inline into table Metrics with (formt='csv') <| 1", "did you mean 'format'"),
    ] {
      do {
        try store.run(text)
        Issue.record("\(text) did not fail")
      } catch {
        let said = "\((error as? KConnectError)?.message ?? "\(error)") \((error as? KConnectError)?.hint ?? "")"
        #expect(said.contains(says), "\(text): \(said)")
      }
    }
  }
}

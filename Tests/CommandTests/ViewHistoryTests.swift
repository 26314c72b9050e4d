// Role: what materialized views keep of rows that leave their source, for every aggregate that can be continued, and who may see it.

import Columnar
import DataSource
import KQL
import KustoStore
import Testing

@Suite struct ViewHistoryTests {
  /// How rows leave a source.
  static let departures = [
    ".clear table T data", ".drop extents from T", ".alter-merge table T policy retention softdelete = 0d", ".set-or-replace T <| print k = 'z', x = int(100), d = datetime(2024-01-01)",
    ".delete table T records <| T | where x >= 0", ".move extents all from table T to table Other", ".set-or-replace T with (recreate_schema=true) <| print k = 'z', x = int(100), d = datetime(2024-01-01)",
  ]

  static func store(_ query: String, backfill: Bool = true) throws -> TemporaryStore {
    let store = try CommandSessionTests.store()
    try store.run(".create table T (k:string, x:int, d:datetime)")
    try store.run(".create table Other (k:string, x:int, d:datetime)")
    try store.run(".create materialized-view with (backfill=\(backfill)) V on table T { \(query) }")
    return store
  }

  @Test(arguments: departures) func whatLeavesTheSourceStaysInTheView(_ departure: String) throws {
    let store = try Self.store("T | summarize n = count(), s = sum(x), m = max(x) by k")
    try store.run(".set-or-append T <| datatable(k:string, x:int, d:datetime)['a', 1, datetime(2024-01-01), 'b', 2, datetime(2024-01-02), 'a', 3, datetime(2024-01-03)]")
    try store.run(departure)
    // Retention drops extents at the next change of the database.
    try store.run(".ingest inline into table T <|\na,10,2024-02-01\nc,11,2024-02-02")
    var wanted = [["a", "3", "14", "10"], ["b", "1", "2", "2"], ["c", "1", "11", "11"]]
    if departure.contains("print k = 'z'") { wanted.append(["z", "1", "100", "100"]) }
    #expect(try store.run("V | order by k asc").rows == wanted)
    #expect(try store.run("T | where x < 4 | count").rows == [["0"]])
    // Once more, on top of what is stored; and in a process that knows nothing yet.
    try store.run(".clear table T data")
    let other = CommandExecutor(try Store.open(store.path))
    let result = try other.execute("V | order by k asc", database: "db")
    #expect(try result.rows(of: result.tables[0]).map { $0.map { ScalarText.text($0) ?? "" } } == wanted)
  }

  struct Case: CustomTestStringConvertible {
    let aggregates: String
    /// Reads the view.
    var query = "V"
    let expected: [String]
    var testDescription: String { aggregates }
  }

  static let aggregates: [Case] = [
    Case(aggregates: "count(), countif(x > 2)", expected: ["5", "3"]),
    Case(aggregates: "sum(x), sumif(x, x > 2), avg(x), avgif(x, x > 2)", expected: ["15", "12", "3", "4"]),
    Case(aggregates: "avg(todecimal(x)), avg(x * 1s)", expected: ["3", "00:00:03"]),
    Case(aggregates: "min(x), max(x), minif(x, x > 2), maxif(x, x < 4), min(k), max(d)", expected: ["1", "5", "3", "3", "", "2024-01-05T00:00:00.0000000Z"]),
    Case(aggregates: "a = dcount(k), b = dcountif(k, x > 3), c = hll(k)", query: "V | extend c = dcount_hll(c)", expected: ["3", "2", "3"]),
    Case(aggregates: "arg_max(d, k, x), arg_min(x, k)", expected: ["2024-01-05T00:00:00.0000000Z", "b", "5", "1", "a"]),
    Case(
      aggregates: "s = make_set(x), l = make_list(k), b = make_bag(bag_pack(strcat('k', x), x))",
      query: "V | project array_sort_asc(s), array_length(l), array_sort_asc(bag_keys(b))", expected: ["[1,2,3,4,5]", "5", #"["k1","k2","k3","k4","k5"]"#]),
    Case(aggregates: "l = make_list_if(x, x > 2), s = make_set_if(x, x < 3, 10)", query: "V | project array_sort_asc(l), array_sort_asc(s)", expected: ["[3,4,5]", "[1,2]"]),
    Case(aggregates: "percentile(x, 50), percentiles(x, 0, 100), t = tdigest(x)", query: "V | extend t = percentile_tdigest(t, 100)", expected: ["3", "1", "5", "5"]),
    Case(aggregates: "binary_all_or(x), binary_all_and(x), binary_all_xor(x)", expected: ["7", "0", "1"]),
  ]

  @Test(arguments: aggregates) func aggregatesGoOn(_ item: Case) throws {
    let store = try Self.store("T | summarize \(item.aggregates)")
    let rows = ["'a', 1, datetime(2024-01-01)", "'', 2, datetime(2024-01-02)", "'a', 3, datetime(2024-01-03)", "'', 4, datetime(2024-01-04)", "'b', 5, datetime(2024-01-05)"]
    for (i, row) in rows.enumerated() {
      try store.run(".set-or-append T <| datatable(k:string, x:int, d:datetime)[\(row)]")
      if i == 1 || i == 2 { try store.run(".clear table T data") }
    }
    #expect(try store.run("T | count").rows == [["2"]])
    let found = try store.run(item.query)
    #expect(found.rows == [item.expected])
    try store.run(".clear table T data")
    #expect(try store.run(item.query).rows == [item.expected])
    #expect(try store.run(item.query).columns == found.columns)
  }

  /// A function may hold values that are worked out of aggregates: these are continued too.
  @Test func compositeAggregatesGoOn() throws {
    let store = try Self.store("T | summarize n = count() by k")
    try store.run(".create function Means() { T | summarize mean = sum(x) / count(), text = strcat('n=', count()) by k }")
    try store.run(".create materialized-view with (backfill=true) W on table T { Means() }")
    try store.run(".ingest inline into table T <|\na,1,\na,5,")
    try store.run(".clear table T data")
    #expect(try store.run("W").rows == [["a", "3", "n=2"]])
    try store.run(".ingest inline into table T <|\na,6,")
    #expect(try store.run("W").rows == [["a", "4", "n=3"]])
  }

  /// As in Kusto, nothing stands behind the summarize; a function may hold it.
  @Test func theSummarizeIsLast() throws {
    for operators in ["where count_ > 1", "extend twice = count_ * 2", "project k, count_", "take 1"] {
      let error = #expect(throws: KConnectError.self) { try Self.store("T | summarize count() by k | \(operators)") }
      #expect(error?.code == .kqlSemantic)
    }
    let store = try Self.store("T | where x > 0 | extend y = x * 2 | summarize count() by k, y")
    try store.run(".create function Totals() { T | summarize n = count() by k }")
    try store.run(".create materialized-view W on table T { Totals() }")
    try store.run(".create materialized-view U on table T { let most = 3; T | where x < most | summarize n = count() by k }")
  }

  @Test func onlyOneRowPerKeyOfDuplicates() throws {
    let store = try Self.store("T | summarize take_any(*) by k")
    try store.run(".set-or-append T <| datatable(k:string, x:int, d:datetime)['a', 1, datetime(2024-01-01), 'a', 1, datetime(2024-01-01)]")
    try store.run(".clear table T data")
    try store.run(".set-or-append T <| datatable(k:string, x:int, d:datetime)['a', 1, datetime(2024-01-01), 'b', 2, datetime(2024-01-02)]")
    #expect(try store.run("V | order by k asc").rows == [["a", "1", "2024-01-01T00:00:00.0000000Z"], ["b", "2", "2024-01-02T00:00:00.0000000Z"]])
  }

  @Test func rowsBeforeTheViewStayOutside() throws {
    let store = try CommandSessionTests.store()
    try store.run(".set T <| print k = 'old', x = 1")
    try store.run(".create materialized-view V on table T { T | summarize n = count() by k }")
    try store.run(".append T <| print k = 'new', x = 2")
    try store.run(".clear table T data")
    #expect(try store.run("V").rows == [["new", "1"]])
  }

  @Test func disabledViewsTakeNothingIn() throws {
    let store = try Self.store("T | summarize n = count() by k")
    try store.run(".ingest inline into table T <|\na,1,")
    try store.run(".disable materialized-view V")
    #expect(throws: KConnectError.self) { try store.run(".disable materialized-view V") }
    try store.run(".ingest inline into table T <|\nb,1,")
    #expect(try store.run("V | order by k asc").rows == [["a", "1"], ["b", "1"]])
    // What came before it was disabled stays; what came later goes with its source.
    try store.run(".clear table T data")
    #expect(try store.run("V").rows == [["a", "1"]])
    try store.run(".enable materialized-view V")
    #expect(throws: KConnectError.self) { try store.run(".enable materialized-view V") }
    try store.run(".ingest inline into table T <|\nc,1,")
    try store.run(".clear table T data")
    #expect(try store.run("V | order by k asc").rows == [["a", "1"], ["c", "1"]])
  }

  @Test func storedPartsAreNobodysTables() throws {
    let store = try Self.store("T | summarize n = count() by k")
    try store.run(".ingest inline into table T <|\na,1,")
    try store.run(".clear table T data")
    #expect(try store.run(".show tables | project TableName | order by TableName asc").rows == [["Other"], ["T"]])
    #expect(try store.run("union withsource=t * | distinct t | where t startswith '$'").rows == [])
    #expect(try store.executor.store.verify().tables == 3)
    #expect(try store.executor.store.collectGarbage(dryRun: true).items == [])
    #expect(throws: KConnectError.self) { try store.run(".create table ['$view-x'] (a:long)") }
    // A backup has the history; a renamed view keeps it; clearing and dropping forget it.
    let copy = store.path + "-copy"
    defer { _ = FileSystem.system.removeTree(copy) }
    _ = try store.executor.store.backup(to: copy)
    let restored = try CommandExecutor(try Store.open(copy)).execute("V", database: "db")
    #expect(try restored.rows(of: restored.tables[0]).count == 1)
    try store.run(".rename materialized-view V to W")
    #expect(try store.run("W").rows == [["a", "1"]])
    try store.run(".clear materialized-view W data")
    #expect(try store.run("W").rows == [])
    try store.run(".ingest inline into table T <|\nb,1,")
    try store.run(".clear table T data")
    #expect(try store.run("W").rows == [["b", "1"]])
    try store.run(".drop materialized-view W")
    #expect(try store.executor.store.verify().tables == 2)
  }

  @Test func otherQueriesOverStoredResults() throws {
    let store = try Self.store("T | summarize n = count(), m = max(x) by k")
    try store.run(".ingest inline into table T <|\na,1,\na,5,")
    try store.run(".clear table T data")
    // More aggregates begin with what comes; other groups cannot.
    try store.run(".alter materialized-view V on table T { T | summarize n = count(), m = max(x), s = sum(x) by k }")
    try store.run(".ingest inline into table T <|\na,2,")
    #expect(try store.run("V").rows == [["a", "3", "5", "2"]])
    try store.run(".clear table T data")
    #expect(try store.run("V").rows == [["a", "3", "5", "2"]])
    // Results may go; groups and types stay.
    try store.run(".alter materialized-view V on table T { T | summarize n = count(), s = sum(x) by k }")
    #expect(try store.run("V").rows == [["a", "3", "2"]])
    try store.run(".ingest inline into table T <|\na,4,")
    try store.run(".clear table T data")
    #expect(try store.run("V").rows == [["a", "4", "6"]])
    for query in ["n = count() by d", "n = count()", "n = count() by k, d", "n = tostring(count()), s = sum(x) by k, x", "n = count(), s = sum(toreal(x)) by k"] {
      let error = #expect(throws: KConnectError.self) { try store.run(".alter materialized-view V on table T { T | summarize \(query) }") }
      #expect(error?.code == .schemaMismatch)
    }
  }

  /// Values that a view's query cannot take in hold up nobody who wants them gone.
  @Test func aViewThatCannotTakeRowsInIsDisabled() throws {
    let store = try CommandSessionTests.store()
    try store.run(".set T <| range i from 1 to 40 step 1 | project k = 'a', d = decimal(9999999999999999999999999999999999999)")
    try store.run(".create materialized-view with (backfill=true) V on table T { T | summarize s = sum(d) by k }")
    #expect(throws: (any Error).self) { try store.run("V") }
    #expect(try store.executor.execute(".clear table T data", database: "db").notes.contains { $0.contains("'V' is disabled") })
    #expect(try store.run("T | count").rows == [["0"]])
    #expect(try store.run(".show materialized-view V | project IsEnabled, IsHealthy").rows == [["false", "false"]])
  }

  @Test func whatDoesNothingSaysSo() throws {
    let store = try Self.store("T | summarize n = count() by k")
    let hints = try store.executor.execute(".create materialized-view with (lookback=1d, concurrency=2) W on table T { T | summarize stdev(x) by k }", database: "db").notes
    #expect(hints.contains { $0.contains("'lookback'") } && hints.contains { $0.contains("'concurrency'") } && hints.contains { $0.contains("'stdev'") })
    try store.run(".ingest inline into table T <|\na,1,")
    #expect(try store.executor.execute(".clear table T data", database: "db").notes.contains { $0.contains("'W' keeps nothing") })
  }

  /// Stored results are of all rows: without a policy of its own the view is closed to those whose rows the source hides.
  @Test func hiddenRowsOfTheSource() throws {
    let store = try Self.store("T | summarize n = count() by k")
    try store.run(".ingest inline into table T <|\na,1,\nb,2,")
    try store.run(".alter table T policy row_level_security enable \"T | where k == 'a'\"")
    #expect(try store.run("V").rows == [["a", "1"]])
    try store.run(".clear table T data")
    let error = #expect(throws: KConnectError.self) { try store.run("V") }
    #expect(error?.code == .permission)
    try store.run(".alter materialized-view V policy row_level_security enable \"V | where k == 'b'\"")
    #expect(try store.run("V").rows == [["b", "1"]])
  }

  /// A view over a table that hides rows is made by those who say that it may show what comes of them.
  @Test func openViews() throws {
    let store = try Self.store("T | summarize n = count() by k")
    try store.run(".alter table T policy row_level_security enable \"T | where k == 'a'\"")
    let error = #expect(throws: KConnectError.self) { try store.run(".create materialized-view W on table T { T | summarize n = count() by k }") }
    #expect(error?.code == .permission && error?.hint?.contains("allowMaterializedViewsWithoutRowLevelSecurity") == true)
    try store.run(".create materialized-view with (allowMaterializedViewsWithoutRowLevelSecurity=true) W on table T { T | summarize n = count() by k }")
    try store.run(".ingest inline into table T <|\na,1,\nb,2,")
    try store.run(".clear table T data")
    #expect(try store.run("W | order by k asc").rows == [["a", "1"], ["b", "1"]])
  }

  /// A policy on a table whose rows a view passes on is set by those who say so, and with it on the view too.
  @Test func policiesOverViews() throws {
    let store = try Self.store("T | summarize n = count() by k")
    try store.run(".ingest inline into table T <|\na,1,\nb,2,")
    try store.run(".create materialized-view with (backfill=true) Latest on table T { T | summarize arg_max(x, *) by k }")
    let enable = ".alter table T policy row_level_security enable"
    let query = "\"T | where k == 'a'\""
    let error = #expect(throws: KConnectError.self) { try store.run("\(enable) \(query)") }
    #expect(error?.code == .permission && error?.message.contains("'Latest'") == true && error?.hint?.contains("allowMaterializedViewsWithoutRowLevelSecurity=true") == true)
    // Nothing was set. Switched off it hides nothing; a view that shows nothing is in nobody's way.
    #expect(try store.run("T | count").rows == [["2"]])
    try store.run(".alter table T policy row_level_security disable \(query)")
    try store.run(".disable materialized-view Latest")
    try store.run("\(enable) \(query)")
    #expect(throws: KConnectError.self) { try store.run(".enable materialized-view Latest") }
    try store.run(".enable materialized-view Latest with (allowMaterializedViewsWithoutRowLevelSecurity=true)")
    try store.run(".delete table T policy row_level_security")
    // A view with a policy of its own, or one that was said to be open, does not stand against it.
    try store.run(".create materialized-view with (backfill=true) Own on table T { T | summarize take_any(x) by k }")
    #expect(throws: KConnectError.self) { try store.run("\(enable) \(query)") }
    try store.run(".alter materialized-view Own policy row_level_security enable \"Own | where k == 'a'\"")
    try store.run("\(enable) \(query)")
    try store.run(".delete materialized-view Own policy row_level_security")
    try store.run(".delete table T policy row_level_security")
    #expect(throws: KConnectError.self) { try store.run("\(enable) with (allowMaterializedViewsWithoutRowLevelSecurity=false) \(query)") }
    try store.run("\(enable) with (allowMaterializedViewsWithoutRowLevelSecurity=true) \(query)")
    #expect(try store.run("T | count").rows == [["1"]])
    #expect(throws: KConnectError.self) { try store.run("\(enable) with (nonsense=true) \(query)") }
  }
}

// mv-expand, mv-apply, parse, window functions, make-series, partition, top-nested and scan: what they answer, the same however the rows are cut
// into batches, on one thread and on two, optimised or not.

import Columnar
import DataSource
import Engine
import Expressions
import KQL
import Testing

/// A table of the cases, as text that `datatable` takes.
private let tables: [String: String] = [
  "Bags": """
    datatable(id: long, a: dynamic, b: dynamic)[
      1, dynamic([10, 20, 30]), dynamic({"x": 1, "y": "two"}), 2, dynamic([]), dynamic([5]), 3, dynamic(null), dynamic([7, 8]),
      4, dynamic([]), dynamic([]), 5, dynamic("text"), dynamic(null), 6, dynamic([1.5, "s", null, true]), dynamic(null)]
    """,
  "Steps": """
    datatable(t: timespan, e: string)[0m, "A", 1m, "Start", 2m, "B", 3m, "D", 4m, "Stop", 6m, "C", 8m, "Start", 11m, "E", 12m, "Stop"]
    """,
  "Sales": """
    datatable(region: string, seller: string, amount: long)[
      "n", "ann", 5, "n", "bob", 7, "s", "cid", 1, "s", "dan", 2, "e", "eve", 9, "", "fay", 4, "n", "ann", 1, "e", "gus", 3]
    """,
  "Lines": """
    datatable(line: string)["id=1, name=one, at=2024-02-01;", "id=x, name=two, at=2024-02-02;", "id=3, name=, at=never;", "nothing", ""]
    """,
  "Ticks": """
    datatable(at: datetime, v: long, k: string)[
      datetime(2024-01-01 00:10), 1, "a", datetime(2024-01-01 01:20), 2, "a", datetime(2024-01-01 03:00), 4, "a", datetime(2024-01-01 03:59), 8, "b",
      datetime(null), 16, "a", datetime(2024-01-01 05:00), 32, "b"]
    """,
]

/// The tables as one batch each, or one batch for each row.
private func catalog(isCut: Bool) throws -> PlanCatalog {
  let options = bindOptions()
  return PlanCatalog(try tables.mapValues { text in
    let plan = try KQL.bind(text, catalog: PlanCatalog(), options: options).results[0].plan
    guard isCut, case .values(let batches) = plan.node else { return plan }
    return .values(plan.schema, batches.flatMap { batch in (0..<batch.rowCount).map { batch.slice($0..<$0 + 1) } })
  })
}

private struct Mode: CustomStringConvertible {
  var isCut: Bool
  var threads: Int
  var optimizes: Bool
  var description: String { "\(isCut ? "one row a batch" : "one batch"), \(threads) threads, \(optimizes ? "" : "not ")optimised" }

  static let all = [
    Mode(isCut: false, threads: 1, optimizes: true), Mode(isCut: true, threads: 1, optimizes: true), Mode(isCut: false, threads: 2, optimizes: true),
    Mode(isCut: true, threads: 2, optimizes: true), Mode(isCut: true, threads: 2, optimizes: false),
  ]
}

private func rows(_ text: String, _ mode: Mode) throws -> [String] {
  let options = bindOptions()
  let bound = try KQL.bind(text, catalog: try catalog(isCut: mode.isCut), options: options)
  var execution = ExecutionOptions()
  execution.threads = mode.threads
  execution.optimizes = mode.optimizes
  var lines: [String] = []
  for result in bound.results {
    try QueryExecution(result.plan, options: execution, context: options.context).run { batch in
      if let broken = batch.brokenInvariant() { Issue.record("broken batch: \(broken)") }
      for i in 0..<batch.rowCount { lines.append(batch.row(i).map(cell).joined(separator: "|")) }
      return true
    }
  }
  return lines
}

private func cell(_ value: Scalar) -> String {
  switch value {
  case .null: "null"
  case .dynamic(let value): value.text
  default: ScalarText.text(value) ?? "?"
  }
}

struct ReshapeTests {
  @Test(arguments: [
    // mv-expand: null gives a row, an empty array none, the longest array decides.
    AnswerCase("Bags | mv-expand a | project id, a", "1|10", "1|20", "1|30", "3|null", "5|text", "6|1.5", "6|s", "6|null", "6|true"),
    AnswerCase("Bags | where id < 5 | mv-expand with_itemindex=i a, b | project id, a, b, i", "1|10|{\"x\":1}|0", "1|20|{\"y\":\"two\"}|1", "1|30|null|2", "2|null|5|0", "3|null|7|0", "3|null|8|1"),
    AnswerCase("Bags | where id == 1 | mv-expand kind=array b | project b", "[\"x\",1]", "[\"y\",\"two\"]"),
    AnswerCase("Bags | where id == 1 | mv-expand bagexpansion=array p = b | project id, p[0], b", "1|x|{\"x\":1,\"y\":\"two\"}", "1|y|{\"x\":1,\"y\":\"two\"}"),
    AnswerCase("Bags | where id in (1, 6) | mv-expand a to typeof(long) | project a", "10", "20", "30", "1", "null", "null", "null"),
    AnswerCase("Bags | where id == 6 | mv-expand a to typeof(string) | project a", "1.5", "s", "", "true"),
    AnswerCase("Bags | mv-expand a limit 1 | project id, a", "1|10", "3|null", "5|text", "6|1.5"),
    AnswerCase("Bags | mv-expand x = array_concat(a, b) | where id == 3 | project id, x", "3|7", "3|8"),
    AnswerCase("Bags | mv-expand b | mv-expand a | where id == 1 | count", "6"),
    AnswerCase("print n = 200 | extend a = range(1, n) | mvexpand a | count", "128"),
    AnswerCase("print a = range(1, 200000) | mv-expand a to typeof(long) | summarize count(), sum(a), min(a), max(a)", "200000|20000100000|1|200000"),
    // mv-apply: a subquery for each row, the row's columns beside its results.
    AnswerCase("Bags | mv-apply a to typeof(long) on (top 2 by a) | where id < 3 | project id, a", "1|30", "1|20"),
    AnswerCase("Bags | mv-apply x = a to typeof(long) on (where x > 15 | summarize n = count(), s = sum(x)) | project id, n, s", "1|2|50", "3|0|0", "5|0|0", "6|0|0"),
    AnswerCase("Bags | where id == 1 | mv-apply with_itemindex=i v = a to typeof(long) on (where i >= 1 | extend w = v + id) | project id, v, i, w", "1|20|1|21", "1|30|2|31"),
    AnswerCase("Bags | mv-apply a to typeof(long) on (sort by a desc | extend r = row_number() | take 1) | where id == 1 | project id, a, r", "1|30|1"),
    AnswerCase("Bags | mv-apply p = b on (mv-expand kind=array p | summarize k = make_set(p[0])) | where id == 1 | project id, k", "1|[\"x\",\"y\"]"),
    AnswerCase("Bags | mv-apply a limit 2 on (count) | project id, Count", "1|2", "3|1", "5|1", "6|2"),
    AnswerCase("range i from 1 to 3000 step 1 | extend a = range(1, i % 5) | mv-apply a to typeof(long) on (summarize m = max(a)) | summarize count(), sum(m)", "2400|6000"),
    // parse: all or nothing unless relaxed.
    AnswerCase("Lines | parse line with 'id=' id: long ', name=' name ', at=' at: datetime ';' | project id, name, at", "1|one|2024-02-01T00:00:00.0000000Z", "null||null", "null||null", "null||null", "null||null"),
    AnswerCase("Lines | parse kind=relaxed line with 'id=' id: long ', name=' name ', at=' at: datetime ';' | project id, name, at", "1|one|2024-02-01T00:00:00.0000000Z", "null|two|2024-02-02T00:00:00.0000000Z", "3||null", "null||null", "null||null"),
    AnswerCase("Lines | parse-where line with * 'name=' name ',' * | project name", "one", "two", ""),
    AnswerCase("Lines | parse-where kind=regex line with @'id=\\w+, ' * 'name=' name ', at=' @'(\\d+)-' rest | project name, rest", "one|02-01;", "two|02-02;"),
    AnswerCase("Lines | parse-where kind=regex flags=i line with * 'NAME=' name ', AT=' * | count", "3"),
    AnswerCase("print s = 'n= 12 rest' | parse s with 'n=' n: long * 'rest' | project n", "12"),
    AnswerCase("print s = 'a,b,c' | parse s with x ',' y | project x, y", "a|b,c"),
    AnswerCase("print s = 'a,b' | parse s with x ',' | project x", ""),
    AnswerCase("print n = 42 | parse n with '4' d: long | project n, d", "42|2"),
    AnswerCase("print s = 'k=1 q=\"a b\" k=2' | parse-kv s as (k: long, q: string, none: string) with (pair_delimiter=' ', kv_delimiter='=', quote='\"') | project k, q, none", "1|a b|"),
    AnswerCase("print s = 'x=a b y=c' | parse-kv s as (x: string, y: string) with (pair_delimiter=' ', kv_delimiter='=', greedy=true) | project x, y", "a b|c"),
    AnswerCase("print s = '[id: 7] done' | parse-kv s as (id: long) | project id", "7"),
    AnswerCase("print s = 'a->1;b->2' | parse-kv s as (b: long) with (regex=@'(\\w)->(\\d)') | project b", "2"),
    // Window functions.
    AnswerCase("range x from 1 to 4 step 1 | extend p = prev(x), n = next(x, 2, -1), q = prev(x, 3)", "1|null|3|null", "2|1|4|null", "3|2|-1|null", "4|3|-1|1"),
    AnswerCase("Sales | sort by region asc, amount asc | extend r = row_number(1, prev(region) != region), c = row_cumsum(amount, prev(region) != region) | project region, amount, r, c",
      "|4|1|4", "e|3|1|3", "e|9|2|12", "n|1|1|1", "n|5|2|6", "n|7|3|13", "s|1|1|1", "s|2|2|3"),
    AnswerCase("Sales | sort by region asc | extend d = row_rank_dense(region), m = row_rank_min(region) | project region, d, m", "|1|1", "e|2|2", "e|2|2", "n|3|4", "n|3|4", "n|3|4", "s|4|7", "s|4|7"),
    AnswerCase("Ticks | sort by at asc | extend s = row_window_session(at, 3h, 90m) | project v, s", "16|null", "1|2024-01-01T00:10:00.0000000Z", "2|2024-01-01T00:10:00.0000000Z", "4|2024-01-01T03:00:00.0000000Z", "8|2024-01-01T03:00:00.0000000Z", "32|2024-01-01T03:00:00.0000000Z"),
    AnswerCase("range x from 1 to 5 step 1 | where x != 3 | where x - prev(x) > 1 | project x", "4"),
    AnswerCase("range x from 1 to 5 step 1 | summarize sum(x - prev(x))", "4"),
    AnswerCase("range x from 1 to 200000 step 1 | serialize r = row_number(), p = prev(x, 70000), n = next(x, 70000) | summarize sum(r - x), count(), sum(p), sum(n)", "0|200000|8450065000|17550065000"),
    // make-series.
    AnswerCase("Ticks | make-series n = count(), s = sum(v) default = -1 on at from datetime(2024-01-01) to datetime(2024-01-01 05:00) step 1h", "[1,1,0,2,0]|[1,2,-1,12,-1]|[\"2024-01-01T00:00:00.0000000Z\",\"2024-01-01T01:00:00.0000000Z\",\"2024-01-01T02:00:00.0000000Z\",\"2024-01-01T03:00:00.0000000Z\",\"2024-01-01T04:00:00.0000000Z\"]"),
    AnswerCase("Ticks | make-series sum(v) on at step 1h by k | sort by k asc | project k, sum_v, at[0]", "a|[1,2,0,4]|2024-01-01T00:00:00.0000000Z", "b|[8,0,32]|2024-01-01T03:00:00.0000000Z"),
    AnswerCase("range x from 1 to 6 step 1 | make-series avg(x) default = real(null) on x from 0.5 to 8.5 step 2", "[1.5,3.5,5.5,null]|[0.5,2.5,4.5,6.5]"),
    AnswerCase("range x from 1 to 10 step 1 | make-series s = sum(x) on x in range(3, 9, 5)", "[7,35]|[0,5]"),
    AnswerCase("range x from 1 to 10 step 1 | take 0 | make-series s = sum(x) on x from 0 to 4 step 2", ),
    AnswerCase("range x from 1 to 10 step 1 | take 0 | make-series kind=nonempty s = sum(x) default = 7 on x from 0 to 4 step 2", "[7,7]|[0,2]"),
    AnswerCase("range x from 0 to 99999 step 1 | extend k = x % 3 | make-series n = count() on x from 0 to 100000 step 1000 by k | mv-expand n to typeof(long) | summarize sum(n), count()", "100000|300"),
    // partition.
    AnswerCase("Sales | partition hint.strategy=native by region (top 1 by amount) | sort by region asc", "|fay|4", "e|eve|9", "n|bob|7", "s|dan|2"),
    AnswerCase("Sales | partition by region (summarize total = sum(amount) by seller | top 1 by total) | sort by seller asc", "bob|7", "dan|2", "eve|9", "fay|4"),
    AnswerCase("Sales | partition by region (sort by amount asc | extend r = row_number() | where r == 2) | sort by region asc | project region, seller", "e|eve", "n|ann", "s|dan"),
    AnswerCase("Sales | partition by region (as P | extend share = 100 * amount / toscalar(P | summarize sum(amount))) | sort by region asc, seller asc, share asc | project seller, share", "fay|100", "eve|75", "gus|25", "ann|7", "ann|38", "bob|53", "cid|33", "dan|66"),
    AnswerCase("range x from 1 to 2 step 1 | partition by x { range y from 1 to toscalar(x) step 1 | extend z = x * 10 } | sort by z asc, y asc", "1|10", "1|20", "2|20"),
    // top-nested.
    AnswerCase("Sales | top-nested 2 of region with others = 'rest' by sum(amount), top-nested 1 of seller by t = max(amount) | sort by region asc", "e|12|eve|9", "n|13|bob|7", "rest|7|null|null"),
    AnswerCase("Sales | top-nested of region by x = max(1), top-nested 1 of seller with others = 'o' by sum(amount) asc | where region in ('n', 's') | sort by region asc, seller asc", "n|1|ann|6", "n|1|o|7", "s|1|cid|1", "s|1|o|2"),
    // scan.
    AnswerCase("range x from 1 to 5 step 1 | scan declare (c: long = 0) with (step s: true => c = iff(s.c >= 10, x, x + s.c);)", "1|1", "2|3", "3|6", "4|10", "5|5"),
    AnswerCase("Steps | sort by t asc | scan with_match_id=m with (step s1: e == 'Start'; step s2: e != 'Start' and e != 'Stop' and t - s1.t <= 5m; step s3: e == 'Stop' and t - s1.t <= 5m;) | project t, e, m",
      "00:01:00|Start|0", "00:02:00|B|0", "00:03:00|D|0", "00:04:00|Stop|0", "00:08:00|Start|1", "00:11:00|E|1", "00:12:00|Stop|1"),
    AnswerCase("Steps | sort by t asc | scan declare (n: long = 0) with (step s1 output=none: e == 'Start' => n = 1; step s2 output=last: e != 'Start' and e != 'Stop' => n = s1.n + 1; step s3: e == 'Stop' => n = s2.n + 1;) | project t, e, n",
      "00:03:00|D|2", "00:04:00|Stop|3", "00:11:00|E|2", "00:12:00|Stop|3"),
    AnswerCase("datatable(k: string, v: long)['a', 1, 'b', 10, 'a', 2, 'b', 20] | serialize | scan partition by k declare (s: long = 0) with (step x: true => s = v + x.s)", "a|1|1", "b|10|10", "a|2|3", "b|20|30"),
    AnswerCase("datatable(v: long)[1, long(null), 3, long(null)] | serialize | scan with (step x: true => v = iff(isnull(v), x.v, v))", "1", "1", "3", "3"),
    AnswerCase("Sales | consume"),
  ])
  func answers(_ test: AnswerCase) throws {
    for mode in Mode.all {
      let found = try rows(test.text, mode)
      #expect(found == test.rows, "\(mode)")
    }
  }

  /// Operators where the order of rows is free: the sets agree in all modes.
  @Test(arguments: [
    "Bags | mv-apply a on (extend n = array_length(pack_array(a)) | where isnotnull(a)) | project id, tostring(a)",
    "Sales | extend w = pack_array(seller, region) | mv-expand w to typeof(string) | summarize n = count(), s = sum(amount) by w",
    "Sales | partition by region (distinct seller)",
    "Sales | partition by region (summarize n = count() | extend m = n * 2)",
    "Sales | partition by region (join kind=leftouter (Sales | project seller, a2 = amount) on seller | summarize sum(a2))",
    "Sales | partition by region (make-series s = sum(amount) on amount from 0 to 10 step 5)",
  ])
  func modesAgree(_ text: String) throws {
    let wanted = try rows(text, Mode.all[0]).sorted()
    #expect(!wanted.isEmpty)
    for mode in Mode.all.dropFirst() { #expect(try rows(text, mode).sorted() == wanted, "\(mode)") }
  }

  struct Failure: Sendable, CustomTestStringConvertible {
    var text: String
    var code: String
    init(_ text: String, _ code: String) {
      self.text = text
      self.code = code
    }
    var testDescription: String { text }
  }

  @Test(arguments: [
    Failure("Sales | extend p = prev(amount)", "KS901"), Failure("Sales | scan with (step s: true)", "KS901"),
    Failure("print x = row_number()", "KS901"), Failure("Sales | sort by amount | summarize count() | extend row_number()", "KS901"),
    Failure("Sales | mv-expand seller", "KS107"), Failure("Bags | mv-expand a, a = b", "KS171"), Failure("Bags | mv-expand kind=what a", "KS140"),
    Failure("Lines | parse line with a b", "KS002"), Failure("Lines | parse line with 'x' a * 'y'", "KS191"),
    Failure("Lines | parse kind=odd line with 'x' a", "KS140"), Failure("Lines | parse kind=regex line with '(' a", "KS140"),
    Failure("Lines | parse-kv line as (a: long) with (pair_delimiter=',')", "KS006"), Failure("Lines | parse-kv line as (a: long) with (nope=',')", "KS179"),
    Failure("Ticks | make-series count() on at from datetime(2024-01-01) to datetime(2034-01-01) step 1s", "KS140"),
    Failure("Ticks | make-series count() on at step 0s", "KS140"), Failure("Ticks | make-series count() on k step 1", "KS107"),
    Failure("Sales | partition by amount + 1 (count)", "KS"), Failure("Sales | partition hint.strategy=odd by region (count)", "KS140"),
    Failure("Steps | serialize | scan with (step a: true => nope = 1)", "KS142"), Failure("Steps | serialize | scan with (step a: 1)", "KS107"),
    Failure("Steps | serialize | scan with (step a output=some: true)", "KS140"),
    Failure("Sales | top-nested 2 of region with others = 5 by sum(amount)", "KS107"),
  ])
  func failures(_ test: Failure) throws {
    let found = KQLChecker.diagnostics(test.text, catalog: try catalog(isCut: false), options: bindOptions()).filter { $0.severity == .error }
    #expect(found.first.map { $0.code.description.hasPrefix(test.code) } ?? false, "\(found)")
  }

  @Test func stateThatOutgrowsTheBudgetFails() throws {
    let options = bindOptions()
    let text = "range x from 1 to 3000000 step 1 | extend k = x % 1000 | partition by k (sort by x | extend r = row_number()) | count"
    let bound = try KQL.bind(text, catalog: PlanCatalog(), options: options)
    var execution = ExecutionOptions()
    execution.memoryLimit = 4 << 20
    #expect(throws: KConnectError.self) {
      try QueryExecution(bound.results[0].plan, options: execution, context: options.context).run { _ in true }
    }
  }

  @Test func explainShowsTheOperators() throws {
    let options = bindOptions()
    let text = "Bags | mv-expand a to typeof(long) | where id == 1 | serialize r = row_number() | project r, a"
    let bound = try KQL.bind(text, catalog: try catalog(isCut: false), options: options)
    func execution() throws -> QueryExecution { try QueryExecution(bound.results[0].plan, options: ExecutionOptions(), context: options.context) }
    let plan = try execution().explain(.simple).split(separator: "\n").map { $0.drop { $0 == " " }.prefix { $0 != " " } }
    // The filter on a column that is passed on has moved below the expansion.
    #expect(plan == ["Project", "Window", "MvExpand", "Project", "Filter", "Values"])
    let analyzed = try execution().explain(.analyze)
    #expect(analyzed.contains("rows in 1, rows out 3"))
  }
}

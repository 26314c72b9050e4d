// What bound queries look like: output schemas under Kusto's naming rules, and the diagnostics of wrong names and types.

import Columnar
import DataSource
import Engine
import Expressions
import KQL
import Testing

/// Tables of every type and a few that collide.
let testCatalog: PlanCatalog = {
  func table(_ ddl: String) -> LogicalPlan {
    guard let schema = try? StructType(ddl: ddl) else { return .values(StructType(), []) }
    return .values(schema, [.empty(schema)])
  }
  return PlanCatalog([
    "Storms": table("State:string, EventType:string, StartTime:datetime, Deaths:int, Damage:long, Rate:real, Details:dynamic, Id:guid, Span:timespan"),
    "People": table("Id:long, Name:string, State:string"),
    "People2": table("Id:string, Name:string, Age:int"),
    "A": table("k:long, v:string"), "B": table("k:long, v:string, v1:long"),
  ])
}()

func bindOptions() -> BindOptions { BindOptions(context: EvaluationContext(nowTicks: 17_000_000_000_000_000, seed: 1)) }

/// Bound schema of the last result, or the error.
func boundSchema(_ text: String) -> String {
  do {
    let bound = try KQL.bind(text, catalog: testCatalog, options: bindOptions())
    return bound.results.last?.plan.schema.description ?? ""
  } catch {
    return "\(error)"
  }
}

struct SchemaCase: Sendable, CustomTestStringConvertible {
  var text: String
  var schema: String
  init(_ text: String, _ schema: String) {
    self.text = text
    self.schema = schema
  }
  var testDescription: String { text }
}

struct BinderTests {
  @Test(arguments: [
    SchemaCase("Storms | project State, Deaths", "State:string, Deaths:int"),
    SchemaCase("Storms | project S = State, Deaths + 1, tostring(Damage)", "S:string, Column1:long, Damage:string"),
    SchemaCase("Storms | project Details.a, Details['b'], Details[0]", "Details_a:dynamic, Details_b:dynamic, Details_0:dynamic"),
    SchemaCase("A | extend k = 'x', w = 1", "k:string, v:string, w:long"),
    SchemaCase("A | extend k + 1, 2", "k:long, v:string, Column1:long, Column2:long"),
    SchemaCase("A | project-rename kk = k", "kk:long, v:string"),
    SchemaCase("print x = dynamic([1, 2]) | extend (r, s) = series_fit_line(x) | project r, s", "r:real, s:real"),
    SchemaCase("print x = dynamic([1, 2]) | project series_fft(x)", "series_fft_x_real:dynamic, series_fft_x_imag:dynamic"),
    SchemaCase("print x = dynamic([1, 2]) | project (p) = series_periods_validate(x, 4)", "p:dynamic, series_periods_validate_x_scores:dynamic"),
    SchemaCase("print x = dynamic([1, 2]) | extend f = series_decompose_forecast(x, 1)", "x:dynamic, f:dynamic"),
    SchemaCase(
      "print x = dynamic([1, 2]) | project series_stats(x)",
      "series_stats_x_min:real, series_stats_x_min_idx:long, series_stats_x_max:real, series_stats_x_max_idx:long, series_stats_x_avg:real, "
        + "series_stats_x_stdev:real, series_stats_x_variance:real"),
    SchemaCase("B | project-away v*", "k:long"),
    SchemaCase("B | project-keep v*, k", "k:long, v:string, v1:long"),
    SchemaCase("B | project-reorder v1, *", "v1:long, k:long, v:string"),
    SchemaCase("B | project-reorder v* desc", "v1:long, v:string, k:long"),
    SchemaCase("B | project-by-names 'v1', dynamic(['k', 'nope'])", "v1:long, k:long"),
    SchemaCase("print 1, a = 'x', 2.5", "print_0:long, a:string, print_2:real"),
    SchemaCase("range x from 1 to 3 step 1", "x:long"),
    SchemaCase("range x from datetime(2024-01-01) to datetime(2024-01-02) step 1h", "x:datetime"),
    SchemaCase("range x from 0 to 1 step 0.5", "x:real"),
    SchemaCase("datatable(a:int, b:real, c:dynamic)[1, 2, dynamic([1])]", "a:int, b:real, c:dynamic"),
    SchemaCase("A | count", "Count:long"),
    SchemaCase("A | count as N", "N:long"),
    SchemaCase("A | distinct v", "v:string"),
    SchemaCase("A | take 5 | sort by k | top 3 by v asc", "k:long, v:string"),
    SchemaCase("A | getschema", "ColumnName:string, ColumnOrdinal:long, DataType:string, ColumnType:string"),
    SchemaCase("A | summarize by v", "v:string"),
    SchemaCase("Storms | summarize count(), sum(Damage), avg(Deaths), dcount(State) by EventType", "EventType:string, count_:long, sum_Damage:long, avg_Deaths:real, dcount_State:long"),
    SchemaCase("Storms | summarize n = count(), min(Rate), max(StartTime) by bin(StartTime, 1d)", "StartTime:datetime, n:long, min_Rate:real, max_StartTime:datetime"),
    SchemaCase("Storms | summarize 2 * sum(Damage) / count(), round(avg(Rate), 1)", "Column1:long, avg_Rate:real"),
    SchemaCase("Storms | summarize arg_max(StartTime, State, Damage) by EventType", "EventType:string, StartTime:datetime, State:string, Damage:long"),
    SchemaCase("A | summarize arg_max(k, *) by v", "v:string, k:long"),
    SchemaCase("B | summarize take_any(*) by k", "k:long, v:string, v1:long"),
    SchemaCase("Storms | summarize percentiles(Rate, 5, 99.9)", "percentile_Rate_5:real, percentile_Rate_99_9:real"),
    SchemaCase("Storms | summarize make_list(State), make_set(State), countif(Deaths > 1)", "list_State:dynamic, set_State:dynamic, countif_:long"),
    SchemaCase("A | join B on k", "k:long, v:string, k1:long, v2:string, v1:long"),
    SchemaCase("A | join kind=leftsemi B on k", "k:long, v:string"),
    SchemaCase("A | join kind=rightanti B on $left.k == $right.v1", "k:long, v:string, v1:long"),
    SchemaCase("A | lookup B on k", "k:long, v:string, v2:string, v1:long"),
    SchemaCase("union People, People2", "Id_long:long, Id_string:string, Name:string, State:string, Age:int"),
    SchemaCase("union kind=inner withsource=T People, People2", "T:string, Name:string"),
    SchemaCase("union A, (B | project k, v)", "k:long, v:string"),
    SchemaCase("People | union People2 | project Name", "Name:string"),
    SchemaCase("union withsource=T Peo*", "T:string, Id_long:long, Id_string:string, Name:string, State:string, Age:int"),
    SchemaCase("let x = 5; let T = A | where k > x; T | project k", "k:long"),
    SchemaCase("let f = (a: long, b: string = 'z') { strcat(b, a) }; A | project f(k), y = f(k, b = v)", "Column1:string, y:string"),
    SchemaCase("let g = (T: (k: long), n: long) { T | where k > n }; g(A, 3) | project v", "v:string"),
    SchemaCase("let g = (T: (*), n: long) { T | take n }; A | invoke g(3)", "k:long, v:string"),
    SchemaCase("let v = view () { A | project k }; union v*", "k:long"),
    SchemaCase("A | as X | join kind=inner (X) on k", "k:long, v:string, k1:long, v1:string"),
    SchemaCase("A | where k in (B | project k)", "k:long, v:string"),
    SchemaCase("A | extend column_ifexists('nope', 7), y = column_ifexists('v', '')", "k:long, v:string, Column1:long, y:string"),
    SchemaCase("A | project p = pack_all()", "p:dynamic"),
    SchemaCase("A | sample-distinct 2 of v", "v:string"),
    SchemaCase("A | top-hitters 2 of v", "v:string, approximate_count_v:long"),
    SchemaCase("declare query_parameters(n: long = 3); A | take n", "k:long, v:string"),
    SchemaCase("A | where v between ('a' .. 'b') and * has 'x'", "k:long, v:string"),
    SchemaCase("table('A')", "k:long, v:string"),
  ])
  func schemas(_ item: SchemaCase) {
    #expect(boundSchema(item.text) == item.schema)
  }

  @Test(arguments: [
    ErrorCase("Strms | count", "KS204 1:1"),
    ErrorCase("Storms | where Stat == 'x' and Deth > 1", "KS142 1:16", "KS142 1:32"),
    ErrorCase("Storms | project a, b, State", "KS142 1:18", "KS142 1:21"),
    ErrorCase("Storms | extend x = strln(State)", "KS211 1:21"),
    ErrorCase("Storms | where State", "KS107 1:16"),
    ErrorCase("Storms | where State == 'x' or State + 1 > 2", "KS106 1:32"),
    ErrorCase("A | join B on z", "KS145 1:15"),
    ErrorCase("A | join kind=outer B on k", "KS140 1:10"),
    ErrorCase("A | join B on k + 1", "KS182 1:15"),
    ErrorCase("People | join People2 on Id", "KS242 1:26"),
    ErrorCase("A | project k, k", "KS171 1:16"),
    ErrorCase("A | where sum(k) > 1", "KS144 1:11"),
    ErrorCase("A | mv-expand k", "KS107 1:15"),
    ErrorCase("print x = A", "KS108 1:11"),
    ErrorCase("let x = 1; x", "KS111 1:12"),
    ErrorCase("print datetime(2024-13-45)", "KS004 1:7"),
    ErrorCase("datatable(a:long, b:long)[1, 2, 3]", "KS173 1:33"),
    ErrorCase("A | take -1", "KS140 1:10"),
    ErrorCase("let f = (a: long) { a }; print f()", "KS197 1:32"),
    ErrorCase("let f = (a: long) { a }; print f('x')", "KS107 1:34"),
    ErrorCase("A | sort by nope", "KS142 1:13"),
    ErrorCase("A | evaluate bag_unpack(v)", "KS107 1:25"),
    ErrorCase("let x = 1;", "KS111 1:10"),
    ErrorCase("set query_take_max_records = abc; A", "KS140 1:30"),
    ErrorCase("range x from 1 to 5 step 0", "KS140 1:26"),
    ErrorCase("A | range x from 1 to 2 step 1", "KS175 1:5"),
    ErrorCase("let f = (x: long { x }; print f(1)", "KS005 1:18"), ErrorCase("A | extend x = k.b", "KS127 1:18"), ErrorCase("A | extend x = -v", "KS106 1:16"),
    ErrorCase("A | extend x = 1 + nofunc(k)", "KS211 1:20"),
  ])
  func placesAndCodes(_ item: ErrorCase) {
    let binder = KQLChecker.diagnostics(item.text, catalog: testCatalog, options: bindOptions())
    let locator = SourceLocator(item.text)
    let found = binder.map { diagnostic in
      let (line, column) = locator.lineAndColumn(of: Int(diagnostic.span.start))
      return "\(diagnostic.code) \(line):\(column)"
    }
    #expect(found == item.found, "\(DiagnosticRenderer(text: item.text).render(binder))")
  }

  @Test func errorsAreDrawn() throws {
    let text = "Storms\n| where Stat == \"TEXAS\""
    let error = #expect(throws: KConnectError.self) { try KQL.bind(text, catalog: testCatalog, options: bindOptions()) }
    #expect(error?.code == .columnNotFound)
    #expect(error?.message == "column 'Stat' not found in 'Storms' [KS142 at 2:9]")
    #expect(error?.hint?.hasPrefix("did you mean 'State'?") == true)
    #expect(
      error?.excerpt == """
          2:9 | | where Stat == "TEXAS"
              |         ^^^^
        """)
  }

  @Test func hintsStandBelowTheirErrors() {
    let error = #expect(throws: KConnectError.self) { try KQL.bind("A | where v startwith 'x' | extend y = [1]", catalog: testCatalog, options: bindOptions()) }
    #expect(error?.hint == nil)
    #expect(
      error?.excerpt == """
          1:13 | A | where v startwith 'x' | extend y = [1]
               |             ^^^^^^^^^
        hint: did you mean 'startswith'?

        error[KS006]: expected an expression, found '['
          1:40 | A | where v startwith 'x' | extend y = [1]
               |                                        ^
        hint: an array is written dynamic([1, 2])
        """)
  }

  @Test(arguments: [
    ("prnt 1", "did you mean 'print'?"), ("rnage x from 1 to 2 step 1", "did you mean 'range'?"), ("A | order by k descending", "write 'desc'"),
    ("A | top 1 by k ASC", "write 'asc' in small letters"), ("A where k > 1", "put '|' before 'where'"), ("A 5", nil),
    ("A | summarize cont() by k", "did you mean 'count'?"), ("A | summarize n = smu(k)", "did you mean 'sum'?"), ("A | summarize strcaat(k)", "did you mean 'strcat'?"),
    ("A | take ten", nil), ("range x in (1, 2)", nil), ("A | where not k == 1", "write not(...)"), ("A | where k is null", "write isnull(x) or isnotnull(x), for texts isempty(x) or isnotempty(x)"),
    ("A | where v startwith 'x'", "did you mean 'startswith'?"), ("A | where v matches 'x'", "write 'matches regex'"), ("A | where k == 1 AND k == 2", "write 'and' in small letters"),
    ("A | where (v startwith 'x')", "did you mean 'startswith'?"), ("A | extend x = k > 1 ? 1 : 2", "write iff(condition, then, else)"), ("A | where k in [1, 2]", "write (1, 2)"),
    ("print x = [1, 2]", "an array is written dynamic([1, 2])"), ("print x = {'a': 1}", "a bag is written dynamic({\"a\": 1})"), ("A | where k between (1 and 5)", "write between (low .. high)"),
    ("A | summarize count() group by v", "write 'by'"), ("A | project k v", "perhaps ',' or an operator is missing before it"), ("A | where v contains ('a', 'b')", "a list stands behind 'in', 'has_any' or 'has_all'"),
    ("A | where v + 'x' == 'y'", "put texts together with strcat()"), ("A | where k has '5'", "convert the left side with tostring()"), ("A | where k =~ '5'", "convert the left side with tostring()"),
    ("A | where k == null", "write isnull(x), for texts isempty(x); the null of a type is written long(null)"), ("print max(1, 2)", "of several values in one row: max_of()"),
    ("A | extend x = now() > 2020-01-01", "a date is written datetime(2020-01-31)"), ("A # x", "a comment begins with //"), ("A /* c */", "a comment begins with //"),
    ("A | render timechrt", "did you mean 'timechart'?"), ("A | render Timechart", nil), ("A | render treemap", nil), ("A | render 3Dchart", nil),
    ("union A, B | fork (count) | render piechrt", "did you mean 'piechart'?"), ("find in (A, B) where vv == 'x'", "did you mean 'v'?"),
    ("A | summarize by k count()", "aggregates stand before 'by': summarize count(…) by …"), ("A | summarize count(*)", "write count()"),
    ("A | summarize by k, count()", "T | summarize n = count(…) by key makes it a column, here n"), ("A | order by k asc, limit 10", "put '|' instead of ',' before 'limit'"),
    ("A | groupby k", "use 'summarize ... by ...'"), ("A | left join B on k", "write 'join kind=leftouter (T) on key'"), ("A | where strlen(v > 1", "the '(' at 1:17 is open"),
    ("A | where (k == 1 | count", "the '(' at 1:11 is open"), ("A | where k == 1)", "nothing is open that it closes"), ("let x = 5\nA | where k == x", "put ';' before 'A'"),
    ("let x = A | count\nprint x", "put ';' before 'print'"), ("x = 5; A", "write: let x = …;"), ("A | where k not in (1, 2)", "write '!in'"), ("A | project k, v,", "remove the ',' before it"),
    ("A | where k between 1 and 5", "write between (low .. high)"), ("A | where k > datetime 2020-01-01", "write datetime(…)"), ("A | extend k as c", "a name stands in front: c = …"),
    ("A | project c := k", "write '=' alone"), ("A | count()", "the operator 'count' stands without parentheses"), ("A | where k => 1", "write '>='"), ("A | where k =< 1", "write '<='"),
    ("A | where k === 1", "write '=='"), ("A | where v !=~ 'x'", "texts are compared whatever their case with =~ and !~"), ("A | where !k == 1", "negate with not(...)"),
    ("A | where k > ago(1 d)", "a timespan is written without a space: 1d"), ("A | where v starts with 'x'", "write 'startswith'"),
    ("A | where v LIKE 'x'", "write 'contains', 'startswith' or 'matches regex'"), ("A | extend c = case when k == 1 then 2 end", "write case(condition, value, …, otherwise)"),
    ("A | extend c = len(v)", "use strlen()"), ("A | extend c = IfNull(k, 0)", "use coalesce()"), ("A | summarize median(k)", "use percentile(x, 50)"),
    ("show tables", "a management command begins with a dot: .show"), ("from A select k", "a query begins with a table: T | where condition | project column"),
    ("A, B | count", "tables are put together with union: union A, …"), ("A; | count", "';' ends a statement; remove it before '|'"), ("/* c */ A", "a comment begins with //"),
    ("SELECT * FROM A", "for instance T | where condition | project column, column"),
    ("A | extend x = -v", "convert the text, for instance with tolong() or toreal()"),
  ] as [(String, String?)])
  func whatHelps(_ text: String, _ hint: String?) {
    let diagnostics = KQLChecker.diagnostics(text, catalog: testCatalog, options: bindOptions())
    #expect(diagnostics.first?.hint == hint, "\(DiagnosticRenderer(text: text).render(diagnostics))")
  }

  /// What is recognised and not carried out says so where it stands.
  @Test(arguments: [
    ("A | where v like 'x%'", 10, "'like'"), ("A | where v !like 'x%'", 10, "'notlike'"), ("A | where v notlike 'x%'", 10, "'notlike'"), ("A | where v likecs 'x%'", 10, "'likecs'"),
    ("A | summarize count() by k bin = 5", 33, "'bin ='"), ("A | join (B) where k == v", 4, "join ... where"),
  ])
  func recognisedAndNotCarriedOut(_ text: String, _ start: Int, _ says: String) {
    let first = KQLChecker.diagnostics(text, catalog: testCatalog, options: bindOptions()).first
    #expect(first?.code == .notSupported && first.map { Int($0.span.start) } == start && first?.message.contains(says) == true, "\(String(describing: first))")
  }

  /// Columns that no table has are told together with the tables.
  @Test(arguments: [
    ("find in (A, B) where zz == 1", "column 'zz' not found in any of the tables 'A', 'B'"),
    ("let n = 1; find in (A, B) where zz == n and k == 1 and yy > 2", "columns 'zz', 'yy' not found in any of the tables 'A', 'B'"),
    ("search in (A, People) kk == 1", "column 'kk' not found in any of the tables 'A', 'People'"), ("find in (A) where zz == 1", "column 'zz' not found in 'A'"),
    ("find in (A, B) where k == 1 project zz", "no table has the column 'zz'"), ("find in (A, B) where v1 == 1", nil),
  ] as [(String, String?)])
  func columnsThatNoTableHas(_ text: String, _ message: String?) {
    #expect(KQLChecker.diagnostics(text, catalog: testCatalog, options: bindOptions()).first?.message == message)
  }

  @Test func fragmentsApplyToTheirInput() throws {
    let input = try #require(testCatalog.tables["A"])
    func bound(_ text: String) throws -> String {
      try KQL.bindFragment(text, input: input, catalog: testCatalog, options: bindOptions()).results[0].plan.schema.description
    }
    #expect(try bound("where k > 1 | project v") == "v:string")
    #expect(try bound("| count") == "Count:long")
    #expect(try bound("count") == "Count:long")
    #expect(try bound("source | project k") == "k:long")
    #expect(try bound("let n = 5; where k > n | summarize count() by v") == "v:string, count_:long")
    #expect(try bound("join kind=inner (source | project k, w = v) on k | project w") == "w:string")
    #expect(try bound("union B | project k") == "k:long")
  }

  @Test func predicatesAndColumnsBindAgainstASchema() throws {
    let schema = try StructType(ddl: "a:long, b:string")
    let expr = try KQL.bindPredicate("a > 3 and b == 'x'", schema: schema, options: bindOptions())
    #expect(expr == .call("and", [.call(">", [.column("a"), .literal(.long(3))]), .call("==", [.column("b"), .literal(.string("x"))])]))
    #expect(throws: KConnectError.self) { try KQL.bindPredicate("a + 1", schema: schema, options: bindOptions()) }
    let columns = try KQL.bindColumns("b, c = a + 1", schema: schema, options: bindOptions())
    #expect(columns.map(\.name) == ["b", "c"])
  }

  @Test func resultsCarryNamesVisualizationsAndOptions() throws {
    let text = "set notruncation; set truncationmaxrecords = 5; A | as First; B | count | render card with (title='x')"
    let bound = try KQL.bind(text, catalog: testCatalog, options: bindOptions())
    #expect(bound.results.count == 2)
    #expect(bound.results[0].name == "First")
    #expect(bound.results[1].visualization?.kind == "card")
    #expect(bound.options["notruncation"] == .bool(true))
    #expect(bound.options["truncationmaxrecords"] == .long(5))
  }

  @Test func inliningIsBounded() {
    var text = "let f0 = (x: long) { x + x };"
    for i in 1...22 { text += "let f\(i) = (x: long) { f\(i - 1)(x) + f\(i - 1)(x) };" }
    #expect(KQLChecker.diagnostics(text + "print f22(1)", catalog: testCatalog, options: bindOptions()).contains { $0.code == .nestingTooDeep })
  }

  @Test(arguments: [11, 12] as [UInt64])
  func mutatedQueriesNeverCrashTheBinder(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for item in corpus("kql-dev.jsonl") where !item.query.contains("toscalar") && !item.query.contains("materialize") {
      var words = item.query.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      for _ in 0..<Int.random(in: 0...3, using: &random) where words.count > 2 {
        let i = Int.random(in: 0..<words.count, using: &random)
        let j = Int.random(in: 0..<words.count, using: &random)
        if Bool.random(using: &random) { words.swapAt(i, j) } else { words[i] = words[j] }
      }
      _ = KQLChecker.diagnostics(words.joined(separator: " "), catalog: testCatalog, options: bindOptions())
    }
  }
}

// What each piece of syntax means, seen through the printer: precedence, literals, names, clauses of operators.

import KQL
import Testing

struct PrintCase: Sendable, CustomTestStringConvertible {
  var text: String
  var printed: String
  init(_ text: String, _ printed: String) {
    self.text = text
    self.printed = printed
  }
  var testDescription: String { text }
}

struct SyntaxTests {
  @Test(arguments: [
    // precedence: string operators, * /, + -, comparisons, equality, and, or
    PrintCase("a + b * c", "a + b * c"),
    PrintCase("(a + b) * c", "(a + b) * c"),
    PrintCase("a - (b - c)", "a - (b - c)"),
    PrintCase("(a - b) - c", "a - b - c"),
    PrintCase("a or b and c", "a or b and c"),
    PrintCase("(a or b) and c", "(a or b) and c"),
    PrintCase("a and (b and c)", "a and (b and c)"),
    PrintCase("(a == b) == c", "(a == b) == c"),
    PrintCase("a + b has 'x'", "a + b has 'x'"),
    PrintCase("(a + b) has 'x'", "(a + b) has 'x'"),
    PrintCase("-a.b[0]", "-a.b[0]"),
    PrintCase("a <> 1", "a != 1"),
    PrintCase("- - 1", "--1"),
    PrintCase("-9223372036854775808", "-9223372036854775808"),
    // operators by word
    PrintCase("a !has 'b'", "a !has 'b'"),
    PrintCase("a in~ ('b', 'c')", "a in~ ('b', 'c')"),
    PrintCase("a !in~ (b)", "a !in~ (b)"),
    PrintCase("a in (T | project b)", "a in (T\n| project b)"),
    PrintCase("a matches regex @'\\d+'", "a matches regex '\\\\d+'"),
    PrintCase("a !between (1 .. 2)", "a !between (1 .. 2)"),
    PrintCase("a between (1..2)", "a between (1 .. 2)"),
    PrintCase("a has_any (dynamic(['x']))", "a has_any (dynamic(['x']))"),
    PrintCase("a notcontains 'x'", "a !contains 'x'"),
    PrintCase("* has 'x'", "* has 'x'"),
    // literals
    PrintCase("0x2A", "42"),
    PrintCase("1.", "1.0"),
    PrintCase("1e3", "1000.0"),
    PrintCase("2.5h", "150m"),
    PrintCase("1.5min", "90s"),
    PrintCase("100ms", "100ms"),
    PrintCase("1tick", "1tick"),
    PrintCase("3days", "3d"),
    PrintCase("datetime( 2024-02-01 )", "datetime(2024-02-01)"),
    PrintCase("time(1.02:03:04)", "timespan(1.02:03:04)"),
    PrintCase("uuid(74be27de-1e4e-49d9-b579-fe0b331d3642)", "guid(74be27de-1e4e-49d9-b579-fe0b331d3642)"),
    PrintCase("double(null)", "real(null)"),
    PrintCase("TRUE", "true"),
    PrintCase("\"a\\tb\\u00e9\\x41\\\"\"", "'a\\tbéA\"'"),
    PrintCase("@'a\\b''c'", "'a\\\\b\\'c'"),
    PrintCase("h@\"x\"", "h'x'"),
    PrintCase("'a' \"b\" @'c'", "'abc'"),
    PrintCase("```a\nb```", "'a\\nb'"),
    PrintCase("'\\ud83d\\ude00'", "'😀'"),
    PrintCase("dynamic({\"a\": [1, -2.5, null, true, 'x', datetime(2020-01-01), 1d]})", "dynamic({'a': [1, -2.5, null, true, 'x', datetime(2020-01-01), 1d]})"),
    PrintCase("typeof(double)", "typeof(real)"),
    // names and paths
    PrintCase("['x y'].z['k'][-1]", "['x y'].z['k'][-1]"),
    PrintCase("$left.a == $right.b", "$left.a == $right.b"),
    PrintCase("['where'] + ['plain']", "['where'] + plain"),
    PrintCase("1abc", "['1abc']"),
    PrintCase("f(a, n = 1, *)", "f(a, n = 1, *)"),
    PrintCase("toscalar(T | count)", "toscalar(T\n| count)"),
    PrintCase("database('d').f(1).x", "database('d').f(1).x"),
  ])
  func expressions(_ item: PrintCase) throws {
    let parsed = KQLParser.parseExpression(item.text)
    #expect(parsed.diagnostics.isEmpty, "\(DiagnosticRenderer(text: item.text).render(parsed.diagnostics))")
    let tree = try #require(parsed.expression)
    let printed = KQLPrinter.print(tree)
    #expect(printed == item.printed)
    #expect(KQLParser.parseExpression(printed).expression == tree)
  }

  @Test(arguments: [
    PrintCase("T|limit 5|filter a>1", "T\n| take 5\n| where a > 1"),
    PrintCase("T | order by a asc nulls last, b", "T\n| sort by a asc nulls last, b"),
    PrintCase("T | summarize hint.strategy=shuffle c=count(), (x, y)=arg_max(a, *) by bin(t, 1h)", "T\n| summarize hint.strategy=shuffle c = count(), (x, y) = arg_max(a, *) by bin(t, 1h)"),
    PrintCase("T | summarize by a", "T\n| summarize by a"),
    PrintCase("T | join kind=inner (U | where a) on k, $left.x==$right.y", "T\n| join kind=inner (U\n| where a) on k, $left.x == $right.y"),
    PrintCase("union kind=outer withsource=S T*, (U | take 1), database('d').V*", "union kind=outer withsource=S T*, (U\n| take 1), database('d').V*"),
    PrintCase("range x from 1 to 10 step 1", "range x from 1 to 10 step 1"),
    PrintCase("print a=1, 'x'", "print a = 1, 'x'"),
    PrintCase("let f = (a:long, T:(x:string,*), b:int=5) { T | take a }; f(1, U)", "let f = (a: long, T: (*, x: string), b: int = 5) {\n  T\n  | take a\n};\nf(1, U)"),
    PrintCase("let v = view () { T }; union v*", "let v = view () {\n  T\n};\nunion v*"),
    PrintCase("set notruncation; set truncationmaxsize=1024; T", "set notruncation;\nset truncationmaxsize = 1024;\nT"),
    PrintCase("T | project-away a*, *_b, c", "T\n| project-away a*, *_b, c"),
    PrintCase("T | project-reorder a asc, * granny-desc", "T\n| project-reorder a asc, * granny-desc"),
    PrintCase("T | mv-expand kind=array with_itemindex=i a to typeof(long), b limit 3", "T\n| mv-expand kind=array with_itemindex=i a to typeof(long), b limit 3"),
    PrintCase("T | mv-apply x = a on (top 2 by x | summarize s=sum(x))", "T\n| mv-apply x = a on (top 2 by x\n  | summarize s = sum(x))"),
    PrintCase("T | make-series n=count() default=0 on t from a to b step 1d by k", "T\n| make-series n = count() default = 0 on t from a to b step 1d by k"),
    PrintCase("T | make-series avg(x) on t in range(1, 2, 3)", "T\n| make-series avg(x) on t in range(1, 2, 3)"),
    PrintCase("T | parse kind=regex flags=U x with * 'a' b:long 'c' d *", "T\n| parse kind=regex flags=U x with * 'a' b: long 'c' d *"),
    PrintCase("T | parse-kv x as (a:long, b:string) with (pair_delimiter=' ', greedy=true)", "T\n| parse-kv x as (a: long, b: string) with (pair_delimiter=' ', greedy=true)"),
    PrintCase("T | partition hint.strategy=native by k (top 1 by x)", "T\n| partition hint.strategy=native by k (top 1 by x)"),
    PrintCase("T | partition by k { U | where a == k }", "T\n| partition by k {U\n  | where a == k}"),
    PrintCase("T | fork (where a) b=(count)", "T\n| fork (where a) b = (count)"),
    PrintCase("T | facet by a, b with (where c)", "T\n| facet by a, b with (where c)"),
    PrintCase("T | scan with_match_id=m declare (s:long=0) with (step a output=all: x > 1 => s = a.s + x; step b: true; )", "T\n| scan with_match_id=m declare (s: long = 0) with (step a output=all: x > 1 => s = a.s + x; step b: true; )"),
    PrintCase("search kind=case_sensitive in (T, U*) 'x' and a:'b'", "search kind=case_sensitive in (T, U*) 'x' and a : 'b'"),
    PrintCase("find withsource=s in (T) where a == 1 project b:long, pack(*)", "find withsource=s in (T) where a == 1 project b: long, pack(*)"),
    PrintCase("T | top-nested 2 of a with others='o' by sum(x) desc, top-nested of b by max(y)", "T\n| top-nested 2 of a with others = 'o' by sum(x) desc, top-nested of b by max(y)"),
    PrintCase("E | make-graph a --> b with N on id | graph-match (x)-[e*1..3]->(y)<--(z), (z)--(w) where x.k == 1 project x.k", "E\n| make-graph a --> b with N on id\n| graph-match (x)-[e*1..3]->(y)<--(z), (z)--(w) where x.k == 1 project x.k"),
    PrintCase("E | make-graph a -- b with_node_id=n | graph-to-table nodes as N with_node_id=i, edges", "E\n| make-graph a -- b with_node_id=n\n| graph-to-table nodes as N with_node_id=i, edges"),
    PrintCase("T | evaluate bag_unpack(d) : (*, a:long)", "T\n| evaluate bag_unpack(d) : (*, a: long)"),
    PrintCase("T | render timechart with (title='x', ycolumns=a, b, ymin=-1)", "T\n| render timechart with (title='x', ycolumns=a, b, ymin=-1)"),
    PrintCase("T | reduce by x with threshold=0.5, characters='-'", "T\n| reduce by x with threshold=0.5, characters='-'"),
    PrintCase("datatable(a:int, b:string)[1,'x',2,'y']", "datatable (a: int, b: string) [1, 'x',\n  2, 'y']"),
    PrintCase("externaldata(a:string)[h'u'] with (format='csv')", "externaldata(a: string) [h'u'] with (format='csv')"),
    PrintCase("macro-expand entity_group [cluster('a').database('b')] as X (X.T | count)", "macro-expand entity_group [cluster('a').database('b')] as X (X.T\n| count)"),
    PrintCase("T // comment | where\n| count // end", "T\n| count"),
  ])
  func queries(_ item: PrintCase) {
    let parsed = KQLParser.parse(item.text)
    #expect(parsed.diagnostics.isEmpty, "\(DiagnosticRenderer(text: item.text).render(parsed.diagnostics))")
    let printed = KQLPrinter.print(parsed.query)
    #expect(printed == item.printed)
    #expect(KQLParser.parse(printed).query == parsed.query)
  }

  @Test func fragmentsContinueAPipeline() {
    let parsed = KQLParser.parseFragment("| where a > 1 | take 2")
    #expect(parsed.isValid)
    #expect(KQLPrinter.print(parsed.query) == "where a > 1\n| take 2")
  }

  @Test func spansCoverTheText() throws {
    let text = "T | where State == 'é' | take 5"
    let parsed = KQLParser.parse(text)
    guard case .query(let expression) = try #require(parsed.query.statements.first).kind, case .query(let pipeline) = expression.kind
    else { return #expect(Bool(false)) }
    let bytes = Array(text.utf8)
    func slice(_ span: SourceSpan) -> String { String(decoding: bytes[Int(span.start)..<Int(span.end)], as: UTF8.self) }
    #expect(pipeline.operators.map { slice($0.span) } == ["where State == 'é'", "take 5"])
    guard case .filter(let predicate) = pipeline.operators[0].kind else { return #expect(Bool(false)) }
    #expect(slice(predicate.span) == "State == 'é'")
  }
}

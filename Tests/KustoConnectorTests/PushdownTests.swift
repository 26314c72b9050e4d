// Plans handed to a cluster: the cluster of these tests is the engine itself behind a transport, so every query must give the rows that it gives
// without a cluster, and the texts sent show what was handed over.

import Columnar
import DataSource
import Engine
import Expressions
import KQL
import KustoConnector
import KustoWire
import Testing

private let context = EvaluationContext(nowTicks: 17_000_000_000_000_000, seed: 7)

/// Rows with every type, nulls, quotes and edges.
private let table: LogicalPlan = {
  let text = """
    datatable(b:bool, i:int, l:long, r:real, d:decimal, s:string, t:datetime, p:timespan, g:guid, y:dynamic, ['my col']:long)[
      true, 1, 1, 0.5, decimal(1.25), "plain", datetime(2024-01-02T03:04:05.1234567Z), 1h, guid(74be27de-1e4e-49d9-b579-fe0b331d3642), dynamic({"a":1,"b":"x"}), 10,
      false, -2, 9223372036854775807, -1.5, decimal(-2.5), "it's", datetime(1969-12-31T23:59:59Z), timespan(-2.00:00:00), guid(00000000-0000-0000-0000-000000000000), dynamic([1,2,3]), 20,
      bool(null), int(null), long(null), real(null), decimal(null), "", datetime(null), timespan(null), guid(null), dynamic(null), long(null),
      true, 2147483647, -5, real(nan), decimal(0.1), "back\\\\slash \\" quote", datetime(9999-12-31), timespan(00:00:00.0000001), guid(74be27de-1e4e-49d9-b579-fe0b331d3643), dynamic("text"), 30,
      false, 3, 3, real(+inf), decimal(34), "O'; drop table T //", datetime(2024-02-29), timespan(3.04:05:06), guid(74be27de-1e4e-49d9-b579-fe0b331d3644), dynamic(5), 40,
      true, 3, 4, 2.5, decimal(3), "line\\nbreak ünï 😀", datetime(2024-01-02), 30m, guid(74be27de-1e4e-49d9-b579-fe0b331d3645), dynamic({"a":2}), 50]
    """
  do { return try KQL.bind(text, catalog: PlanCatalog(), options: BindOptions(context: context)).results[0].plan } catch { preconditionFailure("\(error)") }
}()

private func rows(_ plan: LogicalPlan) throws -> [[Scalar]] {
  var out: [[Scalar]] = []
  try QueryExecution(plan, options: ExecutionOptions(), context: context).run { batch in
    for i in 0..<batch.rowCount { out.append(batch.row(i)) }
    return true
  }
  return out
}

private func json(_ scalar: Scalar) -> String {
  switch scalar {
  // Clusters have no null texts.
  case .null(.string): return "\"\""
  case .null: return "null"
  case .bool(let v): return "\(v)"
  case .int(let v): return "\(v)"
  case .long(let v): return "\(v)"
  case .real(let v): return v.isFinite ? ScalarText.text(scalar) ?? "" : v.isNaN ? "\"NaN\"" : v < 0 ? "\"-Infinity\"" : "\"Infinity\""
  case .string(let v): return DynamicValue.string(v).json
  case .dynamic(let v): return v.json
  default: return "\"" + (ScalarText.text(scalar) ?? "") + "\""
  }
}

/// Runs what it gets on the engine.
private func engineTransport() -> ScriptedTransport {
  ScriptedTransport { request, _ in
    guard let text = ScriptedTransport.text(request) else { return .init(status: 400, body: Answers.error("X", "no text", permanent: true)) }
    let bound: LogicalPlan
    do {
      bound = try KQL.bind(text, catalog: PlanCatalog(["T": table]), options: BindOptions(context: context)).results[0].plan
    } catch { return .init(status: 400, body: Answers.error("General_BadRequest", "\(error)".filter { $0 != "\"" && $0 != "\n" && $0 != "\\" }, permanent: true)) }
    let lines = try rows(bound).map { "[" + $0.map(json).joined(separator: ",") + "]" }
    let columns = bound.schema.fields.map { "{\"ColumnName\":\(DynamicValue.string($0.name).json),\"ColumnType\":\"\($0.type)\"}" }.joined(separator: ",")
    return .init(
      body: "[{\"FrameType\":\"DataSetHeader\"},{\"FrameType\":\"DataTable\",\"TableId\":1,\"TableKind\":\"PrimaryResult\",\"TableName\":\"P\",\"Columns\":[\(columns)],\"Rows\":[\(lines.joined(separator: ","))]},{\"FrameType\":\"DataSetCompletion\",\"HasErrors\":false,\"Cancelled\":false}]",
      pieceBytes: 37)
  }
}

struct PushdownCase: CustomTestStringConvertible, Sendable {
  var query: String
  /// What one of the texts sent must hold.
  var sent: String
  /// Whether everything runs at the cluster.
  var isWhole = true
  var testDescription: String { query }
  init(_ query: String, _ sent: String, isWhole: Bool = true) {
    self.query = query
    self.sent = sent
    self.isWhole = isWhole
  }
}

let pushdownCases: [PushdownCase] = [
  // The connector's filter forms.
  PushdownCase("T | where l == 1", "where (l == 1)"),
  PushdownCase("T | where s == \"it's\"", "where (s == 'it\\'s')"),
  PushdownCase("T | where s == 'back\\\\slash \" quote'", "back\\\\slash"),
  PushdownCase("T | where s == \"O'; drop table T //\"", "'O\\'; drop table T //'"),
  PushdownCase("T | where s == 'line\\nbreak ünï 😀'", "line\\nbreak ünï 😀"),
  PushdownCase("T | where i > 1", "i > "),
  PushdownCase("T | where i >= 3 and r < 3.0", "and"),
  PushdownCase("T | where l <= long(-5) or b", "or"),
  PushdownCase("T | where i in (1, 3)", " in ("),
  PushdownCase("T | where isnull(l)", "isnull(l)"),
  PushdownCase("T | where isnotnull(t)", "isnotnull(t)"),
  PushdownCase("T | where isnull(s)", "", isWhole: false),
  PushdownCase("T | where isempty(s)", "isempty(s)"),
  PushdownCase("T | where not(i == 3)", "where"),
  PushdownCase("T | where s startswith_cs 'pl'", "startswith_cs 'pl'"),
  PushdownCase("T | where s endswith_cs 'n'", "endswith_cs"),
  PushdownCase("T | where s contains_cs 'quote'", "contains_cs"),
  PushdownCase("T | where s has 'drop'", "has 'drop'"),
  PushdownCase("T | where t == datetime(2024-01-02T03:04:05.1234567Z)", "datetime(2024-01-02T03:04:05.1234567Z)"),
  PushdownCase("T | where t > datetime(1960-01-01) and p < 2h", "timespan("),
  PushdownCase("T | where d == decimal(0.1)", "decimal(0.1)"),
  PushdownCase("T | where g == guid(74be27de-1e4e-49d9-b579-fe0b331d3642)", "guid("),
  PushdownCase("T | where isnan(r) or r == real(+inf)", "real(+inf)"),
  PushdownCase("T | where y.a == 1", "y"),
  PushdownCase("T | where ['my col'] > 20", "['my col']"),
  PushdownCase("T | where t < now()", "datetime(2023-11-14"),
  // What goes beyond filters.
  PushdownCase("T | take 2", "take 2"),
  PushdownCase("T | where b | project s, x = l + i | take 3", "project"),
  PushdownCase("T | top 2 by l desc", "top 2 by l desc"),
  PushdownCase("T | summarize n = count(), total = sum(i) by b", "summarize"),
  PushdownCase("T | count", "count"),
  PushdownCase("T | distinct b", "distinct"),
  PushdownCase("T | project b, i | join kind=inner (T | project i, l) on i", "join"),
  PushdownCase("T | extend n = strlen(s) | where n > 3 | project n, s", "strlen(s)"),
  // What stays here.
  PushdownCase("T | where l > 0 | extend k = rand() | project l", "where", isWhole: false),
  PushdownCase("T | project l | sort by l asc | extend n = row_number()", "sort by l asc", isWhole: false),
]

@Suite struct PushdownTests {
  private func plan(_ query: String, _ transport: ScriptedTransport, text: String = "T", takesPlans: Bool = true) throws -> LogicalPlan {
    let client = ClusterClient(try ClusterAddress("http://127.0.0.1:9"), transport: transport, retry: RetryPolicy(clock: ManualClock()))
    let reader = ClusterReader(client: client, database: "db")
    let remote = LogicalPlan.scan(ClusterTable(reader, QueryTextShape(text), schema: table.schema, takesPlans: takesPlans))
    return try KQL.bind(query, catalog: PlanCatalog(["T": remote]), options: BindOptions(context: context)).results[0].plan
  }

  private func expected(_ query: String) throws -> [[Scalar]] {
    try rows(try KQL.bind(query, catalog: PlanCatalog(["T": table]), options: BindOptions(context: context)).results[0].plan)
  }

  private func shown(_ rows: [[Scalar]]) -> [String] {
    rows.map { $0.map { $0.isNull ? "null" : json($0) }.joined(separator: "|") }
  }

  @Test(arguments: pushdownCases) func sameRows(_ wanted: PushdownCase) throws {
    let transport = engineTransport()
    let found = try rows(plan(wanted.query, transport))
    let truth = try expected(wanted.query)
    if wanted.query.contains("distinct") || wanted.query.contains("summarize") || wanted.query.contains("join") {
      #expect(shown(found).sorted() == shown(truth).sorted())
    } else {
      #expect(shown(found) == shown(truth))
    }
    #expect(transport.texts.contains { $0.contains(wanted.sent) }, "sent: \(transport.texts)")
    if wanted.isWhole { #expect(transport.texts.count == 1) }
    // With push-down off the rows are the same.
    let plain = engineTransport()
    let whole = try rows(plan(wanted.query, plain, takesPlans: false))
    #expect(shown(whole).sorted() == shown(truth).sorted())
  }

  @Test(arguments: ["T", "T // all of it", "T;", "T ; // end\n", "let x = 1; T | where x == 1", "T | where s != ';' // a;b"]) func userTexts(_ text: String) throws {
    let transport = engineTransport()
    let found = try rows(plan("T | where l > 0 | count", transport, text: text))
    #expect(shown(found) == shown(try expected("T | where l > 0 | count")))
  }

  @Test func textsWithStatementsAreNotNested() throws {
    let transport = engineTransport()
    let found = try rows(plan("T | project i | join kind=inner (T | project i, l) on i | count", transport, text: "let x = 1; T"))
    #expect(shown(found) == shown(try expected("T | project i | join kind=inner (T | project i, l) on i | count")))
  }

  @Test func probesGiveNoRows() throws {
    let transport = engineTransport()
    let client = ClusterClient(try ClusterAddress("http://127.0.0.1:9"), transport: transport, retry: RetryPolicy(clock: ManualClock()))
    let schema = try ClusterReader(client: client, database: "db").probe(QueryTextShape("T; // rows"))
    #expect(schema.names == table.schema.names)
    #expect(schema.fields.map(\.type) == table.schema.fields.map(\.type))
    #expect(transport.texts == ["T\n| take 0"])
  }
}

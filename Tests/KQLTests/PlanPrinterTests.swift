// Plans to KQL: literals give exactly their value back, names are quoted, what KQL cannot say stays behind.
// That printed plans answer alike is tested by the query cases in the mode `printed`.

import Columnar
import DataSource
import Engine
import Expressions
import KQL
import Testing

/// A table that a cluster would have.
private struct RemoteTable: BatchReadable {
  let schema: StructType
  let description: String
  func pushdown(_ filters: [Expr]) -> [FilterPushdown] { filters.map { _ in .unsupported } }
  func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan { throw KConnectError(.notSupported, "not read in tests") }
}

private let storms = LogicalPlan.scan(
  RemoteTable(schema: StructType([StructField("State", .string), StructField("n", .long), StructField("at", .datetime), StructField("my col", .real)]), description: "Storms"))
private let areas = LogicalPlan.scan(RemoteTable(schema: StructType([StructField("State", .string), StructField("area", .real)]), description: "['the areas']"))

private func printed(_ plan: LogicalPlan) -> String? {
  KQLPlanPrinter.print(plan, context: bindOptions().context) { KQLSourceText($0.description) }?.text
}

private func bound(_ text: String) throws -> LogicalPlan {
  try KQL.bind(text, catalog: PlanCatalog(["Storms": storms, "the areas": areas]), options: bindOptions()).results[0].plan
}

struct PlanPrinterTests {
  static let scalars: [Scalar] = [
    .bool(true), .bool(false), .int(.min), .int(.max), .int(0), .long(.min), .long(.max), .long(-1), .real(0), .real(-0.0), .real(0.1), .real(-1.5), .real(1e300),
    .real(5e-324), .real(.greatestFiniteMagnitude), .real(.infinity), .real(-.infinity), .real(.nan), .real(123456789), .decimal(DecimalValue(0)),
    .decimal(DecimalValue(Int128(150), scale: 2)), .decimal(DecimalValue(-Int128(12345678901234567890), scale: 10)),
    .decimal(DecimalValue(Int128(9_999_999_999_999_999) * 1_000_000_000_000_000_000 + 999_999_999_999_999_999, scale: 0)), .string(""), .string("it's"),
    .string("a\\b\"c\n\t\r\u{0}\u{7F}é😀'"), .string("|; // no comment"), .datetime(CivilTime.minTicks), .datetime(CivilTime.maxTicks), .datetime(0), .datetime(1),
    .timespan(0), .timespan(1), .timespan(-1), .timespan(.max), .timespan(-864_000_000_001), .guid(GUID(high: 1, low: 2)), .dynamic(.null), .dynamic(.string("x\"y")),
    .dynamic(.array([.long(1), .real(1), .real(2.5), .null, .bool(true), .string("a'b")])), .dynamic(.bag([DynamicEntry("k'\"\\", .array([])), DynamicEntry("", .bag([]))])),
    .dynamic(.datetime(5)), .dynamic(.array([.timespan(7), .guid(GUID(high: 3, low: 4)), .decimal(DecimalValue(15, scale: 1))])), .null(.bool), .null(.int), .null(.long),
    .null(.real), .null(.decimal), .null(.datetime), .null(.timespan), .null(.guid),
  ]

  @Test(arguments: scalars)
  func literalsComeBack(_ scalar: Scalar) throws {
    let one = LogicalPlan.values(StructType(), [RecordBatch(schema: StructType(), columns: [], rowCount: 1)])
    let text = try #require(printed(try one.project([NamedExpr("x", .literal(scalar))])))
    var found: Scalar?
    try QueryExecution(try bound(text), options: ExecutionOptions(), context: bindOptions().context).run { batch in
      found = batch.columns[0].scalar(0)
      return true
    }
    if case .real(let v) = scalar, case .real(let w)? = found {
      #expect(v.bitPattern == w.bitPattern || v.isNaN && w.isNaN, "\(text)")
    } else if case .decimal(let v) = scalar, case .decimal(let w)? = found {
      #expect(v.normalized == w.normalized, "\(text)")
    } else if case .dynamic(.null) = scalar {
      #expect(found == .null(.dynamic) || found == scalar, "\(text)")
    } else {
      #expect(found == scalar, "\(text)")
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var query: String
    var text: String
    var testDescription: String { query }
    init(_ query: String, _ text: String) {
      self.query = query
      self.text = text
    }
  }

  @Test(arguments: [
    Case("Storms | where n > 1 and State has 'tex'", "Storms\n| where ((n > 1) and (State has 'tex'))"),
    Case("Storms | project s = State, ['my col'] | take 3", "Storms\n| project s = State, ['my col']\n| take 3"),
    Case("Storms | extend twice = n * 2", "Storms\n| extend twice = (n * 2)"),
    Case("Storms | summarize c = count(), m = max(n) by State", "Storms\n| summarize c = count(), m = max(n) by State"),
    Case("Storms | summarize arg_max(n, at) by State", "Storms\n| summarize (n, at) = arg_max(n, at) by State"),
    Case("Storms | top 5 by n asc", "Storms\n| top 5 by n asc nulls first"),
    Case("Storms | sort by n, State asc | take 2", "Storms\n| sort by n desc nulls last, State asc nulls first\n| take 2"),
    Case("Storms | distinct State | count", "Storms\n| project State\n| distinct *\n| count"),
    Case("Storms | where at > ago(1d)", "Storms\n| where (at > (datetime(2023-11-14T22:13:20.0000000Z) - timespan(1.00:00:00)))"),
    Case("Storms | where State in ('a', 'b') and n between (1 .. 5)", "Storms\n| where ((State in ('a', 'b')) and (n between (1 .. 5)))"),
    Case("Storms | where ['my col'] == real(nan)", "Storms\n| where (['my col'] == real(nan))"),
  ])
  func operatorsPrint(_ item: Case) throws {
    let plan = try bound(item.query)
    let text = try #require(printed(plan))
    #expect(text == item.text)
    #expect(try bound(text).schema.names == plan.schema.names)
  }

  @Test func joinsDoNotDependOnNumbering() throws {
    let plan = try bound("Storms | join kind=leftouter ['the areas'] on State | where area > 1")
    let text = try #require(printed(plan))
    #expect(text.contains("project State1 = State, area"))
    #expect(try bound(text).schema.names == plan.schema.names)
  }

  @Test(arguments: ["Storms | extend r = rand()", "Storms | where n > 1 | extend g = new_guid() | count"])
  func localFunctionsEndTheText(_ query: String) throws {
    let plan: LogicalPlan
    do { plan = try bound(query) } catch { return }
    #expect(printed(plan) == nil)
    var texts: [String] = []
    let rest = try KQLPlanPrinter.prefix(of: plan, context: bindOptions().context, source: { KQLSourceText($0.description) }) { fragment in
      texts.append(fragment.text)
      return .values(fragment.schema, [])
    }
    #expect(texts.count == 1)
    #expect(rest?.text == texts.first)
    #expect(rest?.rest.schema.names == plan.schema.names)
  }

  @Test func namesOutsideTheRulesAreReplaced() throws {
    let plan = try storms.project([NamedExpr("$odd'name", .column("n"))])
    let fragment = try #require(KQLPlanPrinter.print(plan, context: bindOptions().context) { KQLSourceText($0.description) })
    #expect(fragment.text == "Storms\n| project __c0 = n")
    #expect(fragment.columnNames == ["__c0"])
    #expect(fragment.schema.names == ["$odd'name"])
  }

  @Test func verbatimQueriesTakeOperatorsBehindThem() throws {
    let plan = try storms.filter(.call(">", [.column("n"), .literal(.long(1))]))
    let text = KQLPlanPrinter.print(plan, context: bindOptions().context) { _ in KQLSourceText("let x = 1; T | where a > x // why", isNestable: false) }?.text
    #expect(text == "let x = 1; T | where a > x // why\n| where (n > 1)")
    // Such a text cannot stand in the parentheses of a join.
    let join = try areas.join(storms, kind: .inner, keys: [(.column("State"), .column("State"))])
    #expect(KQLPlanPrinter.print(join, context: bindOptions().context) { KQLSourceText($0.description, isNestable: $0.description != "Storms") } == nil)
  }
}

// Role: what the text of a view's query says of its source.

import Columnar
import DataSource
import Engine
import Expressions
import KQL

enum ViewQuery {
  /// What in a view's query keeps its stored results from being continued: functions that give another value each time, and operators that depend
  /// on the order of all rows. Source: Kusto reference, ".create materialized-view", "Query parameter".
  static func obstacle(in plan: LogicalPlan) -> String? {
    switch plan.node {
    case .sort: return "sort"
    case .topN: return "top"
    case .custom(let op, _) where op is WindowOperator: return "serialize"
    case .filter(let predicate, _): if let name = changing([predicate]) { return name }
    case .project(let columns, _): if let name = changing(columns.map(\.expr)) { return name }
    case .aggregate(let keys, let aggregates, _): if let name = changing(keys.map(\.expr) + aggregates.flatMap(\.call.arguments)) { return name }
    default: break
    }
    for input in plan.inputs { if let found = obstacle(in: input) { return found } }
    return nil
  }

  /// The first function that does not give the same value for the same arguments whenever it is asked.
  private static func changing(_ exprs: [Expr]) -> String? {
    for case .call(let name, let arguments) in exprs {
      if ["now", "ago"].contains(name) || FunctionRegistry.find(name)?.isDeterministic == false { return name + "()" }
      if let found = changing(arguments) { return found }
    }
    return nil
  }

  /// The operator with which the query ends; nil where that is a table or a function.
  static func lastOperator(of query: String) -> TabularOperator.Kind? {
    guard case .query(let expression)? = KQLParser.parse(query).query.statements.last?.kind, case .query(let pipeline) = expression.kind else { return nil }
    return pipeline.operators.last?.kind
  }

  /// The first result of the query's summarize that is worked out of aggregates instead of being one, as it is written.
  /// Source: Kusto reference, ".create materialized-view", "Composite aggregations".
  static func composite(in query: String) -> String? {
    guard case .summarize(let summarize)? = lastOperator(of: query) else { return nil }
    guard let span = summarize.aggregates.first(where: { $0.value.isComposite })?.value.span else { return nil }
    return String(decoding: Array(query.utf8)[Int(span.start)..<Int(span.end)], as: UTF8.self)
  }

  /// Whether the query leaves one row of each group as it is, and nothing else: `summarize take_any(*) by …`.
  static func isDeduplication(_ query: String) -> Bool {
    guard case .summarize(let summarize)? = lastOperator(of: query), summarize.aggregates.count == 1, case .call(let call) = summarize.aggregates[0].value.kind,
      ["take_any", "any"].contains(call.name.text), call.arguments.count == 1, case .star = call.arguments[0].value.kind
    else { return false }
    return true
  }

  /// Where the query names its source at its beginning; nil where it begins with something else than that name.
  static func source(of query: String, named name: String) -> SourceSpan? {
    guard case .query(let expression)? = KQLParser.parse(query).query.statements.last?.kind else { return nil }
    var source = expression
    while case .query(let pipeline) = source.kind {
      guard let inner = pipeline.source else { return nil }
      source = inner
    }
    guard case .name(let found) = source.kind, found == name else { return nil }
    return source.span
  }
}

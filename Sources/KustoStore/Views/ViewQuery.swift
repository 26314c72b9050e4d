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

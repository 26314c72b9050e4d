// Role: what the text of a view's query says of its source; `ViewObstacles` reads the plan that it makes.

import KQL

enum ViewQuery {
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

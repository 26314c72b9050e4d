// partition: a subquery for the rows of each value of a column.
// Source: Kusto language reference, "partition operator".

import Columnar
import Engine
import Expressions

extension Binder {
  /// Values that a subquery is bound for one by one, at most: Kusto's limit of the legacy strategy.
  static let maximumPartitions = 64

  /// True for rows whose key is the value; null keys equal a null value.
  static func isValue(_ key: String, _ value: Scalar) -> Expr {
    value.isNull ? .call("isnull", [.column(key)]) : .call(FunctionName.equal, [.column(key), .literal(value)])
  }

  func partition(_ partition: PartitionOperator, _ table: TableValue, _ step: TabularOperator) throws(BindFailure) -> LogicalPlan {
    var input = table
    if let strategy = Self.word(step, "hint.strategy"), !["native", "shuffle", "legacy"].contains(strategy) {
      try fail(.valueNotAllowed, "'\(strategy)' is no strategy of partition", at: step.nameSpan, hint: "strategies: native, shuffle, legacy")
    }
    let row = rowScope(input)
    guard case .column(let key) = try scalar(partition.key, row).expr, let field = input.plan.schema.field(key) else {
      try fail(.columnExpected, "partition takes a column", at: partition.key.span, hint: "compute it before, with extend")
    }
    guard field.type != .dynamic else {
      try fail(.typeExpected, "partition does not take a dynamic column", at: partition.key.span, hint: "convert it before, for instance with extend k = tostring(\(quotedName(key)))")
    }
    // `by key in values`: only rows with these values make partitions.
    let listed: Expr? = if let values = partition.scope {
      try scalar(partition.key.withKind(.membership(.isIn, partition.key, [values])), row).expr
    } else { nil }
    let rows = input.plan
    input.plan = try plan(at: step.span) { try (listed.map { try rows.filter($0) } ?? rows).withTexts([key]) }
    if partition.isFullQuery { return try byValue(partition, key, input, step) }
    let needed = needsSubqueryRows
    defer { needsSubqueryRows = needed }
    needsSubqueryRows = false
    let before = diagnostics
    do throws(BindFailure) {
      let (body, source) = try subquery(partition.body, over: input)
      return try plan(at: step.span) { try input.plan.partitioned(by: key, SubqueryBody(body.plan, source: source)) }
    } catch {
      // A scalar of the partition's own rows, such as toscalar(P | ...) after `as P`, is there only for each value alone.
      guard needsSubqueryRows else { throw error }
      diagnostics = before
      return try byValue(partition, key, input, step)
    }
  }

  /// Binds the subquery for each value of the key, which it sees as a scalar; without a source of its own it continues the value's rows.
  private func byValue(_ partition: PartitionOperator, _ key: String, _ input: TableValue, _ step: TabularOperator) throws(BindFailure) -> LogicalPlan {
    let distinct = try plan(at: step.span) { try input.plan.select([key]).distinct().limit(Self.maximumPartitions + 1) }
    var values: [Scalar] = []
    if !isSilent { values = try run(distinct).flatMap { $0.columns[0].scalars } }
    guard values.count <= Self.maximumPartitions else {
      try fail(.valueNotAllowed, "this partition has more than \(Self.maximumPartitions) values of '\(key)'", at: step.nameSpan, hint: "use hint.strategy=native with a subquery that has no source of its own")
    }
    guard let first = values.first else {
      return try byValue(partition, key, input, .null(input.plan.schema.field(key)?.type ?? .string), step).plan.limit(0)
    }
    var results = [try byValue(partition, key, input, first, step).plan]
    for value in values.dropFirst() { results.append(try byValue(partition, key, input, value, step).plan) }
    let all = results
    return try plan(at: step.span) { try .union(all) }
  }

  private func byValue(
    _ partition: PartitionOperator, _ key: String, _ input: TableValue, _ value: Scalar, _ step: TabularOperator
  ) throws(BindFailure) -> TableValue {
    let outer = scope
    scope = Scope(parent: outer)
    defer { scope = outer }
    if partition.isFullQuery {
      scope.variables[key] = .scalar(ScalarValue(expr: .literal(value)))
      return try pipeline(partition.body)
    }
    var rows = input
    rows.plan = try plan(at: step.span) { try input.plan.filter(Self.isValue(key, value)) }
    return try pipeline(partition.body, implicit: rows)
  }
}

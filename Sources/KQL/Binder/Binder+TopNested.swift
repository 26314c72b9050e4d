// top-nested: for each level the best values within each value of the levels above.
// Source: Kusto language reference, "top-nested operator".

import Columnar
import Engine
import Expressions

/// A level with its columns named and typed.
private struct NestedLevel {
  /// The hidden column of the rows, and the output name.
  var key: String
  var name: String
  var keyType: DataType
  var aggregateName: String
  var aggregate: Expr
  var calls: [NamedAggregate]
  /// Nil: all values.
  var count: Int?
  var others: Scalar?
  var isDescending: Bool
}

extension Binder {
  func topNested(_ levels: [TopNestedLevel], _ input: TableValue, _ step: TabularOperator) throws(BindFailure) -> LogicalPlan {
    let row = rowScope(input)
    var names = UniqueNames()
    var keys: [NamedExpr] = []
    let bound = try each(Array(levels.enumerated())) { item throws(BindFailure) in
      let (level, key) = try self.nestedLevel(item.element, item.offset, row, &names)
      keys.append(NamedExpr(level.key, key))
      return level
    }
    let windowed = try windowed(input.plan, row, step.span)
    let hidden = keys
    return try plan(at: step.span) {
      let rows = try windowed.project(windowed.schema.names.map { NamedExpr($0, .column($0)) } + hidden)
      return try Self.nested(bound, over: rows)
    }
  }

  private func nestedLevel(_ level: TopNestedLevel, _ i: Int, _ row: RowScope, _ names: inout UniqueNames) throws(BindFailure) -> (NestedLevel, Expr) {
    let (key, keyType) = try typed(level.key.value, row)
    if keyType == .dynamic {
      try fail(.typeExpected, "top-nested does not take a dynamic value", at: level.key.span, hint: "convert it, for instance with tostring()")
    }
    let given = level.key.names.first?.text ?? ResultNames.name(of: level.key.value)
    let name = names.unique(given ?? "Column\(i + 1)")
    let calls = AggregateCalls(avoiding: row.types.names)
    let columns = try aggregate(level.aggregate, [], row, calls)
    guard let column = columns.first, columns.count == 1 else {
      try fail(.valueNotAllowed, "a level of top-nested takes one aggregate", at: level.aggregate.span)
    }
    let aggregateName = names.unique(level.aggregate.names.first?.text ?? "aggregated_\(name)")
    var count: Int?
    if let expression = level.count { count = try rowCount(expression, "top-nested") }
    var others: Scalar?
    if let expression = level.others {
      let value = try constant(expression)
      guard let converted = Self.convert(value, to: keyType) else {
        try fail(.typeExpected, "the value of others is \(value.type), the level's values are \(keyType)", at: expression.span)
      }
      others = converted
    }
    let made = NestedLevel(
      key: "$level\(i)", name: name, keyType: keyType, aggregateName: aggregateName, aggregate: column.expr, calls: calls.list, count: count,
      others: others, isDescending: level.direction != .ascending)
    return (made, Self.key(key, keyType))
  }

  /// The result level by level: each keeps the rows of the values chosen so far, groups them one key deeper, and chooses within each parent.
  private static func nested(_ levels: [NestedLevel], over rows: LogicalPlan) throws -> LogicalPlan {
    var rows = rows
    var chosen: LogicalPlan?
    var parts: [(plan: LogicalPlan, last: Int)] = []
    var types: [DataType] = []
    var keys: [String] = []
    for (i, level) in levels.enumerated() {
      let parents = keys
      keys.append(level.key)
      let values = keys.map { NamedExpr($0, .column($0)) }
      let all = try rows.aggregate(keys: values, aggregates: level.calls).project(values + [NamedExpr(level.aggregateName, level.aggregate)])
      types.append(all.schema.field(level.aggregateName)?.type ?? .real)
      var best = try all.sort(parents.map { SortKey(.column($0)) } + [SortKey(.column(level.aggregateName), isDescending: level.isDescending, nullsFirst: false)])
      if let count = level.count { best = try .custom(GroupLimitOperator(keys: parents, count: count), [best]) }
      let columns = levels[..<i].map(\.aggregateName)
      func withParents(_ plan: LogicalPlan) throws -> LogicalPlan {
        guard let chosen else { return plan }
        return try .custom(KeyMatchOperator(keys: parents, mode: .matching(adding: columns)), [chosen, plan])
      }
      let result = try withParents(best)
      if let others = level.others {
        let left = try LogicalPlan.custom(KeyMatchOperator(keys: keys, mode: .missing), [try best.select(keys), rows])
        let parentValues = parents.map { NamedExpr($0, .column($0)) }
        let count = NamedAggregate("$rows", AggregateCall("count", []))
        let rest = try left.aggregate(keys: parentValues, aggregates: level.calls + [count])
          .filter(.call(FunctionName.greater, [.column("$rows"), .literal(.long(0))]))
          .project(parentValues + [NamedExpr(level.key, .literal(others)), NamedExpr(level.aggregateName, level.aggregate)])
        parts.append((try withParents(rest), i))
      }
      if i == levels.count - 1 { parts.insert((result, i), at: 0) }
      rows = try .custom(KeyMatchOperator(keys: keys, mode: .matching(adding: [])), [try best.select(keys), rows])
      chosen = result
    }
    return try .union(try parts.map { try output($0.plan, levels, types, through: $0.last) })
  }

  /// The two columns of each level; those below `last` are null.
  private static func output(_ plan: LogicalPlan, _ levels: [NestedLevel], _ types: [DataType], through last: Int) throws -> LogicalPlan {
    var columns: [NamedExpr] = []
    for (i, level) in levels.enumerated() {
      columns.append(NamedExpr(level.name, i <= last ? .column(level.key) : .literal(.null(level.keyType))))
      columns.append(NamedExpr(level.aggregateName, i <= last ? .column(level.aggregateName) : .literal(.null(types[i]))))
    }
    return try plan.project(columns)
  }
}

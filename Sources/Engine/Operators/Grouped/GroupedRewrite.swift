// Role: rewrites a subquery that is applied to each group of rows into one plan over all groups: every operator gets the group's key columns
// as further keys. Not every subquery can be rewritten; the others run group by group.

import Columnar
import DataSource
import Expressions

/// The rewriting of one body.
struct GroupedRewrite {
  let body: SubqueryBody
  /// Rows of all groups: the placeholder's columns and the key columns.
  let rows: LogicalPlan
  /// Columns of `rows` that identify the group; their names occur nowhere in the body.
  let keys: [String]
  /// True when a group whose rows an operator has all dropped may be given back by reading `rows` again (keys without nulls).
  let restoresGroups: Bool

  /// The body for all groups at once, its columns and then the keys; nil when it cannot be rewritten.
  func plan() throws -> LogicalPlan? { try rewrite(body.plan)?.plan }

  private struct Rewritten {
    var plan: LogicalPlan
    /// False when a group may have lost all its rows on the way.
    var hasAllGroups: Bool
  }

  private var keyColumns: [NamedExpr] { keys.map { NamedExpr($0, .column($0)) } }
  private var keyOrder: [SortKey] { keys.map { SortKey(.column($0)) } }

  /// The plan with its columns in the order of `schema`, then the keys.
  private func ordered(_ plan: LogicalPlan, _ schema: StructType) throws -> LogicalPlan {
    let names = schema.names + keys
    return plan.schema.names == names ? plan : try plan.select(names)
  }

  private func rewrite(_ plan: LogicalPlan) throws -> Rewritten? {
    switch plan.node {
    case .custom(let op, let inputs): return try custom(op, inputs, plan.schema)
    case .filter(let predicate, let input):
      return try rewrite(input).map { Rewritten(plan: try $0.plan.filter(predicate), hasAllGroups: false) }
    case .project(let columns, let input):
      return try rewrite(input).map { Rewritten(plan: try $0.plan.project(columns + keyColumns), hasAllGroups: $0.hasAllGroups) }
    case .aggregate(let keys, let aggregates, let input): return try aggregate(keys, aggregates, input, plan)
    case .count(let name, let input): return try aggregate([], [NamedAggregate(name, AggregateCall("count", []))], input, plan)
    case .sort(let sortKeys, let input):
      return try rewrite(input).map { Rewritten(plan: try $0.plan.sort(keyOrder + sortKeys), hasAllGroups: $0.hasAllGroups) }
    case .topN(let sortKeys, let count, let input):
      return try rewrite(input).map { try limited($0, count, sorted: keyOrder + sortKeys) }
    case .limit(let count, let input): return try rewrite(input).map { try limited($0, count, sorted: nil) }
    case .distinct(let input): return try rewrite(input).map { Rewritten(plan: $0.plan.distinct(), hasAllGroups: $0.hasAllGroups) }
    case .join(let join): return try self.join(join, plan)
    case .union(let inputs):
      var all: [LogicalPlan] = []
      for input in inputs {
        guard let one = try rewrite(input) else { return nil }
        all.append(try ordered(one.plan, plan.schema))
      }
      return Rewritten(plan: try .union(all), hasAllGroups: false)
    case .scan, .values, .range, .sample: return nil
    }
  }

  private func custom(_ op: any TableOperator, _ inputs: [LogicalPlan], _ schema: StructType) throws -> Rewritten? {
    if let placeholder = op as? SubquerySource, placeholder.id == body.source {
      return Rewritten(plan: try rows.select(placeholder.schema.names + keys), hasAllGroups: true)
    }
    guard !op.needsOrder, inputs.count == 1, let input = try rewrite(inputs[0]) else { return nil }
    var wider = op
    for key in keys {
      guard let next = wider.passing(key) else { return nil }
      wider = next
    }
    let plan = try ordered(try .custom(wider, [input.plan]), schema)
    return Rewritten(plan: plan, hasAllGroups: input.hasAllGroups && op.keepsRowCount)
  }

  private func limited(_ input: Rewritten, _ count: Int, sorted: [SortKey]?) throws -> Rewritten {
    let plan = try sorted.map { try input.plan.sort($0) } ?? input.plan
    return Rewritten(plan: try .custom(GroupLimitOperator(keys: keys, count: count), [plan]), hasAllGroups: input.hasAllGroups && count > 0)
  }

  private func aggregate(
    _ own: [NamedExpr], _ aggregates: [NamedAggregate], _ input: LogicalPlan, _ plan: LogicalPlan
  ) throws -> Rewritten? {
    guard let inner = try rewrite(input) else { return nil }
    let grouped = try ordered(try inner.plan.aggregate(keys: own + keyColumns, aggregates: aggregates), plan.schema)
    if !own.isEmpty || inner.hasAllGroups { return Rewritten(plan: grouped, hasAllGroups: inner.hasAllGroups) }
    // Without keys of its own, an aggregation gives a row for a group without rows, too.
    guard restoresGroups else { return nil }
    let groups = try rows.select(keys).distinct()
    let lost = try groups.join(grouped, kind: .leftAnti, keys: keys.map { (left: .column($0), right: .column($0)) })
    let empty = try LogicalPlan.values(input.schema, []).aggregate(keys: [], aggregates: aggregates)
    let filled = try ordered(try empty.join(lost, kind: .cross, keys: []), plan.schema)
    return Rewritten(plan: try .union([grouped, filled]), hasAllGroups: true)
  }

  private func join(_ join: JoinNode, _ plan: LogicalPlan) throws -> Rewritten? {
    guard !SubqueryBody.contains(body.source, join.right), [.inner, .leftOuter, .leftSemi, .leftAnti].contains(join.kind),
      let left = try rewrite(join.left)
    else { return nil }
    var join = join
    join.left = left.plan
    let fields = left.plan.schema.fields + plan.schema.fields.dropFirst(plan.schema.count - join.rightNames.count)
    let joined = LogicalPlan(node: .join(join), schema: StructType(fields))
    return Rewritten(plan: try ordered(joined, plan.schema), hasAllGroups: left.hasAllGroups && join.kind == .leftOuter)
  }
}

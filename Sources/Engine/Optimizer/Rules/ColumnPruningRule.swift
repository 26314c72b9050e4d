// Role: every operator gets only the columns that something above reads; scans read no others. Extra columns are dropped before operators
// that would have to move them (sorts, joins, distinct, unions).

import Columnar
import DataSource
import Expressions

struct ColumnPruningRule: OptimizerRule {
  let name = "column pruning"

  func apply(_ plan: LogicalPlan, _ context: EvaluationContext) throws -> LogicalPlan {
    let pruned = try prune(plan, Set(plan.schema.names))
    return pruned.schema.names == plan.schema.names ? pruned : reordered(pruned, plan.schema.fields)
  }

  private func reordered(_ plan: LogicalPlan, _ fields: [StructField]) -> LogicalPlan {
    LogicalPlan(node: .project(fields.map { NamedExpr($0.name, .column($0.name)) }, plan), schema: StructType(fields))
  }

  /// A plan whose schema holds at least the columns of `needed`, in the plan's order, and few others.
  private func prune(_ plan: LogicalPlan, _ needed: Set<String>) throws -> LogicalPlan {
    switch plan.node {
    case .scan(var scan):
      scan.columns = scan.columns.filter { needed.contains($0) }
      return LogicalPlan(node: .scan(scan), schema: StructType(plan.schema.fields.filter { needed.contains($0.name) }))
    case .values(let batches):
      let positions = plan.schema.fields.indices.filter { needed.contains(plan.schema[$0].name) }
      if positions.count == plan.schema.count { return plan }
      return LogicalPlan(node: .values(batches.map { $0.selecting(positions) }), schema: StructType(positions.map { plan.schema[$0] }))
    case .range, .distinct, .count: return plan.withInputs(try plan.inputs.map { try prune($0, wanted(of: plan, below: $0)) })
    case .filter(let predicate, let input):
      let inner = try prune(input, needed.union(predicate.columns))
      return LogicalPlan(node: .filter(predicate, inner), schema: inner.schema)
    case .project(let columns, let input):
      let kept = columns.filter { needed.contains($0.name) }
      let inner = try prune(input, columnsRead(kept.map(\.expr)))
      return LogicalPlan(node: .project(kept, inner), schema: StructType(plan.schema.fields.filter { needed.contains($0.name) }))
    case .aggregate(let keys, let aggregates, let input):
      let kept = aggregates.filter { needed.contains($0.name) }
      let inner = try prune(input, columnsRead(keys.map(\.expr) + kept.flatMap(\.call.arguments)))
      let keyNames = Set(keys.map(\.name))
      let fields = plan.schema.fields.filter { keyNames.contains($0.name) || needed.contains($0.name) }
      return LogicalPlan(node: .aggregate(keys: keys, aggregates: kept, inner), schema: StructType(fields))
    case .join(let join): return try pruneJoin(plan, join, needed)
    case .sort(let keys, let input), .topN(let keys, _, let input):
      let wanted = needed.union(columnsRead(keys.map(\.expr)))
      let inner = try prune(input, wanted).trimmed(to: wanted)
      return LogicalPlan(node: plan.withInputs([inner]).node, schema: inner.schema)
    case .limit(_, let input), .sample(_, let input):
      let inner = try prune(input, needed)
      return LogicalPlan(node: plan.withInputs([inner]).node, schema: inner.schema)
    case .custom(let op, let inputs): return try pruneCustom(op, inputs, needed)
    case .union(let inputs):
      let fields = plan.schema.fields.filter { needed.contains($0.name) }
      let inner = try inputs.map { input in
        let pruned = try prune(input, needed)
        return pruned.schema.names == fields.map(\.name) ? LogicalPlan(node: pruned.node, schema: pruned.schema) : reordered(pruned, fields)
      }
      return LogicalPlan(node: .union(inner), schema: StructType(fields))
    }
  }

  private func pruneCustom(_ op: any TableOperator, _ inputs: [LogicalPlan], _ needed: Set<String>) throws -> LogicalPlan {
    let op = op.keeping(needed)
    let wanted = op.columnsRead(for: needed, inputs: inputs.map(\.schema))
    return try .custom(op, zip(inputs, wanted).map { input, names in try prune(input, names).trimmed(to: names) })
  }

  /// What operators that keep all their input's columns (distinct) or none (count) want of it.
  private func wanted(of plan: LogicalPlan, below input: LogicalPlan) -> Set<String> {
    if case .count = plan.node { return [] }
    return Set(input.schema.names)
  }

  private func columnsRead(_ exprs: [Expr]) -> Set<String> { Expr.columns(of: exprs) }

  private func pruneJoin(_ plan: LogicalPlan, _ join: JoinNode, _ needed: Set<String>) throws -> LogicalPlan {
    var join = join
    let leftKeys = columnsRead(join.keys.map(\.left)), rightKeys = columnsRead(join.keys.map(\.right))
    let originalRight = join.right.schema.names
    let isLeftOnly = join.kind == .leftSemi || join.kind == .leftAnti, isRightOnly = join.kind == .rightSemi || join.kind == .rightAnti
    let leftWanted = isRightOnly ? leftKeys : leftKeys.union(needed.intersection(join.left.schema.names))
    var rightWanted = rightKeys
    if isRightOnly { rightWanted.formUnion(needed) }
    var outputName: [String: String] = [:]
    if !isLeftOnly, !isRightOnly {
      for (name, origin) in zip(join.rightNames, originalRight) {
        outputName[origin] = name
        if needed.contains(name) { rightWanted.insert(origin) }
      }
    }
    join.left = try prune(join.left, leftWanted).trimmed(to: leftWanted)
    join.right = try prune(join.right, rightWanted).trimmed(to: rightWanted)
    if isLeftOnly { return LogicalPlan(node: .join(join), schema: join.left.schema) }
    if isRightOnly { return LogicalPlan(node: .join(join), schema: join.right.schema) }
    join.rightNames = join.right.schema.names.map { outputName[$0] ?? $0 }
    let fields = join.left.schema.fields + zip(join.right.schema.fields, join.rightNames).map { StructField($1, $0.type, nullable: true, hint: $0.hint) }
    return LogicalPlan(node: .join(join), schema: StructType(fields))
  }
}

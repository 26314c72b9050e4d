// Role: work whose result nobody can see goes: sorts below operators that forget the order, distinct over rows that are distinct, what stands
// between a count and the rows it counts.

import Columnar
import DataSource
import Expressions

struct UnusedWorkRule: OptimizerRule {
  let name = "unused work"

  func apply(_ plan: LogicalPlan, _ context: EvaluationContext) throws -> LogicalPlan {
    plan.rewrittenUp { node in
      switch node.node {
      case .aggregate(_, let aggregates, let input) where !aggregates.contains { AggregateShape.orderSensitive.contains($0.call.name) }:
        return node.withInputs([unsorted(input)])
      case .distinct(let input):
        if isDistinct(input) { return input }
        return node.withInputs([unsorted(input)])
      case .count(_, let input): return node.withInputs([counted(input)])
      case .join(let join): return node.withInputs([join.keepsOrder ? join.left : unsorted(join.left), unsorted(join.right)])
      case .union(let inputs):
        let flat = inputs.flatMap { input in if case .union(let inner) = input.node { inner } else { [input] } }
        let kept = flat.filter { if case .values(let batches) = $0.node { batches.contains { $0.rowCount > 0 } } else { true } }
        if kept.isEmpty { return LogicalPlan(node: .values([]), schema: node.schema) }
        return kept.count == 1 ? LogicalPlan(node: kept[0].node, schema: node.schema) : LogicalPlan(node: .union(kept), schema: node.schema)
      default: return node
      }
    }
  }

  /// The input without sorts that only order rows.
  private func unsorted(_ plan: LogicalPlan) -> LogicalPlan {
    switch plan.node {
    case .sort(_, let input): unsorted(input)
    case .filter(_, let input), .project(_, let input): plan.withInputs([unsorted(input)])
    case .join(let join) where join.keepsOrder: LogicalPlan(node: .join(join.unordered), schema: plan.schema).withInputs([unsorted(join.left), join.right])
    case .custom(let op, let inputs) where !op.needsOrder: plan.withInputs(inputs.map { unsorted($0) })
    default: plan
    }
  }

  /// The input without what changes no row count.
  private func counted(_ plan: LogicalPlan) -> LogicalPlan {
    switch plan.node {
    case .sort(_, let input), .project(_, let input): counted(input)
    case .custom(let op, let inputs) where op.keepsRowCount && inputs.count == 1: counted(inputs[0])
    default: unsorted(plan)
    }
  }

  private func isDistinct(_ plan: LogicalPlan) -> Bool {
    switch plan.node {
    case .distinct, .count: true
    case .aggregate: true
    case .filter(_, let input), .sort(_, let input), .limit(_, let input), .topN(_, _, let input), .sample(_, let input): isDistinct(input)
    default: false
    }
  }
}

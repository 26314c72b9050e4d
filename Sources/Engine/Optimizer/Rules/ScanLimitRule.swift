// Role: tells a scan how many rows are needed when every row it returns counts: no residual filter between, pushed filters all exact.

import Columnar
import DataSource
import Expressions

struct ScanLimitRule: OptimizerRule {
  let name = "limits into scans"

  func apply(_ plan: LogicalPlan, _ context: EvaluationContext) throws -> LogicalPlan {
    plan.rewrittenUp { node in
      guard case .limit(let count, let input) = node.node else { return node }
      return node.withInputs([limited(input, max(0, count))])
    }
  }

  private func limited(_ plan: LogicalPlan, _ count: Int) -> LogicalPlan {
    switch plan.node {
    case .project(_, let input): return plan.withInputs([limited(input, count)])
    case .custom(let op, let inputs) where op.keepsRowCount && !op.needsOrder && inputs.count == 1:
      return plan.withInputs([limited(inputs[0], count)])
    case .scan(var scan):
      guard scan.filters.isEmpty || scan.table.pushdown(scan.filters).allSatisfy({ $0 == .exact }) else { return plan }
      scan.limit = min(scan.limit ?? Int.max, count)
      return LogicalPlan(node: .scan(scan), schema: plan.schema)
    default: return plan
    }
  }
}

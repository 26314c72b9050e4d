// Role: limits meet and move down: limit over limit is the smaller one, limit over sort is a top, limit goes below projections and into
// every input of a union.

import Columnar
import DataSource
import Expressions

struct LimitRule: OptimizerRule {
  let name = "limits"

  func apply(_ plan: LogicalPlan, _ context: EvaluationContext) throws -> LogicalPlan { rewrite(plan) }

  private func rewrite(_ plan: LogicalPlan) -> LogicalPlan {
    guard case .limit(let count, let input) = plan.node else { return plan.withInputs(plan.inputs.map { rewrite($0) }) }
    let n = max(0, count)
    switch input.node {
    case .limit(let other, let inner): return rewrite(inner.limit(min(n, max(0, other))))
    case .sort(let keys, let inner): return LogicalPlan(node: .topN(keys, count: n, rewrite(inner)), schema: plan.schema)
    case .topN(let keys, let other, let inner):
      return LogicalPlan(node: .topN(keys, count: min(n, max(0, other)), rewrite(inner)), schema: plan.schema)
    case .project(_, let inner): return input.withInputs([rewrite(inner.limit(n))])
    case .union(let inputs):
      return input.withInputs(inputs.map { rewrite($0.limit(n)) }).limit(n)
    case .aggregate(let keys, _, _) where keys.isEmpty && n >= 1: return rewrite(input)
    case .count where n >= 1: return rewrite(input)
    case .custom(let op, let inputs) where op.keepsRowCount && !op.needsOrder && inputs.count == 1:
      return input.withInputs([rewrite(inputs[0].limit(n))])
    case .values(let batches): return LogicalPlan(node: .values(first(n, of: batches)), schema: plan.schema)
    default: return rewrite(input).limit(n)
    }
  }

  private func first(_ n: Int, of batches: [RecordBatch]) -> [RecordBatch] {
    var left = n
    var out: [RecordBatch] = []
    for batch in batches where left > 0 {
      out.append(batch.rowCount > left ? batch.slice(0..<left) : batch)
      left -= min(left, batch.rowCount)
    }
    return out
  }
}

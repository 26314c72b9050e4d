// Role: filters directly over a scan are offered to its source. Exact ones leave the plan; inexact ones stay above as well; others stay.

import Columnar
import DataSource
import Expressions

struct ScanFilterRule: OptimizerRule {
  let name = "filters into scans"

  func apply(_ plan: LogicalPlan, _ context: EvaluationContext) throws -> LogicalPlan {
    try plan.rewrittenUp { node in
      guard case .filter(let predicate, let input) = node.node, case .scan(var scan) = input.node, scan.limit == nil else { return node }
      let conjuncts = input.conditions(predicate)
      let offered = conjuncts.filter(\.isDeterministic)
      let answers = scan.table.pushdown(offered)
      guard answers.count == offered.count else { throw internalError("\(scan.table.description) gave \(answers.count) answers for \(offered.count) filters") }
      var residual = conjuncts.filter { !$0.isDeterministic }
      for (filter, answer) in zip(offered, answers) {
        if answer != .unsupported { scan.filters.append(filter) }
        if answer != .exact { residual.append(filter) }
      }
      return LogicalPlan(node: .scan(scan), schema: input.schema).filtered(residual)
    }
  }
}

// Role: the rules in their order. Each rule is a function from plan to plan that keeps the schema and the rows.

import Columnar
import DataSource
import Expressions

/// A rewrite of plans. The result has the schema of the input and gives the same rows.
protocol OptimizerRule: Sendable {
  var name: String { get }
  func apply(_ plan: LogicalPlan, _ context: EvaluationContext) throws -> LogicalPlan
}

enum Optimizer {
  static let rules: [any OptimizerRule] = [
    ConstantFoldingRule(), MergeProjectionsRule(), PredicatePushdownRule(), ConstantFoldingRule(), UnusedWorkRule(), LimitRule(),
    ScanFilterRule(), CommonSubexpressionRule(), ColumnPruningRule(), MergeProjectionsRule(), ScanLimitRule(),
    RemotePrefixRule(),
  ]

  static func optimize(_ plan: LogicalPlan, context: EvaluationContext) throws -> LogicalPlan {
    var plan = plan
    for rule in rules {
      let rewritten = try rule.apply(plan, context)
      if isVerifying {
        do { try rewritten.checkInvariants() } catch {
          throw internalError("rule \(rule.name) broke the plan: \(error)\n\(PlanText.text(rewritten))")
        }
        if rewritten.schema.names != plan.schema.names { throw internalError("rule \(rule.name) changed the schema") }
      }
      plan = rewritten
    }
    return plan
  }
}

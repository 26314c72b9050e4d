// Role: constants are computed once: calls over literals, and the parts of and, or, not that literals decide. A filter that is always true
// goes; one that never is leaves no rows.

import Columnar
import DataSource
import Expressions

struct ConstantFoldingRule: OptimizerRule {
  let name = "constant folding"

  func apply(_ plan: LogicalPlan, _ context: EvaluationContext) throws -> LogicalPlan {
    plan.rewrittenUp { node in
      let folded = node.mappingExpressions { expr, input in Self.fold(expr, input, context) }
      guard case .filter(.literal(let scalar), let input) = folded.node else { return folded }
      if scalar == .bool(true) { return input }
      return LogicalPlan(node: .values([]), schema: folded.schema)
    }
  }

  /// The expression with constant parts computed; keeps the type.
  static func fold(_ expr: Expr, _ input: LogicalPlan, _ context: EvaluationContext) -> Expr {
    guard case .call(let name, let arguments) = expr else { return expr }
    let folded = arguments.map { fold($0, input, context) }
    let call = Expr.call(name, folded)
    switch (name, folded.count) {
    case (FunctionName.and, 2):
      if folded[0] == .yes, isBool(folded[1], input) { return folded[1] }
      if folded[1] == .yes, isBool(folded[0], input) { return folded[0] }
      if folded[0] == .no || folded[1] == .no { return .no }
    case (FunctionName.or, 2):
      if folded[0] == .no, isBool(folded[1], input) { return folded[1] }
      if folded[1] == .no, isBool(folded[0], input) { return folded[0] }
      if folded[0] == .yes || folded[1] == .yes { return .yes }
    default: break
    }
    guard call.isDeterministic, !folded.isEmpty, folded.allSatisfy({ if case .literal = $0 { true } else { false } }) else { return call }
    return value(of: call, context).map { .literal($0) } ?? call
  }

  /// Whether an expression is a bool: numbers and dynamic values are conditions too, which and, or convert.
  private static func isBool(_ expr: Expr, _ input: LogicalPlan) -> Bool { (try? input.type(of: expr)) == .bool }

  /// The value of an expression without columns; nil when it cannot be computed or is dynamic (whose literals other rules do not read).
  private static func value(of expr: Expr, _ context: EvaluationContext) -> Scalar? {
    guard let compiled = try? CompiledExpr(expr, schema: StructType([]), context: context), compiled.type != .dynamic,
      let vector = try? compiled.evaluate(RecordBatch(schema: StructType([]), columns: [], rowCount: 1)), vector.count == 1
    else { return nil }
    return vector.scalar(0)
  }
}

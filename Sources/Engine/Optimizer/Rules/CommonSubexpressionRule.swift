// Role: an expression that several outputs of one operator contain is computed once, in a projection below it.

import Columnar
import DataSource
import Expressions

struct CommonSubexpressionRule: OptimizerRule {
  let name = "common subexpressions"

  func apply(_ plan: LogicalPlan, _ context: EvaluationContext) throws -> LogicalPlan {
    try plan.rewrittenUp { node in
      switch node.node {
      case .project(let columns, let input): return try share(node, columns.map(\.expr), input)
      case .aggregate(let keys, let aggregates, let input):
        return try share(node, keys.map(\.expr) + aggregates.flatMap(\.call.arguments), input)
      default: return node
      }
    }
  }

  private func share(_ node: LogicalPlan, _ exprs: [Expr], _ input: LogicalPlan) throws -> LogicalPlan {
    var counts: [Expr: Int] = [:]
    for expr in exprs { Self.count(expr, &counts) }
    // Whole aggregate arguments that repeat are evaluated once anyway; parts are not.
    let repeated = counts.filter { $0.value > 1 }.keys
    if repeated.isEmpty { return node }
    let maximal = repeated.filter { one in !repeated.contains { $0 != one && Self.contains($0, one) && counts[$0] == counts[one] } }
    if case .aggregate = node.node, maximal.allSatisfy({ one in !exprs.contains { $0 != one && Self.contains($0, one) } }) { return node }
    var names: [Expr: String] = [:]
    var columns = input.schema.names.map { NamedExpr($0, .column($0)) }
    var fields = input.schema.fields
    var taken = Set(input.schema.names)
    for expr in maximal.sorted(by: { ExprText.text($0) < ExprText.text($1) }) {
      guard let type = try? input.type(of: expr) else { continue }
      var n = names.count
      while !taken.insert("$\(n)").inserted { n += 1 }
      names[expr] = "$\(n)"
      columns.append(NamedExpr("$\(n)", expr))
      fields.append(StructField("$\(n)", type))
    }
    if names.isEmpty { return node }
    let below = LogicalPlan(node: .project(columns, input), schema: StructType(fields))
    let rewritten = node.mappingExpressions { expr, _ in Self.replace(expr, names) }
    return rewritten.withInputs([below])
  }

  private static func count(_ expr: Expr, _ counts: inout [Expr: Int]) {
    guard case .call(_, let arguments) = expr, expr.isDeterministic, !expr.columns.isEmpty else { return }
    counts[expr, default: 0] += 1
    for argument in arguments { count(argument, &counts) }
  }

  private static func contains(_ whole: Expr, _ part: Expr) -> Bool {
    if whole == part { return true }
    guard case .call(_, let arguments) = whole else { return false }
    return arguments.contains { contains($0, part) }
  }

  private static func replace(_ expr: Expr, _ names: [Expr: String]) -> Expr {
    if let name = names[expr] { return .column(name) }
    guard case .call(let function, let arguments) = expr else { return expr }
    return .call(function, arguments.map { replace($0, names) })
  }
}

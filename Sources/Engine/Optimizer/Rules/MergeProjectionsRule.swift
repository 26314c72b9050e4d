// Role: neighbouring projections become one where nothing is computed twice; projections that change nothing go.

import Columnar
import DataSource
import Expressions

struct MergeProjectionsRule: OptimizerRule {
  let name = "projection merging"

  func apply(_ plan: LogicalPlan, _ context: EvaluationContext) throws -> LogicalPlan {
    plan.rewrittenUp { node in
      var node = node
      while case .project(let outer, let middle) = node.node, case .project(let inner, let input) = middle.node, let merged = merge(outer, inner) {
        node = LogicalPlan(node: .project(merged, input), schema: node.schema)
      }
      if case .project(let columns, let input) = node.node, isIdentity(columns, input.schema) {
        return LogicalPlan(node: input.node, schema: node.schema)
      }
      return node
    }
  }

  private func isIdentity(_ columns: [NamedExpr], _ schema: StructType) -> Bool {
    columns.count == schema.count && zip(columns, schema.fields).allSatisfy { $0.name == $1.name && $0.expr == .column($1.name) }
  }

  private func merge(_ outer: [NamedExpr], _ inner: [NamedExpr]) -> [NamedExpr]? {
    var definitions: [String: Expr] = [:]
    for column in inner { definitions[column.name] = column.expr }
    var uses: [String: Int] = [:]
    for column in outer { Self.count(column.expr, &uses) }
    for (name, n) in uses {
      guard let definition = definitions[name] else { return nil }
      if definition.isLeaf { continue }
      if n > 1 || !definition.isDeterministic { return nil }
    }
    return outer.map { NamedExpr($0.name, $0.expr.replacingColumns { definitions[$0] }) }
  }

  private static func count(_ expr: Expr, _ uses: inout [String: Int]) {
    switch expr {
    case .column(let name): uses[name, default: 0] += 1
    case .literal: break
    case .call(_, let arguments): for argument in arguments { count(argument, &uses) }
    }
  }
}

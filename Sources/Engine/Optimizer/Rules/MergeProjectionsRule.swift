// Role: neighbouring projections become one where nothing is computed twice; projections that change nothing go.

import Columnar
import DataSource
import Expressions

struct MergeProjectionsRule: OptimizerRule {
  let name = "projection merging"

  func apply(_ plan: LogicalPlan, _ context: EvaluationContext) throws -> LogicalPlan {
    plan.rewrittenUp { node in
      var node = node
      while case .project(let outer, let middle) = node.node, case .project(let inner, let input) = middle.node, let merged = merge(outer, inner, middle.schema) {
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

  /// The outer columns over the inner ones' input; nil where something would be computed twice. `schema` is that of the inner ones.
  private func merge(_ outer: [NamedExpr], _ inner: [NamedExpr], _ schema: StructType) -> [NamedExpr]? {
    var places = FieldPlaces(schema)
    var uses = [Int](repeating: 0, count: inner.count)
    for (i, column) in outer.enumerated() { guard Self.count(column.expr, near: i, &places, &uses) else { return nil } }
    for (k, n) in uses.enumerated() where n > 0 && !inner[k].expr.isLeaf {
      if n > 1 || !inner[k].expr.isDeterministic { return nil }
    }
    return outer.enumerated().map { i, column in
      NamedExpr(column.name, column.expr.replacingColumns { name in places.place(of: name, near: i).map { inner[$0].expr } })
    }
  }

  /// Counts the uses of each inner column; false when one is not there.
  private static func count(_ expr: Expr, near i: Int, _ places: inout FieldPlaces, _ uses: inout [Int]) -> Bool {
    switch expr {
    case .column(let name):
      guard let place = places.place(of: name, near: i) else { return false }
      uses[place] += 1
    case .literal: break
    case .call(_, let arguments): for argument in arguments { guard count(argument, near: i, &places, &uses) else { return false } }
    }
    return true
  }
}

// Role: a subquery over rows that only exist while a query runs: the body of mv-apply and partition. Its plan stands on a placeholder; it is
// run by putting rows there, or rewritten so that one run answers for all groups of rows at once.

package import Columnar
import DataSource
import Expressions

/// Stands for the rows that a subquery is applied to. Never runs itself.
package struct SubquerySource: TableOperator {
  /// Tells nested subqueries apart.
  package let id: Int
  let schema: StructType

  package init(id: Int, schema: StructType) {
    self.id = id
    self.schema = schema
  }

  package var name: String { "SubquerySource" }
  package func outputSchema(_ inputs: [StructType]) throws -> StructType { schema }
  package func keeping(_ wanted: Set<String>) -> any TableOperator {
    SubquerySource(id: id, schema: StructType(schema.fields.filter { wanted.contains($0.name) }))
  }

  package func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    throw internalError("a subquery without its rows")
  }
}

/// A plan over a `SubquerySource`.
package struct SubqueryBody: Sendable {
  package private(set) var plan: LogicalPlan
  /// The placeholder's id.
  package let source: Int

  package init(_ plan: LogicalPlan, source: Int) {
    self.plan = plan
    self.source = source
  }

  package var schema: StructType { plan.schema }

  /// The columns of the rows that the body reads.
  var columnsRead: Set<String> {
    var names: Set<String> = []
    func visit(_ plan: LogicalPlan) {
      if case .custom(let op, _) = plan.node, let placeholder = op as? SubquerySource, placeholder.id == source {
        names.formUnion(placeholder.schema.names)
      }
      for input in plan.inputs { visit(input) }
    }
    visit(plan)
    return names
  }

  /// The body giving at least the output columns `wanted` and reading no more than they need.
  func keeping(_ wanted: Set<String>) -> SubqueryBody {
    let pruned = try? ColumnPruningRule().apply(plan.trimmed(to: wanted), EvaluationContext(nowTicks: 0, seed: 0))
    return SubqueryBody(pruned ?? plan, source: source)
  }

  /// The plan over real rows; `rows` has the placeholder's columns, in any order.
  func over(_ rows: LogicalPlan) throws -> LogicalPlan {
    try plan.rewrittenUp { node in
      guard case .custom(let op, _) = node.node, let placeholder = op as? SubquerySource, placeholder.id == source else { return node }
      return try rows.select(placeholder.schema.names)
    }
  }

  /// Whether a plan stands on this placeholder.
  static func contains(_ source: Int, _ plan: LogicalPlan) -> Bool {
    if case .custom(let op, _) = plan.node, let placeholder = op as? SubquerySource, placeholder.id == source { return true }
    return plan.inputs.contains { contains(source, $0) }
  }
}

extension LogicalPlan {
  /// Whether the plan stands on rows that are not there yet.
  package var hasSubquerySource: Bool {
    if case .custom(let op, _) = node, op is SubquerySource { return true }
    return inputs.contains { $0.hasSubquerySource }
  }
}

// Role: keeps the rows for which a predicate is true.

import Columnar
import DataSource
import Expressions

/// Rows where `predicate` is true; null counts as false.
final class FilterNode: PhysicalNode, @unchecked Sendable {
  private let predicate: Expr
  /// Positions of the columns that go on; nil: all.
  private let kept: [Int]?

  /// `names` are the columns that go on; nil: all.
  init(_ predicate: Expr, keeping names: Set<String>?, _ input: PhysicalNode) {
    self.predicate = predicate
    let positions = input.schema.fields.indices.filter { names?.contains(input.schema[$0].name) ?? true }
    kept = positions.count == input.schema.count ? nil : positions
    super.init("Filter", detail: ExprText.text(predicate), schema: StructType(positions.map { input.schema[$0] }), children: [input])
  }

  override func offer(_ filter: Expr) { children[0].offer(filter) }

  override func open(_ run: QueryRun) throws -> any BatchStream {
    let compiled = try CompiledExpr(predicate, schema: children[0].schema, context: run.context)
    return MapStream(try children[0].open(run), Step(predicate: compiled, node: self))
  }

  private struct Step: BatchOperator {
    let predicate: CompiledExpr
    let node: FilterNode

    func process(_ batch: RecordBatch, _ emit: (RecordBatch) throws -> Bool) throws -> Bool {
      let start = monotonicNanoseconds()
      node.metrics.took(batch.rowCount)
      let selection = try predicate.select(batch)
      let out = (node.kept.map { batch.selecting($0) } ?? batch).filter(selection)
      node.metrics.spent(monotonicNanoseconds() &- start)
      if out.rowCount == 0 { return true }
      node.metrics.gave(out.rowCount)
      try node.verify(out)
      return try emit(out)
    }
  }
}

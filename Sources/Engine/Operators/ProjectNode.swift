// Role: computes the output columns of each batch.

import Columnar
import DataSource
import Expressions

/// One output column per expression; plain column references pass through unchanged.
final class ProjectNode: PhysicalNode, @unchecked Sendable {
  private let columns: [NamedExpr]

  init(_ columns: [NamedExpr], schema: StructType, _ input: PhysicalNode) {
    self.columns = columns
    super.init("Project", detail: ExprText.text(columns), schema: schema, children: [input])
  }

  /// A filter that reads only columns passed through is handed on under their names below.
  override func offer(_ filter: Expr) {
    var origin: [String: Expr] = [:]
    for column in columns { if let name = column.expr.passedColumn { origin[column.name] = .column(name) } }
    guard filter.columns.allSatisfy({ origin[$0] != nil }) else { return }
    children[0].offer(filter.replacingColumns { origin[$0] })
  }

  override var topLimit: Int? { children[0].topLimit }

  override func openWithoutLimit(_ run: QueryRun) throws -> any BatchStream { try projected(try children[0].openWithoutLimit(run), run) }

  override func open(_ run: QueryRun) throws -> any BatchStream { try projected(try children[0].open(run), run) }

  private func projected(_ input: any BatchStream, _ run: QueryRun) throws -> any BatchStream {
    let compiled = try CompiledExpr.all(columns.map(\.expr), schema: children[0].schema, context: run.context)
    return MapStream(input, Step(columns: compiled, node: self))
  }

  private struct Step: BatchOperator {
    let columns: [CompiledExpr]
    let node: ProjectNode

    func process(_ batch: RecordBatch, _ emit: (RecordBatch) throws -> Bool) throws -> Bool {
      let start = monotonicNanoseconds()
      let vectors = try columns.map { try $0.evaluate(batch) }
      let out = RecordBatch(schema: node.schema, columns: vectors, rowCount: batch.rowCount)
      node.metrics.spent(monotonicNanoseconds() &- start)
      node.metrics.took(batch.rowCount)
      node.metrics.gave(batch.rowCount)
      try node.verify(out)
      return try emit(out)
    }
  }
}

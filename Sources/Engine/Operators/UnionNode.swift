// Role: all rows of all inputs, in input order.

import Columnar
import DataSource
import Expressions

/// The inputs one after the other; schemas agree in names and types.
final class UnionNode: PhysicalNode, @unchecked Sendable {
  init(_ inputs: [PhysicalNode], schema: StructType) { super.init("Union", schema: schema, children: inputs) }

  override func offer(_ filter: Expr) { for child in children { child.offer(filter) } }

  override func open(_ run: QueryRun) throws -> any BatchStream {
    MapStream(ChainStream(try children.map { try $0.open(run) }), CountStep(node: self))
  }
}

/// Passes batches on, counting them for an operator that changes none.
struct CountStep: BatchOperator {
  let node: PhysicalNode

  func process(_ batch: RecordBatch, _ emit: (RecordBatch) throws -> Bool) throws -> Bool {
    node.metrics.took(batch.rowCount)
    node.metrics.gave(batch.rowCount)
    try node.verify(batch)
    return try emit(batch)
  }
}

// Role: the number of rows. Asks the source when it knows, else counts batches.

import Columnar
import DataSource
import Expressions
import Synchronization

/// One row with the row count of the input.
final class CountNode: PhysicalNode, @unchecked Sendable {
  init(name: String, schema: StructType, _ input: PhysicalNode) {
    super.init("Count", detail: quotedName(name), schema: schema, children: [input])
    estimatedRows = 1
  }

  override func open(_ run: QueryRun) throws -> any BatchStream {
    let counter = Counter(metrics)
    try run.drain(try children[0].open(run), into: counter)
    let rows = counter.rows.load(ordering: .relaxed)
    metrics.gave(1)
    return IndexedStream([RecordBatch(schema: schema, columns: [.constant(.long(Int64(rows)), count: 1)])])
  }

  private final class Counter: DrainSink {
    let rows = Atomic<Int>(0)
    private let metrics: OperatorMetrics

    init(_ metrics: OperatorMetrics) { self.metrics = metrics }

    func consume(_ batch: RecordBatch, slot: Int, position: BatchPosition) -> Bool {
      metrics.took(batch.rowCount)
      rows.add(batch.rowCount, ordering: .relaxed)
      return true
    }
  }
}

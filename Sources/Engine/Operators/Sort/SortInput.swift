// Role: the rows a sort holds: each batch with its evaluated keys and its place in the input, and their order once all are there.

import Columnar
import DataSource
import Expressions

/// Sort keys bound to their input.
struct SortSpec: Sendable {
  let keys: [CompiledExpr]
  let directions: [SortDirection]

  init(_ keys: [SortKey], input: StructType, context: EvaluationContext) throws {
    self.keys = try keys.map { try CompiledExpr($0.expr, schema: input, context: context) }
    directions = keys.map { SortDirection(isDescending: $0.isDescending, nullsFirst: $0.nullsFirst) }
  }

  func evaluate(_ batch: RecordBatch) throws -> [ColumnVector] { try keys.map { try $0.evaluate(batch) } }
}

/// A batch with its keys.
struct SortChunk: Sendable {
  var batch: RecordBatch
  var keys: [ColumnVector]
  var position: BatchPosition

  var byteSize: Int { batch.byteSize + keys.reduce(0) { $0 + $1.byteSize } + batch.rowCount * 16 }
}

/// Rows in sorted order: positions into chunks.
struct SortedRows: Sendable {
  let columns: [ChunkedColumn]
  let schema: StructType

  init(_ chunks: [SortChunk], schema: StructType, run: QueryRun) throws {
    self.schema = schema
    let made = Slots<ChunkedColumn>(count: schema.count)
    try run.forEach(schema.count) { c in made[c] = ChunkedColumn(chunks.map { $0.batch.columns[c] }, type: schema[c].type) }
    columns = made.all
  }

  /// The rows at those positions as one batch.
  // SAFETY: `at` has as many places as there are items, all filled before they are read, and lives until the batch is made; the items are the caller's.
  func batch(_ items: UnsafeBufferPointer<SortItem>) -> RecordBatch {
    unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: items.count) { at in
      for i in 0..<items.count { unsafe at[i] = unsafe items[i].at }
      let at = unsafe UnsafeBufferPointer(rebasing: at[0..<items.count])
      return RecordBatch(schema: schema, columns: columns.map { unsafe $0.gather(at) }, rowCount: items.count)
    }
  }
}

/// Values made by threads, one for each index.
final class Slots<T: Sendable>: @unchecked Sendable {  // guarded by `monitor`
  private let monitor = Monitor()
  private var values: [T?]

  init(count: Int) { values = Array(repeating: nil, count: count) }

  subscript(_ i: Int) -> T? {
    get { monitor.withLock { values[i] } }
    set { monitor.withLock { values[i] = newValue } }
  }

  /// Those that were made, in index order.
  var all: [T] { monitor.withLock { values.compactMap { $0 } } }
}

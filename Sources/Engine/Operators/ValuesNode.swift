// Role: sources that need no table: rows in memory, counting ranges.

import Columnar
import DataSource
import Expressions

/// Rows in memory.
final class ValuesNode: PhysicalNode, @unchecked Sendable {
  private let batches: [RecordBatch]

  init(_ batches: [RecordBatch], schema: StructType) {
    self.batches = batches
    let rows = batches.reduce(0) { $0 + $1.rowCount }
    super.init("Values", detail: "\(rows) rows", schema: schema)
    estimatedRows = rows
  }

  override func open(_ run: QueryRun) throws -> any BatchStream {
    let batches = batches
    return IndexedStream(count: batches.count) { [self] i, emit in
      metrics.gave(batches[i].rowCount)
      try verify(batches[i])
      _ = try emitBounded(batches[i], emit)
    }
  }
}

/// One counting column, both ends included.
final class RangeNodeOperator: PhysicalNode, @unchecked Sendable {
  private let range: RangeNode
  private let count: Int

  init(_ range: RangeNode, schema: StructType) throws {
    self.range = range
    let rows = try Self.rowCount(range)
    count = rows
    super.init("Range", detail: "\(quotedName(range.name)) \(rows) rows", schema: schema)
    estimatedRows = rows
  }

  private static func rowCount(_ range: RangeNode) throws -> Int {
    if range.start.isNull || range.end.isNull || range.step.isNull { return 0 }
    if case .real(let start) = range.start, case .real(let end) = range.end, case .real(let step) = range.step {
      guard step != 0, step.isFinite, start.isFinite, end.isFinite else { throw zeroStep() }
      let n = ((end - start) / step + 1e-9).rounded(.down)
      if n < 0 { return 0 }
      guard n < 9e15 else { throw tooMany() }
      return Int(n) + 1
    }
    guard let start = range.start.int64Value, let end = range.end.int64Value, let step = range.step.int64Value else {
      throw KConnectError(.typeMismatch, "range takes long, real, datetime or timespan, found \(range.start.type)")
    }
    guard step != 0 else { throw zeroStep() }
    if step > 0 ? start > end : start < end { return 0 }
    let n = (Int128(end) - Int128(start)) / Int128(step)
    guard n < Int128(1) << 60 else { throw tooMany() }
    return Int(n) + 1
  }

  private static func zeroStep() -> KConnectError { KConnectError(.valueInvalid, "range: the step must be a finite number other than 0") }
  private static func tooMany() -> KConnectError { KConnectError(.valueInvalid, "range: more rows than can be counted") }

  override func open(_ run: QueryRun) throws -> any BatchStream {
    let rows = RecordBatch.maxRows
    return IndexedStream(count: (count + rows - 1) / rows) { [self] i, emit in
      let first = i * rows
      let batch = RecordBatch(schema: schema, columns: [column(first, min(rows, count - first))])
      metrics.gave(batch.rowCount)
      try verify(batch)
      _ = try emit(batch)
    }
  }

  // SAFETY: p has n slots of `out`, which grows no more.
  private func column(_ first: Int, _ n: Int) -> ColumnVector {
    if case .real(let start) = range.start, case .real(let step) = range.step {
      let out = BufferBuilder<Double>(capacity: n)
      let p = unsafe out.appendUninitialized(n)
      for i in 0..<n { unsafe p[i] = start + Double(first + i) * step }
      return .real(out.finish())
    }
    let start = range.start.int64Value ?? 0, step = range.step.int64Value ?? 0
    if range.start.type == .int {
      let out = BufferBuilder<Int32>(capacity: n)
      let p = unsafe out.appendUninitialized(n)
      for i in 0..<n { unsafe p[i] = Int32(truncatingIfNeeded: start &+ Int64(first + i) &* step) }
      return .int(out.finish())
    }
    let out = BufferBuilder<Int64>(capacity: n)
    let p = unsafe out.appendUninitialized(n)
    for i in 0..<n { unsafe p[i] = start &+ Int64(first + i) &* step }
    return .long(out.finish(), type: range.start.type)
  }
}

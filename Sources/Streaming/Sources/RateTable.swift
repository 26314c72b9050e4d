// Role: a range of numbers and their times as a table, made batch by batch as it is read: a range may be longer than memory.

import Columnar
import DataSource
import Expressions
import Synchronization

struct RateTable: BatchReadable {
  /// The time of a value: that of its group of `each` values, or spread evenly over the group's time.
  struct Times: Sendable {
    var startMs: Int64
    var stepMs: Int64
    var each: Int64
    var spreads = false

    /// In ticks of 100 ns.
    func ticks(_ value: Int64) -> Int64 {
      let (group, rest) = value.quotientAndRemainder(dividingBy: each)
      return (startMs + group * stepMs + (spreads ? rest * stepMs / each : 0)) * 10_000
    }
  }

  let schema: StructType
  let description: String
  let values: Range<Int64>
  let times: Times

  var exactRowCount: Int? { values.count }
  func pushdown(_ filters: [Expr]) -> [FilterPushdown] { filters.map { _ in .unsupported } }

  func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan {
    let fields = try request.columns.map { name in
      guard let field = schema.field(name) else { throw KConnectError(.columnNotFound, "\(description) has no column '\(name)'") }
      return field
    }
    return RateScan(schema: StructType(fields), values: values, times: times)
  }
}

private final class RateScan: Scan {
  let schema: StructType
  private let values: Range<Int64>
  private let times: RateTable.Times
  private let next: Mutex<Int64>

  init(schema: StructType, values: Range<Int64>, times: RateTable.Times) {
    self.schema = schema
    self.values = values
    self.times = times
    next = Mutex(values.lowerBound)
  }

  var metrics: ScanMetrics {
    var metrics = ScanMetrics()
    metrics.rowsRead = Int(next.withLock { $0 } - values.lowerBound)
    return metrics
  }

  func nextMorsel() throws -> (any Morsel)? {
    next.withLock { next -> (any Morsel)? in
      guard next < values.upperBound else { return nil }
      let piece = next..<min(values.upperBound, next + Int64(RecordBatch.maxRows))
      next = piece.upperBound
      return RateMorsel(schema: schema, values: piece, times: times)
    }
  }
}

private struct RateMorsel: Morsel {
  let schema: StructType
  let values: Range<Int64>
  let times: RateTable.Times

  func read(_ emit: (RecordBatch) throws -> Bool) throws {
    let columns = schema.fields.map { field in
      let numbers = field.type == .datetime ? values.map(times.ticks) : Array(values)
      return ColumnVector(type: field.type, count: numbers.count, storage: .long(Buffer(numbers)))
    }
    _ = try emit(RecordBatch(schema: schema, columns: columns, rowCount: values.count))
  }
}

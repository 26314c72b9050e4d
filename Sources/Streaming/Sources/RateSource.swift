// Role: rows made from a clock or a counter, for tests and trials: `rate` (rows per second) and `rate-micro-batch` (rows per batch).

#if canImport(Glibc)
import Glibc
#endif
package import Columnar
package import DataSource
package import Engine

/// Columns `timestamp:datetime, value:long`, values from 0 without gaps.
package final class RateSource: MicroBatchSource {
  package static let specs: [OptionSpec] = [
    OptionSpec("rowsPerSecond", .integer, default: "1", use: .read, "rate: rows in each second."),
    OptionSpec("rowsPerBatch", .integer, default: "0", use: .read, "rate-micro-batch: rows in each batch."),
    OptionSpec("startTimestamp", .integer, default: "0", use: .read, "rate-micro-batch: the first batch's time in milliseconds since 1970."),
    OptionSpec("advanceMillisPerBatch", .integer, default: "1000", use: .read, "rate-micro-batch: how far the time moves with each batch."),
  ]
  package static let columns = StructType([StructField("timestamp", .datetime), StructField("value", .long)])

  private let rowsPerSecond: Int64
  private let rowsPerBatch: Int64
  private let startMs: Int64
  private let advanceMs: Int64
  private let isPerBatch: Bool
  private var epochMs: Int64 = 0
  private var frozenSeconds: Int64?
  private let now: () -> Int64

  /// `now` gives milliseconds since 1970.
  package init(perBatch: Bool, options: DataSourceOptions, now: @escaping () -> Int64) throws {
    isPerBatch = perBatch
    rowsPerSecond = Int64(options.integer("rowsPerSecond") ?? 1)
    rowsPerBatch = Int64(options.integer("rowsPerBatch") ?? 0)
    startMs = Int64(options.integer("startTimestamp") ?? 0)
    advanceMs = Int64(options.integer("advanceMillisPerBatch") ?? 1_000)
    self.now = now
    guard rowsPerSecond >= 1, !perBatch || rowsPerBatch >= 1 else {
      throw KConnectError(.optionInvalid, "option '\(perBatch ? "rowsPerBatch" : "rowsPerSecond")' must be 1 or more")
    }
  }

  package var schema: StructType { Self.columns }
  package var description: String { isPerBatch ? "rate-micro-batch" : "rate" }
  package var identity: String { isPerBatch ? "rate-micro-batch:\(rowsPerBatch)" : "rate:\(rowsPerSecond)" }

  /// The time of second 0 stands in the source's log, so that a restart counts on.
  package func attach(_ checkpoint: Checkpoint, index: Int) throws {
    guard !isPerBatch else { return }
    let log = try checkpoint.sourceLog(index)
    if let line = try log.read(0)?.first, let known = Int64(line) {
      epochMs = known
    } else {
      epochMs = now()
      try log.put(0, [String(epochMs)])
    }
  }

  package func freeze() throws { frozenSeconds = max(0, (now() - epochMs) / 1_000) }

  private func count(_ offset: StreamOffset?) throws -> Int64 {
    guard let offset else { return 0 }
    let value = try offset.value()
    if isPerBatch, let n = value.integer("offset") { return Int64(n) }
    if !isPerBatch, case .long(let seconds) = value { return seconds }
    throw KConnectError(.checkpointConflict, "the offset \(offset) is not one of \(description)")
  }

  package func latestOffset(after start: StreamOffset?, _ admission: Admission) throws -> StreamOffset? {
    if isPerBatch {
      let n = try count(start) + 1
      return StreamOffset(.object([("offset", .long(n)), ("timestamp", .long(startMs + n * advanceMs))]))
    }
    let seconds = frozenSeconds ?? max(0, (now() - epochMs) / 1_000)
    return try seconds > count(start) ? StreamOffset(.long(seconds)) : start
  }

  package func rows(after start: StreamOffset?, through end: StreamOffset) throws -> LogicalPlan {
    let from = try count(start), to = try count(end)
    let rows = isPerBatch ? rowsPerBatch : rowsPerSecond
    let times: (Int64) -> Int64 = { value in
      if self.isPerBatch { return (self.startMs + (value / rows) * self.advanceMs) * 10_000 }
      return (self.epochMs + value * 1_000 / rows) * 10_000
    }
    var batches: [RecordBatch] = []
    var value = from * rows
    while value < to * rows {
      let n = min(Int64(RecordBatch.maxRows), to * rows - value)
      let values = (value..<value + n).map { $0 }
      let columns = [
        ColumnVector(type: .datetime, count: values.count, storage: .long(Buffer(values.map(times)))),
        ColumnVector(type: .long, count: values.count, storage: .long(Buffer(values))),
      ]
      batches.append(RecordBatch(schema: schema, columns: columns, rowCount: Int(n)))
      value += n
    }
    return .values(schema, batches)
  }
}

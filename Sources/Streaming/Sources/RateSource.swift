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
    func number(_ name: String, _ range: ClosedRange<Int>) throws -> Int64 {
      let value = options.integer(name) ?? 0
      guard range.contains(value) else {
        throw KConnectError(.optionInvalid, "option '\(name)': found \(value), expected \(range.lowerBound) to \(range.upperBound)")
      }
      return Int64(value)
    }
    isPerBatch = perBatch
    rowsPerSecond = perBatch ? 1 : try number("rowsPerSecond", 1...Self.mostRows)
    rowsPerBatch = perBatch ? try number("rowsPerBatch", 1...Self.mostRows) : 1
    startMs = try number("startTimestamp", Self.times)
    advanceMs = try number("advanceMillisPerBatch", 0...Self.times.upperBound)
    self.now = now
  }

  /// Rows in a second or a batch.
  private static let mostRows = 1_000_000_000
  /// What a datetime holds, in milliseconds since 1970.
  private static let times = -62_135_596_800_000...253_402_300_799_999

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
      return StreamOffset(.object([("offset", .long(n)), ("timestamp", .long(try time(ofBatch: n)))]))
    }
    let seconds = frozenSeconds ?? max(0, (now() - epochMs) / 1_000)
    return try seconds > count(start) ? StreamOffset(.long(seconds)) : start
  }

  /// Throws where the time is behind the year 9999.
  private func time(ofBatch n: Int64) throws -> Int64 {
    let (moved, overflows) = n.multipliedReportingOverflow(by: advanceMs)
    guard !overflows, moved <= Int64(Self.times.upperBound) - startMs else {
      throw KConnectError(.valueInvalid, "rate-micro-batch: the time of batch \(n) is behind the year 9999", hint: "choose a smaller advanceMillisPerBatch and another checkpoint directory")
    }
    return startMs + moved
  }

  package func rows(after start: StreamOffset?, through end: StreamOffset) throws -> LogicalPlan {
    let from = try count(start), to = try count(end), each = isPerBatch ? rowsPerBatch : rowsPerSecond
    // Times grow with the rows: when the last one can be told, all can.
    if isPerBatch { _ = try time(ofBatch: to) }
    let (first, _) = from.multipliedReportingOverflow(by: each)
    let (last, overflows) = to.multipliedReportingOverflow(by: each)
    guard from >= 0, from <= to, !overflows else { throw KConnectError(.valueInvalid, "\(description): values up to offset \(end) do not fit into 64 bits", hint: "use another checkpoint directory") }
    let times = isPerBatch ? RateTable.Times(startMs: startMs, stepMs: advanceMs, each: each) : RateTable.Times(startMs: epochMs, stepMs: 1_000, each: each, spreads: true)
    return .scan(RateTable(schema: schema, description: description, values: first..<last, times: times))
  }
}

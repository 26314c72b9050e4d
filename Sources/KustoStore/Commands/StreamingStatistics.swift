// Role: what came by streaming ingestion into the tables of this process, added up by the minute. Source: Kusto reference, ".show streamingingestion
// statistics".

import Columnar
import DataSource
import Synchronization

final class StreamingStatistics: Sendable {
  /// What is added up apart from the rest.
  struct Key: Hashable, Sendable {
    var database: String
    var table: String
    var principal: String
    /// `Success`, or the code of the failure.
    var status: String
    /// JSON.
    var properties: String
    /// Since 1970.
    var minute: Int64
  }

  struct Measure: Sendable {
    private(set) var total: Int64 = 0
    private(set) var min = Int64.max
    private(set) var max = Int64.min

    mutating func add(_ value: Int64) {
      total &+= value
      min = Swift.min(min, value)
      max = Swift.max(max, value)
    }
  }

  /// Times and durations in ticks, sizes in bytes.
  struct Bucket: Sendable {
    var start: Int64
    var end: Int64
    var count: Int64 = 0
    var duration = Measure(), size = Measure(), rows = Measure()
  }

  private struct State {
    var buckets: [Key: Bucket] = [:]
    /// Oldest first.
    var keys: [Key] = []
  }

  private let state = Mutex(State())
  /// Buckets; the oldest make room.
  private static let kept = 10_000

  func note(database: String, table: String, principal: String, status: String, properties: String, from start: Int64, to end: Int64, bytes: Int, rows: Int) {
    let key = Key(database: database, table: table, principal: principal, status: status, properties: properties, minute: end / 600_000_000)
    state.withLock { state in
      if state.buckets[key] == nil {
        if state.keys.count >= Self.kept {
          for old in state.keys.prefix(Self.kept / 10) { state.buckets[old] = nil }
          state.keys.removeFirst(Self.kept / 10)
        }
        state.keys.append(key)
      }
      var bucket = state.buckets[key] ?? Bucket(start: end, end: end)
      bucket.end = end
      bucket.count += 1
      bucket.duration.add(end - start)
      bucket.size.add(Int64(bytes))
      bucket.rows.add(Int64(rows))
      state.buckets[key] = bucket
    }
  }

  /// Oldest first.
  var all: [(key: Key, bucket: Bucket)] { state.withLock { state in state.keys.compactMap { key in state.buckets[key].map { (key: key, bucket: $0) } } } }
}

extension FileIngestion {
  /// Counts one that came by streaming.
  func count(_ input: IngestInput, into table: StoreTable, _ properties: CommandProperties, rows: Int, failure: (any Error)? = nil) {
    guard isStreaming else { return }
    executor.streaming.note(
      database: table.database.name, table: table.name, principal: request.principal, status: failure.map { IngestFailure.code($0) } ?? "Success",
      properties: properties.json, from: request.startedOn, to: StoreClock.nowTicks, bytes: input.byteCount, rows: rows)
  }
}

extension IngestInput {
  /// 0 for files, whose size is not asked for.
  var byteCount: Int {
    switch self {
    case .files: 0
    case .bodies(let bodies): bodies.reduce(0) { $0 + $1.count }
    }
  }
}

extension CommandRun {
  func streamingStatisticsShow() throws -> CommandOutput {
    CommandOutput(
      Shapes.streamingStatistics,
      try executor.streaming.all.filter { try mayKnow(of: $0.key.principal, database: $0.key.database) }.map { key, bucket -> [Scalar] in
        let average = bucket.duration.total / max(1, bucket.count)
        let times: [Scalar] = [.datetime(bucket.start), .datetime(bucket.end), .long(bucket.count), .timespan(bucket.duration.min), .timespan(bucket.duration.max), .timespan(average)]
        let amounts: [Scalar] = [bucket.size, bucket.rows].flatMap { [.long($0.total), .long($0.min), .long($0.max)] as [Scalar] }
        let rest: [Scalar] = [.string(key.status), .int(1), .string(key.principal), .string("local"), .dynamic(DynamicValue(json: key.properties) ?? .bag([]))]
        return [.string(key.database), .string(key.table)] + times + amounts + rest
      })
  }
}

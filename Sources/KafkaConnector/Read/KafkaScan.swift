// Role: reads ranges of offsets: all partitions at once, until each has reached its end. Offsets may have gaps (compaction, transactions), so
// that a range is done when a message or the partition's end lies at or behind it, never by counting.

import CKafka
import Columnar
import DataSource
import Expressions
import Synchronization

/// Offsets `start..<end` of a partition.
struct OffsetRange: Sendable, Hashable {
  var partition: TopicPartition
  var start: Int64
  var end: Int64
}

/// Ranges of a topic as a table.
final class KafkaTable: BatchReadable {
  let schema: StructType
  let description: String
  private let broker: KafkaBroker
  private let ranges: [OffsetRange]
  private let lost: LossNotes?

  /// `lost` gets remarks beside those of the scan's metrics.
  init(_ broker: KafkaBroker, _ ranges: [OffsetRange], _ lost: LossNotes? = nil) {
    self.lost = lost
    self.broker = broker
    self.ranges = ranges.filter { $0.end > $0.start }
    schema = KafkaRows.schema(includesHeaders: broker.settings.includesHeaders)
    description = "kafka \(broker.settings.brokers)/\(broker.settings.subscription.identity)"
  }

  func pushdown(_ filters: [Expr]) -> [FilterPushdown] { filters.map { _ in .unsupported } }

  func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan {
    let fields = try request.columns.map { name in
      guard let field = schema.field(name) else { throw KConnectError(.columnNotFound, "the kafka source has no column '\(name)'") }
      return field
    }
    return KafkaScan(StructType(fields), broker, ranges, lost)
  }
}

private struct KafkaMorsel: Morsel {
  let batch: RecordBatch
  func read(_ emit: (RecordBatch) throws -> Bool) throws { _ = try emit(batch) }
}

final class KafkaScan: Scan {
  private struct State {
    var hasStarted = false
    /// The next offset wanted of each partition that is not done.
    var open: [TopicPartition: (next: Int64, end: Int64)]
    /// Partitions whose next offset turned out to be gone.
    var stale: Set<TopicPartition> = []
    var metrics = ScanMetrics()
  }

  private static let maxRows = 32_768
  private static let maxBytes = 16 << 20
  let schema: StructType
  private let broker: KafkaBroker
  private let topicNames: [String]
  private let rows: KafkaRows
  private let lost: LossNotes?
  // The state and the builder belong to whoever holds the mutex.
  private let state: Mutex<State>

  init(_ schema: StructType, _ broker: KafkaBroker, _ ranges: [OffsetRange], _ lost: LossNotes?) {
    self.schema = schema
    self.lost = lost
    self.broker = broker
    topicNames = Set(ranges.map(\.partition.topic)).sorted()
    rows = KafkaRows(schema, topics: topicNames, alwaysBase64: broker.settings.alwaysBase64)
    state = Mutex(State(open: Dictionary(uniqueKeysWithValues: ranges.map { ($0.partition, ($0.start, $0.end)) })))
  }

  var metrics: ScanMetrics { state.withLock { $0.metrics } }

  func nextMorsel() throws -> (any Morsel)? {
    try state.withLock { state -> (any Morsel)? in
      if !state.hasStarted {
        state.hasStarted = true
        try Failpoint.pass("kafka.fetch")
        try assign(state)
      }
      let patience = Int64(broker.settings.pollTimeoutMs) * 1_000_000
      var last = SystemClock.monotonicNanoseconds
      while !state.open.isEmpty, rows.count < Self.maxRows, rows.bytes < Self.maxBytes {
        let waiting = state.open.count
        let before = rows.count
        _ = try unsafe broker.client.poll(waitMs: 100) { try unsafe take($0, &state) }
        if !state.stale.isEmpty { try passOver(&state) }
        if rows.count > before || state.open.count < waiting {
          last = SystemClock.monotonicNanoseconds
        } else if SystemClock.monotonicNanoseconds - last > patience {
          let (partition, range) = state.open.min { $0.key < $1.key } ?? (TopicPartition(topic: "", partition: 0), (0, 0))
          throw KConnectError(
            .io, "Kafka: \(partition): no message came for \(broker.settings.pollTimeoutMs) ms at offset \(range.next), expected up to \(range.end)",
            hint: "are the brokers reachable? kafkaConsumer.pollTimeoutMs sets how long is waited", isRetryable: true)
        }
      }
      if state.open.isEmpty, rows.count == 0 {
        try broker.client.assign([])
        return nil
      }
      state.metrics.rowsRead += rows.count
      state.metrics.bytesRead += rows.bytes
      return KafkaMorsel(batch: rows.finish())
    }
  }

  // SAFETY: the message lives for the call.
  private func take(_ message: UnsafeMutablePointer<rd_kafka_message_t>, _ state: inout State) throws {
    let code = unsafe message.pointee.err
    let topic = unsafe String(cString: ckafka_message_topic(message))
    let partition = unsafe TopicPartition(topic: topic, partition: message.pointee.partition)
    switch code {
    case RD_KAFKA_RESP_ERR_NO_ERROR: break
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      // The end of the log: everything before it has been seen, also where the last offsets hold no message.
      if let range = state.open[partition], unsafe message.pointee.offset >= range.end { close(partition, &state) }
      return
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      guard let range = state.open[partition] else { return }
      if broker.settings.failsOnDataLoss { throw DataLoss.error("\(partition): offsets from \(range.next) on are gone") }
      state.stale.insert(partition)
      return
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE:
      // The client connects again by itself; waiting has its own limit.
      return
    default: throw unsafe KafkaClient.error(code, topic.isEmpty ? "cannot read" : "cannot read \(partition)", text: String(cString: ckafka_message_error(message)))
    }
    guard var range = state.open[partition] else { return }
    let offset = unsafe message.pointee.offset
    if offset < range.next { return }
    if offset >= range.end { return close(partition, &state) }
    unsafe rows.append(message, topic: topicNames.firstIndex(of: topic) ?? 0)
    range.next = offset + 1
    if range.next >= range.end { close(partition, &state) } else { state.open[partition] = range }
  }

  private func assign(_ state: State) throws {
    if !state.open.isEmpty { try broker.client.assign(state.open.sorted { $0.key < $1.key }.map { ($0.key, $0.value.next) }) }
  }

  /// Goes on at the first messages there are, where those wanted expired while the scan ran.
  private func passOver(_ state: inout State) throws {
    for partition in state.stale.sorted() {
      guard var range = state.open[partition] else { continue }
      let (low, high) = try broker.watermarks(partition)
      // A partition that ends before the offset was made anew: none of the messages that were meant is there.
      let next = range.next > high ? range.end : max(low, range.next)
      if next > range.next {
        let note = "Kafka: \(partition): offsets \(range.next) to \(min(next, range.end) - 1) are gone and were left out"
        state.metrics.notes.append(note)
        lost?.add(note)
      }
      range.next = next
      state.open[partition] = next < range.end ? range : nil
    }
    state.stale = []
    try assign(state)
  }

  private func close(_ partition: TopicPartition, _ state: inout State) {
    state.open[partition] = nil
    if !state.open.isEmpty { broker.client.pause(partition) }
  }
}

/// Remarks of scans about messages that are gone. Shared by threads.
final class LossNotes: Sendable {
  private let notes = Mutex<[String]>([])

  func add(_ note: String) { notes.withLock { $0.append(note) } }

  /// The remarks since the last call.
  func take() -> [String] {
    notes.withLock { notes in
      defer { notes = [] }
      return notes
    }
  }
}

enum DataLoss {
  static func error(_ what: String) -> KConnectError {
    KConnectError(
      .checkpointConflict, "Kafka: \(what): they expired, or the topic was made anew",
      hint: "the messages cannot be read any more; failOnDataLoss=false goes on with those that are there")
  }
}

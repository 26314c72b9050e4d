// Role: topics as a stream. A batch is a range of offsets for each partition and stands in the write-ahead log; the offsets of the first start
// stand in the source's log, so that "latest" is decided once.

package import Columnar
package import DataSource
package import Engine
package import Streaming

package final class KafkaStreamSource: MicroBatchSource {
  private let settings: KafkaSettings
  private let starting: OffsetChoice
  private let now: () -> Int64
  private var opened: KafkaBroker?
  private var initial: [TopicPartition: Int64] = [:]
  private var frozen: [TopicPartition: Int64]?
  private var lastLatest: [TopicPartition: Int64] = [:]
  private var lastStart: [TopicPartition: Int64] = [:]
  private var lastBatchMs: Int64?
  private var notes: [String] = []
  /// What scans found gone; they run on other threads.
  private let lost = LossNotes()
  package let schema: StructType

  /// `now` gives milliseconds since 1970. Throws OPTION_INVALID, USAGE; connects when the query starts.
  package init(_ path: String, options: DataSourceOptions, now: @escaping () -> Int64) throws {
    settings = try KafkaSettings(reading: path, options)
    for name in ["endingOffsets", "endingTimestamp", "endingOffsetsByTimestamp"] where options.isGiven(name) {
      throw KConnectError(.optionInvalid, "option '\(name)' is not for streams: they have no end", hint: "read the topic with kconnect read or write, or end the stream with --max-batches or --timeout")
    }
    starting = try OffsetChoice.read("starting", options, default: .latest)
    self.now = now
    schema = KafkaRows.schema(includesHeaders: settings.includesHeaders)
  }

  package var description: String { "kafka \(settings.brokers)/\(settings.subscription.identity)" }
  package var identity: String { "kafka:\(settings.subscription.identity)" }

  package var backlog: [(name: String, value: Int)] {
    let lags = lastLatest.map { partition, end in Int(max(0, end - (lastStart[partition] ?? end))) }
    guard !lags.isEmpty else { return [] }
    return [
      ("minOffsetsBehindLatest", lags.min() ?? 0), ("maxOffsetsBehindLatest", lags.max() ?? 0), ("avgOffsetsBehindLatest", lags.reduce(0, +) / lags.count),
    ]
  }

  package func takeNotes() -> [String] {
    defer { notes = [] }
    return notes + lost.take()
  }

  private func broker() throws -> KafkaBroker {
    if let opened { return opened }
    let broker = try KafkaBroker(settings)
    opened = broker
    return broker
  }

  package func attach(_ checkpoint: Checkpoint, index: Int) throws {
    let log = try checkpoint.sourceFile(index, "0")
    if let lines = try log.read() {
      initial = try OffsetMap.parse(lines.first ?? "", "'\(log.path)'", .checkpointConflict)
      return
    }
    let broker = try broker()
    initial = try starting.resolved(try broker.partitions(), broker, missing: settings.missingTime, option: "startingOffsets")
    try log.put([OffsetMap.json(initial)])
  }

  package func freeze() throws { frozen = try latest(try broker()) }

  private func latest(_ broker: KafkaBroker) throws -> [TopicPartition: Int64] {
    try Dictionary(uniqueKeysWithValues: broker.partitions().map { ($0, try broker.watermarks($0).high) })
  }

  private func offsets(_ offset: StreamOffset?) throws -> [TopicPartition: Int64] {
    guard let offset else { return initial }
    return try OffsetMap.parse(offset.json, "the offset \(offset)", .checkpointConflict)
  }

  package func latestOffset(after start: StreamOffset?, _ admission: Admission) throws -> StreamOffset? {
    let broker = try broker()
    var from = try offsets(start)
    var ends = try frozen ?? latest(broker)
    for partition in ends.keys where from[partition] == nil {
      // Found since: from its beginning, unless that is gone.
      let low = try broker.watermarks(partition).low
      if low > 0, settings.failsOnDataLoss { throw DataLoss.error("\(partition) is new and begins at offset \(low): offsets before it are gone") }
      from[partition] = low
    }
    let gone = from.keys.filter { ends[$0] == nil }.sorted()
    if let first = gone.first {
      if settings.failsOnDataLoss { throw DataLoss.error("\(first) is gone, read up to offset \(from[first] ?? 0)") }
      for partition in gone {
        notes.append("Kafka: \(partition) is gone and is not read any more")
        from[partition] = nil
      }
    }
    for (partition, end) in ends {
      guard let begun = from[partition], end < begun else { continue }
      if settings.failsOnDataLoss { throw DataLoss.error("\(partition) ends at offset \(end), read up to \(begun)") }
      notes.append("Kafka: \(partition) ends at offset \(end), read up to \(begun): it is read from its beginning")
      from[partition] = try broker.watermarks(partition).low
    }
    lastLatest = ends
    lastStart = from
    let waiting = ends.reduce(Int64(0)) { $0 + max(0, $1.value - (from[$1.key] ?? $1.value)) }
    guard waiting > 0 else { return start }
    if case .limited = admission {
      let time = now()
      if let least = settings.minOffsets, waiting < least, frozen == nil, time - (lastBatchMs ?? time) < settings.maxDelayMs {
        lastBatchMs = lastBatchMs ?? time
        return start
      }
      if let most = settings.maxOffsets { ends = RateLimit.ends(from, ends, limit: most) }
      lastBatchMs = time
    }
    return StreamOffset(json: OffsetMap.json(ends))
  }

  package func rows(after start: StreamOffset?, through end: StreamOffset) throws -> LogicalPlan {
    let broker = try broker()
    let from = try offsets(start), ends = try offsets(end)
    var ranges: [OffsetRange] = []
    for (partition, last) in ends.sorted(by: { $0.key < $1.key }) {
      let (low, high) = try broker.watermarks(partition)
      // One that was found later is read from its first message: where that is gone by now, this is a loss.
      var first = from[partition] ?? (settings.failsOnDataLoss ? 0 : low)
      if first > last { first = low }
      if low > first {
        if settings.failsOnDataLoss { throw DataLoss.error("\(partition): offsets \(first) to \(min(low, last) - 1) are gone") }
        notes.append("Kafka: \(partition): offsets \(first) to \(min(low, last) - 1) are gone and were left out")
        first = low
      }
      var bound = last
      if high < last {
        if settings.failsOnDataLoss { throw DataLoss.error("\(partition): offsets \(high) to \(last - 1) are gone") }
        notes.append("Kafka: \(partition): offsets \(high) to \(last - 1) are gone and were left out")
        bound = high
      }
      ranges.append(OffsetRange(partition: partition, start: first, end: bound))
    }
    lastStart = ends
    return .scan(KafkaTable(broker, ranges, lost))
  }
}

// Role: Kafka as a source and sink of tables: a read takes what is there between two offsets, a write sends rows.

package import Columnar
package import DataSource

package struct KafkaProvider: DataSourceProvider {
  package init() {}

  package var shortName: String { "kafka" }
  package var aliases: [String] { [] }
  package var summary: String { "Topics of a Kafka cluster, read by offsets and written at least once. Needs librdkafka." }
  package var options: [OptionSpec] { KafkaOptions.specs }
  package var needsPath: Bool { false }

  package func open(_ paths: [String], schema: StructType?, options: DataSourceOptions) throws -> any BatchReadable {
    guard paths.count <= 1 else { throw KConnectError(.usage, "the kafka source takes one place: HOST:PORT/TOPIC", hint: "several topics: the option subscribe") }
    try Self.refuse(schema, includesHeaders: options.bool("includeHeaders"))
    let settings = try KafkaSettings(reading: paths.first ?? "", options)
    for name in ["maxOffsetsPerTrigger", "minOffsetsPerTrigger", "maxTriggerDelay"] where options.isGiven(name) {
      throw KConnectError(.optionInvalid, "option '\(name)' is for streams", hint: "a read ends at endingOffsets")
    }
    let first = try OffsetChoice.read("starting", options, default: .earliest), last = try OffsetChoice.read("ending", options, default: .latest)
    if first == .latest { throw KConnectError(.optionInvalid, "option 'startingOffsets': a read that starts at the latest offset has no rows", hint: "use earliest") }
    let broker = try KafkaBroker(settings)
    let partitions = try broker.partitions()
    var starts = try first.resolved(partitions, broker, missing: settings.missingTime, option: "startingOffsets")
    let ends = try last.resolved(partitions, broker, missing: .latest, option: "endingOffsets")
    for partition in partitions {
      let low = try broker.watermarks(partition).low
      guard let start = starts[partition], start < low else { continue }
      if settings.failsOnDataLoss { throw DataLoss.error("\(partition): offsets \(start) to \(low - 1) are gone") }
      starts[partition] = low
    }
    return KafkaTable(broker, partitions.map { OffsetRange(partition: $0, start: starts[$0] ?? 0, end: ends[$0] ?? 0) })
  }

  /// A topic has one schema.
  package static func refuse(_ schema: StructType?, includesHeaders: Bool) throws {
    if schema != nil {
      throw KConnectError(
        .usage, "the source 'kafka' has a schema of its own: \(KafkaRows.schema(includesHeaders: includesHeaders))", hint: "take values apart in the query: extend d = parse_json(value)")
    }
  }

  package func makeSink(_ path: String, schema: StructType, mode: SaveMode, partitionBy: [String], options: DataSourceOptions) throws -> (any TableSink)? {
    guard mode == .append || mode == .error else {
      throw KConnectError(.notSupported, "mode \(mode.rawValue): not supported: a topic can only be appended to", hint: "use mode append")
    }
    if let column = partitionBy.first {
      throw KConnectError(.notSupported, "partitioning by '\(column)': not supported: messages go by their key, or the column 'partition'", hint: "leave partitionBy out")
    }
    return try KafkaSink(path, schema: schema, options: options)
  }

  /// The schema of rows that are read.
  package static func schema(_ options: DataSourceOptions) -> StructType { KafkaRows.schema(includesHeaders: options.bool("includeHeaders")) }
}

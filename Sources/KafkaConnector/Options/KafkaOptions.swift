// Role: the options of the kafka source and sink, declared once; names and defaults are Spark's.

package import DataSource

package enum KafkaOptions {
  private static let oneProcess = "one process reads all partitions"

  package static let specs: [OptionSpec] = [
    OptionSpec("kafka.*", .string, isSecret: true, "Settings of the client by librdkafka's names; kafka.bootstrap.servers is needed: host:port, several separated by commas."),
    OptionSpec("subscribe", .string, use: .read, "Topics to read, separated by commas. One of subscribe, subscribePattern and assign; kafka:BROKERS/TOPIC is the same."),
    OptionSpec("subscribePattern", .string, use: .read, "A regular expression that the names of the topics match as a whole."),
    OptionSpec("assign", .string, use: .read, "Partitions to read, as {\"topic\":[0,1]}."),
    OptionSpec("startingOffsets", .string, use: .read, "Where reading starts: earliest (default of a read), latest (default of a stream), or {\"topic\":{\"0\":23,\"1\":-2}} with -2 for earliest and -1 for latest. Streams: first start only; partitions found later start at the earliest."),
    OptionSpec("startingTimestamp", .string, use: .read, "Start at the first message at or after this time, in milliseconds since 1970 or as 2024-01-31T00:00:00. Wins over the other two."),
    OptionSpec("startingOffsetsByTimestamp", .string, use: .read, "The same by partition: {\"topic\":{\"0\":1700000000000}}. Wins over startingOffsets."),
    OptionSpec("startingOffsetsByTimestampStrategy", .oneOf(["error", "latest"]), default: "error", use: .read, "Where no message is as late: an error, or the end of the partition."),
    OptionSpec("endingOffsets", .string, use: .read, "Where a read ends: latest (default) or JSON with -1 for latest. Not for streams."),
    OptionSpec("endingTimestamp", .string, use: .read, "End before the first message at or after this time. Not for streams."),
    OptionSpec("endingOffsetsByTimestamp", .string, use: .read, "The same by partition. Not for streams."),
    OptionSpec("failOnDataLoss", .bool, default: "true", use: .read, "true: offsets that are gone (topic deleted, messages expired) end the query; false: it goes on at the earliest there are, with a note."),
    OptionSpec("maxOffsetsPerTrigger", .integer, use: .read, "Offsets in one batch at most, split over the partitions in proportion to what waits in them."),
    OptionSpec("minOffsetsPerTrigger", .integer, use: .read, "A batch waits until so many offsets are there, or maxTriggerDelay has passed."),
    OptionSpec("maxTriggerDelay", .duration, default: "15 minutes", use: .read, "How long minOffsetsPerTrigger may hold a batch back."),
    OptionSpec("minPartitions", .integer, use: .read, support: .noEffect(oneProcess), "Tasks to split the read into."),
    OptionSpec("maxRecordsPerPartition", .integer, use: .read, support: .noEffect(oneProcess), "Records of a task at most."),
    OptionSpec("groupIdPrefix", .string, default: "kconnect-kafka-source", use: .read, "The start of the consumer group's name. Offsets are never committed to Kafka; kafka.group.id sets the whole name, for access rules."),
    OptionSpec("includeHeaders", .bool, default: "false", use: .read, "Adds the column headers: [{\"key\":…,\"value\":…}]."),
    OptionSpec("binaryForm", .oneOf(["textOrBase64", "base64"]), default: "textOrBase64", use: .read, "How keys, values and header values become strings: text where they are valid UTF-8, else base64; or always base64."),
    OptionSpec("fetchOffset.numRetries", .integer, default: "3", use: .read, "How often asking for offsets is tried again."),
    OptionSpec("fetchOffset.retryIntervalMs", .integer, default: "10", use: .read, "Milliseconds between these tries."),
    OptionSpec("kafkaConsumer.pollTimeoutMs", .integer, default: "120000", use: .read, "How long a read waits for messages that should be there."),
    OptionSpec("topic", .string, use: .write, "The topic to write to; without it the column topic says, row by row. kafka:BROKERS/TOPIC is the same."),
  ]
}

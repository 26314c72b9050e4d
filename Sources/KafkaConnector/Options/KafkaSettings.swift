// Role: checked options as what the client and the source need.

import Columnar
import DataSource
import Expressions

/// The topics of a source. Names and partitions are in order, each once.
enum Subscription: Sendable {
  case topics([String])
  case pattern(TopicPattern)
  case partitions([TopicPartition])

  /// What must be the same when a checkpoint is used again.
  var identity: String {
    switch self {
    case .topics(let names): names.joined(separator: ",")
    case .pattern(let pattern): "pattern \(pattern.text)"
    case .partitions(let partitions): partitions.map(\.description).joined(separator: ",")
    }
  }
}

/// `subscribePattern`: RE2's syntax, the whole name.
struct TopicPattern: Sendable {
  let text: String
  private let regex: Regex

  init(_ text: String) throws {
    self.text = text
    do { regex = try Regex(text, function: "subscribePattern", prefix: "^(?:", suffix: ")$") } catch {
      throw KConnectError(.optionInvalid, "option 'subscribePattern': '\(text)' is not a regular expression: \(error)")
    }
  }

  func matches(_ name: String) throws -> Bool {
    var name = name
    // SAFETY: the bytes live for the call.
    return name.withUTF8 { unsafe regex.matches($0) }
  }
}

/// The nearest topic to a misspelt one.
func nearestTopic(_ name: String, _ topics: [String]) -> String? { nearestNames(to: name, among: topics, limit: 1).first }

/// Where a locator leads: `host:9092,other:9092/topic`, either part may be missing when options give it.
struct KafkaAddress: Sendable, Hashable {
  var brokers: String?
  var topic: String?

  /// Throws USAGE.
  init(_ path: String) throws {
    guard !path.isEmpty else { return }
    let slash = path.firstIndex(of: "/")
    let brokers = String(slash.map { path[..<$0] } ?? path[...])
    let topic = slash.map { String(path[path.index(after: $0)...]) } ?? ""
    guard !topic.contains("/") else { throw KConnectError(.usage, "'kafka:\(path)': found more than one '/'", hint: "write kafka:HOST:PORT/TOPIC") }
    for broker in brokers.split(separator: ",", omittingEmptySubsequences: false) where broker.isEmpty || broker.contains("@") {
      throw KConnectError(.usage, "'kafka:': '\(broker.contains("@") ? "…" : "")' is not a broker", hint: "write kafka:HOST:PORT/TOPIC; credentials are options: kafka.sasl.username, kafka.sasl.password")
    }
    self.brokers = brokers
    self.topic = topic.isEmpty ? nil : topic
  }
}

struct KafkaSettings: Sendable {
  var subscription: Subscription
  var brokers: String
  var consumer: [(name: String, value: String)]
  var failsOnDataLoss: Bool
  var maxOffsets: Int64?
  var minOffsets: Int64?
  var maxDelayMs: Int64
  var includesHeaders: Bool
  var alwaysBase64: Bool
  var fetchRetries: Int
  var fetchRetryMs: Int
  var pollTimeoutMs: Int
  var missingTime: MissingTime

  /// Keys that belong to the source, with the option to use instead.
  private static let refused: [(String, String)] = [
    ("auto.offset.reset", "use startingOffsets"), ("key.deserializer", "keys come as strings; see binaryForm"), ("value.deserializer", "values come as strings; see binaryForm"),
    ("key.serializer", "keys are written as their text"), ("value.serializer", "values are written as their text"),
    ("enable.auto.commit", "offsets stand in the checkpoint"), ("enable.auto.offset.store", "offsets stand in the checkpoint"),
    ("enable.partition.eof", "the source needs it"), ("interceptor.classes", "there are no Java classes here"), ("test.mock.num.brokers", "connect to brokers"),
  ]

  /// For reading. Throws OPTION_INVALID, USAGE.
  init(reading path: String, _ options: DataSourceOptions) throws {
    let address = try KafkaAddress(path)
    var given = try Self.client(options, address)
    brokers = given.brokers
    var choices: [Subscription] = []
    if let names = options.string("subscribe") ?? address.topic {
      if let topic = address.topic, let other = options.string("subscribe"), other != topic {
        throw KConnectError(.optionInvalid, "the locator names the topic '\(topic)', option 'subscribe' '\(other)'", hint: "give one of them")
      }
      let topics = names.split(separator: ",").map { String($0.drop { $0 == " " }) }.filter { !$0.isEmpty }
      if topics.isEmpty { throw KConnectError(.optionInvalid, "option 'subscribe' names no topic") }
      choices.append(.topics(Array(Set(topics)).sorted()))
    }
    if let pattern = options.string("subscribePattern") { choices.append(.pattern(try TopicPattern(pattern))) }
    if let json = options.string("assign") { choices.append(.partitions(try OffsetMap.parsePartitions(json, "option 'assign'"))) }
    guard choices.count == 1, let only = choices.first else {
      throw KConnectError(
        .usage, choices.isEmpty ? "no topic given for the kafka source" : "more than one of subscribe, subscribePattern and assign is given",
        hint: "write kafka:HOST:PORT/TOPIC, or one of the options subscribe, subscribePattern, assign")
    }
    subscription = only
    if !given.settings.contains(where: { $0.name == "group.id" }) {
      given.settings.append(("group.id", "\(options.string("groupIdPrefix") ?? "kconnect-kafka-source")-\(randomIdentifier())"))
    }
    // Whole ranges are read: what is asked for is there, so that waiting for more has no use.
    for (name, value) in [("fetch.wait.max.ms", "20"), ("fetch.error.backoff.ms", "50"), ("check.crcs", "true"), ("allow.auto.create.topics", "false")]
    where !given.settings.contains(where: { $0.name == name }) { given.settings.append((name, value)) }
    given.settings += [("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"), ("auto.offset.reset", "error"), ("enable.partition.eof", "true")]
    consumer = given.settings
    func positive(_ name: String) throws -> Int64? {
      guard let value = options.integer(name) else { return nil }
      guard value > 0 else { throw KConnectError(.optionInvalid, "option '\(name)': found \(value), expected 1 or more") }
      return Int64(value)
    }
    failsOnDataLoss = options.bool("failOnDataLoss")
    maxOffsets = try positive("maxOffsetsPerTrigger")
    minOffsets = try positive("minOffsetsPerTrigger")
    if let minOffsets, let maxOffsets, minOffsets > maxOffsets {
      throw KConnectError(.optionInvalid, "option 'minOffsetsPerTrigger' (\(minOffsets)) is more than 'maxOffsetsPerTrigger' (\(maxOffsets))")
    }
    maxDelayMs = Int64(options.milliseconds("maxTriggerDelay") ?? 900_000)
    includesHeaders = options.bool("includeHeaders")
    alwaysBase64 = options.word("binaryForm") == "base64"
    fetchRetries = max(0, options.integer("fetchOffset.numRetries") ?? 3)
    fetchRetryMs = max(0, options.integer("fetchOffset.retryIntervalMs") ?? 10)
    pollTimeoutMs = Int(try positive("kafkaConsumer.pollTimeoutMs") ?? 120_000)
    missingTime = options.word("startingOffsetsByTimestampStrategy").flatMap(MissingTime.init) ?? .error
  }

  /// Brokers and the client's settings, for both uses.
  static func client(_ options: DataSourceOptions, _ address: KafkaAddress) throws -> (brokers: String, settings: [(name: String, value: String)]) {
    var settings = options.family("kafka")
    for (name, why) in refused where settings.contains(where: { $0.name == name }) {
      throw KConnectError(.optionInvalid, "option 'kafka.\(name)' cannot be set: \(why)")
    }
    let named = settings.first { $0.name == "bootstrap.servers" }?.value
    if let named, let brokers = address.brokers, named != brokers {
      throw KConnectError(.optionInvalid, "the locator names brokers '\(brokers)', option 'kafka.bootstrap.servers' '\(named)'", hint: "give one of them")
    }
    guard let brokers = named ?? address.brokers else {
      throw KConnectError(.usage, "no Kafka brokers given", hint: "write kafka:HOST:PORT/TOPIC, or the option kafka.bootstrap.servers")
    }
    settings.removeAll { $0.name == "bootstrap.servers" }
    return (brokers, [("bootstrap.servers", brokers)] + settings)
  }
}

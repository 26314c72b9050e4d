// Role: what a source asks of the cluster besides messages: partitions and offsets, tried again as the options say.

import DataSource

/// A consumer with the settings of a source. One thread at a time.
final class KafkaBroker: Sendable {
  let client: KafkaClient
  let settings: KafkaSettings

  init(_ settings: KafkaSettings) throws {
    self.settings = settings
    client = try KafkaClient(.consumer, settings.consumer)
  }

  private static let timeoutMs = 10_000

  /// Runs `body` again, `fetchOffset.numRetries` times, when it fails for a passing reason.
  private func retrying<R>(_ body: () throws -> R) throws -> R {
    var attempt = 0
    while true {
      do { return try body() } catch let error as KConnectError where error.isRetryable && attempt < settings.fetchRetries {
        attempt += 1
        client.serve(waitMs: settings.fetchRetryMs)
      }
    }
  }

  func watermarks(_ partition: TopicPartition) throws -> (low: Int64, high: Int64) {
    try retrying { try client.watermarks(partition, timeoutMs: Self.timeoutMs) }
  }

  func offsets(at times: [TopicPartition: Int64]) throws -> [TopicPartition: Int64] {
    try retrying { try client.offsets(at: times, timeoutMs: Self.timeoutMs) }
  }

  /// The partitions that the options mean, in order. Throws PATH_NOT_FOUND for a topic that is not there.
  func partitions() throws -> [TopicPartition] {
    let topics = try retrying { try client.topics(timeoutMs: Self.timeoutMs) }
    func all(_ names: [String]) -> [TopicPartition] {
      names.flatMap { name in (topics[name] ?? []).map { TopicPartition(topic: name, partition: $0) } }.sorted()
    }
    func missing(_ topic: String) -> KConnectError {
      let near = nearestTopic(topic, Array(topics.keys))
      return KConnectError(.pathNotFound, "Kafka: the topic '\(topic)' does not exist", hint: near.map { "did you mean '\($0)'?" })
    }
    switch settings.subscription {
    case .topics(let names):
      for name in names where topics[name] == nil { throw missing(name) }
      return all(names)
    case .pattern(let pattern): return all(try topics.keys.filter { try pattern.matches($0) })
    case .partitions(let partitions):
      for partition in partitions where topics[partition.topic]?.contains(partition.partition) != true {
        if topics[partition.topic] == nil { throw missing(partition.topic) }
        throw KConnectError(.pathNotFound, "Kafka: \(partition) does not exist")
      }
      return partitions
    }
  }
}

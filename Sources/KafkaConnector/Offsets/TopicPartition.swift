// Role: a partition of a topic, and offsets by partition in Spark's JSON: {"topic":{"0":23,"1":40}}, the value being the next offset to read.

import Columnar
package import DataSource
import Delta

package struct TopicPartition: Hashable, Sendable, Comparable, CustomStringConvertible {
  package var topic: String
  package var partition: Int32

  package init(topic: String, partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  package static func < (a: Self, b: Self) -> Bool { (a.topic, a.partition) < (b.topic, b.partition) }
  /// `topic[3]`.
  package var description: String { "\(topic)[\(partition)]" }
}

package enum OffsetMap {
  /// The JSON, topics and partitions in order: the same offsets always give the same text.
  package static func json(_ offsets: [TopicPartition: Int64]) -> String { tree(offsets.mapValues { .long($0) }).json }

  private static func tree(_ values: [TopicPartition: DynamicValue]) -> DynamicValue {
    let topics = Dictionary(grouping: values, by: \.key.topic).sorted { $0.key < $1.key }
    return .bag(
      topics.map { topic, partitions in
        DynamicEntry(topic, .bag(partitions.sorted { $0.key < $1.key }.map { DynamicEntry(String($0.key.partition), $0.value) }))
      })
  }

  /// Reads the JSON; `what` names it in messages.
  package static func parse(_ json: String, _ what: String, _ code: KConnectError.Code = .optionInvalid) throws -> [TopicPartition: Int64] {
    func wrong(_ why: String) -> KConnectError {
      KConnectError(code, "\(what): \(why)", hint: "it is written as {\"topic\":{\"0\":23,\"1\":-2}}")
    }
    guard case .bag(let topics)? = try? JSONTree.parse(Array(json.utf8), place: what) else { throw wrong("found '\(json.prefix(80))', which is not a JSON object") }
    var out: [TopicPartition: Int64] = [:]
    for topic in topics {
      guard case .bag(let partitions) = topic.value else { throw wrong("topic '\(topic.key)' has no partitions") }
      for entry in partitions {
        guard let number = Int32(entry.key), number >= 0, case .long(let offset) = entry.value else {
          throw wrong("topic '\(topic.key)', partition '\(entry.key.prefix(40))': expected a number and its offset")
        }
        out[TopicPartition(topic: topic.key, partition: number)] = offset
      }
    }
    return out
  }

  /// `{"topic":[0,1]}` of the option assign: the partitions in order, each once.
  package static func parsePartitions(_ json: String, _ what: String) throws -> [TopicPartition] {
    func wrong() -> KConnectError { KConnectError(.optionInvalid, "\(what): found '\(json.prefix(80))'", hint: "it is written as {\"topic\":[0,1]}") }
    guard case .bag(let topics)? = try? JSONTree.parse(Array(json.utf8), place: what), !topics.isEmpty else { throw wrong() }
    let named = try topics.flatMap { topic in
      guard case .array(let numbers) = topic.value, !numbers.isEmpty else { throw wrong() }
      return try numbers.map { number in
        guard case .long(let n) = number, n >= 0, n < 1 << 31 else { throw wrong() }
        return TopicPartition(topic: topic.key, partition: Int32(n))
      }
    }
    return Array(Set(named)).sorted()
  }
}

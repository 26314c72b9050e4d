// Role: where reading starts or ends as the options say it, and the offsets that this means in the partitions there are.

import Columnar
package import DataSource

/// What happens where no message is as late as a time.
package enum MissingTime: String, Sendable { case error, latest }

package enum OffsetChoice: Sendable, Hashable {
  case earliest, latest
  /// Offsets by partition, -2 for the earliest, -1 for the latest; every partition must be there.
  case offsets([TopicPartition: Int64])
  /// The first message at or after a time, milliseconds since 1970, in every partition.
  case timestamp(Int64)
  case timestamps([TopicPartition: Int64])

  /// From the options `…Offsets`, `…Timestamp`, `…OffsetsByTimestamp`, by precedence. Throws OPTION_INVALID.
  package static func read(_ side: String, _ options: DataSourceOptions, default fallback: OffsetChoice) throws -> OffsetChoice {
    if let text = options.string("\(side)Timestamp") {
      guard let time = Int64(text) ?? milliseconds(text) else {
        throw KConnectError(.optionInvalid, "option '\(side)Timestamp': found '\(text.prefix(80))', expected milliseconds since 1970 or a time such as 2024-01-31T00:00:00")
      }
      return .timestamp(time)
    }
    if let json = options.string("\(side)OffsetsByTimestamp") { return .timestamps(try OffsetMap.parse(json, "option '\(side)OffsetsByTimestamp'")) }
    guard let text = options.string("\(side)Offsets") else { return fallback }
    switch text.lowercased() {
    case "earliest":
      if side == "ending" { throw KConnectError(.optionInvalid, "option 'endingOffsets': reading cannot end at the earliest offset") }
      return .earliest
    case "latest": return .latest
    default:
      guard text.hasPrefix("{") else {
        let near = nearestNames(to: text, among: ["earliest", "latest"], limit: 1).first
        throw KConnectError(.optionInvalid, "option '\(side)Offsets': found '\(text.prefix(80))', expected earliest, latest or JSON", hint: near.map { "did you mean '\($0)'?" })
      }
      let offsets = try OffsetMap.parse(text, "option '\(side)Offsets'")
      if let wrong = offsets.first(where: { $0.value < -2 || side == "ending" && $0.value == -2 }) {
        throw KConnectError(.optionInvalid, "option '\(side)Offsets': \(wrong.key) has \(wrong.value)", hint: "an offset, -1 for the latest\(side == "ending" ? "" : ", -2 for the earliest")")
      }
      return .offsets(offsets)
    }
  }

  private static func milliseconds(_ text: String) -> Int64? {
    guard case .datetime(let ticks)? = ScalarText.parse(text, as: .datetime) else { return nil }
    return ticks / 10_000
  }

  /// The offset in each partition. `watermarks` are asked once per partition. Throws OPTION_INVALID where the choice does not fit them.
  func resolved(_ partitions: [TopicPartition], _ broker: KafkaBroker, missing: MissingTime, option: String) throws -> [TopicPartition: Int64] {
    switch self {
    case .earliest: return try Dictionary(uniqueKeysWithValues: partitions.map { ($0, try broker.watermarks($0).low) })
    case .latest: return try Dictionary(uniqueKeysWithValues: partitions.map { ($0, try broker.watermarks($0).high) })
    case .offsets(let given):
      try OffsetChoice.check(Set(given.keys), partitions, option)
      return try Dictionary(
        uniqueKeysWithValues: partitions.map { partition in
          let offset = given[partition] ?? -2
          let (low, high) = try broker.watermarks(partition)
          if offset > high {
            throw KConnectError(.optionInvalid, "option '\(option)': \(partition) has \(offset), but ends at \(high)", hint: "-1 is the end, whatever it is")
          }
          return (partition, offset == -2 ? low : offset == -1 ? high : offset)
        })
    case .timestamp(let time): return try OffsetChoice.byTime(Dictionary(uniqueKeysWithValues: partitions.map { ($0, time) }), broker, missing, option)
    case .timestamps(let times):
      try OffsetChoice.check(Set(times.keys), partitions, option)
      return try OffsetChoice.byTime(times, broker, missing, option)
    }
  }

  private static func byTime(_ times: [TopicPartition: Int64], _ broker: KafkaBroker, _ missing: MissingTime, _ option: String) throws -> [TopicPartition: Int64] {
    let found = try broker.offsets(at: times)
    return try Dictionary(
      uniqueKeysWithValues: times.map { partition, time in
        if let offset = found[partition] { return (partition, offset) }
        guard missing == .latest || option.hasPrefix("ending") else {
          throw KConnectError(
            .optionInvalid, "\(partition) has no message at or after \(time)", hint: "startingOffsetsByTimestampStrategy=latest starts at its end")
        }
        return (partition, try broker.watermarks(partition).high)
      })
  }

  /// Every partition must be named, and no other.
  private static func check(_ given: Set<TopicPartition>, _ partitions: [TopicPartition], _ option: String) throws {
    let known = Set(partitions)
    if let missing = known.subtracting(given).min() {
      throw KConnectError(.optionInvalid, "option '\(option)' does not name \(missing)", hint: "every partition must be listed; -2 is the earliest offset, -1 the latest")
    }
    if let extra = given.subtracting(known).min() {
      throw KConnectError(.optionInvalid, "option '\(option)' names \(extra), which is not read", hint: "partitions: \(partitions.prefix(8).map(\.description).joined(separator: ", "))")
    }
  }
}

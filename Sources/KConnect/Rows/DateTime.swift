// Role: the Swift form of datetime and timespan values.

import Columnar

/// A moment: ticks of 100 ns since 1970-01-01T00:00:00Z, years 1 to 9999.
public struct DateTime: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Ticks of 100 ns since 1970-01-01T00:00:00Z.
  public var ticks: Int64

  public init(ticks: Int64) { self.ticks = ticks }

  /// A moment from calendar fields in UTC (`ticks` within the second); nil when a field is out of range.
  public init?(year: Int, month: Int = 1, day: Int = 1, hour: Int = 0, minute: Int = 0, second: Int = 0, ticks: Int = 0) {
    guard let value = CivilTime.ticks(year: year, month: month, day: day, hour: hour, minute: minute, second: second, fraction: ticks) else { return nil }
    self.ticks = value
  }

  /// Reads ISO 8601 (`2024-02-29`, `2024-02-29T12:30:00.1234567+02:00`) and the other forms of KQL's `todatetime`; nil otherwise.
  public init?(_ text: String) {
    guard case .datetime(let ticks)? = ScalarText.parse(text, as: .datetime) else { return nil }
    self.ticks = ticks
  }

  public static func < (a: DateTime, b: DateTime) -> Bool { a.ticks < b.ticks }

  /// The moment a span later; wraps at the ends of the range.
  public static func + (a: DateTime, b: TimeSpan) -> DateTime { DateTime(ticks: a.ticks &+ b.ticks) }
  /// The moment a span earlier; wraps at the ends of the range.
  public static func - (a: DateTime, b: TimeSpan) -> DateTime { DateTime(ticks: a.ticks &- b.ticks) }
  /// The span between two moments.
  public static func - (a: DateTime, b: DateTime) -> TimeSpan { TimeSpan(ticks: a.ticks &- b.ticks) }

  /// ISO 8601 with seven digits behind the point, as Kusto prints it: `2024-02-29T12:30:00.0000000Z`.
  public var description: String { unsafe ScalarText.text { unsafe ScalarText.write(datetime: ticks, to: $0) } }
}

/// A length of time: ticks of 100 ns.
public struct TimeSpan: Sendable, Hashable, Comparable, CustomStringConvertible {
  public var ticks: Int64

  public init(ticks: Int64) { self.ticks = ticks }

  /// A whole number of days, hours, minutes and seconds together.
  public init(days: Int = 0, hours: Int = 0, minutes: Int = 0, seconds: Int = 0) {
    ticks = Int64(days) &* CivilTime.ticksPerDay &+ Int64(hours) &* CivilTime.ticksPerHour &+ Int64(minutes) &* CivilTime.ticksPerMinute &+ Int64(seconds) &* CivilTime.ticksPerSecond
  }

  /// A duration, truncated to ticks.
  public init(_ duration: Duration) {
    let parts = duration.components
    ticks = parts.seconds &* CivilTime.ticksPerSecond &+ parts.attoseconds / 100_000_000_000
  }

  /// The span as a duration.
  public var duration: Duration {
    Duration(secondsComponent: ticks / CivilTime.ticksPerSecond, attosecondsComponent: ticks % CivilTime.ticksPerSecond * 100_000_000_000)
  }

  public static func < (a: TimeSpan, b: TimeSpan) -> Bool { a.ticks < b.ticks }

  /// Kusto's form: `[-][d.]hh:mm:ss[.fffffff]`.
  // SAFETY: a timespan's text has at most 26 bytes, and `text` has room for `ScalarText.room`.
  public var description: String { unsafe ScalarText.text { unsafe ScalarText.write(timespan: ticks, to: $0) } }
}

extension DateTime: Codable {
  /// Reads the ISO 8601 text.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = DateTime(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text.prefix(80))' is not a datetime; expected ISO 8601")
    }
    self = value
  }

  /// Writes the ISO 8601 text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension TimeSpan: Codable {
  /// Reads a count of ticks.
  public init(from decoder: any Decoder) throws { self.init(ticks: try decoder.singleValueContainer().decode(Int64.self)) }

  /// Writes the count of ticks.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(ticks)
  }
}

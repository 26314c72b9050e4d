// Role: the Swift form of datetime and timespan values.

/// A moment: ticks of 100 ns since 1970-01-01T00:00:00Z, years 1 to 9999.
public struct DateTime: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Ticks of 100 ns since 1970-01-01T00:00:00Z.
  public var ticks: Int64

  public init(ticks: Int64) { self.ticks = ticks }

  /// A moment from calendar fields in UTC; nil when a field is out of range.
  public init?(year: Int, month: Int = 1, day: Int = 1, hour: Int = 0, minute: Int = 0, second: Int = 0, ticks: Int = 0) {
    guard (1...9999).contains(year), (1...12).contains(month), (1...CivilTime.daysInMonth(year: year, month: month)).contains(day),
      (0..<24).contains(hour), (0..<60).contains(minute), (0..<60).contains(second), (0..<10_000_000).contains(ticks)
    else { return nil }
    self.ticks = CivilTime.days(year: year, month: month, day: day) * Ticks.perDay
      + Int64(hour * 3_600 + minute * 60 + second) * Ticks.perSecond + Int64(ticks)
  }

  /// Reads `2024-02-29`, `2024-02-29T12:30:00`, `2024-02-29 12:30:00.1234567Z`, with `Z` or an offset such as `+02:00`; nil otherwise.
  public init?(_ text: String) {
    var reader = DigitReader(text)
    guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"), let day = reader.number(2) else { return nil }
    var hour = 0, minute = 0, second = 0, ticks = 0, offsetMinutes = 0
    if reader.skip("T") || reader.skip("t") || reader.skip(" ") {
      guard let h = reader.number(2), reader.skip(":"), let m = reader.number(2) else { return nil }
      (hour, minute) = (h, m)
      if reader.skip(":") {
        guard let s = reader.number(2) else { return nil }
        second = s
        if reader.skip(".") {
          guard let fraction = reader.fraction() else { return nil }
          ticks = fraction
        }
      }
      if !reader.skip("Z"), !reader.skip("z"), !reader.isAtEnd {
        let isNegative = reader.skip("-")
        guard isNegative || reader.skip("+"), let oh = reader.number(2) else { return nil }
        _ = reader.skip(":")
        guard let om = reader.number(2), oh < 24, om < 60 else { return nil }
        offsetMinutes = (oh * 60 + om) * (isNegative ? -1 : 1)
      }
    }
    guard reader.isAtEnd, let value = DateTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second, ticks: ticks)
    else { return nil }
    self.ticks = value.ticks - Int64(offsetMinutes) * Ticks.perMinute
  }

  public static func < (a: DateTime, b: DateTime) -> Bool { a.ticks < b.ticks }

  /// The moment a span later; wraps at the ends of the range.
  public static func + (a: DateTime, b: TimeSpan) -> DateTime { DateTime(ticks: a.ticks &+ b.ticks) }
  /// The moment a span earlier; wraps at the ends of the range.
  public static func - (a: DateTime, b: TimeSpan) -> DateTime { DateTime(ticks: a.ticks &- b.ticks) }
  /// The span between two moments.
  public static func - (a: DateTime, b: DateTime) -> TimeSpan { TimeSpan(ticks: a.ticks &- b.ticks) }

  /// ISO 8601 with seven digits behind the point, as Kusto prints it: `2024-02-29T12:30:00.0000000Z`.
  public var description: String {
    let civil = CivilTime(ticks: ticks)
    let seconds = civil.ticksOfDay / Ticks.perSecond
    return "\(padded(Int64(civil.year), 4))-\(padded(Int64(civil.month), 2))-\(padded(Int64(civil.day), 2))"
      + "T\(padded(seconds / 3_600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
      + ".\(padded(civil.ticksOfDay % Ticks.perSecond, 7))Z"
  }
}

/// A length of time: ticks of 100 ns.
public struct TimeSpan: Sendable, Hashable, Comparable, CustomStringConvertible {
  public var ticks: Int64

  public init(ticks: Int64) { self.ticks = ticks }

  /// A whole number of days, hours, minutes and seconds together.
  public init(days: Int = 0, hours: Int = 0, minutes: Int = 0, seconds: Int = 0) {
    ticks = Int64(days) &* Ticks.perDay &+ Int64(hours) &* Ticks.perHour &+ Int64(minutes) &* Ticks.perMinute &+ Int64(seconds) &* Ticks.perSecond
  }

  /// A duration, truncated to ticks.
  public init(_ duration: Duration) {
    let parts = duration.components
    ticks = parts.seconds &* Ticks.perSecond &+ parts.attoseconds / 100_000_000_000
  }

  /// The span as a duration.
  public var duration: Duration {
    Duration(secondsComponent: ticks / Ticks.perSecond, attosecondsComponent: ticks % Ticks.perSecond * 100_000_000_000)
  }

  public static func < (a: TimeSpan, b: TimeSpan) -> Bool { a.ticks < b.ticks }

  /// Kusto's form: `[-][d.]hh:mm:ss[.fffffff]`.
  public var description: String {
    let magnitude = ticks.magnitude
    let days = magnitude / UInt64(Ticks.perDay)
    let seconds = Int64(magnitude % UInt64(Ticks.perDay)) / Ticks.perSecond
    let fraction = Int64(magnitude % UInt64(Ticks.perSecond))
    return (ticks < 0 ? "-" : "") + (days > 0 ? "\(days)." : "")
      + "\(padded(seconds / 3_600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
      + (fraction == 0 ? "" : ".\(padded(fraction, 7))")
  }
}

/// Reads fixed-width numbers and single characters.
private struct DigitReader {
  private let bytes: [UInt8]
  private var at = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  var isAtEnd: Bool { at == bytes.count }

  mutating func number(_ digits: Int) -> Int? {
    guard at + digits <= bytes.count else { return nil }
    var value = 0
    for i in at..<at + digits {
      guard bytes[i] >= 0x30, bytes[i] <= 0x39 else { return nil }
      value = value * 10 + Int(bytes[i] - 0x30)
    }
    at += digits
    return value
  }

  /// Up to nine digits of a second, as ticks; digits behind the seventh are dropped.
  mutating func fraction() -> Int? {
    var value = 0
    var digits = 0
    while at < bytes.count, bytes[at] >= 0x30, bytes[at] <= 0x39, digits < 9 {
      if digits < 7 { value = value * 10 + Int(bytes[at] - 0x30) }
      digits += 1
      at += 1
    }
    guard digits > 0 else { return nil }
    for _ in min(digits, 7)..<7 { value *= 10 }
    return value
  }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard at < bytes.count, bytes[at] == UInt8(ascii: character) else { return false }
    at += 1
    return true
  }
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

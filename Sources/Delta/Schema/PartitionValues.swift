// Role: partition values ⇄ the texts the log holds for them.

package import Columnar
import DataSource

package enum PartitionValues {
  /// The value of a partition column in a file; nil and empty texts are null. `place` is for messages.
  package static func parse(_ text: String?, _ field: DeltaField, place: String) throws -> Scalar {
    let type = field.dataType
    guard let text, !text.isEmpty else { return .null(type) }
    let value: Scalar?
    switch type {
    case .string: value = .string(text)
    case .timespan: value = Int64(text).map { .timespan($0) }
    case .real: value = real(text)
    case .bool: value = text == "true" ? .bool(true) : text == "false" ? .bool(false) : nil
    default: value = ScalarText.parse(text, as: type)
    }
    guard let value else {
      throw DeltaError.corrupt(place, "the partition column '\(field.name)' has the value '\(text.prefix(80))', expected \(field.type.name)")
    }
    return value
  }

  private static func real(_ text: String) -> Scalar? {
    switch text {
    case "Infinity", "+Infinity": .real(.infinity)
    case "-Infinity": .real(-.infinity)
    default: ScalarText.parse(text, as: .real)
    }
  }

  /// The text of a value, nil for null. Throws VALUE_INVALID for times below a microsecond.
  package static func text(_ value: Scalar, _ field: DeltaField) throws -> String? {
    switch value {
    case .null, .dynamic: return nil
    case .string(let v): return v.isEmpty ? nil : v
    case .timespan(let v): return String(v)
    case .real(let v): return v.isNaN ? "NaN" : v.isInfinite ? (v < 0 ? "-Infinity" : "Infinity") : ScalarText.text(.real(v))
    case .datetime(let ticks):
      if field.type == .primitive(.date) { return date(ticks) }
      guard ticks % 10 == 0 else {
        throw KConnectError(.valueInvalid, "the partition column '\(field.name)' has a time below a microsecond", hint: "round it with bin(…, 1microsecond)")
      }
      return timestamp(ticks)
    default: return ScalarText.text(value)
    }
  }

  /// `2024-01-31`.
  static func date(_ ticks: Int64) -> String? {
    guard CivilTime.isInRange(ticks) else { return nil }
    let (year, month, day) = CivilTime.date(ofTicks: ticks)
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  /// `2024-01-31T12:30:00.000001Z`, cut to microseconds.
  static func timestamp(_ ticks: Int64) -> String? {
    guard let date = date(ticks) else { return nil }
    let micros = Int(CivilTime.timeOfDay(ofTicks: ticks)) / 10
    let seconds = micros / 1_000_000
    return "\(date)T\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2)).\(padded(micros % 1_000_000, 6))Z"
  }

  private static func padded(_ value: Int, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
  }
}

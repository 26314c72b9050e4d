// Role: ticks of 100 ns to and from calendar fields (proleptic Gregorian, UTC), for values at the edge.
// Source: the days/civil algorithms over 400-year eras.

/// Ticks in one second, minute, hour and day.
package enum Ticks {
  package static let perSecond: Int64 = 10_000_000
  package static let perMinute: Int64 = 600_000_000
  package static let perHour: Int64 = 36_000_000_000
  package static let perDay: Int64 = 864_000_000_000
}

/// The calendar fields of a moment.
package struct CivilTime: Sendable, Hashable {
  package var year: Int
  package var month: Int
  package var day: Int
  /// Ticks since midnight.
  package var ticksOfDay: Int64

  /// The fields of a count of ticks since 1970-01-01T00:00:00Z.
  package init(ticks: Int64) {
    var days = ticks / Ticks.perDay
    var rest = ticks % Ticks.perDay
    if rest < 0 {
      rest += Ticks.perDay
      days -= 1
    }
    ticksOfDay = rest
    let z = Int(days) + 719_468
    let era = (z >= 0 ? z : z - 146_096) / 146_097
    let dayOfEra = z - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shifted + 2) / 5 + 1
    month = shifted < 10 ? shifted + 3 : shifted - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  /// Days since 1970-01-01 of a date; the month and day must be valid.
  package static func days(year: Int, month: Int, day: Int) -> Int64 {
    let y = month <= 2 ? year - 1 : year
    let era = (y >= 0 ? y : y - 399) / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return Int64(era * 146_097 + dayOfEra - 719_468)
  }

  /// Days in a month of the Gregorian calendar.
  package static func daysInMonth(year: Int, month: Int) -> Int {
    switch month {
    case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

/// `value` with at least `width` digits.
package func padded(_ value: Int64, _ width: Int) -> String {
  let digits = String(value)
  return digits.utf8.count >= width ? digits : String(repeating: "0", count: width - digits.utf8.count) + digits
}

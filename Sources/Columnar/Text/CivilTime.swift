// Role: calendar arithmetic on ticks (100 ns since 1970-01-01T00:00:00Z): proleptic Gregorian, without branches or tables.
// Source: Neri and Schneider, "Euclidean affine functions and their application to calendar algorithms" (2022).

/// Calendar fields and ticks.
@usableFromInline package enum CivilTime {
  @inlinable package static var ticksPerMicrosecond: Int64 { 10 }
  @inlinable package static var ticksPerMillisecond: Int64 { 10_000 }
  @inlinable package static var ticksPerSecond: Int64 { 10_000_000 }
  @inlinable package static var ticksPerMinute: Int64 { 600_000_000 }
  @inlinable package static var ticksPerHour: Int64 { 36_000_000_000 }
  @inlinable package static var ticksPerDay: Int64 { 864_000_000_000 }
  /// 0001-01-01T00:00:00.
  @inlinable package static var minTicks: Int64 { -621_355_968_000_000_000 }
  /// 9999-12-31T23:59:59.9999999.
  @inlinable package static var maxTicks: Int64 { 2_534_023_007_999_999_999 }

  /// Days since 1970-01-01; month 1...12; years -400...1_000_000. Days beyond the month's end run on into the next.
  @inlinable @inline(__always) package static func days(year: Int, month: Int, day: Int) -> Int {
    let bump = month <= 2 ? 1 : 0
    let y = year &+ 800 &- bump
    let m = month &+ 12 &* bump
    let century = UInt(bitPattern: y) / 100
    let yearDays = (UInt(bitPattern: y) &* 1461) >> 2 &- century &+ century >> 2
    let monthDays = (979 &* m &- 2919) >> 5
    return Int(bitPattern: yearDays) &+ monthDays &+ day &- 1 &- 719_468 &- 292_194
  }

  /// Year, month 1...12 and day 1...31 of a day since 1970-01-01.
  @inlinable @inline(__always) package static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
    let n = UInt(bitPattern: days &+ 719_468 &+ 292_194)
    let n1 = 4 &* n &+ 3
    let century = n1 / 146_097
    let n2 = (n1 &- century &* 146_097) | 3
    let p2 = 2_939_745 &* n2
    let z = p2 >> 32
    let dayOfYear = ((p2 & 0xFFFF_FFFF) / 2_939_745) >> 2
    let n3 = 2_141 &* dayOfYear &+ 197_913
    let isNextYear: UInt = dayOfYear >= 306 ? 1 : 0
    let year = Int(bitPattern: 100 &* century &+ z &+ isNextYear) &- 800
    let month = Int(bitPattern: (n3 >> 16) &- 12 &* isNextYear)
    let day = Int(bitPattern: (n3 & 0xFFFF) / 2_141) &+ 1
    return (year, month, day)
  }

  /// The day since 1970-01-01 that a tick lies in.
  @inlinable @inline(__always) package static func day(ofTicks ticks: Int64) -> Int {
    // Flooring division: the shift makes the dividend positive for every year from 1 on.
    let q = ticks / ticksPerDay
    return Int(q &- (ticks &- q &* ticksPerDay < 0 ? 1 : 0))
  }

  /// Ticks since midnight.
  @inlinable @inline(__always) package static func timeOfDay(ofTicks ticks: Int64) -> Int64 { ticks &- Int64(day(ofTicks: ticks)) &* ticksPerDay }

  /// Year, month and day of a datetime.
  @inlinable package static func date(ofTicks ticks: Int64) -> (year: Int, month: Int, day: Int) { civil(days: day(ofTicks: ticks)) }

  /// 0 is Sunday.
  @inlinable @inline(__always) package static func dayOfWeek(days: Int) -> Int {
    let r = (days &+ 4) % 7
    return r < 0 ? r &+ 7 : r
  }

  @inlinable package static func isLeap(_ year: Int) -> Bool { year & 3 == 0 && (year % 100 != 0 || year & 15 == 0) }

  /// 28...31.
  @inlinable @inline(__always) package static func daysInMonth(_ year: Int, _ month: Int) -> Int {
    month == 2 ? (isLeap(year) ? 29 : 28) : 30 | (month ^ (month >> 3)) & 1
  }

  /// 1...366.
  @inlinable package static func dayOfYear(days: Int) -> Int {
    days &- self.days(year: civil(days: days).year, month: 1, day: 1) &+ 1
  }

  /// The week number of ISO 8601 (weeks start on Monday; week 1 holds the first Thursday).
  package static func isoWeek(days: Int) -> (year: Int, week: Int) {
    let weekday = (dayOfWeek(days: days) + 6) % 7
    let thursday = days - weekday + 3
    let year = civil(days: thursday).year
    return (year, (thursday - self.days(year: year, month: 1, day: 1)) / 7 + 1)
  }

  /// Ticks of calendar fields, nil when a field is out of its range or the year not in 1...9999. `fraction` is in ticks.
  @inlinable package static func ticks(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, fraction: Int = 0) -> Int64? {
    guard year >= 1, year <= 9_999, month >= 1, month <= 12, day >= 1, day <= daysInMonth(year, month),
      hour >= 0, hour < 24, minute >= 0, minute < 60, second >= 0, second < 60, fraction >= 0, fraction < 10_000_000
    else { return nil }
    let seconds = (days(year: year, month: month, day: day) &* 24 &+ hour) &* 3_600 &+ minute &* 60 &+ second
    return Int64(seconds) &* ticksPerSecond &+ Int64(fraction)
  }

  /// The same time of day `months` later, on the month's last day where the day does not exist; nil outside years 1...9999.
  package static func adding(months: Int, toTicks ticks: Int64) -> Int64? {
    let d = day(ofTicks: ticks)
    let (year, month, dayOfMonth) = civil(days: d)
    let (index, overflow) = (year * 12 + month - 1).addingReportingOverflow(months)
    guard !overflow, index >= 12, index < 120_000 else { return nil }
    let y = index / 12, m = index % 12 + 1
    let newDays = days(year: y, month: m, day: min(dayOfMonth, daysInMonth(y, m)))
    return Int64(newDays) &* ticksPerDay &+ (ticks &- Int64(d) &* ticksPerDay)
  }

  /// True when the ticks lie in years 1...9999.
  @inlinable package static func isInRange(_ ticks: Int64) -> Bool { ticks >= minTicks && ticks <= maxTicks }
}

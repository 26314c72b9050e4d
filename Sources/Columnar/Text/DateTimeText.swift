// Role: datetimes from and to bytes: ISO 8601, fast and strict. Other documented forms are in `DateTimeForms.swift`.

import CSIMD

extension ScalarText {
  /// Ticks of a text in any form Kusto documents for `todatetime`: ISO 8601 first, then RFC 822, RFC 850, asctime and `M/d/yyyy h:mm:ss AM`.
  /// Without an offset the time is UTC. Digits below a tick are cut off.
  // SAFETY: hands on p with its n bytes.
  package static func parseDateTime(_ p: UnsafePointer<UInt8>, _ n: Int) -> Int64? {
    unsafe parseISODateTime(p, n, exact: false) ?? parseDateTimeForms(p, n)
  }

  /// Ticks of `yyyy-MM-dd`, optionally with `T` or a space, `HH:mm[:ss[.f…]]`, and `Z`, `±HH:mm`, `±HHmm` or `±HH`.
  /// With `exact`, a fraction that ticks cannot hold is nil; otherwise it is cut off. `24:00:00` is not accepted.
  // SAFETY: n is at least 10, as many as the date has; more are read below n.
  package static func parseISODateTime(_ p: UnsafePointer<UInt8>, _ n: Int, exact: Bool) -> Int64? {
    guard n >= 10, n <= 48, let days = unsafe parseISODate(p) else { return nil }
    if n == 10 { return Int64(days) &* CivilTime.ticksPerDay }
    return unsafe parseISOTime(p, n, days, exact)
  }

  /// Days since 1970-01-01 of the ten bytes `yyyy-MM-dd`.
  // SAFETY: callers hand over at least 10 bytes: 8 and 2 are read, at any alignment.
  @inlinable @inline(__always) package static func parseISODate(_ p: UnsafePointer<UInt8>) -> Int? {
    let word = unsafe UInt64(littleEndian: UnsafeRawPointer(p).loadUnaligned(as: UInt64.self))
    let tail = unsafe UInt16(littleEndian: UnsafeRawPointer(p + 8).loadUnaligned(as: UInt16.self))
    // "yyyy-MM-": dashes become zeros, so that one test checks all six digits.
    guard word & 0xFF00_00FF_0000_0000 == 0x2D00_002D_0000_0000 else { return nil }
    let digits = word ^ 0x1D00_001D_0000_0000
    guard isEightDigits(digits), isEightDigits(UInt64(tail) | 0x3030_3030_3030_0000) else { return nil }
    let d = digits & 0x0F0F_0F0F_0F0F_0F0F
    let pairs = d &* 10 &+ (d >> 8)
    let year = Int(truncatingIfNeeded: pairs & 0xFF) &* 100 &+ Int(truncatingIfNeeded: (pairs >> 16) & 0xFF)
    let month = Int(truncatingIfNeeded: (d >> 40) & 0xFF) &* 10 &+ Int(truncatingIfNeeded: (d >> 48) & 0xFF)
    let day = Int(truncatingIfNeeded: tail & 0x0F) &* 10 &+ Int(truncatingIfNeeded: (tail >> 8) & 0x0F)
    guard year >= 1, month &- 1 < 12, month >= 1, day >= 1, day <= 28 || day <= CivilTime.daysInMonth(year, month) else { return nil }
    return CivilTime.days(year: year, month: month, day: day)
  }

  // SAFETY: n is above 10, so p[10] exists; everything else is read where at < n.
  private static func parseISOTime(_ p: UnsafePointer<UInt8>, _ n: Int, _ days: Int, _ exact: Bool) -> Int64? {
    guard unsafe p[10] == 0x54 || p[10] == 0x20 || p[10] == 0x74 else { return nil }
    var at = 11
    @inline(__always) func pair(_ limit: Int) -> Int? {
      guard at &+ 2 <= n else { return nil }
      let a = unsafe p[at] &- 0x30, b = unsafe p[at &+ 1] &- 0x30
      let v = Int(a) &* 10 &+ Int(b)
      guard a < 10, b < 10, v < limit else { return nil }
      at &+= 2
      return v
    }
    guard let hour = pair(24), at < n, unsafe p[at] == 0x3A else { return nil }
    at &+= 1
    guard let minute = pair(60) else { return nil }
    var ticks = Int64(days) &* CivilTime.ticksPerDay &+ Int64(hour) &* CivilTime.ticksPerHour &+ Int64(minute) &* CivilTime.ticksPerMinute
    if at < n, unsafe p[at] == 0x3A {
      at &+= 1
      guard let second = pair(60) else { return nil }
      ticks &+= Int64(second) &* CivilTime.ticksPerSecond
      if at < n, unsafe p[at] == 0x2E || p[at] == 0x2C {
        at &+= 1
        let start = at
        var fraction: UInt64 = 0
        while at < n, unsafe p[at] &- 0x30 < 10 {
          if at &- start < 7 {
            fraction = unsafe fraction &* 10 &+ UInt64(p[at] &- 0x30)
          } else if exact, unsafe p[at] != 0x30 {
            return nil
          }
          at &+= 1
        }
        guard at > start else { return nil }
        ticks &+= Int64(fraction &* csimd_pow10_u64(max(0, 7 &- (at &- start))))
      }
    }
    if at < n {
      guard let offset = unsafe parseOffset(p + at, n - at) else { return nil }
      ticks &-= offset
    }
    return CivilTime.isInRange(ticks) ? ticks : nil
  }

  /// Ticks of `Z`, `±HH:mm`, `±HHmm`, `±HH`, after at most one space.
  // SAFETY: callers hand over at least one byte; a space is passed over only where one more follows, and p[0] is read where n >= 1.
  static func parseOffset(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int64? {
    var p = unsafe start, n = count
    if n > 1, unsafe p[0] == 0x20 {
      unsafe p += 1
      n -= 1
    }
    if n == 1 { return unsafe p[0] | 0x20 == 0x7A ? 0 : nil }
    guard n >= 3, unsafe p[0] == 0x2B || p[0] == 0x2D else { return nil }
    let isNegative = unsafe p[0] == 0x2D
    var digits = 0
    var count = 0
    for i in 1..<n {
      if unsafe p[i] == 0x3A, i == 3 { continue }
      let d = unsafe p[i] &- 0x30
      guard d < 10, count < 4 else { return nil }
      digits = digits * 10 + Int(d)
      count += 1
    }
    guard count == 2 || count == 4 else { return nil }
    let hours = count == 2 ? digits : digits / 100
    let minutes = count == 2 ? 0 : digits % 100
    guard hours <= 18, minutes < 60 else { return nil }
    let offset = Int64(hours) * CivilTime.ticksPerHour + Int64(minutes) * CivilTime.ticksPerMinute
    return isNegative ? -offset : offset
  }

  /// `2020-01-02T03:04:05.0000000Z`, always 28 bytes for years 1...9999.
  package static func write(datetime ticks: Int64, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    let days = CivilTime.day(ofTicks: ticks)
    unsafe writeDate(days, to: out)
    let rest = UInt64(bitPattern: ticks &- Int64(days) &* CivilTime.ticksPerDay)
    unsafe out[10] = 0x54
    unsafe writeSeconds(rest / 10_000_000, to: out + 11)
    unsafe out[19] = 0x2E
    unsafe writeDigits(rest % 10_000_000, count: 7, to: out + 20)
    unsafe out[27] = 0x5A
    return unsafe out + 28
  }

  /// The shortest exact ISO form: `2020-01-02` at midnight, else `2020-01-02T03:04:05[.f…]Z` without trailing zeros: the form of files.
  package static func write(shortDatetime ticks: Int64, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    let days = CivilTime.day(ofTicks: ticks)
    unsafe writeDate(days, to: out)
    let rest = UInt64(bitPattern: ticks &- Int64(days) &* CivilTime.ticksPerDay)
    return unsafe rest == 0 ? out + 10 : writeShortTime(rest, to: out + 10)
  }

  /// The same with the time of day even at midnight.
  package static func write(timestamp ticks: Int64, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    let days = CivilTime.day(ofTicks: ticks)
    unsafe writeDate(days, to: out)
    return unsafe writeShortTime(UInt64(bitPattern: ticks &- Int64(days) &* CivilTime.ticksPerDay), to: out + 10)
  }

  // SAFETY: at most 18 bytes; the loop back stops at the point at the latest.
  private static func writeShortTime(_ rest: UInt64, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    let seconds = rest / 10_000_000
    let fraction = rest &- seconds &* 10_000_000
    unsafe out[0] = 0x54
    unsafe writeSeconds(seconds, to: out + 1)
    var end = unsafe out + 9
    if fraction != 0 {
      unsafe end[0] = 0x2E
      unsafe writeDigits(fraction, count: 7, to: end + 1)
      unsafe end += 8
      while unsafe end[-1] == 0x30 { unsafe end -= 1 }
    }
    unsafe end[0] = 0x5A
    return unsafe end + 1
  }

  /// `yyyy-MM-dd`, 10 bytes.
  @inlinable @inline(__always) package static func writeDate(_ days: Int, to out: UnsafeMutablePointer<UInt8>) {
    let (year, month, day) = CivilTime.civil(days: days)
    let century = year / 100
    unsafe writePair(century % 100, to: out)
    unsafe writePair(year &- century &* 100, to: out + 2)
    unsafe out[4] = 0x2D
    unsafe writePair(month, to: out + 5)
    unsafe out[7] = 0x2D
    unsafe writePair(day, to: out + 8)
  }

  /// `HH:mm:ss` of seconds below one day, 8 bytes.
  // SAFETY: 8 bytes of the callers' room; seconds are below one day, so all pairs are below 100.
  @inlinable @inline(__always) package static func writeSeconds(_ seconds: UInt64, to out: UnsafeMutablePointer<UInt8>) {
    let minutes = seconds / 60
    let hours = minutes / 60
    unsafe writePair(Int(truncatingIfNeeded: hours), to: out)
    unsafe out[2] = 0x3A
    unsafe writePair(Int(truncatingIfNeeded: minutes &- hours &* 60), to: out + 3)
    unsafe out[5] = 0x3A
    unsafe writePair(Int(truncatingIfNeeded: seconds &- minutes &* 60), to: out + 6)
  }
}

// Role: timespans from and to bytes: `[-][d.]hh:mm:ss[.fffffff]` and Kusto's short forms `1d`, `1.5h`, `90 seconds`, `10ms`.
// Source: Kusto "The timespan data type"; .NET "Standard TimeSpan format strings", "c".

import CSIMD

extension ScalarText {
  /// Ticks of `[-][d.]h:mm[:ss[.f…]]`, of a number with a unit, or of a bare whole number of days. Digits below a tick are cut off.
  // SAFETY: reads p[0] of n > 0 bytes and then only below n; `at` is 0 or 1.
  package static func parseTimespan(_ p: UnsafePointer<UInt8>, _ n: Int) -> Int64? {
    guard n > 0, n <= 64 else { return nil }
    var at = 0
    let isNegative = unsafe p[0] == 0x2D
    if unsafe p[0] == 0x2D || p[0] == 0x2B { at = 1 }
    var hasColon = false
    for i in at..<n where unsafe p[i] == 0x3A { hasColon = true }
    guard let magnitude = unsafe hasColon ? parseClock(p + at, n - at) : parseQuantity(p + at, n - at) else { return nil }
    if isNegative { return magnitude == 1 << 63 ? Int64.min : magnitude < 1 << 63 ? -Int64(magnitude) : nil }
    return Int64(exactly: magnitude)
  }

  // SAFETY: reads p[at] only where at < n.
  private static func parseClock(_ p: UnsafePointer<UInt8>, _ n: Int) -> UInt64? {
    var at = 0
    func number(_ limit: UInt64) -> UInt64? {
      let start = at
      var v: UInt64 = 0
      while at < n, unsafe p[at] &- 0x30 < 10 {
        guard at - start < 9 else { return nil }
        v = unsafe v * 10 + UInt64(p[at] &- 0x30)
        at += 1
      }
      return at > start && v <= limit ? v : nil
    }
    // More days than 64 bits of ticks hold are none: nothing below overflows then.
    guard let first = number(10_675_199), at < n else { return nil }
    var days: UInt64 = 0
    var hours = first
    if unsafe p[at] == 0x2E {
      days = first
      at += 1
      guard let h = number(23) else { return nil }
      hours = h
    } else if hours > 23 {
      return nil
    }
    guard at < n, unsafe p[at] == 0x3A else { return nil }
    at += 1
    guard let minutes = number(59) else { return nil }
    var ticks = ((days * 24 + hours) * 60 + minutes) * 600_000_000
    if at < n, unsafe p[at] == 0x3A {
      at += 1
      guard let seconds = number(59) else { return nil }
      ticks += seconds * 10_000_000
      if at < n, unsafe p[at] == 0x2E {
        at += 1
        let start = at
        var weight: UInt64 = 1_000_000
        while at < n, unsafe p[at] &- 0x30 < 10 {
          unsafe ticks += UInt64(p[at] &- 0x30) * weight
          weight /= 10
          at += 1
        }
        guard at > start else { return nil }
      }
    }
    return at == n ? ticks : nil
  }

  /// `1d`, `1.5h`, `3 minutes`, `12`.
  // SAFETY: reads p[at] only where at < n; the unit is the n - at > 0 bytes behind.
  private static func parseQuantity(_ p: UnsafePointer<UInt8>, _ n: Int) -> UInt64? {
    var at = 0
    while at < n, unsafe p[at] &- 0x30 < 10 || p[at] == 0x2E { at += 1 }
    guard at > 0, let number = unsafe parseDecimal(p, at), number.scale <= 30 else { return nil }
    let digits = at
    while at < n, unsafe p[at] == 0x20 { at += 1 }
    let factor: Int128
    if at == n {
      guard digits == n, number.scale == 0 else { return nil }
      factor = 864_000_000_000
    } else {
      guard let f = unsafe unitTicks(String(decoding: UnsafeBufferPointer(start: p + at, count: n - at), as: UTF8.self).lowercased()) else { return nil }
      factor = f
    }
    let (product, overflow) = number.coefficient.multipliedReportingOverflow(by: factor)
    guard !overflow else { return nil }
    return UInt64(exactly: product / powerOfTen(Int(number.scale)))
  }

  private static func unitTicks(_ unit: String) -> Int128? {
    switch unit {
    case "d", "day", "days": 864_000_000_000
    case "h", "hr", "hrs", "hour", "hours": 36_000_000_000
    case "m", "min", "minute", "minutes": 600_000_000
    case "s", "sec", "second", "seconds": 10_000_000
    case "ms", "milli", "millis", "millisec", "millisecond", "milliseconds": 10_000
    case "micro", "micros", "microsec", "microsecond", "microseconds": 10
    case "tick", "ticks": 1
    default: nil
    }
  }

  /// `[-][d.]hh:mm:ss[.fffffff]`; at most 26 bytes.
  // SAFETY: at most 26 of the `room` bytes that callers provide: 2^63 ticks are 10,675,199 days.
  package static func write(timespan ticks: Int64, to start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    var out = unsafe start
    if ticks < 0 {
      unsafe out[0] = 0x2D
      unsafe out += 1
    }
    let magnitude = ticks.magnitude
    let days = magnitude / 864_000_000_000
    let rest = magnitude &- days &* 864_000_000_000
    if days > 0 {
      unsafe out = unsafe write(unsigned: days, to: out)
      unsafe out[0] = 0x2E
      unsafe out += 1
    }
    let seconds = rest / 10_000_000
    let fraction = rest &- seconds &* 10_000_000
    unsafe writeSeconds(seconds, to: out)
    unsafe out += 8
    if fraction != 0 {
      unsafe out[0] = 0x2E
      unsafe writeDigits(fraction, count: 7, to: out + 1)
      unsafe out += 8
    }
    return unsafe out
  }
}

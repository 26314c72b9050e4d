// Role: prints datetimes by a compiled pattern. Values are UTC, so offsets print as `Z`, `+00:00`, `+0000`, `GMT`, `UTC`.

extension DateTimePattern {
  /// Writes the text of a datetime; needs `room` bytes, returns the end.
  package func write(_ ticks: Int64, to start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    var out = start
    let days = CivilTime.day(ofTicks: ticks)
    let (year, month, day) = CivilTime.civil(days: days)
    let rest = Int(ticks &- Int64(days) &* CivilTime.ticksPerDay)
    let seconds = rest / 10_000_000
    let fraction = rest &- seconds &* 10_000_000
    let hour = seconds / 3_600
    for element in elements {
      let width = element.width
      switch element.kind {
      case .literal:
        out[0] = UInt8(truncatingIfNeeded: width)
        out += 1
      case .year: out = width == 2 ? number(year % 100, 2, out) : number(year, width, out)
      case .month: out = number(month, width, out)
      case .monthName: out = name(CalendarNames.months[month - 1], width == 3, out)
      case .day: out = number(day, width, out)
      case .dayOfYear: out = number(CivilTime.dayOfYear(days: days), width, out)
      case .weekdayName: out = name(CalendarNames.weekdays[CivilTime.dayOfWeek(days: days)], width <= 3, out)
      case .halfDay:
        out[0] = hour < 12 ? 0x41 : 0x50
        out[1] = 0x4D
        out += 2
      case .hour24: out = number(hour, width, out)
      case .hour12: out = number(hour % 12 == 0 ? 12 : hour % 12, width, out)
      case .hour11: out = number(hour % 12, width, out)
      case .hour24From1: out = number(hour == 0 ? 24 : hour, width, out)
      case .minute: out = number(seconds / 60 % 60, width, out)
      case .second: out = number(seconds % 60, width, out)
      case .fraction:
        ScalarText.writeDigits(UInt64(fraction) &* 100, count: 9, to: out)
        out += width
      case .fractionTrimmed:
        ScalarText.writeDigits(UInt64(fraction), count: 7, to: out)
        var n = width
        while n > 0, out[n - 1] == 0x30 { n -= 1 }
        out += n
        // .NET drops the point in front of an empty fraction.
        if n == 0, out > start, out[-1] == 0x2E { out -= 1 }
      case .offsetZ:
        out[0] = 0x5A
        out += 1
      case .offset:
        let text: StaticString = width == 1 ? "+00" : width == 3 || width == 5 ? "+00:00" : "+0000"
        out = name(text, false, out, capital: false)
      case .offsetWords: out = name("gmt", false, out, upper: true)
      case .zoneName: out = name("utc", false, out, upper: true)
      case .optionalStart, .optionalEnd: break
      }
    }
    return out
  }

  private func number(_ value: Int, _ width: Int, _ out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    let n = max(width, ScalarText.digitCount(UInt64(value)))
    ScalarText.writeDigits(UInt64(value), count: n, to: out)
    return out + n
  }

  private func name(_ text: StaticString, _ isShort: Bool, _ out: UnsafeMutablePointer<UInt8>, capital: Bool = true, upper: Bool = false)
    -> UnsafeMutablePointer<UInt8>
  {
    let n = isShort ? 3 : text.utf8CodeUnitCount
    for i in 0..<n { out[i] = capital && (i == 0 || upper) ? text.utf8Start[i] & 0xDF : text.utf8Start[i] }
    return out + n
  }
}

// Role: prints datetimes by a compiled pattern. Values are UTC, so offsets print as `Z`, `+00:00`, `+0000`, `GMT`, `UTC`.

extension DateTimePattern {
  /// Writes the text of a datetime; needs `room` bytes, returns the end.
  // SAFETY: `room` counts 12 bytes or the width for each element: names have at most 9, offsets 6, numbers the wider of their width and 5 digits.
  // A fraction is written with up to 9 digits of which `width` stay; the 32 bytes more take the excess.
  package func write(_ ticks: Int64, to start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    var out = unsafe start
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
        unsafe out[0] = UInt8(truncatingIfNeeded: width)
        unsafe out += 1
      case .year: unsafe out = unsafe width == 2 ? number(year % 100, 2, out) : number(year, width, out)
      case .yearOfCentury: unsafe out = unsafe number(year % 100, width, out)
      case .month: unsafe out = unsafe number(month, width, out)
      case .monthName: unsafe out = unsafe name(CalendarNames.months[month - 1], width == 3, out)
      case .day: unsafe out = unsafe number(day, width, out)
      case .dayOfYear: unsafe out = unsafe number(CivilTime.dayOfYear(days: days), width, out)
      case .weekdayName: unsafe out = unsafe name(CalendarNames.weekdays[CivilTime.dayOfWeek(days: days)], width <= 3, out)
      case .halfDay:
        unsafe out[0] = hour < 12 ? 0x41 : 0x50
        unsafe out[1] = 0x4D
        unsafe out += 2
      case .hour24: unsafe out = unsafe number(hour, width, out)
      case .hour12: unsafe out = unsafe number(hour % 12 == 0 ? 12 : hour % 12, width, out)
      case .hour11: unsafe out = unsafe number(hour % 12, width, out)
      case .hour24From1: unsafe out = unsafe number(hour == 0 ? 24 : hour, width, out)
      case .minute: unsafe out = unsafe number(seconds / 60 % 60, width, out)
      case .second: unsafe out = unsafe number(seconds % 60, width, out)
      case .fraction:
        unsafe ScalarText.writeDigits(UInt64(fraction) &* 100, count: 9, to: out)
        unsafe out += width
      case .fractionTrimmed:
        unsafe ScalarText.writeDigits(UInt64(fraction), count: 7, to: out)
        var n = width
        while n > 0, unsafe out[n - 1] == 0x30 { n -= 1 }
        unsafe out += n
        // .NET drops the point in front of an empty fraction.
        if n == 0, unsafe out > start, unsafe out[-1] == 0x2E { unsafe out -= 1 }
      case .offsetZ:
        unsafe out[0] = 0x5A
        unsafe out += 1
      case .offset:
        let text: StaticString = width == 1 ? "+00" : width == 3 || width == 5 ? "+00:00" : "+0000"
        unsafe out = unsafe name(text, false, out, capital: false)
      case .offsetWords: unsafe out = unsafe name("gmt", false, out, upper: true)
      case .zoneName: unsafe out = unsafe name("utc", false, out, upper: true)
      case .optionalStart, .optionalEnd: break
      }
    }
    return unsafe out
  }

  // SAFETY: as in `write`.
  private func number(_ value: Int, _ width: Int, _ out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    // Years that no datetime has would need more room than there is.
    let value = UInt64(min(max(value, 0), 9_999))
    let n = max(width, ScalarText.digitCount(value))
    unsafe ScalarText.writeDigits(value, count: n, to: out)
    return unsafe out + n
  }

  // SAFETY: as in `write`; a static string's bytes live for ever, and all names have three letters.
  private func name(_ text: StaticString, _ isShort: Bool, _ out: UnsafeMutablePointer<UInt8>, capital: Bool = true, upper: Bool = false)
    -> UnsafeMutablePointer<UInt8>
  {
    let n = isShort ? 3 : text.utf8CodeUnitCount
    for i in 0..<n { unsafe out[i] = unsafe capital && (i == 0 || upper) ? text.utf8Start[i] & 0xDF : text.utf8Start[i] }
    return unsafe out + n
  }
}

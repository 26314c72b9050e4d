// Role: parses datetimes by a compiled pattern. As in Spark: `M` takes one or two digits, `MM` exactly two, `yyyy` four, `SSS` one to three;
// names and AM/PM in any case; absent fields are 1970-01-01T00:00:00; text in `[…]` may be missing; without an offset the time is UTC.

extension DateTimePattern {
  struct Fields {
    var year = 1970, month = 1, day = 1, dayOfYear = 0
    var hour = 0, minute = 0, second = 0, fraction = 0
    /// 0 AM, 1 PM, -1 none; `hour` is then 0...11.
    var halfDay = -1
    var isHalfDayHour = false
    var weekday = -1
    var offset: Int64 = 0
  }

  /// Ticks of a text that the whole pattern matches; nil when it does not, or the date does not exist. Digits below a tick must be zero.
  // SAFETY: the elements live for the call; `match` reads p below n.
  package func parse(_ p: UnsafePointer<UInt8>, _ n: Int) -> Int64? {
    var fields = Fields()
    let end = unsafe elements.withUnsafeBufferPointer { unsafe match($0, from: 0, to: $0.count, p, 0, n, &fields) }
    guard end == n else { return nil }
    if fields.isHalfDayHour { fields.hour = fields.hour % 12 + (fields.halfDay == 1 ? 12 : 0) }
    if fields.dayOfYear > 0 {
      guard fields.dayOfYear <= (CivilTime.isLeap(fields.year) ? 366 : 365) else { return nil }
      (_, fields.month, fields.day) = CivilTime.civil(days: CivilTime.days(year: fields.year, month: 1, day: fields.dayOfYear))
    }
    guard
      let ticks = CivilTime.ticks(
        year: fields.year, month: fields.month, day: fields.day, hour: fields.hour, minute: fields.minute, second: fields.second,
        fraction: fields.fraction)
    else { return nil }
    if fields.weekday >= 0, CivilTime.dayOfWeek(days: CivilTime.day(ofTicks: ticks)) != fields.weekday { return nil }
    let shifted = ticks &- fields.offset
    return CivilTime.isInRange(shifted) ? shifted : nil
  }

  /// Matches elements `from..<to` at `start`; returns the end, or -1.
  // SAFETY: an optional start's width is the index behind its end, set by the compiler, which refuses one without the other; so i stays below
  // elements.count. Bytes are read only where at < n.
  private func match(
    _ elements: UnsafeBufferPointer<Element>, from: Int, to: Int, _ p: UnsafePointer<UInt8>, _ start: Int, _ n: Int, _ f: inout Fields
  ) -> Int {
    var at = start
    var i = from
    while i < to {
      let element = unsafe elements[i]
      i &+= 1
      if element.kind == .literal {
        guard at < n, unsafe p[at] == UInt8(truncatingIfNeeded: element.width) else { return -1 }
        at &+= 1
        continue
      }
      if element.kind == .optionalStart {
        var attempt = f
        let end = unsafe match(elements, from: i, to: element.width - 1, p, at, n, &attempt)
        if end >= 0 {
          f = attempt
          at = end
        }
        i = element.width
        continue
      }
      // Fields that touch the next number must not swallow its digits.
      let touchesNumber = unsafe i < to && elements[i].kind != .literal && elements[i].kind.rawValue <= Kind.fraction.rawValue
        && elements[i].kind != .halfDay && elements[i].kind != .monthName && elements[i].kind != .weekdayName
      guard unsafe field(element, touchesNumber, p, &at, n, &f) else { return -1 }
    }
    return at
  }

  // SAFETY: reads p[at] only where at < n.
  @inline(__always) private func digits(_ p: UnsafePointer<UInt8>, _ at: inout Int, _ n: Int, _ least: Int, _ most: Int) -> Int? {
    let start = at
    var value = 0
    while at < n, at &- start < most {
      let d = unsafe p[at] &- 0x30
      if d >= 10 { break }
      value = value &* 10 &+ Int(d)
      at &+= 1
    }
    return at &- start >= least ? value : nil
  }

  // SAFETY: reads p[at + 1] only where at + 2 <= n; everything else reads where at < n and leaves `at` at most at n.
  private func field(_ element: Element, _ touches: Bool, _ p: UnsafePointer<UInt8>, _ at: inout Int, _ n: Int, _ f: inout Fields) -> Bool {
    let width = element.width
    let most = width == 1 && !touches ? 2 : width
    switch element.kind {
    case .year:
      guard let v = unsafe width == 2 ? digits(p, &at, n, 2, 2) : digits(p, &at, n, width, touches ? width : max(width, 5)) else { return false }
      f.year = width == 2 ? 2_000 + v : v
    case .yearOfCentury:
      guard let v = unsafe digits(p, &at, n, width, most) else { return false }
      f.year = 2_000 + v
    case .month: return unsafe set(&f.month, digits(p, &at, n, width, most), 1...12)
    case .day: return unsafe set(&f.day, digits(p, &at, n, width, most), 1...31)
    case .dayOfYear: return unsafe set(&f.dayOfYear, digits(p, &at, n, width, touches ? width : 3), 1...366)
    case .monthName:
      guard let m = unsafe name(CalendarNames.months, p, &at, n) else { return false }
      f.month = m + 1
    case .weekdayName:
      guard let d = unsafe name(CalendarNames.weekdays, p, &at, n) else { return false }
      f.weekday = d
    case .halfDay:
      guard at &+ 2 <= n, unsafe p[at &+ 1] | 0x20 == 0x6D, unsafe p[at] | 0x20 == 0x61 || p[at] | 0x20 == 0x70 else { return false }
      f.halfDay = unsafe p[at] | 0x20 == 0x70 ? 1 : 0
      at &+= 2
    case .hour24: return unsafe set(&f.hour, digits(p, &at, n, width, most), 0...23)
    case .hour12:
      f.isHalfDayHour = true
      return unsafe set(&f.hour, digits(p, &at, n, width, most), 1...12)
    case .hour11:
      f.isHalfDayHour = true
      return unsafe set(&f.hour, digits(p, &at, n, width, most), 0...11)
    case .hour24From1:
      guard unsafe set(&f.hour, digits(p, &at, n, width, most), 1...24) else { return false }
      if f.hour == 24 { f.hour = 0 }
    case .minute: return unsafe set(&f.minute, digits(p, &at, n, width, most), 0...59)
    case .second: return unsafe set(&f.second, digits(p, &at, n, width, most), 0...59)
    case .fraction, .fractionTrimmed:
      let start = at
      guard let v = unsafe digits(p, &at, n, element.kind == .fraction ? 1 : 0, width) else { return false }
      let count = at &- start
      let nanos = v &* Int(truncatingIfNeeded: Self.scale(9 &- count))
      guard nanos % 100 == 0 else { return false }
      f.fraction = nanos / 100
    case .offset, .offsetZ, .offsetWords: return unsafe offset(p, &at, n, &f)
    case .zoneName:
      let start = at
      while at < n, unsafe (p[at] | 0x20) &- 0x61 < 26 { at &+= 1 }
      switch unsafe String(decoding: UnsafeBufferPointer(start: p + start, count: at - start), as: UTF8.self).uppercased() {
      case "UTC", "GMT", "Z", "UT": return true
      default: return false
      }
    case .literal, .optionalStart, .optionalEnd: break
    }
    return true
  }

  private static func scale(_ n: Int) -> Int {
    var v = 1
    for _ in 0..<max(0, n) { v = v &* 10 }
    return v
  }

  @inline(__always) private func set(_ field: inout Int, _ value: Int?, _ range: ClosedRange<Int>) -> Bool {
    guard let value, value >= range.lowerBound, value <= range.upperBound else { return false }
    field = value
    return true
  }

  // SAFETY: reads p[at] only where at < n; the name is the at - start bytes before.
  private func name(_ names: [StaticString], _ p: UnsafePointer<UInt8>, _ at: inout Int, _ n: Int) -> Int? {
    let start = at
    while at < n, unsafe (p[at] | 0x20) &- 0x61 < 26 { at &+= 1 }
    return unsafe CalendarNames.index(p + start, at - start, in: names)
  }

  /// `Z`, `UTC`, `GMT`, or a sign and digits, after `UTC` or `GMT` too.
  // SAFETY: reads three bytes only where at + 3 <= n, else p[at] where at < n; the offset handed on has at least its sign.
  private func offset(_ p: UnsafePointer<UInt8>, _ at: inout Int, _ n: Int, _ f: inout Fields) -> Bool {
    guard at < n else { return false }
    if unsafe p[at] | 0x20 == 0x7A {
      at &+= 1
      return true
    }
    var hasWord = false
    if at &+ 3 <= n, unsafe (p[at] | 0x20 == 0x67 && p[at &+ 1] | 0x20 == 0x6D) || (p[at] | 0x20 == 0x75 && p[at &+ 1] | 0x20 == 0x74) {
      at &+= 3
      hasWord = true
    }
    let start = at
    if at < n, unsafe p[at] == 0x2B || p[at] == 0x2D {
      at &+= 1
      while at < n, unsafe p[at] == 0x3A || p[at] &- 0x30 < 10, at &- start < 6 { at &+= 1 }
    }
    if at == start { return hasWord }
    guard let value = unsafe ScalarText.parseOffset(p + start, at - start) else { return false }
    f.offset = value
    return true
  }
}

// Role: the other datetime forms Kusto documents beside ISO 8601, read token by token:
//   RFC 822  Sat, 8 Nov 14 15:05:02 GMT     RFC 850  Saturday, 08-Nov-14 15:05:02 UTC     asctime  Sat Nov 8 15:05:02 2014 [GMT]
//   and the forms .NET's invariant culture takes: 11/8/2014 3:05:02 PM, 2014/11/08 15:05, 2014-1-2, 2014-11, 20141108 is not one.
// Source: Kusto "The datetime data type", Supported formats.

extension ScalarText {
  static func parseDateTimeForms(_ p: UnsafePointer<UInt8>, _ n: Int) -> Int64? {
    guard n >= 6, n <= 64 else { return nil }
    var scanner = unsafe DateTimeScanner(p, n)
    return scanner.read()
  }
}

/// Month and weekday names, lower case, and their search.
enum CalendarNames {
  static let months: [StaticString] = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
  ]
  static let weekdays: [StaticString] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]

  /// The index of the name whose first three letters, or all, are the bytes (any case).
  static func index(_ p: UnsafePointer<UInt8>, _ n: Int, in names: [StaticString]) -> Int? {
    names.firstIndex { name in
      guard n == 3 || n == name.utf8CodeUnitCount else { return false }
      for i in 0..<n where unsafe p[i] | 0x20 != name.utf8Start[i] { return false }
      return true
    }
  }
}

// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe private struct DateTimeScanner {
  let p: UnsafePointer<UInt8>
  let n: Int
  var at = 0
  var year = -1, month = -1, day = -1
  var time: Int64?
  var offset: Int64 = 0
  var halfDay = -1

  init(_ p: UnsafePointer<UInt8>, _ n: Int) {
    unsafe self.p = unsafe p
    self.n = n
  }

  mutating func read() -> Int64? {
    while at < n {
      let c = unsafe p[at]
      if c == 0x20 || c == 0x2C {
        at += 1
      } else if (c | 0x20) &- 0x61 < 26 {
        guard word() else { return nil }
      } else if c &- 0x30 < 10 {
        guard number() else { return nil }
      } else if c == 0x2B || c == 0x2D, time != nil {
        guard let value = unsafe ScalarText.parseOffset(p + at, n - at) else { return nil }
        offset = value
        at = n
      } else {
        return nil
      }
    }
    guard year >= 0, month > 0, day > 0, let midnight = CivilTime.ticks(year: year, month: month, day: day) else { return nil }
    var clock = time ?? 0
    if halfDay >= 0 {
      let hour = clock / CivilTime.ticksPerHour
      guard time != nil, hour >= 1, hour <= 12 else { return nil }
      clock += (Int64(halfDay) * 12 + hour % 12 - hour) * CivilTime.ticksPerHour
    }
    let ticks = midnight + clock - offset
    return CivilTime.isInRange(ticks) ? ticks : nil
  }

  private mutating func word() -> Bool {
    let start = at
    while at < n, unsafe (p[at] | 0x20) &- 0x61 < 26 { at += 1 }
    let count = at - start
    if at < n, unsafe p[at] == 0x2E { at += 1 }
    let word = unsafe p + start
    if unsafe CalendarNames.index(word, count, in: CalendarNames.weekdays) != nil { return true }
    if let m = unsafe CalendarNames.index(word, count, in: CalendarNames.months) {
      guard month < 0 else { return false }
      month = m + 1
      return true
    }
    if count == 1, unsafe word[0] | 0x20 == 0x74, at < n { return true }
    if count == 2, unsafe word[1] | 0x20 == 0x6D, unsafe word[0] | 0x20 == 0x61 || word[0] | 0x20 == 0x70 {
      halfDay = unsafe word[0] | 0x20 == 0x61 ? 0 : 1
      return true
    }
    guard time != nil, let hours = unsafe Self.zone(word, count) else { return false }
    offset = Int64(hours) * CivilTime.ticksPerHour
    return true
  }

  /// Hours of the zone names of RFC 822.
  private static func zone(_ p: UnsafePointer<UInt8>, _ n: Int) -> Int? {
    switch unsafe String(decoding: UnsafeBufferPointer(start: p, count: n), as: UTF8.self).uppercased() {
    case "Z", "UT", "UTC", "GMT": 0
    case "EDT": -4
    case "EST", "CDT": -5
    case "CST", "MDT": -6
    case "MST", "PDT": -7
    case "PST": -8
    default: nil
    }
  }

  private mutating func digits() -> (value: Int, count: Int)? {
    let start = at
    var value = 0
    while at < n, unsafe p[at] &- 0x30 < 10 {
      guard at - start < 9 else { return nil }
      value = unsafe value * 10 + Int(p[at] &- 0x30)
      at += 1
    }
    return at > start ? (value, at - start) : nil
  }

  private func century(_ value: Int, _ count: Int) -> Int { count > 2 ? value : value < 50 ? 2_000 + value : 1_900 + value }

  private mutating func number() -> Bool {
    guard let first = digits() else { return false }
    if at < n, unsafe p[at] == 0x3A { return clock(hour: first.value) }
    if at < n, unsafe p[at] == 0x2F || p[at] == 0x2D || p[at] == 0x2E, year < 0, day < 0 { return unsafe date(first, separator: p[at]) }
    if first.count == 4, year < 0 { year = first.value; return true }
    if day < 0, first.count <= 2 { day = first.value; return true }
    if year < 0, first.count == 2 { year = century(first.value, 2); return true }
    // "3 PM"
    if time == nil, first.count <= 2, first.value < 24 { time = Int64(first.value) * CivilTime.ticksPerHour; return true }
    return false
  }

  /// `yyyy-M-d`, `yyyy-M`, `M/d/yyyy`, `d-MMM-yy`, `d-MMM-yyyy`.
  private mutating func date(_ first: (value: Int, count: Int), separator: UInt8) -> Bool {
    at += 1
    if first.count == 4 {
      guard let m = digits(), m.count <= 2 else { return false }
      year = first.value
      month = m.value
      day = 1
      guard at < n, unsafe p[at] == separator else { return true }
      at += 1
      guard let d = digits(), d.count <= 2 else { return false }
      day = d.value
      return true
    }
    guard first.count <= 2, at < n else { return false }
    if unsafe (p[at] | 0x20) &- 0x61 < 26 {
      let start = at
      while at < n, unsafe (p[at] | 0x20) &- 0x61 < 26 { at += 1 }
      guard let m = unsafe CalendarNames.index(p + start, at - start, in: CalendarNames.months) else { return false }
      month = m + 1
      day = first.value
    } else {
      guard let d = digits(), d.count <= 2 else { return false }
      month = first.value
      day = d.value
    }
    guard at < n, unsafe p[at] == separator else { return false }
    at += 1
    guard let y = digits(), y.count == 2 || y.count == 4 else { return false }
    year = century(y.value, y.count)
    return true
  }

  private mutating func clock(hour: Int) -> Bool {
    guard time == nil, hour < 24 else { return false }
    at += 1
    guard let minute = digits(), minute.value < 60, minute.count <= 2 else { return false }
    var ticks = Int64(hour) * CivilTime.ticksPerHour + Int64(minute.value) * CivilTime.ticksPerMinute
    if at < n, unsafe p[at] == 0x3A {
      at += 1
      guard let second = digits(), second.value < 60, second.count <= 2 else { return false }
      ticks += Int64(second.value) * CivilTime.ticksPerSecond
      if at < n, unsafe p[at] == 0x2E {
        at += 1
        let start = at
        var weight: Int64 = 1_000_000
        while at < n, unsafe p[at] &- 0x30 < 10 {
          unsafe ticks += Int64(p[at] &- 0x30) * weight
          weight /= 10
          at += 1
        }
        guard at > start else { return false }
      }
    }
    time = ticks
    return true
  }
}

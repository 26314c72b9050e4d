// Role: making, shifting, comparing and formatting datetimes and timespans. Source: Kusto language reference, "Date and time functions".

import Columnar

private func time(
  _ name: String, _ arity: ClosedRange<Int>, _ parameters: String, _ summary: String, _ example: String,
  bind: @escaping @Sendable (FunctionCall) throws -> BoundFunction
) -> FunctionSpec {
  FunctionSpec(name, .time, arity, parameters: parameters, summary, example: example, bind: bind)
}

/// Ticks of the periods with a fixed length.
private func ticks(of period: String) -> Int64? {
  switch period {
  case "week": 7 &* CivilTime.ticksPerDay
  case "day": CivilTime.ticksPerDay
  case "hour": CivilTime.ticksPerHour
  case "minute": CivilTime.ticksPerMinute
  case "second": CivilTime.ticksPerSecond
  case "millisecond": CivilTime.ticksPerMillisecond
  case "microsecond": CivilTime.ticksPerMicrosecond
  default: nil
  }
}

private func months(of period: String) -> Int? {
  switch period {
  case "year": 12
  case "quarter": 3
  case "month": 1
  default: nil
  }
}

private func floorDivide(_ a: Int64, _ b: Int64) -> Int64 {
  let q = a / b
  return a % b < 0 ? q - 1 : q
}

/// How many period boundaries lie between two datetimes.
private func difference(_ period: String) -> (@Sendable (Int64, Int64) -> Int64)? {
  if let months = months(of: period) {
    let index: @Sendable (Int64) -> Int = { t in
      let date = CivilTime.date(ofTicks: t)
      return (date.year * 12 + date.month - 1) / months
    }
    return { Int64(index($0) - index($1)) }
  }
  if period == "nanosecond" { return { ($0 &- $1) &* 100 } }
  // Weeks begin on Sunday: 1970-01-01 was a Thursday.
  let shift = period == "week" ? 4 &* CivilTime.ticksPerDay : 0
  guard let size = ticks(of: period) else { return nil }
  return { floorDivide($0 &+ shift, size) &- floorDivide($1 &+ shift, size) }
}

private func addition(_ period: String) -> (@Sendable (Int64, Int64) -> Int64?)? {
  if let months = months(of: period) {
    return { amount, t in amount.magnitude > 200_000 ? nil : CivilTime.adding(months: Int(amount) * months, toTicks: t) }
  }
  if period == "nanosecond" { return { amount, t in checkedAdd(t, amount / 100) } }
  guard let size = ticks(of: period) else { return nil }
  return { amount, t in
    let (shift, overflow) = amount.multipliedReportingOverflow(by: size)
    return overflow ? nil : checkedAdd(t, shift)
  }
}

private func checkedAdd(_ a: Int64, _ b: Int64) -> Int64? {
  let (sum, overflow) = a.addingReportingOverflow(b)
  return !overflow && CivilTime.isInRange(sum) ? sum : nil
}

private let periods = "year, quarter, month, week, day, hour, minute, second, millisecond, microsecond, nanosecond"

private func unixTime(_ unit: String, _ ticksPerUnit: Double, _ numerator: Int64, _ denominator: Int64) -> FunctionSpec {
  time("unixtime_\(unit)_todatetime", 1...1, "number", "The datetime that many \(unit) after 1970-01-01.", "unixtime_\(unit)_todatetime(1546300800)") { call in
    if call.types[0] == .int || call.types[0] == .long {
      return BoundFunction(.datetime, [.long], kernel: rows(LongRows.self) { value -> Int64? in
        let (t, overflow) = value.multipliedReportingOverflow(by: numerator)
        return overflow ? nil : checkedAdd(0, t / denominator)
      })
    }
    return BoundFunction(.datetime, [.real], kernel: rows(RealRows.self) { value -> Int64? in
      Int64(checking: (value * ticksPerUnit).rounded(.toNearestOrAwayFromZero)).flatMap { checkedAdd(0, $0) }
    })
  }
}

let timeFunctions: [FunctionSpec] = [
  time("now", 0...1, "[offset]", "The time the query began, the same everywhere in it.", "now(-1d)") { call in
    let now = call.context.nowTicks
    if call.count == 0 { return BoundFunction(.datetime, []) { _, n in .constant(.datetime(now), count: n) } }
    return BoundFunction(.datetime, [.timespan], kernel: rows(LongRows.self) { checkedAdd(now, $0) })
  },
  time("ago", 1...1, "timespan", "The time the query began minus a timespan.", "ago(1d)") { call in
    let now = call.context.nowTicks
    guard call.types[0] == .timespan || call.types[0] == .dynamic else { throw call.wrongTypes("a timespan") }
    return BoundFunction(.datetime, [.timespan], kernel: rows(LongRows.self) { checkedAdd(now, 0 &- $0) })
  },
  // SAFETY: the text row is not read.
  time("datetime_add", 3...3, "period, amount, date", "A date moved by a number of periods.", "datetime_add('month', 1, datetime(2020-01-31))") { call in
    let period = try call.constantText(0, "the period").lowercased()
    guard let f = addition(period) else { throw call.invalid("unknown period '\(period)'; one of \(periods)") }
    return unsafe BoundFunction(.datetime, [.string, .long, .datetime], kernel: rows(TextRows.self, LongRows.self, LongRows.self) { f($1, $2) })
  },
  // SAFETY: the text row is not read.
  time("datetime_diff", 3...3, "period, date1, date2", "How many period boundaries date1 lies behind date2.", "datetime_diff('day', datetime(2020-01-02), datetime(2020-01-01))") { call in
    let period = try call.constantText(0, "the period").lowercased()
    guard let f = difference(period) else { throw call.invalid("unknown period '\(period)'; one of \(periods)") }
    return unsafe BoundFunction(.long, [.string, .datetime, .datetime], kernel: rows(TextRows.self, LongRows.self, LongRows.self) { f($1, $2) })
  },
  time("make_datetime", 1...6, "year, month, day [, hour, minute [, second]]", "A datetime of its parts; null when there is no such time.", "make_datetime(2017, 10, 1)") { call in
    if call.count == 1 { return BoundFunction(.datetime, [call.types[0]], nulls: .custom) { arguments, _ in arguments[0].cast(to: .datetime) } }
    guard call.count != 2, call.count != 4 else { throw ExpressionError.argumentCount(function: call.name, found: call.count, expected: "3, 5 or 6") }
    return BoundFunction(.datetime, Array([.long, .long, .long, .long, .long, .real].prefix(call.count))) { arguments, n in
      let parts = arguments.prefix(5).map { LongRows($0) }
      let second = arguments.count == 6 ? RealRows(arguments[5]) : nil
      return try Optional<Int64>.collect(n) { i -> Int64? in
        let numbers = parts.map { Int(clamping: $0[i]) }
        let s = second?[i] ?? 0
        guard numbers.allSatisfy({ $0 >= 0 && $0 < 10_000 }), s >= 0, s < 60 else { return nil }
        let whole = Int(s.rounded(.down))
        let fraction = Int(((s - Double(whole)) * 1e7).rounded())
        guard let t = CivilTime.ticks(
          year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers.count > 3 ? numbers[3] : 0, minute: numbers.count > 4 ? numbers[4] : 0,
          second: whole)
        else { return nil }
        return checkedAdd(t, Int64(fraction))
      }
    }
  },
  time("make_timespan", 1...4, "[days,] hours, minutes [, seconds]", "A timespan of its parts.", "make_timespan(1, 12, 30, 55.123)") { call in
    if call.count == 1 { return BoundFunction(.timespan, [call.types[0]], nulls: .custom) { arguments, _ in arguments[0].cast(to: .timespan) } }
    return BoundFunction(.timespan, Array(repeating: .real, count: call.count)) { arguments, n in
      let parts = arguments.map { RealRows($0) }
      return try Optional<Int64>.collect(n) { i -> Int64? in
        let v = parts.map { $0[i] }
        let (d, h, m, s) = v.count == 4 ? (v[0], v[1], v[2], v[3]) : (0, v[0], v[1], v.count == 3 ? v[2] : 0)
        guard d >= 0, h >= 0, h < 24, m >= 0, m < 60, s >= 0, s < 60 else { return nil }
        let whole = d.rounded(.towardZero) * 86_400 + h.rounded(.towardZero) * 3_600 + m.rounded(.towardZero) * 60
        return Int64(checking: whole * 1e7).map { $0 &+ Int64((s * 1e7).rounded()) }
      }
    }
  },
  // SAFETY: the builder reserves the pattern's `room` before `write` gets the address.
  time("format_datetime", 2...2, "date, format", "A date as text in a format.", "format_datetime(datetime(2020-01-31), 'yyyy-MM-dd')") { call in
    let pattern = try timePattern(call)
    return BoundFunction(.string, [.datetime, .string], nulls: .custom) { arguments, n in
      let date = LongRows(arguments[0])
      let out = StringBuilder(rows: n)
      for i in 0..<n {
        if arguments[0].hasValue(i) { unsafe out.data.appendText(room: pattern.room) { unsafe pattern.write(date[i], to: $0) } }
        out.endRow()
      }
      return out.finish()
    }
  },
  time("format_timespan", 2...2, "timespan, format", "A timespan as text in a format.", "format_timespan(1h, 'hh:mm')") { call in
    let format = Array(try call.constantText(1, "the format").utf8)
    for byte in format where !"dfFhHmst _-/:,.[]".utf8.contains(byte) || byte == UInt8(ascii: "t") {
      throw call.invalid("the format has '\(Character(UnicodeScalar(byte)))', which stands for nothing")
    }
    return BoundFunction(.string, [.timespan, .string], nulls: .custom) { arguments, n in
      let span = LongRows(arguments[0])
      let out = StringBuilder(rows: n)
      for i in 0..<n {
        if arguments[0].hasValue(i) { appendTimespan(span[i], format, out.data) }
        out.endRow()
      }
      return out.finish()
    }
  },
  unixTime("seconds", 1e7, 10_000_000, 1), unixTime("milliseconds", 1e4, 10_000, 1), unixTime("microseconds", 10, 10, 1),
  unixTime("nanoseconds", 0.01, 1, 100),
]

private func timePattern(_ call: FunctionCall) throws -> DateTimePattern {
  let format = try call.constantText(1, "the format")
  do {
    return try DateTimePattern(format, dialect: .kusto)
  } catch {
    throw call.invalid("\(error)")
  }
}

/// The parts of a timespan in a format; a run of one letter is one part, padded to the run's length.
// SAFETY: the digits live for the call that copies them.
private func appendTimespan(_ span: Int64, _ format: [UInt8], _ out: BufferBuilder<UInt8>) {
  let t = span.magnitude
  if span < 0 { out.append(UInt8(ascii: "-")) }
  func number(_ value: UInt64, width: Int) {
    let digits = String(value)
    for _ in 0..<max(0, width - digits.utf8.count) { out.append(0x30) }
    out.append(text: digits)
  }
  var i = 0
  while i < format.count {
    var j = i
    while j < format.count, format[j] == format[i] { j += 1 }
    let n = j - i
    switch format[i] {
    case UInt8(ascii: "d"): number(t / 864_000_000_000, width: n)
    case UInt8(ascii: "h"), UInt8(ascii: "H"): number(t / 36_000_000_000 % 24, width: n)
    case UInt8(ascii: "m"): number(t / 600_000_000 % 60, width: n)
    case UInt8(ascii: "s"): number(t / 10_000_000 % 60, width: n)
    case UInt8(ascii: "f"), UInt8(ascii: "F"):
      var digits = Array(String(t % 10_000_000 + 10_000_000).utf8.dropFirst().prefix(n))
      if format[i] == UInt8(ascii: "F") { while digits.last == 0x30 { digits.removeLast() } }
      unsafe digits.withUnsafeBufferPointer { unsafe out.append(contentsOf: $0) }
    default: for _ in 0..<n { out.append(format[i]) }
    }
    i = j
  }
}

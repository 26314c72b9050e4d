// Role: parts of datetimes: numbers such as the hour of the day, and the starts and ends of periods. Weeks begin on Sunday in startofweek and
// dayofweek, on Monday in week_of_year (ISO 8601). Source: Kusto language reference, "Date and time functions".

import Columnar

private func time(
  _ name: String, aliases: [String] = [], _ arity: ClosedRange<Int>, _ parameters: String, _ summary: String, _ example: String,
  bind: @escaping @Sendable (FunctionCall) throws -> BoundFunction
) -> FunctionSpec {
  FunctionSpec(name, aliases: aliases, .time, arity, parameters: parameters, summary, example: example, bind: bind)
}

/// A datetime argument; anything but datetime and dynamic is refused.
private func needDateTime(_ call: FunctionCall, _ i: Int = 0) throws {
  guard call.types[i] == .datetime || call.types[i] == .dynamic else { throw call.wrongTypes("a datetime; convert it with todatetime()") }
}

private func part(_ name: String, aliases: [String] = [], _ summary: String, _ f: @escaping @Sendable (Int64) -> Int32) -> FunctionSpec {
  time(name, aliases: aliases, 1...1, "date", summary, "\(name)(datetime(2020-01-31 12:30))") { call in
    try needDateTime(call)
    return BoundFunction(.int, [.datetime], kernel: rows(LongRows.self) { f($0) })
  }
}

@inline(__always) private func small(_ value: Int) -> Int32 { Int32(truncatingIfNeeded: value) }

/// The periods with a start and an end.
enum Period: String, Sendable {
  case day, week, month, year

  /// The start of the period `offset` periods away from the one a time lies in; nil outside of 0001..9999.
  func start(_ ticks: Int64, _ offset: Int64) -> Int64? {
    guard offset > -4_000_000, offset < 4_000_000 else { return nil }
    let day = CivilTime.day(ofTicks: ticks)
    if offset == 0, self == .month { return Int64(day - CivilTime.civil(days: day).day + 1) &* CivilTime.ticksPerDay }
    if offset == 0, self == .year { return Int64(day - CivilTime.dayOfYear(days: day) + 1) &* CivilTime.ticksPerDay }
    switch self {
    case .day: return inRange((Int64(day) &+ offset) &* CivilTime.ticksPerDay)
    case .week: return inRange((Int64(day - CivilTime.dayOfWeek(days: day)) &+ offset &* 7) &* CivilTime.ticksPerDay)
    case .month:
      let date = CivilTime.civil(days: day)
      return CivilTime.ticks(year: date.year, month: date.month, day: 1).flatMap { CivilTime.adding(months: Int(offset), toTicks: $0) }
    case .year: return CivilTime.ticks(year: CivilTime.civil(days: day).year + Int(offset), month: 1, day: 1)
    }
  }

  /// The last tick of that period.
  func end(_ ticks: Int64, _ offset: Int64) -> Int64? {
    guard let start = start(ticks, offset) else { return nil }
    let next: Int64? = switch self {
    case .day: start &+ CivilTime.ticksPerDay
    case .week: start &+ 7 &* CivilTime.ticksPerDay
    case .month: CivilTime.adding(months: 1, toTicks: start)
    case .year: CivilTime.adding(months: 12, toTicks: start)
    }
    return next.map { min($0 &- 1, CivilTime.maxTicks) } ?? CivilTime.maxTicks
  }
}

private func inRange(_ ticks: Int64) -> Int64? { CivilTime.isInRange(ticks) ? ticks : nil }

private func boundary(_ period: Period, isEnd: Bool) -> FunctionSpec {
  let name = (isEnd ? "endof" : "startof") + period.rawValue
  return time(name, 1...2, "date [, offset]", "The \(isEnd ? "end" : "start") of the \(period.rawValue) of a date, shifted by a number of periods.", "\(name)(datetime(2020-01-31))") { call in
    try needDateTime(call)
    if call.count == 1 {
      return BoundFunction(.datetime, [.datetime], kernel: rows(LongRows.self) { isEnd ? period.end($0, 0) : period.start($0, 0) })
    }
    return BoundFunction(.datetime, [.datetime, .long], kernel: rows(LongRows.self, LongRows.self) { isEnd ? period.end($0, $1) : period.start($0, $1) })
  }
}

/// The parts datetime_part knows.
private func partValue(_ name: String) -> (@Sendable (Int64) -> Int32)? {
  switch name.lowercased() {
  case "year": { small(CivilTime.date(ofTicks: $0).year) }
  case "quarter": { small((CivilTime.date(ofTicks: $0).month + 2) / 3) }
  case "month": { small(CivilTime.date(ofTicks: $0).month) }
  case "week_of_year", "weekofyear": { small(CivilTime.isoWeek(days: CivilTime.day(ofTicks: $0)).week) }
  case "day": { small(CivilTime.date(ofTicks: $0).day) }
  case "dayofyear": { small(CivilTime.dayOfYear(days: CivilTime.day(ofTicks: $0))) }
  case "hour": { small(Int(CivilTime.timeOfDay(ofTicks: $0) / CivilTime.ticksPerHour)) }
  case "minute": { small(Int(CivilTime.timeOfDay(ofTicks: $0) / CivilTime.ticksPerMinute % 60)) }
  case "second": { small(Int(CivilTime.timeOfDay(ofTicks: $0) / CivilTime.ticksPerSecond % 60)) }
  case "millisecond": { small(Int(CivilTime.timeOfDay(ofTicks: $0) / CivilTime.ticksPerMillisecond % 1_000)) }
  case "microsecond": { small(Int(CivilTime.timeOfDay(ofTicks: $0) / CivilTime.ticksPerMicrosecond % 1_000_000)) }
  case "nanosecond": { small(Int(CivilTime.timeOfDay(ofTicks: $0) % CivilTime.ticksPerSecond * 100)) }
  default: nil
  }
}

let timePartFunctions: [FunctionSpec] = [
  part("getyear", "The year.") { small(CivilTime.date(ofTicks: $0).year) },
  part("getmonth", "The month, 1 to 12.") { small(CivilTime.date(ofTicks: $0).month) },
  part("monthofyear", "The month, 1 to 12.") { small(CivilTime.date(ofTicks: $0).month) },
  part("dayofmonth", "The day of the month, 1 to 31.") { small(CivilTime.date(ofTicks: $0).day) },
  part("dayofyear", "The day of the year, 1 to 366.") { small(CivilTime.dayOfYear(days: CivilTime.day(ofTicks: $0))) },
  part("hourofday", "The hour, 0 to 23.") { small(Int(CivilTime.timeOfDay(ofTicks: $0) / CivilTime.ticksPerHour)) },
  part("week_of_year", aliases: ["weekofyear"], "The ISO 8601 week, 1 to 53.") { small(CivilTime.isoWeek(days: CivilTime.day(ofTicks: $0)).week) },
  time("dayofweek", 1...1, "date", "The days since the last Sunday, as a timespan.", "dayofweek(datetime(2020-01-31))") { call in
    try needDateTime(call)
    return BoundFunction(.timespan, [.datetime], kernel: rows(LongRows.self) {
      Int64(CivilTime.dayOfWeek(days: CivilTime.day(ofTicks: $0))) &* CivilTime.ticksPerDay
    })
  },
  boundary(.day, isEnd: false), boundary(.week, isEnd: false), boundary(.month, isEnd: false), boundary(.year, isEnd: false),
  boundary(.day, isEnd: true), boundary(.week, isEnd: true), boundary(.month, isEnd: true), boundary(.year, isEnd: true),
  // SAFETY: the text row is not read.
  time("datetime_part", aliases: ["datepart"], 2...2, "part, date", "A part of a date as a number.", "datetime_part('quarter', datetime(2020-05-01))") { call in
    let name = try call.constantText(0, "the part")
    guard let f = partValue(name) else { throw call.invalid("unknown part '\(name)'") }
    try needDateTime(call, 1)
    return unsafe BoundFunction(.int, [.string, .datetime], kernel: rows(TextRows.self, LongRows.self) { f($1) })
  },
]

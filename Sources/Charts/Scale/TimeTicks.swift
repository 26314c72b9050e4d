// Role: moments along a time axis at round places of the calendar, and their texts.

import Columnar

/// Round moments within a range of seconds since 1970.
struct TimeTicks {
  let values: [Double]
  private let step: Double
  private static let day = 86_400.0

  /// Seconds between ticks; days and above follow the calendar.
  private static let steps: [Double] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600,
    43_200, day, 2 * day, 7 * day, 14 * day, 30 * day, 91 * day, 182 * day, 365 * day, 730 * day, 1_826 * day, 3_652 * day, 36_524 * day,
    365_240 * day,
  ]

  /// About `count` ticks.
  init(_ range: ClosedRange<Double>, count: Int) {
    let raw = (range.upperBound - range.lowerBound) / Double(max(1, count))
    var i = Self.steps.firstIndex { $0 >= raw } ?? Self.steps.count - 1
    var found = Self.values(range, Self.steps[i])
    // Of places far apart, none or one may lie within.
    while found.count < 2, i > 0 {
      i -= 1
      found = Self.values(range, Self.steps[i])
    }
    step = Self.steps[i]
    values = found
  }

  private static func values(_ range: ClosedRange<Double>, _ step: Double) -> [Double] { step >= 30 * day ? months(range, step) : even(range, step) }

  private static func even(_ range: ClosedRange<Double>, _ step: Double) -> [Double] {
    // Weeks begin on Monday; 1970-01-05 was one.
    let origin = step == 7 * day || step == 14 * day ? 4 * day : 0
    var out: [Double] = []
    var k = ((range.lowerBound - origin) / step).rounded(.up)
    while k * step + origin <= range.upperBound, out.count < 500 {
      out.append(k * step + origin)
      k += 1
    }
    return out
  }

  private static func months(_ range: ClosedRange<Double>, _ step: Double) -> [Double] {
    let every = max(1, Int((step / (30.4 * day)).rounded()))
    let first = date(range.lowerBound), last = date(range.upperBound)
    var out: [Double] = []
    var month = first.year * 12 + first.month - 1
    month -= month % every
    while month <= last.year * 12 + 11, out.count < 500 {
      let seconds = Double(CivilTime.days(year: month / 12, month: month % 12 + 1, day: 1)) * day
      if seconds >= range.lowerBound, seconds <= range.upperBound { out.append(seconds) }
      month += every
    }
    return out
  }

  private static func date(_ seconds: Double) -> (year: Int, month: Int, day: Int) { CivilTime.civil(days: Int((seconds / day).rounded(.down))) }

  /// The text of a tick; `isFirst` or a new day adds the date to a time of day.
  func text(_ seconds: Double, after previous: Double?) -> String {
    let now = Self.date(seconds)
    if step >= 365 * Self.day { return String(now.year) }
    if step >= 30 * Self.day { return "\(now.year)-\(Self.two(now.month))" }
    if step >= Self.day { return previous.map { Self.date($0).year != now.year } ?? true ? "\(now.year)-\(Self.two(now.month))-\(Self.two(now.day))" : "\(Self.two(now.month))-\(Self.two(now.day))" }
    let time = Self.time(seconds, showsSeconds: step < 60, fraction: step < 1 ? 3 : 0)
    let isNewDay = previous.map { Self.date($0).day != now.day } ?? true
    return isNewDay ? "\(Self.two(now.month))-\(Self.two(now.day)) \(time)" : time
  }

  private static func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }

  private static func time(_ seconds: Double, showsSeconds: Bool, fraction: Int) -> String {
    let ofDay = seconds - (seconds / day).rounded(.down) * day
    let whole = Int(ofDay + (fraction == 0 ? 1e-6 : 1e-9))
    var out = "\(two(whole / 3_600)):\(two(whole / 60 % 60))"
    if showsSeconds { out += ":\(two(whole % 60))" }
    if fraction > 0 {
      let millis = Int(((ofDay - Double(whole)) * 1_000).rounded())
      if millis > 0 { out += "." + String(String(1_000 + millis).dropFirst()) }
    }
    return out
  }

  /// A moment for people: without a time of day at midnight, without seconds at full minutes.
  static func shortText(_ seconds: Double) -> String {
    let d = date(seconds)
    let text = "\(d.year)-\(two(d.month))-\(two(d.day))"
    let ofDay = seconds - (seconds / day).rounded(.down) * day
    if ofDay < 0.0005 { return text }
    let isWhole = abs(seconds - seconds.rounded()) < 0.0005
    return text + " " + time(seconds, showsSeconds: Int(ofDay.rounded()) % 60 != 0 || !isWhole, fraction: isWhole ? 0 : 3)
  }
}

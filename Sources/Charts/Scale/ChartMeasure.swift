// Role: what the numbers of an axis count, plain numbers or spans of time in seconds: the round steps between ticks, and the texts of values.

/// What numbers count.
package enum ChartMeasure: Sendable, Hashable {
  case number
  /// Seconds.
  case timespan

  private static let minute = 60.0, hour = 3_600.0, day = 86_400.0

  /// Round spans from a second to a day; shorter and longer ones are round as numbers.
  private static let steps: [Double] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400]

  /// A round distance between ticks near `raw`.
  func step(near raw: Double) -> Double {
    guard self == .timespan, raw > 0.7 else { return NumberTicks.step(near: raw) }
    return Self.steps.first { raw < $0 * 1.4 } ?? NumberTicks.step(near: raw / Self.day) * Self.day
  }

  /// The text of a tick: as exact as the step needs.
  func text(_ value: Double, step: Double) -> String { self == .number ? NumberTicks.text(value, step: step) : Self.span(value, step: step) }

  /// A value for people: seconds up to a day, minutes up to a hundred days, then hours.
  func text(_ value: Double) -> String {
    guard self == .timespan else { return NumberTicks.text(value) }
    let length = abs(value)
    guard length >= Self.minute else { return Self.short(value) { NumberTicks.text($0) } }
    let grain = length < Self.day ? 1 : length < 100 * Self.day ? Self.minute : Self.hour
    return Self.span((value / grain).rounded() * grain, step: grain)
  }

  /// `1 d 2 h`, `1 min 30 s`, `250 ms`; parts of zero are left out.
  private static func span(_ value: Double, step: Double) -> String {
    let length = abs(value)
    if length < minute { return short(value) { NumberTicks.text($0, step: step * abs($0 / value)) } }
    guard length < 1e15 else { return NumberTicks.text(value) + " s" }
    let whole = Int(length + 1e-9)
    let fraction = length - Double(whole)
    let seconds = Double(whole % 60) + (fraction < min(step, 1) / 2 ? 0 : fraction)
    var parts: [String] = []
    for (count, unit) in [(whole / 86_400, "d"), (whole / 3_600 % 24, "h"), (whole / 60 % 60, "min")] where count > 0 { parts.append("\(count) \(unit)") }
    if seconds > 0 { parts.append(NumberTicks.text(seconds, step: min(step, 1)) + " s") }
    return (value < 0 ? "-" : "") + parts.joined(separator: " ")
  }

  /// A span below a minute in one unit, its number written by `number`.
  private static func short(_ value: Double, _ number: (Double) -> String) -> String {
    let length = abs(value)
    if length == 0 { return "0" }
    if length >= 0.999_999_95 { return number(value) + " s" }
    return length >= 0.000_999_999_5 ? number(value * 1e3) + " ms" : number(value * 1e6) + " µs"
  }
}

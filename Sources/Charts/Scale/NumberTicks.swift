// Role: round numbers along an axis and their texts.
// Source: P. Heckbert, "Nice numbers for graph labels", Graphics Gems (1990): steps of 1, 2 and 5 times a power of ten.

import Glibc

/// The base-ten logarithm.
func logarithm(_ value: Double) -> Double { log10(value) }

/// Round numbers that cover a range.
struct NumberTicks {
  /// From the first to the last tick.
  let range: ClosedRange<Double>
  let values: [Double]
  private let step: Double
  private let measure: ChartMeasure

  init(_ range: ClosedRange<Double>, count: Int, of measure: ChartMeasure) {
    self.measure = measure
    let width = range.upperBound - range.lowerBound
    step = measure.step(near: max(width, .leastNormalMagnitude) / Double(max(1, count)))
    let first = (range.lowerBound / step).rounded(.down), last = (range.upperBound / step).rounded(.up)
    var values: [Double] = []
    var k = first
    while k <= last + 0.5, values.count < 200 {
      values.append(k * step == 0 ? 0 : k * step)
      k += 1
    }
    self.values = values
    self.range = (values.first ?? range.lowerBound)...(values.last ?? range.upperBound)
  }

  /// 1, 2 or 5 times a power of ten.
  static func step(near raw: Double) -> Double {
    let power = pow(10, floor(log10(raw)))
    let fraction = raw / power
    return (fraction < 1.5 ? 1 : fraction < 3 ? 2 : fraction < 7 ? 5 : 10) * power
  }

  /// Powers of ten within a logarithmic range; the ends when there is none.
  static func logarithmic(_ range: ClosedRange<Double>) -> [Double] {
    guard range.lowerBound > 0 else { return [] }
    var out: [Double] = []
    var exponent = floor(log10(range.lowerBound))
    while exponent <= log10(range.upperBound) + 1e-9, out.count < 40 {
      let value = pow(10, exponent)
      if value >= range.lowerBound * 0.999 { out.append(value) }
      exponent += 1
    }
    return out.count > 1 ? out : [range.lowerBound, range.upperBound]
  }

  /// The text of a tick.
  func text(_ value: Double) -> String { measure.text(value, step: step) }

  /// As many digits as the step needs, thousands as k, M, G, T.
  static func text(_ value: Double, step: Double) -> String {
    let magnitude = max(abs(value), abs(step))
    let units: [(Double, String)] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")]
    if magnitude >= 1e15 || magnitude > 0 && magnitude < 1e-4 { return shortest(value) }
    if let unit = units.first(where: { magnitude >= $0.0 * 0.9999 && ($0.0 > 1e3 || magnitude >= 1e4) }) {
      return value == 0 ? "0" : fixed(value / unit.0, step: step / unit.0) + unit.1
    }
    return fixed(value, step: step)
  }

  /// A value for people: at most four significant digits behind large numbers' units.
  static func text(_ value: Double) -> String {
    if value == value.rounded(), abs(value) < 1e5 { return String(Int(value)) }
    let magnitude = abs(value)
    guard magnitude > 0, magnitude < 1e15, magnitude >= 1e-4 else { return shortest(value) }
    let scale: Double = magnitude >= 1e12 ? 1e12 : magnitude >= 1e9 ? 1e9 : magnitude >= 1e6 ? 1e6 : magnitude >= 1e5 ? 1e3 : 1
    return text(value, step: pow(10, floor(log10(magnitude / scale)) - 3) * scale)
  }

  private static func shortest(_ value: Double) -> String {
    let digits = pow(10, 3 - floor(log10(max(abs(value), .leastNormalMagnitude))))
    let rounded = digits.isFinite ? (value * digits).rounded() / digits : value
    return rounded.description
  }

  /// Digits behind the point as the step needs them, trailing zeros dropped.
  private static func fixed(_ value: Double, step: Double) -> String {
    var digits = 0
    var scaled = abs(step)
    while digits < 9, abs(scaled - scaled.rounded()) > 1e-6 * max(1, scaled) || scaled < 1 {
      scaled *= 10
      digits += 1
      if scaled == 0 { break }
    }
    let factor = pow(10, Double(digits))
    let whole = (value * factor).rounded()
    guard abs(whole) < 9e18 else { return value.description }
    let number = Int(whole)
    var text = String(abs(number))
    if digits > 0 {
      text = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
      let split = text.index(text.endIndex, offsetBy: -digits)
      var fraction = text[split...]
      while fraction.last == "0" { fraction.removeLast() }
      text = text[..<split] + (fraction.isEmpty ? "" : "." + fraction)
    }
    return (number < 0 ? "-" : "") + text
  }
}

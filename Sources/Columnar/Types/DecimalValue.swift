// Role: one exact decimal: coefficient × 10^-scale. Arithmetic on columns works on coefficients; this is the edge form.
// Kusto's decimal has 34 digits; a coefficient of up to 38 digits fits Int128.

/// An exact decimal number, `coefficient × 10^-scale`.
public struct DecimalValue: Sendable, BitwiseCopyable {
  public var coefficient: Int128
  /// Digits behind the point; negative for trailing zeros in front of it.
  public var scale: Int16

  public init(_ coefficient: Int128, scale: Int = 0) {
    self.coefficient = coefficient
    self.scale = Int16(clamping: scale)
  }

  /// The value with no trailing zeros behind the point (and scale 0 for zero): equal numbers give equal fields.
  public var normalized: DecimalValue {
    guard coefficient != 0 else { return DecimalValue(0) }
    var c = coefficient
    var s = Int(scale)
    while c % 10 == 0 { c /= 10; s -= 1 }
    return DecimalValue(c, scale: s)
  }

  /// The nearest double.
  public var doubleValue: Double {
    let s = Int(scale)
    if s == 0 { return Double(coefficient) }
    if s > 0, s <= 22, coefficient.magnitude < 1 << 53 { return Double(Int64(coefficient)) / powersOfTenReal[s] }
    return strtodOfDecimal(self)
  }

  /// The coefficient at another scale; nil when digits would be lost or it does not fit.
  public func rescaled(to scale: Int) -> Int128? {
    let shift = scale - Int(self.scale)
    if shift == 0 || coefficient == 0 { return coefficient }
    if shift > 0 {
      guard shift <= 38 else { return nil }
      let (value, overflow) = coefficient.multipliedReportingOverflow(by: powerOfTen(shift))
      return overflow ? nil : value
    }
    guard -shift <= 38 else { return nil }
    let (quotient, remainder) = coefficient.quotientAndRemainder(dividingBy: powerOfTen(-shift))
    return remainder == 0 ? quotient : nil
  }
}

extension DecimalValue: Hashable, Comparable {
  public static func == (a: DecimalValue, b: DecimalValue) -> Bool {
    if a.scale == b.scale { return a.coefficient == b.coefficient }
    let x = a.normalized, y = b.normalized
    return x.coefficient == y.coefficient && x.scale == y.scale
  }

  public func hash(into hasher: inout Hasher) {
    let n = normalized
    hasher.combine(n.coefficient)
    hasher.combine(n.scale)
  }

  public static func < (a: DecimalValue, b: DecimalValue) -> Bool {
    if a.scale == b.scale { return a.coefficient < b.coefficient }
    let scale = max(a.scale, b.scale)
    if let x = a.rescaled(to: Int(scale)), let y = b.rescaled(to: Int(scale)) { return x < y }
    // Signs differ, or the magnitudes lie more than 38 digits apart.
    if (a.coefficient < 0) != (b.coefficient < 0) || a.coefficient == 0 || b.coefficient == 0 { return a.coefficient < b.coefficient }
    let digitsA = decimalDigits(a.coefficient.magnitude) - Int(a.scale)
    let digitsB = decimalDigits(b.coefficient.magnitude) - Int(b.scale)
    if digitsA != digitsB { return (digitsA < digitsB) != (a.coefficient < 0) }
    return a.doubleValue < b.doubleValue
  }
}

/// 10^n for 0 ≤ n ≤ 38.
package func powerOfTen(_ n: Int) -> Int128 { powersOfTen[n] }

/// How many decimal digits the number has (0 has one).
package func decimalDigits(_ magnitude: UInt128) -> Int {
  var n = 1
  while n < 39, magnitude >= UInt128(powersOfTen[n]) { n += 1 }
  return n
}

private let powersOfTen: [Int128] = {
  var out: [Int128] = [1]
  for _ in 0..<38 { out.append(out[out.count - 1] * 10) }
  return out
}()

/// 10^n for 0 ≤ n ≤ 22, all exact.
package let powersOfTenReal: [Double] = [
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]

// Role: exact decimals from and to bytes.

import CSIMD

extension ScalarText {
  /// `[+-]digits[.digits][e[+-]digits]` of up to 38 significant digits; nil when it is not a number or would have to be rounded.
  // SAFETY: reads p[at] only where at < n; the exponent is the n - at - 1 bytes behind the e, and `parseLong` takes none as well.
  package static func parseDecimal(_ p: UnsafePointer<UInt8>, _ n: Int) -> DecimalValue? {
    var at = 0
    let isNegative = unsafe n > 0 && p[0] == 0x2D
    if n > 0, unsafe p[0] == 0x2D || p[0] == 0x2B { at = 1 }
    var low: UInt64 = 0
    var wide: Int128 = 0
    var significant = 0
    var digits = 0
    var scale = 0
    var seenPoint = false
    while at < n {
      let digit = unsafe p[at] &- 0x30
      if digit >= 10 {
        if unsafe p[at] == 0x2E, !seenPoint { seenPoint = true; at &+= 1; continue }
        break
      }
      digits &+= 1
      if seenPoint { scale &+= 1 }
      if significant > 0 || digit != 0 { significant &+= 1 }
      if significant <= 18 {
        low = low &* 10 &+ UInt64(digit)
        wide = 0
      } else {
        if significant == 19 { wide = Int128(low) }
        guard significant <= 38 else { return nil }
        wide = wide &* 10 &+ Int128(digit)
      }
      at &+= 1
    }
    guard digits > 0 else { return nil }
    if at < n {
      guard unsafe p[at] | 0x20 == 0x65, let e = unsafe parseLong(p + at + 1, n - at - 1), e.magnitude <= 1_000 else { return nil }
      scale -= Int(e)
    }
    var coefficient = significant <= 18 ? Int128(low) : wide
    if scale < 0, coefficient != 0 {
      guard significant - scale <= 38 else { return nil }
      coefficient = coefficient &* powerOfTen(-scale)
      scale = 0
    }
    if coefficient == 0 { scale = max(0, scale) }
    guard scale <= Int(Int16.max) else { return nil }
    return DecimalValue(isNegative ? 0 &- coefficient : coefficient, scale: scale)
  }

  /// Plain digits with as many behind the point as the scale says; scales outside -20...37 are written with an exponent. At most 48 bytes.
  // SAFETY: at most 48 of the `room` bytes that callers provide: 40 for the coefficient, then 2 and 6 for an exponent; without one, sign, point and
  // at most 40 digits, since scale is 1...38 there. `write(decimal64:)` gets scales of 0...18.
  package static func write(decimal value: DecimalValue, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    let scale = Int(value.scale)
    if let small = Int64(exactly: value.coefficient), scale >= 0, scale <= 18 { return unsafe write(decimal64: small, scale: scale, to: out) }
    var out = unsafe out
    if scale == 0 { return unsafe write(wide: value.coefficient, to: out) }
    let digits = decimalDigits(value.coefficient.magnitude)
    if scale < 0 && digits - scale > 39 || scale > 38 {
      unsafe out = unsafe write(wide: value.coefficient, to: out)
      unsafe out[0] = 0x45
      unsafe out += 1
      if scale < 0 { unsafe out[0] = 0x2B; unsafe out += 1 }
      return unsafe write(long: Int64(-scale), to: out)
    }
    if scale < 0 {
      unsafe out = unsafe write(wide: value.coefficient, to: out)
      if value.coefficient == 0 { return unsafe out }
      for _ in 0..<(-scale) { unsafe out[0] = 0x30; unsafe out += 1 }
      return unsafe out
    }
    if value.coefficient < 0 { unsafe out[0] = 0x2D; unsafe out += 1 }
    let (whole, fraction) = value.coefficient.magnitude.quotientAndRemainder(dividingBy: UInt128(powerOfTen(scale)))
    unsafe out = unsafe write(wide: Int128(whole), to: out)
    unsafe out[0] = 0x2E
    unsafe out += 1
    // Two halves of at most 19 digits.
    let highDigits = max(0, scale - 19)
    let (high, low) = fraction.quotientAndRemainder(dividingBy: 10_000_000_000_000_000_000)
    if highDigits > 0 { unsafe writeDigits(UInt64(high), count: highDigits, to: out) }
    unsafe writeDigits(UInt64(low), count: scale - highDigits, to: out + highDigits)
    return unsafe out + scale
  }

  /// `coefficient × 10^-scale` for 0 ≤ scale ≤ 18. At most 22 bytes.
  package static func write(decimal64 coefficient: Int64, scale: Int, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    var out = unsafe out
    if coefficient < 0 {
      unsafe out[0] = 0x2D
      unsafe out += 1
    }
    if scale == 0 { return unsafe write(unsigned: coefficient.magnitude, to: out) }
    let divisor = csimd_pow10_u64(scale)
    let (whole, fraction) = scale == 2 ? coefficient.magnitude.quotientAndRemainder(dividingBy: 100) : coefficient.magnitude.quotientAndRemainder(dividingBy: divisor)
    unsafe out = unsafe write(unsigned: whole, to: out)
    unsafe out[0] = 0x2E
    unsafe writeDigits(fraction, count: scale, to: out + 1)
    return unsafe out + 1 + scale
  }
}

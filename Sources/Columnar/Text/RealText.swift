// Role: doubles from and to bytes. Parsing is correctly rounded: up to 2^53 with a power of ten up to 22 both are exact and one
// division rounds once (Clinger 1990); up to 19 digits take the same way in 64-bit precision; everything else goes to the C library's strtod. Printing is the shortest text that reads back equal.

#if canImport(Glibc)
import Glibc
#endif
public import CSIMD

extension ScalarText {
  /// `[+-]digits[.digits][e[+-]digits]`, `.5`, `5.`, and `NaN`, `Inf`, `Infinity` with a sign, in any case.
  // SAFETY: reads p[at] only where at < n.
  package static func parseReal(_ p: UnsafePointer<UInt8>, _ n: Int) -> Double? {
    var at = 0
    let isNegative = unsafe n > 0 && p[0] == 0x2D
    if n > 0, unsafe p[0] == 0x2D || p[0] == 0x2B { at = 1 }
    var mantissa: UInt64 = 0
    let firstDigit = at
    while at < n {
      let digit = unsafe p[at] &- 0x30
      if digit >= 10 { break }
      mantissa = mantissa &* 10 &+ UInt64(digit)
      at &+= 1
    }
    var digits = at &- firstDigit
    var exponent = 0
    if at < n, unsafe p[at] == 0x2E {
      at &+= 1
      let start = at
      while at < n {
        let digit = unsafe p[at] &- 0x30
        if digit >= 10 { break }
        mantissa = mantissa &* 10 &+ UInt64(digit)
        at &+= 1
      }
      exponent = start &- at
      digits &+= at &- start
    }
    if digits == 0 { return unsafe parseRealWord(p, n) }
    if at < n {
      guard unsafe p[at] | 0x20 == 0x65 else { return nil }
      at &+= 1
      let isMinus = unsafe at < n && p[at] == 0x2D
      if at < n, unsafe p[at] == 0x2D || p[at] == 0x2B { at &+= 1 }
      guard at < n else { return nil }
      var e = 0
      while at < n {
        let digit = unsafe p[at] &- 0x30
        guard digit < 10 else { return nil }
        e = min(e &* 10 &+ Int(digit), 100_000)
        at &+= 1
      }
      exponent &+= isMinus ? -e : e
    }
    // 19 digits cannot have wrapped the mantissa.
    if digits <= 19, let value = mantissa <= 1 << 53 ? exactScale(mantissa, exponent) : extendedScale(mantissa, exponent) { return isNegative ? -value : value }
    return unsafe parseRealSlow(p, n)
  }

  /// `mantissa × 10^exponent` when one rounding is all it takes.
  @inlinable @inline(__always) package static func exactScale(_ mantissa: UInt64, _ exponent: Int) -> Double? {
    let m = Double(mantissa)
    if exponent <= 0, exponent >= -22 { return m / csimd_pow10_f64(0 &- exponent) }
    if exponent > 0, exponent <= 22 { return m * csimd_pow10_f64(exponent) }
    return mantissa == 0 ? 0 : nil
  }

  /// The same for mantissas beyond 2^53: in 64-bit precision the quotient is off by at most half a unit, so rounding it on to 53 bits is right
  /// unless its last 11 bits lie exactly halfway; then nil.
  @inline(__always) private static func extendedScale(_ mantissa: UInt64, _ exponent: Int) -> Double? {
    #if arch(x86_64)
    guard exponent >= -27, exponent <= 27 else { return nil }
    let n = Int(exponent.magnitude)
    // 10^27 is exact in 64 bits: 5^27 < 2^63.
    let power = n <= 19 ? Float80(csimd_pow10_u64(n)) : Float80(csimd_pow10_u64(19)) * Float80(csimd_pow10_u64(n &- 19))
    let scaled = exponent < 0 ? Float80(mantissa) / power : Float80(mantissa) * power
    return scaled.significandBitPattern & 0x7FF == 0x400 ? nil : Double(scaled)
    #else
    return nil
    #endif
  }

  /// The syntax is known to be right; strtod wants a terminated text.
  // SAFETY: the copy has room for n bytes and a zero, and lives for the call.
  private static func parseRealSlow(_ p: UnsafePointer<UInt8>, _ n: Int) -> Double? {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: n + 1) { text in
      guard let base = text.baseAddress else { return nil }
      unsafe memcpy(base, p, n)
      unsafe base[n] = 0
      return unsafe strtod(base, nil)
    }
  }

  // SAFETY: the word has as many bytes as are left behind the sign; a static string's bytes live for ever.
  private static func parseRealWord(_ p: UnsafePointer<UInt8>, _ n: Int) -> Double? {
    var at = 0
    let isNegative = unsafe n > 0 && p[0] == 0x2D
    if n > 0, unsafe p[0] == 0x2D || p[0] == 0x2B { at = 1 }
    func matches(_ word: StaticString) -> Bool {
      guard n - at == word.utf8CodeUnitCount else { return false }
      for i in 0..<word.utf8CodeUnitCount where unsafe p[at + i] | 0x20 != word.utf8Start[i] { return false }
      return true
    }
    if matches("nan") { return .nan }
    if matches("infinity") || matches("inf") { return isNegative ? -.infinity : .infinity }
    return nil
  }

  /// .NET Core's shortest form, as `tostring` shows it: `1`, `0.1`, `1E+20`, `1.5E-07`, `-0`, `NaN`, `Infinity`.
  // SAFETY: as in `writeReal`.
  package static func write(real value: Double, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    unsafe writeReal(value, pointZero: false, to: out)
  }

  /// The same digits, but a whole number ends in `.0`, so that the text reads back as a real: the form of files.
  // SAFETY: as in `writeReal`.
  package static func write(realWithPoint value: Double, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    unsafe writeReal(value, pointZero: true, to: out)
  }

  // SAFETY: at most 24 of the `room` bytes that callers provide: sign, `0.000` and 17 digits, or sign, 17 digits with a point, and `E-324`.
  @inline(__always) private static func writeReal(_ value: Double, pointZero: Bool, to start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    var out = unsafe start
    if value.sign == .minus, !value.isNaN {
      unsafe out[0] = 0x2D
      unsafe out += 1
    }
    let v = value.magnitude
    // A decimal of at most 15 digits that rounds to v is v's shortest text; r / 10^k is rounded once since both are exact.
    if v < 1e11, v >= 1e-3 || v == 0 {
      let whole = v.rounded(.towardZero)
      if whole == v {
        unsafe out = unsafe write(unsigned: UInt64(v), to: out)
        if pointZero { unsafe out = unsafe writePointZero(out) }
        return unsafe out
      }
      let cents = (v * 100).rounded()
      if cents / 100 == v { return unsafe writeFixed(UInt64(cents), 2, to: out) }
      let myriads = (v * 10_000).rounded()
      if myriads / 10_000 == v { return unsafe writeFixed(UInt64(myriads), 4, to: out) }
      if v < 1e7 {
        let fine = (v * 100_000_000).rounded()
        if fine / 100_000_000 == v { return unsafe writeFixed(UInt64(fine), 8, to: out) }
      }
    }
    return unsafe writeRealSlow(v, pointZero, to: out)
  }

  // SAFETY: as in `writeReal`.
  @inline(__always) private static func writePointZero(_ out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    unsafe out[0] = 0x2E
    unsafe out[1] = 0x30
    return unsafe out + 2
  }

  /// `value × 10^-scale` without trailing zeros; the value is not whole.
  // SAFETY: `scale` digits behind the point; the loop back stops at the point at the latest.
  @inline(__always) private static func writeFixed(_ value: UInt64, _ scale: Int, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    let divisor = csimd_pow10_u64(scale)
    let whole = value / divisor
    let point = unsafe write(unsigned: whole, to: out)
    unsafe point[0] = 0x2E
    unsafe writeDigits(value &- whole &* divisor, count: scale, to: point + 1)
    var end = unsafe point + 1 + scale
    while unsafe end[-1] == 0x30 { unsafe end -= 1 }
    return unsafe end
  }

  /// Takes the standard library's shortest digits and lays them out as .NET does: plain for exponents -5 < e < 15.
  // SAFETY: reads the text below source.count, through the call of `withUTF8`; 32 digits have room, no more are taken. A description has at least
  // one digit that is not 0, since 0 itself is written elsewhere.
  private static func writeRealSlow(_ v: Double, _ pointZero: Bool, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    func put(_ word: StaticString) -> UnsafeMutablePointer<UInt8> {
      unsafe memcpy(out, word.utf8Start, word.utf8CodeUnitCount)
      return unsafe out + word.utf8CodeUnitCount
    }
    if v.isNaN { return unsafe put("NaN") }
    if v.isInfinite { return unsafe put("Infinity") }
    var text = v.description
    return text.withUTF8 { source in
      // Digits without point and leading zeros, and the position of the point behind the first digit.
      unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { digits in
        var count = 0
        var pointAt = 0
        var leading = 0
        var seenPoint = false
        var exponent = 0
        var i = 0
        while i < source.count, unsafe source[i] != 0x65 {
          let c = unsafe source[i]
          i += 1
          if c == 0x2E { seenPoint = true; continue }
          if c == 0x30, count == 0 {
            if seenPoint { leading += 1 }
            continue
          }
          if count < 32 { unsafe digits[count] = c; count += 1 }
          if !seenPoint { pointAt += 1 }
        }
        if i < source.count {
          i += 1
          let isMinus = unsafe i < source.count && source[i] == 0x2D
          if i < source.count, unsafe source[i] == 0x2D || source[i] == 0x2B { i += 1 }
          while i < source.count { exponent = unsafe exponent * 10 + Int(source[i] &- 0x30); i += 1 }
          if isMinus { exponent = -exponent }
        }
        exponent += pointAt - 1 - (pointAt == 0 ? leading : 0)
        while count > 1, unsafe digits[count - 1] == 0x30 { count -= 1 }
        return unsafe layOut(UnsafePointer(digits.baseAddress ?? out), count, exponent, pointZero, to: out)
      }
    }
  }

  /// Lays `d.ddd × 10^exponent` out.
  // SAFETY: `digits` has 1...17 bytes; the text takes the room named at `writeReal`.
  private static func layOut(_ digits: UnsafePointer<UInt8>, _ count: Int, _ exponent: Int, _ pointZero: Bool, to start: UnsafeMutablePointer<UInt8>)
    -> UnsafeMutablePointer<UInt8>
  {
    var out = unsafe start
    if exponent > -5, exponent < 0 {
      unsafe out[0] = 0x30
      unsafe out[1] = 0x2E
      unsafe out += 2
      for _ in 0..<(-exponent - 1) { unsafe out[0] = 0x30; unsafe out += 1 }
      unsafe memcpy(out, digits, count)
      return unsafe out + count
    }
    if exponent >= 0, exponent < 15 {
      for i in 0..<max(count, exponent + 1) {
        if i == exponent + 1 { unsafe out[0] = 0x2E; unsafe out += 1 }
        unsafe out[0] = unsafe i < count ? digits[i] : 0x30
        unsafe out += 1
      }
      return unsafe pointZero && count <= exponent + 1 ? writePointZero(out) : out
    }
    unsafe out[0] = unsafe digits[0]
    unsafe out += 1
    if count > 1 {
      unsafe out[0] = 0x2E
      unsafe memcpy(out + 1, digits + 1, count - 1)
      unsafe out += count
    }
    unsafe out[0] = 0x45
    unsafe out[1] = exponent < 0 ? 0x2D : 0x2B
    let magnitude = UInt64(exponent.magnitude)
    let width = max(2, digitCount(magnitude))
    unsafe writeDigits(magnitude, count: width, to: out + 2)
    return unsafe out + 2 + width
  }
}

// Role: whole numbers from and to bytes. Eight digits at a time by multiply-and-shift (SWAR), two digits at a time when printing.

public import CSIMD

extension ScalarText {
  /// An optional sign and 1 to 19 digits (leading zeros are free) within Int64; nil otherwise.
  // SAFETY: reads 8 bytes at any alignment only where n - at >= 8, else p[at] where at < n.
  package static func parseLong(_ p: UnsafePointer<UInt8>, _ n: Int) -> Int64? {
    var at = 0
    let isNegative = unsafe n > 0 && p[0] == 0x2D
    if n > 0, unsafe p[0] == 0x2D || p[0] == 0x2B { at = 1 }
    guard at < n else { return nil }
    if n &- at > 18 { return unsafe parseLongChecked(p + at, n - at, isNegative) }
    var value: UInt64 = 0
    while n &- at >= 8 {
      let word = unsafe UInt64(littleEndian: UnsafeRawPointer(p + at).loadUnaligned(as: UInt64.self))
      guard isEightDigits(word) else { return nil }
      value = value &* 100_000_000 &+ eightDigits(word)
      at &+= 8
    }
    while at < n {
      let digit = unsafe p[at] &- 0x30
      guard digit < 10 else { return nil }
      value = value &* 10 &+ UInt64(digit)
      at &+= 1
    }
    let signed = Int64(bitPattern: value)
    return isNegative ? 0 &- signed : signed
  }

  /// Long texts: every step checked for overflow.
  // SAFETY: reads p[i] for i < n.
  private static func parseLongChecked(_ p: UnsafePointer<UInt8>, _ n: Int, _ isNegative: Bool) -> Int64? {
    var value: Int64 = 0
    for i in 0..<n {
      let digit = unsafe p[i] &- 0x30
      guard digit < 10 else { return nil }
      let (tens, o1) = value.multipliedReportingOverflow(by: 10)
      let (sum, o2) = isNegative ? tens.subtractingReportingOverflow(Int64(digit)) : tens.addingReportingOverflow(Int64(digit))
      if o1 || o2 { return nil }
      value = sum
    }
    return value
  }

  /// As `parseLong`, within Int32.
  // SAFETY: hands on p with its n bytes.
  package static func parseInt(_ p: UnsafePointer<UInt8>, _ n: Int) -> Int32? {
    guard let value = unsafe parseLong(p, n) else { return nil }
    return Int32(exactly: value)
  }

  /// `0x` and 1 to 16 hexadecimal digits, as the bit pattern of a long.
  // SAFETY: n is above 2, and p[i] is read for i < n.
  package static func parseHexLong(_ p: UnsafePointer<UInt8>, _ n: Int) -> Int64? {
    guard n > 2, n <= 18, unsafe p[0] == 0x30, unsafe p[1] | 0x20 == 0x78 else { return nil }
    var value: UInt64 = 0
    for i in 2..<n {
      let digit = unsafe p[i] &- 0x30
      let letter = unsafe (p[i] | 0x20) &- 0x61
      guard digit < 10 || letter < 6 else { return nil }
      value = value << 4 | UInt64(digit < 10 ? digit : letter + 10)
    }
    return Int64(bitPattern: value)
  }

  /// True when all eight bytes (first byte lowest) are digits.
  @inlinable @inline(__always) package static func isEightDigits(_ word: UInt64) -> Bool {
    (word & 0xF0F0_F0F0_F0F0_F0F0) | (((word &+ 0x0606_0606_0606_0606) & 0xF0F0_F0F0_F0F0_F0F0) >> 4) == 0x3333_3333_3333_3333
  }

  /// The number of eight ASCII digits (first byte lowest), unchecked.
  @inlinable @inline(__always) package static func eightDigits(_ word: UInt64) -> UInt64 {
    var v = word & 0x0F0F_0F0F_0F0F_0F0F
    v = (v &* 10) &+ (v >> 8)
    let low = (v & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
    let high = ((v >> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001
    return (low &+ high) >> 32
  }

  /// At most 20 characters.
  // SAFETY: at most 20 bytes of the callers' room.
  package static func write(long value: Int64, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    var out = unsafe out
    if value < 0 {
      unsafe out[0] = 0x2D
      unsafe out += 1
    }
    return unsafe write(unsigned: value.magnitude, to: out)
  }

  /// At most 20 digits.
  // SAFETY: digitCount(value) <= 20 bytes of the callers' room.
  package static func write(unsigned value: UInt64, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    let n = digitCount(value)
    unsafe writeDigits(value, count: n, to: out)
    return unsafe out + n
  }

  /// Decimal digits of a number; 0 has one.
  @inlinable @inline(__always) package static func digitCount(_ value: UInt64) -> Int {
    // log10 from the bit length, one compare to correct it.
    let guess = ((64 &- value.leadingZeroBitCount) &* 1233) >> 12
    return guess &+ (value >= csimd_pow10_u64(guess) ? 1 : 0) | (value == 0 ? 1 : 0)
  }

  /// Writes the lowest `count` decimal digits of `value`, with leading zeros.
  // SAFETY: `count` bytes of the callers' room: two for each pair from the end, one more where `count` is odd. A remainder by 100 is a pair.
  @inlinable @inline(__always) package static func writeDigits(_ value: UInt64, count: Int, to out: UnsafeMutablePointer<UInt8>) {
    var v = value
    var at = count
    while at >= 2 {
      let q = v / 100
      let pair = Int(truncatingIfNeeded: v &- q &* 100)
      at &-= 2
      unsafe writePair(pair, to: out + at)
      v = q
    }
    if at == 1 { unsafe out[0] = 0x30 &+ UInt8(truncatingIfNeeded: v % 10) }
  }

  /// Two digits of 0...99.
  @inlinable @inline(__always) package static func writePair(_ pair: Int, to out: UnsafeMutablePointer<UInt8>) {
    // The table has a hundred entries: what is none of them, as in years that no datetime has, must not lead out of it.
    unsafe csimd_put_pair(out, min(UInt32(truncatingIfNeeded: pair), 99))
  }

  /// A 128-bit number; at most 40 characters.
  // SAFETY: sign, at most 2 leading digits and twice 19: at most 40 bytes of the callers' room.
  package static func write(wide value: Int128, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    if let small = Int64(exactly: value) { return unsafe write(long: small, to: out) }
    var out = unsafe out
    if value < 0 {
      unsafe out[0] = 0x2D
      unsafe out += 1
    }
    let chunk: UInt128 = 10_000_000_000_000_000_000
    let (high, low) = value.magnitude.quotientAndRemainder(dividingBy: chunk)
    if high == 0 { return unsafe write(unsigned: UInt64(low), to: out) }
    // 2^127 / 10^19 has 20 digits.
    let (top, middle) = high.quotientAndRemainder(dividingBy: chunk)
    if top == 0 {
      unsafe out = unsafe write(unsigned: UInt64(middle), to: out)
    } else {
      unsafe out = unsafe write(unsigned: UInt64(top), to: out)
      unsafe writeDigits(UInt64(middle), count: 19, to: out)
      unsafe out += 19
    }
    unsafe writeDigits(UInt64(low), count: 19, to: out)
    return unsafe out + 19
  }
}

// Minima and maxima of dense values, in the byte form of statistics and page indexes. Long texts are cut: minima down, maxima up.

import Columnar

/// Bounds of a run of values; nil bounds when there is no value to order (none at all, or only NaN).
struct ValueBounds: Equatable {
  var min: [UInt8]?
  var max: [UInt8]?
  var isMinExact = true
  var isMaxExact = true

  /// Bytes of a text bound at most.
  static let textLimit = 64
}

// SAFETY: everywhere here: `range` lies within the values, whose buffers the caller holds. `o` are the offsets of texts, ascending
// within `d` and one more than there are; buffers have 64 readable bytes behind them.
enum ChunkBounds {
  /// The bounds of dense values `range`.
  static func of(_ values: PhysicalValues, _ range: Range<Int>) -> ValueBounds {
    guard !range.isEmpty else { return ValueBounds() }
    switch values {
    case .bits(let bits):
      let part = bits.slice(range)
      let set = part.popcount
      return ValueBounds(min: [set == range.count ? 1 : 0], max: [set > 0 ? 1 : 0])
    case .int32(let b): return unsafe integers(b.pointer, range)
    case .int64(let b): return unsafe integers(b.pointer, range)
    case .double(let b): return unsafe doubles(b.pointer, range)
    case .fixed16(let b):
      var low = b[range.lowerBound], high = low
      for i in range { low = min(low, b[i]); high = max(high, b[i]) }
      return ValueBounds(min: bigEndian(low), max: bigEndian(high))
    case .bytes(let offsets, let data): return unsafe texts(offsets.pointer, data.pointer, range.lowerBound..<range.upperBound)
    case .coded(let codes, let offsets, let data):
      // Each distinct code once.
      let n = offsets.count - 1
      var seen = [Bool](repeating: false, count: n)
      for i in range { seen[Int(codes[i])] = true }
      var low = -1, high = -1
      let o = unsafe offsets.pointer, d = unsafe data.pointer
      for code in 0..<n where seen[code] {
        if unsafe low < 0 || isLess(o, d, code, low) { low = code }
        if unsafe high < 0 || isLess(o, d, high, code) { high = code }
      }
      return unsafe cut(o, d, low: low, high: high)
    }
  }

  // SAFETY: the range is not empty (checked in `of`) and lies within the values.
  private static func integers<T: FixedWidthInteger & BitwiseCopyable>(_ p: UnsafePointer<T>, _ range: Range<Int>) -> ValueBounds {
    var low = unsafe p[range.lowerBound], high = low
    for i in range {
      low = unsafe min(low, p[i])
      high = unsafe max(high, p[i])
    }
    return ValueBounds(min: littleEndian(low), max: littleEndian(high))
  }

  /// NaN is left out; zeros are widened to -0.0 and +0.0, as the format asks.
  // SAFETY: the range lies within the values.
  private static func doubles(_ p: UnsafePointer<Double>, _ range: Range<Int>) -> ValueBounds {
    var low = Double.infinity, high = -Double.infinity
    var ordered = false
    for i in range {
      let v = unsafe p[i]
      ordered = ordered || v == v
      low = v < low ? v : low
      high = v > high ? v : high
    }
    guard ordered else { return ValueBounds() }
    if low == 0 { low = -0.0 }
    if high == 0 { high = 0.0 }
    return ValueBounds(min: littleEndian(low.bitPattern), max: littleEndian(high.bitPattern))
  }

  // SAFETY: the range is not empty (checked in `of`), and `i + 1` is an offset.
  private static func texts(_ o: UnsafePointer<Int32>, _ d: UnsafePointer<UInt8>, _ range: Range<Int>) -> ValueBounds {
    var low = range.lowerBound, high = range.lowerBound
    var lowPrefix = unsafe prefix(o, d, low), highPrefix = lowPrefix
    for i in range {
      let own = unsafe prefix(o, d, i)
      if unsafe own < lowPrefix || (own == lowPrefix && isLess(o, d, i, low)) { (low, lowPrefix) = (i, own) }
      if unsafe own > highPrefix || (own == highPrefix && isLess(o, d, high, i)) { (high, highPrefix) = (i, own) }
    }
    return unsafe cut(o, d, low: low, high: high)
  }

  /// The first 8 bytes as a big-endian number, zero-filled: orders texts that differ there.
  // SAFETY: a text starts within the buffer, and 8 bytes from there end within the 64 behind it.
  @inline(__always) private static func prefix(_ o: UnsafePointer<Int32>, _ d: UnsafePointer<UInt8>, _ i: Int) -> UInt64 {
    let start = unsafe Int(o[i])
    let length = unsafe Int(o[i &+ 1]) &- start
    // Buffers have readable padding behind them.
    let word = unsafe UInt64(bigEndian: UnsafeRawPointer(d + start).loadUnaligned(as: UInt64.self))
    if length >= 8 { return word }
    return length == 0 ? 0 : word & (~0 << UInt64(8 * (8 - length)))
  }

  // SAFETY: `shared` is less than both lengths where a byte is read.
  private static func isLess(_ o: UnsafePointer<Int32>, _ d: UnsafePointer<UInt8>, _ a: Int, _ b: Int) -> Bool {
    let aLength = unsafe Int(o[a + 1] - o[a]), bLength = unsafe Int(o[b + 1] - o[b])
    let x = unsafe d + Int(o[a]), y = unsafe d + Int(o[b])
    let shared = unsafe DeltaEncoder.sharedPrefix(x, aLength, y, bLength)
    if shared == aLength || shared == bLength { return aLength < bLength }
    return unsafe x[shared] < y[shared]
  }

  // SAFETY: `low` and `high` are texts of the chunk where they are not negative; the bytes are copied.
  private static func cut(_ o: UnsafePointer<Int32>, _ d: UnsafePointer<UInt8>, low: Int, high: Int) -> ValueBounds {
    guard low >= 0, high >= 0 else { return ValueBounds() }
    var bounds = ValueBounds()
    let lowest = unsafe Array(UnsafeBufferPointer(start: d + Int(o[low]), count: Int(o[low + 1] - o[low])))
    let highest = unsafe Array(UnsafeBufferPointer(start: d + Int(o[high]), count: Int(o[high + 1] - o[high])))
    bounds.min = lowest
    bounds.max = highest
    if lowest.count > ValueBounds.textLimit {
      bounds.min = Array(lowest[0..<characterBoundary(lowest)])
      bounds.isMinExact = false
    }
    if highest.count > ValueBounds.textLimit {
      bounds.max = raised(Array(highest[0..<characterBoundary(highest)]))
      bounds.isMaxExact = false
    }
    return bounds
  }

  /// The last UTF-8 character boundary at or before the limit.
  private static func characterBoundary(_ text: [UInt8]) -> Int {
    var end = ValueBounds.textLimit
    while end > 0, text[end] & 0xC0 == 0x80 { end -= 1 }
    return end
  }

  /// The prefix with its last character that can be raised raised by one, so that it lies above every text it begins; nil when none can.
  private static func raised(_ prefix: [UInt8]) -> [UInt8]? {
    var scalars = Array(String(decoding: prefix, as: UTF8.self).unicodeScalars)
    while let last = scalars.popLast() {
      let next = last.value == 0xD7FF ? 0xE000 : last.value + 1
      if let scalar = UnicodeScalar(next) {
        scalars.append(scalar)
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return Array(String(text).utf8)
      }
    }
    return nil
  }

  // SAFETY: the bytes of a value on the stack, copied.
  static func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] { unsafe withUnsafeBytes(of: value.littleEndian) { unsafe Array($0) } }
  // SAFETY: the bytes of a value on the stack, copied.
  static func bigEndian(_ value: Int128) -> [UInt8] { unsafe withUnsafeBytes(of: value.bigEndian) { unsafe Array($0) } }

  /// Negative, zero or positive as bound `a` lies before, at or after `b`.
  static func compare(_ a: [UInt8], _ b: [UInt8], _ type: PhysicalType) -> Int {
    func order<T: Comparable>(_ x: T, _ y: T) -> Int { x < y ? -1 : x > y ? 1 : 0 }
    func number<T: FixedWidthInteger>(_ bytes: [UInt8], _: T.Type) -> T {
      bytes.reversed().reduce(T.zero) { $0 << 8 | T(truncatingIfNeeded: $1) }
    }
    switch type {
    case .int32: return order(number(a, Int32.self), number(b, Int32.self))
    case .int64: return order(number(a, Int64.self), number(b, Int64.self))
    case .double: return order(Double(bitPattern: number(a, UInt64.self)), Double(bitPattern: number(b, UInt64.self)))
    case .fixedLenByteArray:
      return order(a.reduce(Int128.zero) { $0 << 8 | Int128($1) }, b.reduce(Int128.zero) { $0 << 8 | Int128($1) })
    default: return a.lexicographicallyPrecedes(b) ? -1 : a == b ? 0 : 1
    }
  }
}

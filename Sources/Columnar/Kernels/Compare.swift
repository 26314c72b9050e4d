// Role: comparisons as bit words: a column with a constant is a range test over the whole array; two columns are compared 64 rows to a word.
// Bits of null rows are whatever their slots give; callers apply validity.

import CSIMD

/// The six comparisons.
package enum Comparison: String, Sendable, CaseIterable {
  case equal = "==", notEqual = "!=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="

  /// The comparison with sides exchanged.
  package var flipped: Comparison {
    switch self {
    case .equal, .notEqual: self
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    }
  }

  /// Whether a three-way order (negative, zero, positive) satisfies it.
  @inline(__always) package func holds(_ order: Int) -> Bool {
    switch self {
    case .equal: order == 0
    case .notEqual: order != 0
    case .less: order < 0
    case .lessOrEqual: order <= 0
    case .greater: order > 0
    case .greaterOrEqual: order >= 0
    }
  }
}

package enum CompareKernels {
  /// low <= x <= high for 64-bit integers.
  // SAFETY: the kernel reads `count` values and writes one word for each 64 of them, as many as `build` hands out; `values` lives for the call.
  package static func range(_ values: Buffer<Int64>, _ low: Int64, _ high: Int64) -> Bitmap {
    if low > high { return Bitmap(repeating: false, count: values.count) }
    return unsafe Bitmap.build(count: values.count) { unsafe csimd_range_i64(values.pointer, values.count, low, high, $0) }
  }

  // SAFETY: as above.
  package static func range(_ values: Buffer<Int32>, _ low: Int32, _ high: Int32) -> Bitmap {
    if low > high { return Bitmap(repeating: false, count: values.count) }
    return unsafe Bitmap.build(count: values.count) { unsafe csimd_range_i32(values.pointer, values.count, low, high, $0) }
  }

  /// NaN is in no range; -0.0 equals 0.0.
  // SAFETY: as above.
  package static func range(_ values: Buffer<Double>, _ low: Double, _ high: Double) -> Bitmap {
    if !(low <= high) { return Bitmap(repeating: false, count: values.count) }
    return unsafe Bitmap.build(count: values.count) { unsafe csimd_range_f64(values.pointer, values.count, low, high, $0) }
  }

  /// x op constant for integers of any width.
  private static func bounds<T: FixedWidthInteger>(_ op: Comparison, _ c: T) -> (low: T, high: T, isInverted: Bool)? {
    switch op {
    case .equal: (c, c, false)
    case .notEqual: (c, c, true)
    case .less: c == T.min ? nil : (T.min, c &- 1, false)
    case .lessOrEqual: (T.min, c, false)
    case .greater: c == T.max ? nil : (c &+ 1, T.max, false)
    case .greaterOrEqual: (c, T.max, false)
    }
  }

  package static func compare(_ values: Buffer<Int64>, _ op: Comparison, _ constant: Int64) -> Bitmap {
    guard let b = bounds(op, constant) else { return Bitmap(repeating: false, count: values.count) }
    let bits = range(values, b.low, b.high)
    return b.isInverted ? bits.inverted : bits
  }

  package static func compare(_ values: Buffer<Int32>, _ op: Comparison, _ constant: Int32) -> Bitmap {
    guard let b = bounds(op, constant) else { return Bitmap(repeating: false, count: values.count) }
    let bits = range(values, b.low, b.high)
    return b.isInverted ? bits.inverted : bits
  }

  /// IEEE comparisons: NaN equals nothing, is different from everything, and is neither less nor greater.
  package static func compare(_ values: Buffer<Double>, _ op: Comparison, _ constant: Double) -> Bitmap {
    if constant.isNaN { return Bitmap(repeating: op == .notEqual, count: values.count) }
    switch op {
    case .equal: return range(values, constant, constant)
    case .notEqual: return range(values, constant, constant).inverted
    case .less: return constant == -.infinity ? Bitmap(repeating: false, count: values.count) : range(values, -.infinity, constant.nextDown)
    case .lessOrEqual: return range(values, -.infinity, constant)
    case .greater: return constant == .infinity ? Bitmap(repeating: false, count: values.count) : range(values, constant.nextUp, .infinity)
    case .greaterOrEqual: return range(values, constant, .infinity)
    }
  }

  /// a op b, row by row, for 64-bit integers.
  package static func compare(_ a: Buffer<Int64>, _ op: Comparison, _ b: Buffer<Int64>) -> Bitmap { pairs(a, op, b) }
  package static func compare(_ a: Buffer<Int32>, _ op: Comparison, _ b: Buffer<Int32>) -> Bitmap { pairs(a, op, b) }
  package static func compare(_ a: Buffer<Double>, _ op: Comparison, _ b: Buffer<Double>) -> Bitmap { pairs(a, op, b) }
  package static func compare(_ a: Buffer<GUID>, _ op: Comparison, _ b: Buffer<GUID>) -> Bitmap { pairs(a, op, b) }

  @inline(__always)
  private static func pairs<T: Comparable & BitwiseCopyable & Sendable>(_ a: Buffer<T>, _ op: Comparison, _ b: Buffer<T>) -> Bitmap {
    switch op {
    case .equal: words(a, b) { $0 == $1 }
    case .notEqual: words(a, b) { $0 != $1 }
    case .less: words(a, b) { $0 < $1 }
    case .lessOrEqual: words(a, b) { $0 <= $1 }
    case .greater: words(a, b) { $0 > $1 }
    case .greaterOrEqual: words(a, b) { $0 >= $1 }
    }
  }

  // SAFETY: both have n elements (checked) and live for the call; `build` hands out one word for each 64 rows begun.
  @inline(__always)
  private static func words<T: BitwiseCopyable & Sendable>(_ a: Buffer<T>, _ b: Buffer<T>, _ test: (T, T) -> Bool) -> Bitmap {
    precondition(a.count == b.count, "columns of different lengths")
    let n = a.count
    return unsafe Bitmap.build(count: n) { out in
      let p = unsafe a.pointer, q = unsafe b.pointer
      var i = 0
      while i &+ 64 <= n {
        var word: UInt64 = 0
        for k in 0..<64 { unsafe word |= (test(p[i &+ k], q[i &+ k]) ? 1 : 0) << UInt64(truncatingIfNeeded: k) }
        unsafe out[i >> 6] = word
        i &+= 64
      }
      var tail: UInt64 = 0
      for k in i..<n { unsafe tail |= (test(p[k], q[k]) ? 1 : 0) << UInt64(truncatingIfNeeded: k &- i) }
      if i < n { unsafe out[i >> 6] = tail }
    }
  }
}

// Role: what accumulators share: growing per-group arrays and the row loops over validity and groups.

import Columnar

extension BufferBuilder {
  /// Extends to `count` elements, new ones being `value`.
  // SAFETY: exactly the fresh elements are filled.
  @inline(__always) func grow(to count: Int, filling value: Element) {
    guard count > self.count else { return }
    let added = count - self.count
    unsafe appendUninitialized(added).update(repeating: value, count: added)
  }

  /// The first `count` elements as a buffer; the builder keeps its own.
  // SAFETY: at most as many elements as there are are copied to another builder.
  func copy(_ count: Int) -> Buffer<Element> {
    let out = BufferBuilder<Element>(capacity: count)
    unsafe out.append(contentsOf: UnsafeBufferPointer(start: pointer, count: Swift.min(count, self.count)))
    return out.finish()
  }
}

/// Calls `body` with each valid row and its group; group 0 for all rows when there are no groups.
// SAFETY: `groups` has an element for each row, kept alive to the end; a validity has as many bits as there are rows.
@inline(__always) func forEachRow(_ count: Int, _ validity: Bitmap?, _ groups: Buffer<Int32>?, _ body: (Int, Int) -> Void) {
  defer { withExtendedLifetime(groups) {} }
  if let groups {
    let g = unsafe groups.pointer
    if let validity {
      forEachSetBit(validity) { unsafe body($0, Int(g[$0])) }
    } else {
      for i in 0..<count { unsafe body(i, Int(g[i])) }
    }
  } else if let validity {
    forEachSetBit(validity) { body($0, 0) }
  } else {
    for i in 0..<count { body(i, 0) }
  }
}

/// Calls `body` with the position of each set bit, ascending.
// SAFETY: the bitmap has wordCount(count) words and is kept alive to the end.
@inline(__always) func forEachSetBit(_ bits: Bitmap, _ body: (Int) -> Void) {
  let words = unsafe bits.words.pointer
  defer { withExtendedLifetime(bits) {} }
  for w in 0..<Bitmap.wordCount(bits.count) {
    var word = unsafe words[w]
    let base = w &<< 6
    if word == ~0 {
      for k in 0..<64 { body(base &+ k) }
      continue
    }
    while word != 0 {
      body(base &+ word.trailingZeroBitCount)
      word &= word &- 1
    }
  }
}

/// Validity from one byte per group: nil when all are set.
// SAFETY: callers hand over `count` flags; bits go to words of `build`, one for each 64.
func validityBitmap(_ flags: UnsafePointer<UInt8>, _ count: Int) -> Bitmap? {
  let bits = unsafe Bitmap.build(count: count) { words in
    for i in 0..<count where unsafe flags[i] != 0 { unsafe words[i >> 6] |= 1 << UInt64(i & 63) }
  }
  return bits.isAllSet ? nil : bits
}

/// Validity from counts: a group without values is null.
// SAFETY: callers hand over `count` counts; bits go to words of `build`, one for each 64.
func validityBitmap(nonZero counts: UnsafePointer<Int64>, _ count: Int) -> Bitmap? {
  let bits = unsafe Bitmap.build(count: count) { words in
    for i in 0..<count where unsafe counts[i] != 0 { unsafe words[i >> 6] |= 1 << UInt64(i & 63) }
  }
  return bits.isAllSet ? nil : bits
}

extension ColumnVector {
  /// The buffer of a flat or flattened long, datetime or timespan column.
  var longValues: Buffer<Int64> {
    if case .long(let b) = flattened.storage { return b }
    return .empty
  }

  /// The buffer of a flat or flattened real column.
  var realValues: Buffer<Double> {
    if case .real(let b) = flattened.storage { return b }
    return .empty
  }
}

/// 128-bit states as two long columns (high, low), for spilling.
// SAFETY: callers hand over `count` values.
func splitWide(_ values: UnsafePointer<Int128>, _ count: Int) -> [ColumnVector] {
  let high = BufferBuilder<Int64>(capacity: count), low = BufferBuilder<Int64>(capacity: count)
  for g in 0..<count {
    unsafe high.append(Int64(truncatingIfNeeded: values[g] >> 64))
    unsafe low.append(Int64(truncatingIfNeeded: values[g]))
  }
  return [.long(high.finish()), .long(low.finish())]
}

/// The inverse of `splitWide`.
@inline(__always) func joinWide(_ high: Int64, _ low: Int64) -> Int128 { Int128(high) << 64 | Int128(UInt64(bitPattern: low)) }

/// The programming error of merging accumulators of different calls.
func mismatchedMerge(_ other: any GroupedAccumulator) -> ExpressionError {
  .invalidArgument(function: "aggregate", message: "internal: merged with a \(type(of: other))")
}

// Role: sort keys as 64-bit words whose unsigned order is the order of the values (ascending; descending words are inverted).
// Numbers by value, NaN below every other number, -0.0 equal to 0.0, strings by their first 8 UTF-8 bytes, false < true.

/// How a key is ordered: direction and the place of nulls.
package struct SortDirection: Sendable, Hashable {
  package var isDescending: Bool
  package var nullsFirst: Bool

  package init(isDescending: Bool, nullsFirst: Bool) {
    self.isDescending = isDescending
    self.nullsFirst = nullsFirst
  }
}

/// The ordered word of a signed integer.
@inline(__always) func orderedWord(_ value: Int64) -> UInt64 { UInt64(bitPattern: value) ^ (1 << 63) }

/// The ordered word of a double: one NaN below all, one zero.
@inline(__always) func orderedWord(_ value: Double) -> UInt64 {
  if value != value { return 0 }
  let bits = (value + 0.0).bitPattern  // -0.0 + 0.0 is 0.0
  return bits >> 63 == 1 ? ~bits : bits | 1 << 63
}

/// The first 8 bytes as a big-endian number, zero behind the end.
@inline(__always) func orderedWord(_ start: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
  // SAFETY: buffers keep 64 readable bytes behind their elements.
  let word = unsafe UInt64(bigEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self))
  return count >= 8 ? word : count == 0 ? 0 : word & ~(~0 >> UInt64(count &* 8))
}

extension ColumnVector {
  /// Each row's ordered word, whatever the vector's form; null rows have the word of their slot. A smaller word means a smaller value or, where
  /// words do not hold all of a value (text, guid, decimals), an equal word says nothing. Decimals use the nearest double, at most
  /// one step apart between scales. Dynamic is not ordered.
  package func sortWords(isDescending: Bool) -> Buffer<UInt64> {
    switch storage {
    case .constant(let value):
      guard count > 0 else { return .empty }
      return Buffer(repeating: value.sortWords(isDescending: isDescending)[0], count: count)
    case .dictionary(let codes, let values):
      if values.count > 2 * count { return flattened.sortWords(isDescending: isDescending) }
      return values.count == 0 ? Buffer(repeating: 0, count: count) : gatherValues(values.sortWords(isDescending: isDescending), codes)
    default: break
    }
    let builder = BufferBuilder<UInt64>(capacity: count)
    let out = unsafe builder.appendUninitialized(count)
    let flip: UInt64 = isDescending ? ~0 : 0
    switch storage {
    case .bool(let bits): for i in 0..<count { unsafe out[i] = (bits[i] ? 1 : 0) ^ flip }
    case .int(let b): unsafe fill(b, out) { orderedWord(Int64($0)) ^ flip }
    case .long(let b): unsafe fill(b, out) { orderedWord($0) ^ flip }
    case .real(let b): unsafe fill(b, out) { orderedWord($0) ^ flip }
    case .guid(let b): unsafe fill(b, out) { $0.high ^ flip }
    case .decimal64(let b, let scale):
      if scale >= 0, scale <= 22 {
        let divisor = powersOfTenReal[scale]
        unsafe fill(b, out) { orderedWord(Double($0) / divisor) ^ flip }
      } else {
        unsafe fill(b, out) { orderedWord(DecimalValue(Int128($0), scale: scale).doubleValue) ^ flip }
      }
    case .decimal128(let b, let scales):
      for i in 0..<count { unsafe out[i] = orderedWord(DecimalValue(b[i], scale: Int(scales[i])).doubleValue) ^ flip }
    case .bytes(let offsets, let data):
      let o = unsafe offsets.pointer, d = unsafe data.pointer
      for i in 0..<count { unsafe out[i] = unsafe orderedWord(d + Int(o[i]), Int(o[i &+ 1] &- o[i])) ^ flip }
    case .constant, .dictionary: break
    }
    return builder.finish()
  }

  @inline(__always) private func fill<T>(_ source: Buffer<T>, _ out: UnsafeMutablePointer<UInt64>, _ word: (T) -> UInt64) {
    unsafe source.withUnsafe { p in for i in 0..<p.count { unsafe out[i] = unsafe word(p[i]) } }
  }
}

/// The rows that may be among the first ones given that a row with word `threshold` is the last wanted: word ≤ threshold, nulls by their place.
package func rowsUpTo(_ threshold: UInt64, words: Buffer<UInt64>, validity: Bitmap?, nullsFirst: Bool) -> Buffer<Int32> {
  let n = words.count
  let builder = BufferBuilder<Int32>(capacity: n)
  let out = unsafe builder.appendUninitialized(n)
  var k = 0
  unsafe words.withUnsafe { words in
    if let validity {
      for i in 0..<n {
        unsafe out[k] = Int32(truncatingIfNeeded: i)
        let isIn = unsafe validity[i] ? words[i] <= threshold : nullsFirst
        k &+= isIn ? 1 : 0
      }
    } else {
      for i in 0..<n {
        unsafe out[k] = Int32(truncatingIfNeeded: i)
        unsafe k &+= words[i] <= threshold ? 1 : 0
      }
    }
  }
  return builder.finish().slice(0..<k)
}

// Role: a fixed number of bits in 64-bit words: validity, booleans, selections.
// Invariant: bits at and beyond `count` in the last word are zero; there are (count + 63) / 64 words.

/// An immutable bit array. As validity, 1 means "not null"; as a boolean column or selection, 1 means true.
@usableFromInline package struct Bitmap: Sendable {
  @usableFromInline package let words: Buffer<UInt64>
  @usableFromInline package let count: Int

  /// Takes over words that keep the invariant above.
  @inlinable package init(words: Buffer<UInt64>, count: Int) {
    self.words = words
    self.count = count
  }

  @inlinable package static func wordCount(_ bits: Int) -> Int { (bits &+ 63) >> 6 }

  /// All bits the same.
  // SAFETY: `build` hands out wordCount(count) words, and the loop fills exactly those.
  package init(repeating bit: Bool, count: Int) {
    self = unsafe Bitmap.build(count: count) { words in
      let n = Bitmap.wordCount(count)
      for i in 0..<n { unsafe words[i] = bit ? ~0 : 0 }
    }
  }

  // SAFETY: i is below bits.count, so word i >> 6 is one of the wordCount(bits.count) words that `build` hands out.
  package init(_ bits: [Bool]) {
    self = unsafe Bitmap.build(count: bits.count) { words in
      for i in 0..<bits.count where bits[i] { unsafe words[i >> 6] |= 1 << UInt64(i & 63) }
    }
  }

  /// Lets `body` fill zeroed words, then clears the bits beyond `count`.
  // SAFETY: `words` is the start of n fresh elements of `builder`, which grows no more before `finish`; n is at least 1 where count & 63 is not 0.
  package static func build(count: Int, _ body: (UnsafeMutablePointer<UInt64>) throws -> Void) rethrows -> Bitmap {
    let n = wordCount(count)
    let builder = BufferBuilder<UInt64>(capacity: n)
    let words = unsafe builder.appendUninitialized(n)
    unsafe words.update(repeating: 0, count: n)
    try unsafe body(words)
    if count & 63 != 0 { unsafe words[n - 1] &= (1 << UInt64(count & 63)) &- 1 }
    return Bitmap(words: builder.finish(), count: count)
  }

  // SAFETY: callers keep i within 0..<count (asserted in debug builds), so i >> 6 is one of the wordCount(count) words, which `words` owns.
  @inlinable package subscript(i: Int) -> Bool {
    assert(i >= 0 && i < count)
    return unsafe words.pointer[i >> 6] >> UInt64(i & 63) & 1 != 0
  }

  /// How many bits are set.
  // SAFETY: `withUnsafe` keeps the words alive and gives their number.
  package var popcount: Int {
    unsafe words.withUnsafe { words in
      var n = 0
      for unsafe word in unsafe words { n &+= word.nonzeroBitCount }
      return n
    }
  }

  package var isAllSet: Bool { popcount == count }
  // SAFETY: as in `popcount`.
  package var isAllClear: Bool { unsafe words.withUnsafe { unsafe $0.allSatisfy { $0 == 0 } } }

  package func and(_ other: Bitmap) -> Bitmap { combine(other) { $0 & $1 } }
  package func or(_ other: Bitmap) -> Bitmap { combine(other) { $0 | $1 } }
  package func andNot(_ other: Bitmap) -> Bitmap { combine(other) { $0 & ~$1 } }

  // SAFETY: source and result have wordCount(count) words each; self owns the source through the call.
  package var inverted: Bitmap {
    unsafe Bitmap.build(count: count) { out in
      let words = unsafe words.pointer
      for i in 0..<Bitmap.wordCount(count) { unsafe out[i] = unsafe ~words[i] }
    }
  }

  // SAFETY: both have the same count (checked), so all three have wordCount(count) words; self and `other` own the sources through the call.
  @inline(__always) private func combine(_ other: Bitmap, _ op: (UInt64, UInt64) -> UInt64) -> Bitmap {
    precondition(count == other.count, "bitmaps of different lengths")
    return unsafe Bitmap.build(count: count) { out in
      let a = unsafe words.pointer, b = unsafe other.words.pointer
      for i in 0..<Bitmap.wordCount(count) { unsafe out[i] = unsafe op(a[i], b[i]) }
    }
  }

  /// Bits `range`; shares memory when the range starts at a word and ends at a word or at the end.
  // SAFETY: word i of the result holds bits from range.lowerBound + 64 * i on, which is below range.upperBound, so word first + i exists; the word
  // behind it is read only below `last`.
  package func slice(_ range: Range<Int>) -> Bitmap {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "slice outside the bitmap")
    let n = range.count
    let first = range.lowerBound >> 6
    let shift = UInt64(range.lowerBound & 63)
    if shift == 0, n & 63 == 0 || range.upperBound == count {
      return Bitmap(words: words.slice(first..<first + Bitmap.wordCount(n)), count: n)
    }
    return unsafe Bitmap.build(count: n) { out in
      let source = unsafe words.pointer
      let last = words.count
      for i in 0..<Bitmap.wordCount(n) {
        let low = unsafe source[first + i] >> shift
        let high = unsafe shift != 0 && first + i + 1 < last ? source[first + i + 1] << (64 - shift) : 0
        unsafe out[i] = low | high
      }
    }
  }

  /// The positions of the set bits, ascending.
  // SAFETY: `out` has room for popcount bits, and the loop writes one position for each set bit of the same words. Self owns them through the call.
  package func indices() -> Buffer<Int32> {
    let builder = BufferBuilder<Int32>(capacity: popcount)
    let out = unsafe builder.appendUninitialized(builder.capacity)
    var n = 0
    let source = unsafe words.pointer
    for w in 0..<words.count {
      var word = unsafe source[w]
      let base = Int32(truncatingIfNeeded: w &<< 6)
      if word == ~0 {
        for k in 0..<64 { unsafe out[n &+ k] = base &+ Int32(truncatingIfNeeded: k) }
        n &+= 64
        continue
      }
      while word != 0 {
        unsafe out[n] = base &+ Int32(truncatingIfNeeded: word.trailingZeroBitCount)
        n &+= 1
        word &= word &- 1
      }
    }
    return builder.finish()
  }

  /// Both validities; nil means "no nulls".
  package static func intersection(_ a: Bitmap?, _ b: Bitmap?) -> Bitmap? {
    guard let a else { return b }
    guard let b else { return a }
    return a.and(b)
  }
}

/// Growing bits. `append` sets one; `appendRun` many.
// SAFETY: the counters are read and written without overlap checks: a builder belongs to one thread, and no closure runs during an access.
// `words` holds wordCount(count) words, so bit `count` lies in the last one once a word was added for every 64th bit.
package final class BitmapBuilder {
  private let words: BufferBuilder<UInt64>
  @exclusivity(unchecked) package private(set) var count = 0
  /// How many of the bits are clear.
  @exclusivity(unchecked) package private(set) var clearCount = 0

  package init(capacity: Int = 0) { words = BufferBuilder<UInt64>(capacity: Bitmap.wordCount(capacity)) }

  package func append(_ bit: Bool) {
    if unsafe count & 63 == 0 { words.append(0) }
    if bit { unsafe words.pointer[count >> 6] |= 1 << UInt64(count & 63) } else { unsafe clearCount += 1 }
    unsafe count += 1
  }

  package func appendRun(_ bit: Bool, count n: Int) {
    var left = n
    while left > 0 {
      if unsafe count & 63 == 0, left >= 64 {
        words.append(bit ? ~0 : 0)
        unsafe count += 64
        left -= 64
        if !bit { unsafe clearCount += 64 }
      } else {
        append(bit)
        left -= 1
      }
    }
  }

  package func append(_ bitmap: Bitmap) {
    for i in 0..<bitmap.count { append(bitmap[i]) }
  }

  package func finish() -> Bitmap {
    defer { unsafe count = 0; unsafe clearCount = 0 }
    return unsafe Bitmap(words: words.finish(), count: count)
  }

  /// The bits as validity: nil when all are set.
  package func finishValidity() -> Bitmap? {
    let hasNulls = unsafe clearCount > 0
    let bitmap = finish()
    return hasNulls ? bitmap : nil
  }
}

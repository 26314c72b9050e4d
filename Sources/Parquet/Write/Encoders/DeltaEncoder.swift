// DELTA_BINARY_PACKED and the byte-array encodings built on it (parquet-format Encodings.md): blocks of 128 deltas, four miniblocks of 32.

import Columnar

enum DeltaEncoder {
  private static let blockSize = 128
  private static let miniblockSize = 32

  /// Average bits a value would take, without its compression: what decides between delta and dictionary. Samples nothing: one cheap pass.
  // SAFETY: `i` runs from 1 to below `count`.
  static func estimatedBits<T: FixedWidthInteger & SignedInteger & BitwiseCopyable>(_ values: UnsafePointer<T>, count: Int) -> Double {
    guard count > 1 else { return 0 }
    var bits = 0
    var at = 1
    while at < count {
      let end = min(at + blockSize, count)
      var low = T.max, high = T.min
      for i in at..<end {
        let delta = unsafe values[i] &- values[i &- 1]
        low = min(low, delta)
        high = max(high, delta)
      }
      let spread = T.Magnitude(truncatingIfNeeded: high &- low)
      bits += (end - at) * (T.bitWidth - spread.leadingZeroBitCount) + 40
      at = end
    }
    return Double(bits) / Double(count)
  }

  /// Appends all values. Differences wrap in the width of the type, as readers undo them.
  // SAFETY: `at + i` stays below `count`, from 1 on. Of the block's 128 deltas, `n` are computed and the others set to 0.
  static func encode<T: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
    _ values: UnsafePointer<T>, count: Int, into out: BufferBuilder<UInt8>
  ) where T.Magnitude: BitwiseCopyable {
    appendVarint(UInt64(blockSize), to: out)
    appendVarint(UInt64(blockSize / miniblockSize), to: out)
    appendVarint(UInt64(count), to: out)
    unsafe appendZigzag(count > 0 ? Int64(values[0]) : 0, to: out)
    unsafe withUnsafeTemporaryAllocation(of: T.Magnitude.self, capacity: blockSize) { deltas in
      guard let d = deltas.baseAddress else { return }
      var at = 1
      while at < count {
        let n = min(blockSize, count - at)
        var low = T.max
        for i in 0..<n {
          let delta = unsafe values[at &+ i] &- values[at &+ i &- 1]
          unsafe d[i] = T.Magnitude(truncatingIfNeeded: delta)
          low = min(low, delta)
        }
        let base = T.Magnitude(truncatingIfNeeded: low)
        for i in 0..<n { unsafe d[i] = unsafe d[i] &- base }
        for i in n..<blockSize { unsafe d[i] = 0 }
        appendZigzag(Int64(low), to: out)
        unsafe emitMiniblocks(d, count: n, into: out)
        at += n
      }
    }
  }

  // SAFETY: `deltas` has 128 elements, all set. `widths` is used before `out` grows again, and found by its offset afterwards; the target has
  // the 8 bytes that `pack` may touch beyond, which are taken back.
  @inline(__always)
  private static func emitMiniblocks<U: FixedWidthInteger & UnsignedInteger>(
    _ deltas: UnsafeMutablePointer<U>, count: Int, into out: BufferBuilder<UInt8>
  ) {
    let widths = unsafe out.appendUninitialized(4)
    for m in 0..<4 { unsafe widths[m] = 0 }
    let widthsAt = out.count - 4
    var m = 0
    while m * miniblockSize < count {
      let start = unsafe deltas + m * miniblockSize
      var all: U = 0
      for i in 0..<miniblockSize { unsafe all |= start[i] }
      let width = U.bitWidth - all.leadingZeroBitCount
      unsafe out.pointer[widthsAt + m] = UInt8(width)
      if width > 0 {
        let byteCount = 4 * width
        let target = unsafe out.appendUninitialized(byteCount + 8)
        unsafe BitPacker.pack(start, count: miniblockSize, bitWidth: width, into: target, byteCount: byteCount)
        out.count -= 8
      }
      m += 1
    }
  }

  /// DELTA_LENGTH_BYTE_ARRAY of rows `range`: the lengths delta-packed, then the bytes.
  // SAFETY: `range` lies within the texts, whose offsets are one more; `l` has `range.count` lengths, which live to the end.
  static func encodeLengths(_ offsets: UnsafePointer<Int32>, _ data: UnsafePointer<UInt8>, _ range: Range<Int>, into out: BufferBuilder<UInt8>) {
    let lengths = BufferBuilder<Int32>(capacity: range.count)
    let l = unsafe lengths.appendUninitialized(range.count)
    for i in 0..<range.count { unsafe l[i] = unsafe offsets[range.lowerBound &+ i &+ 1] &- offsets[range.lowerBound &+ i] }
    unsafe encode(UnsafePointer(l), count: range.count, into: out)
    let first = unsafe Int(offsets[range.lowerBound]), last = unsafe Int(offsets[range.upperBound])
    unsafe out.append(contentsOf: UnsafeBufferPointer(start: data + first, count: last - first))
    withExtendedLifetime(lengths) {}
  }

  /// DELTA_BYTE_ARRAY of rows `range`: shared prefix lengths, then the suffixes as DELTA_LENGTH_BYTE_ARRAY.
  // SAFETY: `range` lies within the texts, whose offsets are one more. `previous` is the text before, or empty at the first.
  static func encodePrefixes(_ offsets: UnsafePointer<Int32>, _ data: UnsafePointer<UInt8>, _ range: Range<Int>, into out: BufferBuilder<UInt8>) {
    let prefixes = BufferBuilder<Int32>(capacity: range.count)
    let suffixLengths = BufferBuilder<Int32>(capacity: range.count)
    let suffixes = BufferBuilder<UInt8>()
    var previous = 0, previousLength = 0
    for i in range {
      let start = unsafe Int(offsets[i])
      let length = unsafe Int(offsets[i + 1]) - start
      let shared = unsafe sharedPrefix(data + previous, previousLength, data + start, length)
      prefixes.append(Int32(shared))
      suffixLengths.append(Int32(length - shared))
      unsafe suffixes.append(contentsOf: UnsafeBufferPointer(start: data + start + shared, count: length - shared))
      (previous, previousLength) = (start, length)
    }
    unsafe encode(UnsafePointer(prefixes.pointer), count: range.count, into: out)
    unsafe encode(UnsafePointer(suffixLengths.pointer), count: range.count, into: out)
    unsafe out.append(contentsOf: UnsafeBufferPointer(start: suffixes.pointer, count: suffixes.count))
    withExtendedLifetime((prefixes, suffixLengths, suffixes)) {}
  }

  /// How many first bytes two texts share.
  // SAFETY: `i` stays below both counts.
  static func sharedPrefix(_ a: UnsafePointer<UInt8>, _ aCount: Int, _ b: UnsafePointer<UInt8>, _ bCount: Int) -> Int {
    let n = min(aCount, bCount)
    var i = 0
    while i < n, unsafe a[i] == b[i] { i &+= 1 }
    return i
  }
}

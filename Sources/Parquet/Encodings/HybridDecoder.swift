// The RLE / bit-packed hybrid: definition and repetition levels, dictionary codes, RLE booleans.
// Source: parquet-format Encodings.md, "Run Length Encoding / Bit-Packing Hybrid (RLE = 3)".
import CSIMD

/// Decodes one hybrid run sequence, front to back. The bytes must stay alive and have 64 readable bytes behind them.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct HybridDecoder {
  private var next: UnsafePointer<UInt8>
  private let end: UnsafePointer<UInt8>
  /// Bits per value, 0...32.
  let width: Int
  private var repeatLeft = 0
  private var repeatValue: UInt32 = 0
  private var packedLeft = 0
  /// Position within the current bit-packed run.
  private var packedIndex = 0
  private var packedStart: UnsafePointer<UInt8>

  /// `bytes` without any length prefix.
  init(_ bytes: UnsafeRawBufferPointer, width: Int) throws(ParquetError) {
    guard width >= 0 && width <= 32 else { throw .corrupt("bit width \(width) of an RLE run") }
    let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? emptyPage
    unsafe next = unsafe start
    unsafe end = unsafe start + bytes.count
    unsafe packedStart = unsafe start
    self.width = width
  }

  /// Starts the next run.
  private mutating func advance() throws(ParquetError) {
    var header: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      guard unsafe next < end else { throw .corrupt("RLE data ends early") }
      let byte = unsafe next.pointee
      unsafe next += 1
      header |= UInt64(byte & 0x7F) &<< shift
      if byte < 0x80 { break }
      shift += 7
      guard shift < 35 else { throw .corrupt("RLE run header too long") }
    }
    if header & 1 == 0 {
      let byteCount = (width + 7) >> 3
      guard unsafe end - next >= byteCount else { throw .corrupt("RLE data ends early") }
      var value: UInt32 = 0
      for i in 0..<byteCount { unsafe value |= UInt32(next[i]) << UInt32(8 * i) }
      guard width == 32 || value >> UInt32(width) == 0 else { throw .corrupt("RLE value \(value) exceeds \(width) bits") }
      unsafe next += byteCount
      repeatValue = value
      repeatLeft = Int(header >> 1)
    } else {
      let groups = Int(header >> 1)
      let available = unsafe end - next
      let wanted = groups &* width
      unsafe packedStart = unsafe next
      packedIndex = 0
      packedLeft = groups &* 8
      if wanted > available {
        // Some writers leave out the padding of the last group; the values that are there count.
        packedLeft = width == 0 ? 0 : available * 8 / width
        unsafe next = unsafe end
        guard packedLeft > 0 else { throw .corrupt("bit-packed run of \(wanted) bytes where \(available) remain") }
      } else {
        unsafe next += wanted
      }
    }
  }

  /// Unpacks `count` values of the current bit-packed run.
  private mutating func unpack(_ out: UnsafeMutablePointer<UInt32>, _ count: Int) {
    var done = 0
    while done < count, packedIndex & 7 != 0 {
      unsafe out[done] = unsafe UInt32(truncatingIfNeeded: pq_extract(packedStart, packedIndex &* width, Int32(width)))
      packedIndex &+= 1
      done &+= 1
    }
    let groups = (count - done) >> 3
    if groups > 0 {
      unsafe pq_unpack32(packedStart + (packedIndex >> 3) &* width, out + done, groups, Int32(width))
      packedIndex &+= groups &* 8
      done &+= groups &* 8
    }
    while done < count {
      unsafe out[done] = unsafe UInt32(truncatingIfNeeded: pq_extract(packedStart, packedIndex &* width, Int32(width)))
      packedIndex &+= 1
      done &+= 1
    }
    packedLeft &-= count
  }

  /// Decodes `count` values.
  mutating func decode(_ out: UnsafeMutablePointer<UInt32>, _ count: Int) throws(ParquetError) {
    var done = 0
    while done < count {
      if repeatLeft > 0 {
        let n = min(repeatLeft, count - done)
        unsafe (out + done).update(repeating: repeatValue, count: n)
        repeatLeft -= n
        done += n
      } else if packedLeft > 0 {
        let n = min(packedLeft, count - done)
        unsafe unpack(out + done, n)
        done += n
      } else {
        try advance()
      }
    }
  }

  /// Decodes `count` codes into a table of `limit` entries: larger codes are corrupt. `out` is only valid when this returns.
  mutating func decodeCodes(_ out: UnsafeMutablePointer<UInt32>, _ count: Int, limit: Int) throws(ParquetError) {
    var done = 0
    while done < count {
      let n: Int
      if repeatLeft > 0 {
        n = min(repeatLeft, count - done)
        guard Int(repeatValue) < limit else { throw .corrupt("dictionary code \(repeatValue) of \(limit) entries") }
        unsafe (out + done).update(repeating: repeatValue, count: n)
        repeatLeft -= n
      } else if packedLeft > 0 {
        n = min(packedLeft, count - done)
        unsafe unpack(out + done, n)
        let largest = unsafe pq_max32(out + done, n)
        guard Int(largest) < limit else { throw .corrupt("dictionary code \(largest) of \(limit) entries") }
      } else {
        try advance()
        continue
      }
      done += n
    }
  }

  /// Decodes `count` levels of at most 8 bits.
  mutating func decodeLevels(_ out: UnsafeMutablePointer<UInt8>, _ count: Int, maxLevel: Int) throws(ParquetError) {
    let scratch = UnsafeMutablePointer<UInt32>.allocate(capacity: 1024)
    defer { unsafe scratch.deallocate() }
    var done = 0
    while done < count {
      let n = min(1024, count - done)
      try unsafe decode(scratch, n)
      guard unsafe Int(pq_max32(scratch, n)) <= maxLevel else { throw .corrupt("level above the maximum \(maxLevel)") }
      for i in 0..<n { unsafe out[done &+ i] = unsafe UInt8(truncatingIfNeeded: scratch[i]) }
      done += n
    }
  }

  /// Decodes `count` one-bit values into `words` from bit `position` on (those bits are zero before); returns how many are set.
  mutating func decodeBits(
    _ words: UnsafeMutablePointer<UInt64>, at position: Int, _ count: Int
  ) throws(ParquetError) -> Int {
    var done = 0
    var set = 0
    while done < count {
      if repeatLeft > 0 {
        let n = min(repeatLeft, count - done)
        if repeatValue != 0 {
          unsafe setBits(words, at: position + done, n)
          set += n
        }
        repeatLeft -= n
        done += n
      } else if packedLeft > 0 {
        let n = min(packedLeft, count - done)
        unsafe set += copyBits(packedStart, from: packedIndex, words, at: position + done, n)
        packedIndex += n
        packedLeft -= n
        done += n
      } else {
        try advance()
      }
    }
    return set
  }

  /// Skips `count` values.
  mutating func skip(_ count: Int) throws(ParquetError) {
    var left = count
    while left > 0 {
      if repeatLeft > 0 {
        let n = min(repeatLeft, left)
        repeatLeft -= n
        left -= n
      } else if packedLeft > 0 {
        let n = min(packedLeft, left)
        packedIndex += n
        packedLeft -= n
        left -= n
      } else {
        try advance()
      }
    }
  }

  /// Skips `count` one-bit values and returns how many of them are set.
  mutating func skipBits(_ count: Int) throws(ParquetError) -> Int {
    var left = count
    var set = 0
    while left > 0 {
      if repeatLeft > 0 {
        let n = min(repeatLeft, left)
        if repeatValue != 0 { set += n }
        repeatLeft -= n
        left -= n
      } else if packedLeft > 0 {
        let n = min(packedLeft, left)
        unsafe set += countBits(packedStart, from: packedIndex, n)
        packedIndex += n
        packedLeft -= n
        left -= n
      } else {
        try advance()
      }
    }
    return set
  }
}

/// 64 zero bytes that nobody writes or frees: the page behind null pointers.
nonisolated(unsafe) let emptyPage: UnsafePointer<UInt8> = {
  let zeros = UnsafeMutablePointer<UInt8>.allocate(capacity: 64)
  unsafe zeros.initialize(repeating: 0, count: 64)
  return unsafe UnsafePointer(zeros)
}()

/// Bits needed for values up to `maximum`.
func bitWidth(of maximum: Int) -> Int { maximum <= 0 ? 0 : Int.bitWidth - maximum.leadingZeroBitCount }

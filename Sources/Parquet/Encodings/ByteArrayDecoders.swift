// Byte arrays: PLAIN, DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY, and fixed-length values seen as byte arrays.
// Source: parquet-format Encodings.md. Each decoder appends values to offsets and bytes; output is bounded before it is allocated.
import Columnar
import CSIMD

/// The most text one vector holds (offsets are Int32).
let maxVectorBytes = Int(Int32.max)

extension StringBuilder {
  /// Fails when `more` bytes would not fit a vector.
  @inline(__always) func checkRoom(_ more: Int) throws(ParquetError) {
    guard data.count &+ more <= maxVectorBytes else {
      throw .notSupported("more than 2 GiB of text in one batch of a column")
    }
  }
}

/// Copies `count` bytes in words of 16 where they are few: may read and write up to 15 bytes beyond.
@inline(__always)
func copyShort(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, _ count: Int) {
  if count > 64 {
    unsafe target.update(from: source, count: count)
    return
  }
  var at = 0
  repeat {
    unsafe UnsafeMutableRawPointer(target + at).storeBytes(
      of: UnsafeRawPointer(source + at).loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
    at &+= 16
  } while at < count
}

/// PLAIN: a four-byte length before each value; or values of one fixed length.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct PlainByteArrayDecoder {
  private var next: UnsafePointer<UInt8>
  private let end: UnsafePointer<UInt8>
  /// Bytes per value of FIXED_LEN_BYTE_ARRAY; nil for BYTE_ARRAY.
  private let fixedLength: Int?

  init(_ bytes: UnsafeRawBufferPointer, fixedLength: Int?) {
    unsafe next = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? emptyPage
    unsafe end = unsafe next + bytes.count
    self.fixedLength = fixedLength
  }

  mutating func decode(_ count: Int, into out: StringBuilder) throws(ParquetError) {
    if let fixedLength {
      let (size, overflow) = count.multipliedReportingOverflow(by: fixedLength)
      guard !overflow, unsafe size <= end - next else { throw .corrupt("page ends within its values") }
      try out.checkRoom(size)
      unsafe out.data.append(contentsOf: UnsafeBufferPointer(start: next, count: size))
      var at = Int32(out.data.count - size)
      let offsets = unsafe out.offsets.appendUninitialized(count)
      for i in 0..<count {
        at &+= Int32(truncatingIfNeeded: fixedLength)
        unsafe offsets[i] = at
      }
      unsafe next += size
      return
    }
    // First pass: lengths to offsets, checked; second pass: bytes, whose total is then known.
    let offsets = unsafe out.offsets.appendUninitialized(count)
    var cursor = unsafe next
    var total = 0
    let base = out.data.count
    for i in 0..<count {
      guard unsafe end - cursor >= 4 else {
        out.offsets.count -= count
        throw .corrupt("page ends within its values")
      }
      let length = unsafe Int(UInt32(littleEndian: UnsafeRawPointer(cursor).loadUnaligned(as: UInt32.self)))
      guard unsafe length <= end - cursor - 4 else {
        out.offsets.count -= count
        throw .corrupt(unsafe "value of \(length) bytes where \(end - cursor - 4) remain in the page")
      }
      unsafe cursor += 4 &+ length
      total &+= length
      unsafe offsets[i] = Int32(truncatingIfNeeded: base &+ total)
    }
    guard base + total <= maxVectorBytes else {
      out.offsets.count -= count
      throw .notSupported("more than 2 GiB of text in one batch of a column")
    }
    // Sixteen spare bytes let short values be copied as whole words.
    out.data.reserve(total + 16)
    var target = unsafe out.data.appendUninitialized(total)
    unsafe cursor = unsafe next
    var start = base
    for i in 0..<count {
      let stop = unsafe Int(offsets[i])
      let length = stop &- start
      start = stop
      let source = unsafe cursor + 4
      // SAFETY: 64 readable bytes follow the page; 16 writable ones were reserved behind the output.
      unsafe copyShort(source, target, length)
      unsafe target += length
      unsafe cursor = unsafe source + length
    }
    unsafe next = unsafe cursor
  }

  mutating func skip(_ count: Int) throws(ParquetError) {
    if let fixedLength {
      let (size, overflow) = count.multipliedReportingOverflow(by: fixedLength)
      guard !overflow, unsafe size <= end - next else { throw .corrupt("page ends within its values") }
      unsafe next += size
      return
    }
    for _ in 0..<count {
      guard unsafe end - next >= 4 else { throw .corrupt("page ends within its values") }
      let length = unsafe Int(UInt32(littleEndian: UnsafeRawPointer(next).loadUnaligned(as: UInt32.self)))
      guard unsafe length <= end - next - 4 else {
        throw .corrupt(unsafe "value of \(length) bytes where \(end - next - 4) remain in the page")
      }
      unsafe next += 4 &+ length
    }
  }
}

/// DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct DeltaLengthDecoder {
  private let lengths: [Int32]
  private var index = 0
  private var next: UnsafePointer<UInt8>
  private let end: UnsafePointer<UInt8>

  init(_ bytes: UnsafeRawBufferPointer) throws(ParquetError) {
    let (lengths, used) = try unsafe decodeLengths(bytes, what: "length")
    self.lengths = lengths
    let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? emptyPage
    unsafe next = unsafe start + used
    unsafe end = unsafe start + bytes.count
  }

  /// Values not yet handed out.
  var remaining: Int { lengths.count - index }

  /// The next value; its bytes lie in the page.
  mutating func nextValue() throws(ParquetError) -> UnsafeBufferPointer<UInt8> {
    guard index < lengths.count else { throw .corrupt("page ends within its values") }
    let length = Int(lengths[index])
    guard unsafe length <= end - next else { throw .corrupt(unsafe "value of \(length) bytes where \(end - next) remain in the page") }
    index += 1
    defer { unsafe next += length }
    return unsafe UnsafeBufferPointer(start: next, count: length)
  }

  mutating func decode(_ count: Int, into out: StringBuilder) throws(ParquetError) {
    guard count <= remaining else { throw .corrupt("page ends within its values") }
    let first = unsafe next
    let base = out.data.count
    var total = 0
    let offsets = unsafe out.offsets.appendUninitialized(count)
    let from = index
    unsafe lengths.withUnsafeBufferPointer { lengths in
      for i in 0..<count {
        unsafe total &+= Int(lengths[from &+ i])
        unsafe offsets[i] = Int32(truncatingIfNeeded: base &+ total)
      }
    }
    guard unsafe total <= end - first, base + total <= maxVectorBytes else {
      out.offsets.count -= count
      throw .corrupt(unsafe "values of \(total) bytes where \(end - first) remain in the page")
    }
    unsafe out.data.append(contentsOf: UnsafeBufferPointer(start: first, count: total))
    index += count
    unsafe next += total
  }

  mutating func skip(_ count: Int) throws(ParquetError) {
    for _ in 0..<count { _ = try unsafe nextValue() }
  }
}

/// DELTA_BYTE_ARRAY: each value shares a prefix with the one before it.
struct DeltaByteArrayDecoder {
  private let prefixes: [Int32]
  private var suffixes: DeltaLengthDecoder
  private var index = 0
  private var previous: [UInt8] = []

  init(_ bytes: UnsafeRawBufferPointer) throws(ParquetError) {
    let (prefixes, used) = try unsafe decodeLengths(bytes, what: "prefix length")
    self.prefixes = prefixes
    suffixes = try unsafe DeltaLengthDecoder(UnsafeRawBufferPointer(rebasing: bytes[used...]))
    guard suffixes.remaining == prefixes.count else {
      throw .corrupt("\(prefixes.count) prefixes and \(suffixes.remaining) suffixes in one page")
    }
  }

  private mutating func advance() throws(ParquetError) {
    guard index < prefixes.count else { throw .corrupt("page ends within its values") }
    let prefix = Int(prefixes[index])
    guard prefix <= previous.count else {
      throw .corrupt("prefix of \(prefix) bytes of a value of \(previous.count)")
    }
    let suffix = try unsafe suffixes.nextValue()
    guard prefix + suffix.count <= maxVectorBytes else { throw .corrupt("value of \(prefix + suffix.count) bytes") }
    previous.removeSubrange(prefix...)
    unsafe previous.append(contentsOf: suffix)
    index += 1
  }

  mutating func decode(_ count: Int, into out: StringBuilder) throws(ParquetError) {
    for _ in 0..<count {
      try advance()
      try out.checkRoom(previous.count)
      unsafe previous.withUnsafeBufferPointer { unsafe out.append($0) }
    }
  }

  mutating func skip(_ count: Int) throws(ParquetError) {
    for _ in 0..<count { try advance() }
  }
}

/// The most lengths one page may hold: 256 MiB of them.
private let maxDeltaLengths = 1 << 26

/// A delta sequence of non-negative lengths at the front of `bytes`, and the bytes it took.
private func decodeLengths(_ bytes: UnsafeRawBufferPointer, what: String) throws(ParquetError) -> ([Int32], Int) {
  var decoder = try unsafe DeltaBinaryDecoder<Int32>(bytes)
  // A length takes no bits when all are equal, so the bytes of the page do not bound the count.
  var lengths: [Int32] = []
  let total = decoder.remaining
  guard total <= maxDeltaLengths else { throw .notSupported("a page of \(total) delta-encoded lengths") }
  while lengths.count < total {
    let n = min(1 << 16, total - lengths.count)
    let start = lengths.count
    lengths.append(contentsOf: repeatElement(0, count: n))
    var failure: ParquetError?
    unsafe lengths.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      do throws(ParquetError) { try unsafe decoder.decode(base + start, n) } catch { failure = error }
    }
    if let failure { throw failure }
    for i in start..<start + n where lengths[i] < 0 { throw .corrupt("negative \(what) \(lengths[i])") }
  }
  return (lengths, decoder.endPosition)
}

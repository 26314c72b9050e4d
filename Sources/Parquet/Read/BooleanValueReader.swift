// Booleans: PLAIN bits or RLE, collected into a bitmap.
import Columnar

final class BooleanValueReader: ValueReader {
  // SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used.
  @safe private enum Page {
    case none
    case plain(UnsafePointer<UInt8>, bit: Int, count: Int)
    case rle(HybridDecoder)
  }

  private var page = Page.none
  private var words = BufferBuilder<UInt64>()
  private var count = 0

  var shortestRunWorthSkipping: Int { 24 }

  func setDictionary(_ bytes: UnsafeRawBufferPointer, count: Int) throws(ParquetError) {
    throw .notSupported("dictionary-encoded booleans")
  }

  func startPage(_ bytes: UnsafeRawBufferPointer, encoding: Encoding) throws(ParquetError) {
    switch encoding {
    case .plain:
      page = unsafe .plain(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? emptyPage, bit: 0, count: bytes.count * 8)
    case .rle:
      guard bytes.count >= 4 else {
        guard bytes.count == 0 else { throw .corrupt("RLE booleans without a length") }
        page = .none
        return
      }
      let size = unsafe Int(UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)))
      guard size <= bytes.count - 4 else { throw .corrupt("RLE booleans of \(size) bytes where \(bytes.count - 4) remain") }
      page = unsafe .rle(try HybridDecoder(UnsafeRawBufferPointer(rebasing: bytes[4..<4 + size]), width: 1))
    default: throw .notSupported("encoding \(encoding) for BOOLEAN values")
    }
  }

  func begin(rows: Int) {
    count = 0
    words.removeAll()
    let n = Bitmap.wordCount(rows)
    unsafe words.appendUninitialized(n).update(repeating: 0, count: n)
  }

  func append(values: Int, rows: Int, validity: UnsafePointer<UInt64>?, at position: Int) throws(ParquetError) {
    let missing = Bitmap.wordCount(count + rows) - words.count
    if missing > 0 { unsafe words.appendUninitialized(missing).update(repeating: 0, count: missing) }
    defer { count += rows }
    if values == 0 { return }
    if values == rows {
      try unsafe decode(words.pointer, at: count, values)
      return
    }
    guard let validity = unsafe validity else { return }
    let dense = BufferBuilder<UInt64>()
    let n = Bitmap.wordCount(values)
    unsafe dense.appendUninitialized(n).update(repeating: 0, count: n)
    try unsafe decode(dense.pointer, at: 0, values)
    var from = 0
    for row in 0..<rows where unsafe validity[(position &+ row) >> 6] >> UInt64((position &+ row) & 63) & 1 != 0 {
      if unsafe dense.pointer[from >> 6] >> UInt64(from & 63) & 1 != 0 {
        unsafe words.pointer[(count &+ row) >> 6] |= 1 << UInt64((count &+ row) & 63)
      }
      from &+= 1
    }
  }

  private func decode(_ out: UnsafeMutablePointer<UInt64>, at position: Int, _ n: Int) throws(ParquetError) {
    switch page {
    case .none: throw .corrupt("page ends within its values")
    case .plain(let start, let bit, let total):
      guard n <= total - bit else { throw .corrupt("page ends within its values") }
      _ = unsafe copyBits(start, from: bit, out, at: position, n)
      page = unsafe .plain(start, bit: bit + n, count: total)
    case .rle(var decoder):
      _ = try unsafe decoder.decodeBits(out, at: position, n)
      page = .rle(decoder)
    }
  }

  func skip(values: Int) throws(ParquetError) {
    switch page {
    case .none: if values > 0 { throw .corrupt("page ends within its values") }
    case .plain(let start, let bit, let total):
      guard values <= total - bit else { throw .corrupt("page ends within its values") }
      page = unsafe .plain(start, bit: bit + values, count: total)
    case .rle(var decoder):
      try decoder.skip(values)
      page = .rle(decoder)
    }
  }

  func finish(validity: Bitmap?) -> ColumnVector {
    words.count = min(words.count, Bitmap.wordCount(count))
    return .bool(Bitmap(words: words.finish(), count: count), validity: validity)
  }
}

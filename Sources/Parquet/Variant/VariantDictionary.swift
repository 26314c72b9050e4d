// The dictionary of a VARIANT ("metadata"): the keys that its objects name by number.
// Source: parquet-format VariantEncoding.md, "Metadata encoding".
import Columnar
#if canImport(Glibc)
import Glibc
#endif

/// A dictionary that has been checked: its keys lie within its bytes and are UTF-8.
// SAFETY: `base` points to bytes that outlive this value; every access stays within `count` and what `init` checked.
@safe struct VariantDictionary {
  private let base: UnsafePointer<UInt8>
  private let byteCount: Int
  private let offsetSize: Int
  /// Where the keys' bytes begin.
  private let textStart: Int
  /// Keys.
  let count: Int

  init(_ bytes: UnsafeBufferPointer<UInt8>) throws(ParquetError) {
    guard let base = bytes.baseAddress, bytes.count > 0 else { throw Self.corrupt("is empty") }
    unsafe self.base = unsafe base
    byteCount = bytes.count
    let header = unsafe base[0]
    guard header & 15 == 1 else { throw .notSupported("VARIANT metadata of version \(header & 15)") }
    offsetSize = Int(header >> 6) + 1
    guard byteCount - 1 >= offsetSize else { throw Self.corrupt("ends within its size") }
    count = unsafe littleEndian(base + 1, offsetSize)
    textStart = 1 + (count + 2) * offsetSize
    guard textStart <= byteCount else { throw Self.corrupt("of \(byteCount) bytes claims \(count) keys") }
    let textCount = byteCount - textStart
    var last = 0
    for i in 0...count {
      let offset = self.offset(i)
      guard offset >= last, offset <= textCount, i > 0 || offset == 0 else { throw Self.corrupt("has key \(i) at byte \(offset) of \(textCount)") }
      last = offset
    }
    guard last == textCount else { throw Self.corrupt("has \(textCount - last) bytes behind its keys") }
    if unsafe !isASCII(UnsafeBufferPointer(start: base + textStart, count: textCount)) {
      for i in 0..<count where unsafe !isValidUTF8(key(i)) { throw Self.corrupt("has a key \(i) that is not valid UTF-8") }
    }
  }

  /// Key `i`, which must be below `count`.
  func key(_ i: Int) -> UnsafeBufferPointer<UInt8> {
    let start = offset(i)
    return unsafe UnsafeBufferPointer(start: base + textStart + start, count: offset(i + 1) - start)
  }

  /// True when this is the dictionary of those bytes.
  func isMade(of bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard bytes.count == byteCount, let other = bytes.baseAddress else { return false }
    return unsafe other == base || memcmp(other, base, byteCount) == 0
  }

  @inline(__always)
  private func offset(_ i: Int) -> Int { unsafe littleEndian(base + (1 + (i + 1) * offsetSize), offsetSize) }

  private static func corrupt(_ message: String) -> ParquetError { .corrupt("VARIANT metadata \(message)") }
}

/// An unsigned number of 1 to 4 bytes.
@inline(__always)
func littleEndian(_ bytes: UnsafePointer<UInt8>, _ size: Int) -> Int {
  var value = 0
  for i in 0..<size { value |= unsafe Int(bytes[i]) << (8 * i) }
  return value
}

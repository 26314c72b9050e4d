// Role: the bytes of one text while it is searched, and access to the texts of a column.

import Columnar

#if canImport(Glibc)
import Glibc
#endif

/// The UTF-8 of a text in place. Valid only inside `TextCells.withText`.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct TextBytes {
  let bytes: UnsafeBufferPointer<UInt8>

  var count: Int { unsafe bytes.count }

  @inline(__always) subscript(i: Int) -> UInt8 { unsafe bytes[i] }

  /// The first place at or behind `from` where `needle` stands; nil when it does not. An empty needle stands everywhere.
  func find(_ needle: [UInt8], from: Int) -> Int? {
    guard let first = needle.first else { return from }
    var at = from
    while at + needle.count <= count, let base = unsafe bytes.baseAddress {
      guard let hit = unsafe memchr(base + at, Int32(first), count - at - needle.count + 1) else { return nil }
      at = unsafe UnsafeRawPointer(hit) - UnsafeRawPointer(base)
      if has(needle, at: at) { return at }
      at += 1
    }
    return nil
  }

  /// Whether `needle` stands at a place.
  func has(_ needle: [UInt8], at place: Int) -> Bool {
    guard place >= 0, place + needle.count <= count else { return false }
    for k in 0..<needle.count where unsafe bytes[place + k] != needle[k] { return false }
    return true
  }

  /// A range without white space at its ends.
  func trimmed(_ range: Range<Int>) -> Range<Int> {
    var low = range.lowerBound, high = range.upperBound
    while low < high, unsafe Self.isSpace(bytes[low]) { low += 1 }
    while high > low, unsafe Self.isSpace(bytes[high - 1]) { high -= 1 }
    return low..<high
  }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte >= 0x09 && byte <= 0x0D }

  func string(_ range: Range<Int>) -> String { unsafe String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self) }

  /// Appends a range, without the bytes that escape others.
  func append(_ range: Range<Int>, escapes: [UInt8], to out: BufferBuilder<UInt8>) {
    if escapes.isEmpty { return unsafe out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[range])) }
    var i = range.lowerBound
    while i < range.upperBound {
      if escapes.contains(self[i]), i + 1 < range.upperBound { i += 1 }
      out.append(self[i])
      i += 1
    }
  }
}

/// The texts of a string column; nulls read as empty.
struct TextCells {
  private let vector: ColumnVector
  private let offsets: Buffer<Int32>
  private let data: Buffer<UInt8>

  init(_ vector: ColumnVector) {
    let flat = vector.flattened
    self.vector = flat
    if case .bytes(let offsets, let data) = flat.storage {
      (self.offsets, self.data) = (offsets, data)
    } else {
      (offsets, data) = (Buffer(repeating: 0, count: flat.count + 1), .empty)
    }
  }

  /// Gives row i to `body`.
  @inline(__always) func withText(_ i: Int, _ body: (TextBytes) -> Void) {
    let range = vector.isValid(i) ? Int(offsets[i])..<Int(offsets[i + 1]) : 0..<0
    unsafe data.withUnsafe { unsafe body(TextBytes(bytes: UnsafeBufferPointer(rebasing: $0[range]))) }
  }
}

// Role: constant sets for in-lists: open addressing over integers and texts, built once, probed without allocation.

import Columnar

/// A set of 64-bit integers.
final class LongSet: Sendable {
  private let table: Buffer<Int64>
  private let used: Bitmap
  private let mask: Int
  private let small: [Int64]
  private let low: Int64
  private let high: Int64

  init(_ values: [Int64]) {
    let unique = Array(Set(values)).sorted()
    small = unique.count <= 8 ? unique : []
    low = unique.first ?? .max
    high = unique.last ?? .min
    var size = 16
    while size < unique.count * 2 { size *= 2 }
    mask = size - 1
    var slots = [Int64](repeating: 0, count: size)
    var taken = [Bool](repeating: false, count: size)
    for value in unique {
      var i = Self.hash(value) & mask
      while taken[i] { i = (i + 1) & mask }
      slots[i] = value
      taken[i] = true
    }
    table = Buffer(slots)
    used = Bitmap(taken)
  }

  @inline(__always) private static func hash(_ value: Int64) -> Int {
    Int(truncatingIfNeeded: (UInt64(bitPattern: value) &* 0x9E37_79B9_7F4A_7C15) >> 29)
  }

  // SAFETY: the hash is masked to the table's size, which its buffer has; a slot is always free, since the table is at most half full.
  @inline(__always) func contains(_ value: Int64) -> Bool {
    if value < low || value > high { return false }
    var i = Self.hash(value) & mask
    while used[i] {
      if unsafe table.pointer[i] == value { return true }
      i = (i &+ 1) & mask
    }
    return false
  }

  /// The members among a column's values: few items are compared one after the other over the array, many are hashed.
  // SAFETY: rows are below values.count, and the buffer lives through the call.
  func search(_ values: Buffer<Int64>) -> Bitmap {
    if high < low { return Bitmap(repeating: false, count: values.count) }
    if !small.isEmpty {
      var found = CompareKernels.range(values, small[0], small[0])
      for item in small.dropFirst() { found = found.or(CompareKernels.range(values, item, item)) }
      return found
    }
    let p = unsafe values.pointer
    return bits(values.count) { unsafe contains(p[$0]) }
  }
}

/// A set of texts, optionally whatever their case.
final class TextSet: Sendable {
  private let offsets: Buffer<Int32>
  private let bytes: Buffer<UInt8>
  /// Index of a text + 1, or 0.
  private let table: Buffer<Int32>
  private let mask: Int
  private let folds: Bool

  // SAFETY: the texts' bytes live for the calls that copy and hash them.
  init(_ texts: [String], folds: Bool) {
    self.folds = folds
    let unique = Array(Set(texts.map { folds ? foldedText($0) : Array($0.utf8) }))
    let offsets = BufferBuilder<Int32>(capacity: unique.count + 1), bytes = BufferBuilder<UInt8>()
    offsets.append(0)
    var size = 16
    while size < unique.count * 2 { size *= 2 }
    mask = size - 1
    var slots = [Int32](repeating: 0, count: size)
    for (k, text) in unique.enumerated() {
      unsafe text.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
      offsets.append(Int32(bytes.count))
      var i = unsafe text.withUnsafeBufferPointer { unsafe Self.hash($0) } & mask
      while slots[i] != 0 { i = (i + 1) & mask }
      slots[i] = Int32(k + 1)
    }
    self.offsets = offsets.finish()
    self.bytes = bytes.finish()
    table = Buffer(slots)
  }

  // SAFETY: reads 8 bytes, at any alignment, only where i + 8 <= count, else p[i] where i < count.
  private static func hash(_ text: UnsafeBufferPointer<UInt8>) -> Int {
    var h: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(text.count)
    guard let p = text.baseAddress else { return Int(truncatingIfNeeded: h >> 20) }
    var i = 0
    while i &+ 8 <= text.count {
      h = unsafe (h ^ UnsafeRawPointer(p + i).loadUnaligned(as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
      h ^= h >> 29
      i &+= 8
    }
    while i < text.count {
      h = unsafe (h ^ UInt64(p[i])) &* 0x0000_0100_0000_01B3
      i &+= 1
    }
    return Int(truncatingIfNeeded: h >> 20 ^ h)
  }

  // SAFETY: the folded copy lives for the call.
  func contains(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    if folds { return unsafe foldedCase(text).withUnsafeBufferPointer { unsafe find($0) } }
    return unsafe find(text)
  }

  // SAFETY: the hash is masked to the table's size; entry k says that text k - 1 exists, so offsets k - 1 and k do, within `bytes`. A slot is always
  // free, since the table is at most half full.
  @inline(__always) private func find(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    var i = unsafe Self.hash(text) & mask
    while true {
      let k = unsafe Int(table.pointer[i])
      if k == 0 { return false }
      let start = Int(offsets[k &- 1])
      if unsafe sameBytes(text, UnsafeBufferPointer(start: bytes.pointer + start, count: Int(offsets[k]) &- start)) { return true }
      i = (i &+ 1) & mask
    }
  }
}

/// A text's UTF-8 with letters in lower case.
// SAFETY: the text's bytes live for the call.
func foldedText(_ text: String) -> [UInt8] {
  var text = text
  return text.withUTF8 { unsafe foldedCase($0) }
}

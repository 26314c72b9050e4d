// Finding the distinct values of a chunk and giving each a code, and giving up early where a dictionary does not pay.

import Columnar

/// Codes for every value and the distinct values in order of first appearance.
struct IntegerDictionary {
  let codes: Buffer<Int32>
  let values: Buffer<Int64>

  /// Nil when there are more than `maxDistinct` values or, at a checkpoint, more than half of the rows seen were new.
  // SAFETY: `input` and `out` have `count` elements. The table has at least twice as many slots as values, so that a search ends at a
  // free one, and the hash keeps the bits of a slot. Codes found in it are values; room for a stretch was reserved.
  static func build(_ input: UnsafePointer<Int64>, count: Int, maxDistinct: Int) -> IntegerDictionary? {
    guard count > 0, maxDistinct > 0 else { return nil }
    var capacity = 1 << 12
    var table = [Int32](repeating: -1, count: capacity)
    let values = BufferBuilder<Int64>(capacity: 1 << 11)
    let codes = BufferBuilder<Int32>(capacity: count)
    let out = unsafe codes.appendUninitialized(count)
    var at = 0
    while at < count {
      let end = min(count, at + 4096)
      // Room for a whole stretch of new values keeps the inner loop free of growth.
      while values.count + (end - at) > capacity / 2 {
        capacity *= 4
        table = rehash(values, capacity)
      }
      values.reserve(end - at)
      unsafe table.withUnsafeMutableBufferPointer { slots in
        guard let slot = slots.baseAddress else { return }
        let shift = UInt64(64 - capacity.trailingZeroBitCount)
        let mask = capacity &- 1
        for i in at..<end {
          let v = unsafe input[i]
          var h = Int(truncatingIfNeeded: hashed(v) >> shift)
          while true {
            let code = unsafe slot[h]
            if code < 0 {
              unsafe slot[h] = Int32(truncatingIfNeeded: values.count)
              unsafe out[i] = Int32(truncatingIfNeeded: values.count)
              values.appendUnchecked(v)
              break
            }
            if unsafe values.pointer[Int(code)] == v {
              unsafe out[i] = code
              break
            }
            h = (h &+ 1) & mask
          }
        }
      }
      at = end
      if values.count > maxDistinct || (values.count > 2048 && values.count > at / 2) { return nil }
    }
    return IntegerDictionary(codes: codes.finish(), values: values.finish())
  }

  @inline(__always) private static func hashed(_ v: Int64) -> UInt64 {
    let x = UInt64(bitPattern: v)
    return (x ^ (x >> 32)) &* 0x9E37_79B9_7F4A_7C15
  }

  // SAFETY: `i` stays below the number of values.
  private static func rehash(_ values: BufferBuilder<Int64>, _ capacity: Int) -> [Int32] {
    var table = [Int32](repeating: -1, count: capacity)
    let shift = UInt64(64 - capacity.trailingZeroBitCount)
    for i in 0..<values.count {
      var h = unsafe Int(truncatingIfNeeded: hashed(values.pointer[i]) >> shift)
      while table[h] >= 0 { h = (h + 1) & (capacity - 1) }
      table[h] = Int32(i)
    }
    return table
  }
}

/// Distinct texts, found by hash.
final class TextDictionary {
  let text = StringBuilder()
  private var table: [Int32]
  private var hashes: [UInt64] = []
  private var mask: Int

  init(capacity: Int = 1 << 10) {
    table = [Int32](repeating: -1, count: capacity)
    mask = capacity - 1
  }

  var count: Int { hashes.count }

  /// The code of a text, new or old.
  // SAFETY: the caller's text lies elsewhere than in `text`, which may move.
  func code(_ start: UnsafePointer<UInt8>, _ length: Int) -> Int32 {
    let hash = unsafe hashBytes(start, length)
    var h = Int(truncatingIfNeeded: hash >> 20) & mask
    while true {
      let code = table[h]
      if code < 0 { break }
      if hashes[Int(code)] == hash, unsafe equals(Int(code), start, length) { return code }
      h = (h + 1) & mask
    }
    let code = Int32(hashes.count)
    table[h] = code
    hashes.append(hash)
    unsafe text.append(start, length)
    if hashes.count * 2 > table.count { grow() }
    return code
  }

  // SAFETY: a code is one of the texts, and `code + 1` an offset behind it; lengths are compared first.
  private func equals(_ code: Int, _ start: UnsafePointer<UInt8>, _ length: Int) -> Bool {
    let o = unsafe Int(text.offsets.pointer[code])
    guard unsafe Int(text.offsets.pointer[code + 1]) - o == length else { return false }
    return unsafe DeltaEncoder.sharedPrefix(UnsafePointer(text.data.pointer) + o, length, start, length) == length
  }

  private func grow() {
    table = [Int32](repeating: -1, count: table.count * 4)
    mask = table.count - 1
    for (code, hash) in hashes.enumerated() {
      var h = Int(truncatingIfNeeded: hash >> 20) & mask
      while table[h] >= 0 { h = (h + 1) & mask }
      table[h] = Int32(code)
    }
  }

  /// Codes of flat texts; nil when a dictionary does not pay (more than `maxDistinct`, more than `maxBytes`, or half of the rows seen were new).
  // SAFETY: `out` has `n` elements and is filled before `finish`; the caller holds both buffers, whose offsets are `n + 1`.
  static func build(offsets: Buffer<Int32>, data: Buffer<UInt8>, maxDistinct: Int, maxBytes: Int) -> PhysicalValues? {
    let n = offsets.count - 1
    guard n > 0 else { return nil }
    let dictionary = TextDictionary()
    let codes = BufferBuilder<Int32>(capacity: n)
    let out = unsafe codes.appendUninitialized(n)
    let o = unsafe offsets.pointer, d = unsafe data.pointer
    var at = 0
    while at < n {
      let end = min(n, at + 1024)
      for i in at..<end { unsafe out[i] = unsafe dictionary.code(d + Int(o[i]), Int(o[i &+ 1] &- o[i])) }
      at = end
      if dictionary.count > maxDistinct || dictionary.text.data.count > maxBytes || (dictionary.count > 512 && dictionary.count > at / 2) {
        return nil
      }
    }
    return dictionary.coded(codes.finish())
  }

  func coded(_ codes: Buffer<Int32>) -> PhysicalValues {
    guard case .bytes(let offsets, let data) = text.finish().storage else { return .coded(codes: codes, offsets: Buffer([0]), data: .empty) }
    return .coded(codes: codes, offsets: offsets, data: data)
  }
}

/// Brings dictionary vectors with dictionaries of their own to one dictionary, hashing each distinct text once per dictionary.
enum DictionaryMerger {
  // SAFETY: codes of a vector without nulls lie within its values, for which `mapping` has one entry each; `part` holds the buffers.
  static func merge(_ parts: [ColumnVector]) -> PhysicalValues {
    let dictionary = TextDictionary()
    let codes = BufferBuilder<Int32>(capacity: parts.reduce(0) { $0 + $1.count })
    var last: (values: ColumnVector, mapping: [Int32])?
    for part in parts {
      guard case .dictionary(let own, let values) = part.storage, case .bytes(let offsets, let data) = values.storage else { continue }
      if last == nil || !values.sharesMemory(with: last!.values) {
        // Only values that occur are taken over, in order of appearance.
        last = (values, [Int32](repeating: -1, count: values.count))
      }
      let out = unsafe codes.appendUninitialized(part.count)
      let source = unsafe own.pointer, o = unsafe offsets.pointer, d = unsafe data.pointer
      unsafe last!.mapping.withUnsafeMutableBufferPointer { mapping in
        guard let map = mapping.baseAddress else { return }
        for i in 0..<part.count {
          let c = unsafe Int(source[i])
          if unsafe map[c] < 0 { unsafe map[c] = unsafe dictionary.code(d + Int(o[c]), Int(o[c &+ 1] &- o[c])) }
          unsafe out[i] = unsafe map[c]
        }
      }
    }
    return dictionary.coded(codes.finish())
  }
}

/// A fast hash of a short text.
// SAFETY: `at + 8 <= length` stands before each load of a word, `at < length` before each byte; loads are unaligned.
@inline(__always) func hashBytes(_ start: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
  let k: UInt64 = 0x9E37_79B9_7F4A_7C15
  var h = UInt64(truncatingIfNeeded: length) &* k
  var at = 0
  let raw = unsafe UnsafeRawPointer(start)
  while at &+ 8 <= length {
    h = unsafe (h ^ raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)) &* k
    h ^= h >> 29
    at &+= 8
  }
  var tail: UInt64 = 0
  while at < length {
    tail = unsafe tail << 8 | UInt64(start[at])
    at &+= 1
  }
  h = (h ^ tail) &* k
  return h ^ (h >> 32)
}

// Split-block bloom filters. Source: parquet-format BloomFilter.md. Reading, probing and building share this type.

/// A split-block bloom filter: 32-byte blocks of eight words; a hash sets one bit in each word of one block.
package struct BloomFilter: Sendable {
  /// Eight words per block.
  package private(set) var words: [UInt32]

  /// The odd constants of the specification.
  private static let salts: [UInt32] = [
    0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31,
  ]

  /// The largest filter read or made: 128 MiB, as in other implementations.
  package static let maxByteCount = 128 << 20

  /// An empty filter for `distinctCount` values at a false positive rate of `rate`; a power of two of bytes, at least 32.
  package init(distinctCount: Int, falsePositiveRate rate: Double) {
    // Bits per value after the specification: -8 n / ln(1 - p^(1/8)); p^(1/8) by three square roots.
    let root = rate.squareRoot().squareRoot().squareRoot()
    let bits = -8.0 * Double(max(distinctCount, 1)) / Self.naturalLog(1 - root)
    var byteCount = 32
    while Double(byteCount) * 8 < bits, byteCount < Self.maxByteCount { byteCount *= 2 }
    words = [UInt32](repeating: 0, count: byteCount / 4)
  }

  /// An empty filter of that size, a power of two of at least 32.
  package init(byteCount: Int) { words = [UInt32](repeating: 0, count: byteCount / 4) }

  /// The filter whose bitset is `bytes` (a multiple of 32).
  package init(bitset bytes: UnsafeRawBufferPointer) throws(ParquetError) {
    guard bytes.count > 0, bytes.count % 32 == 0, bytes.count <= Self.maxByteCount else {
      throw .corrupt("bloom filter of \(bytes.count) bytes")
    }
    words = (0..<bytes.count / 4).map { unsafe UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)) }
  }

  /// Bytes of the bitset.
  package var byteCount: Int { words.count * 4 }

  @inline(__always) private func firstWord(_ hash: UInt64) -> Int { Self.firstWord(hash, wordCount: words.count) }

  /// Where the block of a hash begins, in words.
  @inline(__always) static func firstWord(_ hash: UInt64, wordCount: Int) -> Int {
    Int(((hash >> 32) &* UInt64(wordCount / 8)) >> 32) * 8
  }

  /// The part of the bits that is set.
  package var fill: Double { Double(words.reduce(0) { $0 + $1.nonzeroBitCount }) / Double(words.count * 32) }

  /// Halves the filter while at most half of its bits would be set (a false positive rate below 1 %): neighbouring blocks fall together,
  /// since a block is chosen by the upper bits of the hash.
  package mutating func fold(minByteCount: Int) {
    while byteCount / 2 >= minByteCount, byteCount > 32 {
      var half = [UInt32](repeating: 0, count: words.count / 2)
      var bits = 0
      for i in half.indices {
        let pair = i / 8 * 16 + i % 8
        half[i] = words[pair] | words[pair + 8]
        bits += half[i].nonzeroBitCount
      }
      if bits * 2 > half.count * 32 { return }
      words = half
    }
  }

  /// Inserts without checks of ranges, for loops over many values.
  // SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
  @safe struct Inserter {
    let words: UnsafeMutableBufferPointer<UInt32>

    @inline(__always) func insert(hash: UInt64) {
      let start = unsafe BloomFilter.firstWord(hash, wordCount: words.count)
      let key = UInt32(truncatingIfNeeded: hash)
      let salts: SIMD8<UInt32> = [
        0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31,
      ]
      let bits = SIMD8<UInt32>(repeating: 1) &<< ((SIMD8<UInt32>(repeating: key) &* salts) &>> 27)
      let p = unsafe UnsafeMutableRawPointer(words.baseAddress.unsafelyUnwrapped + start)
      unsafe p.storeBytes(of: p.loadUnaligned(as: SIMD8<UInt32>.self) | bits, as: SIMD8<UInt32>.self)
    }
  }

  mutating func withInserter(_ body: (Inserter) -> Void) {
    unsafe words.withUnsafeMutableBufferPointer { unsafe body(Inserter(words: $0)) }
  }
  /// False only when no value with this hash was inserted.
  package func mayContain(hash: UInt64) -> Bool {
    let start = firstWord(hash)
    let key = UInt32(truncatingIfNeeded: hash)
    for i in 0..<8 where words[start + i] & (1 << ((key &* Self.salts[i]) >> 27)) == 0 { return false }
    return true
  }

  package mutating func insert(hash: UInt64) {
    let start = firstWord(hash)
    let key = UInt32(truncatingIfNeeded: hash)
    for i in 0..<8 { words[start + i] |= 1 << ((key &* Self.salts[i]) >> 27) }
  }

  private static func naturalLog(_ x: Double) -> Double {
    // x in (0, 1): x = m × 2^e, log by the artanh series on m in [0.5, 1).
    var m = x
    var e = 0.0
    while m < 0.5 { m *= 2; e -= 1 }
    let t = (m - 1) / (m + 1)
    var term = t
    var sum = 0.0
    var k = 1.0
    while k < 60 { sum += term / k; term *= t * t; k += 2 }
    return 2 * sum + e * 0.693147180559945309417
  }
}

/// The header in front of a bitset (parquet.thrift `BloomFilterHeader`). Only split blocks, xxHash and no compression exist.
package struct BloomFilterHeader: Sendable, Equatable, ThriftWritable {
  /// Bytes of the bitset.
  package var byteCount: Int

  package init(byteCount: Int) { self.byteCount = byteCount }

  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var size: Int?
    var members: [Int16: Int16] = [:]
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch (field.id, field.type) {
      case (1, .int32): size = try r.readSize("bloom filter size")
      case (2, .structure), (3, .structure), (4, .structure):
        try r.readStruct { (_, member) throws(ParquetError) in
          members[field.id] = member.id
          return false
        }
      default: return false
      }
      return true
    }
    guard let size, members[2] == 1, members[3] == 1, members[4] == 1 else {
      throw .notSupported("bloom filter of an unknown algorithm, hash or compression")
    }
    self.init(byteCount: size)
  }

  package func writeFields(to writer: inout ThriftWriter) {
    writer.field32(1, byteCount)
    for id: Int16 in 2...4 { writer.field(id, First()) }
  }

  private struct First: ThriftWritable {
    func writeFields(to writer: inout ThriftWriter) { writer.emptyStruct(1) }
  }
}

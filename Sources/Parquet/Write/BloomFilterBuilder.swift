// Bloom filters over the distinct values of a chunk: each value hashed in its plain form (parquet-format BloomFilter.md).

import Columnar

enum BloomFilterBuilder {
  /// Probability that an absent value passes.
  private static let falsePositiveRate = 0.01

  /// The filter with its header; nil for booleans, whose statistics say as much. A dictionary is hashed instead of the rows.
  static func build(_ values: PhysicalValues, plan: EncodingPlan) -> [UInt8]? {
    if case .dictionary(_, let dictionary) = plan { return serialize(hashes(dictionary)) }
    return serialize(hashes(values))
  }

  private static func serialize(_ hashes: [UInt64]?) -> [UInt8]? {
    guard let hashes else { return nil }
    // Rows of equal values set equal bits: the filter starts as if all differed, and is folded to what its bits take.
    var filter = BloomFilter(distinctCount: hashes.count, falsePositiveRate: falsePositiveRate)
    filter.withInserter { inserter in for hash in hashes { inserter.insert(hash: hash) } }
    filter.fold(minByteCount: 32)
    var out = ThriftWriter.serialize(BloomFilterHeader(byteCount: filter.byteCount))
    for word in filter.words { out += ChunkBounds.littleEndian(word) }
    return out
  }

  // SAFETY: `withUnsafe` keeps the elements alive; texts lie between ascending offsets into `data`, and `i` stops before the last.
  private static func hashes(_ values: PhysicalValues) -> [UInt64]? {
    switch values {
    case .bits: return nil
    case .int32(let b): return unsafe b.withUnsafe { unsafe $0.map(hash) }
    case .int64(let b): return unsafe b.withUnsafe { unsafe $0.map(hash) }
    case .double(let b): return unsafe b.withUnsafe { unsafe $0.map(hash) }
    case .fixed16(let b): return unsafe b.withUnsafe { unsafe $0.map { hash($0.bigEndian) } }
    case .bytes(let offsets, let data), .coded(_, let offsets, let data):
      return (0..<offsets.count - 1).map { i in
        unsafe xxHash64(UnsafeRawBufferPointer(start: data.pointer + Int(offsets[i]), count: Int(offsets[i + 1] - offsets[i])))
      }
    }
  }

  // SAFETY: the bytes of a value on the stack, which live for the call.
  private static func hash<T: BitwiseCopyable>(_ value: T) -> UInt64 { unsafe withUnsafeBytes(of: value) { unsafe xxHash64($0) } }
}

// Definition and repetition levels of one page, in either of their encodings.
import CSIMD

/// The levels of one page. `none` where the maximum is 0: every level is 0 and takes no bytes.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used.
@safe enum LevelDecoder {
  case none
  case hybrid(HybridDecoder, maxLevel: Int)
  /// The deprecated encoding: values packed from the high bits of each byte.
  case bitPacked(UnsafePointer<UInt8>, position: Int, count: Int, width: Int, maxLevel: Int)

  /// Reads a v1 page's levels from the front of `bytes` and returns the rest.
  static func readV1(
    _ bytes: UnsafeRawBufferPointer, encoding: Encoding, maxLevel: Int, valueCount: Int
  ) throws(ParquetError) -> (LevelDecoder, UnsafeRawBufferPointer) {
    guard maxLevel > 0 else { return unsafe (.none, bytes) }
    let width = bitWidth(of: maxLevel)
    switch encoding {
    case .rle:
      guard bytes.count >= 4 else { throw .corrupt("page ends within its levels") }
      let size = unsafe Int(UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)))
      guard size <= bytes.count - 4 else { throw .corrupt("levels of \(size) bytes where \(bytes.count - 4) remain") }
      let levels = unsafe UnsafeRawBufferPointer(rebasing: bytes[4..<4 + size])
      return unsafe (
        .hybrid(try HybridDecoder(levels, width: width), maxLevel: maxLevel), UnsafeRawBufferPointer(rebasing: bytes[(4 + size)...])
      )
    case .bitPacked:
      let (bits, overflow) = valueCount.multipliedReportingOverflow(by: width)
      let size = (bits &+ 7) >> 3
      guard !overflow, size <= bytes.count else { throw .corrupt("bit-packed levels where \(bytes.count) bytes remain") }
      let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? emptyPage
      return unsafe (
        .bitPacked(start, position: 0, count: valueCount, width: width, maxLevel: maxLevel),
        UnsafeRawBufferPointer(rebasing: bytes[size...])
      )
    default: throw .corrupt("levels encoded as \(encoding)")
    }
  }

  /// A v2 page's levels: RLE without a length prefix.
  static func readV2(_ bytes: UnsafeRawBufferPointer, maxLevel: Int) throws(ParquetError) -> LevelDecoder {
    guard maxLevel > 0 else { return .none }
    return unsafe .hybrid(try HybridDecoder(bytes, width: bitWidth(of: maxLevel)), maxLevel: maxLevel)
  }

  /// Decodes `count` levels of at most 8 bits each.
  mutating func decode(_ out: UnsafeMutablePointer<UInt8>, _ count: Int) throws(ParquetError) {
    switch self {
    case .none: unsafe out.update(repeating: 0, count: count)
    case .hybrid(var decoder, let maxLevel):
      try unsafe decoder.decodeLevels(out, count, maxLevel: maxLevel)
      self = .hybrid(decoder, maxLevel: maxLevel)
    case .bitPacked(let start, let position, let total, let width, let maxLevel):
      guard count <= total - position else { throw .corrupt("bit-packed levels end early") }
      for i in 0..<count {
        let level = unsafe Self.extractHighFirst(start, (position + i) * width, width)
        guard level <= maxLevel else { throw .corrupt("level \(level) above the maximum \(maxLevel)") }
        unsafe out[i] = UInt8(truncatingIfNeeded: level)
      }
      self = unsafe .bitPacked(start, position: position + count, count: total, width: width, maxLevel: maxLevel)
    }
  }

  /// Decodes `count` one-bit levels into `words` (zero before) from bit `position`; returns how many are set. Levels of `none` are not asked for.
  mutating func decodeBits(
    _ words: UnsafeMutablePointer<UInt64>, at position: Int, _ count: Int
  ) throws(ParquetError) -> Int {
    switch self {
    case .none:
      unsafe setBits(words, at: position, count)
      return count
    case .hybrid(var decoder, let maxLevel):
      let set = try unsafe decoder.decodeBits(words, at: position, count)
      self = .hybrid(decoder, maxLevel: maxLevel)
      return set
    case .bitPacked(let start, let at, let total, let width, let maxLevel):
      guard count <= total - at else { throw .corrupt("bit-packed levels end early") }
      var set = 0
      for i in 0..<count where unsafe Self.extractHighFirst(start, (at + i) * width, width) != 0 {
        unsafe words[(position + i) >> 6] |= 1 << UInt64((position + i) & 63)
        set += 1
      }
      self = unsafe .bitPacked(start, position: at + count, count: total, width: width, maxLevel: maxLevel)
      return set
    }
  }

  /// Skips `count` one-bit levels; returns how many are set.
  mutating func skipBits(_ count: Int) throws(ParquetError) -> Int {
    switch self {
    case .none: return count
    case .hybrid(var decoder, let maxLevel):
      let set = try decoder.skipBits(count)
      self = .hybrid(decoder, maxLevel: maxLevel)
      return set
    case .bitPacked(let start, let at, let total, let width, let maxLevel):
      guard count <= total - at else { throw .corrupt("bit-packed levels end early") }
      var set = 0
      for i in 0..<count where unsafe Self.extractHighFirst(start, (at + i) * width, width) != 0 { set += 1 }
      self = unsafe .bitPacked(start, position: at + count, count: total, width: width, maxLevel: maxLevel)
      return set
    }
  }

  private static func extractHighFirst(_ start: UnsafePointer<UInt8>, _ bit: Int, _ width: Int) -> Int {
    var value = 0
    for k in 0..<width {
      let at = bit &+ k
      value = unsafe value << 1 | Int(start[at >> 3] >> UInt8(7 - (at & 7)) & 1)
    }
    return value
  }
}

// Role: one sort key in pieces of 64 bits, for rows whose code is equal: null or not, then words of the value, as deep as rows stay equal.
// Texts are compared 8 bytes at a time by sorting numbers; decimals and guids by comparing once their first words are equal.

/// One key over chunks of flat vectors; positions are chunk << 32 | row.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe final class SortRefiner: @unchecked Sendable {  // immutable; the vectors keep the memory alive
  /// What is left to order when the first words are equal.
  enum Rest {
    case nothing, bytes, compare
  }

  let rest: Rest
  let hasNulls: Bool
  let comparator: KeyComparator
  private let chunks: [ColumnVector]
  private let direction: SortDirection
  /// The words of each chunk; empty for texts, whose words are read in place.
  private let words: [Buffer<UInt64>]
  private let wordBases: [UnsafePointer<UInt64>]
  private let offsetBases: [UnsafePointer<Int32>]
  private let dataBases: [UnsafePointer<UInt8>]

  init(_ chunks: [ColumnVector], _ direction: SortDirection) {
    let flat = chunks.map(\.flattened)
    self.chunks = flat
    self.direction = direction
    comparator = KeyComparator(flat, direction)
    hasNulls = flat.contains { $0.validity != nil }
    var offsets: [UnsafePointer<Int32>] = unsafe [], data: [UnsafePointer<UInt8>] = unsafe []
    for chunk in flat {
      guard case .bytes(let o, let d) = chunk.storage else { continue }
      unsafe offsets.append(o.pointer)
      unsafe data.append(d.pointer)
    }
    unsafe offsetBases = unsafe offsets
    unsafe dataBases = unsafe data
    switch flat.first?.type {
    case .string, .dynamic: rest = .bytes
    case .decimal, .guid: rest = .compare
    default: rest = .nothing
    }
    words = rest == .bytes ? [] : flat.map { $0.sortWords(isDescending: direction.isDescending) }
    unsafe wordBases = unsafe words.map(unsafe \.pointer)
  }

  func isNull(_ at: UInt64) -> Bool { hasNulls && !chunks[Int(at >> 32)].isValid(Int(at & 0xFFFF_FFFF)) }

  /// 0 or 1, whichever puts nulls where they belong.
  func nullCode(_ at: UInt64) -> UInt64 { isNull(at) == direction.nullsFirst ? 0 : 1 }

  /// Sets the codes to word `depth` of each value (always the first one but for texts).
  func writeWords(_ run: UnsafeMutableBufferPointer<SortItem>, depth: Int) {
    if rest != .bytes {
      unsafe wordBases.withUnsafeBufferPointer { bases in
        for i in 0..<run.count { unsafe run[i].code = unsafe bases[Int(run[i].at >> 32)][Int(run[i].at & 0xFFFF_FFFF)] }
      }
      return
    }
    let flip: UInt64 = direction.isDescending ? ~0 : 0
    let skipped = depth &* 8
    unsafe offsetBases.withUnsafeBufferPointer { offsets in
      unsafe dataBases.withUnsafeBufferPointer { data in
        for i in 0..<run.count {
          let k = unsafe Int(run[i].at >> 32)
          let o = unsafe offsets[k] + Int(run[i].at & 0xFFFF_FFFF)
          let left = unsafe Int(o[1] &- o[0]) &- skipped
          unsafe run[i].code = unsafe (left <= 0 ? 0 : orderedWord(data[k] + (Int(o[0]) &+ skipped), left)) ^ flip
        }
      }
    }
  }

  /// Sets the codes to the bytes of each text from word `depth` on, 9 standing for more than fit the word.
  func writeLengths(_ run: UnsafeMutableBufferPointer<SortItem>, depth: Int) {
    for i in 0..<run.count {
      let length = unsafe UInt64(min(9, max(0, remaining(run[i].at, depth: depth))))
      unsafe run[i].code = direction.isDescending ? 9 - length : length
    }
  }

  /// True when the text goes on behind word `depth`.
  func isLonger(_ at: UInt64, depth: Int) -> Bool { remaining(at, depth: depth) > 8 }

  @inline(__always) private func remaining(_ at: UInt64, depth: Int) -> Int {
    let o = unsafe offsetBases[Int(at >> 32)] + Int(at & 0xFFFF_FFFF)
    return unsafe Int(o[1] &- o[0]) &- depth &* 8
  }
}

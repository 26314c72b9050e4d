// The raw bytes of one column chunk: read in large blocks, or out of a block shared by neighbouring small chunks.

/// One read that serves several small chunks lying next to each other.
final class SharedBlock {
  let range: Range<Int>
  private var scratch: ScratchBuffer?

  init(_ range: Range<Int>) { self.range = range }

  /// The bytes; read when first asked for.
  // SAFETY: the scratch, which this object owns and does not grow again, has `range.count` bytes.
  func bytes(_ source: any RandomAccess, _ context: DecodeContext) throws(ParquetError) -> UnsafeRawPointer {
    if let scratch { return unsafe UnsafeRawPointer(try scratch.reserve(range.count)) }
    let made = context.takeScratch()
    try unsafe source.read(at: range.lowerBound, into: try made.reserveBuffer(range.count))
    context.counters.bytesRead += range.count
    scratch = made
    return unsafe UnsafeRawPointer(try made.reserve(range.count))
  }
}

/// A window that moves over the chunk's bytes.
final class ChunkInput {
  /// Bytes read at a time where nothing limits it.
  static let blockByteCount = 1 << 20

  private let source: any RandomAccess
  private let context: DecodeContext
  /// The chunk's bytes in the file.
  let range: Range<Int>
  private let shared: SharedBlock?
  private let block: ScratchBuffer
  private var blockStart = 0
  private var blockCount = 0
  /// Ascending byte ranges that will be needed; nil means all. Reading ahead stops at the end of the range a read starts in.
  var wanted: [Range<Int>]?

  init(_ source: any RandomAccess, range: Range<Int>, shared: SharedBlock?, context: DecodeContext) {
    self.source = source
    self.range = range
    self.shared = shared
    self.context = context
    block = context.takeScratch()
  }

  deinit { context.giveBack(block) }

  /// `count` bytes at `offset`; valid until the next call. The range lies within the chunk. 64 readable bytes follow.
  // SAFETY: the guard keeps the range within the chunk, which lies within the shared block's range; else the block holds the file's
  // bytes `blockStart ..< blockStart + blockCount`, and the range lies within them. `reserve` up to the capacity moves nothing.
  func bytes(at offset: Int, count: Int) throws(ParquetError) -> UnsafeRawBufferPointer {
    guard offset >= range.lowerBound, offset <= range.upperBound, count <= range.upperBound - offset else {
      throw .corrupt("page of \(count) bytes exceeds its column chunk, which ends at byte \(range.upperBound)", at: offset)
    }
    if let shared {
      let base = try unsafe shared.bytes(source, context)
      return unsafe UnsafeRawBufferPointer(start: base + (offset - shared.range.lowerBound), count: count)
    }
    if offset < blockStart || offset + count > blockStart + blockCount {
      let size = max(count, min(readAhead(from: offset), Self.blockByteCount))
      try unsafe source.read(at: offset, into: try block.reserveBuffer(size))
      context.counters.bytesRead += size
      blockStart = offset
      blockCount = size
    }
    return unsafe UnsafeRawBufferPointer(start: try block.reserve(blockCount) + (offset - blockStart), count: count)
  }

  private func readAhead(from offset: Int) -> Int {
    guard let wanted else { return range.upperBound - offset }
    // The last wanted range that starts at or before the offset.
    var low = 0
    var high = wanted.count
    while low < high {
      let middle = (low + high) / 2
      if wanted[middle].lowerBound <= offset { low = middle + 1 } else { high = middle }
    }
    guard low > 0, wanted[low - 1].upperBound > offset else { return 0 }
    return min(wanted[low - 1].upperBound, range.upperBound) - offset
  }
}

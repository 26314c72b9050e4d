// One-shot block compression: caller-provided memory in, caller-provided memory out, sizes checked first.
// A `CodecContext` keeps the working memory of the libraries and is used by one thread at a time.

/// A block codec. `lz4Hadoop` is Parquet's legacy "LZ4": Hadoop framing, with the fallbacks that files in the wild need.
package enum Codec: UInt8, Sendable, CaseIterable, CustomStringConvertible {
  case uncompressed, snappy, gzip, zlib, lz4Raw, lz4Hadoop, lz4Frame, brotli, zstd

  package var description: String {
    switch self {
    case .uncompressed: return "uncompressed"
    case .snappy: return "snappy"
    case .gzip: return "gzip"
    case .zlib: return "zlib"
    case .lz4Raw: return "lz4_raw"
    case .lz4Hadoop: return "lz4"
    case .lz4Frame: return "lz4_frame"
    case .brotli: return "brotli"
    case .zstd: return "zstd"
    }
  }

  /// The levels the codec accepts, or nil where it has none.
  package var levels: ClosedRange<Int>? {
    switch self {
    case .uncompressed, .snappy, .lz4Raw, .lz4Hadoop: return nil
    case .lz4Frame: return 0...12
    case .gzip, .zlib: return 1...9
    case .brotli: return 0...11
    case .zstd: return 1...22
    }
  }

  /// The level used when the caller names none.
  package var defaultLevel: Int {
    switch self {
    case .zstd: return 3
    case .gzip, .zlib: return 6
    case .brotli: return 5
    default: return 0
    }
  }
}

/// Working memory for block compression and decompression. Not thread-safe: keep one per thread and reuse it.
package final class CodecContext {
  let zstd = ZstdBlocks()
  let gzip = ZlibBlocks()
  let lz4Frame = LZ4FrameBlocks()

  /// Allocates nothing; each library's memory is created when it is first used.
  package init() {}

  /// Decompresses the whole of `source` into `target` and returns how many bytes were written.
  ///
  /// Never writes past `target`. Concatenated gzip members and zstd frames are all decoded.
  // SAFETY: the target is at least as large as the source where bytes are copied; the block codecs get both with their sizes, alive for the call.
  package func decompress(
    _ codec: Codec, _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecError) -> Int {
    switch codec {
    case .uncompressed:
      guard source.count <= target.count else {
        throw .outputTooSmall(codec: "uncompressed", capacity: target.count)
      }
      if source.count > 0 { unsafe target.copyMemory(from: source) }
      return source.count
    case .snappy: return try unsafe SnappyDecoder.decompress(source, into: target)
    case .gzip, .zlib: return try unsafe gzip.decompress(source, into: target)
    case .lz4Raw: return try unsafe LZ4Blocks.decompress(source, into: target)
    case .lz4Hadoop: return try unsafe decompressLegacyLZ4(source, into: target)
    case .lz4Frame: return try unsafe lz4Frame.decompress(source, into: target)
    case .brotli: return try unsafe BrotliBlocks.decompress(source, into: target)
    case .zstd: return try unsafe zstd.decompress(source, into: target)
    }
  }

  /// The most bytes `compress` can produce from `byteCount` bytes: the size to allocate for its target.
  package func maxCompressedSize(_ codec: Codec, _ byteCount: Int) -> Int {
    switch codec {
    case .uncompressed: return byteCount
    case .snappy: return SnappyBlocks.bound(byteCount)
    case .gzip, .zlib: return ZlibBlocks.bound(byteCount)
    case .lz4Raw: return LZ4Blocks.bound(byteCount)
    case .lz4Hadoop: return LZ4Blocks.bound(byteCount) + 8
    case .lz4Frame: return LZ4FrameBlocks.bound(byteCount)
    case .brotli: return BrotliBlocks.bound(byteCount)
    case .zstd: return ZstdBlocks.bound(byteCount)
    }
  }

  /// Compresses the whole of `source` into `target` and returns how many bytes were written.
  ///
  /// `level` is checked against `codec.levels`; codecs without levels ignore it. Give `target` at least `maxCompressedSize` bytes,
  /// or expect `outputTooSmall`.
  // SAFETY: as in `decompress`.
  package func compress(
    _ codec: Codec, _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, level: Int? = nil
  ) throws(CodecError) -> Int {
    let level = level ?? codec.defaultLevel
    if let allowed = codec.levels, !allowed.contains(level) {
      throw .invalidLevel(codec: codec.description, level: level, allowed: allowed)
    }
    switch codec {
    case .uncompressed: return try unsafe decompress(.uncompressed, source, into: target)
    case .snappy: return try unsafe SnappyBlocks.compress(source, into: target)
    case .gzip: return try unsafe ZlibBlocks.compress(source, into: target, level: level, gzip: true)
    case .zlib: return try unsafe ZlibBlocks.compress(source, into: target, level: level, gzip: false)
    case .lz4Raw: return try unsafe LZ4Blocks.compress(source, into: target)
    case .lz4Hadoop: return try unsafe LZ4Blocks.compressHadoop(source, into: target)
    case .lz4Frame: return try unsafe LZ4FrameBlocks.compress(source, into: target, level: level)
    case .brotli: return try unsafe BrotliBlocks.compress(source, into: target, level: level)
    case .zstd: return try unsafe zstd.compress(source, into: target, level: level)
    }
  }

  /// Parquet's "LZ4" pages come in three shapes: Hadoop framing (parquet-mr, newer Arrow), an LZ4 frame, and a raw block (old Arrow).
  // SAFETY: four bytes are there before they are read, at any alignment; the decoders get both buffers with their sizes.
  private func decompressLegacyLZ4(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecError) -> Int {
    if let written = unsafe LZ4Blocks.decompressHadoop(source, into: target) { return written }
    if source.count >= 4, unsafe source.loadUnaligned(as: UInt32.self).littleEndian == 0x184D_2204 {
      return try unsafe lz4Frame.decompress(source, into: target)
    }
    return try unsafe LZ4Blocks.decompress(source, into: target)
  }
}

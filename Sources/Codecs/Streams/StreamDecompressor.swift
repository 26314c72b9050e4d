// Streaming decompression: the caller feeds chunks and provides a bounded output block; nothing else is buffered.
import CLZ4
import CZlib
import CZstd

/// Decompresses one stream chunk by chunk. One thread at a time; end with `finish()` to learn whether the stream was whole.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe package final class StreamDecompressor {
  /// What one `feed` did: bytes taken from the input and bytes written to the output.
  package struct Progress: Sendable, Equatable {
    package var consumed: Int
    package var produced: Int
  }

  /// The format being read.
  package let format: StreamFormat
  private var zstd: OpaquePointer?
  private var lz4: OpaquePointer?
  private var inflater: UnsafeMutablePointer<z_stream>?
  /// True between frames: at the start, and after a frame's last byte.
  private var isBetweenFrames = true
  private var hasSeenFrame = false
  /// True in the zero padding some tools append after the last gzip member.
  private var isInPadding = false

  /// Allocates the library's state; throws `outOfMemory`.
  package init(_ format: StreamFormat) throws(CodecError) {
    self.format = format
    switch format {
    case .zstd:
      unsafe zstd = unsafe ZSTD_createDStream()
      guard unsafe zstd != nil else { throw .outOfMemory(codec: "zstd") }
    case .lz4:
      unsafe LZ4F_createDecompressionContext(&lz4, UInt32(LZ4F_VERSION))
      guard unsafe lz4 != nil else { throw .outOfMemory(codec: "lz4_frame") }
    case .gzip:
      let made = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
      unsafe made.initialize(to: z_stream())
      guard unsafe inflateInit2_(made, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
        unsafe made.deallocate()
        throw .outOfMemory(codec: "gzip")
      }
      unsafe inflater = unsafe made
    }
  }

  deinit {
    unsafe ZSTD_freeDStream(zstd)
    unsafe LZ4F_freeDecompressionContext(lz4)
    if let inflater = unsafe inflater {
      unsafe inflateEnd(inflater)
      unsafe inflater.deallocate()
    }
  }

  /// Decompresses from `input` into `output` until one of them is used up.
  ///
  /// When `produced == output.count` more output may be pending: call again (also with no input left) before the next chunk.
  package func feed(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(CodecError) -> Progress {
    var total = Progress(consumed: 0, produced: 0)
    while true {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: input[total.consumed...])
      let room = unsafe UnsafeMutableRawBufferPointer(rebasing: output[total.produced...])
      if unsafe room.isEmpty || (rest.isEmpty && isBetweenFrames) { return total }
      let step: Progress
      switch format {
      case .gzip: step = try unsafe feedGzip(rest, into: room)
      case .zstd: step = try unsafe feedZstd(rest, into: room)
      case .lz4: step = try unsafe feedLZ4(rest, into: room)
      }
      total.consumed += step.consumed
      total.produced += step.produced
      if step.consumed == 0 && step.produced == 0 { return total }
    }
  }

  /// Throws `truncated` when the input ended inside a frame or held none at all.
  package func finish() throws(CodecError) {
    guard isBetweenFrames && hasSeenFrame else { throw .truncated(codec: format.description) }
  }

  private func feedZstd(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(CodecError) -> Progress {
    var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let hint = unsafe ZSTD_decompressStream(zstd, &target, &source)
    if ZSTD_isError(hint) != 0 { throw ZstdBlocks.error(hint, capacity: output.count) }
    if unsafe source.pos > 0 || target.pos > 0 { isBetweenFrames = hint == 0 }
    if hint == 0 { hasSeenFrame = true }
    return unsafe Progress(consumed: source.pos, produced: target.pos)
  }

  private func feedLZ4(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(CodecError) -> Progress {
    var taken = input.count
    var made = output.count
    let hint = unsafe LZ4F_decompress(lz4, output.baseAddress, &made, input.baseAddress, &taken, nil)
    if LZ4F_isError(hint) != 0 {
      throw unsafe .corrupt(codec: "lz4_frame", detail: String(cString: LZ4F_getErrorName(hint)))
    }
    if taken > 0 || made > 0 { isBetweenFrames = hint == 0 }
    if hint == 0 { hasSeenFrame = true }
    return Progress(consumed: taken, produced: made)
  }

  private func feedGzip(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(CodecError) -> Progress {
    guard let inflater = unsafe inflater else { throw .outOfMemory(codec: "gzip") }
    if isBetweenFrames && hasSeenFrame {
      if unsafe isInPadding || input[0] == 0 {
        isInPadding = true
        guard unsafe input.allSatisfy({ $0 == 0 }) else { throw .corrupt(codec: "gzip", detail: "data after zero padding") }
        return Progress(consumed: input.count, produced: 0)
      }
      guard unsafe inflateReset(inflater) == Z_OK else { throw .library(codec: "gzip", detail: "reset failed") }
    }
    let offered = min(input.count, 1 << 30)
    let room = min(output.count, 1 << 30)
    unsafe inflater.pointee.next_in = unsafe UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    unsafe inflater.pointee.avail_in = UInt32(offered)
    unsafe inflater.pointee.next_out = unsafe output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe inflater.pointee.avail_out = UInt32(room)
    let status = unsafe inflate(inflater, Z_NO_FLUSH)
    let progress = unsafe Progress(
      consumed: offered - Int(inflater.pointee.avail_in), produced: room - Int(inflater.pointee.avail_out))
    switch status {
    case Z_OK, Z_BUF_ERROR:
      if progress.consumed > 0 { isBetweenFrames = false }
    case Z_STREAM_END:
      isBetweenFrames = true
      hasSeenFrame = true
    case Z_MEM_ERROR: throw .outOfMemory(codec: "gzip")
    default: throw unsafe .corrupt(codec: "gzip", detail: ZlibBlocks.message(inflater))
    }
    return progress
  }
}

// Streaming compression into caller-provided blocks, the counterpart of `StreamDecompressor`.
import CZlib
import CZstd

/// Compresses one stream chunk by chunk as gzip or zstd. One thread at a time; the stream is complete after `finish` said so.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe package final class StreamCompressor {
  /// The format being written.
  package let format: StreamFormat
  private var zstd: OpaquePointer?
  private var deflater: UnsafeMutablePointer<z_stream>?

  /// Creates the stream; `level` nil means the codec's default. LZ4 streams are read only and refused here.
  package init(_ format: StreamFormat, level: Int? = nil) throws(CodecError) {
    self.format = format
    switch format {
    case .zstd:
      let level = level ?? Codec.zstd.defaultLevel
      guard (1...22).contains(level) else { throw .invalidLevel(codec: "zstd", level: level, allowed: 1...22) }
      unsafe zstd = unsafe ZSTD_createCStream()
      guard unsafe zstd != nil else { throw .outOfMemory(codec: "zstd") }
      unsafe ZSTD_initCStream(zstd, Int32(level))
    case .gzip:
      let level = level ?? Codec.gzip.defaultLevel
      guard (1...9).contains(level) else { throw .invalidLevel(codec: "gzip", level: level, allowed: 1...9) }
      let made = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
      unsafe made.initialize(to: z_stream())
      let size = unsafe Int32(MemoryLayout<z_stream>.size)
      guard unsafe deflateInit2_(made, Int32(level), Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK else {
        unsafe made.deallocate()
        throw .outOfMemory(codec: "gzip")
      }
      unsafe deflater = unsafe made
    case .lz4:
      throw .library(codec: "lz4_frame", detail: "writing LZ4 streams is not supported; use gzip or zstd")
    }
  }

  deinit {
    unsafe ZSTD_freeCStream(zstd)
    if let deflater = unsafe deflater {
      unsafe deflateEnd(deflater)
      unsafe deflater.deallocate()
    }
  }

  /// Compresses from `input` into `output` until one of them is used up.
  package func feed(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(CodecError) -> StreamDecompressor.Progress {
    try unsafe step(input, into: output, finishing: false).progress
  }

  /// Writes what is pending; call until `isComplete`, with an empty block each time.
  package func finish(into output: UnsafeMutableRawBufferPointer) throws(CodecError) -> (produced: Int, isComplete: Bool) {
    let made = try unsafe step(UnsafeRawBufferPointer(start: nil, count: 0), into: output, finishing: true)
    return (made.progress.produced, made.isComplete)
  }

  private func step(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, finishing: Bool
  ) throws(CodecError) -> (progress: StreamDecompressor.Progress, isComplete: Bool) {
    if let deflater = unsafe deflater {
      let offered = min(input.count, 1 << 30)
      let room = min(output.count, 1 << 30)
      unsafe deflater.pointee.next_in = unsafe UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
      unsafe deflater.pointee.avail_in = UInt32(offered)
      unsafe deflater.pointee.next_out = unsafe output.baseAddress?.assumingMemoryBound(to: UInt8.self)
      unsafe deflater.pointee.avail_out = UInt32(room)
      let status = unsafe deflate(deflater, finishing ? Z_FINISH : Z_NO_FLUSH)
      guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
        throw unsafe .library(codec: "gzip", detail: ZlibBlocks.message(deflater))
      }
      let progress = unsafe StreamDecompressor.Progress(
        consumed: offered - Int(deflater.pointee.avail_in), produced: room - Int(deflater.pointee.avail_out))
      return (progress, status == Z_STREAM_END)
    }
    var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let left = unsafe ZSTD_compressStream2(zstd, &target, &source, finishing ? ZSTD_e_end : ZSTD_e_continue)
    if ZSTD_isError(left) != 0 { throw ZstdBlocks.error(left, capacity: output.count) }
    return unsafe (.init(consumed: source.pos, produced: target.pos), finishing && left == 0)
  }
}

// Zstandard blocks with reusable contexts.
import CZstd

/// One compression and one decompression context, created when first used.
final class ZstdBlocks {
  private var decompressor: OpaquePointer?
  private var compressor: OpaquePointer?

  deinit {
    ZSTD_freeDCtx(decompressor)
    ZSTD_freeCCtx(compressor)
  }

  static func bound(_ byteCount: Int) -> Int { ZSTD_compressBound(byteCount) }

  func decompress(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) throws(CodecError) -> Int {
    if decompressor == nil { decompressor = ZSTD_createDCtx() }
    guard let context = decompressor else { throw .outOfMemory(codec: "zstd") }
    let written = ZSTD_decompressDCtx(context, target.baseAddress, target.count, source.baseAddress, source.count)
    if ZSTD_isError(written) != 0 { throw Self.error(written, capacity: target.count) }
    return written
  }

  func compress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, level: Int
  ) throws(CodecError) -> Int {
    if compressor == nil { compressor = ZSTD_createCCtx() }
    guard let context = compressor else { throw .outOfMemory(codec: "zstd") }
    let written = ZSTD_compressCCtx(
      context, target.baseAddress, target.count, source.baseAddress, source.count, Int32(level))
    if ZSTD_isError(written) != 0 { throw Self.error(written, capacity: target.count) }
    return written
  }

  /// Translates a zstd result code; `capacity` is the caller's output size.
  static func error(_ code: Int, capacity: Int) -> CodecError {
    switch ZSTD_getErrorCode(code) {
    case ZSTD_error_dstSize_tooSmall: return .outputTooSmall(codec: "zstd", capacity: capacity)
    case ZSTD_error_memory_allocation: return .outOfMemory(codec: "zstd")
    case ZSTD_error_srcSize_wrong: return .truncated(codec: "zstd")
    default: return .corrupt(codec: "zstd", detail: String(cString: ZSTD_getErrorName(code)))
    }
  }
}

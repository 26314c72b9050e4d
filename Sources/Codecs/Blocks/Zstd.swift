// Zstandard blocks with reusable contexts.
import CZstd

/// One compression and one decompression context, created when first used.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe final class ZstdBlocks {
  private var decompressor: OpaquePointer?
  private var compressor: OpaquePointer?

  deinit {
    unsafe ZSTD_freeDCtx(decompressor)
    unsafe ZSTD_freeCCtx(compressor)
  }

  static func bound(_ byteCount: Int) -> Int { ZSTD_compressBound(byteCount) }

  func decompress(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) throws(CodecError) -> Int {
    if unsafe decompressor == nil { unsafe decompressor = unsafe ZSTD_createDCtx() }
    guard let context = unsafe decompressor else { throw .outOfMemory(codec: "zstd") }
    let written = unsafe ZSTD_decompressDCtx(context, target.baseAddress, target.count, source.baseAddress, source.count)
    if ZSTD_isError(written) != 0 { throw Self.error(written, capacity: target.count) }
    return written
  }

  func compress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, level: Int
  ) throws(CodecError) -> Int {
    if unsafe compressor == nil { unsafe compressor = unsafe ZSTD_createCCtx() }
    guard let context = unsafe compressor else { throw .outOfMemory(codec: "zstd") }
    let written = unsafe ZSTD_compressCCtx(
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
    default: return unsafe .corrupt(codec: "zstd", detail: String(cString: ZSTD_getErrorName(code)))
    }
  }
}

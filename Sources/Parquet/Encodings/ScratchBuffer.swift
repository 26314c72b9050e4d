// Reusable raw memory for decompressed pages and intermediate values.
#if canImport(Glibc)
import Glibc
#endif

/// Growing memory that is overwritten again and again; 64 readable bytes always follow the reserved size. One user at a time.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe package final class ScratchBuffer {
  private var base: UnsafeMutableRawPointer?
  /// Bytes that can be used without growing.
  package private(set) var capacity = 0

  package init() {}

  deinit { unsafe free(base) }

  /// Memory for `byteCount` bytes; the former contents are lost. Throws when the system has none left.
  package func reserve(_ byteCount: Int) throws(ParquetError) -> UnsafeMutableRawPointer {
    if byteCount <= capacity, let base = unsafe base { return unsafe base }
    unsafe free(base)
    capacity = 0
    let wanted = byteCount + 64
    unsafe base = unsafe malloc((wanted + 4095) & ~4095)
    guard let base = unsafe base else { throw ParquetError(.io, "out of memory: \(wanted) bytes for a page") }
    capacity = byteCount
    return unsafe base
  }

  /// The same as a buffer of exactly `byteCount` bytes.
  package func reserveBuffer(_ byteCount: Int) throws(ParquetError) -> UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: try reserve(byteCount), count: byteCount)
  }

  /// Gives memory above `limit` bytes back, so that one huge page does not stay allocated.
  package func trim(above limit: Int) {
    if capacity > limit {
      unsafe free(base)
      unsafe base = nil
      capacity = 0
    }
  }
}

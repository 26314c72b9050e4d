// Reusable raw memory for decompressed pages and intermediate values.
#if canImport(Glibc)
import Glibc
#endif

/// Growing memory that is overwritten again and again; 64 readable bytes always follow the reserved size. One user at a time.
package final class ScratchBuffer {
  private var base: UnsafeMutableRawPointer?
  /// Bytes that can be used without growing.
  package private(set) var capacity = 0

  package init() {}

  deinit { free(base) }

  /// Memory for `byteCount` bytes; the former contents are lost. Throws when the system has none left.
  package func reserve(_ byteCount: Int) throws(ParquetError) -> UnsafeMutableRawPointer {
    if byteCount <= capacity, let base { return base }
    free(base)
    capacity = 0
    let wanted = byteCount + 64
    base = malloc((wanted + 4095) & ~4095)
    guard let base else { throw ParquetError(.io, "out of memory: \(wanted) bytes for a page") }
    capacity = byteCount
    return base
  }

  /// The same as a buffer of exactly `byteCount` bytes.
  package func reserveBuffer(_ byteCount: Int) throws(ParquetError) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: try reserve(byteCount), count: byteCount)
  }

  /// Gives memory above `limit` bytes back, so that one huge page does not stay allocated.
  package func trim(above limit: Int) {
    if capacity > limit {
      free(base)
      base = nil
      capacity = 0
    }
  }
}

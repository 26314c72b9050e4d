// Errors of the compression codecs. A leaf type: callers add the file, column or byte position they know.

/// Why a block or stream could not be compressed or decompressed.
package enum CodecError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The compressed bytes are malformed; `detail` is the library's reason.
  case corrupt(codec: String, detail: String)
  /// The input ended inside a frame.
  case truncated(codec: String)
  /// The result is larger than the memory the caller provided (`capacity` bytes); nothing was written past it.
  case outputTooSmall(codec: String, capacity: Int)
  /// A size is above what the library can address (LZ4 and zlib count in 32 bits).
  case tooLarge(codec: String, byteCount: Int)
  /// The compression level is outside the codec's range.
  case invalidLevel(codec: String, level: Int, allowed: ClosedRange<Int>)
  /// The library could not allocate its working memory.
  case outOfMemory(codec: String)
  /// The library reported a failure that is not the input's fault.
  case library(codec: String, detail: String)

  package var description: String {
    switch self {
    case .corrupt(let codec, let detail): return "\(codec) data is corrupt: \(detail)"
    case .truncated(let codec): return "\(codec) data ends before the end of its frame"
    case .outputTooSmall(let codec, let capacity): return "\(codec) data is larger than the expected \(capacity) bytes"
    case .tooLarge(let codec, let byteCount): return "\(codec) cannot handle a block of \(byteCount) bytes"
    case .invalidLevel(let codec, let level, let allowed):
      return "\(codec) level \(level) is outside \(allowed.lowerBound)…\(allowed.upperBound)"
    case .outOfMemory(let codec): return "\(codec) could not allocate its working memory"
    case .library(let codec, let detail): return "\(codec) failed: \(detail)"
    }
  }
}

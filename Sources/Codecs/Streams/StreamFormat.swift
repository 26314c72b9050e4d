// The stream formats of compressed text files (.csv.gz, .json.zst, …) and how to recognise them.

/// A self-delimiting compressed stream. Frames or members that follow each other count as one stream.
package enum StreamFormat: Sendable, CaseIterable, CustomStringConvertible {
  case gzip, zstd, lz4

  package var description: String {
    switch self {
    case .gzip: return "gzip"
    case .zstd: return "zstd"
    case .lz4: return "lz4_frame"
    }
  }

  /// The file name suffix, with its dot.
  package var suffix: String {
    switch self {
    case .gzip: return ".gz"
    case .zstd: return ".zst"
    case .lz4: return ".lz4"
    }
  }

  /// The format a file name promises, or nil for an uncompressed one.
  package static func forPath(_ path: String) -> StreamFormat? {
    let lowered = path.lowercased()
    return allCases.first { lowered.hasSuffix($0.suffix) } ?? (lowered.hasSuffix(".gzip") ? .gzip : lowered.hasSuffix(".zstd") ? .zstd : nil)
  }

  /// The format whose magic number `prefix` starts with; four bytes are enough.
  // SAFETY: as many bytes are there as are read, at any alignment.
  package static func detect(_ prefix: UnsafeRawBufferPointer) -> StreamFormat? {
    if prefix.count >= 2, unsafe prefix[0] == 0x1F, unsafe prefix[1] == 0x8B { return .gzip }
    guard prefix.count >= 4 else { return nil }
    switch unsafe prefix.loadUnaligned(as: UInt32.self).littleEndian {
    case 0xFD2F_B528: return .zstd
    case 0x184D_2204: return .lz4
    default: return nil
    }
  }
}

// Role: the codecs of blocks: null, deflate, snappy with its checksum, zstandard. Source: Apache Avro, "Required Codecs", "Optional Codecs".

import Codecs

enum AvroCodec: String, Sendable {
  case null, deflate, snappy, zstandard

  /// Bytes of a decompressed block at most.
  private static let most = 256 << 20

  init(name: String) throws {
    guard let codec = AvroCodec(rawValue: name) else {
      throw AvroError(.notSupported, "the codec '\(name.prefix(40))' is not supported; read are null, deflate, snappy and zstandard")
    }
    self = codec
  }

  /// The bytes of a block. Throws `AvroError` and `CodecError`.
  func decompress(_ stored: [UInt8]) throws -> [UInt8] {
    switch self {
    case .null: return stored
    // The header of zlib in front makes it a stream of zlib, whose checksum is missing, or cut off as by some writers: that all records are there
    // says that all bytes are.
    case .deflate: return try Self.inflated([0x78, 0x01] + stored, .gzip).bytes
    case .snappy: return try Self.unsnapped(stored)
    case .zstandard:
      let (bytes, isWhole) = try Self.inflated(stored, .zstd)
      guard isWhole else { throw CodecError.truncated(codec: "zstd") }
      return bytes
    }
  }

  /// - Returns: the bytes, and whether the stream had its end.
  private static func inflated(_ stored: [UInt8], _ format: StreamFormat) throws -> (bytes: [UInt8], isWhole: Bool) {
    let decompressor = try StreamDecompressor(format)
    var out: [UInt8] = []
    var at = 0
    var space = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      // SAFETY: both arrays live through the call.
      let progress = try unsafe stored.withUnsafeBytes { input in
        try unsafe space.withUnsafeMutableBytes { try unsafe decompressor.feed(UnsafeRawBufferPointer(rebasing: input[at...]), into: $0) }
      }
      at += progress.consumed
      out += space[..<progress.produced]
      guard out.count <= most else { throw AvroError(.damaged, "more than \(most) bytes when decompressed") }
      if progress.produced == space.count { continue }
      // No more output, and either all of the input is used or nothing more of it is taken.
      if at == stored.count || progress.consumed == 0 { break }
    }
    let isWhole: Bool
    do {
      try decompressor.finish()
      isWhole = true
    } catch { isWhole = false }
    return (out, isWhole)
  }

  /// Snappy's own form with the CRC-32 of the plain bytes behind it, big-endian.
  private static func unsnapped(_ stored: [UInt8]) throws -> [UInt8] {
    guard stored.count > 4 else { throw CodecError.truncated(codec: "snappy") }
    let end = stored.count - 4
    var length = 0, shift = 0, at = 0
    while true {
      guard at < end, shift <= 28 else { throw CodecError.corrupt(codec: "snappy", detail: "bad length prefix") }
      length |= Int(stored[at] & 0x7F) << shift
      at += 1
      if stored[at - 1] < 0x80 { break }
      shift += 7
    }
    // An element of three bytes gives at most 64.
    guard length <= most, length <= 64 * end else { throw CodecError.corrupt(codec: "snappy", detail: "a length of \(length) bytes from \(end)") }
    var out = [UInt8](repeating: 0, count: length)
    let context = CodecContext()
    // SAFETY: both arrays live through the call.
    let written = try unsafe stored.withUnsafeBytes { input in
      try unsafe out.withUnsafeMutableBytes { try unsafe context.decompress(.snappy, UnsafeRawBufferPointer(rebasing: input[..<end]), into: $0) }
    }
    guard written == length else { throw CodecError.truncated(codec: "snappy") }
    // SAFETY: the array lives through the call.
    let sum = unsafe out.withUnsafeBytes { unsafe crc32Checksum($0) }
    let wanted = stored[end...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard sum == wanted else { throw CodecError.corrupt(codec: "snappy", detail: "the checksum of the bytes is another") }
    return out
  }
}

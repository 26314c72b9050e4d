// Snappy blocks (the raw format, without framing).
import CSnappy

enum SnappyBlocks {
  static func bound(_ byteCount: Int) -> Int { snappy_max_compressed_length(byteCount) }

  static func decompress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecError) -> Int {
    // The C interface refuses null pointers, which empty buffers may have; an empty block is a single zero byte.
    guard let from = source.baseAddress?.assumingMemoryBound(to: CChar.self), source.count > 0 else {
      throw .truncated(codec: "snappy")
    }
    var length = 0
    guard snappy_uncompressed_length(from, source.count, &length) == SNAPPY_OK else {
      throw .corrupt(codec: "snappy", detail: "bad length prefix")
    }
    guard length <= target.count else { throw .outputTooSmall(codec: "snappy", capacity: target.count) }
    var scratch: CChar = 0
    let status = withUnsafeMutablePointer(to: &scratch) { empty in
      snappy_uncompress(from, source.count, target.baseAddress?.assumingMemoryBound(to: CChar.self) ?? empty, &length)
    }
    guard status == SNAPPY_OK else { throw .corrupt(codec: "snappy", detail: "bad element or length") }
    return length
  }

  static func compress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecError) -> Int {
    var length = target.count
    guard length >= bound(source.count), let to = target.baseAddress?.assumingMemoryBound(to: CChar.self) else {
      throw .outputTooSmall(codec: "snappy", capacity: target.count)
    }
    var scratch: CChar = 0
    let status = withUnsafeMutablePointer(to: &scratch) { empty in
      snappy_compress(
        source.baseAddress?.assumingMemoryBound(to: CChar.self) ?? UnsafePointer(empty), source.count, to, &length)
    }
    guard status == SNAPPY_OK else { throw .library(codec: "snappy", detail: "status \(status.rawValue)") }
    return length
  }
}

// Snappy compression (the raw format, without framing); decompression is in SnappyDecoder.
import CSnappy

enum SnappyBlocks {
  static func bound(_ byteCount: Int) -> Int { snappy_max_compressed_length(byteCount) }

  // SAFETY: the target has room for the bound of the source (checked), and its size goes in as `length`; both live for the call. Without bytes, the
  // address is that of `scratch`, of which none are read.
  static func compress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecError) -> Int {
    var length = target.count
    guard length >= bound(source.count), let to = unsafe target.baseAddress?.assumingMemoryBound(to: CChar.self) else {
      throw .outputTooSmall(codec: "snappy", capacity: target.count)
    }
    var scratch: CChar = 0
    let status = unsafe withUnsafeMutablePointer(to: &scratch) { empty in
      unsafe snappy_compress(
        source.baseAddress?.assumingMemoryBound(to: CChar.self) ?? UnsafePointer(empty), source.count, to, &length)
    }
    guard status == SNAPPY_OK else { throw .library(codec: "snappy", detail: "status \(status.rawValue)") }
    return length
  }
}

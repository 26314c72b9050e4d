// gzip and zlib blocks: the header decides which; several gzip members in a row are one block.
import CZlib

/// A reusable inflate state. zlib keeps a pointer to its `z_stream`, hence the stable heap address.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe final class ZlibBlocks {
  private var stream: UnsafeMutablePointer<z_stream>?

  deinit {
    if let stream = unsafe stream {
      unsafe inflateEnd(stream)
      unsafe stream.deallocate()
    }
  }

  static func bound(_ byteCount: Int) -> Int { Int(compressBound(uLong(byteCount))) + 32 }

  func decompress(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) throws(CodecError) -> Int {
    guard source.count <= Int(UInt32.max), target.count < Int(UInt32.max) else {
      throw .tooLarge(codec: "gzip", byteCount: max(source.count, target.count))
    }
    let stream = try unsafe prepared()
    var written = 0
    var spare: UInt8 = 0
    unsafe stream.pointee.next_in = unsafe UnsafeMutablePointer(mutating: source.baseAddress?.assumingMemoryBound(to: UInt8.self))
    unsafe stream.pointee.avail_in = UInt32(source.count)
    while true {
      // With the target full one spare byte is offered, so that the end of the stream is told apart from surplus output.
      let room = target.count - written
      let status: Int32 = unsafe withUnsafeMutablePointer(to: &spare) { spare in
        unsafe stream.pointee.next_out =
          unsafe room == 0 ? spare : target.baseAddress?.assumingMemoryBound(to: UInt8.self).advanced(by: written)
        unsafe stream.pointee.avail_out = room == 0 ? 1 : UInt32(room)
        return unsafe inflate(stream, Z_NO_FLUSH)
      }
      if room == 0 {
        if unsafe stream.pointee.avail_out == 0 { throw .outputTooSmall(codec: "gzip", capacity: target.count) }
      } else {
        written = unsafe target.count - Int(stream.pointee.avail_out)
      }
      switch status {
      case Z_OK: continue
      case Z_STREAM_END:
        // Another member follows, unless nothing but zero padding is left.
        let rest = unsafe source[(source.count - Int(stream.pointee.avail_in))...]
        if unsafe rest.allSatisfy({ $0 == 0 }) { return written }
        guard unsafe inflateReset(stream) == Z_OK else { throw .library(codec: "gzip", detail: "reset failed") }
      case Z_BUF_ERROR: throw .truncated(codec: "gzip")
      case Z_MEM_ERROR: throw .outOfMemory(codec: "gzip")
      default: throw unsafe .corrupt(codec: "gzip", detail: Self.message(stream))
      }
    }
  }

  static func compress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, level: Int, gzip: Bool
  ) throws(CodecError) -> Int {
    guard source.count <= Int(UInt32.max) else { throw .tooLarge(codec: "gzip", byteCount: source.count) }
    var stream = unsafe z_stream()
    let windowBits: Int32 = gzip ? 15 + 16 : 15
    let size = unsafe Int32(MemoryLayout<z_stream>.size)
    guard unsafe deflateInit2_(&stream, Int32(level), Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK else {
      throw .outOfMemory(codec: "gzip")
    }
    defer { unsafe deflateEnd(&stream) }
    unsafe stream.next_in = unsafe UnsafeMutablePointer(mutating: source.baseAddress?.assumingMemoryBound(to: UInt8.self))
    unsafe stream.avail_in = UInt32(source.count)
    unsafe stream.next_out = unsafe target.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let room = min(target.count, Int(UInt32.max))
    unsafe stream.avail_out = UInt32(room)
    guard unsafe deflate(&stream, Z_FINISH) == Z_STREAM_END else {
      throw .outputTooSmall(codec: "gzip", capacity: target.count)
    }
    return unsafe room - Int(stream.avail_out)
  }

  private func prepared() throws(CodecError) -> UnsafeMutablePointer<z_stream> {
    if let stream = unsafe stream {
      guard unsafe inflateReset2(stream, 15 + 32) == Z_OK else { throw .library(codec: "gzip", detail: "reset failed") }
      return unsafe stream
    }
    let made = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe made.initialize(to: z_stream())
    // 15 + 32: the largest window, gzip or zlib header detected.
    guard unsafe inflateInit2_(made, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      unsafe made.deallocate()
      throw .outOfMemory(codec: "gzip")
    }
    unsafe stream = unsafe made
    return unsafe made
  }

  /// zlib's own words for the last failure of `stream`.
  static func message(_ stream: UnsafeMutablePointer<z_stream>) -> String {
    guard let text = unsafe stream.pointee.msg else { return "invalid data" }
    return unsafe String(cString: text)
  }
}

/// CRC-32 (the gzip polynomial) of `bytes`, continuing from `seed`; Parquet page checksums are this.
package func crc32Checksum(_ bytes: UnsafeRawBufferPointer, continuing seed: UInt32 = 0) -> UInt32 {
  guard let base = bytes.baseAddress else { return seed }
  return unsafe UInt32(truncatingIfNeeded: crc32_z(uLong(seed), base.assumingMemoryBound(to: UInt8.self), bytes.count))
}

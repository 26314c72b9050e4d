// LZ4: raw blocks, Hadoop framing (big-endian sizes around raw blocks) and the LZ4 frame format.
import CLZ4

enum LZ4Blocks {
  static func bound(_ byteCount: Int) -> Int { byteCount + byteCount / 255 + 16 }

  static func decompress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecError) -> Int {
    guard source.count <= Int(Int32.max) else { throw .tooLarge(codec: "lz4", byteCount: source.count) }
    guard let from = unsafe source.baseAddress?.assumingMemoryBound(to: CChar.self), source.count > 0 else {
      throw .truncated(codec: "lz4")
    }
    guard let to = unsafe target.baseAddress?.assumingMemoryBound(to: CChar.self) else {
      // A block for zero bytes is one zero token.
      if source.count == 1, unsafe source[0] == 0 { return 0 }
      throw .outputTooSmall(codec: "lz4", capacity: 0)
    }
    let room = Int32(min(target.count, Int(Int32.max)))
    let written = unsafe LZ4_decompress_safe(from, to, Int32(source.count), room)
    guard written >= 0 else { throw .corrupt(codec: "lz4", detail: "malformed block or more than \(room) bytes") }
    return Int(written)
  }

  /// Hadoop framing: records of total size, then compressed blocks until that size is reached. Nil when `source` is not that.
  static func decompressHadoop(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Int? {
    var position = 0
    var written = 0
    while source.count - position >= 8 {
      let total = unsafe Int(UInt32(bigEndian: source.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
      position += 4
      guard total <= target.count - written else { return nil }
      let end = written + total
      repeat {
        guard source.count - position >= 4 else { return nil }
        let size = unsafe Int(UInt32(bigEndian: source.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
        position += 4
        guard size > 0, size <= source.count - position else { return nil }
        let block = unsafe UnsafeRawBufferPointer(rebasing: source[position..<position + size])
        let room = unsafe UnsafeMutableRawBufferPointer(rebasing: target[written..<end])
        guard let made = try? unsafe decompress(block, into: room), made > 0 || total == 0 else { return nil }
        position += size
        written += made
      } while written < end
    }
    return position == source.count ? written : nil
  }

  static func compress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecError) -> Int {
    guard source.count <= Int(LZ4_MAX_INPUT_SIZE) else { throw .tooLarge(codec: "lz4", byteCount: source.count) }
    var scratch: CChar = 0
    let written = unsafe withUnsafeMutablePointer(to: &scratch) { empty in
      unsafe LZ4_compress_default(
        source.baseAddress?.assumingMemoryBound(to: CChar.self) ?? UnsafePointer(empty),
        target.baseAddress?.assumingMemoryBound(to: CChar.self) ?? empty,
        Int32(source.count), Int32(min(target.count, Int(Int32.max))))
    }
    guard written > 0 else { throw .outputTooSmall(codec: "lz4", capacity: target.count) }
    return Int(written)
  }

  /// One Hadoop record holding one block.
  static func compressHadoop(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecError) -> Int {
    guard target.count > 8 else { throw .outputTooSmall(codec: "lz4", capacity: target.count) }
    let size = try unsafe compress(source, into: UnsafeMutableRawBufferPointer(rebasing: target[8...]))
    unsafe target.storeBytes(of: UInt32(source.count).bigEndian, as: UInt32.self)
    unsafe target.storeBytes(of: UInt32(size).bigEndian, toByteOffset: 4, as: UInt32.self)
    return size + 8
  }
}

/// LZ4 frames with a reusable decompression context.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe final class LZ4FrameBlocks {
  private var context: OpaquePointer?

  deinit { unsafe LZ4F_freeDecompressionContext(context) }

  static func bound(_ byteCount: Int) -> Int { LZ4F_compressFrameBound(byteCount, nil) }

  func decompress(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) throws(CodecError) -> Int {
    if unsafe context == nil { unsafe LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION)) }
    guard let context = unsafe context else { throw .outOfMemory(codec: "lz4_frame") }
    unsafe LZ4F_resetDecompressionContext(context)
    var read = 0
    var written = 0
    var hint = 1
    while read < source.count {
      var taken = source.count - read
      var made = target.count - written
      hint = unsafe LZ4F_decompress(
        context, target.baseAddress.map { unsafe $0 + written }, &made, unsafe source.baseAddress.map { unsafe $0 + read }, &taken, nil)
      if LZ4F_isError(hint) != 0 {
        throw unsafe .corrupt(codec: "lz4_frame", detail: String(cString: LZ4F_getErrorName(hint)))
      }
      if taken == 0 && made == 0 { throw .outputTooSmall(codec: "lz4_frame", capacity: target.count) }
      read += taken
      written += made
    }
    if hint != 0 {
      if written == target.count { throw .outputTooSmall(codec: "lz4_frame", capacity: target.count) }
      throw .truncated(codec: "lz4_frame")
    }
    return written
  }

  static func compress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, level: Int
  ) throws(CodecError) -> Int {
    var preferences = LZ4F_preferences_t()
    preferences.compressionLevel = Int32(level)
    let written = unsafe LZ4F_compressFrame(target.baseAddress, target.count, source.baseAddress, source.count, &preferences)
    if LZ4F_isError(written) != 0 { throw .outputTooSmall(codec: "lz4_frame", capacity: target.count) }
    return written
  }
}

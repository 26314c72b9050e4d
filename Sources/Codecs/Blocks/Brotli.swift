// Brotli blocks.
import CBrotli

enum BrotliBlocks {
  static func bound(_ byteCount: Int) -> Int { max(BrotliEncoderMaxCompressedSize(byteCount), 16) }

  // SAFETY: the decoder moves its four variables forward by what it has read and written, at most the two counts; both buffers outlive the state,
  // which is destroyed here. Error texts are static.
  static func decompress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecError) -> Int {
    guard let from = unsafe source.baseAddress?.assumingMemoryBound(to: UInt8.self), source.count > 0 else {
      throw .truncated(codec: "brotli")
    }
    guard let state = unsafe BrotliDecoderCreateInstance(nil, nil, nil) else { throw .outOfMemory(codec: "brotli") }
    defer { unsafe BrotliDecoderDestroyInstance(state) }
    var input: UnsafePointer<UInt8>? = unsafe from
    var remaining = source.count
    var output = unsafe target.baseAddress?.assumingMemoryBound(to: UInt8.self)
    var room = target.count
    switch unsafe BrotliDecoderDecompressStream(state, &remaining, &input, &room, &output, nil) {
    case BROTLI_DECODER_RESULT_SUCCESS:
      guard remaining == 0 else { throw .corrupt(codec: "brotli", detail: "\(remaining) bytes after the end") }
      return target.count - room
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT: throw .truncated(codec: "brotli")
    case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: throw .outputTooSmall(codec: "brotli", capacity: target.count)
    default:
      let code = unsafe BrotliDecoderGetErrorCode(state)
      throw unsafe .corrupt(codec: "brotli", detail: String(cString: BrotliDecoderErrorString(code)))
    }
  }

  // SAFETY: the encoder writes at most `length` bytes, the target's size, and reads the source's; without bytes, the address is that of `scratch`, of
  // which none are read or written.
  static func compress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, level: Int
  ) throws(CodecError) -> Int {
    var length = target.count
    var scratch: UInt8 = 0
    let done = unsafe withUnsafeMutablePointer(to: &scratch) { empty in
      unsafe BrotliEncoderCompress(
        Int32(level), BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, source.count,
        source.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? UnsafePointer(empty),
        &length, target.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? empty)
    }
    guard done != 0 else { throw .outputTooSmall(codec: "brotli", capacity: target.count) }
    return length
  }
}

// PLAIN and BYTE_STREAM_SPLIT of dense (null-free) values.

import Columnar

enum PlainEncoder {
  /// Little-endian fixed-width values as they lie in memory.
  // SAFETY: the caller's `count` values are plain bytes, which are copied.
  static func encode<T: BitwiseCopyable>(_ values: UnsafePointer<T>, count: Int, into out: BufferBuilder<UInt8>) {
    let bytes = unsafe UnsafeRawBufferPointer(start: values, count: count * MemoryLayout<T>.stride)
    unsafe out.append(contentsOf: bytes.assumingMemoryBound(to: UInt8.self))
  }

  /// Booleans `range` of a bitmap, one bit each, least significant first.
  static func encode(_ bits: Bitmap, _ range: Range<Int>, into out: BufferBuilder<UInt8>) {
    // SAFETY: the slice's words hold `range.count` bits: at least as many bytes as are copied.
    let part = bits.slice(range)
    unsafe part.words.withUnsafe { words in
      let bytes = UnsafeRawBufferPointer(words)
      unsafe out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes.assumingMemoryBound(to: UInt8.self)[0..<(range.count + 7) / 8]))
    }
  }

  /// Texts `range`: a 4-byte length before each.
  // SAFETY: `total` is the sum of what the loop writes: 4 bytes and the text for each of `range`, which lies within the texts.
  static func encode(_ offsets: UnsafePointer<Int32>, _ data: UnsafePointer<UInt8>, _ range: Range<Int>, into out: BufferBuilder<UInt8>) {
    let total = unsafe Int(offsets[range.upperBound]) - Int(offsets[range.lowerBound]) + 4 * range.count
    var target = unsafe UnsafeMutableRawPointer(out.appendUninitialized(total))
    for i in range {
      let length = unsafe offsets[i &+ 1] &- offsets[i]
      unsafe target.storeBytes(of: length.littleEndian, as: Int32.self)
      unsafe (target + 4).copyMemory(from: data + Int(offsets[i]), byteCount: Int(length))
      unsafe target += 4 + Int(length)
    }
  }

  /// Byte k of all values behind each other, for every k.
  // SAFETY: source and target have `count * width` bytes.
  static func encodeSplit<T: BitwiseCopyable>(_ values: UnsafePointer<T>, count: Int, into out: BufferBuilder<UInt8>) {
    let width = MemoryLayout<T>.size
    let source = unsafe UnsafeRawPointer(values).assumingMemoryBound(to: UInt8.self)
    let target = unsafe out.appendUninitialized(count * width)
    for k in 0..<width {
      let stream = unsafe target + k * count
      for i in 0..<count { unsafe stream[i] = unsafe source[i &* width &+ k] }
    }
  }
}

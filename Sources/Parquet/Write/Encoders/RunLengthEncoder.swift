// The RLE / bit-packed hybrid of levels and dictionary codes, and the bit packing under it (parquet-format Encodings.md, RLE).

import Columnar

enum RunLengthEncoder {
  /// Appends `count` values of `bitWidth` bits: runs of 8 or more equal values as RLE, the rest bit-packed in groups of 8.
  // SAFETY: `at + 8 <= count` stands before eight values are compared, `end < count` before one; literals lie between runs.
  static func encode(_ values: UnsafePointer<Int32>, count: Int, bitWidth: Int, into out: BufferBuilder<UInt8>) {
    out.reserve(count * bitWidth / 8 + count / 64 + 64)
    var literalStart = 0
    var at = 0
    while at &+ 8 <= count {
      let v = unsafe values[at]
      let differs = unsafe (values[at &+ 1] ^ v) | (values[at &+ 2] ^ v) | (values[at &+ 3] ^ v) | (values[at &+ 4] ^ v)
        | (values[at &+ 5] ^ v) | (values[at &+ 6] ^ v) | (values[at &+ 7] ^ v)
      if differs != 0 {
        at &+= 8
        continue
      }
      var end = at &+ 8
      while end < count, unsafe values[end] == v { end &+= 1 }
      // Short runs inside wide literals cost more as runs of their own; a run of 8 pays only where it saves its header.
      if end &- at < 16, bitWidth <= 2, end < count {
        at &+= 8
        continue
      }
      unsafe emitLiteral(values + literalStart, count: at - literalStart, bitWidth: bitWidth, into: out)
      appendVarint(UInt64(end - at) << 1, to: out)
      for byte in 0..<((bitWidth + 7) / 8) { out.append(UInt8(truncatingIfNeeded: v >> Int32(8 * byte))) }
      at = end
      literalStart = end
    }
    unsafe emitLiteral(values + literalStart, count: count - literalStart, bitWidth: bitWidth, into: out)
  }

  /// A literal run; a last group of fewer than 8 values is padded with zeros.
  // SAFETY: the target has `byteCount + 8` bytes, which `pack` fills up to `byteCount`; the caller gives `count` values.
  private static func emitLiteral(_ values: UnsafePointer<Int32>, count: Int, bitWidth: Int, into out: BufferBuilder<UInt8>) {
    guard count > 0 else { return }
    let groups = (count + 7) / 8
    appendVarint(UInt64(groups) << 1 | 1, to: out)
    let byteCount = groups * bitWidth
    let target = unsafe out.appendUninitialized(byteCount + 8)
    unsafe BitPacker.pack(values, count: count, bitWidth: bitWidth, into: target, byteCount: byteCount)
    out.count -= 8
  }
}

enum BitPacker {
  /// Packs values of at most 32 bits, least significant bit first, and zeroes the rest of `byteCount` bytes. 8 bytes behind them are writable.
  // SAFETY: whole words are stored only when they are full, so that `at` stays within the `count * bitWidth` bits that `byteCount` bytes
  // hold; the caller gives `count` values.
  static func pack<T: FixedWidthInteger>(
    _ values: UnsafePointer<T>, count: Int, bitWidth: Int, into out: UnsafeMutablePointer<UInt8>, byteCount: Int
  ) {
    var accumulator: UInt64 = 0
    var filled = 0
    var at = 0
    let width = bitWidth
    for i in 0..<count {
      let v = unsafe UInt64(truncatingIfNeeded: values[i])
      accumulator |= v << UInt64(truncatingIfNeeded: filled)
      filled &+= width
      if filled >= 64 {
        unsafe UnsafeMutableRawPointer(out + at).storeBytes(of: accumulator.littleEndian, as: UInt64.self)
        at &+= 8
        filled &-= 64
        accumulator = filled == 0 ? 0 : v >> UInt64(truncatingIfNeeded: width &- filled)
      }
    }
    while at < byteCount {
      let left = min(8, byteCount - at)
      for k in 0..<left { unsafe out[at + k] = UInt8(truncatingIfNeeded: accumulator >> UInt64(8 * k)) }
      accumulator = 0
      at += left
    }
  }

  /// Bits needed for values 0…max.
  static func width(of max: Int) -> Int { Int.bitWidth - max.leadingZeroBitCount }
}

/// An unsigned LEB128 number.
func appendVarint(_ value: UInt64, to out: BufferBuilder<UInt8>) {
  var rest = value
  while rest >= 0x80 {
    out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
    rest >>= 7
  }
  out.append(UInt8(truncatingIfNeeded: rest))
}

/// A zigzag LEB128 number.
func appendZigzag(_ value: Int64, to out: BufferBuilder<UInt8>) {
  appendVarint(UInt64(bitPattern: (value &<< 1) ^ (value >> 63)), to: out)
}

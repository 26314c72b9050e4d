// Values of a fixed width, as raw bytes: PLAIN without a copy, BYTE_STREAM_SPLIT, DELTA_BINARY_PACKED and DELTA_BYTE_ARRAY into scratch.
// The caller converts the bytes to the type it wants; dictionary codes are decoded elsewhere.
import Columnar
import CSIMD

/// The value bytes of one page of a fixed-width column. The page must stay alive and have 64 readable bytes behind it.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct FixedDecoder {
  private enum Source {
    case plain
    case split(total: Int)
    case delta32(DeltaBinaryDecoder<Int32>)
    case delta64(DeltaBinaryDecoder<Int64>)
    case prefixed(DeltaByteArrayDecoder)
  }

  private var source: Source
  private let bytes: UnsafeRawBufferPointer
  /// PLAIN: byte offset; BYTE_STREAM_SPLIT: value index.
  private var position = 0
  private let width: Int

  /// `width` is the bytes per value of the physical type.
  init(_ bytes: UnsafeRawBufferPointer, encoding: Encoding, type: PhysicalType, width: Int) throws(ParquetError) {
    unsafe self.bytes = unsafe bytes
    self.width = width
    switch (encoding, type) {
    case (.plain, _): source = .plain
    case (.byteStreamSplit, .int32), (.byteStreamSplit, .int64), (.byteStreamSplit, .float), (.byteStreamSplit, .double),
      (.byteStreamSplit, .fixedLenByteArray):
      guard width > 0, bytes.count % width == 0 else {
        throw .corrupt("BYTE_STREAM_SPLIT page of \(bytes.count) bytes for values of \(width)")
      }
      source = .split(total: bytes.count / width)
    case (.deltaBinaryPacked, .int32): source = unsafe .delta32(try DeltaBinaryDecoder<Int32>(bytes))
    case (.deltaBinaryPacked, .int64): source = unsafe .delta64(try DeltaBinaryDecoder<Int64>(bytes))
    case (.deltaByteArray, .fixedLenByteArray): source = unsafe .prefixed(try DeltaByteArrayDecoder(bytes))
    default: throw .notSupported("encoding \(encoding) for \(type) values")
    }
  }

  /// The next `count` values, `width` bytes each; valid until the next call. `scratch` is used when they are not contiguous in the page.
  mutating func next(_ count: Int, scratch: ScratchBuffer) throws(ParquetError) -> UnsafeRawPointer {
    switch source {
    case .plain:
      let (size, overflow) = count.multipliedReportingOverflow(by: width)
      guard !overflow, unsafe size <= bytes.count - position else { throw .corrupt("page ends within its values") }
      defer { position += size }
      return unsafe (bytes.baseAddress ?? UnsafeRawPointer(emptyPage)) + position
    case .split(let total):
      guard count <= total - position else { throw .corrupt("page ends within its values") }
      let out = try unsafe scratch.reserve(count * width)
      if let base = unsafe bytes.baseAddress, count > 0 {
        unsafe pq_unsplit(
          base.assumingMemoryBound(to: UInt8.self), out.assumingMemoryBound(to: UInt8.self), total, position, count, width)
      }
      position += count
      return UnsafeRawPointer(out)
    case .delta32(var decoder):
      let out = try unsafe scratch.reserve(count * 4)
      source = .plain  // so that the decoder's buffer is not copied while it is decoded
      defer { source = .delta32(decoder) }
      try unsafe decoder.decode(out.assumingMemoryBound(to: Int32.self), count)
      return UnsafeRawPointer(out)
    case .delta64(var decoder):
      let out = try unsafe scratch.reserve(count * 8)
      source = .plain
      defer { source = .delta64(decoder) }
      try unsafe decoder.decode(out.assumingMemoryBound(to: Int64.self), count)
      return UnsafeRawPointer(out)
    case .prefixed(var decoder):
      source = .plain
      defer { source = .prefixed(decoder) }
      // What the file says of widths and counts is not believed before the values are there.
      let values = StringBuilder(rows: count, bytes: 0)
      try decoder.decode(count, into: values)
      for i in 0..<count where unsafe Int(values.offsets.pointer[i + 1] - values.offsets.pointer[i]) != width {
        throw .corrupt("value of another length in a column of \(width)-byte values")
      }
      let out = try unsafe scratch.reserve(count * width)
      unsafe out.copyMemory(from: values.data.pointer, byteCount: count * width)
      return UnsafeRawPointer(out)
    }
  }

  mutating func skip(_ count: Int) throws(ParquetError) {
    switch source {
    case .plain:
      let (size, overflow) = count.multipliedReportingOverflow(by: width)
      guard !overflow, unsafe size <= bytes.count - position else { throw .corrupt("page ends within its values") }
      position += size
    case .split(let total):
      guard count <= total - position else { throw .corrupt("page ends within its values") }
      position += count
    case .delta32(var decoder):
      source = .plain
      defer { source = .delta32(decoder) }
      try unsafe decoder.decode(nil, count)
    case .delta64(var decoder):
      source = .plain
      defer { source = .delta64(decoder) }
      try unsafe decoder.decode(nil, count)
    case .prefixed(var decoder):
      source = .plain
      defer { source = .prefixed(decoder) }
      try decoder.skip(count)
    }
  }
}

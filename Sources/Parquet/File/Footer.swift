// The end of a file: magic number, footer length, footer. One read of the tail serves most files.

enum Footer {
  /// Bytes read from the end at first; most footers fit.
  static let tailByteCount = 64 << 10
  /// A footer larger than this is refused: it would take gigabytes once decoded.
  static let maxByteCount = 512 << 20

  /// Reads and decodes the footer; also checks that row groups and columns agree with the schema.
  // SAFETY: `bytes` has `tail` (12 at least) or `length + 8` bytes, with `length` checked against the file, so that the loads and
  // the slice lie within it. `scratch`, which owns them, is not released before the last access through a pointer into it.
  static func read(_ source: some RandomAccess) throws(ParquetError) -> (metadata: FileMetadata, footerByteCount: Int) {
    let size = source.byteCount
    guard size >= 12 else { throw .corrupt("a file of \(size) bytes is too short to be Parquet") }
    let scratch = ScratchBuffer()
    let tail = min(size, tailByteCount)
    var bytes = try unsafe scratch.reserveBuffer(tail)
    try unsafe source.read(at: size - tail, into: bytes)
    let magic = unsafe UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: tail - 4, as: UInt32.self))
    if magic == 0x4552_4150 {  // "PARE"
      throw .notSupported("the footer is encrypted (PARE); this reader has no keys")
    }
    guard magic == 0x3152_4150 else {  // "PAR1"
      throw .corrupt("the file does not end with 'PAR1'; it is not Parquet or was cut off", at: size - 4)
    }
    let length = unsafe Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: tail - 8, as: UInt32.self)))
    guard length <= size - 12, length <= maxByteCount else {
      throw .corrupt("footer of \(length) bytes in a file of \(size)", at: size - 8)
    }
    let start = size - 8 - length
    if length + 8 > tail {
      unsafe bytes = try unsafe scratch.reserveBuffer(length + 8)
      try unsafe source.read(at: start, into: bytes)
    }
    let footer = unsafe UnsafeRawBufferPointer(rebasing: bytes[(bytes.count - 8 - length)..<(bytes.count - 8)])
    var reader = unsafe ThriftReader(footer, baseOffset: start)
    let metadata = try FileMetadata(from: &reader)
    return (metadata, length)
  }
}

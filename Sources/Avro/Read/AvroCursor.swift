// Role: the primitive values of a block, one behind the other, every length checked. Source: Apache Avro, "Binary Encoding".

/// Bytes of a block that are being read.
struct AvroCursor {
  let bytes: [UInt8]
  private(set) var at = 0
  /// Where the block begins in its file.
  let origin: Int
  /// Items of arrays and maps, and records, since the record began: each takes much more memory than its bytes, of which there may be none.
  private var parts = 0
  private static let mostParts = 4 << 20

  init(_ bytes: [UInt8], origin: Int) {
    self.bytes = bytes
    self.origin = origin
  }

  /// A record begins.
  mutating func begin() { parts = 0 }

  var left: Int { bytes.count - at }

  func error(_ message: String, _ kind: AvroError.Kind = .damaged) -> AvroError {
    AvroError(kind, "block at byte \(origin), byte \(at) of its data: \(message)")
  }

  /// A zigzag number of variable length.
  @inline(__always) mutating func long() throws -> Int64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while at < bytes.count {
      let byte = bytes[at]
      at &+= 1
      if shift == 63, byte > 1 { throw error("a number of more than 64 bits") }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
      shift &+= 7
      if shift > 63 { throw error("a number of more than ten bytes") }
    }
    throw error("the data ends inside a number")
  }

  mutating func int() throws -> Int32 {
    guard let value = Int32(exactly: try long()) else { throw error("an int of more than 32 bits") }
    return value
  }

  mutating func byte() throws -> UInt8 {
    guard at < bytes.count else { throw error("the data ends before a value") }
    at &+= 1
    return bytes[at &- 1]
  }

  /// The place of the next `count` bytes, which are passed.
  @inline(__always) mutating func take(_ count: Int) throws -> Range<Int> {
    guard count <= left else { throw error("\(count) bytes are announced, \(left) are left") }
    at &+= count
    return at &- count..<at
  }

  /// The place of bytes behind their length.
  @inline(__always) mutating func takeCounted() throws -> Range<Int> {
    let count = try long()
    guard count >= 0, count <= Int64(left) else { throw error("a length of \(count), \(left) bytes are left") }
    return try take(Int(count))
  }

  /// The bits of a little-endian number of `count` bytes.
  @inline(__always) mutating func littleEndian(_ count: Int) throws -> UInt64 {
    let place = try take(count)
    var value: UInt64 = 0
    for i in place.reversed() { value = value << 8 | UInt64(bytes[i]) }
    return value
  }

  mutating func float() throws -> Double { Double(Float(bitPattern: UInt32(truncatingIfNeeded: try littleEndian(4)))) }
  mutating func double() throws -> Double { Double(bitPattern: try littleEndian(8)) }

  /// How many items the next run of an array or map has; 0 ends it. `leastBytes`: of one item; items without bytes are bounded too.
  mutating func run(leastBytes: Int) throws -> Int {
    var count = try long()
    if count < 0 {
      guard count > Int64.min else { throw error("a run of \(count) items") }
      count = -count
      // Its bytes, for those who pass over it.
      _ = try long()
    }
    let most = leastBytes > 0 ? left / leastBytes : 100
    guard count <= Int64(most) else { throw error("a run of \(count) items, for which \(left) bytes are not enough") }
    try spend(Int(count))
    return Int(count)
  }

  /// So many more parts of a record.
  mutating func spend(_ more: Int) throws {
    parts += more
    guard parts <= Self.mostParts else { throw error("a record with more than \(Self.mostParts) items in arrays, maps and records", .notSupported) }
  }
}

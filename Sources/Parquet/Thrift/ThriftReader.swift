// Thrift's compact protocol, reading side: a bounds-checked cursor over bytes in memory.
// Specification: apache/thrift doc/specs/thrift-compact-protocol.md. Depth and container sizes are bounded by the input itself.

/// Wire types of the compact protocol.
package enum ThriftType: UInt8, Sendable {
  case stop = 0, boolTrue, boolFalse, int8, int16, int32, int64, double, binary, list, set, map, structure, uuid
}

/// One field header: wire type and identifier.
package struct ThriftField: Sendable, Equatable {
  package var type: ThriftType
  package var id: Int16
}

/// Reads compact-protocol values. The bytes must outlive the reader. Errors carry the offset from `baseOffset`.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe package struct ThriftReader {
  /// Nesting allowed while skipping unknown fields and reading structures.
  package static let maxDepth = 64

  private let bytes: UnsafeRawBufferPointer
  /// Offset of the next unread byte within the bytes given.
  package private(set) var position = 0
  /// Where the bytes start in the file, for messages.
  private let baseOffset: Int
  private var depth = 0

  package init(_ bytes: UnsafeRawBufferPointer, baseOffset: Int = 0) {
    unsafe self.bytes = unsafe bytes
    self.baseOffset = baseOffset
  }

  /// Bytes not yet read.
  package var remaining: Int { unsafe bytes.count - position }

  /// A corruption error at the current position.
  package func corrupt(_ message: String) -> ParquetError { .corrupt(message, at: baseOffset + position) }

  package mutating func readByte() throws(ParquetError) -> UInt8 {
    guard unsafe position < bytes.count else { throw corrupt("Thrift data ends early") }
    defer { position += 1 }
    return unsafe bytes[position]
  }

  /// An unsigned LEB128 number of at most ten bytes.
  package mutating func readVarint() throws(ParquetError) -> UInt64 {
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try readByte()
      result |= UInt64(byte & 0x7F) &<< shift
      if byte < 0x80 { return result }
      shift += 7
      if shift > 63 { throw corrupt("Thrift number longer than ten bytes") }
    }
  }

  package mutating func readInt64() throws(ParquetError) -> Int64 {
    let raw = try readVarint()
    return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
  }

  package mutating func readInt32() throws(ParquetError) -> Int32 {
    let value = try readInt64()
    guard let narrow = Int32(exactly: value) else { throw corrupt("Thrift number \(value) exceeds 32 bits") }
    return narrow
  }

  package mutating func readInt16() throws(ParquetError) -> Int16 {
    let value = try readInt64()
    guard let narrow = Int16(exactly: value) else { throw corrupt("Thrift number \(value) exceeds 16 bits") }
    return narrow
  }

  /// A non-negative 32-bit size or count.
  package mutating func readSize(_ what: String) throws(ParquetError) -> Int {
    let value = try readInt32()
    guard value >= 0 else { throw corrupt("negative \(what) \(value)") }
    return Int(value)
  }

  /// A non-negative 64-bit size or offset, no greater than 2^53: sums of them do not overflow.
  package mutating func readSize64(_ what: String) throws(ParquetError) -> Int {
    let value = try readInt64()
    guard value >= 0 else { throw corrupt("negative \(what) \(value)") }
    guard value <= 1 << 53 else { throw corrupt("impossible \(what) \(value)") }
    return Int(value)
  }

  package mutating func readDouble() throws(ParquetError) -> Double {
    guard remaining >= 8 else { throw corrupt("Thrift data ends early") }
    defer { position += 8 }
    return unsafe Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)))
  }

  /// Length-prefixed bytes, as a view into the input.
  package mutating func readView() throws(ParquetError) -> UnsafeRawBufferPointer {
    let count = try readVarint()
    guard count <= UInt64(remaining) else { throw corrupt("Thrift binary of \(count) bytes where \(remaining) remain") }
    defer { position += Int(count) }
    return unsafe UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(count)])
  }

  package mutating func readBinary() throws(ParquetError) -> [UInt8] { unsafe [UInt8](try readView()) }

  /// Text; invalid UTF-8 is repaired, since names are only shown and compared.
  package mutating func readString() throws(ParquetError) -> String {
    unsafe String(decoding: try readView(), as: UTF8.self)
  }

  /// Reads a structure field by field: `body` gets each header and must consume the value or return false to have it skipped.
  package mutating func readStruct(
    _ body: (inout ThriftReader, ThriftField) throws(ParquetError) -> Bool
  ) throws(ParquetError) {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maxDepth else { throw corrupt("Thrift structures nested deeper than \(Self.maxDepth)") }
    var lastID: Int16 = 0
    while true {
      let header = try readByte()
      guard let type = ThriftType(rawValue: header & 0x0F) else { throw corrupt("unknown Thrift type \(header & 0x0F)") }
      if type == .stop { return }
      let delta = Int16(header >> 4)
      if delta == 0 {
        lastID = try readInt16()
      } else {
        let (next, overflow) = lastID.addingReportingOverflow(delta)
        guard !overflow else { throw corrupt("Thrift field number overflow") }
        lastID = next
      }
      let field = ThriftField(type: type, id: lastID)
      if try !body(&self, field) { try skip(type) }
    }
  }

  /// A boolean field: its value is in the header.
  package func bool(_ field: ThriftField) throws(ParquetError) -> Bool {
    switch field.type {
    case .boolTrue: return true
    case .boolFalse: return false
    default: throw corrupt("Thrift field \(field.id) is not a boolean")
    }
  }

  /// Fails unless `field` has wire type `type`.
  package func expect(_ field: ThriftField, _ type: ThriftType) throws(ParquetError) {
    guard field.type == type else { throw corrupt("Thrift field \(field.id) has type \(field.type), expected \(type)") }
  }

  /// List header: element type and count. Every element takes at least one byte, so the count is checked against what remains.
  package mutating func readListHeader() throws(ParquetError) -> (type: ThriftType, count: Int) {
    let header = try readByte()
    var count = UInt64(header >> 4)
    if count == 15 { count = try readVarint() }
    guard let type = ThriftType(rawValue: header & 0x0F) else { throw corrupt("unknown Thrift type \(header & 0x0F)") }
    guard count <= UInt64(remaining) else { throw corrupt("Thrift list of \(count) elements where \(remaining) bytes remain") }
    return (type, Int(count))
  }

  /// A list whose elements `element` reads one by one.
  package mutating func readList<T>(
    of type: ThriftType, _ element: (inout ThriftReader) throws(ParquetError) -> T
  ) throws(ParquetError) -> [T] {
    let header = try readListHeader()
    guard header.type == type || header.count == 0 || (type == .boolTrue && header.type == .boolFalse) else {
      throw corrupt("Thrift list of \(header.type), expected \(type)")
    }
    var result: [T] = []
    // A hostile count is bounded by the bytes that remain; elements are larger than a byte, so do not trust it for the capacity.
    result.reserveCapacity(min(header.count, 4096))
    for _ in 0..<header.count { result.append(try element(&self)) }
    return result
  }

  /// An element of a list of booleans: one byte, 1 is true (0 is written by some old encoders for false, 2 by the others).
  package mutating func readBoolElement() throws(ParquetError) -> Bool { try readByte() == 1 }

  /// Skips a value of the given type.
  package mutating func skip(_ type: ThriftType) throws(ParquetError) {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maxDepth else { throw corrupt("Thrift structures nested deeper than \(Self.maxDepth)") }
    switch type {
    case .stop: throw corrupt("unexpected end of a Thrift structure")
    case .boolTrue, .boolFalse: return
    case .int8: _ = try readByte()
    case .int16, .int32, .int64: _ = try readVarint()
    case .double: _ = try readDouble()
    case .uuid:
      guard remaining >= 16 else { throw corrupt("Thrift data ends early") }
      position += 16
    case .binary: _ = try unsafe readView()
    case .list, .set:
      let header = try readListHeader()
      for _ in 0..<header.count { try skipElement(header.type) }
    case .map:
      let count = try readVarint()
      if count == 0 { return }
      guard count <= UInt64(remaining) else { throw corrupt("Thrift map of \(count) entries where \(remaining) bytes remain") }
      let types = try readByte()
      guard let key = ThriftType(rawValue: types >> 4), let value = ThriftType(rawValue: types & 0x0F) else {
        throw corrupt("unknown Thrift type in a map")
      }
      for _ in 0..<count {
        try skipElement(key)
        try skipElement(value)
      }
    case .structure:
      try readStruct { (_, _) throws(ParquetError) in false }
    }
  }

  /// In containers a boolean takes a byte; as a field it takes none.
  private mutating func skipElement(_ type: ThriftType) throws(ParquetError) {
    if type == .boolTrue || type == .boolFalse { _ = try readByte() } else { try skip(type) }
  }
}

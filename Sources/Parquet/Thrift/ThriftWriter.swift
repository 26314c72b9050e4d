// Thrift's compact protocol, writing side: appends to a byte array.

/// A value that writes itself as one Thrift structure.
package protocol ThriftWritable {
  /// Writes the fields of the structure, in ascending field order, without the stop byte.
  func writeFields(to writer: inout ThriftWriter)
}

/// Appends compact-protocol values to `bytes`. Optional fields that are nil are left out.
package struct ThriftWriter {
  /// Everything written so far.
  package private(set) var bytes: [UInt8] = []
  private var lastID: Int16 = 0

  package init() {}

  /// The serialised form of one top-level structure.
  package static func serialize(_ value: some ThriftWritable) -> [UInt8] {
    var writer = ThriftWriter()
    writer.writeStruct(value)
    return writer.bytes
  }

  package mutating func writeByte(_ value: UInt8) { bytes.append(value) }

  package mutating func writeVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  package mutating func writeZigzag(_ value: Int64) {
    writeVarint(UInt64(bitPattern: (value &<< 1) ^ (value >> 63)))
  }

  package mutating func writeBinary(_ value: some Collection<UInt8>) {
    writeVarint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  /// The header of field `id`; the value follows.
  package mutating func writeHeader(_ id: Int16, _ type: ThriftType) {
    let delta = id - lastID
    if delta > 0 && delta <= 15 {
      bytes.append(UInt8(delta) << 4 | type.rawValue)
    } else {
      bytes.append(type.rawValue)
      writeZigzag(Int64(id))
    }
    lastID = id
  }

  package mutating func field(_ id: Int16, _ value: Bool?) {
    if let value { writeHeader(id, value ? .boolTrue : .boolFalse) }
  }

  package mutating func field(_ id: Int16, _ value: Int8?) {
    guard let value else { return }
    writeHeader(id, .int8)
    bytes.append(UInt8(bitPattern: value))
  }

  package mutating func field(_ id: Int16, _ value: Int16?) {
    guard let value else { return }
    writeHeader(id, .int16)
    writeZigzag(Int64(value))
  }

  package mutating func field(_ id: Int16, _ value: Int32?) {
    guard let value else { return }
    writeHeader(id, .int32)
    writeZigzag(Int64(value))
  }

  package mutating func field(_ id: Int16, _ value: Int64?) {
    guard let value else { return }
    writeHeader(id, .int64)
    writeZigzag(value)
  }

  /// A count or size declared as i32 by the format.
  package mutating func field32(_ id: Int16, _ value: Int?) {
    field(id, value.map { Int32(truncatingIfNeeded: $0) })
  }

  /// A count, size or offset declared as i64 by the format.
  package mutating func field64(_ id: Int16, _ value: Int?) {
    field(id, value.map { Int64($0) })
  }

  package mutating func field(_ id: Int16, _ value: String?) {
    guard let value else { return }
    writeHeader(id, .binary)
    writeBinary(value.utf8)
  }

  package mutating func field(_ id: Int16, _ value: [UInt8]?) {
    guard let value else { return }
    writeHeader(id, .binary)
    writeBinary(value)
  }

  package mutating func field(_ id: Int16, _ value: (some ThriftWritable)?) {
    guard let value else { return }
    writeHeader(id, .structure)
    writeStruct(value)
  }

  /// A structure field without fields of its own, as the members of Thrift unions often are.
  package mutating func emptyStruct(_ id: Int16) {
    writeHeader(id, .structure)
    bytes.append(0)
  }

  package mutating func list<T>(
    _ id: Int16, _ values: [T]?, of type: ThriftType, _ element: (inout ThriftWriter, T) -> Void
  ) {
    guard let values else { return }
    writeHeader(id, .list)
    if values.count < 15 {
      bytes.append(UInt8(values.count) << 4 | type.rawValue)
    } else {
      bytes.append(0xF0 | type.rawValue)
      writeVarint(UInt64(values.count))
    }
    for value in values { element(&self, value) }
  }

  package mutating func list(_ id: Int16, _ values: [some ThriftWritable]?) {
    list(id, values, of: .structure) { $0.writeStruct($1) }
  }

  package mutating func list(_ id: Int16, _ values: [String]?) {
    list(id, values, of: .binary) { $0.writeBinary($1.utf8) }
  }

  package mutating func list(_ id: Int16, _ values: [[UInt8]]?) {
    list(id, values, of: .binary) { $0.writeBinary($1) }
  }

  package mutating func list(_ id: Int16, _ values: [Int64]?) {
    list(id, values, of: .int64) { $0.writeZigzag($1) }
  }

  package mutating func list(_ id: Int16, _ values: [Bool]?) {
    list(id, values, of: .boolTrue) { $0.writeByte($1 ? 1 : 2) }
  }

  /// A structure with its stop byte; field numbers start afresh inside.
  package mutating func writeStruct(_ value: some ThriftWritable) {
    let outer = lastID
    lastID = 0
    value.writeFields(to: &self)
    bytes.append(0)
    lastID = outer
  }
}

// One element of the flattened schema tree (parquet.thrift `SchemaElement`).

package struct SchemaElement: Sendable, Equatable {
  /// Nil for groups.
  package var type: PhysicalType?
  /// Bytes per value of FIXED_LEN_BYTE_ARRAY.
  package var typeLength: Int?
  /// Nil only for the root.
  package var repetition: Repetition?
  package var name: String
  /// Number of children of a group; nil or 0 for leaves.
  package var childCount: Int?
  package var converted: ConvertedType?
  package var scale: Int?
  package var precision: Int?
  package var fieldID: Int32?
  package var logical: LogicalType?

  package init(
    name: String, type: PhysicalType? = nil, typeLength: Int? = nil, repetition: Repetition? = nil, childCount: Int? = nil,
    logical: LogicalType? = nil, fieldID: Int32? = nil
  ) {
    self.name = name
    self.type = type
    self.typeLength = typeLength
    self.repetition = repetition
    self.childCount = childCount
    self.logical = logical
    self.converted = logical?.converted
    self.fieldID = fieldID
    if case .decimal(let scale, let precision) = logical {
      self.scale = scale
      self.precision = precision
    }
  }

  /// The annotation in force: the logical type, or what the converted type stands for.
  package var annotation: LogicalType? {
    if let logical { return logical }
    guard let converted else { return nil }
    return LogicalType(converted: converted, scale: scale ?? 0, precision: precision ?? 0)
  }

  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var element = SchemaElement(name: "")
    var hasName = false
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch field.id {
      case 1:
        try r.expect(field, .int32)
        let raw = try r.readInt32()
        guard let type = PhysicalType(rawValue: raw) else { throw r.corrupt("unknown physical type \(raw)") }
        element.type = type
      case 2: element.typeLength = Int(try r.readInt32())
      case 3:
        try r.expect(field, .int32)
        let raw = try r.readInt32()
        guard let repetition = Repetition(rawValue: raw) else { throw r.corrupt("unknown repetition \(raw)") }
        element.repetition = repetition
      case 4:
        try r.expect(field, .binary)
        element.name = try r.readString()
        hasName = true
      case 5:
        try r.expect(field, .int32)
        element.childCount = try r.readSize("child count")
      case 6: element.converted = ConvertedType(rawValue: try r.readInt32())
      case 7: element.scale = Int(try r.readInt32())
      case 8: element.precision = Int(try r.readInt32())
      case 9: element.fieldID = try r.readInt32()
      case 10:
        try r.expect(field, .structure)
        element.logical = try LogicalType(from: &r)
      default: return false
      }
      return true
    }
    guard hasName else { throw reader.corrupt("schema element without a name") }
    self = element
  }
}

extension SchemaElement: ThriftWritable {
  package func writeFields(to writer: inout ThriftWriter) {
    writer.field(1, type?.rawValue)
    writer.field32(2, typeLength)
    writer.field(3, repetition?.rawValue)
    writer.field(4, name)
    writer.field32(5, childCount)
    writer.field(6, converted?.rawValue)
    writer.field32(7, scale)
    writer.field32(8, precision)
    writer.field(9, fieldID)
    if let logical, logical != .interval { writer.field(10, logical) }
  }
}

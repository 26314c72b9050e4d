// Logical type annotations (parquet.thrift `LogicalType`, a union) and their derivation from the deprecated converted types.

/// The unit of a time or timestamp.
package enum TimeUnit: Int16, Sendable {
  case millis = 1, micros, nanos

  /// Units per second.
  package var perSecond: Int64 {
    switch self {
    case .millis: return 1_000
    case .micros: return 1_000_000
    case .nanos: return 1_000_000_000
    }
  }
}

/// What a column's values mean.
package enum LogicalType: Sendable, Equatable, CustomStringConvertible {
  case string, map, list, enumeration
  case decimal(scale: Int, precision: Int)
  case date
  case time(unit: TimeUnit, isUTC: Bool)
  case timestamp(unit: TimeUnit, isUTC: Bool)
  case integer(bitWidth: Int, isSigned: Bool)
  case unknown, json, bson, uuid, float16
  case variant(version: Int)
  case geometry(crs: String?)
  case geography(crs: String?, algorithm: Int?)
  /// Only a converted type; there is no logical successor.
  case interval
  /// A member of the union this reader has never heard of.
  case unrecognized(Int16)

  package var description: String {
    switch self {
    case .string: return "STRING"
    case .map: return "MAP"
    case .list: return "LIST"
    case .enumeration: return "ENUM"
    case .decimal(let scale, let precision): return "DECIMAL(\(precision),\(scale))"
    case .date: return "DATE"
    case .time(let unit, let isUTC): return "TIME(\(unit),\(isUTC ? "utc" : "local"))"
    case .timestamp(let unit, let isUTC): return "TIMESTAMP(\(unit),\(isUTC ? "utc" : "local"))"
    case .integer(let bitWidth, let isSigned): return "\(isSigned ? "INT" : "UINT")\(bitWidth)"
    case .unknown: return "UNKNOWN"
    case .json: return "JSON"
    case .bson: return "BSON"
    case .uuid: return "UUID"
    case .float16: return "FLOAT16"
    case .variant(let version): return "VARIANT(\(version))"
    case .geometry(let crs): return "GEOMETRY(\(crs ?? "default"))"
    case .geography(let crs, _): return "GEOGRAPHY(\(crs ?? "default"))"
    case .interval: return "INTERVAL"
    case .unrecognized(let id): return "LOGICAL_\(id)"
    }
  }

  /// The annotation a converted type stands for; scale and precision come from the schema element.
  package init?(converted: ConvertedType, scale: Int, precision: Int) {
    switch converted {
    case .utf8: self = .string
    case .map, .mapKeyValue: self = .map
    case .list: self = .list
    case .enumeration: self = .enumeration
    case .decimal: self = .decimal(scale: scale, precision: precision)
    case .date: self = .date
    case .timeMillis: self = .time(unit: .millis, isUTC: true)
    case .timeMicros: self = .time(unit: .micros, isUTC: true)
    case .timestampMillis: self = .timestamp(unit: .millis, isUTC: true)
    case .timestampMicros: self = .timestamp(unit: .micros, isUTC: true)
    case .uint8: self = .integer(bitWidth: 8, isSigned: false)
    case .uint16: self = .integer(bitWidth: 16, isSigned: false)
    case .uint32: self = .integer(bitWidth: 32, isSigned: false)
    case .uint64: self = .integer(bitWidth: 64, isSigned: false)
    case .int8: self = .integer(bitWidth: 8, isSigned: true)
    case .int16: self = .integer(bitWidth: 16, isSigned: true)
    case .int32: self = .integer(bitWidth: 32, isSigned: true)
    case .int64: self = .integer(bitWidth: 64, isSigned: true)
    case .json: self = .json
    case .bson: self = .bson
    case .interval: self = .interval
    }
  }

  /// The converted type written beside the logical one for old readers, or nil where there is none.
  package var converted: ConvertedType? {
    switch self {
    case .string: return .utf8
    case .map: return .map
    case .list: return .list
    case .enumeration: return .enumeration
    case .decimal: return .decimal
    case .date: return .date
    case .time(.millis, _): return .timeMillis
    case .time(.micros, _): return .timeMicros
    case .timestamp(.millis, _): return .timestampMillis
    case .timestamp(.micros, _): return .timestampMicros
    case .integer(8, true): return .int8
    case .integer(16, true): return .int16
    case .integer(32, true): return .int32
    case .integer(64, true): return .int64
    case .integer(8, false): return .uint8
    case .integer(16, false): return .uint16
    case .integer(32, false): return .uint32
    case .integer(64, false): return .uint64
    case .json: return .json
    case .bson: return .bson
    case .interval: return .interval
    default: return nil
    }
  }

  package init?(from reader: inout ThriftReader) throws(ParquetError) {
    var result: LogicalType?
    try reader.readStruct { (r, field) throws(ParquetError) in
      try r.expect(field, .structure)
      switch field.id {
      case 1: result = .string
      case 2: result = .map
      case 3: result = .list
      case 4: result = .enumeration
      case 5:
        result = try Self.readDecimal(&r)
        return true
      case 6: result = .date
      case 7, 8:
        result = try Self.readTime(&r, isTimestamp: field.id == 8)
        return true
      case 10:
        result = try Self.readInteger(&r)
        return true
      case 11: result = .unknown
      case 12: result = .json
      case 13: result = .bson
      case 14: result = .uuid
      case 15: result = .float16
      case 16:
        result = try Self.readVariant(&r)
        return true
      case 17, 18:
        result = try Self.readGeo(&r, isGeography: field.id == 18)
        return true
      default: result = .unrecognized(field.id)
      }
      return false
    }
    guard let result else { return nil }
    self = result
  }

  private static func readDecimal(_ reader: inout ThriftReader) throws(ParquetError) -> LogicalType {
    var scale = 0
    var precision = 0
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch field.id {
      case 1: scale = Int(try r.readInt32())
      case 2: precision = Int(try r.readInt32())
      default: return false
      }
      return true
    }
    return .decimal(scale: scale, precision: precision)
  }

  private static func readTime(_ reader: inout ThriftReader, isTimestamp: Bool) throws(ParquetError) -> LogicalType {
    var isUTC = false
    var unit: TimeUnit?
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch field.id {
      case 1: isUTC = try r.bool(field)
      case 2:
        try r.expect(field, .structure)
        try r.readStruct { (_, member) throws(ParquetError) in
          unit = TimeUnit(rawValue: member.id)
          return false
        }
      default: return false
      }
      return true
    }
    guard let unit else { throw reader.corrupt("time type without a known unit") }
    return isTimestamp ? .timestamp(unit: unit, isUTC: isUTC) : .time(unit: unit, isUTC: isUTC)
  }

  private static func readInteger(_ reader: inout ThriftReader) throws(ParquetError) -> LogicalType {
    var width = 0
    var isSigned = true
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch field.id {
      case 1:
        try r.expect(field, .int8)
        width = Int(try r.readByte())
      case 2: isSigned = try r.bool(field)
      default: return false
      }
      return true
    }
    guard [8, 16, 32, 64].contains(width) else { throw reader.corrupt("integer type of \(width) bits") }
    return .integer(bitWidth: width, isSigned: isSigned)
  }

  private static func readVariant(_ reader: inout ThriftReader) throws(ParquetError) -> LogicalType {
    var version = 1
    try reader.readStruct { (r, field) throws(ParquetError) in
      guard field.id == 1, field.type == .int8 else { return false }
      version = Int(try r.readByte())
      return true
    }
    return .variant(version: version)
  }

  private static func readGeo(_ reader: inout ThriftReader, isGeography: Bool) throws(ParquetError) -> LogicalType {
    var crs: String?
    var algorithm: Int?
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch field.id {
      case 1:
        try r.expect(field, .binary)
        crs = try r.readString()
      case 2:
        try r.expect(field, .int32)
        algorithm = Int(try r.readInt32())
      default: return false
      }
      return true
    }
    return isGeography ? .geography(crs: crs, algorithm: algorithm) : .geometry(crs: crs)
  }
}

extension LogicalType: ThriftWritable {
  package func writeFields(to writer: inout ThriftWriter) {
    switch self {
    case .string: writer.emptyStruct(1)
    case .map: writer.emptyStruct(2)
    case .list: writer.emptyStruct(3)
    case .enumeration: writer.emptyStruct(4)
    case .decimal(let scale, let precision):
      writer.field(5, Members { $0.field32(1, scale); $0.field32(2, precision) })
    case .date: writer.emptyStruct(6)
    case .time(let unit, let isUTC):
      writer.field(7, Members { $0.field(1, isUTC); $0.field(2, Members { $0.emptyStruct(unit.rawValue) }) })
    case .timestamp(let unit, let isUTC):
      writer.field(8, Members { $0.field(1, isUTC); $0.field(2, Members { $0.emptyStruct(unit.rawValue) }) })
    case .integer(let bitWidth, let isSigned):
      writer.field(10, Members { $0.field(1, Int8(truncatingIfNeeded: bitWidth)); $0.field(2, isSigned) })
    case .unknown: writer.emptyStruct(11)
    case .json: writer.emptyStruct(12)
    case .bson: writer.emptyStruct(13)
    case .uuid: writer.emptyStruct(14)
    case .float16: writer.emptyStruct(15)
    case .variant(let version): writer.field(16, Members { $0.field(1, Int8(truncatingIfNeeded: version)) })
    case .geometry(let crs): writer.field(17, Members { $0.field(1, crs) })
    case .geography(let crs, let algorithm):
      writer.field(18, Members { $0.field(1, crs); $0.field32(2, algorithm) })
    case .interval, .unrecognized: break
    }
  }

  /// A nested structure given by the code that writes its fields.
  private struct Members: ThriftWritable {
    var write: (inout ThriftWriter) -> Void
    init(_ write: @escaping (inout ThriftWriter) -> Void) { self.write = write }
    func writeFields(to writer: inout ThriftWriter) { write(&writer) }
  }
}

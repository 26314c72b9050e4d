// Role: column lists of tables, with the type names of both protocol versions.

package import Columnar

extension DataType {
  /// `DataType` of version 1.
  package var clrName: String {
    switch self {
    case .bool: "SByte"
    case .int: "Int32"
    case .long: "Int64"
    case .real: "Double"
    case .decimal: "SqlDecimal"
    case .string: "String"
    case .datetime: "DateTime"
    case .timespan: "TimeSpan"
    case .guid: "Guid"
    case .dynamic: "Object"
    }
  }
}

extension BufferBuilder<UInt8> {
  /// `"Columns":[{"ColumnName":…,"ColumnType":…},…]`, with `DataType` in version 1.
  package func columns(_ schema: StructType, isVersion1: Bool) {
    raw("\"Columns\":[")
    for (i, field) in schema.fields.enumerated() {
      if i > 0 { raw(",") }
      raw("{\"ColumnName\":")
      string(field.name)
      if isVersion1 {
        raw(",\"DataType\":\"")
        raw(field.type.clrName)
        raw("\"")
      }
      raw(",\"ColumnType\":\"")
      raw(field.type.rawValue)
      raw("\"}")
    }
    raw("]")
  }
}

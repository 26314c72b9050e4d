// Role: the type system. Kusto's ten scalar types, their names and aliases; no value lives here.
// Source: Kusto "Scalar data types" reference; physical layouts are those of `VectorStorage`.

/// One of Kusto's ten scalar types. The physical layout of a column of each type is given per case.
public enum DataType: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
  /// Bit-packed booleans.
  case bool
  /// 32-bit signed integers.
  case int
  /// 64-bit signed integers.
  case long
  /// IEEE 754 doubles.
  case real
  /// Exact decimals of up to 34 digits: coefficient and scale.
  case decimal
  /// UTF-8 text.
  case string
  /// Int64 ticks of 100 ns since 1970-01-01T00:00:00Z (years 1 to 9999).
  case datetime
  /// Int64 ticks of 100 ns.
  case timespan
  /// 128-bit identifiers, 16 bytes in text order.
  case guid
  /// JSON-like values in a tagged binary form.
  case dynamic

  /// Kusto's name of the type.
  public var description: String { rawValue }

  /// The type of that name or alias (`boolean`, `int32`, `int64`, `double`, `date`, `time`, `uuid`, …), case-insensitively; nil if there is none.
  public init?(name: String) {
    switch name.lowercased() {
    case "bool", "boolean", "sbyte": self = .bool
    case "int", "int32", "integer": self = .int
    case "long", "int64", "bigint": self = .long
    case "real", "double", "float": self = .real
    case "decimal": self = .decimal
    case "string": self = .string
    case "datetime", "date", "timestamp": self = .datetime
    case "timespan", "time": self = .timespan
    case "guid", "uuid", "uniqueid": self = .guid
    case "dynamic", "object": self = .dynamic
    default: return nil
    }
  }

  /// True for int, long, real and decimal.
  public var isNumeric: Bool {
    switch self {
    case .int, .long, .real, .decimal: true
    default: false
    }
  }

  /// True for the types stored as offsets and bytes.
  package var isVariableWidth: Bool { self == .string || self == .dynamic }

  /// The name .NET (and Kusto's `getschema`) gives the type, such as `System.Int64`.
  public var systemTypeName: String {
    switch self {
    case .bool: "System.SByte"
    case .int: "System.Int32"
    case .long: "System.Int64"
    case .real: "System.Double"
    case .decimal: "System.Data.SqlTypes.SqlDecimal"
    case .string: "System.String"
    case .datetime: "System.DateTime"
    case .timespan: "System.TimeSpan"
    case .guid: "System.Guid"
    case .dynamic: "System.Object"
    }
  }
}

// Role: one value of any type, for literals, statistics and results at the edge. Never used in a row loop.

/// One value of one of the ten types, or a typed null.
public enum Scalar: Sendable, Hashable {
  case null(DataType)
  case bool(Bool)
  case int(Int32)
  case long(Int64)
  case real(Double)
  case decimal(DecimalValue)
  case string(String)
  /// Ticks of 100 ns since 1970-01-01.
  case datetime(Int64)
  /// Ticks of 100 ns.
  case timespan(Int64)
  case guid(GUID)
  case dynamic(DynamicValue)

  public var type: DataType {
    switch self {
    case .null(let type): type
    case .bool: .bool
    case .int: .int
    case .long: .long
    case .real: .real
    case .decimal: .decimal
    case .string: .string
    case .datetime: .datetime
    case .timespan: .timespan
    case .guid: .guid
    case .dynamic: .dynamic
    }
  }

  public var isNull: Bool {
    if case .null = self { return true }
    return false
  }

  /// The value as Int64 for int, long, datetime and timespan; nil otherwise.
  package var int64Value: Int64? {
    switch self {
    case .int(let v): Int64(v)
    case .long(let v), .datetime(let v), .timespan(let v): v
    default: nil
    }
  }

  /// The value as a double for the numeric types; nil otherwise.
  package var doubleValue: Double? {
    switch self {
    case .int(let v): Double(v)
    case .long(let v): Double(v)
    case .real(let v): v
    case .decimal(let v): v.doubleValue
    default: nil
    }
  }
}

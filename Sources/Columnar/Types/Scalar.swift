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

  /// Texts are equal when their bytes are, as everywhere in tables; Swift's strings are also equal where Unicode calls them equivalent.
  public static func == (a: Scalar, b: Scalar) -> Bool {
    switch (a, b) {
    case (.null(let x), .null(let y)): x == y
    case (.bool(let x), .bool(let y)): x == y
    case (.int(let x), .int(let y)): x == y
    case (.long(let x), .long(let y)), (.datetime(let x), .datetime(let y)), (.timespan(let x), .timespan(let y)): x == y
    case (.real(let x), .real(let y)): x == y
    case (.decimal(let x), .decimal(let y)): x == y
    case (.string(let x), .string(let y)): x.hasBytes(of: y)
    case (.guid(let x), .guid(let y)): x == y
    case (.dynamic(let x), .dynamic(let y)): x == y
    default: false
    }
  }

  /// True when no function can tell the two apart: unlike equal values, such as 0.0 and -0.0, or 1.0 and 1.00.
  package func isIdentical(to other: Scalar) -> Bool {
    switch (self, other) {
    case (.real(let x), .real(let y)): x.bitPattern == y.bitPattern
    case (.decimal(let x), .decimal(let y)): x.coefficient == y.coefficient && x.scale == y.scale
    case (.dynamic(let x), .dynamic(let y)): x.binary == y.binary
    default: self == other
    }
  }

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

// Role: which Swift types stand for column values, and the conversions between them and scalars.

public import Columnar

/// A Swift type that a column value can be read as, and that a literal can be made of.
public protocol RowValue: Sendable {
  /// The column type that holds such values.
  static var dataType: DataType { get }
  /// The value of a non-null scalar; nil when the scalar's type or range does not fit.
  init?(scalar: Scalar)
  /// The value as a scalar.
  var scalar: Scalar { get }
}

extension Bool: RowValue {
  public static var dataType: DataType { .bool }
  public init?(scalar: Scalar) {
    guard case .bool(let value) = scalar else { return nil }
    self = value
  }
  public var scalar: Scalar { .bool(self) }
}

/// The exact integer value of a scalar: int, long, and reals and decimals without a fraction.
private func exactInteger(_ scalar: Scalar) -> Int64? {
  switch scalar {
  case .int(let value): Int64(value)
  case .long(let value): value
  case .real(let value): Int64(exactly: value)
  case .decimal(let value): value.rescaled(to: 0).flatMap(Int64.init(exactly:))
  default: nil
  }
}

extension RowValue where Self: FixedWidthInteger {
  public static var dataType: DataType { Self.bitWidth > 32 || (!Self.isSigned && Self.bitWidth == 32) ? .long : .int }
  public init?(scalar: Scalar) {
    guard let value = exactInteger(scalar), let exact = Self(exactly: value) else { return nil }
    self = exact
  }
  /// Values above `Int64.max` become decimals.
  public var scalar: Scalar {
    guard let value = Int64(exactly: self) else { return .decimal(DecimalValue(Int128(self))) }
    return Self.dataType == .int ? .int(Int32(truncatingIfNeeded: value)) : .long(value)
  }
}

extension Int: RowValue {}
extension Int64: RowValue {}
extension Int32: RowValue {}
extension Int16: RowValue {}
extension Int8: RowValue {}
extension UInt32: RowValue {}
extension UInt16: RowValue {}
extension UInt8: RowValue {}
extension UInt64: RowValue {
  public static var dataType: DataType { .decimal }
  public init?(scalar: Scalar) {
    if case .decimal(let value) = scalar {
      guard let whole = value.rescaled(to: 0), let exact = UInt64(exactly: whole) else { return nil }
      self = exact
      return
    }
    guard let value = exactInteger(scalar), let exact = UInt64(exactly: value) else { return nil }
    self = exact
  }
  public var scalar: Scalar { .decimal(DecimalValue(Int128(self))) }
}
extension UInt: RowValue {
  public static var dataType: DataType { .decimal }
  public init?(scalar: Scalar) {
    guard let value = UInt64(scalar: scalar) else { return nil }
    self = UInt(value)
  }
  public var scalar: Scalar { UInt64(self).scalar }
}

extension Double: RowValue {
  public static var dataType: DataType { .real }
  public init?(scalar: Scalar) {
    switch scalar {
    case .real(let value): self = value
    case .int(let value): self = Double(value)
    case .long(let value):
      guard let exact = Double(exactly: value) else { return nil }
      self = exact
    case .decimal(let value):
      // A fraction has no exact double; it counts as kept when the double is written with its digits.
      let near = value.doubleValue
      if value.normalized.coefficient.magnitude >= 1_000_000_000_000_000 {
        guard case .decimal(let back)? = ScalarText.parse("\(near)", as: .decimal), back.normalized == value.normalized else { return nil }
      }
      self = near
    default: return nil
    }
  }
  public var scalar: Scalar { .real(self) }
}

extension Float: RowValue {
  public static var dataType: DataType { .real }
  public init?(scalar: Scalar) {
    guard let value = Double(scalar: scalar) else { return nil }
    let near = Float(value)
    // As for decimals: exact, or written with the same digits.
    guard value.isNaN || Double(near) == value || "\(near)" == "\(value)" else { return nil }
    self = near
  }
  public var scalar: Scalar { .real(Double(self)) }
}

extension String: RowValue {
  public static var dataType: DataType { .string }
  /// Strings as they are, guids as their text.
  public init?(scalar: Scalar) {
    switch scalar {
    case .string(let value): self = value
    case .guid(let value): self = value.description
    default: return nil
    }
  }
  public var scalar: Scalar { .string(self) }
}

extension DecimalValue: RowValue {
  public static var dataType: DataType { .decimal }
  public init?(scalar: Scalar) {
    switch scalar {
    case .decimal(let value): self = value
    case .int(let value): self.init(Int128(value))
    case .long(let value): self.init(Int128(value))
    default: return nil
    }
  }
  public var scalar: Scalar { .decimal(self) }
}

extension DateTime: RowValue {
  public static var dataType: DataType { .datetime }
  public init?(scalar: Scalar) {
    guard case .datetime(let ticks) = scalar else { return nil }
    self.init(ticks: ticks)
  }
  public var scalar: Scalar { .datetime(ticks) }
}

extension TimeSpan: RowValue {
  public static var dataType: DataType { .timespan }
  public init?(scalar: Scalar) {
    guard case .timespan(let ticks) = scalar else { return nil }
    self.init(ticks: ticks)
  }
  public var scalar: Scalar { .timespan(ticks) }
}

extension Duration: RowValue {
  public static var dataType: DataType { .timespan }
  public init?(scalar: Scalar) {
    guard let span = TimeSpan(scalar: scalar) else { return nil }
    self = span.duration
  }
  public var scalar: Scalar { TimeSpan(self).scalar }
}

extension GUID: RowValue {
  public static var dataType: DataType { .guid }
  public init?(scalar: Scalar) {
    switch scalar {
    case .guid(let value): self = value
    case .string(let text):
      guard let value = GUID(text) else { return nil }
      self = value
    default: return nil
    }
  }
  public var scalar: Scalar { .guid(self) }
}

extension DynamicValue: RowValue {
  public static var dataType: DataType { .dynamic }
  /// Dynamic values as they are; other scalars as the dynamic value of the same kind.
  public init?(scalar: Scalar) {
    switch scalar {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .long(Int64(value))
    case .long(let value): self = .long(value)
    case .real(let value): self = .real(value)
    case .decimal(let value): self = .decimal(value)
    case .string(let value): self = .string(value)
    case .datetime(let value): self = .datetime(value)
    case .timespan(let value): self = .timespan(value)
    case .guid(let value): self = .guid(value)
    case .dynamic(let value): self = value
    }
  }
  public var scalar: Scalar { .dynamic(self) }
}

extension DynamicValue {
  /// The value as a scalar of its own kind; arrays and bags stay dynamic.
  package var unwrapped: Scalar {
    switch self {
    case .null: .null(.dynamic)
    case .bool(let value): .bool(value)
    case .long(let value): .long(value)
    case .real(let value): .real(value)
    case .decimal(let value): .decimal(value)
    case .string(let value): .string(value)
    case .datetime(let value): .datetime(value)
    case .timespan(let value): .timespan(value)
    case .guid(let value): .guid(value)
    case .array, .bag: .dynamic(self)
    }
  }
}

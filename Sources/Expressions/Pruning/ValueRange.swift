// Role: what a value expression can be over a range of rows: bounds of its non-null values, and whether nulls or NaN can occur.
// Bounds are only ever too wide. Expressions that are not understood have no bounds.

import Columnar

/// Bounds on the values of an expression; nil is unbounded.
struct ValueRange {
  var type: DataType
  var low: Scalar?
  var high: Scalar?
  var mayBeNull = true
  /// False when every row is null.
  var mayHaveValues = true
  var mayBeNaN = false

  /// Anything of that type.
  static func unknown(_ type: DataType) -> ValueRange { ValueRange(type: type, mayBeNaN: true) }

  static func constant(_ scalar: Scalar) -> ValueRange {
    if scalar.isNull {
      // A null text reads as the empty text.
      if scalar.type == .string { return ValueRange(type: .string, low: .string(""), high: .string("")) }
      return ValueRange(type: scalar.type, mayHaveValues: false)
    }
    if case .real(let v) = scalar, v.isNaN { return ValueRange(type: .real, mayBeNull: false, mayBeNaN: true) }
    return ValueRange(type: scalar.type, low: scalar, high: scalar, mayBeNull: false)
  }

  init(type: DataType, low: Scalar? = nil, high: Scalar? = nil, mayBeNull: Bool = true, mayHaveValues: Bool = true, mayBeNaN: Bool = false) {
    self.type = type
    self.low = low
    self.high = high
    self.mayBeNull = mayBeNull
    self.mayHaveValues = mayHaveValues
    self.mayBeNaN = mayBeNaN
  }

  /// The range of a column from its statistics.
  init(_ statistics: ColumnStatistics) {
    type = statistics.type
    low = statistics.min
    high = statistics.max
    if let n = statistics.nullCount {
      mayBeNull = n > 0
      mayHaveValues = n < statistics.rowCount
    }
    mayBeNaN = statistics.type == .real && statistics.mayHaveNaN
    // Bounds that are NaN or null say nothing.
    if case .real(let v)? = low, v.isNaN { low = nil }
    if case .real(let v)? = high, v.isNaN { high = nil }
    if low?.isNull == true { low = nil }
    if high?.isNull == true { high = nil }
    if type == .string, mayBeNull {
      // Null texts read as empty ones.
      low = .string("")
      if !mayHaveValues { high = .string("") }
      mayHaveValues = true
    }
  }

  // MARK: - What two ranges allow

  /// Whether some value of `a` can be below one of `b`.
  static func canBeLess(_ a: ValueRange, _ b: ValueRange) -> Bool {
    guard let x = a.low, let y = b.high, let order = compare(x, y) else { return true }
    return order.sign < 0 || (order.sign == 0 && !order.isExact)
  }

  /// Whether some value of `a` can be at most one of `b`.
  static func canBeAtMost(_ a: ValueRange, _ b: ValueRange) -> Bool {
    guard let x = a.low, let y = b.high, let order = compare(x, y) else { return true }
    return order.sign <= 0
  }

  static func canBeEqual(_ a: ValueRange, _ b: ValueRange) -> Bool { canBeAtMost(a, b) && canBeAtMost(b, a) }

  static func canDiffer(_ a: ValueRange, _ b: ValueRange) -> Bool { canBeLess(a, b) || canBeLess(b, a) }

  /// The order of two values as comparisons see it; not exact when rounding to real may hide a difference. Nil when they have none.
  static func compare(_ a: Scalar, _ b: Scalar) -> (sign: Int, isExact: Bool)? {
    func sign<T: Comparable>(_ x: T, _ y: T) -> Int { x < y ? -1 : x == y ? 0 : 1 }
    func whole(_ s: Scalar) -> Int64? {
      switch s {
      case .bool(let v): v ? 1 : 0
      case .int(let v): Int64(v)
      case .long(let v): v
      default: nil
      }
    }
    func decimal(_ s: Scalar) -> DecimalValue? {
      if case .decimal(let v) = s { return v }
      return whole(s).map { DecimalValue(Int128($0)) }
    }
    func isExactAsReal(_ s: Scalar) -> Bool { whole(s).map { $0.magnitude <= 1 << 53 } ?? false }
    switch (a, b) {
    case (.datetime(let x), .datetime(let y)), (.timespan(let x), .timespan(let y)): return (sign(x, y), true)
    case (.string(let x), .string(let y)):
      if x.utf8.elementsEqual(y.utf8) { return (0, true) }
      return (x.utf8.lexicographicallyPrecedes(y.utf8) ? -1 : 1, true)
    case (.guid(let x), .guid(let y)): return (sign(x, y), true)
    case (.real(let x), .real(let y)): return x.isNaN || y.isNaN ? nil : (sign(x, y), true)
    case (.real(let x), _):
      guard !x.isNaN, let y = b.doubleValue ?? whole(b).map(Double.init) else { return nil }
      return (sign(x, y), isExactAsReal(b))
    case (_, .real(let y)):
      guard !y.isNaN, let x = a.doubleValue ?? whole(a).map(Double.init) else { return nil }
      return (sign(x, y), isExactAsReal(a))
    default:
      if let x = whole(a), let y = whole(b) { return (sign(x, y), true) }
      if let x = decimal(a), let y = decimal(b) { return (sign(x, y), true) }
      return nil
    }
  }
}

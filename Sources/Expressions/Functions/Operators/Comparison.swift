// Role: == != < <= > >= and between. A column against a constant is one range test over the array; nulls follow Kusto: null == value is false,
// null != value is true, both null is null; the orderings with a null are null. Source: Kusto "Null values".

import Columnar

let comparisonOperators: [FunctionSpec] =
  Comparison.allCases.map { op in
    FunctionSpec(op.rawValue, .operator, 2...2, parameters: "left, right", "Comparison by value.", example: "1 \(op.rawValue) 2") { call in
      try bindComparison(op, call)
    }
  } + [
    FunctionSpec(
      FunctionName.between, .operator, 3...3, parameters: "value, low, high", "True when low <= value <= high.", example: "5 between (1 .. 10)"
    ) { try bindBetween($0, isNegated: false) },
    FunctionSpec(
      FunctionName.notBetween, .operator, 3...3, parameters: "value, low, high", "True when the value lies outside of low .. high.",
      example: "5 !between (1 .. 10)"
    ) { try bindBetween($0, isNegated: true) },
  ]

/// The type both sides are compared as; nil when they cannot be. A dynamic value beside a time or a guid is read as one, as its texts are
/// those of times and guids too. Source: Kusto "The dynamic data type".
func comparisonType(_ a: DataType, _ b: DataType, isEquality: Bool) -> DataType? {
  if a == b { return a }
  if let wide = DataType.widest(a, b) { return wide }
  if a == .bool, b.isNumeric { return b }
  if b == .bool, a.isNumeric { return a }
  if a == .dynamic { return b.isTextInDynamic ? b : .dynamic }
  if b == .dynamic { return a.isTextInDynamic ? a : .dynamic }
  return nil
}

extension DataType {
  /// Whether JSON holds values of the type as texts.
  var isTextInDynamic: Bool { self == .datetime || self == .timespan || self == .guid }
}

private func bindComparison(_ op: Comparison, _ call: FunctionCall) throws -> BoundFunction {
  let isEquality = op == .equal || op == .notEqual
  guard let type = comparisonType(call.types[0], call.types[1], isEquality: isEquality) else {
    throw call.wrongTypes("values of one type; convert one side, for instance with to\(call.types[0])()")
  }
  let nulls: NullRule = isEquality ? .custom : .propagate
  return BoundFunction(.bool, [type, type], nulls: nulls) { arguments, n in
    let bits = compareBits(op, arguments[0], arguments[1], n)
    guard isEquality, type != .string, arguments.contains(where: { $0.validity != nil }) else { return .bool(bits) }
    return equalityWithNulls(bits, op, arguments[0], arguments[1], n)
  }
}

/// Applies the null rule of == and != to bits computed over all slots.
private func equalityWithNulls(_ bits: Bitmap, _ op: Comparison, _ a: ColumnVector, _ b: ColumnVector, _ n: Int) -> ColumnVector {
  let all = { Bitmap(repeating: true, count: n) }
  let x = a.validity ?? all(), y = b.validity ?? all()
  let both = x.and(y)
  let known = x.or(y)
  // One null: == is false, != is true.
  let result = op == .equal ? bits.and(both) : bits.and(both).or(known.andNot(both))
  return .bool(result, validity: known.isAllSet ? nil : known)
}

/// a op b over all slots of two vectors of one type, flat or constant.
func compareBits(_ op: Comparison, _ a: ColumnVector, _ b: ColumnVector, _ n: Int) -> Bitmap {
  if a.isConstant, !b.isConstant { return compareBits(op.flipped, b, a, n) }
  let constant: ColumnVector? = if case .constant(let value) = b.storage { value } else { nil }
  switch (a.storage, constant?.storage ?? b.storage) {
  case (.long(let x), .long(let y)): return constant == nil ? CompareKernels.compare(x, op, y) : CompareKernels.compare(x, op, y[0])
  case (.int(let x), .int(let y)): return constant == nil ? CompareKernels.compare(x, op, y) : CompareKernels.compare(x, op, y[0])
  case (.real(let x), .real(let y)): return constant == nil ? CompareKernels.compare(x, op, y) : CompareKernels.compare(x, op, y[0])
  case (.guid(let x), .guid(let y)) where constant == nil: return CompareKernels.compare(x, op, y)
  case (.decimal64(let x, let s), .decimal64(let y, let t)) where constant == nil && s == t: return CompareKernels.compare(x, op, y)
  case (.decimal64(let x, let s), .decimal64(let y, let t)) where constant != nil:
    return compareDecimals(x, s, op, DecimalValue(Int128(y[0]), scale: t))
  case (.decimal64(let x, let s), .decimal128(let y, let t)) where constant != nil:
    return compareDecimals(x, s, op, DecimalValue(y[0], scale: Int(t[0])))
  case (.bool(let x), .bool(let y)):
    let other = constant == nil ? y : Bitmap(repeating: y[0], count: n)
    switch op {
    case .equal: return x.and(other).or(x.or(other).inverted)
    case .notEqual: return x.andNot(other).or(other.andNot(x))
    case .less: return other.andNot(x)
    case .greater: return x.andNot(other)
    case .lessOrEqual: return other.or(x.inverted)
    case .greaterOrEqual: return x.or(other.inverted)
    }
  default: return compareRows(op, a, b, n)
  }
}

/// Decimals of one scale with a constant: the constant is brought to the column's scale, rounding in the direction that keeps the result exact.
private func compareDecimals(_ values: Buffer<Int64>, _ scale: Int, _ op: Comparison, _ constant: DecimalValue) -> Bitmap {
  if let exact = constant.rescaled(to: scale), let c = Int64(exactly: exact) { return CompareKernels.compare(values, op, c) }
  // Not representable at this scale: equal to no value; the orderings are decided by the largest representable value below it.
  let n = values.count
  switch op {
  case .equal: return Bitmap(repeating: false, count: n)
  case .notEqual: return Bitmap(repeating: true, count: n)
  default: break
  }
  let shifted = DecimalValue(constant.coefficient, scale: Int(constant.scale) - scale).floored
  guard let whole = shifted.rescaled(to: 0) ?? (constant.coefficient < 0 ? Int128.min : Int128.max) as Int128? else {
    return Bitmap(repeating: false, count: n)
  }
  guard let floor = Int64(exactly: whole) else {
    let isBelow = op == .less || op == .lessOrEqual
    return Bitmap(repeating: (whole > 0) == isBelow, count: n)
  }
  return CompareKernels.compare(values, op == .less || op == .lessOrEqual ? .lessOrEqual : .greater, floor)
}

/// Row by row for text, dynamic, guids and decimals of mixed forms.
private func compareRows(_ op: Comparison, _ a: ColumnVector, _ b: ColumnVector, _ n: Int) -> Bitmap {
  switch a.type {
  case .string: return compareTexts(op, a, b, n)
  case .dynamic:
    let x = DynamicRows(a), y = DynamicRows(b)
    return bits(n) { i in
      if op == .equal || op == .notEqual { return x[i].isEqual(y[i]) == (op == .equal) }
      return x[i].order(y[i]).map { op.holds($0) } ?? false
    }
  case .guid:
    let x = GUIDRows(a), y = GUIDRows(b)
    return bits(n) { i in op.holds(x[i] < y[i] ? -1 : x[i] == y[i] ? 0 : 1) }
  case .decimal:
    let x = DecimalRows(a), y = DecimalRows(b)
    return bits(n) { i in op.holds(x[i] < y[i] ? -1 : x[i] == y[i] ? 0 : 1) }
  default:
    // Constants on both sides: compare the one row.
    let one = compareBits(op, a.one, b.one, 1)
    return Bitmap(repeating: one[0], count: n)
  }
}

// SAFETY: rows below n are windows on the two vectors' memory, which live for the call.
private func compareTexts(_ op: Comparison, _ a: ColumnVector, _ b: ColumnVector, _ n: Int) -> Bitmap {
  let x = TextRows(a), y = TextRows(b)
  switch op {
  case .equal: return bits(n) { unsafe sameBytes(x[$0], y[$0]) }
  case .notEqual: return bits(n) { unsafe !sameBytes(x[$0], y[$0]) }
  default: return bits(n) { unsafe op.holds(textOrder(x[$0], y[$0])) }
  }
}

private func bindBetween(_ call: FunctionCall, isNegated: Bool) throws -> BoundFunction {
  var types = call.types
  // datetime between (start .. timespan): the end lies that long behind the start.
  let endIsOffset = (types[0] == .datetime || types[0] == .dynamic) && types[1] == .datetime && types[2] == .timespan
  if endIsOffset { types[2] = .datetime }
  guard let first = comparisonType(types[0], types[1], isEquality: false), let type = comparisonType(first, types[2], isEquality: false) else {
    throw call.wrongTypes("three values of one type")
  }
  return BoundFunction(.bool, [type, type, endIsOffset ? .timespan : type]) { arguments, n in
    var high = arguments[2]
    if endIsOffset, let a = arguments[1].longOperand, let b = high.longOperand {
      let moved = ArithmeticKernels.add(a, b, arguments[1].isConstant && high.isConstant ? 1 : n)
      let vector = ColumnVector.long(moved, type: .datetime)
      high = moved.count == n ? vector : vector.repeated(n)
    }
    let inside = betweenBits(arguments[0], arguments[1], high, n)
    return .bool(isNegated ? inside.inverted : inside)
  }
}

private func betweenBits(_ value: ColumnVector, _ low: ColumnVector, _ high: ColumnVector, _ n: Int) -> Bitmap {
  if low.isConstant, high.isConstant {
    switch (value.storage, low.one.storage, high.one.storage) {
    case (.long(let x), .long(let a), .long(let b)): return CompareKernels.range(x, a[0], b[0])
    case (.int(let x), .int(let a), .int(let b)): return CompareKernels.range(x, a[0], b[0])
    case (.real(let x), .real(let a), .real(let b)): return CompareKernels.range(x, a[0], b[0])
    default: break
    }
  }
  return compareBits(.greaterOrEqual, value, low, n).and(compareBits(.lessOrEqual, value, high, n))
}

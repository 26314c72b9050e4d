// Role: exact decimal arithmetic: column kernels on 64-bit coefficients with overflow detection, and the wide form for what does not fit.

/// A decimal operand with 64-bit coefficients.
private struct NarrowDecimals {
  let values: Operand<Int64>
  let scale: Int

  init?(_ vector: ColumnVector) {
    switch vector.storage {
    case .decimal64(let buffer, let scale): (values, self.scale) = (.column(buffer), scale)
    case .constant(let value):
      guard case .decimal64(let buffer, let scale) = value.storage else { return nil }
      (values, self.scale) = (.value(buffer[0]), scale)
    default: return nil
    }
  }
}

package enum DecimalKernels {
  /// Scales beyond this go through the wide form, which rounds to 34 digits.
  private static let maxNarrowScale = 18

  /// a + b, a - b or a * b over flat or constant decimal columns. Rows whose result has no decimal form are null.
  package static func apply(_ op: DecimalOperation, _ a: ColumnVector, _ b: ColumnVector, _ n: Int) -> ColumnVector {
    if let x = NarrowDecimals(a), let y = NarrowDecimals(b), let fast = narrow(op, x, y, n) { return fast }
    return wide(op, a, b, n)
  }

  private static func narrow(_ op: DecimalOperation, _ a: NarrowDecimals, _ b: NarrowDecimals, _ n: Int) -> ColumnVector? {
    if op == .multiply {
      guard a.scale + b.scale <= maxNarrowScale, a.scale + b.scale >= 0 else { return nil }
      return checked(a.values, b.values, n, scale: a.scale + b.scale) { x, y in x.multipliedReportingOverflow(by: y) }
    }
    guard op == .add || op == .subtract else { return nil }
    let scale = max(a.scale, b.scale)
    guard scale <= maxNarrowScale, let fa = factor(scale - a.scale), let fb = factor(scale - b.scale),
      let x = scaled(a.values, fa), let y = scaled(b.values, fb)
    else { return nil }
    if fa == 1 || a.values.isValue, fb == 1 || b.values.isValue {
      return op == .add
        ? checked(x, y, n, scale: scale) { $0.addingReportingOverflow($1) }
        : checked(x, y, n, scale: scale) { $0.subtractingReportingOverflow($1) }
    }
    return checked(a.values, b.values, n, scale: scale) { p, q in
      let (x, o1) = p.multipliedReportingOverflow(by: fa)
      let (y, o2) = q.multipliedReportingOverflow(by: fb)
      let (z, o3) = op == .add ? x.addingReportingOverflow(y) : x.subtractingReportingOverflow(y)
      return (z, o1 || o2 || o3)
    }
  }

  private static func factor(_ shift: Int) -> Int64? { shift <= 18 ? Int64(powerOfTen(shift)) : nil }

  /// A constant brought to another scale; columns are left for the loop.
  private static func scaled(_ operand: Operand<Int64>, _ factor: Int64) -> Operand<Int64>? {
    guard case .value(let v) = operand else { return operand }
    let (value, overflow) = v.multipliedReportingOverflow(by: factor)
    return overflow ? nil : .value(value)
  }

  /// Nil when any row overflows.
  @inline(__always)
  private static func checked(
    _ a: Operand<Int64>, _ b: Operand<Int64>, _ n: Int, scale: Int, _ f: (Int64, Int64) -> (Int64, Bool)
  ) -> ColumnVector? {
    var overflow = false
    let out = ArithmeticKernels.map(a, b, n) { x, y -> Int64 in
      let (value, o) = f(x, y)
      overflow = overflow || o
      return value
    }
    return overflow ? nil : .decimal(out, scale: scale)
  }

  private static func wide(_ op: DecimalOperation, _ a: ColumnVector, _ b: ColumnVector, _ n: Int) -> ColumnVector {
    let x = WideDecimals(a), y = WideDecimals(b)
    let values = BufferBuilder<Int128>(capacity: n), scales = BufferBuilder<Int16>(capacity: n)
    let v = unsafe values.appendUninitialized(n), s = unsafe scales.appendUninitialized(n)
    let validity = unsafe Bitmap.build(count: n) { words in
      for i in 0..<n {
        let result = op.apply(x[i], y[i])
        unsafe v[i] = result?.coefficient ?? 0
        unsafe s[i] = result?.scale ?? 0
        if result != nil { unsafe words[i >> 6] |= 1 << UInt64(i & 63) }
      }
    }
    withExtendedLifetime((a, b)) {}
    return .computedDecimal(values.finish(), scales.finish(), validity: validity.isAllSet ? nil : validity)
  }
}

extension ColumnVector {
  /// Computed decimals. They take the 64-bit form only when all rows have one scale anyway, so that a row's digits never depend on its neighbours.
  package static func computedDecimal(_ values: Buffer<Int128>, _ scales: Buffer<Int16>, validity: Bitmap?) -> ColumnVector {
    let n = values.count
    var scale: Int16?
    for i in 0..<n where validity.map({ $0[i] }) ?? true {
      if scale == nil { scale = scales[i] }
      if scale != scales[i] || Int64(exactly: values[i]) == nil {
        return ColumnVector(type: .decimal, count: n, validity: validity, storage: .decimal128(values, scales: scales))
      }
    }
    let narrow = BufferBuilder<Int64>(capacity: n)
    for i in 0..<n { narrow.append(Int64(truncatingIfNeeded: values[i])) }
    return .decimal(narrow.finish(), scale: Int(scale ?? 0), validity: validity)
  }
}

extension Operand {
  fileprivate var isValue: Bool {
    if case .value = self { return true }
    return false
  }
}

/// Reads rows of any decimal column, flat or constant, as `DecimalValue`.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe private struct WideDecimals {
  private let narrow: UnsafePointer<Int64>?
  private let wide: UnsafePointer<Int128>?
  private let scales: UnsafePointer<Int16>?
  private let scale: Int
  private let mask: Int

  init(_ vector: ColumnVector) {
    var storage = vector.storage
    if case .constant(let value) = storage {
      storage = value.storage
      mask = 0
    } else {
      mask = -1
    }
    switch storage {
    case .decimal64(let buffer, let scale): unsafe (narrow, wide, scales, self.scale) = unsafe (buffer.pointer, nil, nil, scale)
    case .decimal128(let buffer, let scales): unsafe (narrow, wide, self.scales, scale) = unsafe (nil, buffer.pointer, scales.pointer, 0)
    default: preconditionFailure("a \(vector.type) column where decimals are computed")
    }
  }

  subscript(i: Int) -> DecimalValue {
    let k = i & mask
    if let narrow = unsafe narrow { return unsafe DecimalValue(Int128(narrow[k]), scale: scale) }
    guard let wide = unsafe wide, let scales = unsafe scales else { return DecimalValue(0) }
    return unsafe DecimalValue(wide[k], scale: Int(scales[k]))
  }
}

/// The five operations on decimals.
package enum DecimalOperation: Sendable {
  case add, subtract, multiply, divide, modulo

  /// The result rounded to 34 digits where it is not exact; nil for division by zero and results too large.
  package func apply(_ a: DecimalValue, _ b: DecimalValue) -> DecimalValue? {
    switch self {
    case .add: a.adding(b)
    case .subtract: a.adding(DecimalValue(0 - b.coefficient, scale: Int(b.scale)))
    case .multiply: a.multiplied(by: b)
    case .divide: a.divided(by: b)
    case .modulo: a.modulo(b)
    }
  }
}

extension DecimalValue {
  /// Digits of a result at most.
  package static let maxDigits = 34

  private var digits: Int { decimalDigits(coefficient.magnitude) }

  /// The value with at most `limit` digits, rounded half away from zero.
  private func limited(to limit: Int = maxDigits) -> DecimalValue {
    let excess = digits - limit
    if excess <= 0 { return self }
    let power = powerOfTen(excess)
    var (quotient, remainder) = coefficient.quotientAndRemainder(dividingBy: power)
    if remainder.magnitude >= power.magnitude / 2 { quotient += coefficient < 0 ? -1 : 1 }
    return DecimalValue(quotient, scale: Int(scale) - excess)
  }

  /// The value rounded half away from zero to `scale` digits behind the point (fewer stay as they are); negative for tens, hundreds, ….
  package func rounded(to wanted: Int) -> DecimalValue {
    let drop = Int(scale) - wanted
    if drop <= 0 { return self }
    if drop > 38 { return DecimalValue(0) }
    let power = powerOfTen(drop)
    var (quotient, remainder) = coefficient.quotientAndRemainder(dividingBy: power)
    if remainder.magnitude >= power.magnitude - power.magnitude / 2 { quotient += coefficient < 0 ? -1 : 1 }
    return wanted < 0 ? DecimalValue(DecimalValue(quotient, scale: wanted).rescaled(to: 0) ?? 0) : DecimalValue(quotient, scale: wanted)
  }

  /// The largest whole number not above.
  package var floored: DecimalValue {
    guard scale > 0 else { return self }
    if scale > 38 { return DecimalValue(coefficient < 0 ? -1 : 0) }
    let (quotient, remainder) = coefficient.quotientAndRemainder(dividingBy: powerOfTen(Int(scale)))
    return DecimalValue(remainder < 0 ? quotient - 1 : quotient)
  }

  /// The whole part, towards zero.
  package var truncated: DecimalValue {
    guard scale > 0 else { return self }
    return scale > 38 ? DecimalValue(0) : DecimalValue(coefficient / powerOfTen(Int(scale)))
  }

  package func adding(_ other: DecimalValue) -> DecimalValue? {
    let target = Int(max(scale, other.scale))
    if let x = rescaled(to: target), let y = other.rescaled(to: target) {
      let (sum, overflow) = x.addingReportingOverflow(y)
      if !overflow { return DecimalValue(sum, scale: target).limited() }
    }
    if coefficient == 0 { return other }
    if other.coefficient == 0 { return self }
    // The one with the larger magnitude decides how many digits behind the point are kept.
    let top = max(digits - Int(scale), other.digits - Int(other.scale))
    let kept = Self.maxDigits - top
    let a = rounded(to: kept), b = other.rounded(to: kept)
    let common = Int(max(a.scale, b.scale))
    guard let x = a.rescaled(to: common), let y = b.rescaled(to: common) else { return nil }
    let (sum, overflow) = x.addingReportingOverflow(y)
    return overflow ? nil : DecimalValue(sum, scale: common).limited()
  }

  func multiplied(by other: DecimalValue) -> DecimalValue? {
    let a = limited(), b = other.limited()
    let scale = Int(a.scale) + Int(b.scale)
    let (product, overflow) = a.coefficient.multipliedReportingOverflow(by: b.coefficient)
    if !overflow { return DecimalValue(product, scale: scale).limited() }
    let drop = a.digits + b.digits - Self.maxDigits
    let wide = a.coefficient.magnitude.multipliedFullWidth(by: b.coefficient.magnitude)
    let power = powerOfTen(drop).magnitude
    guard wide.high < power else { return nil }
    var (quotient, remainder) = power.dividingFullWidth(wide)
    if remainder >= power - power / 2 { quotient += 1 }
    return DecimalValue((coefficient < 0) != (other.coefficient < 0) ? 0 - Int128(quotient) : Int128(quotient), scale: scale - drop).limited()
  }

  func divided(by other: DecimalValue) -> DecimalValue? {
    let a = limited(), b = other.limited()
    guard b.coefficient != 0 else { return nil }
    if a.coefficient == 0 { return DecimalValue(0) }
    let lift = Self.maxDigits - a.digits
    let more = b.digits
    let numerator = (a.coefficient.magnitude * powerOfTen(lift).magnitude).multipliedFullWidth(by: powerOfTen(more).magnitude)
    let divisor = b.coefficient.magnitude
    guard numerator.high < divisor else { return nil }
    var (quotient, remainder) = divisor.dividingFullWidth(numerator)
    if remainder >= divisor - divisor / 2 { quotient += 1 }
    let isNegative = (a.coefficient < 0) != (b.coefficient < 0)
    var result = DecimalValue(isNegative ? 0 - Int128(quotient) : Int128(quotient), scale: Int(a.scale) + lift + more - Int(b.scale)).limited()
    while result.scale > 0, result.coefficient % 10 == 0 { result = DecimalValue(result.coefficient / 10, scale: Int(result.scale) - 1) }
    if result.scale < 0, let whole = result.rescaled(to: 0) { result = DecimalValue(whole) }
    return result
  }

  /// The remainder with 0 <= r < |other|; nil for divisor 0 or operands too far apart.
  func modulo(_ other: DecimalValue) -> DecimalValue? {
    guard other.coefficient != 0 else { return nil }
    let target = Int(max(scale, other.scale))
    guard let x = rescaled(to: target), let y = other.rescaled(to: target) else { return nil }
    var r = y == -1 ? 0 : x % y
    if r < 0 { r += Int128(clamping: y.magnitude) }
    return DecimalValue(r, scale: target)
  }
}

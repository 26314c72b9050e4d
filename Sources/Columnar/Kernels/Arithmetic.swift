// Role: arithmetic on columns of 64-bit integers and reals, flat or constant. Integers wrap as Kusto's longs do; reals are IEEE.
// Validity is the caller's: the loops run over all slots.

/// Operands of a kernel: a whole column, or one value for all rows.
package enum Operand<T: BitwiseCopyable & Sendable> {
  case column(Buffer<T>)
  case value(T)
}

extension ColumnVector {
  /// The operand form of a flat or constant column of long, datetime or timespan; nil for other storage.
  package var longOperand: Operand<Int64>? {
    switch storage {
    case .long(let buffer): .column(buffer)
    case .constant(let value): if case .long(let b) = value.storage { .value(b[0]) } else { nil }
    default: nil
    }
  }

  package var realOperand: Operand<Double>? {
    switch storage {
    case .real(let buffer): .column(buffer)
    case .constant(let value): if case .real(let b) = value.storage { .value(b[0]) } else { nil }
    default: nil
    }
  }

  package var intOperand: Operand<Int32>? {
    switch storage {
    case .int(let buffer): .column(buffer)
    case .constant(let value): if case .int(let b) = value.storage { .value(b[0]) } else { nil }
    default: nil
    }
  }
}

package enum ArithmeticKernels {
  package static func add(_ a: Operand<Int64>, _ b: Operand<Int64>, _ n: Int) -> Buffer<Int64> { map(a, b, n) { $0 &+ $1 } }
  package static func subtract(_ a: Operand<Int64>, _ b: Operand<Int64>, _ n: Int) -> Buffer<Int64> { map(a, b, n) { $0 &- $1 } }
  package static func multiply(_ a: Operand<Int64>, _ b: Operand<Int64>, _ n: Int) -> Buffer<Int64> { map(a, b, n) { $0 &* $1 } }

  package static func add(_ a: Operand<Double>, _ b: Operand<Double>, _ n: Int) -> Buffer<Double> { map(a, b, n) { $0 + $1 } }
  package static func subtract(_ a: Operand<Double>, _ b: Operand<Double>, _ n: Int) -> Buffer<Double> { map(a, b, n) { $0 - $1 } }
  package static func multiply(_ a: Operand<Double>, _ b: Operand<Double>, _ n: Int) -> Buffer<Double> { map(a, b, n) { $0 * $1 } }
  package static func divide(_ a: Operand<Double>, _ b: Operand<Double>, _ n: Int) -> Buffer<Double> { map(a, b, n) { $0 / $1 } }

  /// Quotients truncated towards zero; the bitmap has the rows whose divisor is not 0 (nil: all).
  package static func divide(_ a: Operand<Int64>, _ b: Operand<Int64>, _ n: Int) -> (Buffer<Int64>, Bitmap?) {
    (map(a, b, n) { x, y in y == 0 ? 0 : y == -1 ? 0 &- x : x / y }, nonZero(b, n))
  }

  /// Remainders with 0 <= r < |divisor|; the bitmap has the rows whose divisor is not 0 (nil: all).
  package static func modulo(_ a: Operand<Int64>, _ b: Operand<Int64>, _ n: Int) -> (Buffer<Int64>, Bitmap?) {
    (map(a, b, n) { x, y in floorModulo(x, y) }, nonZero(b, n))
  }

  /// The non-negative remainder; 0 for divisor 0.
  @inline(__always) package static func floorModulo(_ x: Int64, _ y: Int64) -> Int64 {
    if y == 0 || y == -1 { return 0 }
    let r = x % y
    return r < 0 ? (y < 0 ? r &- y : r &+ y) : r
  }

  private static func nonZero(_ b: Operand<Int64>, _ n: Int) -> Bitmap? {
    switch b {
    case .value(let v): return v == 0 ? Bitmap(repeating: false, count: n) : nil
    case .column(let values):
      let zeros = CompareKernels.range(values, 0, 0)
      return zeros.isAllClear ? nil : zeros.inverted
    }
  }

  /// One value per row; three loops so that a constant side stays in a register.
  // SAFETY: column operands have n rows, as the batch they come from has, and are kept alive behind the loops; `out` has n slots of `builder`.
  @inline(__always)
  static func map<T, U, R>(_ a: Operand<T>, _ b: Operand<U>, _ n: Int, _ f: (T, U) -> R) -> Buffer<R> {
    let builder = BufferBuilder<R>(capacity: n)
    let out = unsafe builder.appendUninitialized(n)
    switch (a, b) {
    case (.column(let x), .column(let y)):
      let p = unsafe x.pointer, q = unsafe y.pointer
      for i in 0..<n { unsafe out[i] = unsafe f(p[i], q[i]) }
      withExtendedLifetime((x, y)) {}
    case (.column(let x), .value(let c)):
      let p = unsafe x.pointer
      for i in 0..<n { unsafe out[i] = unsafe f(p[i], c) }
      withExtendedLifetime(x) {}
    case (.value(let c), .column(let y)):
      let q = unsafe y.pointer
      for i in 0..<n { unsafe out[i] = unsafe f(c, q[i]) }
      withExtendedLifetime(y) {}
    case (.value(let c), .value(let d)):
      let value = f(c, d)
      for i in 0..<n { unsafe out[i] = value }
    }
    return builder.finish()
  }
}

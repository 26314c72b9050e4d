// Role: functions that work element by element: arithmetic, comparison, rounding, elementary functions. Elements that are no numbers, or have
// no partner because the other array is shorter, give null. Source: Kusto "series_add()", "series_divide()", "series_equals()" and so on.

import Columnar

#if canImport(Glibc)
import Glibc
#endif

/// Reads both operands of row i, a number standing for as many as the other has; nil when neither is an array or one is neither.
private struct OperandPair {
  let left: SeriesOperand
  let right: SeriesOperand
  var a = NumericSeries()
  var b = NumericSeries()
  /// By place: a partner is missing.
  var isMissing: [Bool]?

  init(_ arguments: [ColumnVector]) {
    left = SeriesOperand(arguments[0])
    right = SeriesOperand(arguments[1])
  }

  /// Both of the length of the longer one afterwards.
  mutating func read(_ i: Int) -> Bool {
    guard let isArray = left.read(i, into: &a), let isOtherArray = right.read(i, into: &b), isArray || isOtherArray else { return false }
    if !isArray { a.broadcast(to: b.count) }
    if !isOtherArray { b.broadcast(to: a.count) }
    let n = max(a.count, b.count)
    while a.count < n { a.appendMissing() }
    while b.count < n { b.appendMissing() }
    isMissing = a.isComplete && b.isComplete ? nil : zip(a.isMissing, b.isMissing).map { $0 || $1 }
    return true
  }
}

private func pairSpec(_ name: String, _ summary: String, _ body: @escaping @Sendable (OperandPair, BufferBuilder<UInt8>) -> Void) -> FunctionSpec {
  seriesSpec(name, 2...2, "series1, series2", summary, example: "\(name)(dynamic([1,2,4]), dynamic([4,2,1]))") { call in
    guard call.types.contains(.dynamic), let left = SeriesOperand.parameter(for: call.types[0]), let right = SeriesOperand.parameter(for: call.types[1])
    else { throw call.wrongTypes("two arrays, or an array and a number") }
    return BoundFunction(.dynamic, [left, right], nulls: .custom) { arguments, n in
      var pair = OperandPair(arguments)
      return try collectDynamic(n) { i, out in
        guard pair.read(i) else { return false }
        body(pair, out)
        return true
      }
    }
  }
}

/// Arithmetic that keeps whole numbers whole.
private func arithmetic(
  _ name: String, _ summary: String, _ long: @escaping @Sendable (Int64, Int64) -> Int64, _ real: @escaping @Sendable (Double, Double) -> Double
) -> FunctionSpec {
  pairSpec(name, summary) { pair, out in
    if pair.a.isLong && pair.b.isLong {
      appendLongs(zip(pair.a.longs, pair.b.longs).map { long($0, $1) }, isMissing: pair.isMissing, to: out)
    } else {
      appendReals(zip(pair.a.values, pair.b.values).map { real($0, $1) }, isMissing: pair.isMissing, to: out)
    }
  }
}

/// Arithmetic that always gives reals.
private func realArithmetic(_ name: String, _ summary: String, _ real: @escaping @Sendable (Double, Double) -> Double) -> FunctionSpec {
  pairSpec(name, summary) { pair, out in
    appendReals(zip(pair.a.values, pair.b.values).map { real($0, $1) }, isMissing: pair.isMissing, to: out)
  }
}

private func comparison(
  _ name: String, _ summary: String, _ long: @escaping @Sendable (Int64, Int64) -> Bool, _ real: @escaping @Sendable (Double, Double) -> Bool
) -> FunctionSpec {
  pairSpec(name, summary) { pair, out in
    let isLong = pair.a.isLong && pair.b.isLong
    appendFlags((0..<pair.a.count).map { i in
      if pair.isMissing?[i] == true { return nil }
      return isLong ? long(pair.a.longs[i], pair.b.longs[i]) : real(pair.a.values[i], pair.b.values[i])
    }, to: out)
  }
}

private func unary(_ name: String, _ summary: String, _ body: @escaping @Sendable (NumericSeries, BufferBuilder<UInt8>) -> Void) -> FunctionSpec {
  seriesSpec(name, 1...1, "series", summary, example: "\(name)(dynamic([-1,0.5,1]))", bind: BoundFunction.series(.dynamic, [.dynamic], seriesKernel { _ in
    { _, series, out in
      body(series, out)
      return true
    }
  }))
}

extension NumericSeries {
  /// The marks of missing elements where there are any.
  var gaps: [Bool]? { isComplete ? nil : isMissing }
}

private func elementary(_ name: String, _ what: String, _ f: @escaping @Sendable (Double) -> Double) -> FunctionSpec {
  unary(name, "\(what) of each element.") { series, out in appendReals(series.values.map(f), isMissing: series.gaps, to: out) }
}

/// Rounding and the like: whole numbers stay whole.
private func keeping(
  _ name: String, _ summary: String, _ long: @escaping @Sendable (Int64) -> Int64, _ real: @escaping @Sendable (Double) -> Double
) -> FunctionSpec {
  unary(name, summary) { series, out in
    if series.isLong {
      appendLongs(series.longs.map(long), isMissing: series.gaps, to: out)
    } else {
      appendReals(series.values.map(real), isMissing: series.gaps, to: out)
    }
  }
}

let seriesElementFunctions: [FunctionSpec] = [
  arithmetic("series_add", "The sums of elements at the same place.", { $0 &+ $1 }, { $0 + $1 }),
  arithmetic("series_subtract", "The differences of elements at the same place.", { $0 &- $1 }, { $0 - $1 }),
  arithmetic("series_multiply", "The products of elements at the same place.", { $0 &* $1 }, { $0 * $1 }),
  realArithmetic("series_divide", "The quotients of elements at the same place, as reals.", { $0 / $1 }),
  realArithmetic("series_pow", "The elements of the first series to the power of those of the second.", { pow($0, $1) }),
  comparison("series_equals", "Whether elements at the same place are equal.", { $0 == $1 }, { $0 == $1 }),
  comparison("series_not_equals", "Whether elements at the same place differ.", { $0 != $1 }, { $0 != $1 }),
  comparison("series_greater", "Whether elements of the first series are greater.", { $0 > $1 }, { $0 > $1 }),
  comparison("series_greater_equals", "Whether elements of the first series are greater or equal.", { $0 >= $1 }, { $0 >= $1 }),
  comparison("series_less", "Whether elements of the first series are less.", { $0 < $1 }, { $0 < $1 }),
  comparison("series_less_equals", "Whether elements of the first series are less or equal.", { $0 <= $1 }, { $0 <= $1 }),
  keeping("series_abs", "The absolute value of each element.", { $0 == .min ? $0 : abs($0) }, { $0.magnitude }),
  keeping("series_floor", "The greatest whole number not above each element.", { $0 }, { $0.rounded(.down) }),
  keeping("series_ceiling", "The least whole number not below each element.", { $0 }, { $0.rounded(.up) }),
  unary("series_sign", "-1, 0 or 1 for each element.") { series, out in
    appendLongs(series.values.map { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }, isMissing: series.gaps, to: out)
  },
  elementary("series_exp", "e to the power", { exp($0) }),
  elementary("series_log", "The natural logarithm", { log($0) }),
  elementary("series_sin", "The sine", { sin($0) }),
  elementary("series_cos", "The cosine", { cos($0) }),
  elementary("series_tan", "The tangent", { tan($0) }),
  elementary("series_asin", "The arc sine", { asin($0) }),
  elementary("series_acos", "The arc cosine", { acos($0) }),
  elementary("series_atan", "The arc tangent", { atan($0) }),
]

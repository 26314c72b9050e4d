// Role: unit conversions, the beta distribution and Welch's test. The regularised incomplete beta function is the continued fraction of
// Lentz's method. Source: Kusto "beta_cdf()", "welch_test()"; Numerical Recipes 6.4.

import Columnar

#if canImport(Glibc)
import Glibc
#endif

/// I_x(a, b) for 0 <= x <= 1.
func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
  if x <= 0 { return 0 }
  if x >= 1 { return 1 }
  let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
  if x > (a + 1) / (a + b + 2) { return 1 - incompleteBetaFraction(1 - x, b, a) * front / b }
  return incompleteBetaFraction(x, a, b) * front / a
}

private func incompleteBetaFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
  let tiny = 1e-300
  var c = 1.0
  var d = 1 - (a + b) * x / (a + 1)
  d = 1 / (d.magnitude < tiny ? tiny : d)
  var h = d
  for k in 1...500 {
    let m = Double(k)
    for step in 0..<2 {
      let numerator: Double = step == 0
        ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 + numerator * d
      d = 1 / (d.magnitude < tiny ? tiny : d)
      c = 1 + numerator / c
      if c.magnitude < tiny { c = tiny }
      h *= d * c
    }
    if (d * c - 1).magnitude < 1e-15 { break }
  }
  return h
}

private func inverseBeta(_ p: Double, _ a: Double, _ b: Double) -> Double {
  var low = 0.0, high = 1.0
  for _ in 0..<200 {
    let middle = (low + high) / 2
    if incompleteBeta(middle, a, b) < p { low = middle } else { high = middle }
    if high - low < 1e-16 { break }
  }
  return (low + high) / 2
}

private func three(_ name: String, _ parameters: String, _ summary: String, _ f: @escaping @Sendable (Double, Double, Double) -> Double?) -> FunctionSpec {
  FunctionSpec(name, .math, 3...3, parameters: parameters, summary, example: "\(name)(0.2, 10.0, 50.0)",
    bind: BoundFunction.fixed(.real, [.real, .real, .real], rows(RealRows.self, RealRows.self, RealRows.self) { f($0, $1, $2) }))
}

/// A quantity in another unit; null for units that there are not. Source: Kusto "convert_length()" and its like.
// SAFETY: the texts are windows on the arguments' memory, which live for the call.
private func conversion(_ quantity: String, _ example: String, _ f: @escaping @Sendable (_ from: String, _ to: String) -> (@Sendable (Double) -> Double)?) -> FunctionSpec {
  FunctionSpec("convert_\(quantity)", .math, 3...3, parameters: "value, from, to", "A \(quantity) in another unit.", example: example) { call in
    let parameters: [DataType] = [.real, .string, .string]
    if case .string(let from)? = call.constants[1], case .string(let to)? = call.constants[2] {
      let convert = f(from, to)
      return BoundFunction(.real, parameters, kernel: rows(RealRows.self) { (value: Double) -> Double? in convert?(value) })
    }
    return unsafe BoundFunction(.real, parameters, kernel: rows(RealRows.self, TextRows.self, TextRows.self) { (value, from, to) -> Double? in
      unsafe f(String(decoding: from, as: UTF8.self), String(decoding: to, as: UTF8.self))?(value)
    })
  }
}

/// The two-sided p-value of means, variances and counts of two samples.
private func welch(_ mean1: Double, _ variance1: Double, _ count1: Double, _ mean2: Double, _ variance2: Double, _ count2: Double) -> Double {
  let a: Double = variance1 / count1
  let b: Double = variance2 / count2
  let t: Double = (mean1 - mean2) / (a + b).squareRoot()
  let below: Double = a * a / (count1 - 1) + b * b / (count2 - 1)
  let freedom: Double = (a + b) * (a + b) / below
  return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
}

private func welchKernel(_ arguments: [ColumnVector], _ n: Int) throws -> ColumnVector {
  let v: [RealRows] = arguments.map { RealRows($0) }
  let builder = BufferBuilder<Double>(capacity: n)
  for i in 0..<n { builder.append(welch(v[0][i], v[1][i], v[2][i], v[3][i], v[4][i], v[5][i])) }
  return .real(builder.finish())
}

let unitFunctions: [FunctionSpec] = unitTables.map { (table: UnitTable) -> FunctionSpec in
  let units: [String] = table.factors.keys.sorted()
  return conversion(table.quantity, "convert_\(table.quantity)(1.2, '\(units[0])', '\(units[1])')", { from, to in
    guard let a = table.factors[from], let b = table.factors[to] else { return nil }
    return { $0 * a / b }
  })
}

private func temperature(_ from: String, _ to: String) -> (@Sendable (Double) -> Double)? {
  guard let a = temperatureUnits[from], let b = temperatureUnits[to] else { return nil }
  return { ($0 + a.shift) * a.factor / b.factor - b.shift }
}

private func betaDensity(_ x: Double, _ a: Double, _ b: Double) -> Double {
  if x <= 0 || x >= 1 || a <= 0 || b <= 0 { return .nan }
  let scale: Double = lgamma(a + b) - lgamma(a) - lgamma(b)
  return exp(scale + (a - 1) * log(x) + (b - 1) * log1p(-x))
}

let statisticalFunctions: [FunctionSpec] = [
  conversion("temperature", "convert_temperature(1.2, 'Kelvin', 'DegreeCelsius')", temperature),
  three("beta_cdf", "x, alpha, beta", "Cumulative beta distribution.") { x, a, b in
    x < 0 || x > 1 || a <= 0 || b <= 0 || a > 1e4 || b > 1e4 ? .nan : incompleteBeta(x, a, b)
  },
  three("beta_pdf", "x, alpha, beta", "Density of the beta distribution.") { x, a, b in
    betaDensity(x, a, b)
  },
  three("beta_inv", "probability, alpha, beta", "Inverse of the cumulative beta distribution.") { p, a, b in
    a <= 0 || b <= 0 ? .nan : p <= 0 || p >= 1 ? nil : inverseBeta(p, a, b)
  },
  FunctionSpec("welch_test", .math, 6...6, parameters: "mean1, variance1, count1, mean2, variance2, count2", "The p-value of Welch's t-test.",
    example: "welch_test(1.0, 2.0, 10, 1.5, 2.5, 12)") { _ in
    BoundFunction(.real, Array(repeating: DataType.real, count: 6), kernel: welchKernel)
  },
]

// Role: least-squares polynomials over any points (series_fit_poly), by Forsythe's orthogonal polynomials on x scaled to -1...1: stable for
// high degrees, O(n · degree). Source: G. Forsythe, "Generation and use of orthogonal polynomials for data fitting" (1957).

/// A polynomial and how well it fits.
package struct PolynomialFit: Sendable, Equatable {
  package var rSquare: Double
  /// From the highest power to the constant.
  package var coefficients: [Double]
  package var variance: Double
  package var residualVariance: Double
  package var fitted: [Double]
}

/// The polynomial of least squares; nil without points, with a negative degree or x of another length. Where there are fewer distinct x than
/// coefficients, the highest powers get 0.
package func fitPolynomial(_ y: [Double], x: [Double], degree: Int) -> PolynomialFit? {
  let n = y.count
  guard n > 0, x.count == n, degree >= 0, let low = x.min(), let high = x.max() else { return nil }
  let middle = (low + high) / 2, radius = high > low ? (high - low) / 2 : 1
  let t = x.map { ($0 - middle) / radius }
  var residual = y
  var sum = [Double](repeating: 0, count: degree + 1)
  // The orthogonal polynomials of the last two degrees: values at the points, and coefficients of powers of t, lowest first.
  var values = [Double](repeating: 1, count: n), previousValues = [Double](repeating: 0, count: n)
  var powers = [1.0], previousPowers: [Double] = []
  var norm = Double(n), previousNorm = 1.0
  for k in 0...degree {
    let weight = dot(residual, values) / norm
    for (power, c) in powers.enumerated() { sum[power] += weight * c }
    for i in 0..<n { residual[i] -= weight * values[i] }
    if k == degree { break }
    var tvv = 0.0
    for i in 0..<n { tvv += t[i] * values[i] * values[i] }
    let shift = tvv / norm, back = k > 0 ? norm / previousNorm : 0
    var nextValues = values
    for i in 0..<n { nextValues[i] = (t[i] - shift) * values[i] - back * previousValues[i] }
    var nextPowers = [0.0] + powers
    for (power, c) in powers.enumerated() { nextPowers[power] -= shift * c }
    for (power, c) in previousPowers.enumerated() { nextPowers[power] -= back * c }
    (previousValues, values, previousPowers, powers, previousNorm) = (values, nextValues, powers, nextPowers, norm)
    norm = dot(values, values)
    // No more distinct points than polynomials so far.
    if norm <= Double(n) * 1e-26 { break }
  }
  let mean = y.reduce(0, +) / Double(n)
  let total = y.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }, error = dot(residual, residual)
  return PolynomialFit(
    rSquare: rSquare(error, total), coefficients: inPowersOfX(sum, middle, radius).reversed(), variance: sampleVariance(total, Double(n)),
    residualVariance: sampleVariance(error, Double(n)), fitted: zip(y, residual).map { $0 - $1 })
}

/// Coefficients of powers of t = (x - middle) / radius as those of powers of x, lowest first: Horner's scheme over polynomials.
private func inPowersOfX(_ c: [Double], _ middle: Double, _ radius: Double) -> [Double] {
  var out = [Double](repeating: 0, count: c.count)
  for coefficient in c.reversed() {
    var carry = 0.0
    for k in out.indices {
      let old = out[k]
      out[k] = (carry - middle * old) / radius
      carry = old
    }
    out[0] += coefficient
  }
  return out
}

private func dot(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for i in a.indices { sum += a[i] * b[i] }
  return sum
}

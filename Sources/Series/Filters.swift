// Role: digital filters: finite impulse response (series_fir) and infinite impulse response (series_iir). Points before the first are 0.

/// Σ filter(j)·x(i - j); with `isCentered` the window reaches as far behind the point as before it.
/// Divided by the sum of the coefficients when `isNormalized`.
package func finiteImpulseResponse(_ x: [Double], filter: [Double], isNormalized: Bool, isCentered: Bool) -> [Double] {
  let n = x.count
  var out = [Double](repeating: 0, count: n)
  let shift = isCentered ? filter.count / 2 : 0
  let sum = filter.reduce(0, +)
  for (j, coefficient) in filter.enumerated() where coefficient != 0 {
    let weight = isNormalized ? coefficient / sum : coefficient
    // out(i) takes x(i + shift - j).
    let offset = shift - j
    let first = max(0, -offset), end = min(n, n - offset)
    guard first < end else { continue }
    for i in first..<end { out[i] += weight * x[i + offset] }
  }
  return out
}

/// y(i) = (Σ b(j)·x(i - j) - Σ a(j)·y(i - j), j ≥ 1) / a(0); nil when a(0) is missing or 0.
package func infiniteImpulseResponse(_ x: [Double], numerators b: [Double], denominators a: [Double]) -> [Double]? {
  guard let lead = a.first, lead != 0 else { return nil }
  // Direct form II transposed: the delay line holds what is still to come.
  let order = max(a.count, b.count)
  let b = (0..<order).map { $0 < b.count ? b[$0] / lead : 0 }, a = (0..<order).map { $0 < a.count ? a[$0] / lead : 0 }
  var delay = [Double](repeating: 0, count: order + 1)
  var out = [Double](repeating: 0, count: x.count)
  for i in x.indices {
    guard order > 0 else { break }
    let y = b[0] * x[i] + delay[0]
    for k in 1..<max(order, 1) { delay[k - 1] = b[k] * x[i] - a[k] * y + delay[k] }
    out[i] = y
  }
  return out
}

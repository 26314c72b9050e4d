// Role: least-squares lines through evenly spaced points: one line (series_fit_line) and the best two (series_fit_2lines).

/// A line y = slope·x + intercept over x = 1, 2, … and how well it fits.
package struct LineFit: Sendable, Equatable {
  /// 1 - residual variance / variance: 1 is a perfect fit.
  package var rSquare: Double
  package var slope: Double
  /// Sample variance of the data.
  package var variance: Double
  /// Sample variance of the data around the line.
  package var residualVariance: Double
  package var intercept: Double
  package var fitted: [Double]
}

/// The line of least squares; nil without points. A single point gives a level line.
package func fitLine(_ y: [Double]) -> LineFit? {
  let n = Double(y.count)
  guard n > 0 else { return nil }
  let meanX = (n + 1) / 2, meanY = y.reduce(0, +) / n
  var xy = 0.0, yy = 0.0
  for (i, value) in y.enumerated() {
    xy += (Double(i + 1) - meanX) * (value - meanY)
    yy += (value - meanY) * (value - meanY)
  }
  let xx = n * (n * n - 1) / 12
  let slope = xx > 0 ? xy / xx : 0
  let intercept = meanY - slope * meanX
  let fitted = y.indices.map { slope * Double($0 + 1) + intercept }
  let residual = squaredError(y, fitted)
  return LineFit(
    rSquare: rSquare(residual, yy), slope: slope, variance: sampleVariance(yy, n), residualVariance: sampleVariance(residual, n), intercept: intercept,
    fitted: fitted)
}

/// Σ (y - fitted)².
func squaredError(_ y: [Double], _ fitted: [Double]) -> Double {
  var sum = 0.0
  for i in y.indices { sum += (y[i] - fitted[i]) * (y[i] - fitted[i]) }
  return sum
}

/// A sum of squares over n - 1; 0 for fewer than two points.
func sampleVariance(_ sumOfSquares: Double, _ n: Double) -> Double { n > 1 ? sumOfSquares / (n - 1) : 0 }

/// 1 - residual / total, held within 0...1. Data without variance are fitted perfectly.
func rSquare(_ residual: Double, _ total: Double) -> Double { total > 0 ? max(0, 1 - residual / total) : 1 }

/// Two lines, one for each side of a split.
package struct TwoLineFit: Sendable, Equatable {
  package var rSquare: Double
  /// 0-based index of the first point of the right side.
  package var split: Int
  package var variance: Double
  package var residualVariance: Double
  package var fitted: [Double]
  package var left: LineFit
  package var right: LineFit
}

/// The split whose two lines leave the least squared error; each side has at least two points, and its own x from 1 on.
/// Nil for fewer than four points.
package func fitTwoLines(_ y: [Double]) -> TwoLineFit? {
  let n = y.count
  guard n >= 4 else { return nil }
  let mean = y.reduce(0, +) / Double(n)
  let centred = y.map { $0 - mean }
  let before = lineErrors(centred)
  let behind = Array(lineErrors(centred.reversed()).reversed())
  var split = 2
  for k in 2...n - 2 where before[k - 1] + behind[k] < before[split - 1] + behind[split] { split = k }
  guard let left = fitLine(Array(y[..<split])), let right = fitLine(Array(y[split...])) else { return nil }
  let fitted = left.fitted + right.fitted
  let total = centred.reduce(0) { $0 + $1 * $1 }, residual = squaredError(y, fitted)
  return TwoLineFit(
    rSquare: rSquare(residual, total), split: split, variance: sampleVariance(total, Double(n)), residualVariance: sampleVariance(residual, Double(n)),
    fitted: fitted, left: left, right: right)
}

/// For each i the squared error of the line through points 0...i, from running moments (Welford), in one pass.
private func lineErrors(_ y: [Double]) -> [Double] {
  var out = [Double](repeating: 0, count: y.count)
  var meanX = 0.0, meanY = 0.0, xx = 0.0, xy = 0.0, yy = 0.0
  for (i, value) in y.enumerated() {
    let n = Double(i + 1), x = Double(i)
    let dx = x - meanX, dy = value - meanY
    meanX += dx / n
    meanY += dy / n
    xx += dx * (x - meanX)
    xy += dx * (value - meanY)
    yy += dy * (value - meanY)
    out[i] = xx > 0 ? max(0, yy - xy * xy / xx) : 0
  }
  return out
}

// Role: figures of one series (series_stats) and of two (dot product, cosine similarity, Pearson's correlation), and percentiles.

/// What series_stats() tells of a series.
package struct SeriesStatistics: Sendable, Equatable {
  package var minimum: Double
  package var minimumIndex: Int
  package var maximum: Double
  package var maximumIndex: Int
  package var average: Double
  /// Of a sample; 0 for one point.
  package var variance: Double
  package var sum: Double

  package var deviation: Double { variance.squareRoot() }

  /// Over all points, of which there must be one, else nil.
  package init?(_ x: [Double]) { self.init(x, over: x.indices) }

  /// Over the points at some places, of which there must be one, else nil. Indices are 0-based in the whole series.
  package init?(_ x: [Double], at places: [Int]) { self.init(x, over: places) }

  private init?<Places: Collection>(_ x: [Double], over places: Places) where Places.Element == Int {
    var n = 0.0, sum = 0.0
    var low = 0, high = 0
    for i in places {
      if n == 0 { (low, high) = (i, i) }
      if x[i] < x[low] { low = i }
      if x[i] > x[high] { high = i }
      n += 1
      sum += x[i]
    }
    guard n > 0 else { return nil }
    let mean = sum / n
    var squares = 0.0
    for i in places { squares += (x[i] - mean) * (x[i] - mean) }
    (minimum, minimumIndex, maximum, maximumIndex) = (x[low], low, x[high], high)
    (average, variance, self.sum) = (mean, sampleVariance(squares, n), sum)
  }
}

/// Pearson's correlation; NaN when one of the series is constant or they have no points. Both have the same length.
package func pearsonCorrelation(_ x: [Double], _ y: [Double]) -> Double {
  let n = Double(x.count)
  let meanX = x.reduce(0, +) / n, meanY = y.reduce(0, +) / n
  var xy = 0.0, xx = 0.0, yy = 0.0
  for (a, b) in zip(x, y) {
    xy += (a - meanX) * (b - meanY)
    xx += (a - meanX) * (a - meanX)
    yy += (b - meanY) * (b - meanY)
  }
  return xy / (xx * yy).squareRoot()
}

/// The percentile (0...100) of ascending values, linear between neighbours; there must be a value.
package func percentile(_ sorted: [Double], _ p: Double) -> Double {
  let rank = min(max(p, 0), 100) / 100 * Double(sorted.count - 1)
  let below = Int(rank)
  let fraction = rank - Double(below)
  return fraction > 0 ? sorted[below] + (sorted[below + 1] - sorted[below]) * fraction : sorted[below]
}

/// The median; there must be a value.
func median(_ values: [Double]) -> Double { percentile(values.sorted(), 50) }

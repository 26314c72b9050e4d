// Role: Tukey's fence test as scores (series_outliers). A point beyond the low or high percentile scores its distance to it in units of the
// distance between both, scaled so that 1.5 means for any percentiles of a normal distribution what it means for the quartiles.

#if canImport(Glibc)
import Glibc
#endif

/// The percentiles between which nothing is an outlier.
package struct TukeyFence: Sendable, Equatable {
  /// 0 < low < high < 100.
  package var low: Double
  package var high: Double

  package init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }

  /// The quartiles: Tukey's own test.
  package static let quartiles = TukeyFence(low: 25, high: 75)
  /// The default of Kusto's custom test.
  package static let tenths = TukeyFence(low: 10, high: 90)

  /// The factor that makes a point at the upper fence of the quartiles, four z-scores of the 75th percentile out, score 1.5.
  private func factor(beyond z: Double) -> Double { 1.5 * (score(high) - score(low)) / (4 * Self.quartileScore - z) }

  fileprivate var lowFactor: Double { factor(beyond: -score(low)) }
  fileprivate var highFactor: Double { factor(beyond: score(high)) }

  // Kusto does not print its z-scores; these two follow from scores it gave (the factor for 10 and 90 is 2.772605605507915).
  private static let quartileScore = 0.675
  private static let tenthScore = 1.29682082

  private func score(_ percentile: Double) -> Double {
    switch percentile {
    case 10: -Self.tenthScore
    case 25: -Self.quartileScore
    case 75: Self.quartileScore
    case 90: Self.tenthScore
    default: normalQuantile(percentile / 100)
    }
  }
}

/// One score for each point: 0 between the percentiles of the learning points, positive above, negative below. Points that `isIgnored` names
/// score 0 and do not count; distances up to `tolerance` are no distances. When the percentiles are equal, any other value scores ±infinity.
package func outlierScores(
  _ x: [Double], fence: TukeyFence, learning: Int, tolerance: Double = 0, isIgnored: (Int) -> Bool = { _ in false }
) -> [Double] {
  var known: [Double] = []
  known.reserveCapacity(learning)
  for i in 0..<min(learning, x.count) where !isIgnored(i) { known.append(x[i]) }
  guard !known.isEmpty else { return [Double](repeating: 0, count: x.count) }
  known.sort()
  let low = percentile(known, fence.low), high = percentile(known, fence.high)
  let range = high - low > tolerance ? high - low : 0
  let lowScale = fence.lowFactor / range, highScale = fence.highFactor / range
  return x.indices.map { i in
    if isIgnored(i) { return 0 }
    if x[i] > high + tolerance { return (x[i] - high) * highScale }
    if x[i] < low - tolerance { return (x[i] - low) * lowScale }
    return 0
  }
}

/// The z-score below which a share p (0 < p < 1) of a normal distribution lies: a rational first guess (Abramowitz and Stegun 26.2.23) and
/// Newton's steps.
func normalQuantile(_ p: Double) -> Double {
  if p > 0.5 { return -normalQuantile(1 - p) }
  let t = (-2 * log(p)).squareRoot()
  let above = 2.515517 + t * (0.802853 + t * 0.010328), below = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308))
  var z = above / below - t
  for _ in 0..<3 {
    let error = 0.5 * erfc(-z / 2.0.squareRoot()) - p
    z -= error * (2 * Double.pi).squareRoot() * exp(z * z / 2)
  }
  return z
}

// Role: a series as the sum of a seasonal component, a trend and a residual (series_seasonal, series_decompose, …_anomalies, …_forecast).
// Order, as Kusto documents it: the seasonal component first, then the trend of what is left, then the residual.

/// How the trend is modelled.
package enum TrendModel: String, Sendable, CaseIterable {
  case average = "avg", line = "linefit", none
}

/// Where the period comes from.
package enum Seasonality: Sendable, Equatable {
  /// The best period found, if its score is above the threshold.
  case detected(threshold: Double)
  /// A number of points.
  case period(Int)
  case none
}

/// The components of a series, all of its length.
package struct Decomposition: Sendable, Equatable {
  /// Seasonal component plus trend.
  package var baseline: [Double]
  package var seasonal: [Double]
  package var trend: [Double]
  /// The series less the baseline.
  package var residual: [Double]
  /// The points that were learned from; those behind are predicted.
  package var learning: Int
}

/// The median of all learning points of the same phase; zeros when there is no period.
package func seasonalComponent(_ x: [Double], _ seasonality: Seasonality, learning: Int) -> [Double] {
  var period = 0
  switch seasonality {
  case .none: break
  case .period(let given): period = given
  case .detected(let threshold):
    let best = detectPeriods(Array(x[..<learning]), from: 0, to: Double(learning), count: 1).first
    if let best, best.score > threshold { period = best.period }
  }
  guard period > 0 else { return [Double](repeating: 0, count: x.count) }
  let medians = (0..<min(period, x.count)).map { phase in
    phase < learning ? median(stride(from: phase, to: learning, by: period).map { x[$0] }) : 0
  }
  return x.indices.map { medians[$0 % period] }
}

/// Splits a series; the last `testPoints` points are predicted only.
package func decompose(_ x: [Double], _ seasonality: Seasonality, _ model: TrendModel, testPoints: Int) -> Decomposition {
  let learning = max(0, x.count - max(0, testPoints))
  let seasonal = seasonalComponent(x, seasonality, learning: learning)
  let rest = (0..<learning).map { x[$0] - seasonal[$0] }
  let trend: [Double]
  switch model {
  case .none: trend = [Double](repeating: 0, count: x.count)
  case .average: trend = [Double](repeating: learning > 0 ? rest.reduce(0, +) / Double(learning) : 0, count: x.count)
  case .line:
    let line = fitLine(rest)
    trend = x.indices.map { (line?.slope ?? 0) * Double($0 + 1) + (line?.intercept ?? 0) }
  }
  let baseline = zip(seasonal, trend).map { $0 + $1 }
  return Decomposition(baseline: baseline, seasonal: seasonal, trend: trend, residual: zip(x, baseline).map { $0 - $1 }, learning: learning)
}

/// Flags (1 up, -1 down, 0 none), scores and the baseline.
package struct Anomalies: Sendable, Equatable {
  package var flags: [Int64]
  package var scores: [Double]
  package var baseline: [Double]
}

/// The points whose residual scores beyond `threshold`.
package func detectAnomalies(
  _ x: [Double], threshold: Double, _ seasonality: Seasonality, _ model: TrendModel, testPoints: Int, fence: TukeyFence
) -> Anomalies {
  let parts = decompose(x, seasonality, model, testPoints: testPoints)
  // Differences that rounding alone makes are none.
  let scale = x.reduce(0) { max($0, $1.magnitude) }
  let scores = outlierScores(parts.residual, fence: fence, learning: parts.learning, tolerance: scale * 1e-12)
  return Anomalies(flags: scores.map { $0 > threshold ? 1 : $0 < -threshold ? -1 : 0 }, scores: scores, baseline: parts.baseline)
}

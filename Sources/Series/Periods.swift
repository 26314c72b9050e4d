// Role: the periods of a series (series_periods_detect, series_periods_validate). Peaks of the power spectrum propose periods, the hill of the
// autocorrelation nearby gives the exact length and the score. Autocorrelation is that of the series without its mean under a Hann window,
// divided by the share of points that overlap. Source of the scheme: Vlachos, Yu, Castelli, "On periodicity detection" (SDM 2005).

#if canImport(Glibc)
import Glibc
#endif

/// A period in points, and its score of 0...1.
package struct DetectedPeriod: Sendable, Equatable {
  package var period: Int
  package var score: Double
}

/// Shortest period that is looked for.
private let shortestPeriod = 4
/// A peak has this many times the mean power.
private let peakPower = 3.0

/// At most `count` periods between `low` and `high`, of 4 points to half the series, by falling score. What repeats after some points repeats
/// after twice as many too: a multiple of another period is named only if it scores clearly better.
package func detectPeriods(_ x: [Double], from low: Double, to high: Double, count: Int) -> [DetectedPeriod] {
  let found = periods(x).filter { Double($0.period) >= low && Double($0.period) <= high }
  let own = found.filter { period in !found.contains { $0.score > multipleFactor * period.score && period.period.isMultiple(about: $0.period) } }
  return Array(own.prefix(max(count, 0)))
}

/// A multiple of a period has to score better by this factor.
private let multipleFactor = 0.95

extension Int {
  /// True for twice, three times … as many points, give or take one for each time.
  fileprivate func isMultiple(about base: Int) -> Bool {
    let times = (Double(self) / Double(base)).rounded()
    return times >= 2 && (Double(self) - times * Double(base)).magnitude <= times
  }
}

/// The score of each given period: that of the period found within a point of it, 0 when there is none.
package func validatePeriods(_ x: [Double], _ given: [Double]) -> [Double] {
  let found = periods(x)
  return given.map { period in found.first { (Double($0.period) - period).magnitude < 1 }?.score ?? 0 }
}

/// All periods by falling score.
private func periods(_ x: [Double]) -> [DetectedPeriod] {
  let n = x.count
  guard n >= 2 * shortestPeriod else { return [] }
  let mean = x.reduce(0, +) / Double(n)
  let centred = x.map { $0 - mean }
  guard centred.contains(where: { $0.magnitude > mean.magnitude * 1e-12 }) else { return [] }
  let correlation = windowedAutocorrelation(centred)
  var found: [DetectedPeriod] = []
  for k in spectralPeaks(centred) {
    guard let lag = hill(correlation, around: k, n), !found.contains(where: { $0.period == lag }) else { continue }
    found.append(DetectedPeriod(period: lag, score: min(correlation[lag], 1)))
  }
  return found.sorted { $0.score == $1.score ? $0.period < $1.period : $0.score > $1.score }
}

/// The frequencies k of clear peaks of the power spectrum; their periods are n / k points.
private func spectralPeaks(_ x: [Double]) -> [Int] {
  let n = x.count
  let spectrum = ComplexSeries(x).transformed
  let power = (0...n / 2).map { spectrum.real[$0] * spectrum.real[$0] + spectrum.imaginary[$0] * spectrum.imaginary[$0] }
  // Longer waves than half the series are no periods of it, but may hold most of the power: a trend.
  let mean = power[2...].reduce(0, +) / Double(power.count - 2)
  return (2...max(2, n / shortestPeriod)).filter { k in
    k + 1 < power.count && power[k] > peakPower * mean && power[k] > power[k - 1] && power[k] >= power[k + 1]
  }
}

/// The lag of the hill of the autocorrelation among the lags that the peak at frequency k may stand for: the greatest value there, if it is
/// positive, a maximum, and the correlation falls to half of it in between.
private func hill(_ correlation: [Double], around k: Int, _ n: Int) -> Int? {
  let low = max(shortestPeriod, Int((Double(n) / (Double(k) + 0.5) - 1).rounded(.up)))
  let high = min(n / 2, Int(Double(n) / (Double(k) - 0.5) + 1))
  guard low <= high else { return nil }
  var best = low
  for lag in low...high where correlation[lag] > correlation[best] { best = lag }
  let score = correlation[best]
  guard score > 0, score > correlation[best - 1], score >= correlation[best + 1] else { return nil }
  for lag in 1..<best where correlation[lag] < score / 2 { return best }
  return nil
}

/// The autocorrelation for lags 0...n/2+1 under a Hann window, each divided by the share of points that overlap.
private func windowedAutocorrelation(_ x: [Double]) -> [Double] {
  let n = x.count
  let size = powerOfTwo(atLeast: 2 * n)
  var padded = [Double](repeating: 0, count: size)
  for i in 0..<n { padded[i] = x[i] * (0.5 - 0.5 * cos(2 * Double.pi * Double(i) / Double(n - 1))) }
  var spectrum = ComplexSeries(padded).transformed
  for k in 0..<size {
    spectrum.real[k] = spectrum.real[k] * spectrum.real[k] + spectrum.imaginary[k] * spectrum.imaginary[k]
    spectrum.imaginary[k] = 0
  }
  let sums = spectrum.inverseTransformed.real
  return (0...n / 2 + 1).map { lag in sums[0] > 0 ? sums[lag] / sums[0] * Double(n) / Double(n - lag) : 0 }
}

// Periods, seasons, outliers and anomalies: the figures the language reference prints, and generated series with known answers.

import Series
import Testing

/// Two readings a day over a month; the reference finds the period 14 with a score of 0.84.
private let traffic: [Double] = [
  80, 139, 87, 110, 68, 54, 50, 51, 53, 133, 86, 141, 97, 156, 94, 149, 95, 140, 77, 61, 50, 54, 47, 133, 72, 152, 94, 148, 105, 162, 101, 160, 87, 63, 53, 55, 54,
  151, 103, 189, 108, 183, 113, 175, 113, 178, 90, 71, 62, 62, 65, 165, 109, 181, 115, 182, 121, 178, 114, 170,
]

/// Five weeks of hours: weekends are lower, days have a shape, noise of 0...2, and six outliers. As in series_decompose().
private func weeks(weekday: Double, weekend: Double, slope: Double) -> [Double] {
  var state: UInt64 = 42
  return (1...840).map { (t: Int) -> Double in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let hour = t % 24 / 10
    let level = (t / 24) % 7 >= 5 ? weekend : weekday
    let outlier: Double = switch t {
    case 150, 200, 780: -8
    case 300, 400, 600: 8
    default: 0
    }
    let noise: Double = Double(state >> 11) / 4_503_599_627_370_496
    let shape: Double = level - Double(hour * hour)
    return noise + shape + slope * Double(t) + outlier
  }
}

@Suite struct PeriodTests {
  @Test func documented() {
    let found = detectPeriods(traffic, from: 0, to: 50, count: 2)
    #expect(found.map(\.period) == [14])
    #expect(isClose(found.first?.score ?? 0, 0.84, 0.005))
    let scores = validatePeriods(traffic, [14, 10])
    #expect(scores == [found.first?.score ?? 0, 0])
  }

  @Test func bounds() {
    #expect(detectPeriods(traffic, from: 15, to: 50, count: 2).isEmpty)
    #expect(detectPeriods(traffic, from: 0, to: 50, count: 0).isEmpty)
    #expect(detectPeriods([1, 2, 1, 2, 1, 2], from: 0, to: 10, count: 1).isEmpty)
    #expect(detectPeriods([Double](repeating: 3.3, count: 100), from: 0, to: 50, count: 1).isEmpty)
    #expect(detectPeriods((0..<200).map(Double.init), from: 0, to: 100, count: 1).isEmpty)
  }

  @Test func week() {
    #expect(detectPeriods(weeks(weekday: 15, weekend: 10, slope: 0), from: 0, to: 420, count: 1).first?.period == 168)
    #expect(detectPeriods(weeks(weekday: 15, weekend: 5, slope: 1 / 72), from: 0, to: 420, count: 1).first?.period == 168)
  }

  /// Periods that do not divide the length, with noise a tenth of the wave.
  @Test(arguments: [5, 7, 12, 23, 24, 60, 97]) func wave(_ period: Int) {
    var state: UInt64 = 7
    let x = (0..<1013).map { (i: Int) -> Double in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let noise: Double = 0.1 * Double(state >> 40) / 16_777_216
      return Double(i % period) / Double(period) + noise
    }
    #expect(detectPeriods(x, from: 0, to: 500, count: 1).first?.period == period)
  }
}

@Suite struct SeasonTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var x: [Double]
    var seasonality: Seasonality
    var expected: [Double]
    var testDescription: String { "\(x)" }
  }

  /// The examples of series_seasonal().
  @Test(arguments: [
    Case(
      x: [2, 5, 3, 4, 3, 2, 1, 2, 3, 4, 3, 2, 1, 2, 3, 4, 3, 2, 1, 2, 3, 4, 3, 2, 1], seasonality: .detected(threshold: 0.7),
      expected: [1, 2, 3, 4, 3, 2, 1, 2, 3, 4, 3, 2, 1, 2, 3, 4, 3, 2, 1, 2, 3, 4, 3, 2, 1]),
    Case(
      x: [8, 12, 14, 12, 10, 10, 12, 14, 12, 10, 10, 12, 14, 12, 10, 10, 12, 14, 12, 10], seasonality: .detected(threshold: 0.7),
      expected: [10, 12, 14, 12, 10, 10, 12, 14, 12, 10, 10, 12, 14, 12, 10, 10, 12, 14, 12, 10]),
    Case(x: [1, 3, 5, 2, 4, 6, 1, 3, 5, 2, 4, 6], seasonality: .detected(threshold: 0.7), expected: [Double](repeating: 0, count: 12)),
    Case(x: [1, 3, 5, 1, 3, 5, 2, 4, 6], seasonality: .period(3), expected: [1, 3, 5, 1, 3, 5, 1, 3, 5]),
    Case(x: [1, 3, 5, 2, 4, 6, 1, 3, 5, 2, 4, 6], seasonality: .period(3), expected: [1.5, 3.5, 5.5, 1.5, 3.5, 5.5, 1.5, 3.5, 5.5, 1.5, 3.5, 5.5]),
    Case(x: [1, 2, 3], seasonality: .none, expected: [0, 0, 0]),
    Case(x: [1, 2, 3], seasonality: .period(7), expected: [1, 2, 3]),
  ]) func documented(_ item: Case) {
    #expect(seasonalComponent(item.x, item.seasonality, learning: item.x.count) == item.expected)
  }

  @Test func components() {
    let x = weeks(weekday: 15, weekend: 5, slope: 1 / 72)
    let parts = decompose(x, .detected(threshold: 0.6), .line, testPoints: 0)
    #expect(areClose(zip(parts.seasonal, parts.trend).map { $0 + $1 }, parts.baseline, 1e-12))
    #expect(areClose(zip(parts.baseline, parts.residual).map { $0 + $1 }, x, 1e-12))
    // Medians over five weeks keep the slope between weeks in the trend.
    #expect(isClose(((parts.trend.last ?? 0) - parts.trend[0]) / 839, 1 / 72, 0.002))
    let none = decompose(x, .none, .none, testPoints: 0)
    #expect(none.baseline.allSatisfy { $0 == 0 } && none.residual == x)
  }

  /// Points behind the learning part do not change the baseline and are continued.
  @Test func forecast() {
    func wave(_ i: Int) -> Double {
      let season: [Double] = [1, 5, 9, 5]
      return season[i % 4] + 0.5 * Double(i)
    }
    let known: [Double] = (0..<96).map(wave)
    let a = decompose(known + [Double](repeating: 0, count: 8), .period(4), .line, testPoints: 8)
    let b = decompose(known + [Double](repeating: 1e6, count: 8), .period(4), .line, testPoints: 8)
    #expect(a.baseline == b.baseline)
    for i in 96..<104 { #expect((a.baseline[i] - wave(i)).magnitude < 2.1) }
  }

  /// The scores a cluster printed for this series; elements between the percentiles score 0.
  @Test func outliers() {
    let x: [Double] = [-3, 2.4, 15, 3.9, 5, 6, 4.5, 5.2, 3, 4, 5, 16, 7, 5, 5, 4]
    let expected = [-1.9040785483608571, -0.10021466044004519, 1.3361954725339347, 0, 0, 0, 0, 0, 0, 0, 0, 1.6702443406674186, 0, 0, 0, 0]
    #expect(areClose(outlierScores(x, fence: .tenths, learning: 16), expected, 1e-12))
  }

  /// Tukey's own test: 1.5 is 1.5 interquartile ranges beyond a quartile.
  @Test func quartiles() {
    let x: [Double] = (0...100).map { Double($0) } + [150, -100]
    let scores = outlierScores(x, fence: .quartiles, learning: 101)
    #expect(isClose(scores[101], 1.5))
    #expect(isClose(scores[102], -2.5))
    #expect(scores[25] == 0 && scores[75] == 0 && isClose(scores[100], 0.5))
    // Any fence gives about the same score for what is far out of a normal distribution.
    #expect(outlierScores([1, 1, 1, 1, 1, 1, 1, 1, 1, 5], fence: .quartiles, learning: 10)[9] == .infinity)
  }

  @Test func ignoredPoints() {
    let x: [Double] = [1, 2, 3, 2, 1, 2, -999, 3, 2, 30]
    let scores = outlierScores(x, fence: .tenths, learning: 10) { x[$0] == -999 }
    #expect(scores[6] == 0)
    #expect(scores[9] > 1.5)
    #expect(outlierScores([1, 2], fence: .tenths, learning: 2) { _ in true } == [0, 0])
  }

  @Test func anomalies() {
    let x = weeks(weekday: 15, weekend: 5, slope: 1 / 72)
    let found = detectAnomalies(x, threshold: 2.5, .detected(threshold: 0.6), .line, testPoints: 0, fence: .tenths)
    #expect(found.flags.indices.filter { found.flags[$0] < 0 } == [149, 199, 779])
    #expect(found.flags.indices.filter { found.flags[$0] > 0 } == [299, 399, 599])
    #expect(zip(found.flags, found.scores).allSatisfy { $0 == 0 ? $1.magnitude <= 2.5 : $1.magnitude > 2.5 })
  }

  /// A perfect series has no anomalies: rounding is none.
  @Test func perfection() {
    let season: [Double] = [0.1, 0.7, 1.3, 0.7, 0.2, 0.3]
    let x: [Double] = (0..<240).map { (i: Int) -> Double in season[i % 6] * 3.7 + 0.1 }
    let found = detectAnomalies(x, threshold: 1.5, .period(6), .line, testPoints: 0, fence: .tenths)
    #expect(found.flags.allSatisfy { $0 == 0 })
  }
}

// Regressions, filters, fills and figures against numpy (polyfit, convolve, corrcoef) and the language reference.

import Series
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite struct FitTests {
  /// The example of series_fit_line().
  @Test func line() throws {
    let fit = try #require(fitLine([2, 5, 6, 8, 11, 15, 17, 18, 25, 26, 30, 30]))
    #expect(areClose(
      [fit.slope, fit.intercept, fit.variance, fit.residualVariance, fit.rSquare, fit.fitted[0], fit.fitted[11]],
      [2.73076923076923, -1.6666666666666667, 98.62878787878786, 1.6864801864801864, 0.982900730884447, 1.0641025641025641, 31.102564102564102]))
  }

  @Test func degenerateLines() {
    #expect(fitLine([]) == nil)
    #expect(fitLine([5])?.slope == 0)
    #expect(fitLine([5])?.intercept == 5)
    #expect(fitLine([4, 4, 4])?.rSquare == 1)
    #expect(fitTwoLines([1, 2, 3]) == nil)
  }

  /// The example of series_fit_2lines(), judged by numpy over all splits.
  @Test func twoLines() throws {
    let fit = try #require(fitTwoLines([1, 2.2, 2.5, 4.7, 5.0, 12, 10.3, 10.3, 9, 8.3, 6.2]))
    #expect(fit.split == 5)
    #expect(areClose(
      [fit.rSquare, fit.left.slope, fit.left.intercept, fit.right.slope, fit.right.intercept],
      [0.9865131917168768, 1.05, -0.07, -1.0371428571428571, 12.98]))
    #expect(fit.fitted.count == 11)
  }

  @Test func levelJump() throws {
    let fit = try #require(fitTwoLines([Double](repeating: 3, count: 40) + [Double](repeating: 8, count: 25)))
    #expect(fit.split == 40)
    #expect(isClose(fit.rSquare, 1))
  }

  @Test func polynomial() throws {
    let x = (0..<60).map { (i: Int) -> Double in -2.3 + 5 * Double(i) / 59 }
    let y = x.enumerated().map { (i: Int, x: Double) -> Double in
      let curve: Double = pow(x, 5) - 8 * pow(x, 3)
      let line: Double = 10 * x + 6
      let noise: Int = (i * 37) % 11 - 5
      return curve + line + Double(noise) / 7
    }
    let fit = try #require(fitPolynomial(y, x: x, degree: 5))
    #expect(areClose(
      fit.coefficients,
      [1.006133589355251, -0.021651929905659038, -8.024267541451522, 0.08547634696499545, 10.014634100337453, 5.964148630063394], 1e-8))
    #expect(isClose(fit.rSquare, 0.9954300720764652))
  }

  @Test func polynomialOfHighDegree() throws {
    let x = (0..<40).map { (i: Int) -> Double in Double(i) / 39 }
    let y = x.enumerated().map { (i: Int, x: Double) -> Double in
      let noise: Int = (i * 29) % 13 - 6
      return sin(9 * x) + Double(noise) / 40
    }
    let fit = try #require(fitPolynomial(y, x: x, degree: 8))
    #expect(areClose([fit.fitted[0], fit.fitted[13], fit.fitted[39]], [-0.17209866700610524, 0.13405180064536845, 0.32816205165410606]))
    #expect(isClose(fit.coefficients[0], -797.0257923307316, 1e-6))
  }

  @Test func polynomialsOfFewPoints() throws {
    let line = try #require(fitPolynomial([1, 4, 9], x: [1, 2, 3], degree: 2))
    #expect(areClose(line.coefficients, [1, 0, 0], 1e-12))
    let flat = try #require(fitPolynomial([5, 5], x: [1, 1], degree: 3))
    #expect(areClose(flat.coefficients, [0, 0, 0, 5], 1e-12))
    #expect(fitPolynomial([1, 2], x: [1], degree: 1) == nil)
  }
}

@Suite struct FilterTests {
  @Test func finite() {
    let x: [Double] = [1, 4, 2, 8, 5, 7, 1]
    #expect(finiteImpulseResponse(x, filter: [1, 2, 3, 4], isNormalized: false, isCentered: false) == [1, 6, 13, 28, 43, 49, 62])
    #expect(finiteImpulseResponse([0, 0, 10, 0, 0], filter: [1, 1, 1, 1, 1], isNormalized: true, isCentered: true) == [2, 2, 2, 2, 2])
    #expect(finiteImpulseResponse([0, 0, 10, 0, 0], filter: [1, 1, 1, 1, 1], isNormalized: true, isCentered: false) == [0, 0, 2, 2, 2])
    #expect(finiteImpulseResponse([0, 0, 2, 2, 3], filter: [1, -1], isNormalized: false, isCentered: false) == [0, 0, 2, 0, 1])
    #expect(finiteImpulseResponse([1, 2], filter: [1, 1, 1, 1, 1, 1, 1], isNormalized: false, isCentered: true) == [3, 3])
  }

  @Test func infinite() {
    #expect(infiniteImpulseResponse([1, 2, 3, 4], numerators: [1], denominators: [1, -1]) == [1, 3, 6, 10])
    #expect(infiniteImpulseResponse([1, 0, 0, 0], numerators: [2, 2], denominators: [2, -1, 0.5]) == [1, 1.5, 0.5, -0.125])
    #expect(infiniteImpulseResponse([1], numerators: [1], denominators: [0, 1]) == nil)
    #expect(infiniteImpulseResponse([1], numerators: [1], denominators: []) == nil)
    #expect(infiniteImpulseResponse([3, 4], numerators: [], denominators: [1]) == [0, 0])
  }

  @Test func fills() {
    let isMissing = [true, false, true, true, false, true]
    #expect(fillSources(isMissing: isMissing, isForward: true) == [0, 1, 1, 1, 4, 4])
    #expect(fillSources(isMissing: isMissing, isForward: false) == [1, 1, 4, 4, 4, 5])
    var gaps = isMissing
    #expect(fillLinear([0, 3, 0, 0, 9, 0], isMissing: &gaps, fillsEdges: true) == [3, 3, 5, 7, 9, 9])
    #expect(gaps == [false, false, false, false, false, false])
    gaps = isMissing
    #expect(fillLinear([0, 3, 0, 0, 9, 0], isMissing: &gaps, fillsEdges: false) == [0, 3, 5, 7, 9, 0])
    #expect(gaps == [true, false, false, false, false, true])
  }

  @Test func figures() throws {
    #expect(isClose(pearsonCorrelation([1.5, 2, -3, 4, 8, 1, 0.5], [2, 1, -1, 5, 7, 3, 3]), 0.9167743551236825))
    #expect(pearsonCorrelation([1, 1], [1, 2]).isNaN)
    let s = try #require(SeriesStatistics([23, 46, 23, 87, 4, 8, 3, 75, 2, 56, 13, 75, 32, 16, 29]))
    #expect(s.minimumIndex == 8 && s.maximumIndex == 3)
    #expect(areClose([s.minimum, s.maximum, s.average, s.deviation, s.variance, s.sum], [2, 87, 32.8, 28.503633853548269, 812.45714285714291, 492]))
    #expect(SeriesStatistics([1, 2], at: []) == nil)
    #expect(SeriesStatistics([7])?.variance == 0)
  }
}

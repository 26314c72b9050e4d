// The transform against numpy.fft on lengths of all kinds: powers of two, smooth numbers, primes; and its inverse.

import Series
import Testing

struct FourierCase: Sendable, CustomTestStringConvertible {
  var count: Int
  var places: [Int]
  var real: [Double]
  var imaginary: [Double]
  var testDescription: String { "\(count) points" }

  /// The input all expected values were made from.
  var input: [Double] {
    (0..<count).map { (i: Int) -> Double in
      let step: Int = (i * 7919 + 13) % 101
      return Double(step) / 10 - 3
    }
  }
}

@Suite struct FourierTests {
  @Test(arguments: fourierCases) func transform(_ item: FourierCase) {
    let output = ComplexSeries(item.input).transformed
    for (k, place) in item.places.enumerated() {
      #expect(isClose(output.real[place], item.real[k], 1e-11))
      #expect(isClose(output.imaginary[place], item.imaginary[k], 1e-11))
    }
  }

  @Test(arguments: [1, 2, 6, 64, 1000, 4096, 10_007]) func inverse(_ n: Int) {
    let real: [Double] = (0..<n).map { (i: Int) -> Double in Double(i * 31 % 17) }
    let imaginary: [Double] = (0..<n).map { (i: Int) -> Double in Double(i * 7 % 5) - 2 }
    let input = ComplexSeries(real: real, imaginary: imaginary)
    let back = input.transformed.inverseTransformed
    #expect(zip(input.real, back.real).allSatisfy { isClose($0, $1, 1e-10) })
    #expect(zip(input.imaginary, back.imaginary).allSatisfy { isClose($0, $1, 1e-10) })
  }

  @Test func nothing() { #expect(ComplexSeries([]).transformed.count == 0) }
}

/// Equal within a relative (for small numbers absolute) error.
func isClose(_ a: Double, _ b: Double, _ error: Double = 1e-9) -> Bool { (a - b).magnitude <= error * max(1, b.magnitude) }

func areClose(_ a: [Double], _ b: [Double], _ error: Double = 1e-9) -> Bool { a.count == b.count && zip(a, b).allSatisfy { isClose($0, $1, error) } }

private let fourierCases: [FourierCase] = [
  FourierCase(count: 1, places: [0], real: [-1.7], imaginary: [0.0]),
  FourierCase(count: 2, places: [0, 1], real: [0.7000000000000004, -4.1000000000000005], imaginary: [0.0, 0.0]),
  FourierCase(count: 3, places: [0, 1, 2], real: [7.2, -6.15, -6.15], imaginary: [0.0, 3.550704155516198, -3.550704155516198]),
  FourierCase(count: 5, places: [0, 1, 2, 4], real: [12.3, -5.2, -5.2, -5.2], imaginary: [0.0, -1.4343871779055015, 6.999466652814362, 1.4343871779055015]),
  FourierCase(
    count: 7, places: [0, 1, 3, 6], real: [13.6, -4.249999999999999, -4.250000000000001, -4.249999999999999],
    imaginary: [0.0, -5.68845773111401, 10.30383827317818, 5.68845773111401]),
  FourierCase(
    count: 8, places: [0, 1, 4, 7], real: [20.4, 0.8417784899841321, 3.799999999999997, 0.8417784899841321],
    imaginary: [0.0, -2.0322330470336305, 0.0, 2.0322330470336305]),
  FourierCase(count: 12, places: [0, 1, 6, 11], real: [28.0, -4.4, -4.4, -4.4], imaginary: [0.0, -1.0726896031425985, 0.0, 1.0726896031425976]),
  FourierCase(
    count: 30, places: [0, 1, 15, 29], real: [55.9, 9.38254660119357, -0.9000000000000021, 9.382546601193571],
    imaginary: [0.0, -5.589783229484816, 0.0, 5.589783229484815]),
  FourierCase(
    count: 31, places: [0, 1, 15, 30], real: [56.0, 7.860894450160552, -0.7202046325469977, 7.860894450160552],
    imaginary: [0.0, -4.8141469468862725, -2.816285909220216, 4.8141469468862725]),
  FourierCase(
    count: 97, places: [0, 1, 48, 96], real: [189.20000000000007, -10.971359627906843, -0.4581648694694328, -10.971359627906843],
    imaginary: [0.0, 2.0801092295885693, 6.573670257932148, -2.0801092295885693]),
]

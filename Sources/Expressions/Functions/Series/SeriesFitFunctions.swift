// Role: series_fit_line, series_fit_2lines and series_fit_poly: regressions, as columns or as a bag. A series with an element that is no number
// gives null.

import Columnar
internal import Series

private func reals(_ names: [String]) -> [FunctionOutput] { names.map { FunctionOutput($0, .real) } }

private let lineOutputs = reals(["rsquare", "slope", "variance", "rvariance", "interception"]) + [FunctionOutput("line_fit", .dynamic)]

private func outputs(_ line: LineFit) -> [SeriesOutput] {
  [.real(line.rSquare), .real(line.slope), .real(line.variance), .real(line.residualVariance), .real(line.intercept), .reals(line.fitted)]
}

private let totalOutputs = [
  FunctionOutput("rsquare", .real), FunctionOutput("split_idx", .long), FunctionOutput("variance", .real), FunctionOutput("rvariance", .real),
  FunctionOutput("line_fit", .dynamic),
]
private let sideOutputs = reals(["rsquare", "slope", "interception", "variance", "rvariance"])
private let twoLineOutputs = totalOutputs + ["right", "left"].flatMap { side in sideOutputs.map { FunctionOutput("\(side)_\($0.name)", $0.type) } }

private func total(_ fit: TwoLineFit) -> [SeriesOutput] {
  [.real(fit.rSquare), .long(Int64(fit.split)), .real(fit.variance), .real(fit.residualVariance), .reals(fit.fitted)]
}

private func side(_ line: LineFit) -> [SeriesOutput] {
  [.real(line.rSquare), .real(line.slope), .real(line.intercept), .real(line.variance), .real(line.residualVariance)]
}

private func bag(_ names: [FunctionOutput], _ values: [SeriesOutput]) -> [(key: String, value: SeriesOutput)] {
  zip(names, values).map { (key: $0.name, value: $1) }
}

private func bagSpec(_ name: String, _ summary: String, _ f: @escaping @Sendable ([Double]) -> [(key: String, value: SeriesOutput)]?) -> FunctionSpec {
  seriesSpec(name, 1...1, "series", summary, example: "\(name)(dynamic([2,5,6,8]))", bind: BoundFunction.series(.dynamic, [.dynamic], seriesKernel { _ in
    { _, series, out in
      guard series.isComplete, let entries = f(series.values) else { return false }
      SeriesOutput.bag(entries).append(to: out)
      return true
    }
  }))
}

let seriesFitFunctions: [FunctionSpec] = [
  tupleSpec(
    "series_fit_line", 1...1, "series", "The line that fits best: r-square, slope, variance, residual variance, interception, fitted values.",
    example: "series_fit_line(dynamic([2,5,6,8]))", outputs: lineOutputs, types: [.dynamic]
  ) { _ in { _, series in series.isComplete ? fitLine(series.values).map(outputs) : nil } },
  bagSpec("series_fit_line_dynamic", "The line that fits best, as a bag.") { fitLine($0).map { bag(lineOutputs, outputs($0)) } },
  tupleSpec(
    "series_fit_2lines", 1...1, "series", "The two lines that fit best: where they meet, how well both and each of them fit.",
    example: "series_fit_2lines(dynamic([1,2,3,9,8,7]))", outputs: twoLineOutputs, types: [.dynamic]
  ) { _ in { _, series in series.isComplete ? fitTwoLines(series.values).map { total($0) + side($0.right) + side($0.left) } : nil } },
  bagSpec("series_fit_2lines_dynamic", "The two lines that fit best, as a bag.") { y in
    fitTwoLines(y).map { fit in
      bag(totalOutputs, total(fit)) + [
        (key: "right", value: .bag(bag(sideOutputs, side(fit.right)))), (key: "left", value: .bag(bag(sideOutputs, side(fit.left)))),
      ]
    }
  },
  tupleSpec(
    "series_fit_poly", 1...3, "y_series [, x_series [, degree]]",
    "The polynomial that fits best: r-square, coefficients from the highest power down, variance, residual variance, fitted values.",
    example: "series_fit_poly(dynamic([1,4,9]), dynamic([1,2,3]), 2)",
    outputs: [
      FunctionOutput("rsquare", .real), FunctionOutput("coefficients", .dynamic), FunctionOutput("variance", .real),
      FunctionOutput("rvariance", .real), FunctionOutput("poly_fit", .dynamic),
    ], types: [.dynamic, .dynamic, .long]
  ) { arguments in
    let others = arguments.count > 1 ? DynamicRows(arguments[1]) : nil
    let degrees = OptionalLong(arguments, 2)
    var other = NumericSeries()
    return { i, series in
      guard series.isComplete else { return nil }
      let degree = degrees[i] ?? 1
      guard degree >= 0, degree <= 100 else {
        throw ExpressionError.invalidArgument(function: "series_fit_poly", message: "the degree is 0 to 100, found \(degree)")
      }
      var x = series.values.indices.map { Double($0 + 1) }
      if let others, others[i].tag != .null {
        guard other.read(others[i]), other.isComplete else { return nil }
        x = other.values
      }
      guard let fit = fitPolynomial(series.values, x: x, degree: Int(degree)) else { return nil }
      return [.real(fit.rSquare), .reals(fit.coefficients), .real(fit.variance), .real(fit.residualVariance), .reals(fit.fitted)]
    }
  },
]

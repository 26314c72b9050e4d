// Role: functions that give one number for a series or two, and the statistics of a series. Elements that are no numbers are left out, save
// where a statistic of all elements is asked for. Source: Kusto "series_stats()", "series_dot_product()" and so on.

import Columnar
internal import Series

private func figure(_ name: String, _ summary: String, _ f: @escaping @Sendable (NumericSeries) -> Double?) -> FunctionSpec {
  seriesSpec(name, 1...1, "series", summary, example: "\(name)(dynamic([1,2,3,4]))",
    bind: BoundFunction.series(.real, [.dynamic], figureKernel { _ in { _, series in f(series) } }))
}

/// A figure of two series of equal length without missing elements: the longer is cut, pairs that lack a number are dropped.
/// Null when one of them is no array or empty.
private func pairFigure(
  _ name: String, _ arity: ClosedRange<Int>, _ parameters: String, _ summary: String, takesNumbers: Bool,
  _ f: @escaping @Sendable (_ a: [Double], _ b: [Double], _ first: Double?, _ second: Double?) -> Double?
) -> FunctionSpec {
  seriesSpec(name, arity, parameters, summary, example: "\(name)(dynamic([1,2,4]), dynamic([4,2,1]))") { call in
    guard call.types[...1].contains(.dynamic), let left = SeriesOperand.parameter(for: call.types[0]), let right = SeriesOperand.parameter(for: call.types[1]),
      takesNumbers || left == right
    else { throw call.wrongTypes(takesNumbers ? "two arrays, or an array and a number" : "two arrays") }
    let parameters = Array([left, right, .real, .real].prefix(call.count))
    return BoundFunction(.real, parameters, nulls: .custom) { arguments, n in
      let x = SeriesOperand(arguments[0]), y = SeriesOperand(arguments[1])
      let first = OptionalReal(arguments, 2), second = OptionalReal(arguments, 3)
      var a = NumericSeries(), b = NumericSeries()
      return try Double?.collect(n) { i in
        guard let isArray = x.read(i, into: &a), let isOtherArray = y.read(i, into: &b), isArray || isOtherArray else { return nil }
        if !isArray { a.broadcast(to: b.count) }
        if !isOtherArray { b.broadcast(to: a.count) }
        guard a.count > 0, b.count > 0 else { return nil }
        if a.isComplete, b.isComplete, a.count == b.count { return f(a.values, b.values, first[i], second[i]) }
        let used = (0..<min(a.count, b.count)).filter { !a.isMissing[$0] && !b.isMissing[$0] }
        return f(used.map { a.values[$0] }, used.map { b.values[$0] }, first[i], second[i])
      }
    }
  }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for i in a.indices { sum += a[i] * b[i] }
  return sum
}

extension NumericSeries {
  /// The statistics; nil for an empty series, and unless `ignoresNonFinite` for one with an element that is no finite number.
  func statistics(ignoresNonFinite: Bool) -> SeriesStatistics? {
    if isComplete, values.allSatisfy(\.isFinite) { return SeriesStatistics(values) }
    return ignoresNonFinite ? SeriesStatistics(values, at: values.indices.filter { !isMissing[$0] && values[$0].isFinite }) : nil
  }
}

private let statisticsOutputs = [
  FunctionOutput("min", .real), FunctionOutput("min_idx", .long), FunctionOutput("max", .real), FunctionOutput("max_idx", .long),
  FunctionOutput("avg", .real), FunctionOutput("stdev", .real), FunctionOutput("variance", .real),
]

private func outputs(_ s: SeriesStatistics) -> [SeriesOutput] {
  [
    .real(s.minimum), .long(Int64(s.minimumIndex)), .real(s.maximum), .long(Int64(s.maximumIndex)), .real(s.average), .real(s.deviation),
    .real(s.variance),
  ]
}

let seriesFigureFunctions: [FunctionSpec] = [
  figure("series_sum", "The sum of the elements; null when one is no number.") { $0.isComplete ? $0.values.reduce(0, +) : nil },
  figure("series_product", "The product of the elements; null when one is no number.") { $0.isComplete ? $0.values.reduce(1, *) : nil },
  figure("series_magnitude", "The square root of the sum of the elements' squares.") { dot($0.values, $0.values).squareRoot() },
  pairFigure("series_dot_product", 2...2, "series1, series2", "The sum of the products of elements at the same place.", takesNumbers: true) { a, b, _, _ in
    dot(a, b)
  },
  pairFigure(
    "series_cosine_similarity", 2...4, "series1, series2 [, magnitude1 [, magnitude2]]", "The cosine of the angle between two vectors.", takesNumbers: false
  ) { a, b, first, second in
    dot(a, b) / ((first ?? dot(a, a).squareRoot()) * (second ?? dot(b, b).squareRoot()))
  },
  seriesSpec(
    "series_pearson_correlation", 2...2, "series1, series2", "Pearson's correlation of two series of the same length.",
    example: "series_pearson_correlation(dynamic([1,2,3]), dynamic([2,4,7]))",
    bind: BoundFunction.series(.real, [.dynamic, .dynamic], figureKernel { arguments in
      let others = DynamicRows(arguments[1])
      var other = NumericSeries()
      return { i, series in
        guard other.read(others[i]), other.count == series.count, series.count > 0, series.isComplete, other.isComplete else { return nil }
        return pearsonCorrelation(series.values, other.values)
      }
    })),
  tupleSpec(
    "series_stats", 1...2, "series [, ignore_nonfinite]", "Least and greatest element with their places, mean, standard deviation and variance.",
    example: "series_stats(dynamic([23,46,87]))", outputs: statisticsOutputs, types: [.dynamic, .bool]
  ) { arguments in
    let ignores = OptionalBool(arguments, 1)
    return { i, series in series.statistics(ignoresNonFinite: ignores[i] ?? false).map(outputs) }
  },
  seriesSpec(
    "series_stats_dynamic", 1...2, "series [, ignore_nonfinite]", "The statistics of a series as a bag, with sum and length.",
    example: "series_stats_dynamic(dynamic([23,46,87]))",
    bind: BoundFunction.series(.dynamic, [.dynamic, .bool], seriesKernel { arguments in
      let ignores = OptionalBool(arguments, 1)
      return { i, series, out in
        guard let statistics = series.statistics(ignoresNonFinite: ignores[i] ?? false) else { return false }
        var entries = zip(statisticsOutputs, outputs(statistics)).map { (key: $0.name, value: $1) }
        entries.append((key: "sum", value: .real(statistics.sum)))
        entries.append((key: "len", value: .long(Int64(series.count))))
        SeriesOutput.bag(entries).append(to: out)
        return true
      }
    })),
]

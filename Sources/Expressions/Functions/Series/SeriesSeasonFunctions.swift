// Role: periods, seasonal component, decomposition, anomalies, forecast and outliers. Save for series_outliers a series with an element that is
// no number gives null.

import Columnar
internal import Series

/// Kusto's default thresholds for a detected period.
private let decompositionThreshold = 0.6, seasonalThreshold = 0.7

private func seasonality(_ period: Int64?, _ threshold: Double) -> Seasonality {
  let period = period ?? -1
  return period == -1 ? .detected(threshold: threshold) : period > 0 ? .period(Int(clamping: period)) : .none
}

private func trendModel(_ text: String?, _ function: String) throws -> TrendModel {
  guard let text else { return .average }
  if let model = TrendModel(rawValue: text) { return model }
  throw ExpressionError.invalidArgument(
    function: function, message: "the trend is \(TrendModel.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")), found '\(text)'")
}

private func fence(_ kind: String?, _ function: String) throws -> TukeyFence {
  switch kind {
  case nil, "ctukey": return .tenths
  case "tukey": return .quartiles
  case let other?: throw ExpressionError.invalidArgument(function: function, message: "the kind is 'tukey' or 'ctukey', found '\(other)'")
  }
}

private let decompositionOutputs = ["baseline", "seasonal", "trend", "residual"].map { FunctionOutput($0, .dynamic) }
private let periodOutputs = [FunctionOutput("periods", .dynamic), FunctionOutput("scores", .dynamic)]

/// series_decompose and series_decompose_forecast, whose arguments stand at different places.
private func decomposition(
  _ name: String, _ arity: ClosedRange<Int>, _ parameters: String, _ summary: String, example: String, types: [DataType], period: Int, trend: Int, testPoints: Int
) -> FunctionSpec {
  tupleSpec(name, arity, parameters, summary, example: example, outputs: decompositionOutputs, types: types) { arguments in
    let periods = OptionalLong(arguments, period), trends = OptionalText(arguments, trend), points = OptionalLong(arguments, testPoints)
    let thresholds = OptionalReal(arguments, 4)
    return { i, series in
      guard series.isComplete else { return nil }
      let parts = decompose(
        series.values, seasonality(periods[i], thresholds[i] ?? decompositionThreshold), try trendModel(trends[i], name),
        testPoints: Int(clamping: points[i] ?? 0))
      return [.reals(parts.baseline), .reals(parts.seasonal), .reals(parts.trend), .reals(parts.residual)]
    }
  }
}

let seriesSeasonFunctions: [FunctionSpec] = [
  tupleSpec(
    "series_periods_detect", 4...4, "series, min_period, max_period, num_periods", "The most significant periods, best first, and their scores.",
    example: "series_periods_detect(dynamic([1,2,3,2,1,2,3,2,1,2,3,2,1]), 0, 6, 1)",
    outputs: [FunctionOutput("periods", .dynamic), FunctionOutput("periods_scores", .dynamic)], types: [.dynamic, .real, .real, .long]
  ) { arguments in
    let low = OptionalReal(arguments, 1), high = OptionalReal(arguments, 2), wanted = OptionalLong(arguments, 3)
    return { i, series in
      guard series.isComplete, let low = low[i], let high = high[i], let wanted = wanted[i], wanted >= 0 else { return nil }
      // As many elements as were asked for; those without a period are 0.
      let count = min(Int(clamping: wanted), maxGeneratedElements)
      let found = detectPeriods(series.values, from: low, to: high, count: count)
      let padding = [Double](repeating: 0, count: count - found.count)
      return [.reals(found.map { Double($0.period) } + padding), .reals(found.map(\.score) + padding)]
    }
  },
  tupleSpec(
    "series_periods_validate", 2...17, "series, period1 [, period2, …]", "The scores of given periods.",
    example: "series_periods_validate(dynamic([1,2,3,2,1,2,3,2,1,2,3,2,1]), 4)", outputs: periodOutputs,
    types: [.dynamic] + Array(repeating: .real, count: 16)
  ) { arguments in
    let periods = (1..<arguments.count).map { OptionalReal(arguments, $0) }
    return { i, series in
      guard series.isComplete else { return nil }
      let given = periods.map { $0[i] ?? 0 }
      return [.reals(given), .reals(validatePeriods(series.values, given))]
    }
  },
  seriesSpec(
    "series_seasonal", 1...3, "series [, period [, test_points]]", "The seasonal component: the median of all elements of the same phase.",
    example: "series_seasonal(dynamic([1,3,5,1,3,5,2,4,6]), 3)",
    bind: BoundFunction.series(.dynamic, [.dynamic, .long, .long], seriesKernel { arguments in
      let periods = OptionalLong(arguments, 1), points = OptionalLong(arguments, 2)
      return { i, series, out in
        guard series.isComplete else { return false }
        let learning = max(0, series.count - max(0, Int(clamping: points[i] ?? 0)))
        appendReals(seasonalComponent(series.values, seasonality(periods[i], seasonalThreshold), learning: learning), to: out)
        return true
      }
    })),
  decomposition(
    "series_decompose", 1...5, "series [, seasonality [, trend [, test_points [, seasonality_threshold]]]]",
    "The series as baseline, seasonal component, trend and residual.", example: "series_decompose(dynamic([1,3,5,1,3,5,2,4,6]), 3, 'linefit')",
    types: [.dynamic, .long, .string, .long, .real], period: 1, trend: 2, testPoints: 3),
  decomposition(
    "series_decompose_forecast", 2...5, "series, points [, seasonality [, trend [, seasonality_threshold]]]",
    "The series' baseline, learned without its last points and continued over them.",
    example: "series_decompose_forecast(dynamic([1,3,5,1,3,5,2,4,6,0,0,0]), 3, 3)", types: [.dynamic, .long, .long, .string, .real], period: 2, trend: 3,
    testPoints: 1),
  tupleSpec(
    "series_decompose_anomalies", 1...7, "series [, threshold [, seasonality [, trend [, test_points [, ad_method [, seasonality_threshold]]]]]]",
    "Anomalous points of a series: flags (1 up, -1 down), scores and the baseline.",
    example: "series_decompose_anomalies(dynamic([1,3,5,1,3,5,2,9,6]), 1.5, 3, 'avg')",
    outputs: ["ad_flag", "ad_score", "baseline"].map { FunctionOutput($0, .dynamic) },
    types: [.dynamic, .real, .long, .string, .long, .string, .real]
  ) { arguments in
    let thresholds = OptionalReal(arguments, 1), periods = OptionalLong(arguments, 2), trends = OptionalText(arguments, 3)
    let points = OptionalLong(arguments, 4), methods = OptionalText(arguments, 5), seasonThresholds = OptionalReal(arguments, 6)
    return { i, series in
      guard series.isComplete else { return nil }
      let name = "series_decompose_anomalies"
      let found = detectAnomalies(
        series.values, threshold: thresholds[i] ?? 1.5, seasonality(periods[i], seasonThresholds[i] ?? decompositionThreshold),
        try trendModel(trends[i], name), testPoints: Int(clamping: points[i] ?? 0), fence: try fence(methods[i], name))
      return [.longs(found.flags), .reals(found.scores), .reals(found.baseline)]
    }
  },
  seriesSpec(
    "series_outliers", 1...6, "series [, kind [, ignore_val [, min_percentile [, max_percentile [, test_points]]]]]",
    "A score for each element, 0 for ordinary ones; beyond 1.5 or -1.5 it is an outlier.", example: "series_outliers(dynamic([1,2,3,2,1,30]))",
    bind: BoundFunction.series(.dynamic, [.dynamic, .string, .real, .real, .real, .long], seriesKernel { arguments in
      let kinds = OptionalText(arguments, 1), ignored = OptionalReal(arguments, 2), low = OptionalReal(arguments, 3), high = OptionalReal(arguments, 4)
      let points = OptionalLong(arguments, 5)
      return { i, series, out in
        var fence = try fence(kinds[i], "series_outliers")
        if fence == .tenths { fence = TukeyFence(low: low[i] ?? fence.low, high: high[i] ?? fence.high) }
        guard fence.low >= 2, fence.high <= 98, fence.low < fence.high else {
          throw ExpressionError.invalidArgument(
            function: "series_outliers", message: "the percentiles lie between 2 and 98, found \(fence.low) and \(fence.high)")
        }
        let skipped = ignored[i]
        let learning = max(0, series.count - max(0, Int(clamping: points[i] ?? 0)))
        appendReals(
          outlierScores(series.values, fence: fence, learning: learning) { series.isMissing[$0] || series.values[$0] == skipped }, to: out)
        return true
      }
    })),
]

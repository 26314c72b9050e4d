// Role: series_fir, series_iir, series_fft and series_ifft. A series with an element that is no number gives null.

import Columnar
internal import Series

private func transform(_ name: String, _ summary: String, _ f: @escaping @Sendable (ComplexSeries) -> ComplexSeries) -> FunctionSpec {
  tupleSpec(
    name, 1...2, "real_part [, imaginary_part]", summary, example: "\(name)(dynamic([1,0,0,0]))",
    outputs: [FunctionOutput("real", .dynamic), FunctionOutput("imag", .dynamic)], types: [.dynamic, .dynamic]
  ) { arguments in
    let others = arguments.count > 1 ? DynamicRows(arguments[1]) : nil
    var other = NumericSeries()
    return { i, series in
      guard series.isComplete else { return nil }
      var input = ComplexSeries(series.values)
      if let others {
        guard other.read(others[i]), other.isComplete, other.count == series.count else { return nil }
        input.imaginary = other.values
      }
      let output = f(input)
      return [.reals(output.real), .reals(output.imaginary)]
    }
  }
}

let seriesFilterFunctions: [FunctionSpec] = [
  seriesSpec(
    "series_fir", 2...4, "series, filter [, normalize [, center]]", "A finite impulse response filter, such as a moving average.",
    example: "series_fir(dynamic([1,2,3,4]), dynamic([1,1]))",
    bind: BoundFunction.series(.dynamic, [.dynamic, .dynamic, .bool, .bool], seriesKernel { arguments in
      let filters = DynamicRows(arguments[1]), normalize = OptionalBool(arguments, 2), center = OptionalBool(arguments, 3)
      var filter = NumericSeries()
      return { i, series, out in
        guard series.isComplete, filter.read(filters[i]), filter.isComplete, filter.count > 0 else { return false }
        let hasNegative = filter.values.contains { $0 < 0 }
        let isNormalized = normalize[i] ?? !hasNegative
        if isNormalized, hasNegative { return false }
        appendReals(
          finiteImpulseResponse(series.values, filter: filter.values, isNormalized: isNormalized, isCentered: center[i] ?? false), to: out)
        return true
      }
    })),
  seriesSpec(
    "series_iir", 3...3, "series, numerators, denominators", "An infinite impulse response filter, such as a cumulative sum.",
    example: "series_iir(dynamic([1,2,3]), dynamic([1]), dynamic([1,-1]))",
    bind: BoundFunction.series(.dynamic, [.dynamic, .dynamic, .dynamic], seriesKernel { arguments in
      let above = DynamicRows(arguments[1]), below = DynamicRows(arguments[2])
      var numerators = NumericSeries(), denominators = NumericSeries()
      return { i, series, out in
        guard series.isComplete, numerators.read(above[i]), numerators.isComplete, denominators.read(below[i]), denominators.isComplete,
          let output = infiniteImpulseResponse(series.values, numerators: numerators.values, denominators: denominators.values)
        else { return false }
        appendReals(output, to: out)
        return true
      }
    })),
  transform("series_fft", "The discrete Fourier transform of a series of complex numbers.") { $0.transformed },
  transform("series_ifft", "The inverse discrete Fourier transform of a series of complex numbers.") { $0.inverseTransformed },
]

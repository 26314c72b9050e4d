// Role: series_fill_forward, _backward, _const and _linear: missing elements get values, all others keep theirs and their kind.
// Missing are nulls or, when a placeholder is given, the elements equal to it. Source: Kusto "series_fill_linear()" and its siblings.

import Columnar
internal import Series

private let missingParameter = "missing_value_placeholder"

/// The elements that count as missing.
private func missing(_ series: NumericSeries, _ view: DynamicView, _ placeholder: Double?) -> [Bool] {
  guard let placeholder else { return (0..<series.count).map { series.isMissing[$0] && view.element($0)?.tag ?? .null == .null } }
  return (0..<series.count).map { !series.isMissing[$0] && series.values[$0] == placeholder }
}

private func appendCopy(_ view: DynamicView?, _ out: BufferBuilder<UInt8>) {
  guard let view else { return out.append(DynamicTag.null.rawValue) }
  // SAFETY: a view is a window of `count` bytes on a column that the kernel's caller keeps alive.
  unsafe out.append(contentsOf: UnsafeBufferPointer(start: view.base, count: view.count))
}

private func neighbours(_ name: String, isForward: Bool) -> FunctionSpec {
  seriesSpec(
    name, 1...2, "series [, \(missingParameter)]", "Missing elements get the value of the last known one \(isForward ? "before" : "behind") them.",
    example: "\(name)(dynamic([1,null,3]))",
    bind: BoundFunction.series(.dynamic, [.dynamic, .real], seriesKernel { arguments in
      let rows = DynamicRows(arguments[0]), placeholder = OptionalReal(arguments, 1)
      return { i, series, out in
        let view = rows[i]
        let sources = fillSources(isMissing: missing(series, view, placeholder[i]), isForward: isForward)
        appendContainer(.array, series.count, out) { appendCopy(view.element(sources[$0]), out) }
        return true
      }
    }))
}

let seriesFillFunctions: [FunctionSpec] = [
  neighbours("series_fill_forward", isForward: true),
  neighbours("series_fill_backward", isForward: false),
  seriesSpec(
    "series_fill_const", 2...3, "series, constant_value [, \(missingParameter)]", "Missing elements get a given value.",
    example: "series_fill_const(dynamic([1,null,3]), 0)"
  ) { call in
    BoundFunction(.dynamic, Array([.dynamic, call.types[1], .real].prefix(call.count)), nulls: .custom, kernel: seriesKernel { arguments in
      let rows = DynamicRows(arguments[0]), constants = ScalarRows(arguments[1]), placeholder = OptionalReal(arguments, 2)
      return { i, series, out in
        let view = rows[i], isMissing = missing(series, view, placeholder[i])
        let constant = DynamicValue(constants[i]).binary
        appendContainer(.array, series.count, out) { k in
          // SAFETY: the pointer is used within the closure only.
          if isMissing[k] { unsafe constant.withUnsafeBufferPointer { unsafe out.append(contentsOf: $0) } } else { appendCopy(view.element(k), out) }
        }
        return true
      }
    })
  },
  seriesSpec(
    "series_fill_linear", 1...4, "series [, \(missingParameter) [, fill_edges [, constant_value]]]",
    "Missing elements get the values of the line between their neighbours.", example: "series_fill_linear(dynamic([1,null,3]))",
    bind: BoundFunction.series(.dynamic, [.dynamic, .real, .bool, .real], seriesKernel { arguments in
      let rows = DynamicRows(arguments[0]), placeholder = OptionalReal(arguments, 1), edges = OptionalBool(arguments, 2)
      let constant = OptionalReal(arguments, 3), hasConstant = arguments.count > 3
      return { i, series, out in
        let view = rows[i]
        let gaps = missing(series, view, placeholder[i])
        // An array of nothing but gaps is filled with the constant; a null one keeps the gaps.
        if !gaps.contains(false) {
          if let value = hasConstant ? constant[i] : 0 {
            appendReals([Double](repeating: value, count: series.count), to: out)
          } else {
            appendContainer(.array, series.count, out) { appendCopy(view.element($0), out) }
          }
          return true
        }
        var isUnfilled = zip(gaps, series.isMissing).map { $0 || $1 }
        let values = fillLinear(series.values, isMissing: &isUnfilled, fillsEdges: edges[i] ?? true)
        appendContainer(.array, series.count, out) { k in
          if !gaps[k] || isUnfilled[k] { return appendCopy(view.element(k), out) }
          // Among whole numbers the line's values are cut to whole numbers.
          let value = series.isLong ? SeriesOutput.long(Int64(exactly: values[k].rounded(.towardZero)) ?? 0) : .real(values[k])
          value.append(to: out)
        }
        return true
      }
    })),
]

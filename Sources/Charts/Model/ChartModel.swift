// Role: a chart as numbers, independent of how it is drawn: an axis, series of points, marks of anomalies.

/// A point of a series. On a time axis x counts seconds since 1970, on a named axis it is the position of the name.
package struct ChartPoint: Sendable, Hashable {
  package var x: Double
  /// Nil interrupts a line.
  package var y: Double?
}

/// What the horizontal axis counts.
package enum ChartAxis: Sendable, Hashable {
  case time
  case number
  /// Spans of time in seconds.
  case timespan
  case names([String])
}

/// A line, an area, the bars of one colour, a cloud of points.
package struct ChartSeries: Sendable {
  package var name: String
  /// Ascending in x, except for scatter charts.
  package var points: [ChartPoint]
  /// Points that stand out: +1 above, -1 below what was expected.
  package var anomalies: [(point: ChartPoint, sign: Int)] = []
}

/// Everything a drawing needs.
package struct ChartModel: Sendable {
  package var spec: ChartSpec
  package var axis: ChartAxis
  package var series: [ChartSeries]
  package var xTitle: String
  package var yTitle: String
  /// What the values count.
  package var yMeasure: ChartMeasure
  package var xRange: ClosedRange<Double>
  /// Of the values as drawn: sums where series are stacked.
  package var yRange: ClosedRange<Double>
  /// Remarks for the user: what was left out.
  package var notes: [String] = []

  /// What a continuous axis without dates counts.
  var xMeasure: ChartMeasure { axis == .timespan ? .timespan : .number }

  /// The names of a named axis.
  package var names: [String] {
    if case .names(let names) = axis { names } else { [] }
  }

  /// For each series the lower and upper edge of its bars or areas, by point. Unstacked ones stand on zero; stacked ones on those before them.
  /// Points of stacked series are matched by x.
  package func bands() -> [[(x: Double, low: Double, high: Double)]] {
    guard spec.stacking != .unstacked else {
      return series.map { $0.points.compactMap { point in point.y.map { (point.x, min(0, $0), max(0, $0)) } } }
    }
    let places = Array(Set(series.flatMap { $0.points.map(\.x) })).sorted()
    let place = Dictionary(uniqueKeysWithValues: places.enumerated().map { ($1, $0) })
    var total = [Double](repeating: 0, count: places.count)
    for one in series { for point in one.points { if let i = place[point.x] { total[i] += abs(point.y ?? 0) } } }
    var above = [Double](repeating: 0, count: places.count), below = above
    return series.map { one in
      // A series without a value at a place takes none of it, so that areas keep their shape.
      var values = [Double](repeating: 0, count: places.count)
      for point in one.points { if let i = place[point.x] { values[i] += point.y ?? 0 } }
      return places.indices.map { i in
        let value = spec.stacking == .stacked100 ? (total[i] > 0 ? values[i] / total[i] * 100 : 0) : values[i]
        if value >= 0 {
          above[i] += value
          return (places[i], above[i] - value, above[i])
        }
        below[i] += value
        return (places[i], below[i], below[i] - value)
      }
    }
  }

  /// Position of a value between 0 and 1 on an axis of that range.
  static func position(_ value: Double, in range: ClosedRange<Double>, isLogarithmic: Bool) -> Double? {
    if isLogarithmic {
      guard value > 0, range.lowerBound > 0 else { return nil }
      return position(logarithm(value), in: logarithm(range.lowerBound)...logarithm(range.upperBound), isLogarithmic: false)
    }
    let width = range.upperBound - range.lowerBound
    guard value.isFinite, width > 0 else { return width == 0 ? 0.5 : nil }
    return (value - range.lowerBound) / width
  }
}

// Role: lines, areas and points of an SVG chart.

import Columnar

extension SVGChart {
  /// A drawn point with what its tooltip says.
  struct Mark {
    var x: Double
    var y: Double
    var point: ChartPoint
  }

  /// The runs of a series between its gaps, at most four points for each pixel column: first, least, greatest, last.
  /// Source: U. Jugel et al., "M4: a visualization-oriented time series data aggregation", VLDB 2014.
  func runs(_ series: ChartSeries) -> [[Mark]] {
    var runs: [[Mark]] = [[]]
    for point in series.points {
      if let value = point.y, let x = x(point.x), let y = y(value) { runs[runs.count - 1].append(Mark(x: x, y: y, point: point)) } else if !(runs.last?.isEmpty ?? true) { runs.append([]) }
    }
    return runs.filter { !$0.isEmpty }.map { run in
      guard Double(run.count) > 4 * plotWidth else { return run }
      var out: [Mark] = []
      var at = 0
      while at < run.count {
        var end = at
        var least = at, greatest = at
        while end < run.count, Int(run[end].x) == Int(run[at].x) {
          if run[end].y < run[least].y { least = end }
          if run[end].y > run[greatest].y { greatest = end }
          end += 1
        }
        for i in Set([at, least, greatest, end - 1]).sorted() { out.append(run[i]) }
        at = end
      }
      return out
    }
  }

  private func path(_ marks: [Mark]) -> String {
    let n = ChartPalette.number
    return marks.enumerated().map { "\($0 == 0 ? "M" : "L")\(n($1.x)) \(n($1.y))" }.joined()
  }

  mutating func lines() {
    if model.spec.kind == .areachart, model.spec.stacking != .unstacked { return stackedAreas() }
    let zero = y(min(max(0, model.yRange.lowerBound), model.yRange.upperBound)) ?? top + plotHeight
    for (i, series) in model.series.enumerated() {
      let colour = ChartPalette.colour(i)
      for run in runs(series) {
        if model.spec.kind == .areachart, let first = run.first, let last = run.last {
          let n = ChartPalette.number
          add("<path class=\"area\" fill=\"\(colour)\" d=\"\(path(run))L\(n(last.x)) \(n(zero))L\(n(first.x)) \(n(zero))Z\"/>")
        }
        if run.count == 1 { dot(run[0], colour, series.name, radius: 2.5) } else { add("<path class=\"line\" stroke=\"\(colour)\" d=\"\(path(run))\"/>") }
      }
    }
    for series in model.series { for anomaly in series.anomalies { mark(anomaly.point, anomaly.sign, series.name) } }
  }

  private mutating func mark(_ point: ChartPoint, _ sign: Int, _ series: String) {
    guard let value = point.y, let x = x(point.x), let y = y(value) else { return }
    let n = ChartPalette.number
    add("<circle class=\"mark\" cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"4.5\"><title>\(MarkupText.escaped("\(series): \(model.yMeasure.text(value)) at \(placeText(point.x)), \(sign > 0 ? "higher" : "lower") than expected"))</title></circle>")
  }

  private mutating func dot(_ mark: Mark, _ colour: String, _ series: String, radius: Double) {
    let n = ChartPalette.number
    let title = "\(series): \(model.yMeasure.text(mark.point.y ?? 0)) at \(placeText(mark.point.x))"
    add("<circle cx=\"\(n(mark.x))\" cy=\"\(n(mark.y))\" r=\"\(n(radius))\" fill=\"\(colour)\" fill-opacity=\".8\"><title>\(MarkupText.escaped(title))</title></circle>")
  }

  mutating func points() {
    for (i, series) in model.series.enumerated() {
      let radius = series.points.count > 2_000 ? 1.5 : 3.5
      for point in series.points {
        guard let value = point.y, let x = x(point.x), let y = y(value) else { continue }
        dot(Mark(x: x, y: y, point: point), ChartPalette.colour(i), series.name, radius: radius)
      }
    }
  }

  private mutating func stackedAreas() {
    let n = ChartPalette.number
    for (i, band) in model.bands().enumerated() {
      var upper = "", lower = ""
      for place in band {
        guard let x = x(place.x), let high = y(place.high), let low = y(place.low) else { continue }
        upper += "\(upper.isEmpty ? "M" : "L")\(n(x)) \(n(high))"
        lower = "L\(n(x)) \(n(low))" + lower
      }
      guard !upper.isEmpty else { continue }
      add("<path fill=\"\(ChartPalette.colour(i))\" fill-opacity=\".85\" class=\"edge\" d=\"\(upper)\(lower)Z\"><title>\(MarkupText.escaped(model.series[i].name))</title></path>")
    }
  }
}

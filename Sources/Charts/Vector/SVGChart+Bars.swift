// Role: columns, bars and pies of an SVG chart.

import Columnar
import Glibc

extension SVGChart {
  private mutating func rect(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ series: Int, _ title: String) {
    let n = ChartPalette.number
    let round = min(2, max(0, min(width, height) / 3))
    add("<rect x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(max(0.5, width)))\" height=\"\(n(max(0.5, height)))\" rx=\"\(n(round))\" fill=\"\(ChartPalette.colour(series))\"><title>\(MarkupText.escaped(title))</title></rect>")
  }

  private func title(_ series: Int, _ place: Double, _ low: Double, _ high: Double) -> String {
    let value = low < 0 ? low - max(0, high) : high - low
    return "\(placeText(place)), \(model.series[series].name): \(model.yMeasure.text(value))\(model.spec.stacking == .stacked100 ? " %" : "")"
  }

  mutating func columns() {
    let slot = plotWidth / Double(max(1, model.names.count))
    let side = model.spec.stacking == .unstacked ? Double(model.series.count) : 1
    let thick = min(64, slot * 0.78 / side)
    for (i, band) in model.bands().enumerated() {
      for place in band {
        guard let high = y(place.high), let low = y(max(place.low, model.spec.isYLogarithmic ? model.yRange.lowerBound : place.low)) else { continue }
        let start = left + (place.x + 0.5) * slot - thick * side / 2 + (side == 1 ? 0 : Double(i) * thick)
        rect(start + 0.5, high, thick - 1, low - high, i, title(i, place.x, place.low, place.high))
      }
    }
  }

  mutating func barChart() {
    let names = model.names
    left = 24 + min(220, names.map { ChartPalette.width($0) }.max() ?? 40)
    bottom = 44
    let slot = plotHeight / Double(max(1, names.count))
    let side = model.spec.stacking == .unstacked ? Double(model.series.count) : 1
    let thick = min(40, slot * 0.78 / side)
    let ticks = NumberTicks(model.yRange, count: 7, of: model.yMeasure)
    func at(_ value: Double) -> Double {
      left + (ChartModel.position(min(max(value, model.yRange.lowerBound), model.yRange.upperBound), in: model.yRange, isLogarithmic: model.spec.isYLogarithmic) ?? 0) * plotWidth
    }
    for value in model.spec.isYLogarithmic ? NumberTicks.logarithmic(model.yRange) : ticks.values where model.yRange.contains(value) {
      line(at(value), top, at(value), top + plotHeight, "grid")
      text(model.spec.isYLogarithmic ? model.yMeasure.text(value) : ticks.text(value) + (model.spec.stacking == .stacked100 ? "%" : ""), x: at(value), y: top + plotHeight + 17, anchor: "middle")
    }
    let every = max(1, Int((13 / slot).rounded(.up)))
    for (i, name) in names.enumerated() where i % every == 0 {
      let shown = name.count > 32 ? name.prefix(31) + "…" : name
      text(String(shown), x: left - 8, y: top + (Double(i) + 0.5) * slot + 4, anchor: "end")
    }
    for (i, band) in model.bands().enumerated() {
      for place in band {
        let start = top + (place.x + 0.5) * slot - thick * side / 2 + (side == 1 ? 0 : Double(i) * thick)
        let from = at(place.low), to = at(place.high)
        rect(from, start + 0.5, to - from, thick - 1, i, title(i, place.x, place.low, place.high))
      }
    }
    line(left, top, left, top + plotHeight, "axis")
    if !model.yTitle.isEmpty { text(model.yTitle, x: left + plotWidth / 2, y: height - 8, anchor: "middle") }
  }

  mutating func pie() {
    let slices = PieSlices(model)
    let radius = min(plotHeight + bottom - 24, width / 2) / 2
    let cx = radius + 60, cy = top + radius
    let n = ChartPalette.number
    var turn = 0.0
    for (i, slice) in slices.list.enumerated() {
      let title = MarkupText.escaped("\(slice.name): \(model.yMeasure.text(slice.value)) (\(NumberTicks.text(slice.share * 100, step: 0.1)) %)")
      let end = turn + slice.share
      func corner(_ turn: Double) -> String { "\(n(cx + radius * sin(turn * 2 * .pi))) \(n(cy - radius * cos(turn * 2 * .pi)))" }
      let shape = slice.share > 0.9999
        ? "<circle cx=\"\(n(cx))\" cy=\"\(n(cy))\" r=\"\(n(radius))\""
        : "<path d=\"M\(n(cx)) \(n(cy))L\(corner(turn))A\(n(radius)) \(n(radius)) 0 \(slice.share > 0.5 ? 1 : 0) 1 \(corner(end))Z\""
      add(shape + " class=\"edge\" fill=\"\(ChartPalette.colour(i))\"><title>\(title)</title></\(slice.share > 0.9999 ? "circle" : "path")>")
      turn = end
      let y = cy - Double(slices.list.count) * 12 + Double(i) * 24 + 12
      let x = cx + radius + 50
      add("<rect x=\"\(n(x))\" y=\"\(n(y - 10))\" width=\"12\" height=\"12\" rx=\"2\" fill=\"\(ChartPalette.colour(i))\"/>")
      text("\(slice.name.count > 40 ? slice.name.prefix(39) + "…" : slice.name)", x: x + 20, y: y, style: "name")
      text("\(NumberTicks.text(slice.share * 100, step: 0.1)) %   \(model.yMeasure.text(slice.value))", x: width - 30, y: y, anchor: "end")
    }
  }
}

// Role: a chart as SVG: title, legend, axes with grid, and the marks of each family of charts. Every mark carries its values as a title, which
// viewers show as a tooltip.

import Columnar
import Glibc

/// Draws one model.
package struct SVGChart {
  let model: ChartModel
  let width: Double
  let height: Double
  var body = ""
  /// The plot inside the axes.
  var left = 60.0, top = 20.0, right = 20.0, bottom = 52.0

  package init(_ model: ChartModel, width: Int = 900, height: Int = 460) {
    self.model = model
    self.width = Double(width)
    self.height = Double(height)
  }

  /// Several models below each other as one document.
  package static func document(_ models: [ChartModel]) -> String {
    let height = models.count > 1 ? 300 : 460
    let drawings = models.map { SVGChart($0, height: height) }
    var out = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"kc\" width=\"900\" height=\"\(height * models.count)\" viewBox=\"0 0 900 \(height * models.count)\">\n"
    out += "<style>\(ChartPalette.style)</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n"
    for (i, drawing) in drawings.enumerated() { out += "<g transform=\"translate(0 \(i * height))\">\n\(drawing.content())</g>\n" }
    return out + "</svg>\n"
  }

  var plotWidth: Double { width - left - right }
  var plotHeight: Double { height - top - bottom }

  func x(_ value: Double) -> Double? {
    ChartModel.position(value, in: model.xRange, isLogarithmic: model.spec.isXLogarithmic).map { left + $0 * plotWidth }
  }

  func y(_ value: Double) -> Double? {
    ChartModel.position(value, in: model.yRange, isLogarithmic: model.spec.isYLogarithmic).map { top + (1 - $0) * plotHeight }
  }

  /// The elements of the drawing, without the `svg` around them.
  package func content() -> String {
    var drawing = self
    drawing.head()
    switch model.spec.kind {
    case .piechart: drawing.pie()
    case .barchart: drawing.barChart()
    default: drawing.plot()
    }
    return drawing.body
  }

  /// Works out where the plot lies, without keeping the drawing.
  mutating func measure() {
    head()
    plot()
    body = ""
  }

  // MARK: Pieces

  mutating func add(_ element: String) { body += element + "\n" }

  mutating func text(_ text: String, x: Double, y: Double, anchor: String = "start", style: String? = nil) {
    let style = style.map { " class=\"\($0)\"" } ?? ""
    add("<text x=\"\(ChartPalette.number(x))\" y=\"\(ChartPalette.number(y))\" text-anchor=\"\(anchor)\"\(style)>\(MarkupText.escaped(text))</text>")
  }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
    let n = ChartPalette.number
    add("<line class=\"\(style)\" x1=\"\(n(x1))\" y1=\"\(n(y1))\" x2=\"\(n(x2))\" y2=\"\(n(y2))\"/>")
  }

  /// Title and legend above the plot.
  private mutating func head() {
    if let title = model.spec.title {
      top += 22
      text(title, x: 20, y: top, style: "title")
      top += 12
    }
    let names = model.spec.kind == .piechart ? [] : model.series.map(\.name)
    let marks = model.series.reduce(0) { $0 + $1.anomalies.count }
    guard model.spec.isLegendVisible, names.count > 1 || marks > 0 || names.first != model.yTitle else { return }
    var at = 20.0
    var entries = names.enumerated().map { ("fill=\"\(ChartPalette.colour($0))\"", $1.count > 40 ? $1.prefix(39) + "…" : $1) }
    if marks > 0 { entries.append(("class=\"mark\"", "anomalies (\(marks))")) }
    top += 14
    for (paint, name) in entries {
      let room = ChartPalette.width(name) + 34
      if at + room > width - 10, at > 20 {
        at = 20
        top += 18
      }
      add("<rect x=\"\(ChartPalette.number(at))\" y=\"\(ChartPalette.number(top - 9))\" width=\"10\" height=\"10\" rx=\"2\" \(paint)/>")
      text(name, x: at + 15, y: top, style: "name")
      at += room
    }
    top += 12
  }

  // MARK: Axes

  private mutating func plot() {
    let ticks = valueTicks()
    if !model.yTitle.isEmpty {
      top += 14
      text(model.yTitle, x: 12, y: top - 2)
      top += 8
    }
    left = 22 + (ticks.map { ChartPalette.width($0.text) }.max() ?? 30)
    if case .names = model.axis, model.names.count * 60 > Int(plotWidth) { bottom = 92 }
    for tick in ticks {
      guard let y = y(tick.value) else { continue }
      line(left, y, width - right, y, "grid")
      text(tick.text, x: left - 8, y: y + 4, anchor: "end")
    }
    placeTicks()
    line(left, top + plotHeight, width - right, top + plotHeight, "axis")
    if !model.xTitle.isEmpty { text(model.xTitle, x: left + plotWidth / 2, y: height - 10, anchor: "middle") }
    let clip = "clip\(abs(model.yRange.hashValue ^ model.xRange.hashValue) % 1_000_000)"
    add("<clipPath id=\"\(clip)\"><rect x=\"\(ChartPalette.number(left))\" y=\"\(ChartPalette.number(top - 2))\" width=\"\(ChartPalette.number(plotWidth))\" height=\"\(ChartPalette.number(plotHeight + 4))\"/></clipPath>")
    add("<g clip-path=\"url(#\(clip))\">")
    switch model.spec.kind {
    case .columnchart: columns()
    case .scatterchart: points()
    default: lines()
    }
    add("</g>")
  }

  private func valueTicks() -> [(value: Double, text: String)] {
    if model.spec.isYLogarithmic { return NumberTicks.logarithmic(model.yRange).map { ($0, model.yMeasure.text($0)) } }
    let ticks = NumberTicks(model.yRange, count: 6, of: model.yMeasure)
    let slack = (model.yRange.upperBound - model.yRange.lowerBound) * 1e-9
    return ticks.values.filter { $0 >= model.yRange.lowerBound - slack && $0 <= model.yRange.upperBound + slack }
      .map { ($0, ticks.text($0) + (model.spec.stacking == .stacked100 ? "%" : "")) }
  }

  private mutating func placeTicks() {
    let baseline = top + plotHeight
    switch model.axis {
    case .time, .number, .timespan:
      var previous: Double?
      for tick in continuousTicks() {
        guard let x = x(tick.value) else { continue }
        line(x, baseline, x, baseline + 5, "axis")
        if previous.map({ x - $0 > ChartPalette.width(tick.text) + 6 }) ?? true {
          text(tick.text, x: x, y: baseline + 19, anchor: "middle")
          previous = x
        }
      }
    case .names(let names):
      let slot = plotWidth / Double(max(1, names.count))
      let every = max(1, Int((14 / slot).rounded(.up)))
      let isSlanted = bottom > 60
      for (i, name) in names.enumerated() where i % every == 0 {
        let at = left + (Double(i) + 0.5) * slot
        let room = isSlanted ? 12 : max(3, Int(slot / 6.8))
        let shown = name.count > room ? name.prefix(room - 1) + "…" : name
        if isSlanted {
          let n = ChartPalette.number
          add("<text transform=\"translate(\(n(at + 4)) \(n(baseline + 14))) rotate(-40)\" text-anchor=\"end\">\(MarkupText.escaped(String(shown)))</text>")
        } else {
          text(String(shown), x: at, y: baseline + 19, anchor: "middle")
        }
      }
    }
  }

  private func continuousTicks() -> [(value: Double, text: String)] {
    if model.axis == .time {
      let ticks = TimeTicks(model.xRange, count: 8)
      var previous: Double?
      return ticks.values.map { value in
        defer { previous = value }
        return (value, ticks.text(value, after: previous))
      }
    }
    if model.spec.isXLogarithmic { return NumberTicks.logarithmic(model.xRange).map { ($0, model.xMeasure.text($0)) } }
    let ticks = NumberTicks(model.xRange, count: 8, of: model.xMeasure)
    return ticks.values.filter { model.xRange.contains($0) }.map { ($0, ticks.text($0)) }
  }

  /// The place of a point in words.
  func placeText(_ x: Double) -> String {
    switch model.axis {
    case .time: TimeTicks.shortText(x)
    case .number, .timespan: model.xMeasure.text(x)
    case .names(let names): Int(x) < names.count && x >= 0 ? names[Int(x)] : ""
    }
  }
}

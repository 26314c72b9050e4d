// Role: a chart as lines of text: title, plot with axes, legend. Each family of charts fills the plot in its own file.

package enum TerminalChart {
  /// The chart of each model, one below the other; ends with a line break.
  package static func draw(_ models: [ChartModel], _ style: TerminalStyle) -> String {
    models.map { model in
      var lines: [String] = []
      if let title = model.spec.title { lines += [centered(style.bold(title), cells: title.count, in: style.width), ""] }
      switch model.spec.kind {
      case .barchart: lines += bars(model, style)
      case .piechart: lines += pie(model, style)
      default: lines += plot(model, style)
      }
      return lines.joined(separator: "\n") + "\n"
    }.joined(separator: "\n")
  }

  static func centered(_ text: String, cells: Int, in width: Int) -> String {
    String(repeating: " ", count: max(0, (width - cells) / 2)) + text
  }

  static func padded(_ text: String, to width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }

  /// The text, cut with `…` beyond a width.
  static func fitted(_ text: String, _ width: Int) -> String { text.count <= width ? text : String(text.prefix(max(0, width - 1))) + "…" }

  // MARK: Plots with two axes

  private static func plot(_ model: ChartModel, _ style: TerminalStyle) -> [String] {
    let ticks = valueTicks(model, count: max(2, style.height / 4))
    let labelWidth = max(ticks.map(\.text.count).max() ?? 1, 3)
    let width = style.width - labelWidth - 3
    var canvas = Canvas(width: width, height: style.height)
    if model.spec.kind == .columnchart {
      columns(model, style, &canvas)
    } else if model.spec.kind == .areachart {
      areas(model, style, &canvas)
    } else if model.spec.kind == .scatterchart {
      scatter(model, style, &canvas)
    } else {
      lines(model, style, &canvas)
    }

    var tickAt: [Int: String] = [:]
    for tick in ticks {
      let row = style.height - 1 - Int((tick.position * Double(style.height - 1)).rounded())
      if row >= 0, row < style.height, tickAt[row] == nil { tickAt[row] = tick.text }
    }
    var out: [String] = []
    if !model.yTitle.isEmpty { out.append(style.dim(fitted(model.yTitle, style.width))) }
    for row in 0..<style.height {
      let label = tickAt[row]
      let text = String(repeating: " ", count: labelWidth - (label?.count ?? 0)) + (label ?? "")
      let grid: Character = label != nil && style.isColourful && row < style.height - 1 ? "┈" : " "
      out.append(style.dim(text + (label == nil ? " │" : " ┤")) + style.line(canvas.cells(row: row, grid: grid)))
    }
    out += axis(model, style, labelWidth, width)
    out += legend(model, style)
    return out
  }

  private static func valueTicks(_ model: ChartModel, count: Int) -> [(position: Double, text: String)] {
    let range = model.yRange
    if model.spec.isYLogarithmic {
      return NumberTicks.logarithmic(range).compactMap { value in
        ChartModel.position(value, in: range, isLogarithmic: true).map { ($0, model.yMeasure.text(value)) }
      }
    }
    let ticks = NumberTicks(range, count: count, of: model.yMeasure)
    return ticks.values.compactMap { value in
      guard let at = ChartModel.position(value, in: range, isLogarithmic: false), at > -1e-9, at < 1 + 1e-9 else { return nil }
      return (at, ticks.text(value) + (model.spec.stacking == .stacked100 ? "%" : ""))
    }
  }

  /// The rule below the plot, its labels and its title.
  private static func axis(_ model: ChartModel, _ style: TerminalStyle, _ indent: Int, _ width: Int) -> [String] {
    var rule = Array(repeating: Character("─"), count: width)
    var labels = Array(repeating: Character(" "), count: width + indent + 2)
    var free = 0
    for tick in placeTicks(model, width) {
      let column = min(width - 1, max(0, tick.column))
      let start = min(max(0, column + indent + 2 - tick.text.count / 2), labels.count - tick.text.count)
      guard start >= free, start >= 0 else { continue }
      rule[column] = "┬"
      for (i, character) in tick.text.enumerated() { labels[start + i] = character }
      free = start + tick.text.count + 1
    }
    while labels.last == " " { labels.removeLast() }
    var out = [style.dim(String(repeating: " ", count: indent + 1) + "└" + String(rule)), style.dim(String(labels))]
    if !model.xTitle.isEmpty { out.append(style.dim(centered(fitted(model.xTitle, width), cells: min(model.xTitle.count, width), in: width + 2 * (indent + 2)))) }
    return out
  }

  private static func placeTicks(_ model: ChartModel, _ width: Int) -> [(column: Int, text: String)] {
    let range = model.xRange
    func column(_ value: Double) -> Int? {
      ChartModel.position(value, in: range, isLogarithmic: model.spec.isXLogarithmic).map { Int(($0 * Double(width - 1)).rounded()) }
    }
    switch model.axis {
    case .time:
      let ticks = TimeTicks(range, count: max(2, width / 16))
      var previous: Double?
      return ticks.values.compactMap { value in
        defer { previous = value }
        return column(value).map { ($0, ticks.text(value, after: previous)) }
      }
    case .number, .timespan:
      let ticks = NumberTicks(range, count: max(2, width / 12), of: model.xMeasure)
      let values = model.spec.isXLogarithmic ? NumberTicks.logarithmic(range) : ticks.values
      return values.compactMap { value in
        guard value >= range.lowerBound - 1e-9, value <= range.upperBound + 1e-9, let at = column(value) else { return nil }
        return (at, model.spec.isXLogarithmic ? model.xMeasure.text(value) : ticks.text(value))
      }
    case .names(let names):
      let shown = shownNames(model, width)
      let slot = Double(width) / Double(max(1, shown))
      return names.prefix(shown).enumerated().map { i, name in (Int((Double(i) + 0.5) * slot), fitted(name, max(3, Int(slot) - 1))) }
    }
  }

  /// Names that find room: at least a cell each for every series and a gap between.
  static func shownNames(_ model: ChartModel, _ width: Int) -> Int {
    let side = model.spec.kind == .columnchart && model.spec.stacking == .unstacked ? model.series.count : 1
    return max(1, min(model.names.count, width / max(1, side)))
  }

  static func legend(_ model: ChartModel, _ style: TerminalStyle) -> [String] {
    var out: [String] = []
    let names = model.series.map(\.name)
    if model.spec.isLegendVisible, names.count > 1 || names.first != model.yTitle {
      var line = "", used = 0
      for (i, name) in names.enumerated() {
        let mark = usesFills(model) ? style.fill(i) : style.mark(style.isColourful && model.spec.kind != .scatterchart ? 0 : i)
        let text = "\(mark) \(fitted(name, 40))"
        if used + text.count > style.width, used > 0 {
          out.append(String(line.dropLast(3)))
          (line, used) = ("", 0)
        }
        line += style.paint(text, series: i) + "   "
        used += text.count + 3
      }
      if used > 0 { out.append(line.last == " " ? String(line.dropLast(3)) : line) }
    }
    let marks = model.series.reduce(0) { $0 + $1.anomalies.count }
    if marks > 0 { out.append(style.alert("▲▼") + " anomalies: \(marks)") }
    if !out.isEmpty { out.insert("", at: 0) }
    return out
  }

  private static func usesFills(_ model: ChartModel) -> Bool {
    switch model.spec.kind {
    case .columnchart, .barchart, .piechart: true
    case .areachart: model.spec.stacking != .unstacked
    default: false
    }
  }
}

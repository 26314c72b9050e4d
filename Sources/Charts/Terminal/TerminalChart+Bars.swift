// Role: column, bar and pie charts in blocks.

import Glibc

extension TerminalChart {
  // MARK: Columns

  static func columns(_ model: ChartModel, _ style: TerminalStyle, _ canvas: inout Canvas) {
    let shown = shownNames(model, canvas.width)
    let slot = Double(canvas.width) / Double(shown)
    let side = model.spec.stacking == .unstacked ? model.series.count : 1
    // A gap between names where there is room for one.
    let gap = slot >= Double(side) * 2 ? max(1, Int(slot / 5)) : slot >= Double(side + 1) ? 1 : 0
    let thick = max(1, min(12, (Int(slot) - gap) / max(1, side)))
    for (i, band) in model.bands().enumerated() {
      for place in band where Int(place.x) < shown {
        let group = Int((place.x + 0.5) * slot) - thick * side / 2
        let start = group + (side == 1 ? 0 : i * thick)
        for column in start..<(start + thick) { block(place.low, place.high, column, i, model, style, &canvas) }
      }
    }
  }

  private static func block(_ low: Double, _ high: Double, _ column: Int, _ series: Int, _ model: ChartModel, _ style: TerminalStyle, _ canvas: inout Canvas) {
    let bottom = max(low, model.yRange.lowerBound), top = min(high, model.yRange.upperBound)
    guard top > bottom, let from = ChartModel.position(bottom, in: model.yRange, isLogarithmic: model.spec.isYLogarithmic) ?? Optional(0),
      let to = ChartModel.position(top, in: model.yRange, isLogarithmic: model.spec.isYLogarithmic)
    else { return }
    let height = Double(canvas.height)
    stackCell(from * height, to * height, column: column, series: series, style, &canvas)
    // A value too small for a block still shows.
    if (to - from) * height < 0.07 { canvas.put("▁", column: column, row: canvas.height - 1 - min(canvas.height - 1, Int(from * height)), ink: .series(series)) }
  }

  // MARK: Bars

  private static let maximumNames = 200

  static func bars(_ model: ChartModel, _ style: TerminalStyle) -> [String] {
    let names = Array(model.names.prefix(maximumNames))
    let labelWidth = min(names.map(\.count).max() ?? 0, style.width / 3)
    // Room for the value behind a bar: `12.35M`, `23 h 59 min 59 s`.
    let width = style.width - labelWidth - (model.yMeasure == .timespan ? 20 : 12)
    let bands = model.bands()
    let zero = ChartModel.position(min(max(0, model.yRange.lowerBound), model.yRange.upperBound), in: model.yRange, isLogarithmic: false) ?? 0
    func cells(_ value: Double) -> Double {
      let bound = min(max(value, model.yRange.lowerBound), model.yRange.upperBound)
      return (ChartModel.position(bound, in: model.yRange, isLogarithmic: model.spec.isYLogarithmic) ?? 0) * Double(width)
    }
    var out: [String] = []
    if !model.yTitle.isEmpty, model.yTitle != model.series.first?.name || model.series.count == 1 { out.append(style.dim(model.yTitle)) }
    for (n, name) in names.enumerated() {
      let label = fitted(name, labelWidth)
      let head = String(repeating: " ", count: labelWidth - label.count) + label
      let places = bands.enumerated().compactMap { i, band in band.first { Int($0.x) == n }.map { (i, $0) } }
      if model.spec.stacking == .unstacked {
        for (row, (i, place)) in places.enumerated() {
          let value = place.low < 0 ? place.low : place.high
          let text = model.yMeasure.text(value)
          let bar = self.bar(from: zero * Double(width), to: cells(value), series: i, style)
          out.append((row == 0 ? head : String(repeating: " ", count: labelWidth)) + style.dim(" │") + bar.text + " " + text)
        }
        if places.isEmpty { out.append(head + style.dim(" │")) }
        if model.series.count > 1, n < names.count - 1 { out.append(String(repeating: " ", count: labelWidth) + style.dim(" │")) }
      } else {
        var line = "", used = 0
        var sum = 0.0
        for (i, place) in places {
          let end = Int(cells(place.high).rounded())
          if end > used { line += style.paint(String(repeating: style.fill(i), count: end - used), series: i) }
          used = max(used, end)
          sum += place.high - place.low
        }
        out.append(head + style.dim(" │") + line + " " + (model.spec.stacking == .stacked100 ? "" : model.yMeasure.text(sum)))
      }
    }
    if model.names.count > names.count { out.append(style.dim("… and \(model.names.count - names.count) more")) }
    return out + legend(model, style)
  }

  /// A horizontal bar between two places counted in cells, with an eighth block at its end.
  private static func bar(from: Double, to: Double, series: Int, _ style: TerminalStyle) -> (text: String, cells: Int) {
    let blocks: [Character] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    guard to >= from else {
      let start = Int(to.rounded()), end = max(start, Int(from.rounded()))
      return (String(repeating: " ", count: start) + style.paint(String(repeating: style.fill(series), count: end - start), series: series), end)
    }
    let start = Int(from.rounded()), full = Int(to)
    let eighths = Int(((to - Double(full)) * 8).rounded(.down))
    var bar = String(repeating: style.fill(series), count: max(0, full - start))
    if eighths > 0, style.isColourful || series == 0 { bar.append(blocks[eighths - 1]) }
    if bar.isEmpty { bar = "▏" }
    return (String(repeating: " ", count: start) + style.paint(bar, series: series), start + bar.count)
  }

  // MARK: Pies

  /// A disk and the list of its parts.
  static func pie(_ model: ChartModel, _ style: TerminalStyle) -> [String] {
    let slices = PieSlices(model)
    let radius = min(Double(style.height) / 2, Double(style.width) / 8, 9)
    let rows = Int((radius * 2).rounded())
    let columns = rows * 2
    var disk: [[Cell]] = []
    for row in 0..<rows {
      disk.append((0..<columns).map { column in
        // A cell is twice as high as wide.
        let x = (Double(column) + 0.5) / 2 - radius, y = radius - (Double(row) + 0.5)
        guard x * x + y * y <= radius * radius else { return Cell(character: " ", ink: .plain) }
        var turn = atan2(x, y) / (2 * Double.pi)
        if turn < 0 { turn += 1 }
        let slice = slices.slice(atTurn: turn)
        return Cell(character: style.fill(slice), ink: .series(slice))
      })
    }
    let nameWidth = min(slices.list.map(\.name.count).max() ?? 0, max(10, style.width - columns - (model.yMeasure == .timespan ? 38 : 30)))
    var list: [String] = slices.list.enumerated().map { i, slice in
      let share = NumberTicks.text((slice.share * 1_000).rounded() / 10, step: 0.1)
      let percent = String(repeating: " ", count: max(0, 5 - share.count)) + share + "%"
      return style.paint(String(style.fill(i)), series: i) + " " + padded(fitted(slice.name, nameWidth), to: nameWidth) + "  " + percent + style.dim("  " + model.yMeasure.text(slice.value))
    }
    if slices.left > 0 { list.append(style.dim(fitted("\(slices.left) values are not above zero and left out", max(10, style.width - columns - 5)))) }
    let top = max(0, (rows - list.count) / 2)
    return (0..<max(rows, list.count)).map { row in
      let cells = row < disk.count ? disk[row] : []
      let entry = row >= top && row - top < list.count ? list[row - top] : ""
      let left = style.line(cells)
      let shown = cells.lastIndex { $0.character != " " }.map { $0 + 1 } ?? 0
      return entry.isEmpty ? "  " + left : "  " + left + String(repeating: " ", count: columns - shown + 3) + entry
    }
  }
}

/// The parts of a pie: the largest nine, and the rest as one.
struct PieSlices {
  private(set) var list: [(name: String, value: Double, share: Double)] = []
  /// Values that cannot be parts.
  private(set) var left = 0

  init(_ model: ChartModel) {
    var parts: [(String, Double)] = []
    for point in model.series.first?.points ?? [] {
      guard let value = point.y, value > 0, Int(point.x) < model.names.count else {
        left += 1
        continue
      }
      parts.append((model.names[Int(point.x)], value))
    }
    parts.sort { $0.1 > $1.1 }
    let total = parts.reduce(0) { $0 + $1.1 }
    if parts.count > 10 {
      let rest = parts.dropFirst(9)
      parts = Array(parts.prefix(9)) + [("\(rest.count) others", rest.reduce(0) { $0 + $1.1 })]
    }
    list = parts.map { ($0.0, $0.1, total > 0 ? $0.1 / total : 0) }
  }

  func slice(atTurn turn: Double) -> Int {
    var sum = 0.0
    for (i, slice) in list.enumerated() {
      sum += slice.share
      if turn < sum { return i }
    }
    return max(0, list.count - 1)
  }
}

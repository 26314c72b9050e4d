// Role: line, time, anomaly, scatter and area charts in dots.

extension TerminalChart {
  /// The dot of a point; nil off the scales.
  private static func dot(_ point: ChartPoint, _ model: ChartModel, _ canvas: Canvas) -> (x: Int, y: Int)? {
    guard let y = point.y, let h = ChartModel.position(point.x, in: model.xRange, isLogarithmic: model.spec.isXLogarithmic),
      let v = ChartModel.position(y, in: model.yRange, isLogarithmic: model.spec.isYLogarithmic), abs(h) < 1e4, abs(v) < 1e4
    else { return nil }
    return (Int((h * Double(canvas.dotWidth - 1)).rounded()), Int((v * Double(canvas.dotHeight - 1)).rounded()))
  }

  static func lines(_ model: ChartModel, _ style: TerminalStyle, _ canvas: inout Canvas) {
    for (i, series) in model.series.enumerated() { line(series, i, model, &canvas) }
    if !style.isColourful, model.series.count > 1 {
      for (i, series) in model.series.enumerated() { marks(series, i, model, style, &canvas) }
    }
    for series in model.series {
      for anomaly in series.anomalies {
        guard let at = dot(anomaly.point, model, canvas) else { continue }
        canvas.put(anomaly.sign > 0 ? "▲" : "▼", column: at.x / 2, row: canvas.height - 1 - at.y / 4, ink: .alert)
      }
    }
  }

  private static func line(_ series: ChartSeries, _ i: Int, _ model: ChartModel, _ canvas: inout Canvas) {
    var previous: (x: Int, y: Int)?
    for point in series.points {
      guard let at = dot(point, model, canvas) else {
        previous = nil
        continue
      }
      if let previous { canvas.line(previous.x, previous.y, at.x, at.y, series: i) } else { canvas.dot(at.x, at.y, series: i) }
      previous = at
    }
  }

  /// Without colours a mark every dozen cells tells lines apart, each series at columns of its own.
  private static func marks(_ series: ChartSeries, _ i: Int, _ model: ChartModel, _ style: TerminalStyle, _ canvas: inout Canvas) {
    var next = 3 + 4 * i
    for point in series.points {
      guard let at = dot(point, model, canvas), at.x / 2 >= next || point == series.points.last else { continue }
      canvas.put(style.mark(i), column: at.x / 2, row: canvas.height - 1 - at.y / 4, ink: .series(i))
      next = at.x / 2 + 14
    }
  }

  static func scatter(_ model: ChartModel, _ style: TerminalStyle, _ canvas: inout Canvas) {
    let isCrowded = model.series.reduce(0) { $0 + $1.points.count } > canvas.width * canvas.height / 4
    for (i, series) in model.series.enumerated() {
      for point in series.points {
        guard let at = dot(point, model, canvas) else { continue }
        if isCrowded { canvas.dot(at.x, at.y, series: i) } else {
          canvas.put(style.mark(i), column: at.x / 2, row: canvas.height - 1 - at.y / 4, ink: .series(i))
        }
      }
    }
  }

  static func areas(_ model: ChartModel, _ style: TerminalStyle, _ canvas: inout Canvas) {
    guard model.spec.stacking == .unstacked else { return stackedAreas(model, style, &canvas) }
    let zero = ChartModel.position(min(max(0, model.yRange.lowerBound), model.yRange.upperBound), in: model.yRange, isLogarithmic: false) ?? 0
    let base = Int((zero * Double(canvas.dotHeight - 1)).rounded())
    for (i, series) in model.series.enumerated() {
      var previous: (x: Int, y: Int)?
      for point in series.points {
        guard let at = dot(point, model, canvas) else {
          previous = nil
          continue
        }
        let from = previous ?? at
        for x in max(0, from.x)...max(max(0, from.x), min(at.x, canvas.dotWidth)) {
          let share = at.x == from.x ? 1 : Double(x - from.x) / Double(at.x - from.x)
          let top = from.y + Int((Double(at.y - from.y) * share).rounded())
          // Every other dot: the line at the edge stays visible.
          for y in min(base, top)...max(base, top) where (x + y) % 2 == 0 { canvas.dot(x, y, series: i) }
        }
        previous = at
      }
    }
    for (i, series) in model.series.enumerated() { line(series, i, model, &canvas) }
  }

  private static func stackedAreas(_ model: ChartModel, _ style: TerminalStyle, _ canvas: inout Canvas) {
    let bands = model.bands()
    for column in 0..<canvas.width {
      let x = model.xRange.lowerBound + (Double(column) + 0.5) / Double(canvas.width) * (model.xRange.upperBound - model.xRange.lowerBound)
      for (i, band) in bands.enumerated() {
        guard let (low, high) = interpolated(band, x),
          let from = ChartModel.position(low, in: model.yRange, isLogarithmic: false), let to = ChartModel.position(high, in: model.yRange, isLogarithmic: false)
        else { continue }
        stackCell(from * Double(canvas.height), to * Double(canvas.height), column: column, series: i, style, &canvas)
      }
    }
  }

  /// Fills the cells of a column between two heights counted in cells; the topmost takes an eighth block.
  static func stackCell(_ from: Double, _ to: Double, column: Int, series: Int, _ style: TerminalStyle, _ canvas: inout Canvas) {
    guard to > from else { return }
    let first = Int(from.rounded()), last = Int(to.rounded(.down))
    if first < last { for row in first..<last { canvas.put(style.fill(series), column: column, row: canvas.height - 1 - row, ink: .series(series)) } }
    let eighths = Int(((to - Double(last)) * 8).rounded())
    let blocks: [Character] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    guard eighths > 0, last >= first else { return }
    let block = style.isColourful || series == 0 ? blocks[eighths] : eighths > 3 ? style.fill(series) : " "
    if block != " " { canvas.put(block, column: column, row: canvas.height - 1 - last, ink: .series(series)) }
  }

  private static func interpolated(_ band: [(x: Double, low: Double, high: Double)], _ x: Double) -> (Double, Double)? {
    guard let first = band.first, let last = band.last else { return nil }
    if x <= first.x { return band.count == 1 || x == first.x ? (first.low, first.high) : (first.low, first.high) }
    if x >= last.x { return (last.low, last.high) }
    var low = 0, high = band.count - 1
    while high - low > 1 {
      let middle = (low + high) / 2
      if band[middle].x <= x { low = middle } else { high = middle }
    }
    let a = band[low], b = band[high]
    let share = b.x == a.x ? 0 : (x - a.x) / (b.x - a.x)
    return (a.low + (b.low - a.low) * share, a.high + (b.high - a.high) * share)
  }
}

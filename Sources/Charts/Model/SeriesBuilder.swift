// Role: rows to series: one for each value column and combination of series names.

import Columnar
import DataSource

struct SeriesBuilder {
  private let spec: ChartSpec
  private let schema: StructType
  private let roles: ChartRoles
  private var order: [String] = []
  private var bySeries: [String: (points: [ChartPoint], anomalies: [(ChartPoint, Int)])] = [:]
  private var names: [String] = []
  private var places: [String: Int] = [:]
  private static let maximumSeries = 50

  init(_ spec: ChartSpec, _ schema: StructType, _ roles: ChartRoles) {
    self.spec = spec
    self.schema = schema
    self.roles = roles
  }

  mutating func add(_ row: [Scalar]) {
    let group = roles.series.map { ChartValue.name(row[$0]) }.joined(separator: ", ")
    for value in roles.values {
      let column = VisibleText.singleLine(schema[value].name)
      let name = group.isEmpty ? column : roles.values.count == 1 ? group : "\(group): \(column)"
      let flag = roles.anomalies[value]
      if roles.isArrays {
        guard case .dynamic(.array(let xs)) = row[roles.x], case .dynamic(.array(let ys)) = row[value] else { continue }
        var flags: [DynamicValue] = []
        if let flag, case .dynamic(.array(let items)) = row[flag] { flags = items }
        for (i, (x, y)) in zip(xs, ys).enumerated() {
          add(.dynamic(x), ChartValue.number(y), i < flags.count ? ChartValue.number(flags[i]) : nil, to: name)
        }
      } else {
        add(row[roles.x], ChartValue.number(row[value]), flag.flatMap { ChartValue.number(row[$0]) }, to: name)
      }
    }
  }

  private mutating func add(_ x: Scalar, _ y: Double?, _ flag: Double?, to series: String) {
    let place: Double
    if case .names = roles.axis {
      let name = ChartValue.name(x)
      if let known = places[name] { place = Double(known) } else {
        place = Double(names.count)
        places[name] = names.count
        names.append(name)
      }
    } else {
      guard let found = ChartValue.place(x) else { return }
      place = found
    }
    if bySeries[series] == nil {
      order.append(series)
      bySeries[series] = ([], [])
    }
    let point = ChartPoint(x: place, y: y)
    bySeries[series]?.points.append(point)
    if let flag, flag != 0, y != nil { bySeries[series]?.anomalies.append((point, flag > 0 ? 1 : -1)) }
  }

  /// Throws USAGE when there is nothing to draw.
  func finish() throws(KConnectError) -> ChartModel {
    var notes: [String] = []
    var shown = order
    if shown.count > Self.maximumSeries {
      notes.append("\(shown.count - Self.maximumSeries) of \(shown.count) series are left out")
      shown = Array(shown.prefix(Self.maximumSeries))
    }
    var series = shown.map { name -> ChartSeries in
      let found = bySeries[name] ?? ([], [])
      var points = found.points
      if spec.kind != .scatterchart { points = points.enumerated().sorted { ($0.element.x, $0.offset) < ($1.element.x, $1.offset) }.map(\.element) }
      return ChartSeries(name: name, points: points, anomalies: found.anomalies.map { (point: $0.0, sign: $0.1) })
    }
    if spec.isAccumulated { series = series.map(Self.accumulated) }
    if case .names = roles.axis { series = series.map(Self.merged) }
    let points = series.reduce(0) { $0 + $1.points.count }
    series = series.map(Self.drawable)
    let far = points - series.reduce(0) { $0 + $1.points.count }
    if far > 0 { notes.append("\(far) of \(points) points are not drawn: they lie beyond ±1e300") }
    guard series.contains(where: { $0.points.contains { $0.y != nil } }) else {
      throw KConnectError(.usage, "render \(spec.kind): the result has no values to draw", hint: "rows with a place on the axis and a number are needed")
    }
    var axis = roles.axis
    if case .names = axis { axis = .names(names) }
    var model = ChartModel(
      spec: spec, axis: axis, series: series, xTitle: spec.xTitle ?? VisibleText.singleLine(schema[roles.x].name),
      yTitle: spec.yTitle ?? (roles.values.count == 1 ? VisibleText.singleLine(schema[roles.values[0]].name) : ""),
      yMeasure: spec.stacking == .stacked100 ? .number : roles.measure, xRange: 0...1, yRange: 0...1, notes: notes)
    model.xRange = xRange(series)
    model.yRange = try yRange(model)
    return model
  }

  private static func accumulated(_ series: ChartSeries) -> ChartSeries {
    var out = series
    var sum = 0.0
    for i in out.points.indices {
      sum += out.points[i].y ?? 0
      out.points[i].y = sum
    }
    out.anomalies = []
    return out
  }

  /// Without points that are so far away that the distance of two of them may be none that a double holds.
  private static func drawable(_ series: ChartSeries) -> ChartSeries {
    func isNear(_ point: ChartPoint) -> Bool { abs(point.x) <= 1e300 && point.y.map { abs($0) <= 1e300 } ?? true }
    var out = series
    out.points.removeAll { !isNear($0) }
    out.anomalies.removeAll { !isNear($0.point) }
    return out
  }

  /// Rows of one name add up.
  private static func merged(_ series: ChartSeries) -> ChartSeries {
    var out = series
    out.points = []
    for point in series.points {
      if let last = out.points.last, last.x == point.x {
        if let y = point.y { out.points[out.points.count - 1].y = (last.y ?? 0) + y }
      } else {
        out.points.append(point)
      }
    }
    return out
  }

  private func xRange(_ series: [ChartSeries]) -> ClosedRange<Double> {
    if case .names = roles.axis { return -0.5...(Double(max(1, names.count)) - 0.5) }
    var low = Double.infinity, high = -Double.infinity
    for one in series {
      for point in one.points where !spec.isXLogarithmic || point.x > 0 {
        low = min(low, point.x)
        high = max(high, point.x)
      }
    }
    if let bound = spec.xMin.flatMap(bound) { low = bound }
    if let bound = spec.xMax.flatMap(bound) { high = bound }
    guard low.isFinite, high.isFinite else { return 0...1 }
    return low < high ? low...high : (low - 0.5)...(low + 0.5)
  }

  /// A bound as written: a number or a datetime.
  private func bound(_ text: String) -> Double? {
    if case .datetime(let ticks)? = ScalarText.parse(text, as: .datetime), roles.axis == .time { return Double(ticks) / 1e7 }
    if text.hasPrefix("datetime("), text.hasSuffix(")") { return bound(String(text.dropFirst(9).dropLast())) }
    return Double(text)
  }

  private func yRange(_ model: ChartModel) throws(KConnectError) -> ClosedRange<Double> {
    if spec.stacking == .stacked100, spec.yMin == nil, spec.yMax == nil { return 0...100 }
    var low = Double.infinity, high = -Double.infinity
    let standsOnZero = !spec.kind.hasContinuousAxis || spec.kind == .areachart
    if standsOnZero {
      for band in model.bands() { for place in band { low = min(low, place.low); high = max(high, place.high) } }
    } else {
      for one in model.series { for point in one.points { if let y = point.y, !spec.isYLogarithmic || y > 0 { low = min(low, y); high = max(high, y) } } }
    }
    guard low.isFinite, high.isFinite else { return 0...1 }
    if spec.isYLogarithmic {
      let positive = model.series.flatMap { $0.points.compactMap(\.y) }.filter { $0 > 0 }
      low = positive.min() ?? 1
      if low == high { high = low * 10 }
      return (spec.yMin.flatMap { $0 > 0 ? $0 : nil } ?? low)...max(spec.yMax ?? high, low)
    }
    // A line far from zero keeps its shape; one near it shows zero.
    if !standsOnZero, low > 0, low < 0.5 * high { low = 0 }
    if !standsOnZero, high < 0, high > 0.5 * low { high = 0 }
    if low == high { (low, high) = low == 0 ? (0, 1) : (min(low, 0), max(high, 0)) }
    let nice = NumberTicks(low...high, count: 5, of: model.yMeasure)
    let bottom = spec.yMin ?? min(low, nice.range.lowerBound), top = spec.yMax ?? max(high, nice.range.upperBound)
    guard bottom < top else { throw KConnectError(.usage, "render: ymin \(bottom) is not below ymax \(top)") }
    return bottom...top
  }
}

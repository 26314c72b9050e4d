// Role: what `render` asks for, checked: the kind of chart and its properties, each known or refused by name.
// Source: Kusto "render operator": visualizations, supported properties and their values.

package import DataSource
import Columnar

/// The visualizations of the language that can be drawn here.
package enum ChartKind: String, Sendable, CaseIterable {
  case anomalychart, areachart, barchart, card, columnchart, linechart, piechart, scatterchart, stackedareachart, table, timechart

  /// Known to the language and not drawn here.
  static let refused = ["graph", "ladderchart", "pivotchart", "plotly", "timeline", "timepivot", "treemap", "3Dchart"]

  var isTimeAxisPreferred: Bool { self == .timechart || self == .anomalychart }
  /// Kinds whose horizontal axis counts, while bars, columns and pies have names.
  var hasContinuousAxis: Bool {
    switch self {
    case .anomalychart, .areachart, .linechart, .scatterchart, .stackedareachart, .timechart: true
    case .barchart, .card, .columnchart, .piechart, .table: false
    }
  }
}

/// How several series share their place.
package enum ChartStacking: String, Sendable, CaseIterable {
  /// Side by side or over each other.
  case unstacked
  case stacked
  /// Each place adds up to 100 %.
  case stacked100
}

/// A checked `render` operator.
package struct ChartSpec: Sendable {
  package var kind: ChartKind
  package var stacking = ChartStacking.unstacked
  package var title: String?
  package var xTitle: String?
  package var yTitle: String?
  package var xColumn: String?
  package var yColumns: [String] = []
  package var series: [String] = []
  package var anomalyColumns: [String] = []
  package var xMin: String?
  package var xMax: String?
  package var yMin: Double?
  package var yMax: Double?
  package var isXLogarithmic = false
  package var isYLogarithmic = false
  package var isLegendVisible = true
  /// Each value is added to those before it in its series.
  package var isAccumulated = false
  /// One panel for each y column.
  package var hasPanels = false

  private static let names = [
    "accumulate", "anomalycolumns", "kind", "legend", "series", "title", "xaxis", "xcolumn", "xmax", "xmin", "xtitle", "yaxis", "ycolumns",
    "ymax", "ymin", "ysplit", "ytitle",
  ]

  /// Throws NOT_SUPPORTED for a visualization that is not drawn, USAGE for an unknown property or value.
  package init(kind word: String, properties: [(name: String, value: String)]) throws(KConnectError) {
    guard let kind = ChartKind(rawValue: word.lowercased()) else {
      if let known = ChartKind.refused.first(where: { $0.lowercased() == word.lowercased() }) {
        throw KConnectError(.notSupported, "render \(known): not supported yet: this visualization", hint: "supported: \(Self.kinds)")
      }
      let near = nearestNames(to: word, among: ChartKind.allCases.map(\.rawValue), limit: 1).first
      throw KConnectError(.usage, "render: unknown visualization '\(word)'", hint: (near.map { "did you mean '\($0)'? " } ?? "") + "supported: \(Self.kinds)")
    }
    self.kind = kind == .stackedareachart ? .areachart : kind
    if kind == .stackedareachart { stacking = .stacked }
    for property in properties { try set(property.name, property.value) }
  }

  private static var kinds: String { ChartKind.allCases.map(\.rawValue).joined(separator: ", ") }

  private mutating func set(_ name: String, _ value: String) throws(KConnectError) {
    func list() -> [String] {
      value.split(separator: ",").map { item in
        var item = item
        while item.first == " " { item.removeFirst() }
        while item.last == " " { item.removeLast() }
        return String(item)
      }
    }
    func word(_ allowed: [String]) throws(KConnectError) -> String {
      guard let found = allowed.first(where: { $0 == value.lowercased() }) else {
        throw KConnectError(.usage, "render: property '\(name)': found '\(value.prefix(80))', expected \(allowed.joined(separator: ", "))")
      }
      return found
    }
    func number() throws(KConnectError) -> Double {
      guard let number = Double(value) else { throw KConnectError(.usage, "render: property '\(name)': found '\(value.prefix(80))', expected a number") }
      return number
    }
    switch name.lowercased() {
    case "accumulate": isAccumulated = try word(["true", "false"]) == "true"
    case "anomalycolumns": anomalyColumns = list()
    case "kind":
      guard kind == .areachart || kind == .barchart || kind == .columnchart || kind == .piechart || kind == .scatterchart else {
        throw KConnectError(.usage, "render \(kind): the property 'kind' is not taken")
      }
      if kind == .scatterchart || kind == .piechart { throw KConnectError(.notSupported, "render \(kind): not supported yet: kind=\(value)") }
      let found = try word(["default", "unstacked", "stacked", "stacked100"])
      stacking = ChartStacking(rawValue: found) ?? .unstacked
    case "legend": isLegendVisible = try word(["visible", "hidden"]) == "visible"
    case "series": series = list()
    case "title": title = VisibleText.singleLine(value)
    case "xaxis": isXLogarithmic = try word(["linear", "log"]) == "log"
    case "yaxis": isYLogarithmic = try word(["linear", "log"]) == "log"
    case "xcolumn": xColumn = value
    case "xtitle": xTitle = VisibleText.singleLine(value)
    case "ytitle": yTitle = VisibleText.singleLine(value)
    case "ycolumns": yColumns = list()
    case "xmin": xMin = value
    case "xmax": xMax = value
    case "ymin": yMin = try number()
    case "ymax": yMax = try number()
    case "ysplit":
      let found = try word(["none", "axes", "panels"])
      if found == "axes" { throw KConnectError(.notSupported, "render: not supported yet: ysplit=axes", hint: "ysplit=panels draws one panel for each column") }
      hasPanels = found == "panels"
    default:
      let near = nearestNames(to: name, among: Self.names, limit: 1).first
      throw KConnectError(
        .usage, "render: unknown property '\(name)'", hint: (near.map { "did you mean '\($0)'? " } ?? "") + "properties: \(Self.names.joined(separator: ", "))")
    }
  }
}

// Charts: which columns play which part, scales, and drawings without colours.

import Charts
import Columnar
import DataSource
import Testing

private func batch(_ columns: [(String, DataType, [Scalar])]) -> RecordBatch {
  RecordBatch(schema: StructType(columns.map { StructField($0.0, $0.1) }), columns: columns.map { .of($0.1, $0.2) })
}

private func models(_ kind: String, _ properties: [(name: String, value: String)] = [], _ columns: [(String, DataType, [Scalar])]) throws -> [ChartModel] {
  let rows = batch(columns)
  var data = ChartData(try ChartSpec(kind: kind, properties: properties), schema: rows.schema)
  _ = data.append(rows)
  return try data.models()
}

private let day: Int64 = 864_000_000_000
private let times: [Scalar] = (0..<4).map { .datetime(19_800 * day + Int64($0) * day) }
private let plain = TerminalStyle(width: 60, height: 8, isColourful: false)

struct ChartTests {
  @Test func textColumnsNameSeries() throws {
    let model = try models("timechart", [], [
      ("t", .datetime, times), ("host", .string, [.string("a"), .string("b"), .string("a"), .string("b")]), ("v", .long, [.long(1), .long(2), .long(3), .long(4)]),
    ])[0]
    #expect(model.axis == .time)
    #expect(model.series.map(\.name) == ["a", "b"])
    #expect(model.series[0].points.map(\.y) == [1, 3])
    #expect(model.yTitle == "v")
  }

  /// Whatever the span, the axis of time has two places at least, and no line is wider than the terminal.
  @Test(arguments: [1, 7, 420, 660, 1_200, 2_820, 9_000, 9_800, 50_000, 400_000], [40, 60, 100]) func axisOfTime(minutes: Int64, width: Int) throws {
    let start: Int64 = 19_723 * day + 600_000_000
    let model = try models("timechart", [], [
      ("t", .datetime, [.datetime(start), .datetime(start + minutes * 600_000_000)]), ("v", .long, [.long(1), .long(2)]),
    ])
    let lines = TerminalChart.draw(model, TerminalStyle(width: width, height: 8, isColourful: false)).split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= width })
    let places = lines.map { $0.matches(of: /(\d{4}-)?\d\d-\d\d( \d\d:\d\d(:\d\d)?)?|\d\d:\d\d(:\d\d)?/).count }.max() ?? 0
    #expect(places >= 2, "\(lines.joined(separator: "\n"))")
  }

  /// Distances of such values may be none that a double holds; texts may steer a terminal.
  @Test func valuesAndTextsThatAreNotToBeDrawn() throws {
    let model = try models("timechart", [("title", "a\u{1B}[31mb")], [
      ("t", .datetime, times), ("host", .string, [Scalar](repeating: .string("h\u{9B}1m\u{1B}]0;x"), count: 4)), ("v", .real, [.real(1e308), .real(-1e308), .real(3), .real(4)]),
    ])[0]
    #expect(model.series.map { $0.points.map(\.y) } == [[3, 4]])
    #expect(model.notes.contains { $0.hasPrefix("2 of 4 points are not drawn") })
    let drawn = try models("barchart", [], [("s", .string, [.string("red\u{1B}[31m")]), ("v\u{7}", .real, [.real(1e308)]), ("w", .real, [.real(2)])])[0]
    for text in model.series.map(\.name) + drawn.series.map(\.name) + [model.spec.title ?? "", model.xTitle, drawn.yTitle] {
      #expect(!text.unicodeScalars.contains { $0.value < 0x20 || 0x7F...0x9F ~= $0.value }, "\(text.debugDescription)")
    }
  }

  @Test func arraysAreSpreadOut() throws {
    let moments = DynamicValue.array((0..<4).map { .datetime(19_800 * day + Int64($0) * day) })
    let model = try models("timechart", [], [
      ("num", .dynamic, [.dynamic(.array([.long(1), .null, .real(2.5), .long(4)]))]), ("t", .dynamic, [.dynamic(moments)]), ("sid", .string, [.string("TS1")]),
    ])[0]
    #expect(model.series.map(\.name) == ["TS1"])
    #expect(model.series[0].points.map(\.y) == [1, nil, 2.5, 4])
    #expect(model.axis == .time)
  }

  @Test func anomaliesMarkTheFirstValues() throws {
    let arrays: (DynamicValue...) -> [Scalar] = { [.dynamic(.array($0))] }
    let model = try models("anomalychart", [("anomalycolumns", "flags")], [
      ("t", .dynamic, [.dynamic(.array((0..<3).map { .datetime(Int64($0) * day) }))]), ("v", .dynamic, arrays(.long(1), .long(9), .long(2))),
      ("flags", .dynamic, arrays(.long(0), .long(1), .long(-1))), ("baseline", .dynamic, arrays(.real(1), .real(1.5), .real(2))),
    ])[0]
    #expect(model.series.map(\.name) == ["v", "baseline"])
    #expect(model.series[0].anomalies.map(\.sign) == [1, -1])
    #expect(TerminalChart.draw([model], plain).contains("anomalies: 2"))
  }

  @Test func stackedBandsAddUp() throws {
    let columns: [(String, DataType, [Scalar])] = [
      ("k", .string, [.string("x"), .string("x"), .string("y")]), ("s", .string, [.string("a"), .string("b"), .string("b")]), ("v", .long, [.long(1), .long(3), .long(2)]),
    ]
    let stacked = try models("columnchart", [("kind", "stacked")], columns)[0]
    #expect(stacked.bands()[1].map(\.high) == [4, 2])
    #expect(stacked.yRange == 0...4)
    let shares = try models("columnchart", [("kind", "stacked100")], columns)[0]
    #expect(shares.bands()[1].map(\.high) == [100, 100])
  }

  @Test func barsAreDrawn() throws {
    let model = try models("barchart", [("title", "Storms")], [("State", .string, [.string("TEXAS"), .string("OHIO")]), ("n", .long, [.long(40), .long(10)])])[0]
    let text = TerminalChart.draw([model], plain)
    let lines = text.split(separator: "\n")
    #expect(lines[0].hasSuffix("Storms"))
    #expect(lines.contains { $0.hasPrefix("TEXAS │█") && $0.hasSuffix(" 40") })
    let longest = lines.first { $0.hasPrefix("TEXAS") }.map { $0.filter { $0 == "█" }.count } ?? 0
    let shortest = lines.first { $0.hasPrefix(" OHIO") }.map { $0.filter { $0 == "█" }.count } ?? 0
    #expect(longest == 43 && (10...11).contains(shortest))
    #expect(!text.contains("\u{1B}"))
  }

  @Test(arguments: ["timechart", "linechart", "areachart", "stackedareachart", "scatterchart", "columnchart", "barchart", "piechart", "anomalychart"])
  func everyKindIsDrawnEverywhere(_ kind: String) throws {
    let drawn = try models(kind, [("title", "<A & \"B\">")], [("t", .datetime, times), ("v", .long, [.long(1), .long(-2), .null(.long), .long(4)]), ("w", .real, [.real(1), .real(.nan), .real(1e9), .real(2)])])
    let text = TerminalChart.draw(drawn, plain)
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 62 })
    let svg = SVGChart.document(drawn)
    #expect(svg.contains("&lt;A &amp; &quot;B&quot;&gt;") && !svg.contains("<A &") && !svg.contains("nan"))
    #expect(ChartPage.html(drawn).hasPrefix("<!doctype html>"))
  }

  /// The steps between spans of time are round as spans.
  @Test(arguments: [
    (4_000, ["500 µs", "1.5 ms"]), (5_000_000, ["500 ms", "1.5 s"]), (600_000_000, ["1 min", "9 min"]), (7_200_000_000, ["15 min", "1 h 15 min"]),
    (691_200_000_000, ["1 d", "7 d"]), (8_640_000_000_000, ["10 d", "90 d"]),
  ] as [(Int64, [String])])
  func axisOfSpans(microseconds: Int64, texts: [String]) throws {
    let spans: [Scalar] = [.timespan(0), .timespan(microseconds * 10)]
    let along = try models("linechart", [], [("d", .timespan, spans), ("v", .long, [.long(1), .long(2)])])[0]
    #expect(along.axis == .timespan)
    let svg = SVGChart.document([along])
    #expect(texts.allSatisfy { svg.contains(">\($0)<") }, "\(svg)")
    #expect(TerminalChart.draw([along], plain).split(separator: "\n").allSatisfy { $0.count <= 60 })
  }

  @Test func valuesThatAreSpans() throws {
    let spans: [Scalar] = [0, 20, 40, 55].map { .timespan($0 * 600_000_000) }
    let line = try models("timechart", [], [("t", .datetime, times), ("d", .timespan, spans)])
    let text = TerminalChart.draw(line, plain)
    #expect(text.contains("30 min ┤") && text.contains("1 h ┤"), "\(text)")
    let svg = SVGChart.document(line)
    #expect(svg.contains(">10 min<") && svg.contains(">1 h<"))
    #expect(ChartPage.html(line).contains("d: 55 min"))
    let bars = try models("barchart", [], [("k", .string, [.string("a"), .string("b")]), ("d", .timespan, [.timespan(900_000_000), .timespan(27_000_000_000)])])
    let lines = TerminalChart.draw(bars, plain).split(separator: "\n")
    #expect(lines.contains { $0.hasSuffix(" 1 min 30 s") } && lines.contains { $0.hasSuffix(" 45 min") })
    #expect(lines.allSatisfy { $0.count <= 60 })
    // Arrays of spans are spans, beside numbers they are seconds.
    let arrays: [(String, DataType, [Scalar])] = [
      ("t", .dynamic, [.dynamic(.array([.datetime(0), .datetime(day)]))]), ("d", .dynamic, [.dynamic(.array([.timespan(0), .timespan(36_000_000_000)]))]),
    ]
    #expect(try models("timechart", [], arrays)[0].yMeasure == .timespan)
    #expect(try models("timechart", [], [("t", .datetime, times), ("d", .timespan, spans), ("n", .long, times.map { _ in .long(1) })])[0].yMeasure == .number)
  }

  @Test func panelsSplitValues() throws {
    #expect(try models("timechart", [("ysplit", "panels")], [("t", .datetime, times), ("v", .long, times.map { _ in .long(1) }), ("w", .long, times.map { _ in .long(2) })]).count == 2)
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var kind: String
    var property: String?
    var value = ""
    var code: KConnectError.Code
    var testDescription: String { "\(kind) \(property ?? "")" }
  }

  @Test(arguments: [
    Refusal(kind: "timepivot", code: .notSupported), Refusal(kind: "treemap", code: .notSupported), Refusal(kind: "tmechart", code: .usage),
    Refusal(kind: "timechart", property: "ysplit", value: "axes", code: .notSupported), Refusal(kind: "timechart", property: "ymin", value: "x", code: .usage),
    Refusal(kind: "timechart", property: "colour", value: "x", code: .usage), Refusal(kind: "linechart", property: "kind", value: "stacked", code: .usage),
  ])
  func refusalsAreNamed(_ item: Refusal) {
    do {
      _ = try ChartSpec(kind: item.kind, properties: item.property.map { [(name: $0, value: item.value)] } ?? [])
      Issue.record("accepted")
    } catch {
      #expect(error.code == item.code)
    }
  }

  @Test func nothingToDrawIsSaid() {
    #expect(throws: KConnectError.self) { try models("timechart", [], [("t", .datetime, []), ("v", .long, [])]) }
    #expect(throws: KConnectError.self) { try models("timechart", [], [("s", .string, [.string("x")])]) }
    #expect(throws: KConnectError.self) { try models("columnchart", [("xcolumn", "nope")], [("s", .string, [.string("x")]), ("v", .long, [.long(1)])]) }
  }
}

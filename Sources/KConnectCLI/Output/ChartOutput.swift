// Role: results with `render` as pictures: lines of text for the terminal, SVG or HTML for files.

import Charts
import Columnar
import DataSource
import Engine
import KConnect
import KQL

enum ChartOutput {
  /// Draws one result to standard output; answers how many rows it is made of, nil for none, which make no picture.
  static func draw(_ result: KQLResult, _ visualization: Visualization, _ context: Context) throws -> Int? {
    let style = TerminalStyle(
      width: min(StandardStreams.outputWidth ?? 80, 160), height: min(20, max(6, StandardStreams.outputHeight - 9)),
      isColourful: StandardStreams.isOutputColourful)
    let spec = try ChartSpec(kind: visualization.kind, properties: visualization.properties)
    let (data, rows) = try collect(result, spec, context)
    if rows == 0 { return nil }
    if spec.kind == .card {
      try ByteOutput.print(TerminalCard.draw(data.firstRow, title: spec.title, style))
      return rows
    }
    let models = try data.models()
    try ByteOutput.print(TerminalChart.draw(models, style))
    for model in models { for note in model.notes { context.note(note) } }
    return rows
  }

  /// Draws the one result that asks for a chart, or the only result, into a file.
  static func write(_ results: [KQLResult], to path: String, _ context: Context) throws {
    let lower = path.lowercased()
    guard lower.hasSuffix(".svg") || lower.hasSuffix(".html") || lower.hasSuffix(".htm") else {
      throw KConnectError(.usage, "--chart '\(path)': found no known extension, expected .svg or .html")
    }
    let rendered = results.filter { $0.visualization != nil }
    guard let result = rendered.first ?? results.first, rendered.count == 1 || results.count == 1 else {
      throw KConnectError(.usage, "--chart: the text has \(results.count) results and \(rendered.count) of them have render", hint: "leave one")
    }
    let visualization = result.visualization ?? suggested(result.frame.schema)
    guard visualization.kind != "table" else { throw KConnectError(.usage, "--chart: a table is no picture", hint: "end the query with, for instance, | render timechart") }
    let spec = try ChartSpec(kind: visualization.kind, properties: visualization.properties)
    let (data, _) = try collect(result, spec, context)
    let text: String
    if spec.kind == .card {
      let card = ChartPage.svg(card: data.firstRow, title: spec.title)
      text = lower.hasSuffix(".svg") ? card : "<!doctype html>\n<meta charset=\"utf-8\">\n" + card
    } else {
      let models = try data.models()
      for model in models { for note in model.notes { context.note(note) } }
      text = lower.hasSuffix(".svg") ? SVGChart.document(models) : ChartPage.html(models)
    }
    let output = try ByteOutput(path: path)
    try output.write(text)
    try output.finish()
    context.note("chart: \(path)")
  }

  /// Without `render`: time goes along the axis, names make columns, numbers a line.
  private static func suggested(_ schema: StructType) -> Visualization {
    let first = schema.fields.first?.type
    let kind = schema.fields.contains { $0.type == .datetime } || schema.fields.contains { $0.type == .dynamic } ? "timechart"
      : first == .string || first == .guid || first == .bool ? "columnchart" : schema.count == 1 ? "card" : "linechart"
    return Visualization(kind: kind, properties: [])
  }

  private static func collect(_ result: KQLResult, _ spec: ChartSpec, _ context: Context) throws -> (data: ChartData, rows: Int) {
    var data = ChartData(spec, schema: result.frame.schema)
    var rows = 0
    try result.running { execution in
      let progress = ProgressReporter(execution, mode: context.progress, resultGoesToTerminal: true)
      defer { progress?.stop() }
      try Interrupt.cancelling(execution) {
        try execution.run { batch in
          rows += batch.rowCount
          return data.append(batch)
        }
      }
      if Interrupt.isRequested { throw KConnectError(.cancelled, "interrupted") }
    }
    return (data, rows)
  }
}

// Role: runs a result and writes it in its format, to standard output or a file; several results one after another.

import Columnar
import DataSource
import Engine
import FileConnector
import KConnect
import KQL

/// How and where results go.
struct ResultOutput {
  var format: ResultFormat
  /// `-` is standard output.
  var path: String
  var showsHeader: Bool

  /// Whether rows meet eyes: a table on a terminal, where `render` draws.
  var isForEyes: Bool { format == .table && path == "-" && StandardStreams.isOutputTerminal }

  /// Prints all results of a text. A result with `render` is drawn where it meets eyes, or into `chart`.
  func run(_ results: [KQLResult], _ context: Context, chart: String? = nil) throws {
    if let chart { return try ChartOutput.write(results, to: chart, context) }
    if results.count > 1, path != "-" || format == .parquet {
      throw KConnectError(.notSupported, "the text has \(results.count) results; not supported yet: several results in one file", hint: "run the queries one by one")
    }
    for (i, result) in results.enumerated() {
      if i > 0, format != .json, format != .ndjson { try ByteOutput.print("\n") }
      if results.count > 1, let name = result.name, format == .table { try ByteOutput.print(name + "\n") }
      if isForEyes, let visualization = result.visualization, visualization.kind != "table" {
        try ChartOutput.draw(result, visualization, context)
      } else {
        try run(result, context)
      }
    }
  }

  /// Runs a result and prints its rows; answers how many.
  @discardableResult
  func run(_ result: KQLResult, _ context: Context) throws -> Int {
    let frame = result.frame
    if format == .parquet, path == "-", StandardStreams.isOutputTerminal {
      throw KConnectError(.usage, "Parquet is binary and standard output is a terminal", hint: "add --output FILE, or redirect")
    }
    let execution = try result.execution()
    let progress = ProgressReporter(execution, mode: context.progress, resultGoesToTerminal: path == "-" && StandardStreams.isOutputTerminal)
    defer {
      progress?.stop()
      for note in execution.progress.notes { context.note(note) }
    }
    return try Interrupt.cancelling(execution) {
      if let sink = format.sink(noHeader: !showsHeader) { return try write(execution, frame, sink.format, sink.options) }
      return try print(execution, frame)
    }
  }

  private func write(_ execution: QueryExecution, _ frame: DataFrame, _ name: String, _ options: [(String, String)]) throws -> Int {
    guard let format = FileFormats.all.first(where: { $0.shortName == name }) else {
      throw KConnectError(.notSupported, "not supported yet: output as \(name)")
    }
    var given = options
    if let compression = FileNames.compressionExtension(path), format.options.contains(where: { $0.name == "compression" }) {
      given.append(("compression", compression.hasPrefix(".z") ? "zstd" : "gzip"))
    }
    let checked = try DataSourceOptions(source: name, specs: format.options, given: given, use: .write)
    let sink = try StagedFileSink(path: path) { try format.makeWriter($0, schema: frame.schema, options: checked) }
    return try execution.write(to: sink).rows
  }

  private func print(_ execution: QueryExecution, _ frame: DataFrame) throws -> Int {
    let output = try ByteOutput(path: path)
    let printer: any RowPrinter = switch format {
    case .markdown: try MarkdownPrinter(output, schema: frame.schema, showsHeader: showsHeader)
    case .json: try JSONPrinter(output, schema: frame.schema)
    default: TablePrinter(output, schema: frame.schema, showsHeader: showsHeader, maxWidth: path == "-" ? StandardStreams.outputWidth : nil)
    }
    var failure: (any Error)?
    var rows = 0
    try execution.run { batch in
      rows += batch.rowCount
      if Interrupt.isRequested { return false }
      do {
        try printer.write(batch)
        return true
      } catch {
        failure = error
        return false
      }
    }
    if let failure { throw failure }
    if Interrupt.isRequested { throw KConnectError(.cancelled, "interrupted") }
    try printer.end()
    try output.finish()
    return rows
  }
}

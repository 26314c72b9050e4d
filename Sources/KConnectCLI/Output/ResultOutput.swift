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
  /// Options of the format.
  var options: [(String, String)] = []

  /// Whether rows meet eyes: a table on a terminal, where `render` draws.
  var isForEyes: Bool { format == .table && path == "-" && StandardStreams.isOutputTerminal }

  /// Prints all results of a text: with their names as text, as an array of objects as JSON. A result with `render` is drawn where it meets
  /// eyes, or into `chart`. Throws USAGE for several results in a format that holds one.
  func run(_ results: [KQLResult], _ context: Context, chart: String? = nil) throws {
    if let chart { return try ChartOutput.write(results, to: chart, context) }
    if results.count == 1, let only = results.first {
      try show(only, context)
      return
    }
    guard let separator = format.separator(hasHeader: showsHeader) else {
      throw KConnectError(
        .usage, "the query gives \(results.count) tables, and \(format.rawValue) holds one", hint: "use --format table, markdown or json, or run the queries one by one")
    }
    if isForEyes {
      for (i, result) in results.enumerated() {
        try ByteOutput.print(separator.before(i, result.name))
        try show(result, context)
      }
      return
    }
    let text = try ByteOutput(path: path)
    for (i, result) in results.enumerated() {
      try text.write(separator.before(i, result.name))
      try running(result, context) { _ = try print($0, result.frame, text, name: result.name) }
    }
    try text.write(separator.end)
    try text.finish()
  }

  /// Draws a result with `render` where it meets eyes, else prints its rows; answers how many there are.
  @discardableResult
  func show(_ result: KQLResult, _ context: Context) throws -> Int {
    if isForEyes, let visualization = result.visualization, visualization.kind != "table" {
      if let rows = try ChartOutput.draw(result, visualization, context) { return rows }
      context.note("render \(visualization.kind): there are no rows to draw")
    }
    return try run(result, context)
  }

  /// Runs a result and prints its rows; answers how many.
  @discardableResult
  func run(_ result: KQLResult, _ context: Context) throws -> Int {
    if format == .parquet, path == "-", StandardStreams.isOutputTerminal {
      throw KConnectError(.usage, "Parquet is binary and standard output is a terminal", hint: "add --output FILE, or redirect")
    }
    return try running(result, context) { execution in
      if let sink = format.sink(noHeader: !showsHeader) { return try write(execution, result.frame, sink.format, sink.options) }
      let text = try ByteOutput(path: path)
      let rows = try print(execution, result.frame, text)
      try text.finish()
      return rows
    }
  }

  /// Runs `body` with a run of the result that shows progress and stops at an interrupt.
  private func running<R>(_ result: KQLResult, _ context: Context, _ body: (QueryExecution) throws -> R) throws -> R {
    try result.running { execution in
      let progress = ProgressReporter(execution, mode: context.progress, resultGoesToTerminal: path == "-" && StandardStreams.isOutputTerminal)
      defer {
        progress?.stop()
        for note in execution.progress.notes { context.note(note) }
      }
      return try Interrupt.cancelling(execution) { try body(execution) }
    }
  }

  private func write(_ execution: QueryExecution, _ frame: DataFrame, _ name: String, _ options: [(String, String)]) throws -> Int {
    guard let format = FileFormats.all.first(where: { $0.shortName == name }) else {
      throw KConnectError(.notSupported, "not supported yet: output as \(name)")
    }
    var given = options + self.options
    if let compression = FileNames.compressionExtension(path), format.options.contains(where: { $0.name == "compression" }) {
      given.append(("compression", compression.hasPrefix(".z") ? "zstd" : "gzip"))
    }
    let checked = try DataSourceOptions(source: name, specs: format.options, given: given, use: .write)
    let sink = try SingleFileSink(try WriteTarget(output: path), replaces: true) { try format.makeWriter($0, schema: frame.schema, options: checked) }
    do { return try execution.write(to: sink).rows } catch let error as KConnectError {
      // Hints of writers name options; here those of the output have a prefix.
      var error = error
      error.hint = error.hint.map { hint in
        hint.split(separator: " ").map { word in format.options.contains { word.hasPrefix($0.name + "=") } ? "-o to.\(word)" : String(word) }.joined(separator: " ")
      }
      throw error
    }
  }

  private func print(_ execution: QueryExecution, _ frame: DataFrame, _ output: ByteOutput, name: String? = nil) throws -> Int {
    let printer: any RowPrinter = switch format {
    case .markdown: try MarkdownPrinter(output, schema: frame.schema, showsHeader: showsHeader)
    case .json: try JSONPrinter(output, schema: frame.schema, name: name)
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
    return rows
  }
}

// Role: the flags that say how and where a result is printed, and the run that prints it.

import ArgumentParser
import DataSource
import Engine
import FileConnector
import KConnect

struct OutputFlags: ParsableArguments {
  @Option(name: .shortAndLong, help: ArgumentHelp("table, csv, tsv, json, ndjson, markdown or parquet; default by the name of --output, else table. A null shows as ∅ in tables.", valueName: "format"))
  var format: String?

  @Option(help: ArgumentHelp("A file for the result instead of standard output; it appears when it is complete.", valueName: "path"))
  var output: String?

  @Flag(help: "No line with column names.")
  var noHeader = false

  /// Runs the tables of a query one after the other and prints them: with their names as text, as an array of objects as JSON. Throws USAGE
  /// for several tables in a format that holds one.
  func run(_ results: [QueryResult], _ context: Context) throws {
    if results.count == 1, let only = results.first { return try run(only.frame, context) }
    let (path, format) = try target(context)
    guard let separator = format.separator(hasHeader: !noHeader) else {
      throw KConnectError(
        .usage, "the query gives \(results.count) tables, and \(format.rawValue) holds one", hint: "use --format table, markdown or json, or run the queries one by one")
    }
    let text = try ByteOutput(path: path)
    for (i, result) in results.enumerated() {
      try text.write(separator.before(i, result.name))
      try running(result.frame, path, context) { execution in try print(execution, result.frame, text, path, format, name: result.name) }
    }
    try text.write(separator.end)
    try text.finish()
  }

  /// Where rows go and in what form.
  private func target(_ context: Context) throws -> (path: String, format: ResultFormat) {
    let path = output ?? "-"
    let format = try self.format.map { try ResultFormat(word: $0) } ?? output.flatMap { ResultFormat(path: $0) }
      ?? context.configuration.defaults["format"].map { try ResultFormat(word: $0) } ?? .table
    if format == .parquet, path == "-", StandardStreams.isOutputTerminal {
      throw KConnectError(.usage, "Parquet is binary and standard output is a terminal", hint: "add --output FILE, or redirect")
    }
    return (path, format)
  }

  /// Runs a frame and prints its rows.
  func run(_ frame: DataFrame, _ context: Context) throws {
    let (path, format) = try target(context)
    try running(frame, path, context) { execution in
      if let sink = format.sink(noHeader: noHeader) { return try write(execution, frame, path, sink.format, sink.options) }
      let text = try ByteOutput(path: path)
      try print(execution, frame, text, path, format)
      try text.finish()
    }
  }

  /// Runs `body` with a run of the frame that shows progress and stops at an interrupt.
  private func running(_ frame: DataFrame, _ path: String, _ context: Context, _ body: (QueryExecution) throws -> Void) throws {
    let execution = try frame.session.execution(frame.plan)
    let progress = ProgressReporter(execution, mode: context.progress, resultGoesToTerminal: path == "-" && StandardStreams.isOutputTerminal)
    defer {
      progress?.stop()
      for note in execution.progress.notes { context.note(note) }
    }
    try Interrupt.cancelling(execution) { try body(execution) }
  }

  private func write(_ execution: QueryExecution, _ frame: DataFrame, _ path: String, _ name: String, _ options: [(String, String)]) throws {
    guard let format = FileFormats.all.first(where: { $0.shortName == name }) else {
      throw KConnectError(.notSupported, "not supported yet: output as \(name)")
    }
    var given = options
    if let compression = FileNames.compressionExtension(path), format.options.contains(where: { $0.name == "compression" }) {
      given.append(("compression", compression.hasPrefix(".z") ? "zstd" : "gzip"))
    }
    let checked = try DataSourceOptions(source: name, specs: format.options, given: given, use: .write)
    let sink = try StagedFileSink(path: path) { try format.makeWriter($0, schema: frame.schema, options: checked) }
    _ = try execution.write(to: sink)
  }

  private func print(_ execution: QueryExecution, _ frame: DataFrame, _ output: ByteOutput, _ path: String, _ format: ResultFormat, name: String? = nil) throws {
    let printer: any RowPrinter = switch format {
    case .markdown: try MarkdownPrinter(output, schema: frame.schema, showsHeader: !noHeader)
    case .json: try JSONPrinter(output, schema: frame.schema, name: name)
    default: TablePrinter(output, schema: frame.schema, showsHeader: !noHeader, maxWidth: path == "-" ? StandardStreams.outputWidth : nil)
    }
    var failure: (any Error)?
    try execution.run { batch in
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
  }
}

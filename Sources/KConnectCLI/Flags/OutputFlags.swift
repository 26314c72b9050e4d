// Role: the flags that say how and where a result is printed, and the run that prints it.

import ArgumentParser
import Settings
import DataSource
import KConnect

struct OutputFlags: ParsableArguments {
  @Option(name: .shortAndLong, help: ArgumentHelp("table, csv, tsv, json, ndjson, markdown or parquet; default by the name of --output, else table. A null shows as ∅ in tables.", valueName: "format"), completion: .list(["table", "csv", "tsv", "json", "ndjson", "markdown", "parquet"]))
  var format: String?

  @Option(help: ArgumentHelp("A file for the result instead of standard output; it appears when it is complete.", valueName: "path"), completion: .file())
  var output: String?

  @Flag(help: "No line with column names.")
  var noHeader = false

  /// Runs a frame and prints its rows. `options` are those of `-o to.key=value`.
  func run(_ frame: DataFrame, options: [(String, String)], _ context: Context) throws {
    try settings(context, options: options).run(KQLResult(frame: frame), context)
  }

  /// What the flags and the configuration file say together.
  func settings(_ context: Context, options: [(String, String)]) throws -> ResultOutput {
    let format = try self.format.map { try ResultFormat(word: $0) } ?? output.flatMap { ResultFormat(path: $0) }
      ?? context.configuration.defaults["format"].map { try ResultFormat(word: $0) } ?? .table
    if let first = options.first, format.sink(noHeader: noHeader) == nil {
      throw KConnectError(.usage, "option 'to.\(first.0)': the output as \(format.rawValue) has no options", hint: "--format csv, ndjson and parquet have some: kconnect options parquet")
    }
    return ResultOutput(format: format, path: output ?? "-", showsHeader: !noHeader, options: options)
  }
}

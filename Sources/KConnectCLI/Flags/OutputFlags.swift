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

  /// Runs a frame and prints its rows.
  func run(_ frame: DataFrame, _ context: Context) throws { try settings(context).run(KQLResult(frame: frame), context) }

  /// What the flags and the configuration file say together.
  func settings(_ context: Context) throws -> ResultOutput {
    let format = try self.format.map { try ResultFormat(word: $0) } ?? output.flatMap { ResultFormat(path: $0) }
      ?? context.configuration.defaults["format"].map { try ResultFormat(word: $0) } ?? .table
    return ResultOutput(format: format, path: output ?? "-", showsHeader: !noHeader)
  }
}

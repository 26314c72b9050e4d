// Role: `kconnect read`: rows of one source, filtered and transformed, to standard output or a file.

import ArgumentParser
import DataSource
import Engine
import KConnect

struct ReadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "read", abstract: "Prints rows of a table: columns, filter, KQL pipeline, limit, any output format.",
    discussion: """
      EXAMPLES
        kconnect read storms.csv --limit 5
        kconnect read 'logs/*.parquet' --filter 'status >= 500' --format csv
        kconnect read storms.csv --query 'summarize n = count() by State'
        zcat big.csv.gz | kconnect read csv:- --query 'count'
      """)

  @Argument(help: "What to read: parquet:PATH, csv:PATH, json:PATH or PATH; '-' as PATH is standard input.", completion: .file())
  var locator: String
  @OptionGroup(title: "Rows and columns") var rows: PlanFlags
  @OptionGroup(title: "Source") var source: SourceFlags
  @OptionGroup(title: "Output") var output: OutputFlags
  @Flag(help: "Print the plan instead of running it.")
  var explain = false
  @OptionGroup(title: "Common") var common: CommonFlags

  func run() throws {
    let context = try common.resolve()
    let frame = try rows.apply(to: try source.open(locator, context))
    if explain { return try PlanPrinter.print(frame, mode: .extended, path: output.output) }
    try output.run(frame, options: OptionArgument.split(source.option).output, context)
  }
}

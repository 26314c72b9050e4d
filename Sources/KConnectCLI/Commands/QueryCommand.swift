// Role: `kconnect query` and `kconnect explain`: KQL over locators given names with `--table`.

import ArgumentParser
import Columnar
import DataSource
import Engine
import KConnect
import KustoStore

/// The query text; shared by `query` and `explain`.
struct TextFlags: ParsableArguments {
  @Argument(help: "KQL text; without it, or with '-', the text comes from standard input.")
  var text: String?

  var isFromInput: Bool { text == nil || text == "-" }

  /// The text; throws USAGE when it is empty.
  func read() throws -> String {
    let text = isFromInput ? StandardStreams.readInput() : self.text ?? ""
    guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else {
      throw KConnectError(.usage, "the query is empty", hint: "kconnect query 'T | count' --table T=file.csv")
    }
    return text
  }
}

struct QueryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "query", abstract: "Runs a KQL query over files.",
    discussion: """
      EXAMPLES
        kconnect query 'print 1 + 1'
        kconnect query 'S | summarize count() by State' --table S=storms.csv
        kconnect query 'O | join (L) on key' -t O=orders.parquet -t L=lines.json
        kconnect query 'S | summarize count() by State | render barchart' -t S=storms.csv --chart states.svg
        kconnect query --table S=storms.csv < query.kql
      """)

  @OptionGroup(title: "Query") var query: TextFlags
  @OptionGroup(title: "Tables") var tables: TableFlags
  @OptionGroup(title: "Output") var output: OutputFlags
  @Option(help: ArgumentHelp("Draw the result into a file: .svg, or .html with tooltips. 'render' says how.", valueName: "path"), completion: .file())
  var chart: String?
  @Flag(help: "Print the plan instead of running it.")
  var explain = false
  @OptionGroup(title: "Common") var common: CommonFlags

  func run() throws {
    let context = try common.resolve()
    let scope = try tables.scope(context, readsQueryFromInput: query.isFromInput)
    let results = try scope.results(try query.read(), context)
    if explain { return try PlanPrinter.print(results, mode: .extended, path: output.output) }
    try output.settings(context, options: tables.outputOptions()).run(results, context, chart: chart)
    OpenStores.drain()
  }
}

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Shows how a KQL query would run, or, with --mode analyze, how it did.",
    discussion: """
      The optimised plan says per scan which columns and filters were pushed into the source. Mode extended shows all stages; analyze runs \
      the query and adds rows, bytes, pruned files, row groups and pages, and time per operator.
      """)

  @OptionGroup(title: "Query") var query: TextFlags
  @OptionGroup(title: "Tables") var tables: TableFlags
  @Option(help: ArgumentHelp("simple, extended or analyze.", valueName: "mode"), completion: .list(["simple", "extended", "analyze"]))
  var mode = "simple"
  @OptionGroup(title: "Common") var common: CommonFlags

  func run() throws {
    guard let mode = ExplainMode(rawValue: mode.lowercased()) else {
      let names = ExplainMode.allCases.map(\.rawValue)
      let near = nearestNames(to: self.mode, among: names, limit: 1).first
      throw KConnectError(.usage, "--mode: unknown mode '\(self.mode)'", hint: (near.map { "did you mean '\($0)'? " } ?? "") + "modes: \(names.joined(separator: ", "))")
    }
    let context = try common.resolve()
    let scope = try tables.scope(context, readsQueryFromInput: query.isFromInput)
    try PlanPrinter.print(try scope.results(try query.read(), context), mode: mode)
  }
}

// Role: `kconnect query` and `kconnect explain`: KQL over locators given names with `--table`.

import ArgumentParser
import Columnar
import DataSource
import Engine
import KConnect

/// The query text and the tables it sees; shared by `query` and `explain`.
struct QueryFlags: ParsableArguments {
  @Argument(help: "KQL text; without it, or with '-', the text comes from standard input.")
  var text: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("A table of the query: its name and what it is; repeatable.", valueName: "name=locator"))
  var table: [String] = []

  @Option(name: .shortAndLong, help: ArgumentHelp("An option of the tables' sources, 'table.key=value' for one of them; repeatable.", valueName: "key=value"))
  var option: [String] = []

  @Option(help: ArgumentHelp("The database of the store or cluster (not supported yet).", valueName: "name"))
  var database: String?

  @Option(help: ArgumentHelp("A Kusto cluster to ask (not supported yet).", valueName: "url"))
  var cluster: String?

  /// The tables of the query, in order.
  func results(_ context: Context) throws -> [QueryResult] {
    if cluster != nil { throw KConnectError(.notSupported, "--cluster: not supported yet: remote clusters", hint: "query files with --table name=LOCATOR") }
    if database != nil { throw KConnectError(.notSupported, "--database: not supported yet: the embedded store", hint: "query files with --table name=LOCATOR") }
    let tables = try openTables(context)
    let text = self.text == nil || self.text == "-" ? StandardStreams.readInput() : self.text ?? ""
    guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else {
      throw KConnectError(.usage, "the query is empty", hint: "kconnect query 'T | count' --table T=file.csv")
    }
    if text.unicodeScalars.first(where: { !$0.properties.isWhitespace }) == "." {
      throw KConnectError(.notSupported, "not supported yet: management commands (texts that begin with '.')", hint: "they need the embedded store")
    }
    return try context.session.kqlResults(text, tables: tables)
  }

  private func openTables(_ context: Context) throws -> [String: DataFrame] {
    var locators: [(name: String, locator: String)] = []
    for argument in table {
      guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
        throw KConnectError(.usage, "--table '\(argument)': found no '=', expected name=LOCATOR", hint: "for instance --table storms=storms.csv")
      }
      let name = String(argument[..<equals])
      if locators.contains(where: { $0.name == name }) { throw KConnectError(.usage, "--table: '\(name)' is given twice") }
      locators.append((name, String(argument[argument.index(after: equals)...])))
    }
    for (name, locator) in context.configuration.tables where !locators.contains(where: { $0.name == name }) { locators.append((name, locator)) }
    let options = try option.map { try OptionArgument($0) }
    var readsInput = false
    var out: [String: DataFrame] = [:]
    for (name, text) in locators {
      let locator = try Locator(text, registry: context.session.registry)
      if locator.path == "-" {
        guard !readsInput, self.text != nil, self.text != "-" else {
          throw KConnectError(.usage, "standard input can be read once only", hint: "give the query as an argument and one table from '-'")
        }
        readsInput = true
      }
      let format = try locator.resolvedFormat(forWriting: false)
      var reader = context.session.read.format(format)
      for (key, value) in context.configuration.options(of: format) { reader = reader.option(key, value) }
      let provider = try context.session.registry.provider(format)
      for argument in options {
        if argument.key.hasPrefix(name + ".") {
          reader = reader.option(String(argument.key.dropFirst(name.utf8.count + 1)), argument.value)
        } else if !locators.contains(where: { argument.key.hasPrefix($0.name + ".") }) {
          // An option for all tables reaches those whose source has it; with one table an unknown name is that source's error.
          let isKnown = provider.options.contains { spec in ([spec.name] + spec.aliases).contains { $0.lowercased() == argument.key.lowercased() } }
          if isKnown || locators.count == 1 { reader = reader.option(argument.key, argument.value) }
        }
      }
      out[name] = try reader.open([locator.path]) { context.note($0) }
    }
    return out
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
        kconnect query --table S=storms.csv < query.kql
      """)

  @OptionGroup(title: "Query") var query: QueryFlags
  @OptionGroup(title: "Output") var output: OutputFlags
  @Flag(help: "Print the plan instead of running it.")
  var explain = false
  @OptionGroup(title: "Common") var common: CommonFlags

  func run() throws {
    let context = try common.resolve()
    let results = try query.results(context)
    if explain {
      for result in results { try PlanPrinter.print(result.frame, mode: .extended, path: output.output) }
      return
    }
    try output.run(results, context)
  }
}

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Shows how a KQL query would run, or, with --mode analyze, how it did.",
    discussion: """
      The optimised plan says per scan which columns and filters were pushed into the source. Mode extended shows all stages; analyze runs \
      the query and adds rows, bytes, pruned files, row groups and pages, and time per operator.
      """)

  @OptionGroup(title: "Query") var query: QueryFlags
  @Option(help: ArgumentHelp("simple, extended or analyze.", valueName: "mode"))
  var mode = "simple"
  @OptionGroup(title: "Common") var common: CommonFlags

  func run() throws {
    guard let mode = ExplainMode(rawValue: mode.lowercased()) else {
      let names = ExplainMode.allCases.map(\.rawValue)
      let near = nearestNames(to: self.mode, among: names, limit: 1).first
      throw KConnectError(.usage, "--mode: unknown mode '\(self.mode)'", hint: (near.map { "did you mean '\($0)'? " } ?? "") + "modes: \(names.joined(separator: ", "))")
    }
    let context = try common.resolve()
    for result in try query.results(context) { try PlanPrinter.print(result.frame, mode: mode) }
  }
}

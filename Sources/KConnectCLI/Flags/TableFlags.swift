// Role: the tables and the database that a query sees, for `query`, `explain` and `shell`.

import ArgumentParser
import Columnar
import Settings
import DataSource
import KConnect
import KustoConnector

/// `--table`, `--option`, `--database`, `--cluster`.
struct TableFlags: ParsableArguments {
  @Option(name: .shortAndLong, help: ArgumentHelp("A table of the query: its name and what it is; repeatable.", valueName: "name=locator"))
  var table: [String] = []

  @Option(name: .shortAndLong, help: ArgumentHelp("An option of the tables' sources, 'table.key=value' for one of them, 'to.key=value' for the output; repeatable.", valueName: "key=value"))
  var option: [String] = []

  @Option(help: ArgumentHelp("The database of unqualified names; without it the store's only one.", valueName: "name"))
  var database: String?

  @Option(help: ArgumentHelp("A Kusto cluster to run the text on, word for word: https://HOST[/DATABASE] or NAME.REGION.", valueName: "url"))
  var cluster: String?

  /// What names stand for. `readsQueryFromInput`: standard input holds the text and cannot be a table.
  func scope(_ context: Context, readsQueryFromInput: Bool) throws -> QueryScope {
    if let cluster {
      try Secrets.refuseSecrets(inConnectionString: cluster)
      if !table.isEmpty { throw KConnectError(.usage, "--table and --cluster: the text runs on the cluster, which does not see tables of this machine", hint: "read the cluster's table with --table NAME=kusto:\(cluster)/DATABASE.TABLE and leave --cluster out") }
      let given = try OptionArgument.split(option).source
      let options = try context.options(of: "kusto", .read, at: "https://" + cluster, under: given) + given
      let reader = try ClusterReader(cluster: cluster, database: database ?? context.configuration.defaults["database"], options: options) { context.note($0) }
      return QueryScope(session: context.session, tables: [:], database: nil, cluster: reader)
    }
    return QueryScope(
      session: context.session, tables: try openTables(context, readsQueryFromInput: readsQueryFromInput),
      database: database ?? context.configuration.defaults["database"])
  }

  /// Options of the output, `to.key=value`, unless a table is called so.
  func outputOptions() throws -> [(String, String)] {
    table.contains { $0.hasPrefix("to=") } ? [] : try OptionArgument.split(option).output
  }

  private func openTables(_ context: Context, readsQueryFromInput: Bool) throws -> [String: DataFrame] {
    var locators: [(name: String, locator: String)] = []
    for argument in table {
      guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
        throw KConnectError(.usage, "--table '\(argument)': found no '=', expected name=LOCATOR", hint: "for instance --table storms=storms.csv")
      }
      let name = String(argument[..<equals])
      if locators.contains(where: { $0.name == name }) { throw KConnectError(.usage, "--table: '\(name)' is given twice") }
      let locator = String(argument[argument.index(after: equals)...])
      try Secrets.refuseSignatures(locator)
      locators.append((name, locator))
    }
    for (name, locator) in context.configuration.tables where !locators.contains(where: { $0.name == name }) { locators.append((name, locator)) }
    let options = try option.map { try OptionArgument($0) }.filter { !$0.isOfOutput || locators.contains { $0.name == "to" } }
    var readsInput = false
    var out: [String: DataFrame] = [:]
    for (name, text) in locators {
      let named = try SourceArgument(text, context.configuration)
      let locator = try Locator(named.locator, registry: context.session.registry)
      if locator.path == "-" {
        guard !readsInput, !readsQueryFromInput else {
          throw KConnectError(.usage, "standard input can be read once only", hint: "give the query as an argument and one table from '-'")
        }
        readsInput = true
      }
      let format = try locator.resolvedFormat(forWriting: false)
      var reader = context.session.read.format(format)
      let own = options.map { ($0.key.hasPrefix(name + ".") ? String($0.key.dropFirst(name.utf8.count + 1)) : $0.key, $0.value) }
      for (key, value) in try context.options(of: format, .read, at: locator.path, under: own) + named.options { reader = reader.option(key, value) }
      if let schema = named.schema { reader = try reader.schema(schema) }
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

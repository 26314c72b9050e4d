// Role: `kconnect write`: copies a source into a sink, transformed on the way. The unattended job: all or nothing, one summary line.

import ArgumentParser
import Columnar
import DataSource
import KConnect
import KustoConnector

struct WriteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "write", abstract: "Copies a table into another format or place, transformed on the way.",
    discussion: """
      The target appears when it is complete; after a failure nothing is left. A target with an extension of its format is one file, \
      anything else a directory of part files.

      EXAMPLES
        kconnect write --from storms.csv --to storms.parquet
        kconnect write --from 'logs/*.json' --to parquet:archive --mode append
        kconnect write --from a.csv --to b.parquet --query 'where Deaths > 0'
        kconnect write --from a.csv --to parquet:byday --partition-by day
        kconnect write --from changes.json --to kusto:shop.customers --key id --option tableCreateOptions=CreateIfNotExist
      """)

  @Option(help: ArgumentHelp("What to read.", valueName: "locator"), completion: .file())
  var from: String
  @Option(help: ArgumentHelp("Where to write: parquet:PATH, csv:PATH, json:PATH or PATH with an extension; '-' as PATH is standard output.", valueName: "locator"), completion: .file())
  var to: String
  @Option(help: ArgumentHelp("What happens when the target exists: error (the default), append (the default with --key), overwrite or ignore.", valueName: "mode"), completion: .list(["error", "append", "overwrite", "ignore"]))
  var mode: String?
  @Option(help: ArgumentHelp("Columns whose values become directories name=value, separated by commas.", valueName: "a,b"))
  var partitionBy: String?
  @OptionGroup(title: "Rows and columns") var rows: PlanFlags
  @OptionGroup(title: "Rows by key") var upsert: UpsertFlags
  @OptionGroup(title: "Source and target") var source: SourceFlags
  @Flag(help: "Print the plan instead of running it.")
  var explain = false
  @OptionGroup(title: "Common") var common: CommonFlags

  func run() throws {
    let context = try common.resolve()
    try Secrets.refuseSignatures(from, to)
    let job = WriteJob(
      from: from, to: to, mode: mode, partitionBy: partitionBy, rows: rows.selection, upsert: upsert.selection, schema: source.schema,
      options: try source.parsedOptions())
    if explain { return try job.explain(context) }
    try job.run(context) { $0.print(context) }
  }
}

/// `--option` of a write given to source and target: each takes the options it declares for its use; `from.` and `to.` in front decide.
/// What both declare goes to both when they have one format, else to the source; compression is the target's, for a source's is recognised.
/// Credentials and other settings of connections go to the sides that lie on other machines.
struct OptionSplit {
  private(set) var source: [(String, String)] = []
  private(set) var target: [(String, String)] = []

  /// `reaches`: which of the two lie on other machines.
  init(_ options: [(String, String)], source: any DataSourceProvider, target: any DataSourceProvider, reaches: (source: Bool, target: Bool)) throws {
    for (key, value) in options {
      if key.hasPrefix("from.") {
        self.source.append((String(key.dropFirst(5)), value))
      } else if key.hasPrefix("to.") {
        self.target.append((String(key.dropFirst(3)), value))
      } else {
        let reads = Self.declares(source.options, key, .read), writes = Self.declares(target.options, key, .write)
        if reads, writes, reaches != (false, false), ConnectionOptions.isOne(key) {
          if reaches.source { self.source.append((key, value)) }
          if reaches.target { self.target.append((key, value)) }
          continue
        }
        let isTargets = writes && Self.targetFirst.contains(key.lowercased())
        if reads, !isTargets { self.source.append((key, value)) }
        if writes, isTargets || !reads || source.shortName == target.shortName { self.target.append((key, value)) }
        guard reads || writes else { throw Self.unknown(key, source, target) }
      }
    }
  }

  static let targetFirst: Set<String> = ["compression", "codec", "compressionlevel"]

  /// True when one of the declarations is of that name and use.
  static func declares(_ specs: [OptionSpec], _ key: String, _ use: OptionSpec.Use) -> Bool {
    let lower = key.lowercased()
    return specs.contains { spec in
      (spec.use == .both || spec.use == use)
        && (spec.isFamily ? lower.hasPrefix(spec.name.dropLast().lowercased()) : ([spec.name] + spec.aliases).contains { $0.lowercased() == lower })
    }
  }

  private static func unknown(_ key: String, _ source: any DataSourceProvider, _ target: any DataSourceProvider) -> KConnectError {
    let names = source.options.filter { $0.use != .write }.map(\.name) + target.options.filter { $0.use != .read }.map(\.name)
    let near = nearestNames(to: key, among: names, limit: 1).first
    return KConnectError(
      .optionUnknown, "unknown option '\(key)' for reading '\(source.shortName)' and writing '\(target.shortName)'",
      hint: (near.map { "did you mean '\($0)'? " } ?? "") + "list: kconnect options \(source.shortName)"
        + (target.shortName == source.shortName ? "" : ", kconnect options \(target.shortName)"))
  }
}

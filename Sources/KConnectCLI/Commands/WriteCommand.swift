// Role: `kconnect write`: copies a source into a sink, transformed on the way. The unattended job: all or nothing, one summary line.

import ArgumentParser
import Columnar
import DataSource
import Engine
import KConnect

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
      """)

  @Option(help: ArgumentHelp("What to read.", valueName: "locator"))
  var from: String
  @Option(help: ArgumentHelp("Where to write: parquet:PATH, csv:PATH, json:PATH or PATH with an extension; '-' as PATH is standard output.", valueName: "locator"))
  var to: String
  @Option(help: ArgumentHelp("What happens when the target exists: error (the default), append, overwrite or ignore.", valueName: "mode"))
  var mode = "error"
  @Option(help: ArgumentHelp("Columns whose values become directories name=value, separated by commas.", valueName: "a,b"))
  var partitionBy: String?
  @OptionGroup(title: "Rows and columns") var rows: PlanFlags
  @OptionGroup(title: "Source and target") var source: SourceFlags
  @Flag(help: "Print the plan instead of running it.")
  var explain = false
  @OptionGroup(title: "Common") var common: CommonFlags

  func run() throws {
    let context = try common.resolve()
    let registry = context.session.registry
    let from = try Locator(from, registry: registry), to = try Locator(to, registry: registry, isTarget: true)
    let saveMode = try Self.saveMode(mode)
    let targetFormat = try to.resolvedFormat(forWriting: true)
    let options = try OptionSplit(
      source.parsedOptions(), source: try registry.provider(try from.resolvedFormat(forWriting: false)), target: try registry.provider(targetFormat))
    let frame = try rows.apply(to: try source.open(from, options: options.source, context))
    if explain { return try PlanPrinter.print(frame, mode: .extended) }
    var writer = frame.write.format(targetFormat).mode(saveMode)
    if let partitionBy { writer = writer.partitionBy(try ColumnList.parse(partitionBy)) }
    for (key, value) in context.configuration.options(of: targetFormat, under: options.target) + options.target { writer = writer.option(key, value) }
    let start = WallClock.monotonicNanoseconds
    let execution = try frame.session.execution(frame.plan)
    let progress = ProgressReporter(execution, mode: context.progress, resultGoesToTerminal: to.path == "-" && StandardStreams.isOutputTerminal)
    let summary: WriteSummary
    do {
      summary = try Interrupt.cancelling(execution) { try writer.run(execution, to.path) { context.note($0) } }
    } catch {
      progress?.stop()
      throw error
    }
    progress?.stop()
    let seconds = Double(WallClock.monotonicNanoseconds - start) / 1e9
    WriteReport(summary: summary, metrics: execution.progress, seconds: seconds, target: self.to).print(context)
  }

  private static func saveMode(_ word: String) throws -> SaveMode {
    let lower = word.lowercased()
    if let mode = SaveMode(rawValue: lower == "errorifexists" ? "error" : lower) { return mode }
    let names = SaveMode.allCases.map(\.rawValue)
    let near = nearestNames(to: word, among: names, limit: 1).first
    throw KConnectError(.usage, "--mode: unknown mode '\(word)'", hint: (near.map { "did you mean '\($0)'? " } ?? "") + "modes: \(names.joined(separator: ", "))")
  }
}

/// `--option` of a write given to source and target: each takes the options it declares for its use; `from.` and `to.` in front decide.
/// What both declare goes to both when they have one format, else to the source; compression is the target's, for a source's is recognised.
struct OptionSplit {
  private(set) var source: [(String, String)] = []
  private(set) var target: [(String, String)] = []

  init(_ options: [(String, String)], source: any DataSourceProvider, target: any DataSourceProvider) throws {
    for (key, value) in options {
      if key.hasPrefix("from.") {
        self.source.append((String(key.dropFirst(5)), value))
      } else if key.hasPrefix("to.") {
        self.target.append((String(key.dropFirst(3)), value))
      } else {
        let reads = Self.declares(source, key, .read), writes = Self.declares(target, key, .write)
        let isTargets = writes && Self.targetFirst.contains(key.lowercased())
        if reads, !isTargets { self.source.append((key, value)) }
        if writes, isTargets || !reads || source.shortName == target.shortName { self.target.append((key, value)) }
        guard reads || writes else { throw Self.unknown(key, source, target) }
      }
    }
  }

  private static let targetFirst: Set<String> = ["compression", "codec", "compressionlevel"]

  private static func declares(_ provider: any DataSourceProvider, _ key: String, _ use: OptionSpec.Use) -> Bool {
    let lower = key.lowercased()
    return provider.options.contains { spec in
      (spec.use == .both || spec.use == use) && ([spec.name] + spec.aliases).contains { $0.lowercased() == lower }
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

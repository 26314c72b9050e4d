// Role: one copy of a table, from → query → to, for `kconnect write` and for steps of pipelines.

import Columnar
import DataSource
import Engine
import KConnect
import KustoConnector

struct WriteJob {
  var from: String
  var to: String
  /// Nil: append where rows are replaced by key, else error.
  var mode: String?
  var partitionBy: String?
  var rows = RowSelection()
  var upsert = UpsertSelection()
  var schema: String?
  var options: [(String, String)] = []

  private func prepare(_ context: Context) throws -> (frame: DataFrame, target: Locator, format: String, options: [(String, String)]) {
    let registry = context.session.registry
    let argument = try SourceArgument(from, context.configuration)
    let from = try Locator(argument.locator, registry: registry), to = try Locator(self.to, registry: registry, isTarget: true)
    let format = try to.resolvedFormat(forWriting: true)
    let source = try registry.provider(try from.resolvedFormat(forWriting: false))
    let given = argument.options.map { ("from.\($0.0)", $0.1) } + options
    let split = try OptionSplit(
      given, source: source, target: try registry.provider(format),
      reaches: (ConnectionOptions.leadsOut(source.shortName, from.path, given), ConnectionOptions.leadsOut(format, to.path, given)))
    let frame = try rows.apply(to: try from.open(schema: schema ?? argument.schema, options: split.source, context))
    return (frame, to, format, split.target)
  }

  /// Prints the plan.
  func explain(_ context: Context) throws { try PlanPrinter.print(try prepare(context).frame, mode: .extended) }

  /// Runs it; `report` gets what was done.
  func run(_ context: Context, report: (WriteReport) -> Void) throws {
    let saveMode = try Self.saveMode(mode ?? (upsert.key == nil ? "error" : "append"))
    let (frame, to, format, options) = try prepare(context)
    var writer = frame.write.format(format).mode(saveMode)
    if let partitionBy { writer = writer.partitionBy(try ColumnList.parse(partitionBy)) }
    for (key, value) in try context.options(of: format, .write, at: to.path, under: options) + options + upsert.options(for: context.session.registry.provider(format)) { writer = writer.option(key, value) }
    let start = WallClock.monotonicNanoseconds
    let execution = try frame.session.execution(frame.plan)
    let progress = ProgressReporter(execution, mode: context.progress, resultGoesToTerminal: to.path == "-" && StandardStreams.isOutputTerminal)
    let summary: WriteSummary
    do {
      summary = try Interrupt.cancelling(execution) {
        let begun = try writer.run(execution, to.path) { context.note($0) }
        // The process stays until the rows are there.
        return try context.session.takePendingWrites().first?.waitBlocking() ?? begun
      }
    } catch {
      progress?.stop()
      throw error
    }
    progress?.stop()
    let seconds = Double(WallClock.monotonicNanoseconds - start) / 1e9
    report(WriteReport(summary: summary, metrics: execution.progress, seconds: seconds, target: self.to))
  }

  private static func saveMode(_ word: String) throws -> SaveMode {
    let lower = word.lowercased()
    if let mode = SaveMode(rawValue: lower == "errorifexists" ? "error" : lower) { return mode }
    let names = SaveMode.allCases.map(\.rawValue)
    let near = nearestNames(to: word, among: names, limit: 1).first
    throw KConnectError(.usage, "--mode: unknown mode '\(word)'", hint: (near.map { "did you mean '\($0)'? " } ?? "") + "modes: \(names.joined(separator: ", "))")
  }
}

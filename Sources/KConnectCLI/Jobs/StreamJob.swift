// Role: one stream, from → query → to with a checkpoint, for `kconnect stream` and for steps of pipelines.

import Columnar
import DataSource
import Engine
import KConnect
import KustoConnector
import Streaming

struct StreamJob {
  var from: String
  /// Nil where a command gets the rows.
  var to: String?
  var checkpoint: String
  var trigger: String?
  var name: String?
  var partitionBy: String?
  var exec: String?
  var maxBatches: Int?
  var timeout: String?
  var rows = RowSelection()
  var dedup = DedupSelection()
  var upsert = UpsertSelection()
  var schema: String?
  var options: [(String, String)] = []

  /// The frame over the stream and how it is written.
  private func prepare(_ context: Context) throws -> (frame: DataFrame, writer: DataStreamWriter, target: String) {
    let registry = context.session.registry
    let argument = try SourceArgument(self.from, context.configuration)
    let from = try StreamLocator(argument.locator, registry: registry, isTarget: false), to = try StreamLocator(self.to ?? "console:", registry: registry, isTarget: true)
    let split = try split(argument.options.map { ("from.\($0.0)", $0.1) } + options, from, to, context)
    if exec != nil, let (key, _) = split.target.first { throw KConnectError(.optionInvalid, "option 'to.\(key)': the command of --exec has no options") }
    var reader = context.session.readStream
    if let format = from.format { reader = reader.format(format) }
    if let schema = schema ?? argument.schema { reader = try reader.schema(schema) }
    for (key, value) in split.source { reader = reader.option(key, value) }
    let frame = try dedup.apply(to: try rows.apply(to: try reader.open(from.path, checkpoint: checkpoint) { context.note($0) }))
    var writer = frame.writeStream
    if let format = to.format { writer = writer.format(format) }
    if let partitionBy { writer = writer.partitionBy(try ColumnList.parse(partitionBy)) }
    for (key, value) in split.target { writer = writer.option(key, value) }
    if upsert.key != nil {
      let target = exec != nil || to.format == "console" ? nil : try registry.provider(try to.resolvedFormat())
      for (key, value) in try upsert.options(for: target) { writer = writer.option(key, value) }
    }
    writer = writer.option("checkpointLocation", checkpoint)
    writer.settings.trigger = try trigger.map { try Trigger(text: $0) } ?? .asFastAsPossible
    writer.settings.name = name
    writer.settings.maxBatches = maxBatches
    if let timeout {
      guard let limit = DataSourceOptions.durationMilliseconds(timeout) else {
        throw KConnectError(.usage, "--timeout '\(timeout)': expected a duration such as '10 minutes'")
      }
      writer.settings.timeoutMs = Int64(limit)
    }
    return (frame, writer, to.path)
  }

  /// Prints the plan.
  func explain(_ context: Context) throws { try PlanPrinter.print(try prepare(context).frame, mode: .simple) }

  /// Prints the plan, where the stream stands and what the next batch would read; changes nothing.
  func dryRun(_ context: Context) throws {
    let (frame, _, _) = try prepare(context)
    try StreamDryRun(frame: frame, checkpoint: checkpoint).print()
  }

  /// Runs to the end of the trigger, or until a signal; progress goes to `report`. Throws what ended it early.
  func run(_ context: Context, report: StreamReport) throws -> MicroBatchExecution {
    var (_, writer, target) = try prepare(context)
    writer.settings.onNote = { report.warn($0) }
    let execution = try writer.execution(target, onNote: { context.note($0) }, sink: try exec.map { try ExecSink.make($0, checkpoint: checkpoint) }) { report.add($0) }
    try Interrupt.stopping(first: { execution.stop() }, second: { execution.abort() }) { try publicErrors { try execution.run() } }
    return execution
  }

  private func split(
    _ options: [(String, String)], _ from: StreamLocator, _ to: StreamLocator, _ context: Context
  ) throws -> (source: [(String, String)], target: [(String, String)]) {
    let registry = context.session.registry
    let format = try from.resolvedFormat()
    let sourceSpecs = StreamSources.options(format, path: from.path, given: options, registry) ?? []
    let targetSpecs = to.format == "console" ? [] : try registry.provider(try to.resolvedFormat()).options
    var out: (source: [(String, String)], target: [(String, String)]) = ([], [])
    let reaches = (source: ConnectionOptions.leadsOut(format, from.path, options), target: ConnectionOptions.leadsOut(to.format ?? "", to.path, options))
    for (key, value) in options {
      let reads = OptionSplit.declares(sourceSpecs, key, .read), writes = OptionSplit.declares(targetSpecs, key, .write)
      if key.hasPrefix("from.") { out.source.append((String(key.dropFirst(5)), value)) }
      else if key.hasPrefix("to.") { out.target.append((String(key.dropFirst(3)), value)) }
      else if reads, writes, reaches != (false, false), ConnectionOptions.isOne(key) {
        if reaches.source { out.source.append((key, value)) }
        if reaches.target { out.target.append((key, value)) }
      } else if writes, OptionSplit.targetFirst.contains(key.lowercased()) { out.target.append((key, value)) }
      else if reads || !writes { out.source.append((key, value)) }
      else { out.target.append((key, value)) }
    }
    // Defaults of the configuration file stand in front: what is given later wins.
    let defaults = sourceSpecs.isEmpty || registry.providers.allSatisfy { $0.shortName != format } ? [] : try context.options(of: format, .read, at: from.path, under: out.source)
    let targetDefaults = to.format == "console" ? [] : try context.options(of: try to.resolvedFormat(), .write, at: to.path, under: out.target)
    return (defaults + out.source, targetDefaults + out.target)
  }
}

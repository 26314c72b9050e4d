// Role: `kconnect stream`: copies what is new, batch by batch, with a checkpoint that tells what has arrived. Its subcommands look at
// checkpoints.

import ArgumentParser
import DataSource
import KConnect

struct StreamCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stream", abstract: "Copies new data in micro-batches; a checkpoint tells what has arrived.",
    discussion: """
      Run it again with the same checkpoint and it goes on where it stopped, also after a crash. Sources: directories of csv, json and \
      parquet files, kusto:DATABASE.TABLE, kusto:https://CLUSTER/DATABASE.TABLE, delta:PATH, kafka:BROKERS/TOPIC, standard input \
      (csv:-, json:-, stdin: for lines), rate:, rate-micro-batch:. Targets that get every row once: directories of parquet, csv and json \
      files, kusto:DATABASE.TABLE, kusto:https://CLUSTER/DATABASE.TABLE (writeMode=Transactional), delta:PATH; at least once: \
      kafka:BROKERS/TOPIC and other write modes of clusters; console: shows rows.

      EXAMPLES
        kconnect stream --from csv:incoming --to parquet:archive --checkpoint cp --trigger available-now
        kconnect stream --from json:incoming --to delta:events --checkpoint cp --trigger '10 seconds' --query 'where level != "debug"'
        kconnect stream status cp
      """,
    subcommands: [StreamRunCommand.self, StreamStatusCommand.self, StreamRepairCommand.self, StreamResetCommand.self],
    defaultSubcommand: StreamRunCommand.self)
}

struct StreamRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "run", abstract: "Runs a stream (what 'kconnect stream' does without a subcommand).")

  @Option(help: ArgumentHelp("What to read: csv:DIR, json:DIR, parquet:DIR, kusto:DATABASE.TABLE, kusto:https://CLUSTER/DATABASE.TABLE, delta:PATH, kafka:BROKERS/TOPIC, csv:-, json:-, stdin:, rate:, rate-micro-batch:.", valueName: "locator"), completion: .file())
  var from: String
  @Option(help: ArgumentHelp("Where to write: parquet:DIR, csv:DIR, json:DIR, kusto:DATABASE.TABLE, kusto:https://CLUSTER/DATABASE.TABLE, delta:PATH, kafka:BROKERS/TOPIC, console:.", valueName: "locator"), completion: .file())
  var to: String?
  @Option(help: ArgumentHelp("The directory that remembers how far the stream is; one for each stream.", valueName: "dir"), completion: .directory)
  var checkpoint: String
  @Option(help: ArgumentHelp("available-now, once, or an interval such as '10 seconds'; without it one batch follows the other.", valueName: "trigger"))
  var trigger: String?
  @Option(help: ArgumentHelp("Columns whose values become directories name=value, separated by commas.", valueName: "a,b"))
  var partitionBy: String?
  @Option(help: ArgumentHelp("Columns that tell rows apart: of rows with equal values the first is taken, within each batch or, with --dedup-within, across batches.", valueName: "a,b"))
  var dedupKey: String?
  @Option(help: ArgumentHelp("How long a key of --dedup-key is remembered, such as '1 hour'; by the clock, or by --event-time.", valueName: "duration"))
  var dedupWithin: String?
  @Option(help: ArgumentHelp("The datetime column that --dedup-within goes by; rows later than that behind the newest one are left out.", valueName: "column"))
  var eventTime: String?
  @Option(help: ArgumentHelp("A name for progress records.", valueName: "name"))
  var name: String?
  @Option(help: ArgumentHelp("A command that gets each batch on standard input as JSON lines instead of --to; KCONNECT_BATCH_ID and KCONNECT_QUERY_ID are set. At least once.", valueName: "command"))
  var exec: String?
  @Option(parsing: .unconditional, help: ArgumentHelp("End after so many batches.", valueName: "n"))
  var maxBatches: Int?
  @Option(help: ArgumentHelp("End after so long, such as '10 minutes'; the batch at hand is finished.", valueName: "duration"))
  var timeout: String?
  @Option(help: ArgumentHelp("A file for Prometheus' textfile collector, written after each batch.", valueName: "file"), completion: .file())
  var metricsFile: String?
  @Option(help: ArgumentHelp("A command to run when the stream fails; KCONNECT_ERROR is set.", valueName: "command"))
  var onFailure: String?
  @Flag(help: "Print the plan, where the stream stands and what the next batch would read, and change nothing.")
  var dryRun = false
  @Flag(help: "Print the plan instead of running it.")
  var explain = false
  @OptionGroup(title: "Rows and columns") var rows: PlanFlags
  @OptionGroup(title: "Rows by key") var upsert: UpsertFlags
  @OptionGroup(title: "Source and target") var source: SourceFlags
  @OptionGroup(title: "Common") var common: CommonFlags

  func validate() throws {
    if to == nil, exec == nil { throw ValidationError("--to is missing: where to write, or --exec with a command that gets the rows") }
    if exec != nil, to != nil { throw ValidationError("--exec and --to exclude each other: the command gets the rows") }
    if exec != nil, partitionBy != nil { throw ValidationError("--partition-by needs --to: a command has no directories") }
    if dedupKey == nil, dedupWithin != nil { throw ValidationError("--dedup-within needs --dedup-key") }
    if dedupWithin == nil, eventTime != nil { throw ValidationError("--event-time needs --dedup-within") }
    if let maxBatches, maxBatches < 1 { throw ValidationError("--max-batches: found \(maxBatches), expected 1 or more") }
  }

  func run() throws {
    let context = try common.resolve()
    try Secrets.refuseSignatures(from, to ?? "")
    let job = StreamJob(
      from: from, to: to, checkpoint: checkpoint, trigger: trigger, name: name, partitionBy: partitionBy, exec: exec, maxBatches: maxBatches,
      timeout: timeout, rows: rows.selection, dedup: DedupSelection(key: dedupKey, within: dedupWithin, eventTime: eventTime), upsert: upsert.selection,
      schema: source.schema, options: try source.parsedOptions())
    if explain { return try job.explain(context) }
    if dryRun { return try job.dryRun(context) }
    let report = StreamReport(context: context, metricsFile: metricsFile, target: to ?? exec ?? "")
    do { report.finish(try job.run(context, report: report)) } catch {
      let error = KConnectError(converting: error)
      report.fail(error)
      if let onFailure { ExecSink.runHook(onFailure, ["KCONNECT_ERROR": error.description]) }
      throw error
    }
  }
}

/// A locator of a stream: those of tables, and `rate:`, `rate-micro-batch:`, `console:`.
struct StreamLocator {
  let format: String?
  let path: String

  init(_ text: String, registry: SourceRegistry, isTarget: Bool) throws {
    if !isTarget, text == "-" || text == "stdin:" {
      format = "stdin"
      path = ""
      return
    }
    let own = isTarget ? ["console"] : ["rate", "rate-micro-batch"]
    for scheme in own where text == scheme || text == scheme + ":" {
      format = scheme
      path = ""
      return
    }
    let locator = try Locator(text, registry: registry, isTarget: isTarget)
    format = locator.format
    path = locator.path
  }

  func resolvedFormat() throws -> String { try format ?? BuiltInSources.format(ofTarget: path) }
}

// Role: one step of a pipeline as the job that `kconnect write` or `kconnect stream` would run. What is wrong with a step's keys is an error of
// the configuration file, with its place.

import Settings
import DataSource
import KConnect
import Streaming

struct PipelineStepRun {
  let step: PipelineStep
  let pipeline: Pipeline
  let context: Context
  /// The targets of the steps before it.
  var earlierTargets: [String] = []

  private var rows: RowSelection { RowSelection(columns: step["columns"], filter: step["filter"], query: step["query"], limit: step["limit"]) }

  private var upsert: UpsertSelection { UpsertSelection(key: step["key"], ttl: step["ttl"], ttlColumn: step["ttl-column"]) }

  private func streamJob() throws -> StreamJob {
    StreamJob(
      from: step.from, to: step.to, checkpoint: step.checkpoint, trigger: step["trigger"], name: "\(pipeline.name).\(step.name)",
      partitionBy: step["partition-by"], maxBatches: step["max-batches"].flatMap(Int.init), timeout: step["timeout"], rows: rows,
      dedup: DedupSelection(key: step["dedup-key"], within: step["dedup-within"], eventTime: step["event-time"]), upsert: upsert, schema: step["schema"],
      options: try step.options.map { try $0.revealed() })
  }

  private func writeJob() throws -> WriteJob {
    WriteJob(
      from: step.from, to: step.to, mode: step["mode"], partitionBy: step["partition-by"], rows: rows, upsert: upsert, schema: step["schema"],
      options: try step.options.map { try $0.revealed() })
  }

  /// Runs the step. Throws what ended it early.
  func run() throws -> StepOutcome {
    try located {
      var outcome = StepOutcome(name: step.name, isStream: step.isStream)
      // The pipeline has one line; its steps say nothing of their own.
      let quiet = context.quiet
      if step.isStream {
        let report = StreamReport(context: quiet, metricsFile: nil, target: step.to)
        _ = try streamJob().run(quiet, report: report)
        let totals = report.counts
        (outcome.rowsIn, outcome.rowsOut, outcome.batches, outcome.warnings) = (totals.rowsIn, totals.rowsOut, totals.batches, totals.warnings)
      } else {
        try writeJob().run(quiet) { report in
          outcome.rowsIn = report.metrics.rowsRead
          outcome.rowsOut = report.summary.rows
          outcome.isSkipped = report.summary.isSkipped
          for note in report.metrics.notes { context.warn(note) }
          outcome.warnings = report.metrics.notes.count
        }
      }
      return outcome
    }
  }

  func dryRun() throws {
    try located {
      do {
        if step.isStream { try streamJob().dryRun(context) } else { try writeJob().explain(context) }
      } catch {
        // What an earlier step has yet to make cannot be planned.
        let error = KConnectError(converting: error)
        guard error.code == .pathNotFound, try isMadeEarlier() else { throw error }
        print("'\(step.from)' is not there yet: an earlier step makes it")
      }
    }
  }

  /// True when the source lies in the target of a step before this one.
  private func isMadeEarlier() throws -> Bool {
    let registry = context.session.registry
    func place(_ locator: String, isTarget: Bool) -> String? {
      guard let found = try? StreamLocator(locator, registry: registry, isTarget: isTarget) else { return nil }
      let isTable = found.format == "kusto" || found.format == "kafka" || found.path.contains("://")
      return isTable ? "\(found.format ?? ""):\(found.path)" : absolutePath(found.path)
    }
    guard let source = place(try SourceArgument(step.from, context.configuration).locator, isTarget: false) else { return false }
    return earlierTargets.contains { text in
      guard let target = place(text, isTarget: true) else { return false }
      return source == target || source.hasPrefix(target + "/")
    }
  }

  /// Mistakes of the file get its place; failures stay what they are.
  private func located<R>(_ body: () throws -> R) throws -> R {
    do { return try body() } catch {
      let error = KConnectError(converting: error)
      switch error.code {
      case .usage, .optionUnknown, .optionInvalid: throw step.place.error("step '\(step.name)': \(error.message)", hint: error.hint, cause: error)
      default: throw error
      }
    }
  }
}

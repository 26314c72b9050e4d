// Role: one run of a pipeline: its lock, its steps in order, its one line, its failure hook.

import Columnar
import Settings
import DataSource
import KConnect
import Streaming

struct PipelineRun {
  let pipeline: Pipeline
  let context: Context

  /// Runs the steps; the exit code. Everything that is said has been said.
  func run() -> Int32 {
    let started = WallClock.monotonicNanoseconds
    let begun = StreamClock.text(StreamClock.system.now())
    var done: [StepOutcome] = []
    var current: PipelineStep?
    do {
      let lock = try CheckpointLock(pipeline.state, what: "the pipeline '\(pipeline.name)'", makesDirectory: true)
      defer { withExtendedLifetime(lock) {} }
      for step in pipeline.steps {
        current = step
        done.append(try PipelineStepRun(step: step, pipeline: pipeline, context: context).run())
        if Interrupt.isStopRequested { break }
      }
      summary(begun, done, started, failure: nil)
      return 0
    } catch {
      let failure = KConnectError(converting: error)
      let status = ExitStatus.of(failure)
      if context.isVerbose { StandardStreams.error(ErrorReport.rendered(failure) + "\n") }
      summary(begun, done, started, failure: (current, failure, status))
      if let hook = pipeline.onFailure, failure.code != .locked || current != nil {
        ExecSink.runHook(
          hook,
          [
            "KCONNECT_ERROR": failure.description, "KCONNECT_PIPELINE": pipeline.name, "KCONNECT_STEP": current?.name ?? "",
            "KCONNECT_EXIT_CODE": String(status),
          ])
      }
      return status
    }
  }

  /// Prints plans and positions.
  func dryRun() throws {
    print("pipeline \(pipeline.name) (\(pipeline.place)), state in '\(pipeline.state)', \(CheckpointLock.isHeld(pipeline.state) ? "running now" : "not running")")
    var earlier: [String] = []
    for step in pipeline.steps {
      print("\nstep \(step.name): \(step.from) → \(step.to)\(step.isStream ? ", stream, checkpoint '\(step.checkpoint)'" : ", mode \(step["mode"] ?? (step["key"] == nil ? "error" : "append"))")")
      try PipelineStepRun(step: step, pipeline: pipeline, context: context, earlierTargets: earlier).dryRun()
      earlier.append(step.to)
    }
  }

  private typealias Failure = (step: PipelineStep?, error: KConnectError, status: Int32)

  /// `2026-01-31T00:00:00.123Z events: done in 310 ms: bronze 1200 rows in 2 batches, gold 7 rows`.
  private func summary(_ begun: String, _ done: [StepOutcome], _ started: Int64, failure: Failure?) {
    let elapsed = Double(WallClock.monotonicNanoseconds - started) / 1e9
    if context.progress == .json {
      var members: [(String, DynamicValue)] = [
        ("event", .string("summary")), ("timestamp", .string(begun)), ("pipeline", .string(pipeline.name)), ("exitCode", .long(Int64(failure?.status ?? 0))),
        ("durationMs", .long(Int64(elapsed * 1_000))),
        ("steps", .array(done.map { .bag([DynamicEntry("name", .string($0.name)), DynamicEntry("rowsIn", .long(Int64($0.rowsIn))), DynamicEntry("rowsOut", .long(Int64($0.rowsOut))), DynamicEntry("batches", .long(Int64($0.batches))), DynamicEntry("warnings", .long(Int64($0.warnings)))]) })),
      ]
      if let failure {
        members.append(("failedStep", failure.step.map { .string($0.name) } ?? .null))
        members.append(("code", .string(failure.error.code.description)))
        members.append(("error", .string(failure.error.message)))
        members.append(("retryable", .bool(failure.error.isRetryable)))
      }
      return StandardStreams.error(DynamicValue.bag(members.map { DynamicEntry($0.0, $0.1) }).json + "\n")
    }
    let steps = done.map(\.text).joined(separator: ", ") + StreamReport.text(warnings: done.reduce(0) { $0 + $1.warnings })
    guard let failure else {
      guard !context.isQuiet else { return }
      let isIdle = done.allSatisfy { $0.rowsOut == 0 && $0.rowsIn == 0 }
      return StandardStreams.error("\(begun) \(pipeline.name): \(isIdle ? "nothing new" : "done") in \(Measures.time(elapsed)): \(steps)\n")
    }
    let place = failure.step.map { "step '\($0.name)' failed" } ?? (failure.error.code == .locked ? "not started" : "failed")
    let hint = failure.error.hint.map { " (\(Self.oneLine($0)))" } ?? ""
    StandardStreams.error(
      "\(begun) \(pipeline.name): \(place), exit code \(failure.status): \(failure.error.code): \(Self.oneLine(failure.error.message))\(hint)\(steps.isEmpty ? "" : "; before it: \(steps)")\n")
  }

  private static func oneLine(_ text: String) -> String { text.split(separator: "\n").joined(separator: " ") }
}

/// What a step did.
struct StepOutcome: Sendable {
  var name: String
  var rowsIn = 0
  var rowsOut = 0
  var batches = 0
  var warnings = 0
  var isStream = false
  var isSkipped = false

  var text: String {
    if isSkipped { return "\(name) skipped" }
    return "\(name) \(rowsOut) \(rowsOut == 1 ? "row" : "rows")" + (isStream ? " in \(batches) \(batches == 1 ? "batch" : "batches")" : "")
  }
}

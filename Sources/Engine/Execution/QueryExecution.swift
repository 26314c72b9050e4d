// Role: the engine's door: optimise a plan, run it to batches or into a sink, explain it, stop it.

package import Columnar
package import DataSource
package import Expressions
import Synchronization

/// How a query runs. One per query.
package struct ExecutionOptions: Sendable {
  /// Worker threads; nil: one per core.
  package var threads: Int?
  /// Bytes for this query; nil: the process budget (60 % of the memory or cgroup limit).
  package var memoryLimit: Int?
  /// Off only in tests that compare plans.
  package var optimizes = true
  /// Directory for spill files; nil: the system's temporary directory.
  package var spillDirectory: String?
  /// Who runs scripts of other languages; nil: they are refused.
  package var scripts: (any ScriptHost)?
  package init() {}
}

/// What `explain` shows.
package enum ExplainMode: String, Sendable, CaseIterable {
  /// The optimised plan.
  case simple
  /// Logical, optimised and physical plan.
  case extended
  /// Runs the query and shows rows, bytes, pruned files, row groups and pages, and time per operator.
  case analyze
}

/// One query, from plan to result. Run it once.
package final class QueryExecution: Sendable {
  package let plan: LogicalPlan
  /// The plan that runs.
  package let optimizedPlan: LogicalPlan
  private let root: PhysicalNode
  private let run: QueryRun
  private let given = Mutex((rows: 0, bytes: 0))

  /// Optimises and chooses operators; throws where the plan's expressions do not hold together.
  package init(_ plan: LogicalPlan, options: ExecutionOptions, context: EvaluationContext) throws {
    self.plan = plan
    if isVerifying { try plan.checkInvariants() }
    optimizedPlan = options.optimizes ? try Optimizer.optimize(plan, context: context) : plan
    root = try PhysicalPlanner.plan(optimizedPlan)
    run = QueryRun(options: options, context: context)
  }

  /// Runs and gives the batches in row order to `consume`, on the calling thread, until it returns false. Blocks.
  package func run(_ consume: (RecordBatch) throws -> Bool) throws {
    try run.check()
    let (stream, limit) = try openRoot()
    try CollectJob(stream, run: run, limit: limit).collect { batch in
      let bytes = batch.byteSize
      given.withLock { $0 = ($0.rows + batch.rowCount, $0.bytes + bytes) }
      return try consume(batch)
    }
  }

  /// Runs into a sink: chunks are encoded in parallel and appended in order; commits at the end, aborts on any error. Blocks.
  package func write(to sink: any TableSink) throws -> WriteSummary {
    do {
      try run.check()
      let (stream, limit) = try openRoot()
      try TableWriteJob(stream, into: sink, run: run, limit: limit).write()
      try run.check()
    } catch {
      sink.abort()
      throw error
    }
    let summary = try sink.commit()
    given.withLock { $0 = (summary.rows, summary.bytes) }
    return summary
  }

  /// Stops a running query soon; `run` and `write` then throw CANCELLED. Safe from any thread and from signal-driven threads.
  package func cancel() { run.cancel() }

  /// Rows and bytes of the result, as far as they were given to the caller or written.
  package var produced: (rows: Int, bytes: Int) { given.withLock { $0 } }

  /// Sum of the scans' counters so far; safe from any thread.
  package var progress: ScanMetrics { run.progress }

  /// Most bytes that operators had reserved at a time.
  package var peakMemory: Int { run.memory.peak }

  /// The plan as text; `analyze` runs it.
  package func explain(_ mode: ExplainMode) throws -> String {
    switch mode {
    case .simple: return PlanText.text(optimizedPlan)
    case .extended:
      return """
        == Logical plan ==
        \(PlanText.text(plan))== Optimised plan ==
        \(PlanText.text(optimizedPlan))== Physical plan ==
        \(PhysicalText.text(root, counters: false))
        """
    case .analyze:
      let elapsed = try runForCounters()
      return PhysicalText.text(root, counters: true) + PhysicalText.summary(elapsed: elapsed, run: run)
    }
  }

  /// As `explain`, as one JSON object; `analyze` runs the plan.
  package func explainJSON(_ mode: ExplainMode) throws -> String {
    let elapsed = mode == .analyze ? try runForCounters() : nil
    return PhysicalText.json(root, elapsed: elapsed, run: run)
  }

  private func runForCounters() throws -> Int {
    let start = monotonicNanoseconds()
    try run { _ in true }
    return monotonicNanoseconds() - start
  }

  /// The stream of the plan; a limit at its top is counted where the rows come in order.
  private func openRoot() throws -> (any BatchStream, Int?) {
    if let limit = root.topLimit { return (try root.openWithoutLimit(run), limit) }
    return (try root.open(run), nil)
  }
}

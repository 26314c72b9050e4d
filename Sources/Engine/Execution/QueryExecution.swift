// Role: the engine's door: optimise a plan, run it to batches or into a sink, explain it, stop it.

package import Columnar
package import DataSource
package import Expressions

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

  package init(_ plan: LogicalPlan, options: ExecutionOptions, context: EvaluationContext) throws {
    self.plan = plan
  }

  /// Runs and gives the batches in row order to `consume`, on the calling thread, until it returns false. Blocks.
  package func run(_ consume: (RecordBatch) throws -> Bool) throws {
    throw KConnectError(.notSupported, "running plans")
  }

  /// Runs into a sink: chunks are encoded in parallel and appended in order; commits at the end, aborts on any error. Blocks.
  package func write(to sink: any TableSink) throws -> WriteSummary {
    throw KConnectError(.notSupported, "running plans")
  }

  /// Stops a running query soon; `run` and `write` then throw CANCELLED. Safe from any thread and from signal-driven threads.
  package func cancel() {}

  /// Sum of the scans' counters so far; safe from any thread.
  package var progress: ScanMetrics { ScanMetrics() }

  /// The plan as text; `analyze` runs it.
  package func explain(_ mode: ExplainMode) throws -> String {
    throw KConnectError(.notSupported, "explain")
  }
}

// Role: a query's rows under limits that its request asks for (time, rows, bytes, memory), in a run of its own, which can be stopped.
// Source: Kusto reference, "Request properties" and "Query limits".

import Columnar
import DataSource
import Engine
import Expressions
import Synchronization

/// The result of a query with limits. Each scan runs the query as it is written: what stands above it does not change what the limits are about.
struct LimitedAnswer: BatchReadable {
  let plan: LogicalPlan
  let limits: AnswerLimits
  /// Nil: as long as it takes.
  let seconds: Int?
  /// With the memory that the request allows.
  let execution: ExecutionOptions
  /// The context the plan was bound with.
  let context: EvaluationContext

  var schema: StructType { plan.schema }
  var description: String { "query with limits" }

  func pushdown(_ filters: [Expr]) -> [FilterPushdown] { filters.map { _ in .unsupported } }

  func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan {
    let columns = try request.columns.map { name in
      guard let i = schema.index(of: name) else { throw KConnectError(.columnNotFound, "column '\(name)' not found in \(description)") }
      return i
    }
    return LimitedScan(LimitedRun(answer: self, columns: columns, schema: StructType(columns.map { schema[$0] })))
  }
}

/// One run as one morsel.
private final class LimitedScan: Scan {
  private let run: LimitedRun
  private let isTaken = Atomic<Bool>(false)

  init(_ run: LimitedRun) { self.run = run }

  var schema: StructType { run.schema }
  var metrics: ScanMetrics { ScanMetrics() }

  func nextMorsel() throws -> (any Morsel)? {
    if isTaken.exchange(true, ordering: .relaxed) { return nil }
    return run
  }

  func stop() { run.cancellation.cancel() }
}

private struct LimitedRun: Morsel {
  let answer: LimitedAnswer
  let columns: [Int]
  let schema: StructType
  let cancellation = RequestCancellation()
  private static let deadlines = Deadlines()

  func read(_ emit: (RecordBatch) throws -> Bool) throws {
    guard let seconds = answer.seconds else { return try run(emit) }
    try Self.deadlines.limiting(seconds: seconds, cancellation) { deadline in
      do { try run(emit) } catch {
        if !deadline.hasFired { throw error }
        throw KConnectError(
          .timeout, "the query took longer than \(seconds) \(seconds == 1 ? "second" : "seconds") (request option servertimeout)", hint: "give it more time, or ask for less",
          isRetryable: true)
      }
    }
  }

  private func run(_ emit: (RecordBatch) throws -> Bool) throws {
    let limits = answer.limits
    var rows = 0, bytes = 0
    try cancellation.running(try QueryExecution(answer.plan, options: answer.execution, context: answer.context)) { execution in
      try execution.run { batch in
        var batch = batch
        var cut: String?
        if let limit = limits.rows, rows + batch.rowCount > limit {
          batch = batch.slice(0..<limit - rows)
          cut = "\(limit) records (truncationmaxrecords)"
        }
        rows += batch.rowCount
        bytes += batch.byteSize
        if let limit = limits.bytes, bytes > limit { cut = "\(limit) bytes (truncationmaxsize)" }
        if let cut, !limits.isDeferred {
          throw KConnectError(.valueInvalid, "the results of this query exceed the set limit of \(cut)", hint: "ask for less, or raise the limit")
        }
        let goesOn = try emit(RecordBatch(schema: schema, columns: columns.map { batch.columns[$0] }, rowCount: batch.rowCount))
        return goesOn && cut == nil
      }
    }
  }
}

// Role: what comes with a request besides its text, and what its results are.

package import Columnar
import DataSource
package import Engine
package import Expressions
package import KQL
import Synchronization

/// Who asks, under which id, and with which options.
package struct RequestProperties: Sendable {
  /// `x-ms-client-request-id`; what `.cancel query` names.
  package var requestId: String
  /// Request options by name; `set` statements add to them.
  package var options: [String: Scalar] = [:]
  /// Values of `declare query_parameters`.
  package var parameters: [String: Scalar] = [:]
  /// The same as texts, read as literals of the declared types.
  package var parameterTexts: [String: String] = [:]
  /// Who asks, as authentication found; nil: the user of the process, where access control is off.
  package var principal: Principal?
  package var application = "kconnect"
  /// The address under which the client reached the server, such as `http://localhost:8080`; nil without a server.
  package var endpoint: String?
  /// Names in reach besides those of the store, in front of them: tables and files of a command line.
  package var surroundings: (any KQLCatalog)?
  /// Stops the request.
  package var cancellation = RequestCancellation()

  package init(requestId: String = "kconnect;" + randomIdentifier()) { self.requestId = requestId }
}

/// Stops a request from another thread: its running query, and everything it would run afterwards.
package final class RequestCancellation: Sendable {
  private struct State {
    var isCancelled = false
    var reason: String?
    var running: [QueryExecution] = []
  }
  private let state = Mutex(State())

  package init() {}

  package func cancel(reason: String? = nil) {
    let running = state.withLock { state in
      state.isCancelled = true
      if state.reason == nil { state.reason = reason }
      return state.running
    }
    for execution in running { execution.cancel() }
  }

  package var isCancelled: Bool { state.withLock { $0.isCancelled } }

  /// Throws CANCELLED once `cancel` was called.
  package func check() throws {
    if let reason = state.withLock({ $0.isCancelled ? $0.reason ?? "the request was cancelled" : nil }) { throw KConnectError(.cancelled, reason) }
  }

  /// Runs `body` with `execution` as what `cancel` stops.
  package func running<Result>(_ execution: QueryExecution, _ body: (QueryExecution) throws -> Result) throws -> Result {
    try check()
    state.withLock { $0.running.append(execution) }
    defer { state.withLock { state in state.running.removeAll { $0 === execution } } }
    if isCancelled { execution.cancel() }
    return try body(execution)
  }
}

/// One table of an answer. Rows are computed when they are asked for.
package struct ResultTable: Sendable {
  /// `PrimaryResult`, or the name given by `as`; commands: `Table_0`.
  package var name: String
  package var plan: LogicalPlan
  /// What `render` asked for.
  package var visualization: Visualization?

  package var schema: StructType { plan.schema }
}

/// The answer to a request.
package struct RequestResult: Sendable {
  package var tables: [ResultTable]
  /// The context the plans were bound with; they must run with it.
  package var context: EvaluationContext
  package var executionOptions: ExecutionOptions
  package var requestId: String
  package var isCommand: Bool
  /// `set` statements of the text over the request's options.
  package var options: [String: Scalar]
  /// The `set` statements alone.
  package var statements: [String: Scalar] = [:]
  /// Remarks for the user.
  package var notes: [String]
  package var cancellation: RequestCancellation
  /// Keeps the request among the running ones until its rows are read.
  package let ticket: RequestTicket

  /// Prepares one table's run.
  package func execution(of table: ResultTable) throws -> QueryExecution {
    try QueryExecution(table.plan, options: executionOptions, context: context)
  }

  /// Runs one table, batch by batch in row order, until `consume` returns false; `started` gets the run, for its counters. Throws CANCELLED
  /// when the request is.
  package func run(_ table: ResultTable, started: (QueryExecution) -> Void = { _ in }, _ consume: (RecordBatch) throws -> Bool) throws {
    try ticket.running({ try execution(of: table) }) { execution in
      try cancellation.running(execution) { execution in
        started(execution)
        try execution.run(consume)
      }
    }
  }

  /// All rows of one table.
  package func rows(of table: ResultTable) throws -> [[Scalar]] {
    var rows: [[Scalar]] = []
    try run(table) { batch in
      for i in 0..<batch.rowCount { rows.append(batch.row(i)) }
      return true
    }
    return rows
  }
}

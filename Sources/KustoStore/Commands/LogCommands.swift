// Role: operations, queries, commands, journal and failures: what was done, by whom, and how it ended.

import Columnar
import DataSource
import KQL

extension CommandRun {
  private static let emptyId = GUID(high: 0, low: 0)
  /// `.show operations` tells of two weeks; `.show commands` of all that is kept.
  private static let shownTicks: Int64 = 14 * 864_000_000_000

  func operationsShow() throws -> CommandOutput {
    let ids = command.texts("ids").compactMap { GUID($0) }
    let since = ids.isEmpty ? StoreClock.nowTicks - Self.shownTicks : .min
    return CommandOutput(
      Shapes.operations, try metadata.operations(ids).filter { try $0.startedOn >= since && mayKnow(of: $0.principal, database: $0.database) }.map(operationRow))
  }

  private func operationRow(_ operation: OperationRecord) -> [Scalar] {
    [
      .guid(operation.id), .string(operation.kind), .string("local"), .datetime(operation.startedOn), .datetime(operation.updatedOn),
      .timespan(operation.updatedOn - operation.startedOn), .string(operation.state), .string(operation.status), .guid(operation.id), .bool(operation.shouldRetry),
      .string(operation.database), .string(operation.principal), .string(operation.principal), .datetime(executor.startedOn), .string(""),
    ]
  }

  private func operation(_ key: String) throws -> OperationRecord {
    guard let id = command.text(key).flatMap({ GUID($0) }) else { throw KConnectError(.internalError, "no operation id") }
    guard let found = try metadata.operations([id]).first, try mayKnow(of: found.principal, database: found.database) else {
      throw KConnectError(.pathNotFound, "there is no operation '\(id)'", hint: ".show operations lists those of the last 14 days")
    }
    return found
  }

  func operationDetailsShow() throws -> CommandOutput {
    let operation = try operation("id")
    guard let text = operation.result else {
      throw KConnectError(
        operation.state == "InProgress" ? .locked : .valueInvalid, "the operation '\(operation.id)' has no result: it is \(operation.state)\(operation.status.isEmpty ? "" : ", \(operation.status)")",
        hint: operation.state == "InProgress" ? "ask again when .show operations says Completed" : "only asynchronous commands that completed keep a result",
        isRetryable: operation.state == "InProgress")
    }
    return try ResultDocument.read(text)
  }

  func operationCancel() throws -> CommandOutput {
    let operation = try operation("id")
    let given = try properties(["reason"]).text("reason")
    let isCancelled = operation.state == "InProgress" && executor.background.cancel(operation.id, reason: given)
    let reason = isCancelled ? given ?? "" : operation.state == "InProgress" ? "it runs in another process" : "it is \(operation.state)"
    return CommandOutput(
      Shapes.cancelOperation,
      [[.guid(operation.id), .string(operation.kind), .datetime(operation.startedOn), .string(isCancelled ? "Cancelled successfully" : "Cancel failed"), .string(reason)]])
  }

  func queryCancel() throws -> CommandOutput {
    let id = command.text("id") ?? ""
    let others = executor.requests.running().filter { $0.properties.requestId == id }
    for other in others where !(try mayKnow(of: other.principal, database: other.database ?? "")) {
      throw KConnectError(.permission, "Principal '\(request.principal)' is not authorized to cancel a request of another principal")
    }
    let isCancelled = executor.cancel(requestId: id, reason: try properties(["reason"]).text("reason"))
    return CommandOutput(
      Shapes.cancelQuery, [[.string(id), .bool(isCancelled), .string(isCancelled ? "" : "no request with this id is running in this process")]])
  }

  // MARK: Queries and commands

  func queriesShow(running: Bool) throws -> CommandOutput {
    let user = command.text("user")
    let records = try queries(endedToo: !running).filter { record in user.map { record.principal == $0 } ?? true }
    return CommandOutput(Shapes.queries, records.map(queryRow))
  }

  /// The queries the caller may know of: those that run in this process, then those of all processes that have ended.
  private func queries(endedToo: Bool) throws -> [QueryRecord] {
    let all = try executor.requests.runningQueries() + (endedToo ? executor.requests.endedQueries() : [])
    return try all.filter { try mayKnow(of: $0.principal, database: $0.database) }
  }

  private func queryRow(_ record: QueryRecord) -> [Scalar] {
    [
      .string(record.requestId), .string(record.text), .string(record.database), .datetime(record.startedOn), .datetime(record.updatedOn),
      .timespan(record.updatedOn - record.startedOn), .string(record.state), .guid(record.activityId), .string(record.principal), .string(record.failure),
      .timespan(record.cpu), .dynamic(.bag([])), .string(record.application), .count(record.peakMemory), .dynamic(record.scanned), .string(record.principal),
      .dynamic(.bag([])), .dynamic(record.results), .string("default"), .string(""), .string(""),
    ]
  }

  func commandsShow() throws -> CommandOutput {
    CommandOutput(
      Shapes.commands,
      try metadata.operations().filter { try mayKnow(of: $0.principal, database: $0.database) }.map { operation in
        [
          .string(operation.requestId), .string(operation.kind), .string(operation.text), .string(operation.database), .datetime(operation.startedOn),
          .datetime(operation.updatedOn), .timespan(operation.updatedOn - operation.startedOn), .string(operation.state), .guid(operation.id),
          .string(operation.principal), .string(operation.status), .string(operation.application), .string(operation.principal), .timespan(operation.cpu),
          .dynamic(.bag([])), .dynamic(.bag([])), .string("default"), .string(""),
        ]
      })
  }

  func commandsAndQueriesShow() throws -> CommandOutput {
    let empty = Scalar.dynamic(.bag([]))
    let queries = try queries(endedToo: true).map { record -> [Scalar] in
      [
        .string(record.requestId), .string("Query"), .string(record.text), .string(record.database), .datetime(record.startedOn), .datetime(record.updatedOn),
        .timespan(record.updatedOn - record.startedOn), .string(record.state), .string(record.failure), .guid(record.activityId), .string(record.principal),
        .string(record.application), .string(record.principal), empty, .timespan(record.cpu), .count(record.peakMemory), empty, .dynamic(record.scanned),
        .dynamic(record.results), .string("default"), .string(""), .string(""),
      ]
    }
    let commands = try metadata.operations().filter { try mayKnow(of: $0.principal, database: $0.database) }.map { operation -> [Scalar] in
      [
        .string(operation.requestId), .string(operation.kind), .string(operation.text), .string(operation.database), .datetime(operation.startedOn),
        .datetime(operation.updatedOn), .timespan(operation.updatedOn - operation.startedOn), .string(operation.state), .string(operation.status),
        .guid(operation.id), .string(operation.principal), .string(operation.application), .string(operation.principal), empty, .timespan(operation.cpu), .long(0),
        empty, empty, empty, .string("default"), .string(""), .string(""),
      ]
    }
    return CommandOutput(Shapes.commandsAndQueries, queries + commands)
  }

  // MARK: Journal and failures

  func journalShow(database: String?) throws -> CommandOutput {
    CommandOutput(
      Shapes.journal,
      try metadata.journal(database: database).map { record in
        [
          .string(record.event), .datetime(record.time), .string(record.database), .string(record.entity), .string(record.updatedEntity), .string("v1.1"), .string(""),
          .string(record.before), .string(record.after), .string(record.command), .string(record.principal), .guid(Self.emptyId), .string(record.requestId),
          .string(record.principal), .string("v1.0"),
        ]
      })
  }

  func ingestionFailuresShow() throws -> CommandOutput {
    let wanted = try properties(["OperationId"]).text("OperationId").flatMap { GUID($0) }
    let failures = try metadata.failures(streaming: false).filter {
      try (wanted == nil || $0.operation == wanted) && mayKnow(of: $0.principal, database: $0.database)
    }
    return CommandOutput(
      Shapes.failures,
      failures.map { failure in
        [
          .guid(failure.operation), .string(failure.database), .string(failure.table), .datetime(failure.failedOn), .string(failure.path), .string(failure.details),
          .string(failure.isPermanent ? "Permanent" : "Transient"), .guid(failure.operation), .string(failure.kind), .bool(failure.comesFromPolicy),
          .string(failure.code), .string(failure.principal), .bool(!failure.isPermanent), .string(failure.principal), .string(failure.properties),
        ]
      })
  }

  func streamingFailuresShow() throws -> CommandOutput {
    CommandOutput(
      Shapes.streamingFailures,
      try metadata.failures(streaming: true).filter { try mayKnow(of: $0.principal, database: $0.database) }.map { failure in
        [
          .string(failure.database), .string(failure.table), .string(failure.principal), .guid(failure.operation), .dynamic(DynamicValue(json: failure.properties) ?? .bag([])),
          .long(1), .datetime(failure.failedOn), .datetime(failure.failedOn), .string(failure.isPermanent ? "Permanent" : "Transient"), .string(failure.code),
          .string(failure.details),
        ]
      })
  }
}

// Role: the frame around a command: it is logged, measured, and, where it says `async`, carried out in the background.

import Columnar
import DataSource
import KQL

#if canImport(Glibc)
import Glibc
#endif

extension CommandRun {
  /// Carries the command out. Commands that change something leave a record; asynchronous ones answer their operation's id at once.
  func logged() throws -> CommandOutput {
    try cancellation.check()
    guard !command.kind.isReadOnly else { return try perform() }
    guard command.kind != .queryCancel, command.kind != .operationCancel else { return try perform() }
    if command.says("async") { return try startInBackground() }
    let began = processTicks()
    do {
      let output = try perform()
      try record(state: "Completed", status: "", cpu: processTicks() - began, result: persistsDetails ? ResultDocument.text(output) : nil)
      return output
    } catch {
      try? record(state: Self.state(of: error), status: Self.message(error), cpu: processTicks() - began, shouldRetry: Self.isRetryable(error))
      throw error
    }
  }

  /// Whether `.show operation … details` is to have the answer of a command that is carried out at once; that of others it always has.
  private var persistsDetails: Bool {
    command.properties().contains { $0.name.text.lowercased() == "persistdetails" && $0.text.lowercased() == "true" }
  }

  private func startInBackground() throws -> CommandOutput {
    try authorize()
    try metadata.begin(operation(state: "InProgress", status: ""))
    let run = self
    let cancellation = RequestCancellation()
    var properties = request.properties
    properties.cancellation = cancellation
    let detached = CommandRun(executor: executor, request: Request(text: request.text, database: request.database, properties: properties), command: command, operationId: operationId)
    do {
      try executor.background.start(operationId, cancellation) {
        let began = processTicks()
        do {
          let output = try detached.perform()
          try detached.metadata.finish(
            run.operationId, state: "Completed", status: "", shouldRetry: false, cpu: processTicks() - began, result: ResultDocument.text(output))
        } catch {
          try? detached.metadata.finish(
            run.operationId, state: Self.state(of: error), status: Self.message(error), shouldRetry: Self.isRetryable(error), cpu: processTicks() - began, result: nil)
        }
      }
    } catch {
      try? metadata.finish(operationId, state: "Failed", status: Self.message(error), shouldRetry: true, cpu: 0, result: nil)
      throw error
    }
    return CommandOutput(Shapes.operationId, [[.guid(operationId)]])
  }

  private func record(state: String, status: String, cpu: Int64, shouldRetry: Bool = false, result: String? = nil) throws {
    var operation = operation(state: state, status: status)
    operation.updatedOn = StoreClock.nowTicks
    operation.cpu = cpu
    operation.shouldRetry = shouldRetry
    operation.result = result
    try metadata.begin(operation)
  }

  private func operation(state: String, status: String) -> OperationRecord {
    OperationRecord(
      id: operationId, kind: command.kind.typeName, text: LoggedText.shortened(request.text, command), database: request.database ?? "", state: state,
      status: status, startedOn: request.startedOn, updatedOn: request.startedOn, requestId: request.properties.requestId, principal: request.principal,
      shouldRetry: false, application: request.properties.application, cpu: 0, result: nil)
  }

  static func state(of error: any Error) -> String {
    switch (error as? KConnectError)?.code {
    case .cancelled?: "Canceled"
    case .kqlSyntax?, .kqlSemantic?, .usage?, .optionInvalid?, .optionUnknown?: "BadInput"
    default: "Failed"
    }
  }

  static func message(_ error: any Error) -> String { (error as? KConnectError)?.message ?? "\(error)" }
  static func isRetryable(_ error: any Error) -> Bool { (error as? KConnectError)?.isRetryable ?? false }

  /// Does what follows a change that has taken place: a failure is told in a note, since the command has done what it says.
  func afterwards(_ body: () throws -> Void) {
    do { try body() } catch { notes.add("done; but what is known besides could not be brought up to date: \(Self.message(error))") }
  }

  /// Notes a change of a definition for `.show journal`.
  func journal(_ event: String, _ entity: String, to updated: String? = nil, before: String = "", after: String = "", database: String? = nil) {
    afterwards {
      try metadata.add(
        JournalRecord(
          event: event, time: StoreClock.nowTicks, database: database ?? request.database ?? "", entity: entity, updatedEntity: updated ?? entity, before: before,
          after: after, command: LoggedText.shortened(request.text, command), principal: request.principal, requestId: request.properties.requestId))
    }
  }
}

/// Texts of queries and commands for logs outside the store.
package enum RedactedText {
  /// At most 2,048 characters, obfuscated strings as stars.
  package static func redacted(_ text: String) -> String { LoggedText.hidingSecrets(String(text.prefix(2_048))) }
}

/// Command texts in logs: without inline data and obfuscated strings.
enum LoggedText {
  static func shortened(_ text: String, _ command: Command) -> String {
    var bytes = Array(text.utf8)
    if command.kind == .dataIngestInline, let (_, span) = command.source("data") { bytes = Array(bytes[..<Int(span.start)]) + Array("…".utf8) }
    let shown = String(decoding: bytes.prefix(8_192), as: UTF8.self)
    return hidingSecrets(shown)
  }

  /// Without what stands in obfuscated strings and without keys of addresses.
  static func hidingSecrets(_ text: String) -> String { ObfuscatedText.hidden(text) }
}

/// The result of an asynchronous command as text: `{"Columns":[["a","long"],…],"Rows":[["1"],…]}`; cells are texts, nulls are null.
enum ResultDocument {
  static func text(_ output: CommandOutput) -> String {
    let columns = output.schema.fields.map { DynamicValue.array([.string($0.name), .string($0.type.rawValue)]) }
    let rows = output.rows.map { row in
      DynamicValue.array(row.map(cell))
    }
    return DynamicValue.bag([DynamicEntry("Columns", .array(columns)), DynamicEntry("Rows", .array(rows))]).json
  }

  private static func cell(_ scalar: Scalar) -> DynamicValue {
    switch scalar {
    case .null: return .null
    case .dynamic(let value): return .string(value.json)
    default: return .string(ScalarText.text(scalar) ?? "")
    }
  }

  static func read(_ text: String) throws -> CommandOutput {
    guard let value = DynamicValue(json: text), let columns = value["Columns"]?.elements, let rows = value["Rows"]?.elements else {
      throw KConnectError(.formatCorrupt, "the result of an operation is no result document: '\(text.prefix(80))'")
    }
    let fields = columns.compactMap { column -> StructField? in
      guard let parts = column.elements, parts.count == 2, let name = parts[0].stringValue, let type = parts[1].stringValue.flatMap({ DataType(rawValue: $0) })
      else { return nil }
      return StructField(name, type)
    }
    return CommandOutput(
      schema: StructType(fields),
      rows: rows.map { row in
        (row.elements ?? []).enumerated().map { c, cell -> Scalar in
          guard c < fields.count, let text = cell.stringValue else { return .none }
          if fields[c].type == .dynamic { return .dynamic(DynamicValue(json: text) ?? .null) }
          return fields[c].type == .string ? .string(text) : ScalarText.parse(text, as: fields[c].type) ?? .null(fields[c].type)
        }
      })
  }
}

/// Ticks of processor time of the process.
func processTicks() -> Int64 {
  var time = timespec()
  // SAFETY: clock_gettime fills `time` during the call.
  unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Int64(time.tv_sec) &* 10_000_000 &+ Int64(time.tv_nsec) / 100
}

// Role: what `.show operations`, `.show commands` and `.show ingestion failures` tell of a write of the `kusto` sink: one operation, when it has
// ended. A cluster has ingestions where this store has the sink, so they bear the same names.

import Columnar
import DataSource
import KQL

/// A write under way. What cannot be noted down fails no write.
struct SinkOperation: Sendable {
  private let metadata: MetadataStore
  private let database: String
  private let table: String
  private let kind: String
  private let text: String
  private let requestId: String
  private let id = GUID(randomIdentifier()) ?? GUID(high: 0, low: 0)
  private let startedOn = StoreClock.nowTicks
  private let began = processTicks()

  /// `requestId`: as the option says; nil: one of its own.
  init(_ metadata: MetadataStore, database: String, table: String, mode: SaveMode, requestId: String?) {
    self.metadata = metadata
    self.database = database
    self.table = table
    self.requestId = requestId ?? RequestProperties().requestId
    kind = (mode == .overwrite ? CommandKind.tableSetOrReplace : .dataIngestPull).typeName
    text = "write into kusto:\(quotedName(database)).\(quotedName(table)), mode \(mode.rawValue)"
  }

  /// The rows are there, or were there already.
  func complete(_ summary: WriteSummary) { note(summary.isSkipped ? "Skipped" : "Completed", summary.skipReason ?? "") }

  func fail(_ error: any Error) {
    note(CommandRun.state(of: error), CommandRun.message(error), shouldRetry: CommandRun.isRetryable(error))
    if (error as? KConnectError)?.code == .cancelled { return }
    try? metadata.add(
      FailureRecord(
        operation: id, database: database, table: table, failedOn: StoreClock.nowTicks, path: "", details: CommandRun.message(error),
        isPermanent: !CommandRun.isRetryable(error), kind: kind, comesFromPolicy: IngestFailure.isOfPolicy(error), code: IngestFailure.code(error),
        principal: Principal.process.fullyQualifiedName, properties: "{}", isStreaming: false))
  }

  /// The rows did not come to their end; what stopped them is not the sink's.
  func abandon() { note("Abandoned", "the write was stopped before all its rows had come") }

  private func note(_ state: String, _ status: String, shouldRetry: Bool = false) {
    try? metadata.begin(
      OperationRecord(
        id: id, kind: kind, text: text, database: database, state: state, status: status, startedOn: startedOn, updatedOn: StoreClock.nowTicks,
        requestId: requestId, principal: Principal.process.fullyQualifiedName, shouldRetry: shouldRetry, application: "kconnect",
        cpu: processTicks() - began, result: nil))
  }
}

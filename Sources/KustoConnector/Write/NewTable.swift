// Role: the table that a Queued or KustoStreaming write makes: just before its first rows leave for it, and taken back when none of them did.

import Columnar
import DataSource
import Synchronization

/// A table that was missing when the write began. Any thread.
final class NewTable: Sendable {
  private struct State {
    var isMade = false
    /// This write made it, or may have.
    var isOwn = false
    /// Rows are in it or on their way, or may be.
    var isUsed = false
  }

  private let tables: ClusterTables
  private let name: String
  private let schema: StructType
  /// Rows are streamed into it.
  private let takesStreams: Bool
  private let state = Mutex(State())

  init(_ tables: ClusterTables, _ name: String, _ schema: StructType, takesStreams: Bool) {
    self.tables = tables
    self.name = name
    self.schema = schema
    self.takesStreams = takesStreams
  }

  /// Makes the table if that is not done; others wait meanwhile. Throws what the cluster says, and SCHEMA_MISMATCH when somebody else has made it
  /// since, with other columns.
  func make() throws {
    try state.withLock { state in
      if state.isMade { return }
      if let found = try tables.schema(name) {
        guard state.isOwn || Self.areEqual(found, schema) else {
          throw KConnectError(
            .schemaMismatch, "the table '\(name)' was made by somebody else meanwhile, with the columns \(found); the rows have \(schema)", hint: "write again: the rows are brought to its columns then")
        }
      } else {
        state.isOwn = true
        try tables.createMerge(name, schema)
      }
      if takesStreams {
        _ = try tables.client.command(
          ".alter table \(ClusterTables.quoted(name)) policy streamingingestion enable", database: tables.database, activity: "policyAlter", isRepeatable: true)
        _ = try tables.client.command(".clear database cache streamingingestion schema", database: tables.database, activity: "cacheClear", isRepeatable: true)
      }
      state.isMade = true
    }
  }

  private static func areEqual(_ a: StructType, _ b: StructType) -> Bool { a.names == b.names && a.fields.map(\.type) == b.fields.map(\.type) }

  /// Rows are on their way to it, or may be: it stays.
  func keep() { state.withLock { $0.isUsed = true } }

  /// Drops the table when this write made it and nobody has put rows into it. What others have under way to it cannot be seen: between the two
  /// lie moments. False when it stays although this write made it.
  @discardableResult
  func takeBack() -> Bool {
    state.withLock { state in
      guard state.isOwn else { return true }
      guard !state.isUsed else { return false }
      do {
        guard try tables.schema(name) == nil || tables.rowCount(name) == 0 else { return false }
        try tables.drop(name)
        (state.isOwn, state.isMade) = (false, false)
        return true
      } catch { return false }
    }
  }

  /// The error of a write whose rows have not left, which says so when the table stays.
  func takenBack(after error: any Error) -> any Error {
    guard !takeBack(), var failure = error as? KConnectError else { return error }
    failure.message += "; the table '\(name)', which this write made, stays"
    return failure
  }
}

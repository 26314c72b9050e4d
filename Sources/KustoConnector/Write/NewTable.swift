// Role: the table that a Queued or KustoStreaming write makes, just before its first rows leave for it. A table that is made stays, whatever becomes of
// the write: rows that others have under way to it cannot be seen from outside, and would be lost with it.

import Columnar
import DataSource
import Synchronization

/// A table that was missing when the write began. Any thread.
final class NewTable: Sendable {
  private struct State {
    var isMade = false
    /// This write made it.
    var isOwn = false
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
        guard Self.areEqual(found, schema) else {
          throw KConnectError(
            .schemaMismatch, "the table '\(name)' was made by somebody else meanwhile, with the columns \(found); the rows have \(schema)", hint: "write again: the rows are brought to its columns then")
        }
      } else {
        try tables.createMerge(name, schema)
        state.isOwn = true
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

  /// The error of a write whose rows have not left, which says that the table stays when this write made it.
  func left(after error: any Error) -> any Error {
    guard state.withLock({ $0.isOwn }), var failure = error as? KConnectError else { return error }
    failure.message += "; the table '\(name)', which this write made, stays"
    return failure
  }
}

// Role: a table of the store: its identity, its log, and the doors to reading, ingesting and changing it.

package import Columnar
package import DataSource
package import Expressions

/// An open table. It stays the same table when it is renamed; commits to a table that was dropped fail.
package final class StoreTable: Sendable {
  package let database: Database
  /// The name it was opened by.
  package let name: String
  /// `metaData.id`: what functions, policies and mappings are keyed by.
  package let id: String
  let directory: Directory

  init(database: Database, name: String, entry: String) throws {
    self.database = database
    self.name = name
    directory = try Directory(database.directory.path(entry))
    throw StoreTable.pending("tables")
  }

  static func pending(_ what: String) -> KConnectError { KConnectError(.notSupported, "not supported yet: \(what)") }

  /// Makes the directory of an empty table.
  static func make(at path: String, _ description: TableDescription, fileSystem: FileSystem) throws { throw pending("tables") }

  /// The newest committed version. Cheap when nothing was committed since the last one.
  package func snapshot() throws -> TableSnapshot { throw Self.pending("snapshots") }

  /// Starts an ingestion of rows of `schema`: its columns are matched with the table's by name, columns that are missing become null.
  /// Throws SCHEMA_MISMATCH for unknown columns and other types. Rows are visible after `commit`.
  package func ingest(schema: StructType, _ properties: IngestProperties = IngestProperties(), mode: IngestMode = .append) throws -> IngestSink {
    throw Self.pending("ingestion")
  }

  /// Ingests batches in memory.
  @discardableResult
  package func ingest(_ batches: [RecordBatch], _ properties: IngestProperties = IngestProperties(), mode: IngestMode = .append) throws -> IngestResult {
    guard let schema = batches.first?.schema else { return IngestResult() }
    let sink = try ingest(schema: schema, properties, mode: mode)
    do { for batch in batches { try sink.append(try sink.encode([batch])) } } catch {
      sink.abort()
      throw error
    }
    return try sink.finish()
  }

  /// Changes columns, docstrings and folder in one commit; extents are rewritten where columns go, change their name or their type.
  package func alter(_ alteration: TableAlteration) throws { throw Self.pending("alterations") }

  /// Removes extents for which `predicate` is true; answers them.
  @discardableResult
  package func dropExtents(where predicate: (Extent) -> Bool) throws -> [Extent] { throw Self.pending("dropping extents") }

  /// Removes all extents.
  @discardableResult
  package func clearData() throws -> [Extent] { try dropExtents { _ in true } }

  /// Deletes the rows for which the boolean predicate is true; extents that hold some are rewritten. Answers how many rows went.
  /// The predicate may name the table's columns and the hidden ones (`HiddenColumns.virtual`).
  @discardableResult
  package func deleteRows(where predicate: Expr, context: EvaluationContext) throws -> Int { throw Self.pending("deleting rows") }

  /// Merges extents into larger ones; nil: those that the table's own rule finds small. Rows keep their ingestion time and cursor position.
  /// Only extents with the same drop-by tags merge.
  package func mergeExtents(_ ids: Set<GUID>? = nil) throws -> MergeResult { throw Self.pending("merging extents") }

  /// Gives extents other tags.
  package func alterExtentTags(_ ids: Set<GUID>, _ change: (ExtentTags) -> ExtentTags) throws { throw Self.pending("extent tags") }
}

/// What a merge of extents did.
package struct MergeResult: Sendable {
  /// Old extents by the new extent that has their rows.
  package var merged: [(new: Extent, old: [Extent])] = []
  package init() {}
}

// Role: changes of one or several tables of a database that become visible together.

package import Columnar
package import DataSource

/// A commit under construction. One thread; used once.
package final class StoreTransaction {
  package let database: Database

  package init(_ database: Database) { self.database = database }

  /// Adds rows that were ingested but not committed.
  package func append(_ staged: StagedExtents) throws { throw StoreTable.pending("transactions") }

  /// Takes extents of a snapshot out.
  package func drop(_ extents: [Extent], of snapshot: TableSnapshot) throws { throw StoreTable.pending("transactions") }

  /// Moves extents to another table of the database with the same columns. Rows get the target's commit version; they keep their ingestion
  /// time unless `setNewIngestionTime`.
  package func move(_ extents: [Extent], of snapshot: TableSnapshot, to target: StoreTable, setNewIngestionTime: Bool) throws {
    throw StoreTable.pending("transactions")
  }

  /// Commits all changes or none. Throws LOCKED (retryable) when another commit stands in the way: it took out an extent that this one moves
  /// or drops, or changed columns. One result per table in the order the tables were first named.
  @discardableResult
  package func commit() throws -> [(table: StoreTable, result: IngestResult)] { throw StoreTable.pending("transactions") }
}

extension Database {
  /// Completes commits of several tables that a dead process left half done.
  func rollForward() throws {}

  /// Renames tables, all or none; names may be exchanged. Throws PATH_NOT_FOUND or ALREADY_EXISTS.
  package func renameTables(_ renames: [(from: String, to: String)]) throws { throw StoreTable.pending("renaming tables") }

  /// Moves a table out of sight; garbage collection deletes it. Throws PATH_NOT_FOUND unless `ifExists`.
  package func dropTable(_ name: String, ifExists: Bool = false) throws { throw StoreTable.pending("dropping tables") }

  /// The position up to which everything is committed now, for `cursor_after` and its kin: opaque text.
  package func currentCursor() throws -> String { throw StoreTable.pending("cursors") }
}

// Role: the tables of a store as the names a KQL query can use.

import Columnar
import DataSource
package import Engine
import Expressions
import KQL
import Synchronization

/// The catalog of one query: every table is read at the snapshot taken when the query first names it.
package final class StoreCatalog: KQLCatalog {
  package let store: Store
  /// The database of unqualified names; nil: they are not found.
  package let database: String?
  private let functions: @Sendable (_ name: String, _ database: String) throws -> String?
  private let state = Mutex(State())

  private struct State {
    var snapshots: [String: TableSnapshot] = [:]
    /// What has been read of each database.
    var databases: [String: Reading] = [:]
  }

  private struct Reading: Sendable {
    let database: Database
    /// Before the first table was read.
    let began: Database.JournalMark
    var tables = 0
  }

  /// `functions` gives the text of stored functions.
  package init(_ store: Store, database: String?, functions: @escaping @Sendable (_ name: String, _ database: String) throws -> String? = { _, _ in nil }) {
    self.store = store
    self.database = database
    self.functions = functions
  }

  package func table(_ name: String, database: String?) throws -> LogicalPlan? {
    guard let snapshot = try snapshot(name, database: database) else { return nil }
    return .scan(snapshot.rows())
  }

  /// With the columns of row origin, which `ingestion_time()` and its kin read.
  package func tableWithOrigin(_ name: String, database: String?) throws -> LogicalPlan? {
    // Rows have a place in the history once they are committed: those of dead processes are now.
    if let home = database ?? self.database { try store.databaseIfExists(home)?.tableIfExists(name)?.sealAbandonedRowsIfWritable() }
    guard let snapshot = try snapshot(name, database: database) else { return nil }
    let rows = snapshot.rows()
    let fields = rows.schema.fields + HiddenColumns.virtual.fields
    let scan = LogicalPlan(node: .scan(ScanNode(table: rows, columns: fields.map(\.name))), schema: StructType(fields))
    return try scan.project(
      rows.schema.names.map { NamedExpr($0, .column($0)) } + [
        NamedExpr(RowOrigin.ingestionTime, .column(HiddenColumns.ingestionTime)), NamedExpr(RowOrigin.extentId, .column(HiddenColumns.extentId)),
        NamedExpr(RowOrigin.extentTags, .column(HiddenColumns.extentTags)),
        NamedExpr(RowOrigin.rowVersion(table: snapshot.table.id), .column(HiddenColumns.rowVersion)),
      ])
  }

  /// The snapshot that this query reads; nil when there is no such table.
  package func snapshot(_ name: String, database: String?) throws -> TableSnapshot? {
    guard let database = database ?? self.database, let found = try store.databaseIfExists(database) else { return nil }
    let key = database + "\u{0}" + name
    if let known = state.withLock({ $0.snapshots[key] }) { return known }
    if state.withLock({ $0.databases[database] == nil }) {
      let began = try found.journalMark(first: true)
      state.withLock { if $0.databases[database] == nil { $0.databases[database] = Reading(database: found, began: began) } }
    }
    guard let table = try found.tableIfExists(name) else { return nil }
    let fresh = try table.snapshot()
    return state.withLock { state in
      if let known = state.snapshots[key] { return known }
      state.snapshots[key] = fresh
      state.databases[database]?.tables += 1
      return fresh
    }
  }

  /// Whether the query has named the table.
  func hasRead(_ table: StoreTable) -> Bool { state.withLock { state in state.snapshots.values.contains { $0.table.id == table.id } } }

  /// Whether all tables of each database were read as of one moment: no commit of several tables, and no renaming, came between two of them.
  func isOfOneMoment() throws -> Bool { try isQuiet { $0.tables > 1 } }

  /// Whether nothing of the kind came since the first table was looked for.
  func isQuiet() throws -> Bool { try isQuiet { _ in true } }

  private func isQuiet(_ concerns: (Reading) -> Bool) throws -> Bool {
    try state.withLock { $0.databases.values.filter(concerns) }.allSatisfy { $0.began.isQuiet(until: try $0.database.journalMark(first: false)) }
  }

  package func tableNames(database: String?) -> [String] {
    guard let name = database ?? self.database, let found = try? store.databaseIfExists(name) else { return [] }
    return (try? found.tableNames()) ?? []
  }

  package func functionText(_ name: String, database: String?) throws -> String? {
    guard let database = database ?? self.database else { return nil }
    return try functions(name, database)
  }

  package var databaseNames: [String] { (try? store.databaseNames()) ?? [] }
}

// Role: a snapshot as a table that queries read.

package import Columnar
package import DataSource
package import Expressions

/// Some extents of a snapshot as a source.
package struct StoreScanTable: BatchReadable {
  let snapshot: TableSnapshot
  let extents: [Extent]

  init(_ snapshot: TableSnapshot, extents: [Extent]) {
    self.snapshot = snapshot
    self.extents = extents
  }

  package var schema: StructType { snapshot.schema }
  package var description: String { "kusto \(snapshot.table.database.name).\(snapshot.table.name) (version \(snapshot.version), \(extents.count) extents)" }
  package var exactRowCount: Int? { extents.reduce(0) { $0 + $1.rowCount } }
  package func pushdown(_ filters: [Expr]) -> [FilterPushdown] { filters.map { _ in .unsupported } }
  package func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan { throw StoreTable.pending("scans") }
}

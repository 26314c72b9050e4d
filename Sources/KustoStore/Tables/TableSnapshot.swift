// Role: one committed version of a table, held for reading: its files stay while it lives, whatever others commit, rename or drop.

package import Columnar
package import DataSource

/// A version of a table. Immutable.
package final class TableSnapshot: Sendable {
  package let table: StoreTable
  package let version: Int64
  /// When the version was committed, in ticks since 1970.
  package let committedOn: Int64
  package let description: TableDescription
  package let extents: [Extent]

  init(table: StoreTable, version: Int64, committedOn: Int64, description: TableDescription, extents: [Extent]) {
    self.table = table
    self.version = version
    self.committedOn = committedOn
    self.description = description
    self.extents = extents
  }

  package var schema: StructType { description.schema }
  /// Exact.
  package var rowCount: Int { extents.reduce(0) { $0 + $1.rowCount } }
  /// Bytes of the extents' files.
  package var byteSize: Int { extents.reduce(0) { $0 + $1.byteSize } }
  /// Bytes of the values before compression.
  package var originalSize: Int { extents.reduce(0) { $0 + $1.originalSize } }

  /// The rows, or those of the extents named. Besides the table's columns, scans give those of `HiddenColumns.virtual`.
  package func rows(extents ids: Set<GUID>? = nil) -> any BatchReadable { StoreScanTable(self, extents: ids.map { ids in extents.filter { ids.contains($0.id) } } ?? extents) }
}

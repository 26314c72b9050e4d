// Role: one committed version of a table, held for reading: its files stay while it lives, whatever others commit, rename or drop.

package import Columnar
package import DataSource
import Delta

/// A version of a table. Immutable.
package final class TableSnapshot: Sendable {
  package let table: StoreTable
  package let version: Int64
  /// When the version was committed, in ticks since 1970.
  package let committedOn: Int64
  package let description: TableDescription
  package let extents: [Extent]
  let delta: DeltaSnapshot
  let files: [ExtentFile]
  private let lease: ReadLease?

  init(table: StoreTable, _ delta: DeltaSnapshot, lease: ReadLease?) throws {
    self.table = table
    self.delta = delta
    self.lease = lease
    version = delta.version
    committedOn = delta.timestamp * 10_000
    description = TableSchema.description(delta, name: table.name)
    files = try table.files(delta)
    extents = files.map(\.extent)
  }

  package var schema: StructType { description.schema }
  /// Exact.
  package var rowCount: Int { extents.reduce(0) { $0 + $1.rowCount } }
  /// Bytes of the extents' files.
  package var byteSize: Int { extents.reduce(0) { $0 + $1.byteSize } }
  /// Bytes of the values before compression.
  package var originalSize: Int { extents.reduce(0) { $0 + $1.originalSize } }

  /// The rows, or those of the extents named. Besides the table's columns, scans give those of `HiddenColumns.virtual`.
  package func rows(extents ids: Set<GUID>? = nil) -> any BatchReadable {
    StoreScanTable(self, files: ids.map { ids in files.filter { ids.contains($0.extent.id) } } ?? files)
  }

  /// The files of extents of this snapshot; throws USAGE for one that is not in it.
  func files(of ids: Set<GUID>) throws -> [ExtentFile] {
    let found = files.filter { ids.contains($0.extent.id) }
    if found.count < ids.count, let missing = ids.subtracting(found.map(\.extent.id)).sorted().first {
      throw KConnectError(.usage, "the table '\(table.name)' has no extent '\(missing)'", hint: "list them with .show table \(quotedName(table.name)) extents")
    }
    return found
  }
}

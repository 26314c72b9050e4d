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
  /// Acknowledged rows that are in no extent yet.
  let tail: RowTail?
  private let lease: ReadLease?

  init(table: StoreTable, _ delta: DeltaSnapshot, lease: ReadLease?, tail: RowTail?) throws {
    self.table = table
    self.tail = tail
    self.delta = delta
    self.lease = lease
    version = delta.version
    committedOn = delta.timestamp &* 10_000
    description = TableSchema.description(delta, name: table.name)
    files = try table.files(delta)
    extents = files.map(\.extent)
  }

  package var schema: StructType { description.schema }
  /// Exact, with rows that are in no extent yet as far as they can be read.
  package var rowCount: Int { extents.reduce((try? tail?.rowCount()) ?? 0) { $0 + $1.rowCount } }
  /// Bytes of the extents' files.
  package var byteSize: Int { extents.reduce(0) { $0 + $1.byteSize } }
  /// Bytes of the values before compression.
  package var originalSize: Int { extents.reduce(0) { $0 + $1.originalSize } }

  /// The rows, or those of the extents named alone. Besides the table's columns, scans give those of `HiddenColumns.virtual`.
  package func rows(extents ids: Set<GUID>? = nil) -> any BatchReadable {
    guard let ids else { return StoreScanTable(self, files: files, tail: tail) }
    return StoreScanTable(self, files: files.filter { ids.contains($0.extent.id) })
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

// Role: data files that are written and durable, but in no version of their table yet.

import Columnar
package import DataSource
import Delta
import Synchronization

/// Extents waiting for their commit. Their files are removed when they are dropped without one.
package final class StagedExtents: Sendable {
  package let table: StoreTable
  let adds: [AddFile]
  private let isCommitted = Mutex(false)

  init(_ table: StoreTable, adds: [AddFile]) {
    self.table = table
    self.adds = adds
  }

  deinit {
    if isCommitted.withLock({ $0 }) { return }
    for add in adds { _ = table.database.store.fileSystem.remove(table.directory.path(DeltaPath.canonical(add.path))) }
  }

  /// The files belong to a version now (or may): they stay.
  func markCommitted() { isCommitted.withLock { $0 = true } }

  /// What the extents will be; their version is not known yet.
  package var extents: [Extent] { get throws { try adds.map { try ExtentFile($0).extent } } }

  package var rowCount: Int { get throws { try extents.reduce(0) { $0 + $1.rowCount } } }

  /// The rows, to be read before they are committed (update policies).
  package var rows: any BatchReadable {
    get throws { StoreScanTable(try table.snapshot(), files: try adds.map { try ExtentFile($0) }) }
  }
}

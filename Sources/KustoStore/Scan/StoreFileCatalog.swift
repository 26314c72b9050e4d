// Role: what a store table knows of its extents for a scan: bounds from the log, and where each column of the table, visible or virtual, stands
// in a file.

import Columnar
import DataSource
import Delta
import Expressions
import FileConnector

/// The extents of a scan. Holds the snapshot, and with it the directory and the lease, while the scan runs.
struct StoreFileCatalog: FileCatalog {
  let snapshot: TableSnapshot
  let files: [ExtentFile]
  private let cache = StatisticsCache()
  private let fields: [String: DeltaField]
  private let versionColumn: String
  private let exactNames: [String: String]

  init(_ snapshot: TableSnapshot, _ files: [ExtentFile]) {
    self.snapshot = snapshot
    self.files = files
    versionColumn = HiddenColumns.storedRowVersion(table: snapshot.table.id)
    exactNames = Dictionary(snapshot.schema.fields.map { ($0.name, HiddenColumns.exact($0.name)) }) { a, _ in a }
    fields = Dictionary(snapshot.delta.schema.fields.map { ($0.name, $0) }) { a, _ in a }
  }

  func statistics(_ column: String, file: Int) -> ColumnStatistics? {
    if let field = fields[column] { return cache.statistics(of: file, files[file].add.stats)?.column(field) }
    let rows = files[file].extent.rowCount
    if let value = constant(column, file: file), value.type != .dynamic {
      return ColumnStatistics(type: value.type, min: value, max: value, nullCount: 0, rowCount: rows, mayHaveNaN: false)
    }
    guard column == HiddenColumns.rowVersion else { return nil }
    // Rows are never newer than their extent.
    return ColumnStatistics(type: .long, min: nil, max: .long(files[file].extent.version), nullCount: 0, rowCount: rows, mayHaveNaN: false)
  }

  /// The exact column where the file has one; the hidden columns of virtual ones.
  func ownName(_ column: String, in table: any BatchReadable) -> String? {
    func present(_ name: String) -> String? { table.schema.index(of: name) == nil ? nil : name }
    switch column {
    case HiddenColumns.ingestionTime: return present(HiddenColumns.storedIngestionTime)
    case HiddenColumns.rowVersion: return present(versionColumn)
    default: return exactNames[column].flatMap(present) ?? present(column)
    }
  }

  /// Values that are the same for all rows of a file.
  func constant(_ column: String, file: Int) -> Scalar? {
    switch column {
    case HiddenColumns.extentId: .guid(files[file].extent.id)
    case HiddenColumns.extentTags: .dynamic(.array(files[file].extent.tags.all.map { .string($0) }))
    case HiddenColumns.ingestionTime: files[file].ingestionTime.map { .datetime($0) }
    case HiddenColumns.rowVersion: files[file].hasStoredVersions ? nil : .long(files[file].extent.version)
    default: nil
    }
  }

  func deletedRows(file: Int, rowCount: Int) throws -> Bitmap? { nil }

  var exactRowCount: Int? { files.reduce(0) { $0 + $1.extent.rowCount } }
}

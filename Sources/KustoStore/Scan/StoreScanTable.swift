// Role: extents of a snapshot as a table that queries read. The scan itself is that of file tables; this says which files, and what is in them.

package import Columnar
package import DataSource
package import Expressions
import Delta
import FileConnector

/// Some extents of a snapshot as a source. Scans give the table's columns, and those of `HiddenColumns.virtual` when asked by name.
package struct StoreScanTable: BatchReadable {
  package let snapshot: TableSnapshot
  let files: [ExtentFile]
  /// Rows behind the extents.
  let tail: RowTail?
  private let inner: FileTable?

  init(_ snapshot: TableSnapshot, files: [ExtentFile], tail: RowTail? = nil) {
    self.snapshot = snapshot
    self.files = files
    self.tail = tail
    inner = try? Self.table(snapshot, files)
  }

  private static let options = OptionIndex(ParquetFormat().options)

  private static func table(_ snapshot: TableSnapshot, _ files: [ExtentFile]) throws -> FileTable {
    let table = snapshot.table
    let entries = files.map { file in
      let name = file.extent.fileName, path = table.directory.path(name)
      return FileEntry(path: path, displayPath: joinPath(table.displayPath, name), size: file.extent.byteSize, modified: file.add.modificationTime &* 1_000_000, source: .local(path))
    }
    let format = ParquetFormat()
    return try FileTable(
      format: format, options: try DataSourceOptions(source: "kusto", declared: Self.options, given: [], use: .read), files: entries,
      partitions: .none(fileCount: entries.count), schema: StructType(snapshot.schema.fields + HiddenColumns.virtual.fields), description: "kusto", catalog: StoreFileCatalog(snapshot, files))
  }

  package var schema: StructType { snapshot.schema }
  package var hiddenColumns: StructType { HiddenColumns.virtual }

  package var description: String {
    "kusto \(quotedName(snapshot.table.database.name)).\(quotedName(snapshot.table.name)) (version \(snapshot.version), \(files.count) extent\(files.count == 1 ? "" : "s"))"
  }

  /// Nil for rows behind the extents that cannot be read: the scan says why.
  package var exactRowCount: Int? {
    let rows = files.reduce(0) { $0 + $1.extent.rowCount }
    guard let tail else { return rows }
    return (try? tail.rowCount()).map { rows + $0 }
  }

  /// Rows behind the extents are not filtered here.
  package func pushdown(_ filters: [Expr]) -> [FilterPushdown] {
    let answers = inner?.pushdown(filters) ?? filters.map { _ in .unsupported }
    return tail == nil ? answers : answers.map { $0 == .exact ? .inexact : $0 }
  }

  package func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan {
    let extents = try (inner ?? Self.table(snapshot, files)).scan(request, context: context)
    return try tail.map { try RowTailScan(extents, $0, snapshot, columns: request.columns) } ?? extents
  }
}

// Role: what the log knows of a table's files, as scans ask for it.

import Columnar
import DataSource
import Delta
import Expressions
import FileConnector
import Synchronization

/// Statistics, names and deleted rows of the files of one scan.
struct DeltaFileCatalog: FileCatalog {
  private let files: [AddFile]
  private let fields: [String: DeltaField]
  private let mapping: ColumnMapping
  private let directory: String
  /// Columns that the files have and the table's schema does not.
  private let besides: Set<String>
  private let cache = StatisticsCache()
  private let rows = RowCountCache()

  init(_ snapshot: DeltaSnapshot, _ files: [AddFile], directory: String, besides: [String] = []) {
    self.besides = Set(besides)
    self.files = files
    fields = Dictionary(snapshot.schema.fields.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    mapping = snapshot.columnMapping
    self.directory = directory
  }

  func statistics(_ column: String, file: Int) -> ColumnStatistics? {
    guard let field = fields[column] else { return nil }
    return cache.statistics(of: file, files[file].stats)?.column(field)
  }

  func ownName(_ column: String, in table: any BatchReadable) -> String? {
    if besides.contains(column) { return table.schema.index(of: column) == nil ? nil : column }
    guard let field = fields[column] else { return nil }
    switch mapping {
    case .none: return table.schema.index(of: column) == nil ? nil : column
    case .name: return table.schema.index(of: field.physicalName) == nil ? nil : field.physicalName
    case .id:
      guard let id = field.fieldID.flatMap({ Int32(exactly: $0) }), let identified = table as? any FieldIdentified else { return nil }
      return identified.columnName(fieldID: id)
    }
  }

  func adapted(_ table: any BatchReadable) -> any BatchReadable {
    guard mapping != .none, let nested = table as? any NestedColumns else { return table }
    var types: [String: DeltaType] = [:]
    for (name, field) in fields { if let own = ownName(name, in: table) { types[own] = field.type } }
    return nested.mappingNested { name, node in types[name].map { MemberNames.logical(node, $0) } ?? node }
  }

  func deletedRows(file: Int, rowCount: Int) throws -> Bitmap? {
    try files[file].deletionVector.map { try $0.deletedRows(rowCount: rowCount, table: directory) }
  }

  var exactRowCount: Int? { rows.rowCount(of: files) }
}

/// The sum of rows, once it is known.
private final class RowCountCache: Sendable {
  private let rows = Mutex<Int??>(nil)

  /// Rows of all files; nil where one has no count or deleted rows.
  func rowCount(of files: [AddFile]) -> Int? {
    rows.withLock { known in
      if let known { return known }
      var total: Int? = 0
      for file in files {
        guard file.deletionVector == nil, let own = file.numRecords, let (sum, overflows) = total?.addingReportingOverflow(Int(own)), !overflows else {
          total = nil
          break
        }
        total = sum
      }
      known = .some(total)
      return total
    }
  }
}

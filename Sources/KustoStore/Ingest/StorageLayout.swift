// Role: which physical columns an extent has: the visible ones of the Delta schema, exact ones where those round or are slow, and hidden ones.

import Codecs
import Columnar
import DataSource
import Parquet

/// How a column stands exactly beside its visible form.
enum ExactForm: Sendable, Hashable {
  /// Datetimes as 64-bit ticks.
  case ticks
  /// Decimals whose coefficients fit 64 bits at this scale.
  case decimal(scale: Int)
  /// Decimals as text, of any size.
  case text

  /// A form that holds what both hold. Of two scales it is the larger one: the values of one get zeros behind the point, and stay numbers that are
  /// read at once.
  func joined(_ other: ExactForm) -> ExactForm {
    switch (self, other) {
    case (.ticks, .ticks): .ticks
    case (.decimal(let a), .decimal(let b)): .decimal(scale: max(a, b))
    default: .text
    }
  }

  /// The physical column.
  func field(_ column: String) -> StructField {
    let name = HiddenColumns.exact(column)
    return switch self {
    case .ticks: StructField(name, .datetime)
    case .decimal(let scale): StructField(name, .decimal, hint: .decimal(precision: 18, scale: scale))
    case .text: StructField(name, .string)
    }
  }
}

/// The physical columns of one extent. Extents of one ingestion differ where their values do.
struct StorageLayout: Sendable, Hashable {
  /// By column name.
  var exact: [String: ExactForm] = [:]
  var hasIngestionTimes = false
  /// The name of the column of commit versions; nil: none.
  var versionColumn: String?

  /// The physical schema for a table's columns.
  func schema(_ table: StructType) -> StructType {
    var fields = table.fields.map { StructField($0.name, $0.type) }
    for field in table.fields { if let form = exact[field.name] { fields.append(form.field(field.name)) } }
    if hasIngestionTimes { fields.append(StructField(HiddenColumns.storedIngestionTime, .datetime)) }
    if let versionColumn { fields.append(StructField(versionColumn, .long)) }
    return StructType(fields)
  }

  /// A layout that holds what both hold.
  func joined(_ other: StorageLayout) -> StorageLayout {
    var out = self
    out.exact.merge(other.exact) { $0.joined($1) }
    return out
  }

  /// The encoder of files of this layout.
  func encoder(_ table: StructType) throws -> ParquetEncoder {
    var options = ParquetWriterOptions()
    options.codec = .zstd
    options.rowGroupRows = ExtentSize.rowGroupRows
    options.inexact = .truncate
    options.termIndexColumns = Set(table.fields.filter { $0.type == .string }.map(\.name))
    // Texts are found by their terms; ids and numbers by Parquet's own filters.
    options.bloomFilterColumns = Set(table.fields.filter { $0.type == .guid || $0.type == .long || $0.type == .int || $0.type == .string }.map(\.name))
    options.rawTickColumns = Set(exact.filter { $0.value == .ticks }.map { HiddenColumns.exact($0.key) })
    if hasIngestionTimes { options.rawTickColumns.insert(HiddenColumns.storedIngestionTime) }
    let schema = schema(table)
    return try StoreErrors.parquet { try ParquetEncoder(schema: schema, options: options) }
  }
}

/// How large extents and their parts are.
enum ExtentSize {
  static let rowGroupRows = 262_144
  /// Rows of a full extent.
  static let targetRows = environmentInteger("KCONNECT_EXTENT_ROWS", default: 1_048_576, range: 1...1 << 30)
  /// Extents below this are small: when a table has many, they are merged.
  static var smallRows: Int { targetRows / 8 }
  static let manySmall = 32
}

/// `ParquetError` → `KConnectError`.
enum StoreErrors {
  static func parquet<R>(_ body: () throws -> R) throws -> R {
    do { return try body() } catch let error as ParquetError {
      switch error.kind {
      case .corrupt: throw KConnectError(.formatCorrupt, error.description, cause: error)
      case .notSupported: throw KConnectError(.notSupported, error.description, cause: error)
      case .io: throw KConnectError(.io, error.description, cause: error)
      case .inexact: throw KConnectError(.valueInvalid, error.description, cause: error)
      case .invalidRequest: throw KConnectError(.internalError, error.description, cause: error)
      }
    }
  }
}

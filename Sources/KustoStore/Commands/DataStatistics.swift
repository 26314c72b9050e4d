// Role: what the columns of a table take: sizes that the footers of its extents tell, for `.show table` and `.show table … data statistics`.
// Source: Kusto reference, ".show table data statistics".

import Columnar
import DataSource
import Delta
import KQL
import Parquet

/// Bytes of a table's columns, worked out from extents that stand for all of those meant.
struct ColumnSizes {
  struct Column {
    /// Values before encoding and compression; an estimate for texts and dynamic values, which share what is left of the extents' own figures.
    var original = 0.0
    /// Pages.
    var data = 0.0
    /// Filters of the column's own.
    var index = 0.0
  }

  private(set) var columns: [String: Column] = [:]
  /// Filters of terms, indexes of pages, footers.
  private(set) var shared = 0.0
  private(set) var rows = 0
  /// The rows of the extents that were looked at among all of those meant.
  private(set) var samplePercent = 100.0

  /// Of more extents than this only so many are looked at.
  private static let mostExtents = 256

  /// `percent`: how many of the extents are looked at; nil: all of them, up to a limit. Throws FORMAT_CORRUPT and IO for a file that cannot be read.
  init(_ snapshot: TableSnapshot, _ files: [ExtentFile], percent: Int? = nil) throws {
    rows = files.reduce(0) { $0 + $1.extent.rowCount }
    guard rows > 0 else { return }
    let wanted = percent.map { max(1, files.count * $0 / 100) } ?? min(files.count, Self.mostExtents)
    let sample = (0..<wanted).map { files[$0 * files.count / wanted] }
    let owners = Self.owners(snapshot)
    for file in sample { try add(file, snapshot, owners) }
    let seen = max(1, sample.reduce(0) { $0 + $1.extent.rowCount })
    samplePercent = 100 * Double(seen) / Double(rows)
    let scale = Double(rows) / Double(seen)
    columns = columns.mapValues { Column(original: $0.original * scale, data: $0.data * scale, index: $0.index * scale) }
    shared *= scale
  }

  /// The columns of files and the table's that they belong to: one may stand in a file twice, exactly and as others read it.
  private static func owners(_ snapshot: TableSnapshot) -> [String: String] {
    var owners: [String: String] = [:]
    for name in snapshot.schema.names {
      owners[name] = name
      owners[HiddenColumns.exact(name)] = name
    }
    for field in snapshot.delta.schema.fields { owners[field.physicalName] = field.name }
    return owners
  }

  private mutating func add(_ file: ExtentFile, _ snapshot: TableSnapshot, _ owners: [String: String]) throws {
    let extent = file.extent
    let parquet = try snapshot.table.parquet(of: extent)
    // In floating point: a footer may claim what it likes.
    var plain: [String: Double] = [:]
    var known = 0.0
    for group in parquet.metadata.rowGroups {
      for chunk in group.columns {
        guard let metadata = chunk.metadata, let first = metadata.path.first, let owner = owners[first] else { continue }
        let index = Double(metadata.bloomFilterLength ?? 0), data = Double(metadata.totalCompressedSize)
        columns[owner, default: Column()].data += data
        columns[owner, default: Column()].index += index
        plain[owner, default: 0] += Double(metadata.totalUncompressedSize)
        known += data + index
      }
    }
    shared += max(0, Double(extent.byteSize) - known)
    var left = Double(extent.originalSize)
    for field in snapshot.schema.fields {
      guard let width = Self.width(field.type) else { continue }
      columns[field.name, default: Column()].original += width * Double(extent.rowCount)
      left -= width * Double(extent.rowCount)
    }
    let variable = snapshot.schema.fields.filter { Self.width($0.type) == nil }.map(\.name)
    let total = variable.reduce(0.0) { $0 + (plain[$1] ?? 0) }
    guard left > 0, total > 0 else { return }
    for name in variable { columns[name, default: Column()].original += left * (plain[name] ?? 0) / total }
  }

  /// Bytes of a value; nil for those of no fixed size.
  private static func width(_ type: DataType) -> Double? {
    switch type {
    case .bool: 1
    case .int: 4
    case .long, .real, .datetime, .timespan: 8
    case .guid, .decimal: 16
    case .string, .dynamic: nil
    }
  }
}

extension ColumnSizes.Column {
  var extentSize: Double { data + index }
  /// Original bytes for each byte stored; 0 where nothing is.
  var ratio: Double { extentSize > 0 ? original / extentSize : 0 }
  var indexPercent: Double { original > 0 ? 100 * index / original : 0 }
}

extension CommandRun {
  private static func bytes(_ size: Double) -> Scalar { .long(Int64(exactly: size.rounded()) ?? .max) }

  private func columnId(_ table: StoreTable, _ column: String) -> Scalar { .guid(StableGUID.make("\(table.id)/\(column)")) }

  /// Rows that are in no extent yet are not in it. Everything is in the one cache that there is.
  func dataStatisticsShow() throws -> CommandOutput {
    let properties = try properties(["samplepercent", "scope", "from", "to"])
    let percent = try properties.integer("samplepercent")
    if let percent, !(0...100).contains(percent) { throw KConnectError(.optionInvalid, "property 'samplepercent': found \(percent), expected 0 to 100") }
    if let scope = properties.text("scope"), !["hotcache", "all"].contains(scope.lowercased()) {
      throw KConnectError(.optionInvalid, "property 'scope': found '\(scope.prefix(80))', expected hotcache or all")
    }
    let from = try properties.datetime("from"), to = try properties.datetime("to")
    let snapshot = try table().snapshot()
    let files = snapshot.files.filter { file in (from.map { file.extent.maxCreatedOn >= $0 } ?? true) && (to.map { file.extent.minCreatedOn <= $0 } ?? true) }
    let sizes = try ColumnSizes(snapshot, files, percent: percent)
    return CommandOutput(
      Shapes.dataStatistics,
      snapshot.schema.fields.map { field -> [Scalar] in
        let column = sizes.columns[field.name] ?? ColumnSizes.Column()
        return [
          .string(field.name), .string(field.type.rawValue), columnId(snapshot.table, field.name), Self.bytes(column.original), Self.bytes(column.extentSize), .real(column.ratio),
          Self.bytes(column.data), Self.bytes(sizes.shared), Self.bytes(column.index), .real(column.indexPercent), .string("4"), .count(sizes.rows), .count(0),
          .real(sizes.samplePercent), .bool(true),
        ]
      })
  }

  func tableShow() throws -> CommandOutput {
    let snapshot = try table().snapshot()
    let sizes = try ColumnSizes(snapshot, snapshot.files)
    return CommandOutput(
      Shapes.tableColumns,
      snapshot.schema.fields.map { field -> [Scalar] in
        let column = sizes.columns[field.name] ?? ColumnSizes.Column()
        return [
          .string(field.name), .string(field.type.systemTypeName), Self.bytes(column.extentSize), .real(column.ratio), Self.bytes(column.index), .real(column.indexPercent),
          Self.bytes(column.original), columnId(snapshot.table, field.name), Self.bytes(sizes.shared), .string("4"),
        ]
      })
  }
}

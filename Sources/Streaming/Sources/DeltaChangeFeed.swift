// Role: the change data feed of a Delta table: what a version inserted, deleted and updated, row by row. A version that has change data files says
// it there; else its added files are insertions and its removed ones deletions.
// Source: the Delta protocol, "Add CDC File" and "Change Data Files"; the Delta guide, "Change data feed" (columns and options).

import Columnar
import DataSource
import Delta
import DeltaConnector
import Engine
import Expressions

enum DeltaChangeFeed {
  /// What the rows of a file are.
  enum Kind: Hashable, Sendable {
    case insert, delete
    /// The file says it in a column of its own.
    case recorded
  }

  static let columns = [StructField("_change_type", .string), StructField("_commit_version", .long), StructField("_commit_timestamp", .datetime)]
  private static let property = "delta.enableChangeDataFeed"

  /// The columns of the stream. Throws SCHEMA_MISMATCH when the table has one of that name.
  static func schema(_ table: StructType, path: String) throws -> StructType {
    for column in columns where table.field(column.name) != nil {
      throw KConnectError(.schemaMismatch, "'\(path)' has a column '\(column.name)', which the change data feed adds", hint: "read it without readChangeFeed")
    }
    return StructType(table.fields + columns)
  }

  /// Throws NOT_SUPPORTED for a table whose changes are not recorded.
  static func check(_ metadata: TableMetadata, version: Int64, path: String) throws {
    guard metadata.configuration[property]?.lowercased() != "true" else { return }
    throw KConnectError(
      .notSupported, "'\(path)' records no changes at version \(version): its property \(property) is not true",
      hint: "begin with a later version (startingVersion), or read the table without readChangeFeed")
  }

  /// The files of a commit with what their rows are, in the commit's order. Throws NOT_SUPPORTED for changes that only deletion vectors say.
  static func files(of actions: [DeltaAction], version: Int64, timestamp: Int64, path: String) throws -> [(Kind, AddFile)] {
    var recorded: [(Kind, AddFile)] = []
    var added: [(Kind, AddFile)] = [], removed: [(Kind, AddFile)] = []
    for action in actions {
      switch action {
      case .cdc(let file):
        recorded.append((.recorded, AddFile(path: file.path, partitionValues: file.partitionValues, size: file.size, modificationTime: timestamp)))
      case .add(let file) where file.dataChange: added.append((.insert, file))
      case .remove(let file) where file.dataChange:
        removed.append((.delete, AddFile(
          path: file.path, partitionValues: file.partitionValues ?? [:], size: file.size ?? 1, modificationTime: timestamp, stats: file.stats,
          deletionVector: file.deletionVector)))
      default: break
      }
    }
    if !recorded.isEmpty { return recorded }
    let names = Set(added.map { DeltaPath.canonical($0.1.path) })
    if let file = removed.first(where: { names.contains(DeltaPath.canonical($0.1.path)) })?.1 {
      throw KConnectError(.notSupported, "'\(path)': version \(version) deletes rows of '\(file.path)' by a deletion vector alone: not supported in the change data feed", hint: "begin behind it with startingVersion=\(version + 1)")
    }
    return removed + added
  }

  /// The rows of files of one kind and version.
  static func rows(
    _ snapshot: DeltaSnapshot, in directory: String, _ kind: Kind, files: [AddFile], version: Int64, timestamp: Int64, names: [String], parquet: [(String, String)]
  ) throws -> LogicalPlan {
    let type = columns[0]
    let table = try DeltaReader.table(snapshot, in: directory, files: files, besides: kind == .recorded ? [type] : [], parquet: parquet)
    let change: Expr = switch kind {
    case .recorded: .column(type.name)
    case .insert: .literal(.string("insert"))
    case .delete: .literal(.string("delete"))
    }
    return try LogicalPlan.scan(table).project(
      names.map { NamedExpr($0, .column($0)) }
        + [NamedExpr(type.name, change), NamedExpr(columns[1].name, .literal(.long(version))), NamedExpr(columns[2].name, .literal(.datetime(timestamp * 10_000)))])
  }
}

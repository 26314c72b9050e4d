// Role: one file seen through the table's schema: which requested columns the file has (perhaps widened), which are null, which are constants
// of the file; and which filters the file answers itself. Made once per file and scan.

import Columnar
import DataSource
import Expressions

/// Where a requested column comes from in one file.
enum ColumnOrigin: Sendable, Equatable {
  /// A column of the file, to be converted when the types differ.
  case file(String, convertsTo: DataType?)
  /// The same value in every row of the file.
  case constant(Scalar)
}

/// What to read of a file and how to make the table's columns of it.
struct FileView: Sendable {
  let request: ScanRequest
  /// For each column read for output or residual filter.
  private let origins: [ColumnOrigin]
  /// Position in the file's batches, -1 for constants.
  private let positions: [Int]
  private let readSchema: StructType
  private let outputSchema: StructType
  private let residual: CompiledExpr?
  private let path: String
  private let rounds: Bool
  /// True when the file's batches are the table's.
  let isIdentity: Bool

  /// `outputs` are the requested columns, `extra` those that only `residual` needs; `pushed` goes to the file at `path`. With `rounds` longs become
  /// the nearest reals; else one that no real holds is an error.
  init(
    outputs: [(StructField, ColumnOrigin)], extra: [(StructField, ColumnOrigin)], pushed: [Expr], residual: Expr?, limit: Int?,
    path: String, rounds: Bool, context: EvaluationContext
  ) throws {
    let all = outputs + extra
    var names: [String] = []
    var positions: [Int] = []
    for (_, origin) in all {
      guard case .file(let name, _) = origin else {
        positions.append(-1)
        continue
      }
      if let known = names.firstIndex(of: name) {
        positions.append(known)
      } else {
        positions.append(names.count)
        names.append(name)
      }
    }
    self.path = path
    self.rounds = rounds
    origins = all.map(\.1)
    self.positions = positions
    readSchema = StructType(all.map(\.0))
    outputSchema = StructType(outputs.map(\.0))
    request = ScanRequest(columns: names, filters: pushed, limit: residual == nil ? limit : nil)
    let schema = readSchema
    self.residual = try residual.map { try CompiledExpr($0, schema: schema, context: context) }
    isIdentity =
      residual == nil && positions == Array(names.indices)
      && outputs.allSatisfy { if case .file(let name, nil) = $0.1 { name == $0.0.name } else { false } }
  }

  /// The table's batch of a batch of the file; nil when the residual filter leaves nothing.
  func adapt(_ batch: RecordBatch) throws -> RecordBatch? {
    let columns = try origins.indices.map { i -> ColumnVector in
      switch origins[i] {
      case .file(_, nil): return batch.columns[positions[i]]
      case .file(_, let type?): return try converted(batch.columns[positions[i]], to: type, name: readSchema[i].name)
      case .constant(let value): return .constant(value, count: batch.rowCount)
      }
    }
    guard let residual else { return RecordBatch(schema: outputSchema, columns: columns, rowCount: batch.rowCount) }
    let selection = try residual.select(RecordBatch(schema: readSchema, columns: columns, rowCount: batch.rowCount))
    let kept = selection.popcount
    if kept == 0 { return nil }
    let output = Array(columns.prefix(outputSchema.count))
    if kept == batch.rowCount { return RecordBatch(schema: outputSchema, columns: output, rowCount: kept) }
    let rows = selection.indices()
    return RecordBatch(schema: outputSchema, columns: output.map { $0.take(rows) }, rowCount: kept)
  }

  private func converted(_ column: ColumnVector, to type: DataType, name: String) throws -> ColumnVector {
    if type == .real, !rounds, let value = column.firstInexactAsReal {
      throw KConnectError(
        .valueInvalid, "column '\(name)' is long in '\(path)' and real in other files: no real holds \(value) exactly",
        hint: "onInexact=truncate takes the nearest real; or cast one of them")
    }
    return column.converted(to: type)
  }
}

// Role: one Parquet file as a table: exact push-down of every filter that compiles, scans by row group.

import Columnar
import DataSource
import Expressions
import Parquet

/// An open Parquet file.
final class ParquetTable: BatchReadable {
  let file: ParquetFile
  let schema: StructType

  init(_ file: ParquetFile) {
    self.file = file
    schema = file.structType
  }

  var description: String { "parquet \(file.name)" }
  var exactRowCount: Int? { file.rowCount }

  func pushdown(_ filters: [Expr]) -> [FilterPushdown] {
    let context = EvaluationContext(nowTicks: 0, seed: 0)
    return filters.map { filter in
      let columns = filter.columns
      if columns.isEmpty { return .unsupported }
      let isReadable = columns.allSatisfy { name in
        guard let i = file.schema.index(of: name) else { return false }
        if case .unsupported = file.schema.fields[i].decoding { return false }
        return true
      }
      guard isReadable, let compiled = try? CompiledExpr(filter, schema: schema, context: context), compiled.type == .bool else { return .unsupported }
      return .exact
    }
  }

  func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan {
    try ParquetErrors.mapped { try ParquetScan(self, request, context) }
  }
}

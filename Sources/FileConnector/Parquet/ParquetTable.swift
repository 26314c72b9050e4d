// Role: one Parquet file as a table: exact push-down of every filter that compiles, scans by row group.

import Columnar
import DataSource
import Expressions
import Parquet

/// An open Parquet file.
final class ParquetTable: RowAddressable, FieldIdentified, NestedColumns {
  let file: ParquetFile
  let schema: StructType
  /// Rows that are left out, nil for none.
  let deleted: Bitmap?

  init(_ file: ParquetFile, deleted: Bitmap? = nil) {
    self.file = file
    self.deleted = deleted
    schema = file.structType
  }

  var physicalRowCount: Int { file.rowCount }

  func excluding(_ deleted: Bitmap) -> any BatchReadable { ParquetTable(file, deleted: deleted) }

  func mappingNested(_ map: (String, NestedNode) -> NestedNode) -> any BatchReadable {
    ParquetTable(ParquetFile(file, mappingNested: map), deleted: deleted)
  }

  func columnName(fieldID: Int32) -> String? {
    for (node, field) in zip(file.schema.tree.fields, file.schema.fields) where node.element.fieldID == fieldID { return field.name }
    return nil
  }

  var description: String { "parquet \(file.name)" }
  var exactRowCount: Int? { file.rowCount - (deleted?.popcount ?? 0) }

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

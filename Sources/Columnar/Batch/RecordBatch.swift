// Role: the unit of data flow: a schema and equally long columns.

/// Columns of equal length under a schema. Engine batches have at most `RecordBatch.maxRows` rows.
@usableFromInline package struct RecordBatch: Sendable {
  package let schema: StructType
  package let columns: [ColumnVector]
  package let rowCount: Int

  /// Rows in a batch at most, as operators make them. `KCONNECT_BATCH_ROWS` changes it for tests of batch boundaries.
  package static let maxRows: Int = environmentInteger("KCONNECT_BATCH_ROWS", default: 65_536, range: 1...65_536)

  /// Takes columns in schema order; `rowCount` is needed only when there are none.
  package init(schema: StructType, columns: [ColumnVector], rowCount: Int? = nil) {
    self.schema = schema
    self.columns = columns
    self.rowCount = rowCount ?? columns.first?.count ?? 0
    assert(columns.count == schema.count)
  }

  /// The column of that name, or nil.
  package func column(_ name: String) -> ColumnVector? { schema.index(of: name).map { columns[$0] } }

  /// Columns at those positions, in that order.
  package func selecting(_ positions: [Int]) -> RecordBatch {
    RecordBatch(schema: StructType(positions.map { schema[$0] }), columns: positions.map { columns[$0] }, rowCount: rowCount)
  }

  /// No rows.
  package static func empty(_ schema: StructType) -> RecordBatch {
    RecordBatch(schema: schema, columns: schema.fields.map { ColumnBuilder($0.type).finish() }, rowCount: 0)
  }

  /// Rough bytes held.
  package var byteSize: Int { columns.reduce(0) { $0 + $1.byteSize } }

  /// The first broken invariant in words (column lengths, types, vector invariants), or nil.
  package func brokenInvariant() -> String? {
    if columns.count != schema.count { return "\(columns.count) columns for \(schema.count) fields" }
    for (i, column) in columns.enumerated() {
      if column.count != rowCount { return "column '\(schema[i].name)' has \(column.count) of \(rowCount) rows" }
      if column.type != schema[i].type { return "column '\(schema[i].name)' is \(column.type), not \(schema[i].type)" }
      if let broken = column.brokenInvariant() { return "column '\(schema[i].name)': \(broken)" }
    }
    return nil
  }

  /// One row as scalars, for edges.
  package func row(_ i: Int) -> [Scalar] { columns.map { $0.scalar(i) } }
}

// Role: DataFrames from values of the program.

public import Columnar
public import DataSource
import Engine

extension Session {
  /// A DataFrame of `Encodable` values: one column per property, in the order they are encoded. `Int` is long, `Int32` int, `Double` real,
  /// `DateTime` datetime, `TimeSpan` and `Duration` timespan; nested values become dynamic. Types come from the values, or from `schema`.
  /// Throws SCHEMA_MISMATCH where a value does not fit, and for an empty array without a schema.
  ///
  ///     struct Reading: Codable { var room: String; var celsius: Double? }
  ///     let df = try spark.createDataFrame([Reading(room: "hall", celsius: 19.5)])
  public func createDataFrame<Value: Encodable>(_ values: [Value], schema: StructType? = nil) throws(KConnectError) -> DataFrame {
    guard schema != nil || !values.isEmpty else {
      throw KConnectError(.schemaMismatch, "createDataFrame: no rows to take the columns from", hint: "pass the schema: createDataFrame(values, schema: …)")
    }
    return try publicErrors {
      var collector = RowCollector(schema: schema)
      for value in values { try collector.append(value) }
      let (schema, batches) = collector.batches()
      return DataFrame(session: self, plan: .values(schema, batches))
    }
  }

  /// A DataFrame of rows given as scalars. Values are widened where nothing is lost. Throws SCHEMA_MISMATCH with row and column otherwise.
  ///
  ///     try spark.createDataFrame(rows: [[.string("hall"), .real(19.5)]], schema: StructType(ddl: "room:string, celsius:real"))
  public func createDataFrame(rows: [[Scalar]], schema: StructType) throws(KConnectError) -> DataFrame {
    try publicErrors {
      var batches: [RecordBatch] = []
      var start = 0
      while start < rows.count {
        let end = min(start + RecordBatch.maxRows, rows.count)
        let builders = schema.fields.map { ColumnBuilder($0.type, capacity: end - start) }
        for i in start..<end {
          guard rows[i].count == schema.count else {
            throw KConnectError(.schemaMismatch, "row \(i + 1): found \(rows[i].count) values, expected \(schema.count)")
          }
          for (c, scalar) in rows[i].enumerated() {
            let type = schema[c].type
            guard let fitted = scalar.isNull ? .null(type) : RowCollector.fit(scalar, to: type) else {
              throw KConnectError(
                .schemaMismatch, "row \(i + 1), column '\(schema[c].name)': found \(scalar.type) '\(ValueText.text(scalar).prefix(80))', expected \(type)")
            }
            builders[c].append(fitted)
          }
        }
        batches.append(RecordBatch(schema: schema, columns: builders.map { $0.finish() }, rowCount: end - start))
        start = end
      }
      return DataFrame(session: self, plan: .values(schema, batches))
    }
  }
}

// Role: one row of a result: an index into a batch, with typed access. Values are made when asked for.

public import Columnar
import DataSource

/// A row of a collected result.
public struct Row: Sendable, CustomStringConvertible {
  package let batch: RecordBatch
  package let index: Int

  package init(batch: RecordBatch, index: Int) {
    self.batch = batch
    self.index = index
  }

  /// The columns.
  public var schema: StructType { batch.schema }

  /// Number of columns.
  public var count: Int { batch.columns.count }

  /// The value of column `i`, counted from 0; a null is `Scalar.null`. An index outside the row is a programming error.
  public func get(_ i: Int) -> Scalar {
    precondition(i >= 0 && i < batch.columns.count, "column \(i) of a row of \(batch.columns.count)")
    return batch.columns[i].scalar(index)
  }

  /// True when column `i` is null.
  public func isNull(_ i: Int) -> Bool { get(i).isNull }

  /// All values in column order.
  public var values: [Scalar] { batch.row(index) }

  /// The value of a column as a Swift type, nil where it is null. Throws COLUMN_NOT_FOUND, or TYPE_MISMATCH when the value does not fit the type.
  ///
  ///     let state = try row["State", as: String.self]
  public subscript<Value: RowValue>(_ name: String, as type: Value.Type) -> Value? {
    get throws(KConnectError) {
      guard let i = schema.index(of: name) else {
        let near = nearestNames(to: name, among: schema.names, limit: 1).first
        throw KConnectError(
          .columnNotFound, "column '\(name)' not found in the row",
          hint: (near.map { "did you mean '\($0)'? " } ?? "") + "columns: \(schema.names.prefix(8).joined(separator: ", "))")
      }
      return try self[i, as: type]
    }
  }

  /// The value of column `i` as a Swift type, nil where it is null. Throws TYPE_MISMATCH when the value does not fit the type.
  public subscript<Value: RowValue>(_ i: Int, as type: Value.Type) -> Value? {
    get throws(KConnectError) {
      let scalar = get(i)
      if scalar.isNull { return nil }
      guard let value = Value(scalar: scalar) else {
        throw KConnectError(
          .typeMismatch, "column '\(schema[i].name)': found \(scalar.type) '\(ValueText.text(scalar).prefix(80))', expected a value of Swift type \(Value.self)")
      }
      return value
    }
  }

  /// `[State: TEXAS, n: 4]`.
  public var description: String {
    "[" + zip(schema.names, values).map { "\($0): \(ValueText.text($1))" }.joined(separator: ", ") + "]"
  }
}

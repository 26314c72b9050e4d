// Role: the columnar exit: batches of rows as the engine makes them, with typed columns.

public import Columnar
public import DataSource
import Synchronization

/// Up to 64 Ki rows in columnar form. Immutable and cheap to copy.
public struct Batch: Sendable {
  package let record: RecordBatch

  package init(_ record: RecordBatch) { self.record = record }

  public var schema: StructType { record.schema }
  public var rowCount: Int { record.rowCount }

  /// Row `i`; outside the batch is a programming error.
  public subscript(_ i: Int) -> Row {
    precondition(i >= 0 && i < record.rowCount, "row \(i) of a batch of \(record.rowCount)")
    return Row(batch: record, index: i)
  }

  /// All rows.
  public var rows: [Row] { (0..<record.rowCount).map { Row(batch: record, index: $0) } }

  /// A column as Swift values, nil for nulls. Throws COLUMN_NOT_FOUND or TYPE_MISMATCH.
  public func column<Value: RowValue>(_ name: String, as type: Value.Type) throws(KConnectError) -> [Value?] {
    guard let i = schema.index(of: name) else {
      throw KConnectError(.columnNotFound, "column '\(name)' not found in the batch", hint: "columns: \(schema.names.prefix(8).joined(separator: ", "))")
    }
    var out: [Value?] = []
    out.reserveCapacity(rowCount)
    for n in 0..<rowCount { out.append(try Row(batch: record, index: n)[i, as: type]) }
    return out
  }

  /// Calls `body` with the values and validity of a column stored as 64-bit integers (long, datetime, timespan): the fast exit.
  /// `isValid` is nil when no value is null. Throws COLUMN_NOT_FOUND or TYPE_MISMATCH.
  public func withInt64Column<R>(_ name: String, _ body: (UnsafeBufferPointer<Int64>, _ isValid: ((Int) -> Bool)?) throws -> R) throws -> R {
    guard let i = schema.index(of: name) else {
      throw KConnectError(.columnNotFound, "column '\(name)' not found in the batch")
    }
    let vector = record.columns[i].flattened
    guard case .long(let buffer) = vector.storage else {
      throw KConnectError(.typeMismatch, "column '\(name)' is \(vector.type), expected long, datetime or timespan")
    }
    let validity = vector.validity
    // SAFETY: the buffer is kept alive for `body`, which must not keep the address, as with arrays.
    return unsafe try buffer.withUnsafe { values in unsafe try body(values, validity.map { bits in { bits[$0] } }) }
  }

  /// The same for a column of reals.
  public func withRealColumn<R>(_ name: String, _ body: (UnsafeBufferPointer<Double>, _ isValid: ((Int) -> Bool)?) throws -> R) throws -> R {
    guard let i = schema.index(of: name) else {
      throw KConnectError(.columnNotFound, "column '\(name)' not found in the batch")
    }
    let vector = record.columns[i].flattened
    guard case .real(let buffer) = vector.storage else {
      throw KConnectError(.typeMismatch, "column '\(name)' is \(vector.type), expected real")
    }
    let validity = vector.validity
    // SAFETY: as above.
    return unsafe try buffer.withUnsafe { values in unsafe try body(values, validity.map { bits in { bits[$0] } }) }
  }
}

// Role: what is known of a column in a file, row group or page without reading it.

package import Columnar

/// Bounds and counts of a range of rows. Unknown parts are nil. Bounds may be wider than the data (truncated text, widened ticks), never narrower.
package struct ColumnStatistics: Sendable {
  package var type: DataType
  /// A lower bound of the non-null values; NaN is not ordered and not covered: `mayHaveNaN` says whether there can be any.
  package var min: Scalar?
  package var max: Scalar?
  package var nullCount: Int?
  package var rowCount: Int
  package var distinctCount: Int?
  package var mayHaveNaN: Bool

  package init(
    type: DataType, min: Scalar? = nil, max: Scalar? = nil, nullCount: Int? = nil, rowCount: Int, distinctCount: Int? = nil,
    mayHaveNaN: Bool = true
  ) {
    self.type = type
    self.min = min
    self.max = max
    self.nullCount = nullCount
    self.rowCount = rowCount
    self.distinctCount = distinctCount
    self.mayHaveNaN = mayHaveNaN
  }
}

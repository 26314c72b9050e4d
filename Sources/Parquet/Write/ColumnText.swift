// Vectors of types that Parquet stores as text: guid and dynamic.

import Columnar

enum ColumnText {
  /// Null-free flat guids as 36-character texts.
  static func guids(_ vector: ColumnVector) -> ColumnVector {
    guard case .guid(let values) = vector.storage else { return vector }
    let text = StringBuilder(rows: vector.count, bytes: 36 * vector.count)
    for i in 0..<vector.count {
      values[i].write(to: text.data.appendUninitialized(36))
      text.endRow()
    }
    return text.finish()
  }

  static func dynamics(_ vector: ColumnVector) -> ColumnVector { vector }
}

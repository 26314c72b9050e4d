// Vectors of types that Parquet stores as text: guid and dynamic.

import Columnar

enum ColumnText {
  /// Null-free flat guids as 36-character texts.
  static func guids(_ vector: ColumnVector) -> ColumnVector {
    guard case .guid(let values) = vector.storage else { return vector }
    let text = StringBuilder(rows: vector.count, bytes: 36 * vector.count)
    for i in 0..<vector.count {
      // SAFETY: a GUID's text has 36 bytes.
      unsafe values[i].write(to: text.data.appendUninitialized(36))
      text.endRow()
    }
    return text.finish()
  }

  /// Null-free dynamic values as JSON texts; a dictionary stays one.
  static func dynamics(_ vector: ColumnVector) -> ColumnVector {
    if case .dictionary(let codes, let values) = vector.storage { return .dictionary(codes: codes, values: dynamics(values)) }
    let flat = vector.flattened
    guard case .bytes(let offsets, let data) = flat.storage else { return flat }
    let text = StringBuilder(rows: flat.count, bytes: data.count)
    for i in 0..<flat.count {
      // SAFETY: offsets ascend within `data`, which is kept alive to the end.
      unsafe DynamicPrinter.append(DynamicView(data.pointer + Int(offsets[i]), Int(offsets[i + 1] - offsets[i])), to: text.data)
      text.endRow()
    }
    withExtendedLifetime((offsets, data)) {}
    return text.finish()
  }
}

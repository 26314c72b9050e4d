// Decimal vectors → coefficients at the scale of the file.

import Columnar

enum DecimalRescaler {
  /// 64-bit coefficients; throws `inexact` when a value has more digits than the column (under `truncate` it is rounded; too large is always an error).
  static func narrow(
    _ parts: [ColumnVector], scale: Int, precision: Int, column: String, inexact: ParquetWriterOptions.InexactPolicy
  ) throws(ParquetError) -> Buffer<Int64> {
    let builder = BufferBuilder<Int64>(capacity: parts.reduce(0) { $0 + $1.count })
    let bound = powerOfTen(precision)
    for part in parts.map(\.flattened) {
      if case .decimal64(let values, scale) = part.storage {
        let limit = Int64(bound) - 1
        var outside = false
        for i in 0..<part.count { outside = outside || values[i] > limit || values[i] < -limit }
        if !outside {
          // SAFETY: the elements live for the call and are copied.
          unsafe values.withUnsafe { unsafe builder.append(contentsOf: $0) }
          continue
        }
      }
      for i in 0..<part.count {
        builder.append(Int64(try coefficient(part, i, scale: scale, bound: bound, precision: precision, column: column, inexact: inexact)))
      }
    }
    return builder.finish()
  }

  /// 128-bit coefficients.
  static func wide(
    _ parts: [ColumnVector], scale: Int, precision: Int, column: String, inexact: ParquetWriterOptions.InexactPolicy
  ) throws(ParquetError) -> Buffer<Int128> {
    let builder = BufferBuilder<Int128>(capacity: parts.reduce(0) { $0 + $1.count })
    let bound: Int128 = precision >= 38 ? .max : powerOfTen(precision)
    for part in parts.map(\.flattened) {
      if case .decimal64(let values, let own) = part.storage, own <= scale, scale - own <= 18 {
        // 64-bit coefficients times at most 10^18 stay below 10^38.
        let factor = powerOfTen(scale - own)
        // SAFETY: both have `part.count` elements; `builder` does not grow in between, and `part` holds `values`.
        let out = unsafe builder.appendUninitialized(part.count)
        let p = unsafe values.pointer
        var widest: Int128 = 0
        for i in 0..<part.count {
          let product = unsafe Int128(p[i]) &* factor
          unsafe out[i] = product
          widest = max(widest, product.magnitude > UInt128(bound) ? .max : Int128(product.magnitude))
        }
        if widest < bound { continue }
        builder.count -= part.count
      }
      for i in 0..<part.count {
        builder.append(try coefficient(part, i, scale: scale, bound: bound, precision: precision, column: column, inexact: inexact))
      }
    }
    return builder.finish()
  }

  private static func coefficient(
    _ part: ColumnVector, _ i: Int, scale: Int, bound: Int128, precision: Int, column: String, inexact: ParquetWriterOptions.InexactPolicy
  ) throws(ParquetError) -> Int128 {
    let value: DecimalValue
    switch part.storage {
    case .decimal64(let values, let own): value = DecimalValue(Int128(values[i]), scale: own)
    case .decimal128(let values, let scales): value = DecimalValue(values[i], scale: Int(scales[i]))
    default: throw ParquetError(.invalidRequest, "a batch has another type than the schema", column: column)
    }
    var rescaled = value.rescaled(to: scale)
    if rescaled == nil, Int(value.scale) > scale, inexact == .truncate { rescaled = rounded(value, scale: scale) }
    guard let rescaled, rescaled < bound, rescaled > -bound else {
      throw ParquetError(
        .inexact, "the decimal \(ScalarText.text(.decimal(value)) ?? "?") does not fit decimal(\(precision),\(scale)) exactly", column: column,
        hint: Int(value.scale) > scale ? "onInexact=truncate rounds such values" : "write it as text or as real: tostring(\(column)), toreal(\(column))")
    }
    return rescaled
  }

  /// Half away from zero.
  private static func rounded(_ value: DecimalValue, scale: Int) -> Int128? {
    let drop = Int(value.scale) - scale
    guard drop <= 38 else { return 0 }
    let divisor = powerOfTen(drop)
    let (quotient, remainder) = value.coefficient.quotientAndRemainder(dividingBy: divisor)
    let doubled = remainder.magnitude.multipliedReportingOverflow(by: 2)
    if doubled.overflow || doubled.partialValue >= divisor.magnitude { return quotient + (value.coefficient < 0 ? -1 : 1) }
    return quotient
  }
}

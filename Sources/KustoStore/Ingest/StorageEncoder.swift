// Role: batches of a table → batches of an extent's physical columns: visible values are floored (datetimes below a microsecond), rounded or
// null (wide decimals), and what they lose stands whole in exact columns. Decimals always have an exact column: 64-bit coefficients, which
// is also what the engine reads fastest.

import Columnar
import DataSource

enum StorageEncoder {
  /// The scales of 64-bit decimals that others read as well.
  private static let scales = 0...18
  /// Coefficients below this are exact in DECIMAL(18).
  private static let narrowBound: Int128 = 1_000_000_000_000_000_000

  // MARK: Choosing

  /// The layout that rows of these batches need.
  static func layout(_ batches: [RecordBatch], table: StructType) -> StorageLayout {
    var layout = StorageLayout()
    for (c, field) in table.fields.enumerated() {
      for batch in batches {
        let form: ExactForm? = switch field.type {
        case .datetime: hasFractions(batch.columns[c]) ? .ticks : nil
        case .decimal: decimalForm(batch.columns[c])
        default: nil
        }
        if let form { layout.exact[field.name] = layout.exact[field.name].map { $0.joined(form) } ?? form }
      }
    }
    return layout
  }

  /// True when some tick is no whole microsecond.
  private static func hasFractions(_ column: ColumnVector) -> Bool {
    switch column.storage {
    case .long(let ticks):
      return unsafe ticks.withUnsafeElements { p, n in
        var lost: Int64 = 0
        for i in 0..<n { unsafe lost |= p[i] % 10 }
        return lost != 0
      }
    case .constant(let value): return !column.isAllNull && hasFractions(value)
    case .dictionary(_, let values): return hasFractions(values)
    default: return false
    }
  }

  /// The form that keeps the column's digits behind the point, zeros too: `1.50` is not read as `1.5`, nor the other way round. Where the values
  /// of a batch have different numbers of them the longest is that of all, as in columns of literals and text files.
  private static func decimalForm(_ column: ColumnVector) -> ExactForm {
    switch column.storage {
    case .decimal64(let values, let scale):
      guard scales.contains(scale) else { return .text }
      let limit = Int64(narrowBound)
      let fits = unsafe values.withUnsafeElements { p, n in
        var outside = false
        for i in 0..<n { outside = unsafe outside || p[i] >= limit || p[i] <= -limit }
        return !outside
      }
      return fits ? .decimal(scale: scale) : .text
    case .constant(let value): return column.isAllNull ? .decimal(scale: 0) : decimalForm(value)
    case .dictionary(_, let values): return decimalForm(values)
    default:
      var scale = 0
      for i in 0..<column.count {
        guard case .decimal(let value) = column.scalar(i) else { continue }
        scale = max(scale, Int(value.scale))
      }
      guard scales.contains(scale) else { return .text }
      for i in 0..<column.count {
        guard case .decimal(let value) = column.scalar(i) else { continue }
        guard let c = value.rescaled(to: scale), c < narrowBound, c > -narrowBound else { return .text }
      }
      return .decimal(scale: scale)
    }
  }

  /// True when the values fit the forms of a layout chosen for other rows as well.
  static func fits(_ batches: [RecordBatch], table: StructType, _ layout: StorageLayout) -> Bool {
    for (c, field) in table.fields.enumerated() {
      guard case .decimal(let scale)? = layout.exact[field.name] else { continue }
      for batch in batches where narrow(batch.columns[c], scale: scale) == nil { return false }
    }
    return true
  }

  // MARK: Encoding

  /// The physical columns of a batch. `batch` has the table's columns, then, where the layout has them, ingestion times and versions.
  static func encode(_ batch: RecordBatch, table: StructType, _ layout: StorageLayout) throws -> RecordBatch {
    var visible: [ColumnVector] = [], exact: [ColumnVector] = []
    for (c, field) in table.fields.enumerated() {
      let column = batch.columns[c]
      switch layout.exact[field.name] {
      case nil: visible.append(column)
      case .ticks?:
        visible.append(column)
        exact.append(column)
      case .decimal(let scale)?:
        guard let vector = narrow(column, scale: scale) else { throw KConnectError(.internalError, "column '\(field.name)' does not fit decimal(18,\(scale))") }
        visible.append(vector)
        exact.append(vector)
      case .text?:
        visible.append(withinVisibleRange(column))
        exact.append(text(column))
      }
    }
    let rest = batch.columns.dropFirst(table.count)
    return RecordBatch(schema: layout.schema(table), columns: visible + exact + rest, rowCount: batch.rowCount)
  }

  /// The decimals at one scale with 64-bit coefficients; nil when some do not fit.
  private static func narrow(_ column: ColumnVector, scale: Int) -> ColumnVector? {
    if case .constant(let value) = column.storage {
      if column.isAllNull { return column }
      guard let one = narrow(value, scale: scale) else { return nil }
      return ColumnVector(type: .decimal, count: column.count, validity: column.validity, storage: .constant(value: one))
    }
    if case .dictionary(let codes, let values) = column.storage {
      return narrow(values, scale: scale).map { .dictionary(codes: codes, values: $0, validity: column.validity) }
    }
    let builder = BufferBuilder<Int64>(capacity: column.count)
    if case .decimal64(let values, let own) = column.storage, own <= scale, scale - own <= 18 {
      if own == scale { return column }
      let factor = Int64(powerOfTen(scale - own))
      let limit = Int64(narrowBound / powerOfTen(scale - own))
      let fits = unsafe values.withUnsafeElements { p, n in
        var outside = false
        for i in 0..<n {
          outside = unsafe outside || p[i] >= limit || p[i] <= -limit
          unsafe builder.append(p[i] &* factor)
        }
        return !outside
      }
      return fits ? .decimal(builder.finish(), scale: scale, validity: column.validity) : nil
    }
    for i in 0..<column.count {
      guard case .decimal(let value) = column.scalar(i) else {
        builder.append(0)
        continue
      }
      guard let c = value.rescaled(to: scale), c < narrowBound, c > -narrowBound else { return nil }
      builder.append(Int64(c))
    }
    return .decimal(builder.finish(), scale: scale, validity: column.validity)
  }

  /// Values that decimal(38,18) cannot hold even rounded become null.
  private static func withinVisibleRange(_ column: ColumnVector) -> ColumnVector {
    let bound = DecimalValue(powerOfTen(20))
    let builder = ColumnBuilder(.decimal, capacity: column.count)
    for i in 0..<column.count {
      guard case .decimal(let value) = column.scalar(i), value < bound, DecimalValue(-bound.coefficient) < value, !roundsUp(value) else {
        builder.appendNull()
        continue
      }
      builder.append(.decimal(value))
    }
    return builder.finish()
  }

  /// True for values just below 10^20 that rounding to 18 digits behind the point would bring there.
  private static func roundsUp(_ value: DecimalValue) -> Bool {
    value.scale > 18 && decimalDigits(value.coefficient.magnitude) - Int(value.scale) >= 20
  }

  private static func text(_ column: ColumnVector) -> ColumnVector {
    let builder = ColumnBuilder(.string, capacity: column.count)
    for i in 0..<column.count {
      guard case .decimal(let value) = column.scalar(i) else {
        builder.appendNull()
        continue
      }
      builder.append(.string(ScalarText.text(.decimal(value)) ?? ""))
    }
    return builder.finish()
  }
}

extension Buffer {
  /// The elements' address and count for the call.
  func withUnsafeElements<R>(_ body: (UnsafePointer<Element>, Int) -> R) -> R {
    // SAFETY: the buffer's memory is alive for the call and holds `count` elements.
    unsafe withUnsafe { _ in unsafe body(pointer, count) }
  }
}

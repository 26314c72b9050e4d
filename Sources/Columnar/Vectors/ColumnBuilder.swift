// Role: builds a column of any type value by value: from scalars, for literals, samples and edges, or by appends of the column's own kind of value. What
// takes many values at once fills typed `BufferBuilder`s instead.

/// A growing column of one type. Appends of a kind take values of the columns that store it; another type is a programming error. Not thread-safe.
package final class ColumnBuilder {
  package let type: DataType
  private let validity: BitmapBuilder
  private let bits = BitmapBuilder()
  private let ints = BufferBuilder<Int32>()
  private let longs = BufferBuilder<Int64>()
  private let reals = BufferBuilder<Double>()
  private let wide = BufferBuilder<Int128>()
  private let scales = BufferBuilder<Int16>()
  private let guids = BufferBuilder<GUID>()
  private let text: StringBuilder

  package init(_ type: DataType, capacity: Int = 0) {
    self.type = type
    validity = BitmapBuilder(capacity: capacity)
    text = StringBuilder(rows: type.isVariableWidth ? capacity : 0)
  }

  // SAFETY: the counter is read without overlap checks: a builder belongs to one thread.
  package var count: Int { unsafe validity.count }

  /// Bytes of texts and dynamic values so far.
  // SAFETY: as `count`.
  package var textBytes: Int { unsafe text.data.count }

  /// Appends a value of this builder's type, or a null of any type; another type is a programming error.
  package func append(_ scalar: Scalar) {
    switch (type, scalar) {
    case (.bool, .bool(let v)): append(bool: v)
    case (.int, .int(let v)): append(int: v)
    case (.long, .long(let v)), (.datetime, .datetime(let v)), (.timespan, .timespan(let v)): append(long: v)
    case (.real, .real(let v)): append(real: v)
    case (.decimal, .decimal(let v)): append(decimal: v)
    case (.string, .string(let v)): append(text: v)
    case (.guid, .guid(let v)): append(guid: v)
    case (.dynamic, .dynamic(let v)): append(dynamic: v)
    case (_, .null): appendNull()
    default: preconditionFailure("a \(scalar.type) value for a \(type) column")
    }
  }

  package func appendNull() {
    validity.append(false)
    switch type {
    case .bool: bits.append(false)
    case .int: ints.append(0)
    case .long, .datetime, .timespan: longs.append(0)
    case .real: reals.append(0)
    case .decimal:
      wide.append(0)
      scales.append(0)
    case .guid: guids.append(GUID(high: 0, low: 0))
    case .string, .dynamic: text.appendEmpty()
    }
  }

  package func append(bool value: Bool) {
    assert(type == .bool)
    validity.append(true)
    bits.append(value)
  }

  package func append(int value: Int32) {
    assert(type == .int)
    validity.append(true)
    ints.append(value)
  }

  /// A long, or ticks of a datetime or timespan.
  package func append(long value: Int64) {
    assert(type == .long || type == .datetime || type == .timespan)
    validity.append(true)
    longs.append(value)
  }

  package func append(real value: Double) {
    assert(type == .real)
    validity.append(true)
    reals.append(value)
  }

  package func append(decimal value: DecimalValue) {
    assert(type == .decimal)
    validity.append(true)
    wide.append(value.coefficient)
    scales.append(value.scale)
  }

  package func append(guid value: GUID) {
    assert(type == .guid)
    validity.append(true)
    guids.append(value)
  }

  package func append(text value: String) {
    assert(type == .string)
    validity.append(true)
    text.append(value)
  }

  /// The bytes at `place` as a text. False where they are not UTF-8: nothing is appended then.
  // SAFETY: the place is within the bytes (checked), which live for the call and are copied.
  package func append(utf8 bytes: [UInt8], _ place: Range<Int>) -> Bool {
    assert(type == .string)
    precondition(place.lowerBound >= 0 && place.upperBound <= bytes.count, "bytes \(place) of \(bytes.count)")
    return unsafe bytes.withUnsafeBufferPointer { all in
      let part = unsafe UnsafeBufferPointer(rebasing: all[place])
      guard unsafe isValidUTF8(part) else { return false }
      validity.append(true)
      unsafe text.append(part)
      return true
    }
  }

  // SAFETY: the bytes of the value live for the call and are copied.
  package func append(dynamic value: DynamicValue) {
    assert(type == .dynamic)
    validity.append(true)
    unsafe value.binary.withUnsafeBufferPointer { unsafe text.append($0) }
  }

  /// The column so far; the builder is empty afterwards. Decimals come out in 64-bit form when all share a scale and fit.
  package func finish() -> ColumnVector {
    let valid = validity.finishValidity()
    switch type {
    case .bool: return .bool(bits.finish(), validity: valid)
    case .int: return .int(ints.finish(), validity: valid)
    case .long, .datetime, .timespan: return .long(longs.finish(), validity: valid, type: type)
    case .real: return .real(reals.finish(), validity: valid)
    case .decimal: return .decimal(wide.finish(), scales: scales.finish(), validity: valid)
    case .guid: return .guid(guids.finish(), validity: valid)
    case .string, .dynamic: return text.finish(type, validity: valid)
    }
  }
}

extension ColumnVector {
  /// Decimals with a scale for each row, brought to one scale of 64-bit coefficients where all of them fit exactly.
  package static func decimal(_ values: Buffer<Int128>, scales: Buffer<Int16>, validity: Bitmap? = nil) -> ColumnVector {
    let count = values.count
    var scale: Int16 = 0
    for i in 0..<count where validity.map({ $0[i] }) ?? true { scale = max(scale, scales[i]) }
    let narrow = BufferBuilder<Int64>(capacity: count)
    for i in 0..<count {
      guard let v = DecimalValue(values[i], scale: Int(scales[i])).rescaled(to: Int(scale)), let small = Int64(exactly: v) else {
        return ColumnVector(type: .decimal, count: count, validity: validity, storage: .decimal128(values, scales: scales))
      }
      narrow.append(small)
    }
    return .decimal(narrow.finish(), scale: Int(scale), validity: validity)
  }
}

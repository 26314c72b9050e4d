// Role: builds a column of any type value by value, for literals, samples and edges. Hot paths fill typed `BufferBuilder`s instead.

/// A growing column of one type. `append` takes a scalar of that type or a null.
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

  package func appendNull() { append(.null(type)) }

  /// Appends a value of this builder's type, or a null of any type; another type is a programming error.
  // SAFETY: the bytes of the text or value live for the call and are copied.
  package func append(_ scalar: Scalar) {
    validity.append(!scalar.isNull)
    switch (type, scalar) {
    case (.bool, .bool(let v)): bits.append(v)
    case (.int, .int(let v)): ints.append(v)
    case (.long, .long(let v)), (.datetime, .datetime(let v)), (.timespan, .timespan(let v)): longs.append(v)
    case (.real, .real(let v)): reals.append(v)
    case (.decimal, .decimal(let v)):
      wide.append(v.coefficient)
      scales.append(v.scale)
    case (.string, .string(var v)): v.withUTF8 { unsafe text.append($0) }
    case (.guid, .guid(let v)): guids.append(v)
    case (.dynamic, .dynamic(let v)): unsafe v.binary.withUnsafeBufferPointer { unsafe text.append($0) }
    case (_, .null): appendSlot()
    default: preconditionFailure("a \(scalar.type) value for a \(type) column")
    }
  }

  // SAFETY: no bytes, so no address is used.
  private func appendSlot() {
    switch type {
    case .bool: bits.append(false)
    case .int: ints.append(0)
    case .long, .datetime, .timespan: longs.append(0)
    case .real: reals.append(0)
    case .decimal:
      wide.append(0)
      scales.append(0)
    case .guid: guids.append(GUID(high: 0, low: 0))
    case .string, .dynamic: unsafe text.append(UnsafeBufferPointer(start: nil, count: 0))
    }
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

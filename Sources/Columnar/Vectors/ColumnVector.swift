// Role: one column of a batch: type, row count, validity and storage in Arrow layout, with dictionary and constant forms.
// Invariants (checked by `checkInvariants`): `validity` is nil or has at least one clear bit and `count` bits, and says alone which rows are
// null, in every form; slots of null rows hold some valid value (0, empty); dictionary codes are in range and dictionary values hold no null.

/// The memory of a column. Buffers hold `count` elements unless said otherwise.
@usableFromInline package enum VectorStorage: Sendable {
  case bool(Bitmap)
  case int(Buffer<Int32>)
  /// long, datetime and timespan.
  case long(Buffer<Int64>)
  case real(Buffer<Double>)
  /// Decimals `value × 10^-scale` whose coefficients fit 64 bits.
  case decimal64(Buffer<Int64>, scale: Int)
  /// Decimals with a scale of their own for each row.
  case decimal128(Buffer<Int128>, scales: Buffer<Int16>)
  /// string and dynamic: row i is bytes[offsets[i]..<offsets[i+1]]; offsets has count + 1 elements and need not start at 0.
  case bytes(offsets: Buffer<Int32>, data: Buffer<UInt8>)
  case guid(Buffer<GUID>)
  /// Every row is the one row of `value`.
  indirect case constant(value: ColumnVector)
  /// Row i is row codes[i] of `values`, which is flat, without nulls. Values may repeat only if the producer cannot know better.
  indirect case dictionary(codes: Buffer<Int32>, values: ColumnVector)
}

/// A column of `count` rows of one type. Immutable; copying shares memory.
@usableFromInline package struct ColumnVector: Sendable {
  @usableFromInline package let type: DataType
  @usableFromInline package let count: Int
  /// Bit i is clear when row i is null; nil when no row is.
  @usableFromInline package let validity: Bitmap?
  @usableFromInline package let storage: VectorStorage

  /// Takes over storage; a validity without a clear bit is dropped.
  package init(type: DataType, count: Int, validity: Bitmap? = nil, storage: VectorStorage) {
    self.type = type
    self.count = count
    self.validity = validity.flatMap { $0.isAllSet ? nil : $0 }
    self.storage = storage
  }

  /// Number of null rows.
  package var nullCount: Int { validity.map { count - $0.popcount } ?? 0 }

  @inlinable package func isValid(_ i: Int) -> Bool { validity.map { $0[i] } ?? true }

  package var isConstant: Bool {
    if case .constant = storage { return true }
    return false
  }

  package var isDictionary: Bool {
    if case .dictionary = storage { return true }
    return false
  }

  /// True when every row is null.
  package var isAllNull: Bool { validity?.isAllClear ?? false }

  /// The same memory read as another type of the same layout (long, datetime and timespan; string and dynamic only by the caller's proof).
  package func retyped(_ newType: DataType) -> ColumnVector {
    let storage: VectorStorage = switch storage {
    case .constant(let value): .constant(value: value.retyped(newType))
    case .dictionary(let codes, let values): .dictionary(codes: codes, values: values.retyped(newType))
    default: storage
    }
    return ColumnVector(type: newType, count: count, validity: validity, storage: storage)
  }

  /// The same values with another validity (rows that become valid show whatever their slot holds).
  package func withValidity(_ validity: Bitmap?) -> ColumnVector {
    ColumnVector(type: type, count: count, validity: validity, storage: storage)
  }

  /// Rough bytes held, for memory accounting (shared dictionaries count once per vector).
  package var byteSize: Int {
    let own: Int = switch storage {
    case .bool(let bits): bits.words.byteCount
    case .int(let b): b.byteCount
    case .long(let b), .decimal64(let b, _): b.byteCount
    case .real(let b): b.byteCount
    case .decimal128(let b, let s): b.byteCount + s.byteCount
    case .bytes(let offsets, let data):
      offsets.byteCount + (count > 0 ? min(data.byteCount, Int(offsets[count]) - Int(offsets[0])) : 0)
    case .guid(let b): b.byteCount
    case .constant(let value): value.byteSize
    case .dictionary(let codes, let values): codes.byteCount + values.byteSize
    }
    return own + (validity.map { $0.words.byteCount } ?? 0)
  }

  /// Bytes of a text or dynamic column written out row by row; 0 for other types.
  // SAFETY: validity or not, each code is below values.count, so offset code + 1 exists; there are `count` codes. All is kept alive behind the loop.
  package var textByteCount: Int {
    switch storage {
    case .bytes(let offsets, _): return count > 0 ? Int(offsets[count]) - Int(offsets[0]) : 0
    case .constant(let value): return value.textByteCount &* count
    case .dictionary(let codes, let values):
      guard case .bytes(let offsets, _) = values.storage, values.count > 0 else { return 0 }
      let o = unsafe offsets.pointer, c = unsafe codes.pointer
      var total = 0
      for i in 0..<count { unsafe total &+= Int(o[Int(c[i]) &+ 1]) &- Int(o[Int(c[i])]) }
      withExtendedLifetime((offsets, codes)) {}
      return total
    default: return 0
    }
  }
}

// MARK: - Makers

extension ColumnVector {
  /// `count` rows of one value; a null gives all-null rows.
  package static func constant(_ scalar: Scalar, count: Int) -> ColumnVector {
    let builder = ColumnBuilder(scalar.type, capacity: 1)
    builder.append(scalar)
    let one = builder.finish()
    let validity = scalar.isNull && count > 0 ? Bitmap(repeating: false, count: count) : nil
    return ColumnVector(type: scalar.type, count: count, validity: validity, storage: .constant(value: one))
  }

  /// All rows null.
  package static func nulls(_ type: DataType, count: Int) -> ColumnVector { constant(.null(type), count: count) }

  package static func bool(_ bits: Bitmap, validity: Bitmap? = nil) -> ColumnVector {
    ColumnVector(type: .bool, count: bits.count, validity: validity, storage: .bool(bits))
  }

  package static func int(_ values: Buffer<Int32>, validity: Bitmap? = nil) -> ColumnVector {
    ColumnVector(type: .int, count: values.count, validity: validity, storage: .int(values))
  }

  /// long, datetime or timespan.
  package static func long(_ values: Buffer<Int64>, validity: Bitmap? = nil, type: DataType = .long) -> ColumnVector {
    ColumnVector(type: type, count: values.count, validity: validity, storage: .long(values))
  }

  package static func real(_ values: Buffer<Double>, validity: Bitmap? = nil) -> ColumnVector {
    ColumnVector(type: .real, count: values.count, validity: validity, storage: .real(values))
  }

  /// Scales that narrow decimals may have: what reads them counts on a power of ten of 64 bits.
  package static let narrowScales = 0...18

  /// Decimals of one scale; wide ones where the scale is none that narrow ones may have.
  package static func decimal(_ values: Buffer<Int64>, scale: Int, validity: Bitmap? = nil) -> ColumnVector {
    if narrowScales.contains(scale) { return ColumnVector(type: .decimal, count: values.count, validity: validity, storage: .decimal64(values, scale: scale)) }
    let wide = (0..<values.count).map { Int128(values[$0]) }
    let scales = Buffer([Int16](repeating: Int16(clamping: scale), count: wide.count))
    return ColumnVector(type: .decimal, count: wide.count, validity: validity, storage: .decimal128(Buffer(wide), scales: scales))
  }

  package static func guid(_ values: Buffer<GUID>, validity: Bitmap? = nil) -> ColumnVector {
    ColumnVector(type: .guid, count: values.count, validity: validity, storage: .guid(values))
  }

  /// string or dynamic; `offsets` has one element more than there are rows.
  package static func bytes(_ type: DataType, offsets: Buffer<Int32>, data: Buffer<UInt8>, validity: Bitmap? = nil) -> ColumnVector {
    ColumnVector(type: type, count: offsets.count - 1, validity: validity, storage: .bytes(offsets: offsets, data: data))
  }

  /// Codes into flat `values` without nulls.
  package static func dictionary(codes: Buffer<Int32>, values: ColumnVector, validity: Bitmap? = nil) -> ColumnVector {
    ColumnVector(type: values.type, count: codes.count, validity: validity, storage: .dictionary(codes: codes, values: values))
  }

  /// One row per scalar; all of `type` or null. For tests, literals and edges.
  package static func of(_ type: DataType, _ scalars: [Scalar]) -> ColumnVector {
    let builder = ColumnBuilder(type, capacity: scalars.count)
    for scalar in scalars { builder.append(scalar) }
    return builder.finish()
  }
}

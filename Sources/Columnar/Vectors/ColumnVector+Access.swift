// Role: reading one row as a `Scalar`, and the invariants. For edges and tests; kernels read buffers.

extension ColumnVector {
  /// Row i as a scalar, null where it is null.
  // SAFETY: offsets i and i + 1 exist for a row below `count` (checked above), and lie within `data`, which is kept alive until the value is copied.
  package func scalar(_ i: Int) -> Scalar {
    precondition(i >= 0 && i < count, "row outside the vector")
    guard isValid(i) else { return .null(type) }
    switch storage {
    case .bool(let bits): return .bool(bits[i])
    case .int(let b): return .int(b[i])
    case .long(let b):
      switch type {
      case .datetime: return .datetime(b[i])
      case .timespan: return .timespan(b[i])
      default: return .long(b[i])
      }
    case .real(let b): return .real(b[i])
    case .decimal64(let b, let scale): return .decimal(DecimalValue(Int128(b[i]), scale: scale))
    case .decimal128(let b, let scales): return .decimal(DecimalValue(b[i], scale: Int(scales[i])))
    case .guid(let b): return .guid(b[i])
    case .bytes(let offsets, let data):
      let bytes = unsafe UnsafeBufferPointer(start: data.pointer + Int(offsets[i]), count: Int(offsets[i + 1] - offsets[i]))
      defer { withExtendedLifetime(data) {} }
      return unsafe type == .string ? .string(String(decoding: bytes, as: UTF8.self)) : .dynamic(DynamicValue(binary: bytes))
    case .constant(let value): return value.scalar(0)
    case .dictionary(let codes, let values): return values.scalar(Int(codes[i]))
    }
  }

  /// All rows as scalars.
  package var scalars: [Scalar] { (0..<count).map(scalar) }

  /// The first broken invariant in words, or nil.
  package func brokenInvariant() -> String? {
    if let validity {
      if validity.count != count { return "validity has \(validity.count) bits for \(count) rows" }
      if validity.isAllSet { return "validity without a null" }
    }
    func length(_ n: Int) -> String? { n == count ? nil : "\(n) values for \(count) rows" }
    switch storage {
    case .bool(let bits): return type == .bool ? length(bits.count) : "bool storage for \(type)"
    case .int(let b): return type == .int ? length(b.count) : "int storage for \(type)"
    case .long(let b): return type == .long || type == .datetime || type == .timespan ? length(b.count) : "long storage for \(type)"
    case .real(let b): return type == .real ? length(b.count) : "real storage for \(type)"
    case .decimal64(let b, let scale):
      guard Self.narrowScales.contains(scale) else { return "narrow decimals of scale \(scale)" }
      return type == .decimal ? length(b.count) : "decimal storage for \(type)"
    case .decimal128(let b, let s): return type == .decimal ? length(b.count) ?? length(s.count) : "decimal storage for \(type)"
    case .guid(let b): return type == .guid ? length(b.count) : "guid storage for \(type)"
    case .bytes(let offsets, let data):
      guard type.isVariableWidth else { return "bytes storage for \(type)" }
      guard offsets.count == count + 1 else { return "\(offsets.count) offsets for \(count) rows" }
      for i in 0..<count where offsets[i] > offsets[i + 1] { return "offsets fall at row \(i)" }
      return offsets[0] >= 0 && Int(offsets[count]) <= data.count ? nil : "offsets outside the data"
    case .constant(let value):
      guard value.count == 1, value.type == type else { return "constant of \(value.count) rows of \(value.type) for \(type)" }
      if value.nullCount == 1, count > 0, !isAllNull { return "null constant with valid rows" }
      return value.brokenInvariant()
    case .dictionary(let codes, let values):
      if values.type != type { return "dictionary of \(values.type) for \(type)" }
      if values.validity != nil || values.isDictionary || values.isConstant { return "dictionary values with nulls or not flat" }
      for i in 0..<codes.count where codes[i] < 0 || Int(codes[i]) >= values.count { return "code \(codes[i]) of \(values.count) at row \(i)" }
      return length(codes.count) ?? values.brokenInvariant()
    }
  }
}

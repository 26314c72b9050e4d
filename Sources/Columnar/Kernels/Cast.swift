// Role: Kusto's to-conversions on whole columns: any type to any type; what cannot be converted becomes null, a null string is '' (so it converts
// to null, and nulls convert to ''). Constants and dictionaries are converted on their values.

extension ColumnVector {
  /// The column as `target`. Rules: reals are truncated towards zero, numbers out of range are null, texts are trimmed and parsed whole,
  /// datetime as a number is ticks since 0001-01-01, timespan is ticks, bool is 0 or 1.
  package func cast(to target: DataType) -> ColumnVector {
    if target == type { return self }
    switch storage {
    case .constant(let value):
      let one = value.cast(to: target)
      let isNull = one.nullCount == 1
      return ColumnVector(
        type: target, count: count, validity: isNull && count > 0 ? Bitmap(repeating: false, count: count) : nil, storage: .constant(value: one))
    case .dictionary(let codes, let values):
      if values.count == 0 || target == .string && validity != nil || type == .string && validity != nil { return flattened.cast(to: target) }
      let converted = values.cast(to: target)
      if target.isVariableWidth, converted.validity == nil { return .dictionary(codes: codes, values: converted, validity: validity) }
      let taken = converted.take(codes)
      return ColumnVector(type: target, count: count, validity: Bitmap.intersection(taken.validity, validity), storage: taken.storage)
    default: break
    }
    let converted: ColumnVector
    switch target {
    case .long: converted = castToLong()
    case .int: converted = castToInt()
    case .real: converted = castToReal()
    case .decimal: converted = castToDecimal()
    case .bool: converted = castToBool()
    case .datetime, .timespan: converted = castToTime(target)
    case .guid: converted = castToGUID()
    case .string: return castToString()
    case .dynamic: converted = castToDynamic()
    }
    // Null strings are '' and give what '' gives; for other types null stays null.
    let validity = type == .string ? converted.validity : Bitmap.intersection(converted.validity, self.validity)
    return ColumnVector(type: target, count: count, validity: validity, storage: converted.storage)
  }

  // MARK: - Numbers

  // SAFETY: a parser gets the address and length of the row's text, which self keeps alive.
  private func castToLong() -> ColumnVector {
    switch storage {
    case .int(let b): .long(fill { Int64(b[$0]) })
    case .bool(let b): .long(fill { b[$0] ? 1 : 0 })
    case .real(let b): optional(0) { Int64(checking: b[$0]) }.long
    case .decimal64(let b, let scale): optional(0) { Int64(exactly: DecimalValue(Int128(b[$0]), scale: scale).truncated.rescaled(to: 0) ?? .max) }.long
    case .decimal128(let b, let s): optional(0) { Int64(exactly: DecimalValue(b[$0], scale: Int(s[$0])).truncated.rescaled(to: 0) ?? .max) }.long
    case .long(let b): type == .datetime ? .long(fill { b[$0] &- CivilTime.minTicks }) : .long(b)
    case .bytes:
      type == .string
        ? optional(0) { row in unsafe trimmed(row) { unsafe ScalarText.parseWhole($0, $1) } }.long
        : optional(0) { dynamic($0).asLong }.long
    default: .nulls(.long, count: count).flattened
    }
  }

  private func castToInt() -> ColumnVector {
    let long = castToLong()
    guard case .long(let b) = long.storage else { return long }
    let narrow = optional(Int32(0)) { Int32(exactly: b[$0]) }
    return .int(narrow.values, validity: Bitmap.intersection(narrow.validity, long.validity))
  }

  // SAFETY: as in `castToLong`.
  private func castToReal() -> ColumnVector {
    switch storage {
    case .int(let b): .real(fill { Double(b[$0]) })
    case .long(let b): type == .datetime ? .real(fill { Double(b[$0] &- CivilTime.minTicks) }) : .real(fill { Double(b[$0]) })
    case .bool(let b): .real(fill { b[$0] ? 1 : 0 })
    case .decimal64(let b, let scale):
      if scale >= 0, scale < powersOfTenReal.count {
        .real(fill { i in
          let v = b[i]
          return v.magnitude < 1 << 53 ? Double(v) / powersOfTenReal[scale] : DecimalValue(Int128(v), scale: scale).doubleValue
        })
      } else {
        .real(fill { DecimalValue(Int128(b[$0]), scale: scale).doubleValue })
      }
    case .decimal128(let b, let s): .real(fill { DecimalValue(b[$0], scale: Int(s[$0])).doubleValue })
    case .bytes:
      type == .string
        ? optional(0.0) { row in unsafe trimmed(row) { unsafe ScalarText.parseReal($0, $1) } }.real
        : optional(0.0) { dynamic($0).asReal }.real
    default: .nulls(.real, count: count).flattened
    }
  }

  // SAFETY: as in `castToLong`.
  private func castToDecimal() -> ColumnVector {
    switch storage {
    case .int(let b): .decimal(fill { Int64(b[$0]) }, scale: 0)
    case .long(let b): type == .long ? .decimal(b, scale: 0) : .decimal(castToLongValues(), scale: 0)
    case .bool(let b): .decimal(fill { b[$0] ? 1 : 0 }, scale: 0)
    case .real(let b): decimals { DecimalValue(shortest: b[$0]) }
    case .bytes:
      type == .string
        ? decimals { row in unsafe trimmed(row) { unsafe ScalarText.parseDecimal($0, $1) } }
        : decimals { dynamic($0).asDecimal }
    default: .nulls(.decimal, count: count).flattened
    }
  }

  private func castToLongValues() -> Buffer<Int64> {
    if case .long(let b) = castToLong().storage { return b }
    return Buffer(repeating: 0, count: count)
  }

  // SAFETY: as in `castToLong`.
  private func castToBool() -> ColumnVector {
    switch storage {
    case .int(let b): .bool(CompareKernels.compare(b, .notEqual, 0))
    case .long(let b): type == .long ? .bool(CompareKernels.compare(b, .notEqual, 0)) : .nulls(.bool, count: count).flattened
    case .real(let b): .bool(CompareKernels.compare(b, .notEqual, 0))
    case .decimal64(let b, _): .bool(CompareKernels.compare(b, .notEqual, 0))
    case .decimal128(let b, _): bools { b[$0] != 0 }
    case .bytes:
      type == .string
        ? bools { row in unsafe trimmed(row) { p, n in unsafe ScalarText.parseBool(p, n) ?? ScalarText.parseLong(p, n).map { $0 != 0 } } }
        : bools { dynamic($0).asBool }
    default: .nulls(.bool, count: count).flattened
    }
  }

  // MARK: - Times, guids

  // SAFETY: as in `castToLong`.
  private func castToTime(_ target: DataType) -> ColumnVector {
    switch storage {
    case .long(let b):
      if type == .long, target == .datetime { return optional(0) { dateTimeOfNetTicks(b[$0]) }.time(target) }
      return type == .long ? .long(b, type: target) : .nulls(target, count: count).flattened
    case .int(let b): return optional(0) { target == .datetime ? dateTimeOfNetTicks(Int64(b[$0])) : Int64(b[$0]) }.time(target)
    case .real(let b): return optional(0) { i in Int64(checking: b[i]).flatMap { target == .datetime ? dateTimeOfNetTicks($0) : $0 } }.time(target)
    case .bytes:
      let isText = type == .string
      if target == .datetime {
        return isText
          ? optional(0) { row in unsafe trimmed(row) { unsafe ScalarText.parseDateTime($0, $1) } }.time(target)
          : optional(0) { dynamic($0).asDateTime }.time(target)
      }
      return isText
        ? optional(0) { row in unsafe trimmed(row) { unsafe ScalarText.parseTimespan($0, $1) } }.time(target)
        : optional(0) { dynamic($0).asTimespan }.time(target)
    default: return .nulls(target, count: count).flattened
    }
  }

  // SAFETY: as in `castToLong`; the bytes of a dynamic string lie within the row, whose address is not nil.
  private func castToGUID() -> ColumnVector {
    guard case .bytes = storage else { return .nulls(.guid, count: count).flattened }
    let empty = GUID(high: 0, low: 0)
    let result = type == .string
      ? optional(empty) { row in unsafe trimmed(row) { unsafe ScalarText.parseGUID($0, $1) } }
      : optional(empty) { row in
        let value = dynamic(row)
        if value.tag == .guid { return value.guid }
        guard let p = unsafe value.stringBytes.baseAddress else { return nil }
        return unsafe ScalarText.parseGUID(p, value.stringBytes.count)
      }
    return .guid(result.values, validity: result.validity)
  }

  // MARK: - Rows

  /// The bytes of row i of a text column; a null row is empty.
  // SAFETY: callers pass rows below `count`, so both offsets exist and lie within `data`, which self keeps alive while the row is looked at.
  @inline(__always) private func bytes(_ i: Int) -> UnsafeBufferPointer<UInt8> {
    guard case .bytes(let offsets, let data) = storage, validity.map({ $0[i] }) ?? true else { return unsafe UnsafeBufferPointer(start: nil, count: 0) }
    return unsafe UnsafeBufferPointer(start: data.pointer + Int(offsets[i]), count: Int(offsets[i &+ 1] &- offsets[i]))
  }

  // SAFETY: the view lies within the row's bytes; without bytes it has length 0 and reads nothing.
  @inline(__always) private func dynamic(_ i: Int) -> DynamicView {
    let b = unsafe bytes(i)
    guard let base = b.baseAddress else { return unsafe DynamicView(emptyDynamic, 0) }
    return unsafe DynamicView(base, b.count)
  }

  /// Calls a parser with the row's text without surrounding white space; nil for empty texts.
  // SAFETY: p is moved on only while n > 0, so it stays within the row's bytes, and n is what is left of them.
  @inline(__always) private func trimmed<T>(_ i: Int, _ parse: (UnsafePointer<UInt8>, Int) -> T?) -> T? {
    let b = unsafe bytes(i)
    guard var p = b.baseAddress else { return nil }
    var n = b.count
    while n > 0, unsafe p[0] <= 0x20 { unsafe p += 1; n &-= 1 }
    while n > 0, unsafe p[n &- 1] <= 0x20 { n &-= 1 }
    return unsafe n == 0 ? nil : parse(p, n)
  }

  // SAFETY: `out` has `count` slots of `builder`, which grows no more.
  @inline(__always) private func fill<T>(_ f: (Int) -> T) -> Buffer<T> {
    let builder = BufferBuilder<T>(capacity: count)
    let out = unsafe builder.appendUninitialized(count)
    for i in 0..<count { unsafe out[i] = f(i) }
    return builder.finish()
  }

  // SAFETY: as in `fill`; `build` hands out one word for each 64 rows begun.
  @inline(__always) private func optional<T>(_ empty: T, _ f: (Int) -> T?) -> OptionalColumn<T> {
    let builder = BufferBuilder<T>(capacity: count)
    let out = unsafe builder.appendUninitialized(count)
    let validity = unsafe Bitmap.build(count: count) { words in
      for i in 0..<count {
        let value = f(i)
        unsafe out[i] = value ?? empty
        if value != nil { unsafe words[i >> 6] |= 1 << UInt64(i & 63) }
      }
    }
    return OptionalColumn(values: builder.finish(), validity: validity)
  }

  private func bools(_ f: (Int) -> Bool?) -> ColumnVector {
    let bits = BitmapBuilder(capacity: count), validity = BitmapBuilder(capacity: count)
    for i in 0..<count {
      let value = f(i)
      bits.append(value ?? false)
      validity.append(value != nil)
    }
    return .bool(bits.finish(), validity: validity.finishValidity())
  }

  private func decimals(_ f: (Int) -> DecimalValue?) -> ColumnVector {
    let values = BufferBuilder<Int128>(capacity: count), scales = BufferBuilder<Int16>(capacity: count)
    let validity = BitmapBuilder(capacity: count)
    for i in 0..<count {
      let value = f(i)
      values.append(value?.coefficient ?? 0)
      scales.append(value?.scale ?? 0)
      validity.append(value != nil)
    }
    return .computedDecimal(values.finish(), scales.finish(), validity: validity.finishValidity())
  }
}

// SAFETY: made once and never freed; it stands for no bytes, so it is never read.
nonisolated(unsafe) private let emptyDynamic = unsafe UnsafePointer(UnsafeMutablePointer<UInt8>.allocate(capacity: 1))  // never read: length 0

/// Values with the rows that have one.
private struct OptionalColumn<T: BitwiseCopyable & Sendable> {
  let values: Buffer<T>
  let validity: Bitmap
}

extension OptionalColumn where T == Int64 {
  var long: ColumnVector { .long(values, validity: validity) }
  func time(_ type: DataType) -> ColumnVector { .long(values, validity: validity, type: type) }
}

extension OptionalColumn where T == Double {
  var real: ColumnVector { .real(values, validity: validity) }
}

extension Int64 {
  /// The whole part of a real; nil for NaN and what does not fit.
  @inline(__always) package init?(checking real: Double) {
    guard real > -9.3e18, real < 9.3e18, let value = Int64(exactly: real.rounded(.towardZero)) else { return nil }
    self = value
  }
}

/// Ticks since 1970 of ticks since 0001-01-01; nil outside the range of datetime.
package func dateTimeOfNetTicks(_ ticks: Int64) -> Int64? {
  let (value, overflow) = ticks.addingReportingOverflow(CivilTime.minTicks)
  return !overflow && CivilTime.isInRange(value) ? value : nil
}

extension ScalarText {
  /// A whole number in decimal or `0x…` form.
  // SAFETY: p[0] and p[1] exist, since n is above 2; the parsers get all n bytes.
  package static func parseWhole(_ p: UnsafePointer<UInt8>, _ n: Int) -> Int64? {
    if n > 2, unsafe p[0] == 0x30, unsafe p[1] | 0x20 == 0x78 { return unsafe parseHexLong(p, n) }
    return unsafe parseLong(p, n)
  }
}

extension DecimalValue {
  /// The decimal of a real's shortest text; nil for NaN, infinities and what has more than 38 digits.
  // SAFETY: a real's text takes at most `room` bytes, which live until the parser has read what was written.
  package init?(shortest real: Double) {
    guard real.isFinite else { return nil }
    let value = unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: ScalarText.room) { space -> DecimalValue? in
      guard let base = space.baseAddress else { return nil }
      let end = unsafe ScalarText.write(real: real, to: base)
      return unsafe ScalarText.parseDecimal(base, end - base)
    }
    guard let value else { return nil }
    self = value.scale < 0 ? DecimalValue(value.rescaled(to: 0) ?? value.coefficient, scale: value.rescaled(to: 0) == nil ? Int(value.scale) : 0) : value
  }
}

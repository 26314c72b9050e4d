// Role: conversions whose result is text or dynamic, and those that look inside a dynamic value.

extension ColumnVector {
  /// `tostring`: nulls give ''.
  func castToString() -> ColumnVector {
    let out = StringBuilder(rows: count, bytes: count &* 8)
    let data = out.data
    func each(_ append: (Int) -> Void) {
      for i in 0..<count {
        if validity.map({ $0[i] }) ?? true { append(i) }
        out.endRow()
      }
    }
    switch storage {
    case .bool(let b): each { i in unsafe data.appendText { unsafe ScalarText.write(bool: b[i], to: $0) } }
    case .int(let b): each { i in unsafe data.appendText { unsafe ScalarText.write(long: Int64(b[i]), to: $0) } }
    case .long(let b):
      switch type {
      case .datetime: each { i in unsafe data.appendText { unsafe ScalarText.write(datetime: b[i], to: $0) } }
      case .timespan: each { i in unsafe data.appendText { unsafe ScalarText.write(timespan: b[i], to: $0) } }
      default: each { i in unsafe data.appendText { unsafe ScalarText.write(long: b[i], to: $0) } }
      }
    case .real(let b): each { i in unsafe data.appendText { unsafe ScalarText.write(real: b[i], to: $0) } }
    case .decimal64(let b, let scale): each { i in unsafe data.appendText { unsafe ScalarText.write(decimal64: b[i], scale: scale, to: $0) } }
    case .decimal128(let b, let s): each { i in unsafe data.appendText { unsafe ScalarText.write(decimal: DecimalValue(b[i], scale: Int(s[i])), to: $0) } }
    case .guid(let b): each { i in unsafe data.appendText { unsafe ScalarText.write(guid: b[i], to: $0) } }
    case .bytes(let offsets, let bytes):
      each { i in
        let start = Int(offsets[i])
        unsafe DynamicPrinter.appendText(DynamicView(bytes.pointer + start, Int(offsets[i &+ 1]) - start), to: data)
      }
    case .constant, .dictionary: return flattened.castToString()
    }
    return out.finish(.string)
  }

  /// Each value as a dynamic of its kind; texts become dynamic strings (they are not parsed).
  // SAFETY: offsets i and i + 1 exist for i < count, and lie within `data`, which self keeps alive; a length's bytes live for the call that copies
  // them, and so do those of a scalar's binary form.
  func castToDynamic() -> ColumnVector {
    let out = StringBuilder(rows: count, bytes: count &* 9)
    if case .bytes(let offsets, let data) = storage {
      for i in 0..<count {
        let start = Int(offsets[i])
        let n = validity.map({ $0[i] }) ?? true ? Int(offsets[i &+ 1]) &- start : 0
        out.data.append(DynamicTag.string.rawValue)
        unsafe withUnsafeBytes(of: UInt32(truncatingIfNeeded: n)) { for unsafe b in unsafe $0 { out.data.append(b) } }
        unsafe out.append(UnsafeBufferPointer(start: data.pointer + start, count: n))
      }
      return out.finish(.dynamic)
    }
    for i in 0..<count {
      let value = scalar(i)
      if value.isNull { out.appendEmpty() } else { unsafe DynamicValue(value).binary.withUnsafeBufferPointer { unsafe out.append($0) } }
    }
    return out.finish(.dynamic)
  }
}

extension DynamicView {
  /// Calls a parser with the string's bytes without surrounding white space; nil for other kinds and empty strings.
  // SAFETY: p is moved on only while n > 0, so it stays within the string's bytes, which the view's owner keeps alive.
  private func parsed<T>(_ parse: (UnsafePointer<UInt8>, Int) -> T?) -> T? {
    let bytes = unsafe stringBytes
    guard var p = bytes.baseAddress else { return nil }
    var n = bytes.count
    while n > 0, unsafe p[0] <= 0x20 { unsafe p += 1; n -= 1 }
    while n > 0, unsafe p[n - 1] <= 0x20 { n -= 1 }
    return unsafe n == 0 ? nil : parse(p, n)
  }

  /// `tolong` of a dynamic.
  // SAFETY: `parsed` gives the address and length of the string's bytes.
  package var asLong: Int64? {
    switch tag {
    case .long, .timespan: int64
    case .datetime: int64 &- CivilTime.minTicks
    case .real: Int64(checking: real)
    case .decimal: decimal.truncated.rescaled(to: 0).flatMap { Int64(exactly: $0) }
    case .true: 1
    case .false: 0
    case .string: unsafe parsed { unsafe ScalarText.parseWhole($0, $1) }
    default: nil
    }
  }

  /// `toreal` of a dynamic.
  // SAFETY: as in `asLong`.
  package var asReal: Double? {
    switch tag {
    case .long, .timespan: Double(int64)
    case .datetime: Double(int64 &- CivilTime.minTicks)
    case .real: real
    case .decimal: decimal.doubleValue
    case .true: 1
    case .false: 0
    case .string: unsafe parsed { unsafe ScalarText.parseReal($0, $1) }
    default: nil
    }
  }

  /// `todecimal` of a dynamic.
  // SAFETY: as in `asLong`.
  package var asDecimal: DecimalValue? {
    switch tag {
    case .long, .timespan: DecimalValue(Int128(int64))
    case .real: DecimalValue(shortest: real)
    case .decimal: decimal
    case .true: DecimalValue(1)
    case .false: DecimalValue(0)
    case .string: unsafe parsed { unsafe ScalarText.parseDecimal($0, $1) }
    default: nil
    }
  }

  /// `tobool` of a dynamic.
  // SAFETY: as in `asLong`.
  package var asBool: Bool? {
    switch tag {
    case .true: true
    case .false: false
    case .long: int64 != 0
    case .real: real != 0
    case .string: unsafe parsed { p, n in unsafe ScalarText.parseBool(p, n) ?? ScalarText.parseLong(p, n).map { $0 != 0 } }
    default: nil
    }
  }

  /// `todatetime` of a dynamic.
  // SAFETY: as in `asLong`.
  package var asDateTime: Int64? {
    switch tag {
    case .datetime: int64
    case .long: dateTimeOfNetTicks(int64)
    case .string: unsafe parsed { unsafe ScalarText.parseDateTime($0, $1) }
    default: nil
    }
  }

  /// `totimespan` of a dynamic.
  // SAFETY: as in `asLong`.
  package var asTimespan: Int64? {
    switch tag {
    case .timespan, .long: int64
    case .string: unsafe parsed { unsafe ScalarText.parseTimespan($0, $1) }
    default: nil
    }
  }
}

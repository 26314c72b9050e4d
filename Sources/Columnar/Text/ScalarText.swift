// Role: the text forms of scalar values, on bytes: the one place that parses and prints them, for CSV, JSON, KQL conversions and the CLI.
// Parsers take a pointer and a length, read only those bytes, and give nil for anything else than one whole value (no surrounding space).
// Printers write at an address and return the end; the room they need at most is `ScalarText.room` bytes unless said otherwise.
// Forms: Kusto's `tostring`, which is .NET's invariant culture (source: Kusto "tostring()", .NET "Standard numeric format strings", "R", "c", "o").

/// Parsing and printing of scalars.
@usableFromInline package enum ScalarText {
  /// Bytes any fixed-size scalar's text may take: a decimal with 38 digits and a far scale is printed with an exponent, so 64 suffice.
  @inlinable package static var room: Int { 64 }

  // MARK: - bool, guid

  /// `true`, `false` in any case, `1` and `0`.
  // SAFETY: reads exactly the n bytes it has compared n with.
  @inlinable package static func parseBool(_ p: UnsafePointer<UInt8>, _ n: Int) -> Bool? {
    if n == 4, unsafe (p[0] | 0x20) == 0x74, unsafe (p[1] | 0x20) == 0x72, unsafe (p[2] | 0x20) == 0x75, unsafe (p[3] | 0x20) == 0x65 { return true }
    if n == 5, unsafe (p[0] | 0x20) == 0x66, unsafe (p[1] | 0x20) == 0x61, unsafe (p[2] | 0x20) == 0x6C, unsafe (p[3] | 0x20) == 0x73, unsafe (p[4] | 0x20) == 0x65 { return false }
    if n == 1 { return unsafe p[0] == 0x31 ? true : p[0] == 0x30 ? false : nil }
    return nil
  }

  /// `true` or `false`.
  // SAFETY: 4 or 5 of the `room` bytes that callers provide; storing raw bytes needs no alignment.
  @inlinable package static func write(bool value: Bool, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    let raw = UnsafeMutableRawPointer(out)
    if value {
      unsafe raw.storeBytes(of: UInt32(0x6575_7274).littleEndian, as: UInt32.self)
      return unsafe out + 4
    }
    unsafe raw.storeBytes(of: UInt32(0x736C_6166).littleEndian, as: UInt32.self)
    unsafe out[4] = 0x65
    return unsafe out + 5
  }

  /// 32 hexadecimal digits, dashes after digits 8, 12, 16 and 20 or none at all, optionally in braces or parentheses.
  // SAFETY: n is 38 or 34 where p[n - 1] is read; the digits are those of 36 bytes with 4 dashes or of 32 without.
  package static func parseGUID(_ p: UnsafePointer<UInt8>, _ n: Int) -> GUID? {
    var p = unsafe p, n = n
    if n == 38 || n == 34, unsafe (p[0] == 0x7B && p[n - 1] == 0x7D) || (p[0] == 0x28 && p[n - 1] == 0x29) {
      unsafe p += 1
      n -= 2
    }
    let isDashed = n == 36
    guard isDashed || n == 32 else { return nil }
    if isDashed, unsafe p[8] != 0x2D || p[13] != 0x2D || p[18] != 0x2D || p[23] != 0x2D { return nil }
    var halves: (UInt64, UInt64) = (0, 0)
    var at = 0
    var bad: UInt8 = 0
    for i in 0..<32 {
      if isDashed, i == 8 || i == 12 || i == 16 || i == 20 { at &+= 1 }
      let c = unsafe p[at]
      at &+= 1
      let digit = c &- 0x30
      let letter = (c | 0x20) &- 0x61
      let nibble = digit < 10 ? digit : letter &+ 10
      bad |= digit < 10 || letter < 6 ? 0 : 1
      if i < 16 { halves.0 = halves.0 << 4 | UInt64(nibble) } else { halves.1 = halves.1 << 4 | UInt64(nibble) }
    }
    return bad == 0 ? GUID(high: halves.0, low: halves.1) : nil
  }

  /// 36 lower-case characters with dashes.
  // SAFETY: 36 of the `room` bytes that callers provide.
  package static func write(guid value: GUID, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    unsafe value.write(to: out)
    return unsafe out + 36
  }

  // MARK: - Strings, for edges

  /// The text `tostring` gives: a null is empty, dynamic values are nil here (JSON printing is elsewhere), a string is itself.
  // SAFETY: `text` gives each writer `room` bytes.
  package static func text(_ scalar: Scalar) -> String? {
    switch scalar {
    case .null: ""
    case .bool(let v): v ? "true" : "false"
    case .int(let v): unsafe text { unsafe write(long: Int64(v), to: $0) }
    case .long(let v): unsafe text { unsafe write(long: v, to: $0) }
    case .real(let v): unsafe text { unsafe write(real: v, to: $0) }
    case .decimal(let v): unsafe text { unsafe write(decimal: v, to: $0) }
    case .string(let v): v
    case .datetime(let v): unsafe text { unsafe write(datetime: v, to: $0) }
    case .timespan(let v): unsafe text { unsafe write(timespan: v, to: $0) }
    case .guid(let v): v.description
    case .dynamic: nil
    }
  }

  /// A `String` of what `body` writes into `room` bytes.
  // SAFETY: the writer gets `room` bytes, which live until the string has copied what was written.
  package static func text(_ body: (UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8>) -> String {
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: room) { space in
      guard let base = space.baseAddress else { return "" }
      return unsafe String(decoding: UnsafeBufferPointer(start: base, count: body(base) - base), as: UTF8.self)
    }
  }

  /// The value of a text as `type`, or nil when the text is not one; `dynamic` is nil here.
  // SAFETY: the text's bytes live for the call; the parsers get all n > 0 of them.
  package static func parse(_ text: String, as type: DataType) -> Scalar? {
    var text = text
    return text.withUTF8 { bytes in
      guard let p = bytes.baseAddress, bytes.count > 0 else { return type == .string ? .string("") : nil }
      let n = bytes.count
      switch type {
      case .bool: return unsafe parseBool(p, n).map { .bool($0) }
      case .int: return unsafe parseInt(p, n).map { .int($0) }
      case .long: return unsafe parseLong(p, n).map { .long($0) }
      case .real: return unsafe parseReal(p, n).map { .real($0) }
      case .decimal: return unsafe parseDecimal(p, n).map { .decimal($0) }
      case .string: return unsafe .string(String(decoding: bytes, as: UTF8.self))
      case .datetime: return unsafe parseDateTime(p, n).map { .datetime($0) }
      case .timespan: return unsafe parseTimespan(p, n).map { .timespan($0) }
      case .guid: return unsafe parseGUID(p, n).map { .guid($0) }
      case .dynamic: return nil
      }
    }
  }
}

extension BufferBuilder<UInt8> {
  /// Appends what `body` writes; it may write up to `room` bytes and returns the end.
  // SAFETY: the room is reserved before the address is taken, and the body may not touch the builder, so the address stays right.
  @inlinable @inline(__always)
  package func appendText(room: Int = ScalarText.room, _ body: (UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8>) {
    reserve(room)
    let start = unsafe pointer + count
    unsafe count &+= body(start) - start
  }
}

// Role: base64 of bytes: the plain alphabet with padding, and the one of URLs and tokens without. Source: RFC 4648; RFC 7515, section 2.

package enum Base64 {
  private static let plain: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  private static let url: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

  /// Appends the plain form, padded.
  package static func append(_ bytes: UnsafeBufferPointer<UInt8>, to out: BufferBuilder<UInt8>) {
    out.reserve((bytes.count + 2) / 3 * 4)
    unsafe encode(bytes, plain, isPadded: true) { out.appendUnchecked($0) }
  }

  /// The plain form, padded.
  package static func text(_ bytes: some Sequence<UInt8>) -> String { encoded(Array(bytes), plain, isPadded: true) }

  /// The bytes as text, or the plain form where they are not UTF-8, or `always`.
  package static func readable(_ bytes: UnsafeBufferPointer<UInt8>, always: Bool = false) -> String {
    if !always, unsafe isValidUTF8(bytes) { return unsafe String(decoding: bytes, as: UTF8.self) }
    return unsafe text(bytes)
  }

  /// The form of URLs and tokens, not padded.
  package static func urlText(_ bytes: some Sequence<UInt8>) -> String { encoded(Array(bytes), url, isPadded: false) }

  private static func encoded(_ bytes: [UInt8], _ alphabet: StaticString, isPadded: Bool) -> String {
    let count = isPadded ? (bytes.count + 2) / 3 * 4 : (bytes.count * 4 + 2) / 3
    // SAFETY: `encode` gives `count` letters, which the buffer has room for.
    return unsafe String(unsafeUninitializedCapacity: count) { out in
      var n = 0
      unsafe bytes.withUnsafeBufferPointer { bytes in
        unsafe encode(bytes, alphabet, isPadded: isPadded) {
          unsafe out[n] = $0
          n += 1
        }
      }
      return n
    }
  }

  @inline(__always)
  private static func encode(_ bytes: UnsafeBufferPointer<UInt8>, _ alphabet: StaticString, isPadded: Bool, _ put: (UInt8) -> Void) {
    let table = unsafe alphabet.utf8Start
    var i = 0
    while i < bytes.count {
      let left = bytes.count - i
      // SAFETY: `i` and what `left` allows lie in the bytes; six bits lie in the table.
      let word = unsafe UInt32(bytes[i]) << 16 | (left > 1 ? UInt32(bytes[i + 1]) << 8 : 0) | (left > 2 ? UInt32(bytes[i + 2]) : 0)
      unsafe put(table[Int(word >> 18)])
      unsafe put(table[Int(word >> 12 & 63)])
      if left > 1 { unsafe put(table[Int(word >> 6 & 63)]) } else if isPadded { put(UInt8(ascii: "=")) }
      if left > 2 { unsafe put(table[Int(word & 63)]) } else if isPadded { put(UInt8(ascii: "=")) }
      i += 3
    }
  }

  /// How exact a text has to be.
  package enum Form {
    /// Plain alphabet, padded as it should be, nothing else.
    case padded
    /// Alphabet of URLs, no padding, unused bits not set: one text for each value.
    case token
    /// Either alphabet; padding, spaces and line ends are left out.
    case lenient
  }

  /// The bytes of a text; nil when it is not of that form.
  package static func bytes(_ text: UnsafeBufferPointer<UInt8>, _ form: Form = .lenient) -> [UInt8]? {
    var out: [UInt8] = []
    out.reserveCapacity(text.count / 4 * 3)
    var word: UInt32 = 0
    var letters = 0, padding = 0
    for unsafe c in unsafe text {
      let value: UInt32
      switch c {
      case 0x41...0x5A: value = UInt32(c) - 0x41
      case 0x61...0x7A: value = UInt32(c) - 0x61 + 26
      case 0x30...0x39: value = UInt32(c) - 0x30 + 52
      case UInt8(ascii: "+") where form != .token: value = 62
      case UInt8(ascii: "/") where form != .token: value = 63
      case UInt8(ascii: "-") where form != .padded: value = 62
      case UInt8(ascii: "_") where form != .padded: value = 63
      case UInt8(ascii: "=") where form != .token:
        padding += 1
        continue
      case 0x20, 0x0A, 0x0D:
        guard form == .lenient else { return nil }
        continue
      default: return nil
      }
      if form == .padded, padding > 0 { return nil }
      word = word << 6 | value
      letters += 1
      switch letters % 4 {
      case 2: out.append(UInt8(truncatingIfNeeded: word >> 4))
      case 3: out.append(UInt8(truncatingIfNeeded: word >> 2))
      case 0: out.append(UInt8(truncatingIfNeeded: word))
      default: break
      }
    }
    let over = letters % 4
    switch form {
    case .lenient: return out
    case .padded: return over != 1 && padding == (4 - over) % 4 ? out : nil
    case .token: return over != 1 && word & (over == 2 ? 15 : over == 3 ? 3 : 0) == 0 ? out : nil
    }
  }

  /// The bytes of a text.
  package static func bytes(_ text: some Sequence<UInt8>, _ form: Form = .lenient) -> [UInt8]? { unsafe Array(text).withUnsafeBufferPointer { unsafe bytes($0, form) } }
  package static func bytes(_ text: String, _ form: Form = .lenient) -> [UInt8]? { bytes(text.utf8, form) }
}

// Role: base64 of messages. Source: RFC 4648.

enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encode(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var out: [UInt8] = []
    for i in stride(from: 0, to: bytes.count, by: 3) {
      let rest = bytes.count - i
      let word = UInt32(bytes[i]) << 16 | (rest > 1 ? UInt32(bytes[i + 1]) << 8 : 0) | (rest > 2 ? UInt32(bytes[i + 2]) : 0)
      for k in 0..<4 { out.append(k <= rest ? alphabet[Int(word >> UInt32(18 - 6 * k) & 63)] : UInt8(ascii: "=")) }
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// The bytes; nil when the text is no base64. Spaces and line ends are skipped.
  static func decode(_ text: String) -> [UInt8]? {
    var out: [UInt8] = []
    var word: UInt32 = 0
    var bits = 0
    for byte in text.utf8 {
      let value: UInt32
      switch byte {
      case 0x41...0x5A: value = UInt32(byte - 0x41)
      case 0x61...0x7A: value = UInt32(byte - 0x61 + 26)
      case 0x30...0x39: value = UInt32(byte - 0x30 + 52)
      case UInt8(ascii: "+"), UInt8(ascii: "-"): value = 62
      case UInt8(ascii: "/"), UInt8(ascii: "_"): value = 63
      case UInt8(ascii: "="), 0x20, 0x0A, 0x0D: continue
      default: return nil
      }
      word = word << 6 | value
      bits += 6
      if bits >= 8 {
        bits -= 8
        out.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
      }
    }
    return out
  }
}

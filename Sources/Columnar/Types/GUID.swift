// Role: a 128-bit identifier whose byte order is that of its text, so that comparing numbers compares texts.

/// A GUID: `high` holds the first 16 hexadecimal digits of the text, `low` the last 16.
public struct GUID: Sendable, Hashable, Comparable, BitwiseCopyable, CustomStringConvertible {
  public var high: UInt64
  public var low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Reads 32 hexadecimal digits with or without dashes and braces; nil for anything else.
  // SAFETY: the text's bytes live for the call.
  public init?(_ text: String) {
    var text = text
    let value: GUID? = text.withUTF8 { unsafe GUID(utf8: $0) }
    guard let value else { return nil }
    self = value
  }

  /// Reads 32 hexadecimal digits with or without dashes and braces; nil for anything else.
  // SAFETY: iterates over the buffer, which the caller keeps alive.
  package init?(utf8: UnsafeBufferPointer<UInt8>) {
    var digits = 0
    var high: UInt64 = 0
    var low: UInt64 = 0
    for unsafe byte in unsafe utf8 {
      let nibble: UInt8
      switch byte {
      case 0x30...0x39: nibble = byte - 0x30
      case 0x41...0x46: nibble = byte - 0x41 + 10
      case 0x61...0x66: nibble = byte - 0x61 + 10
      case UInt8(ascii: "-"), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "("), UInt8(ascii: ")"): continue
      default: return nil
      }
      if digits < 16 { high = high << 4 | UInt64(nibble) } else { low = low << 4 | UInt64(nibble) }
      digits += 1
      if digits > 32 { return nil }
    }
    guard digits == 32 else { return nil }
    self.init(high: high, low: low)
  }

  public static func < (a: GUID, b: GUID) -> Bool { (a.high, a.low) < (b.high, b.low) }

  /// The 36-character lower-case text.
  // SAFETY: the string's storage has the 36 bytes that `write` fills.
  public var description: String {
    unsafe String(unsafeUninitializedCapacity: 36) { out in
      guard let start = out.baseAddress else { return 0 }
      unsafe write(to: start)
      return 36
    }
  }

  /// Writes the 36-character text; `out` has room for 36 bytes.
  // SAFETY: writes 32 digits and 4 dashes: the 36 bytes that callers provide.
  package func write(to out: UnsafeMutablePointer<UInt8>) {
    var at = 0
    for i in 0..<32 {
      if i == 8 || i == 12 || i == 16 || i == 20 {
        unsafe out[at] = UInt8(ascii: "-")
        at += 1
      }
      let word = i < 16 ? high : low
      let nibble = UInt8(truncatingIfNeeded: word >> UInt64((15 - (i & 15)) * 4)) & 15
      unsafe out[at] = nibble < 10 ? 0x30 + nibble : 0x61 + nibble - 10
      at += 1
    }
  }
}

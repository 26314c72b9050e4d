// Role: Z85, the base-85 text of deletion vectors: 5 characters for 4 bytes, big-endian (ZeroMQ RFC 32).

enum Z85 {
  private static let alphabet = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#".utf8)

  private static let values: [UInt8] = {
    var out = [UInt8](repeating: 0xFF, count: 256)
    for (i, byte) in alphabet.enumerated() { out[Int(byte)] = UInt8(i) }
    return out
  }()

  /// The bytes of a text of full groups; nil for anything else.
  static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count % 5 == 0 else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(text.count / 5 * 4)
    var word: UInt64 = 0
    var digits = 0
    for byte in text {
      let value = values[Int(byte)]
      guard value < 85 else { return nil }
      word = word * 85 + UInt64(value)
      digits += 1
      guard digits == 5 else { continue }
      guard word <= UInt64(UInt32.max) else { return nil }
      for shift in [24, 16, 8, 0] { out.append(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
      word = 0
      digits = 0
    }
    return out
  }
}

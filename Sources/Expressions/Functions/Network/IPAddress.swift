// Role: parsing and printing of IP addresses with a prefix length. IPv4 lies in IPv6 as ::ffff:a.b.c.d. Source: RFC 4291, RFC 5952 (canonical
// text here is Kusto's: all eight groups of four digits).

import Columnar

/// An IPv4 address and how many of its bits count.
struct IPv4Network: Sendable {
  var address: UInt32
  var prefix: Int

  /// `a.b.c.d` or `a.b.c.d/n`; nil for anything else.
  // SAFETY: i is below text.count at each read; the text lives for the call.
  init?(_ text: UnsafeBufferPointer<UInt8>) {
    var i = 0
    var value: UInt32 = 0
    func number(_ limit: Int) -> Int? {
      let start = i
      var n = 0
      while i < text.count, unsafe text[i] &- 0x30 < 10, i - start < 3 {
        n = unsafe n * 10 + Int(text[i] - 0x30)
        i += 1
      }
      return i > start && n <= limit ? n : nil
    }
    while i < text.count, unsafe text[i] <= 0x20 { i += 1 }
    for k in 0..<4 {
      if k > 0 {
        guard i < text.count, unsafe text[i] == UInt8(ascii: ".") else { return nil }
        i += 1
      }
      guard let part = number(255) else { return nil }
      value = value << 8 | UInt32(part)
    }
    prefix = 32
    if i < text.count, unsafe text[i] == UInt8(ascii: "/") {
      i += 1
      guard let bits = number(32) else { return nil }
      prefix = bits
    }
    while i < text.count, unsafe text[i] <= 0x20 { i += 1 }
    guard i == text.count else { return nil }
    address = value
  }

  static func mask(_ prefix: Int) -> UInt32 { prefix <= 0 ? 0 : prefix >= 32 ? ~0 : ~0 << UInt32(32 - prefix) }

  /// The address with only the counting bits.
  var network: UInt32 { address & IPv4Network.mask(prefix) }

  static func text(_ address: UInt32) -> String { "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)" }
}

/// An IPv6 address (IPv4 is mapped) and how many of its 128 bits count.
struct IPv6Network: Sendable {
  var address: UInt128
  var prefix: Int

  /// IPv6 text with `::` and an IPv4 tail, or IPv4 text, each with an optional `/n`.
  // SAFETY: the text's bytes live for the calls, which copy what they keep.
  init?(_ bytes: UnsafeBufferPointer<UInt8>) {
    if let v4 = unsafe IPv4Network(bytes) {
      address = 0xFFFF << 32 | UInt128(v4.address)
      prefix = 96 + v4.prefix
      return
    }
    var text = unsafe Substring(String(decoding: bytes, as: UTF8.self))
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    prefix = 128
    if let slash = text.firstIndex(of: "/") {
      guard let bits = Int(text[text.index(after: slash)...]), (0...128).contains(bits) else { return nil }
      prefix = bits
      text = text[..<slash]
    }
    func groups(_ part: Substring) -> [UInt16]? {
      if part.isEmpty { return [] }
      var out: [UInt16] = []
      let pieces = part.split(separator: ":", omittingEmptySubsequences: false)
      for (k, piece) in pieces.enumerated() {
        if k == pieces.count - 1, piece.contains(".") {
          var tail = String(piece)
          guard let v4 = tail.withUTF8({ unsafe IPv4Network($0) }), v4.prefix == 32, !piece.contains("/") else { return nil }
          out += [UInt16(v4.address >> 16), UInt16(truncatingIfNeeded: v4.address)]
        } else {
          guard (1...4).contains(piece.utf8.count), piece.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }), let value = UInt16(piece, radix: 16) else { return nil }
          out.append(value)
        }
      }
      return out
    }
    var all: [UInt16]
    let characters = Array(text.utf8)
    if let gap = characters.indices.dropLast().first(where: { characters[$0] == 0x3A && characters[$0 + 1] == 0x3A }) {
      let head = Substring(String(decoding: characters[..<gap], as: UTF8.self)), tail = Substring(String(decoding: characters[(gap + 2)...], as: UTF8.self))
      guard let before = groups(head), let after = groups(tail), before.count + after.count < 8 else { return nil }
      all = before + Array(repeating: 0, count: 8 - before.count - after.count) + after
    } else {
      guard let whole = groups(text), whole.count == 8 else { return nil }
      all = whole
    }
    address = all.reduce(0) { $0 << 16 | UInt128($1) }
    // `::a.b.c.d` is the IPv4 address; its prefix counts the bits of that. Source: Kusto "parse_ipv6_mask()".
    if text.contains("."), address >> 32 == 0 {
      address |= 0xFFFF << 32
      if prefix <= 32 { prefix += 96 }
    }
  }

  static func mask(_ prefix: Int) -> UInt128 { prefix <= 0 ? 0 : prefix >= 128 ? ~0 : ~0 << UInt128(128 - prefix) }

  var network: UInt128 { address & IPv6Network.mask(prefix) }

  /// Eight groups of four digits.
  static func text(_ address: UInt128) -> String {
    (0..<8).map { k in
      let group = String(UInt16(truncatingIfNeeded: address >> UInt128(112 - 16 * k)), radix: 16)
      return String(repeating: "0", count: 4 - group.utf8.count) + group
    }.joined(separator: ":")
  }
}

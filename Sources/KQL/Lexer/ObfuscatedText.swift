// Role: texts without their secrets, for logs, messages and drawn excerpts: what stands in obfuscated strings (`h'…'`), and the keys in addresses
// and connection strings (`sig=…` of shared access signatures, `AccountKey=…`, what follows the `;` of a storage path, passwords of addresses).

/// Hides secrets in texts of queries and commands, whole or cut, right or wrong.
package enum ObfuscatedText {
  private static let star = UInt8(ascii: "*")

  /// The text with `****` in the place of each secret. `isMessage`: it is no query but what a service said, where `password=…` is no column.
  package static func hidden(_ text: String, isMessage: Bool = false) -> String {
    let bytes = Array(text.utf8)
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count)
    var at = 0
    for range in secrets(bytes, isMessage ? words + messageWords : words) {
      out += bytes[at..<range.lowerBound]
      out += [star, star, star, star]
      at = range.upperBound
    }
    out += bytes[at...]
    return String(decoding: out, as: UTF8.self)
  }

  /// The bytes with stars over each secret: every other byte stays where it is.
  static func covered(_ bytes: [UInt8]) -> [UInt8] {
    var out = bytes
    for range in secrets(bytes, words) { for i in range { out[i] = star } }
    return out
  }

  /// Where the secrets are, in order and apart from each other.
  private static func secrets(_ bytes: [UInt8], _ words: [[UInt8]]) -> [Range<Int>] {
    guard bytes.contains(where: { $0 | 0x20 == 0x68 || $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: "%") || $0 | 0x20 == 0x62 }) else { return [] }
    var found: [Range<Int>] = []
    var end = 0
    for token in Lexer.tokenize(bytes).tokens where token.kind == .string || token.kind == .invalid {
      guard let inside = inside(bytes, Int(token.start)..<Int(token.end)), !inside.isEmpty else { continue }
      found += keys(bytes, end..<inside.lowerBound, words)
      found.append(inside)
      end = inside.upperBound
    }
    return found + keys(bytes, end..<bytes.count, words)
  }

  /// What stands between the quotes of an obfuscated string; to its end where there is no closing quote. Nil for other tokens.
  private static func inside(_ bytes: [UInt8], _ token: Range<Int>) -> Range<Int>? {
    var i = token.lowerBound
    guard bytes[i] | 0x20 == 0x68 else { return nil }
    i += 1
    if i < token.upperBound, bytes[i] == UInt8(ascii: "@") { i += 1 }
    guard i < token.upperBound, let quote = quotes(bytes, i) else { return nil }
    let start = min(i + quote, token.upperBound)
    let closes = token.upperBound - quote >= start && (0..<quote).allSatisfy { bytes[token.upperBound - 1 - $0] == bytes[i] }
    return start..<(closes ? token.upperBound - quote : token.upperBound)
  }

  /// The length of the quote at a place: one, or three of a fence.
  private static func quotes(_ bytes: [UInt8], _ i: Int) -> Int? {
    switch bytes[i] {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): 1
    case UInt8(ascii: "`"), UInt8(ascii: "~"): 3
    default: nil
    }
  }

  // MARK: Addresses

  /// What secrets follow, in small letters.
  private static let words = ["sig=", "sig%3d", "accountkey=", "sharedaccesssignature=", "sharedaccesskey=", "appkey=", "clientsecret=", "client_secret="].map { Array($0.utf8) }
  private static let messageWords = ["password=", "pwd=", "?code=", "&code=", "bearer "].map { Array($0.utf8) }
  private static let scheme = Array("://".utf8)

  /// Keys of addresses in a part of the text.
  private static func keys(_ bytes: [UInt8], _ range: Range<Int>, _ words: [[UInt8]]) -> [Range<Int>] {
    var found: [Range<Int>] = []
    var isAddress = false
    var i = range.lowerBound
    while i < range.upperBound {
      if endsAddress(bytes[i]) { isAddress = false }
      if matches(bytes, i, scheme, range.upperBound) {
        isAddress = true
        i += scheme.count
        if let password = password(bytes, i..<range.upperBound) {
          found.append(password)
          i = password.upperBound
        }
        continue
      }
      var start: Int?
      let isWord = i == range.lowerBound || !isWordPart(bytes[i - 1])
      if let word = words.first(where: { (isWord || !isWordPart($0[0])) && matches(bytes, i, $0, range.upperBound) }) { start = i + word.count }
      if isAddress, bytes[i] == UInt8(ascii: ";") { start = i + 1 }
      guard let start else {
        i += 1
        continue
      }
      let isSignature = bytes[start - 1] != UInt8(ascii: ";")
      i = start
      while i < range.upperBound, !endsAddress(bytes[i]), !(isSignature && (bytes[i] == UInt8(ascii: "&") || bytes[i] == UInt8(ascii: ";"))) { i += 1 }
      if i > start, !(bytes[start..<i].elementsEqual("impersonate".utf8)) { found.append(start..<i) }
    }
    return found
  }

  /// Letters of the text may be large.
  private static func matches(_ bytes: [UInt8], _ i: Int, _ word: [UInt8], _ end: Int) -> Bool {
    i + word.count <= end && bytes[i..<(i + word.count)].elementsEqual(word) { ($0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0) == $1 }
  }

  /// The password of `user:password@host` behind a scheme.
  private static func password(_ bytes: [UInt8], _ range: Range<Int>) -> Range<Int>? {
    var colon: Int?
    for i in range {
      let byte = bytes[i]
      if byte == UInt8(ascii: "@") { return colon.flatMap { $0 + 1 < i ? $0 + 1..<i : nil } }
      if byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: ";") || endsAddress(byte) { return nil }
      if byte == UInt8(ascii: ":"), colon == nil { colon = i }
    }
    return nil
  }

  private static func endsAddress(_ byte: UInt8) -> Bool {
    byte <= 0x20 || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "`") || byte == UInt8(ascii: ",") || byte == UInt8(ascii: ")")
  }
}

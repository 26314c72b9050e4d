// Role: texts without their secrets, for logs, messages and drawn excerpts: what stands in obfuscated strings (`h'…'`), and the keys in addresses
// and connection strings (`sig=…` of shared access signatures, `AccountKey=…`, what follows the `;` of a storage path, `code=…` of functions, passwords of addresses).

/// Hides secrets in texts of queries and commands, whole or cut, right or wrong.
package enum ObfuscatedText {
  private static let star = UInt8(ascii: "*")

  /// The text with `****` in the place of each secret. `isMessage`: it is no query but what a service said, where `password=…` is no column.
  package static func hidden(_ text: String, isMessage: Bool = false) -> String {
    let bytes = Array(text.utf8)
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count)
    var at = 0
    for range in secrets(bytes, isMessage: isMessage) {
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
    for range in secrets(bytes, isMessage: false) { for i in range { out[i] = star } }
    return out
  }

  /// Where the secrets are, in order and apart from each other.
  private static func secrets(_ bytes: [UInt8], isMessage: Bool) -> [Range<Int>] {
    guard bytes.contains(where: { $0 | 0x20 == 0x68 || $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: "%") || $0 | 0x20 == 0x62 }) else { return [] }
    let wanted = isMessage ? words + messageWords : words
    var found: [Range<Int>] = []
    var end = 0
    for token in Lexer.tokenize(bytes).tokens where token.kind == .string || token.kind == .invalid {
      let range = Int(token.start)..<Int(token.end)
      let isObfuscated = bytes[range.lowerBound] | 0x20 == 0x68
      // The quotes of a message need not be those of a literal.
      guard isObfuscated || !isMessage, let inside = inside(bytes, range), !inside.isEmpty else { continue }
      found += keys(bytes, end..<inside.lowerBound, wanted)
      if isObfuscated { found.append(inside) } else { found += keys(bytes, inside, wanted, isLiteral: true) }
      end = inside.upperBound
    }
    return found + keys(bytes, end..<bytes.count, wanted)
  }

  /// What stands between the quotes of a string; to its end where there is no closing quote. Nil for other tokens.
  private static func inside(_ bytes: [UInt8], _ token: Range<Int>) -> Range<Int>? {
    var i = token.lowerBound
    if bytes[i] | 0x20 == 0x68 { i += 1 }
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
  private static let words = ["sig=", "sig%3d", "accountkey=", "sharedaccesssignature=", "sharedaccesskey=", "appkey=", "clientsecret=", "client_secret=", "?code=", "&code=", "x-amz-signature=", "x-amz-security-token="].map {
    Array($0.utf8)
  }
  private static let messageWords = ["password=", "pwd=", "bearer "].map { Array($0.utf8) }
  private static let scheme = Array("://".utf8)

  /// Keys of addresses in a part of the text. `isLiteral`: the part is what a string holds, and what follows the `;` of an address goes to its end,
  /// as in `https://b.s3.eu-west-1.amazonaws.com/x;AwsCredentials=ID,SECRET`.
  private static func keys(_ bytes: [UInt8], _ range: Range<Int>, _ words: [[UInt8]], isLiteral: Bool = false) -> [Range<Int>] {
    var found: [Range<Int>] = []
    var isAddress = false
    var i = range.lowerBound
    while i < range.upperBound {
      if !isLiteral, endsAddress(bytes[i]) { isAddress = false }
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
      if isSignature {
        while i < range.upperBound, !endsAddress(bytes[i]), bytes[i] != UInt8(ascii: "&"), bytes[i] != UInt8(ascii: ";") { i += 1 }
      } else {
        while i < range.upperBound, isLiteral || !endsKey(bytes, i, range.upperBound) { i += 1 }
      }
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

  /// Whether a place behind the `;` of an address is beyond it: a comma or parenthesis is where nothing follows that could belong to a key.
  private static func endsKey(_ bytes: [UInt8], _ i: Int, _ end: Int) -> Bool {
    guard endsAddress(bytes[i]), bytes[i] == UInt8(ascii: ",") || bytes[i] == UInt8(ascii: ")") else { return endsAddress(bytes[i]) }
    return i + 1 == end || endsAddress(bytes[i + 1])
  }

  private static func endsAddress(_ byte: UInt8) -> Bool {
    byte <= 0x20 || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "`") || byte == UInt8(ascii: ",") || byte == UInt8(ascii: ")")
  }
}

// Text to tokens, one pass over the UTF-8 bytes.
// White space and `//` comments separate tokens and are dropped. Every problem is reported and scanning goes on, so the
// parser always gets a token list that ends with `.end`.
// Source: Kusto's published token grammar (KqlTokens.g4) and language reference.

struct Lexer {
  let bytes: [UInt8]
  private(set) var tokens: [Token] = []
  private(set) var diagnostics: [KQLDiagnostic] = []
  private var i = 0
  /// Whether `<|`, behind which a command has raw text, ends the tokens.
  private let stopsAtInput: Bool

  init(bytes: [UInt8], from start: Int = 0, stopsAtInput: Bool = false) {
    self.bytes = bytes
    i = start
    self.stopsAtInput = stopsAtInput
  }

  /// Scans the text from a byte offset on.
  static func tokenize(_ bytes: [UInt8], from start: Int = 0, stopsAtInput: Bool = false) -> (tokens: [Token], diagnostics: [KQLDiagnostic]) {
    var lexer = Lexer(bytes: bytes, from: start, stopsAtInput: stopsAtInput)
    lexer.tokens.reserveCapacity(bytes.count / 4 + 1)
    lexer.run()
    return (lexer.tokens, lexer.diagnostics)
  }

  /// The byte at `i + offset`, 0 past the end.
  private func peek(_ offset: Int = 0) -> UInt8 { i + offset < bytes.count ? bytes[i + offset] : 0 }

  private mutating func run() {
    while true {
      skipSpace()
      guard i < bytes.count else { break }
      let start = i
      let kind = next()
      tokens.append(Token(kind: kind, start: Int32(start), end: Int32(i)))
      if stopsAtInput, kind == .pipe, tokens.count > 1, tokens[tokens.count - 2].kind == .less, tokens[tokens.count - 2].end == Int32(start) { break }
    }
    tokens.append(Token(kind: .end, start: Int32(bytes.count), end: Int32(bytes.count)))
  }

  private mutating func skipSpace() {
    while i < bytes.count {
      let byte = bytes[i]
      if byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) {
        i += 1
      } else if byte == 0x2F && peek(1) == 0x2F {
        while i < bytes.count && bytes[i] != 0x0A && bytes[i] != 0x0D { i += 1 }
      } else if byte >= 0xC2, let length = unicodeSpaceLength() {
        i += length
      } else {
        return
      }
    }
  }

  /// Length in bytes of a white-space character outside ASCII at the cursor, nil when there is none.
  private func unicodeSpaceLength() -> Int? {
    switch (peek(), peek(1), peek(2)) {
    case (0xC2, 0xA0, _): 2
    case (0xE1, 0x9A, 0x80), (0xE1, 0xA0, 0x8E): 3
    case (0xE2, 0x80, 0x80...0x8B), (0xE2, 0x80, 0xA8), (0xE2, 0x80, 0xA9), (0xE2, 0x80, 0xAF), (0xE2, 0x81, 0x9F): 3
    case (0xE3, 0x80, 0x80), (0xEF, 0xBB, 0xBF): 3
    default: nil
    }
  }

  private mutating func next() -> TokenKind {
    let byte = bytes[i]
    if isDigit(byte) { return number() }
    if isWordStart(byte) { return word() }
    switch byte {
    case 0x22, 0x27: return quoted()
    case 0x40 where peek(1) == 0x22 || peek(1) == 0x27:
      i += 1
      return verbatim()
    case 0x60 where peek(1) == 0x60 && peek(2) == 0x60: return fenced(0x60)
    case 0x7E where peek(1) == 0x7E && peek(2) == 0x7E: return fenced(0x7E)
    case 0x21: return bang()
    default: return punctuation(byte)
    }
  }

  private mutating func punctuation(_ byte: UInt8) -> TokenKind {
    i += 1
    switch byte {
    case 0x28: return .leftParen
    case 0x29: return .rightParen
    case 0x5B: return .leftBracket
    case 0x5D: return .rightBracket
    case 0x7B: return .leftBrace
    case 0x7D: return .rightBrace
    case 0x2C: return .comma
    case 0x3B: return .semicolon
    case 0x3A: return .colon
    case 0x7C: return .pipe
    case 0x2B: return .plus
    case 0x2D: return .minus
    case 0x2A: return .star
    case 0x2F: return .slash
    case 0x25: return .percent
    case 0x40: return .at
    case 0x3F: return .question
    case 0x2E: return follow(0x2E, .dotDot) ?? .dot
    case 0x3D: return follow(0x3D, .equal) ?? follow(0x7E, .tildeEqual) ?? follow(0x3E, .arrow) ?? .assign
    case 0x3C: return follow(0x3D, .lessOrEqual) ?? follow(0x3E, .notEqual) ?? .less
    case 0x3E: return follow(0x3D, .greaterOrEqual) ?? .greater
    case 0x26:
      let start = i - 1
      if peek() == 0x26 { i += 1 }
      report(.unexpected, "unexpected '&'", from: start, hint: "write 'and'; for bits use binary_and(a, b)")
      return .invalid
    default:
      let shown = byte > 0x20 && byte < 0x7F ? "'\(Unicode.Scalar(byte))'" : "with code \(byte)"
      report(.unexpected, "unexpected character \(shown)", from: i - 1, hint: byte == 0x23 ? "a comment begins with //" : byte == 0x7E ? "texts are compared whatever their case with =~ and !~" : nil)
      return .invalid
    }
  }

  private mutating func follow(_ byte: UInt8, _ kind: TokenKind) -> TokenKind? {
    guard peek() == byte else { return nil }
    i += 1
    return kind
  }

  /// `!=`, `!~` or a negated word operator.
  private mutating func bang() -> TokenKind {
    let start = i
    i += 1
    if let kind = follow(0x3D, .notEqual) ?? follow(0x7E, .notTilde) { return kind }
    guard isWordStart(peek()) else {
      report(.unexpected, "unexpected '!'", from: start, hint: "negate with not(...), or use an operator such as != or !in")
      return .invalid
    }
    while isWordPart(peek()) { i += 1 }
    if peek() == 0x7E && peek(1) != 0x7E { i += 1 }
    return .operatorWord
  }

  private mutating func word() -> TokenKind {
    let start = i
    // An obfuscated string: h"..." or H@'...'.
    if bytes[i] | 0x20 == 0x68 {
      let after = peek(1)
      if after == 0x22 || after == 0x27 {
        i += 1
        return quoted()
      }
      if after == 0x40 && (peek(2) == 0x22 || peek(2) == 0x27) {
        i += 2
        return verbatim()
      }
      if (after == 0x60 || after == 0x7E) && peek(2) == after && peek(3) == after {
        i += 1
        return fenced(after)
      }
    }
    while i < bytes.count && isWordPart(bytes[i]) {
      if bytes[i] >= 0xC2 && unicodeSpaceLength() != nil { break }
      i += 1
    }
    if peek() == 0x28 {
      let text = String(decoding: bytes[start..<i], as: UTF8.self)
      if let type = ScalarTypeName(word: text), type != .dynamic, type != .string { return typedLiteral() }
    }
    if peek() == 0x7E && peek(1) != 0x7E && i - start == 2 && bytes[start] == 0x69 && bytes[start + 1] == 0x6E {
      i += 1
      return .operatorWord
    }
    return .word
  }

  /// The rest of `type(text)`, from the opening parenthesis. A quoted text may hold parentheses.
  private mutating func typedLiteral() -> TokenKind {
    let open = i
    i += 1
    var quote: UInt8 = 0
    var depth = 0
    while i < bytes.count {
      let byte = bytes[i]
      i += 1
      if quote != 0 {
        if byte == quote { quote = 0 }
      } else if byte == 0x28 {
        depth += 1
      } else if byte == 0x29 {
        if depth == 0 { return .typed }
        depth -= 1
      } else if byte == 0x22 || byte == 0x27 {
        quote = byte
      }
    }
    report(.malformed, "literal without a closing ')'", from: open)
    return .invalid
  }

  /// Digits, then whatever letters follow at once decide between number, timespan and a name such as `3Dchart`.
  private mutating func number() -> TokenKind {
    let start = i
    if peek() == 0x30 && (peek(1) | 0x20) == 0x78 && isHexDigit(peek(2)) {
      i += 2
      while isHexDigit(peek()) { i += 1 }
      if isWordPart(peek()) {
        while isWordPart(peek()) { i += 1 }
        return .word
      }
      return .long
    }
    while isDigit(peek()) { i += 1 }
    var kind = TokenKind.long
    // "1..5" is a range; "1.", "1.5" and "1.e5" are reals.
    if peek() == 0x2E && peek(1) != 0x2E && !(isWordStart(peek(1)) && (peek(1) | 0x20) != 0x65) {
      i += 1
      while isDigit(peek()) { i += 1 }
      kind = .real
    }
    if peek() | 0x20 == 0x65 && (isDigit(peek(1)) || ((peek(1) == 0x2B || peek(1) == 0x2D) && isDigit(peek(2)))) {
      var j = i + 1
      if bytes[j] == 0x2B || bytes[j] == 0x2D { j += 1 }
      while j < bytes.count && isDigit(bytes[j]) { j += 1 }
      if j >= bytes.count || !isWordPart(bytes[j]) {
        i = j
        return .real
      }
    }
    guard isWordStart(peek()) else { return kind }
    let suffix = i
    while isWordPart(peek()) { i += 1 }
    if TimespanUnit.ticks(String(decoding: bytes[suffix..<i], as: UTF8.self)) != nil { return .timespan }
    if kind == .long { return .word }
    i = suffix
    report(.malformedLiteral, "'\(String(decoding: bytes[start..<suffix], as: UTF8.self))' is followed by letters that are no unit of time", from: start)
    return .real
  }

  /// A string with backslash escapes, from its opening quote.
  private mutating func quoted() -> TokenKind {
    let quote = bytes[i]
    let start = i
    i += 1
    while i < bytes.count {
      switch bytes[i] {
      case quote:
        i += 1
        return .string
      case 0x5C: i += min(2, bytes.count - i)
      case 0x0A, 0x0D:
        report(.malformed, "string without a closing \(quote == 0x22 ? "double" : "single") quote", from: start, hint: "for text over several lines use ``` before and after it")
        return .invalid
      default: i += 1
      }
    }
    report(.malformed, "string without a closing \(quote == 0x22 ? "double" : "single") quote", from: start)
    return .invalid
  }

  /// A verbatim string, from its opening quote: the only escape is the doubled quote.
  private mutating func verbatim() -> TokenKind {
    let quote = bytes[i]
    let start = i
    i += 1
    while i < bytes.count {
      let byte = bytes[i]
      if byte == 0x0A || byte == 0x0D { break }
      i += 1
      if byte == quote {
        if peek() != quote { return .string }
        i += 1
      }
    }
    report(.malformed, "verbatim string without a closing quote", from: start)
    return .invalid
  }

  /// A multi-line string between ``` or ~~~.
  private mutating func fenced(_ fence: UInt8) -> TokenKind {
    let start = i
    i += 3
    while i < bytes.count {
      if bytes[i] == fence && peek(1) == fence && peek(2) == fence {
        i += 3
        return .string
      }
      i += 1
    }
    report(.malformed, "multi-line string without its closing \(fence == 0x60 ? "```" : "~~~")", from: start)
    return .invalid
  }

  private mutating func report(_ code: DiagnosticCode, _ message: String, from start: Int, hint: String? = nil) {
    diagnostics.append(KQLDiagnostic(code, message, at: SourceSpan(start: start, end: max(i, start + 1)), hint: hint))
  }
}

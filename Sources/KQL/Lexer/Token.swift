// Tokens: what the lexer hands to the parser. A token is a kind and a byte range; its text is read from the source
// when the parser needs it, so a large `datatable` costs twelve bytes a token.

enum TokenKind: UInt8, Sendable {
  /// Identifier or keyword; the language has no reserved words that every place agrees on.
  case word
  /// A word with `!` before it or `~` after it: `!in`, `in~`, `!in~`, `!has`.
  case operatorWord
  /// `42`, `0x2A`
  case long
  /// `1.5`, `2e10`
  case real
  /// `1d`, `2.5h`, `100ms`
  case timespan
  /// Any quoted form.
  case string
  /// `type(text)` for the scalar types except dynamic: `datetime(2024-01-01)`.
  case typed
  case leftParen, rightParen, leftBracket, rightBracket, leftBrace, rightBrace
  case comma, semicolon, colon, dot, dotDot, pipe
  case assign, equal, notEqual, less, lessOrEqual, greater, greaterOrEqual, tildeEqual, notTilde
  case plus, minus, star, slash, percent, arrow, at, question
  /// A character or literal that is none of these; the lexer has reported it.
  case invalid
  case end
}

struct Token: Sendable {
  var kind: TokenKind
  var start: Int32
  var end: Int32

  var span: SourceSpan { SourceSpan(start: Int(start), end: Int(end)) }
}

/// Byte classes of the language.
@inline(__always) func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

@inline(__always) func isHexDigit(_ byte: UInt8) -> Bool {
  isDigit(byte) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x66)
}

/// Letters, `_`, `$`; every byte of a non-ASCII character counts as a letter.
@inline(__always) func isWordStart(_ byte: UInt8) -> Bool {
  (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || byte == 0x5F || byte == 0x24 || byte >= 0x80
}

@inline(__always) func isWordPart(_ byte: UInt8) -> Bool { isWordStart(byte) || isDigit(byte) }

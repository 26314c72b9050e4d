// Role: the exact automaton of a delimited text, byte by byte. It decides wherever the 64-byte masks cannot: quotes inside unquoted fields,
// foreign escapes, comments. Masks and automaton agree on every other input, which is what lets ranges of a file be scanned out of order.

/// Where in a record a byte stands.
package enum ScanState: UInt8, Sendable {
  /// At the first byte of a line.
  case recordStart
  /// At the first byte of a later field.
  case fieldStart
  case unquoted
  case quoted
  /// Behind a quote inside a quoted field: its end, or half of a doubled quote.
  case quoteSeen
  /// Behind a foreign escape inside a quoted field.
  case escaped
  case comment
}

/// The bytes that matter, unpacked for tight loops. Absent ones have an `has` flag or equal the separator.
struct ScanBytes {
  let separator: UInt8
  let quote: UInt8
  let hasQuote: Bool
  let escape: UInt8
  let hasForeignEscape: Bool
  let comment: UInt8
  let hasComment: Bool
  let lineFeed: UInt8
  /// Carriage returns end lines too.
  let hasReturn: Bool
  let trimsLeading: Bool

  init(_ dialect: CSVDialect) {
    separator = dialect.separator
    quote = dialect.quote ?? dialect.separator
    hasQuote = dialect.quote != nil
    escape = dialect.escape
    hasForeignEscape = dialect.hasForeignEscape
    comment = dialect.comment ?? 0
    hasComment = dialect.comment != nil
    lineFeed = dialect.lineEnd ?? 0x0A
    hasReturn = dialect.lineEnd == nil
    trimsLeading = dialect.trimsLeading
  }

  /// True when a line may end at this byte.
  @inline(__always) func isLineEnd(_ c: UInt8) -> Bool { c == lineFeed || (hasReturn && c == 0x0D) }

  /// The state behind byte `c`.
  @inline(__always) func next(_ state: ScanState, _ c: UInt8) -> ScanState {
    switch state {
    case .quoted:
      if c == quote { return .quoteSeen }
      return hasForeignEscape && c == escape ? .escaped : .quoted
    case .escaped: return .quoted
    case .comment: return isLineEnd(c) ? .recordStart : .comment
    case .quoteSeen where c == quote: return .quoted
    case .recordStart, .fieldStart:
      if state == .recordStart, hasComment, c == comment { return .comment }
      if hasQuote, c == quote { return .quoted }
      if c == separator { return .fieldStart }
      if isLineEnd(c) { return .recordStart }
      if trimsLeading, c == 0x20 || c == 0x09 { return .fieldStart }
      return .unquoted
    case .unquoted, .quoteSeen:
      if c == separator { return .fieldStart }
      return isLineEnd(c) ? .recordStart : .unquoted
    }
  }

  /// The state that a byte leaves behind outside quotes (where masks apply).
  @inline(__always) func stateBehind(_ c: UInt8) -> ScanState {
    if isLineEnd(c) { return .recordStart }
    if c == separator { return .fieldStart }
    return hasQuote && c == quote ? .quoteSeen : .unquoted
  }

  /// True when the masks alone can be wrong for a text that holds this byte.
  @inline(__always) var needsTroubleSearch: Bool { hasForeignEscape || hasComment }
}

// Role: what must be known of a query's text before operators are put behind it: where its last statement ends, and how many there are.

/// A query text as the beginning of another one.
package struct QueryTextShape: Sendable {
  /// The text without the semicolons at its end and what follows them.
  package let text: String
  /// False for texts with `let` and other statements, which cannot stand in parentheses.
  package let isSingleStatement: Bool
  /// One statement that is a query, and no operator that gives several tables.
  package let hasOneResult: Bool
  /// The text is a management command.
  package let isCommand: Bool
  /// Nothing but white space, comments and semicolons.
  package let isEmpty: Bool

  /// Looks at tokens alone, so semicolons in texts and comments do not count.
  package init(_ source: String) {
    let bytes = Array(source.utf8)
    var tokens = Lexer.tokenize(bytes).tokens
    while let last = tokens.last, last.kind == .end { tokens.removeLast() }
    var end = bytes.count
    while let last = tokens.last, last.kind == .semicolon {
      end = Int(last.start)
      tokens.removeLast()
    }
    text = String(decoding: bytes[..<end], as: UTF8.self)
    isSingleStatement = !tokens.contains { $0.kind == .semicolon }
    let manyResults: Set<String> = ["fork", "facet", "batch", "execute"]
    hasOneResult = Self.queryCount(tokens, bytes) == 1 && !tokens.contains { $0.kind == .word && manyResults.contains(String(decoding: bytes[Int($0.start)..<Int($0.end)], as: UTF8.self)) }
    isCommand = tokens.first?.kind == .dot
    isEmpty = tokens.isEmpty
  }

  /// Statements that only prepare others.
  private static let preparing: Set<String> = ["let", "set", "declare", "alias", "restrict"]

  /// How many statements are queries: semicolons in the bodies of functions end none.
  private static func queryCount(_ tokens: [Token], _ bytes: [UInt8]) -> Int {
    var count = 0, depth = 0
    var isAtStart = true
    for token in tokens {
      switch token.kind {
      case .leftParen, .leftBrace, .leftBracket: depth += 1
      case .rightParen, .rightBrace, .rightBracket: depth -= 1
      case .semicolon where depth <= 0:
        isAtStart = true
        continue
      default: break
      }
      if isAtStart, !(token.kind == .word && preparing.contains(String(decoding: bytes[Int(token.start)..<Int(token.end)], as: UTF8.self))) { count += 1 }
      isAtStart = false
    }
    return count
  }
}

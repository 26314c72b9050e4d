// Role: what an editor asks of a text while it is typed: whether it is complete, and how its pieces are coloured.

/// A coloured piece of a text.
package struct TextPiece: Sendable, Hashable {
  package enum Kind: Sendable, Hashable { case `operator`, keyword, function, string, number, comment, punctuation }
  package var kind: Kind
  /// Byte offsets.
  package var range: Range<Int>
}

/// Questions about a text under construction.
package enum TextState {
  /// True when the text ends with `;` outside strings, comments and brackets.
  package static func endsStatement(_ text: String) -> Bool {
    let tokens = Lexer.tokenize(Array(text.utf8)).tokens
    var depth = 0
    for token in tokens {
      switch token.kind {
      case .leftParen, .leftBracket, .leftBrace: depth += 1
      case .rightParen, .rightBracket, .rightBrace: depth -= 1
      default: break
      }
    }
    guard depth <= 0, let last = tokens.dropLast().last else { return false }
    return last.kind == .semicolon
  }

  /// True when a string of several lines (```` ``` ````) is still open: an empty line then belongs to it.
  package static func isInsideFence(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard let last = Lexer.tokenize(bytes).tokens.dropLast().last, last.kind == .string, Int(last.end) == bytes.count else { return false }
    let token = bytes[Int(last.start)..<Int(last.end)]
    let mark = token.first == 0x68 || token.first == 0x48 ? token.dropFirst() : token
    guard mark.starts(with: [0x60, 0x60, 0x60]) || mark.starts(with: [0x7E, 0x7E, 0x7E]) else { return false }
    return mark.count < 6 || !mark.suffix(3).elementsEqual(mark.prefix(3))
  }

  /// True when the text holds nothing but white space and comments.
  package static func isBlank(_ text: String) -> Bool { Lexer.tokenize(Array(text.utf8)).tokens.count == 1 }

  /// The pieces worth a colour, in order.
  package static func pieces(_ text: String) -> [TextPiece] {
    let bytes = Array(text.utf8)
    let tokens = Lexer.tokenize(bytes).tokens
    var out: [TextPiece] = []
    var end = 0
    var previous = TokenKind.pipe
    for (i, token) in tokens.enumerated() {
      let start = Int(token.start)
      // What lies between tokens and is no space is a comment.
      if let first = bytes[end..<start].firstIndex(of: 0x2F) { out.append(TextPiece(kind: .comment, range: first..<start)) }
      end = Int(token.end)
      switch token.kind {
      case .string: out.append(TextPiece(kind: .string, range: start..<end))
      case .long, .real, .timespan, .typed: out.append(TextPiece(kind: .number, range: start..<end))
      case .operatorWord: out.append(TextPiece(kind: .keyword, range: start..<end))
      case .word:
        if previous == .minus, let last = out.last, last.kind == .operator, last.range.upperBound == start - 1 {
          // The second word of `mv-expand`.
          out[out.count - 1].range = last.range.lowerBound..<end
          break
        }
        let word = String(decoding: bytes[start..<end], as: UTF8.self)
        if previous == .pipe || i == 0 || previous == .semicolon || previous == .leftParen, OperatorNames.all.contains(where: { $0 == word || $0.hasPrefix(word + "-") }) || word == "let" || word == "set" || word == "declare" {
          out.append(TextPiece(kind: .operator, range: start..<end))
        } else if KQLWords.keywords.contains(word) {
          out.append(TextPiece(kind: .keyword, range: start..<end))
        } else if i + 1 < tokens.count, tokens[i + 1].kind == .leftParen {
          out.append(TextPiece(kind: .function, range: start..<end))
        }
      case .pipe: out.append(TextPiece(kind: .punctuation, range: start..<end))
      default: break
      }
      previous = token.kind
    }
    return out
  }
}

/// The words of the language that are neither operators after a pipe nor functions.
enum KQLWords {
  static let keywords: Set<String> = [
    "and", "or", "by", "on", "in", "between", "asc", "desc", "nulls", "first", "last", "with", "kind", "of", "from", "to", "step", "default",
    "has", "has_cs", "has_any", "has_all", "hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs", "contains", "contains_cs", "startswith",
    "startswith_cs", "endswith", "endswith_cs", "matches", "regex", "true", "false", "null", "datatable", "withsource", "isfuzzy", "view",
  ]

  /// What an operator takes besides expressions.
  static let clauses: [String: [String]] = [
    "sort": ["by", "asc", "desc", "nulls first", "nulls last"], "order": ["by", "asc", "desc", "nulls first", "nulls last"],
    "top": ["by", "asc", "desc", "nulls first", "nulls last"], "summarize": ["by"], "join": ["kind=", "on"], "lookup": ["kind=", "on"],
    "union": ["kind=", "withsource=", "isfuzzy="], "make-series": ["default=", "on", "from", "to", "step", "by"], "render": ["with ("],
    "parse": ["kind=", "with"], "parse-where": ["kind=", "with"], "range": ["from", "to", "step"], "top-hitters": ["of", "by"],
    "sample-distinct": ["of"], "mv-expand": ["to typeof(", "limit"], "mv-apply": ["on", "to typeof(", "limit"], "top-nested": ["of", "by", "with others="],
    "partition": ["by", "hint.strategy="], "distinct": ["*"], "reduce": ["by", "with"], "search": ["in (", "kind="], "find": ["in (", "where", "withsource="], "scan": ["declare (", "with ("],
  ]

  static let joinKinds = ["inner", "innerunique", "leftouter", "rightouter", "fullouter", "leftsemi", "rightsemi", "leftanti", "rightanti"]
  static let charts = ["anomalychart", "areachart", "barchart", "card", "columnchart", "linechart", "piechart", "scatterchart", "stackedareachart", "table", "timechart"]
  static let binaryOperators = [
    "==", "!=", "=~", "!~", "and", "or", "in (", "!in (", "in~ (", "between (", "has", "!has", "has_cs", "has_any (", "has_all (", "hasprefix",
    "hassuffix", "contains", "!contains", "contains_cs", "startswith", "startswith_cs", "endswith", "endswith_cs", "matches regex",
  ]
  static let statements = ["let", "set", "declare query_parameters(", "print", "range", "datatable(", "union", "search", "find"]
}

// What to write instead of a token that cannot stand where it does: habits of other languages and near names.

extension Parser {
  /// Words between the operands of an expression.
  private static let wordOperators: [String] = {
    let texts = BinaryOperator.allCases.map(\.rawValue) + MembershipOperator.allCases.map(\.rawValue)
    return ["and", "or", "between"] + texts.filter { ($0.utf8.first ?? 0) >= 0x61 && !$0.hasSuffix("like") && !$0.hasSuffix("likecs") }
  }()

  /// What helps with the current token behind a complete expression or operator; nil when nothing is known. `start`: where the statement begins, when it does.
  func trailingHint(after start: Int? = nil) -> String? {
    let previous = position > 0 ? tokens[position - 1] : current
    let isSecond = start == position - 1 && previous.kind == .word
    switch kind {
    case .assign where kind(1) == .less && isAdjacent(1): return "write '<='"
    case .assign: return isSecond ? "write: let \(text(of: previous)) = …;" : "use == to compare"
    case .arrow: return "write '>='"
    case .colon where kind(1) == .assign: return "write '=' alone"
    case .pipe: return "an operator is missing before '|'"
    case .question: return "write iff(condition, then, else)"
    case .comma where isSecond: return "tables are put together with union: union \(text(of: previous)), …"
    case .leftParen where previous.kind == .word && text(of: previous) == "count": return "the operator 'count' stands without parentheses"
    case .rightParen, .rightBracket, .rightBrace: return bracketDepth <= 0 ? "nothing is open that it closes" : nil
    default: break
    }
    let isWord = kind == .word || kind == .operatorWord
    let word = text(of: current)
    if isWord, let direction = OperatorNames.directions[word.lowercased()] { return direction }
    if isWord, let hint = nameHint(word) ?? separatorHint(word, after: start) { return hint }
    if isSecond {
      let first = text(of: previous)
      if let hint = ForeignNames.statement(first) ?? NameSuggestion.hint(for: first, among: OperatorNames.beginnings) { return hint }
    }
    guard isWord else { return literalHint(behind: previous) }
    if position > 1, previous.kind == .star, tokens[position - 2].kind == .slash, tokens[position - 2].end == previous.start { return "a comment begins with //" }
    if previous.kind == .word, text(of: previous) == "not" { return "write not(...)" }
    if previous.kind == .long || previous.kind == .real, TimespanUnit.ticks(word) != nil { return "a timespan is written without a space: \(text(of: previous))\(word)" }
    switch word.lowercased() {
    case "not" where Self.negated.contains("!" + text(of: token(1))): return "write '!\(text(of: token(1)))'"
    case "like": return "write 'contains', 'startswith' or 'matches regex'"
    case "starts", "ends": if self.isWord("with", 1) { return "write '\(word)with'" }
    case "when": return "write case(condition, value, …, otherwise)"
    case "is": return "write isnull(x) or isnotnull(x), for texts isempty(x) or isnotempty(x)"
    case "group": return "write 'by'"
    case "matches": return "write 'matches regex'"
    case let small where small != word && Self.wordOperators.contains(small): return "write '\(small)' in small letters"
    default: break
    }
    if word.utf8.count > 3, let near = NameSuggestion.hint(for: word, among: Self.wordOperators) { return near }
    return start == position - 1 ? nil : "perhaps ',' or an operator is missing before it"
  }

  /// The negated operators of words.
  private static let negated: Set<String> = Set((BinaryOperator.allCases.map(\.rawValue) + MembershipOperator.allCases.map(\.rawValue) + ["!between"]).filter { $0.hasPrefix("!") })

  /// `project a as b`: what a name stands in front of.
  private func nameHint(_ word: String) -> String? {
    guard word == "as", kind(1) == .word, let pipe = tokens[..<position].lastIndex(where: { $0.kind == .pipe }) else { return nil }
    guard ["extend", "project", "summarize", "distinct"].contains(text(of: tokens[pipe + 1])) else { return nil }
    return "a name stands in front: \(text(of: token(1))) = …"
  }

  /// What is missing before a word that begins an operator or a statement.
  private func separatorHint(_ word: String, after start: Int?) -> String? {
    let isOperator = OperatorNames.all.contains(word)
    if ["let", "set", "declare", "print", "range"].contains(word), start != position - 1 { return "put ';' before '\(word)'" }
    if isOperator { return "put '|' before '\(word)'" }
    guard let start, ["let", "set"].contains(text(of: tokens[start])), start < position - 1, isFirstOfLine || kind(1) == .pipe else { return nil }
    return "put ';' before '\(word)'"
  }

  /// Whether a line break stands between the current token and the one before it.
  private var isFirstOfLine: Bool { position > 0 && bytes[Int(tokens[position - 1].end)..<Int(current.start)].contains { $0 == 0x0A || $0 == 0x0D } }

  /// What helps with a literal that nothing connects with what is before it.
  private func literalHint(behind previous: Token) -> String? {
    guard previous.kind == .word else { return nil }
    let before = text(of: previous)
    if position > 1, tokens[position - 2].kind == .comma, OperatorNames.all.contains(before) { return "put '|' instead of ',' before '\(before)'" }
    return ScalarTypeName(word: before).map { _ in "write \(before)(…)" }
  }

  /// What helps where a bracket should be closed: where it was opened, or what stands in its way.
  func closingHint(_ closing: TokenKind) -> String? {
    guard [.rightParen, .rightBracket, .rightBrace].contains(closing) else { return nil }
    guard [.end, .pipe, .semicolon].contains(kind) else { return closing == .rightParen ? trailingHint() : nil }
    var depth = 0
    for token in tokens[..<position].reversed() {
      switch token.kind {
      case .rightParen, .rightBracket, .rightBrace: depth += 1
      case .leftParen, .leftBracket, .leftBrace:
        if depth == 0 {
          let (line, column) = SourceLocator(bytes: bytes).lineAndColumn(of: Int(token.start))
          return "the '\(text(of: token))' at \(line):\(column) is open"
        }
        depth -= 1
      default: break
      }
    }
    return nil
  }

  /// What helps where an expression should begin.
  func expressionHint() -> String? {
    let previous = position > 0 ? tokens[position - 1].kind : .end
    return switch kind {
    case .leftBracket: "an array is written dynamic([1, 2])"
    case .leftBrace: "a bag is written dynamic({\"a\": 1})"
    case .assign where previous == .equal: "write '=='"
    case .slash where kind(1) == .star: "a comment begins with //"
    case .operatorWord where text(of: current).hasPrefix("!"): "negate with not(...)"
    case .pipe where previous == .semicolon: "';' ends a statement; remove it before '|'"
    case .end, .pipe, .semicolon, .rightParen: previous == .comma ? "remove the ',' before it" : nil
    default: nil
    }
  }
}

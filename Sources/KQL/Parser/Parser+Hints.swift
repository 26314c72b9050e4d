// What to write instead of a token that cannot stand where it does: habits of other languages and near names.

extension Parser {
  /// Words between the operands of an expression.
  private static let wordOperators: [String] = {
    let texts = BinaryOperator.allCases.map(\.rawValue) + MembershipOperator.allCases.map(\.rawValue)
    return ["and", "or", "between"] + texts.filter { ($0.utf8.first ?? 0) >= 0x61 && !$0.hasSuffix("like") && !$0.hasSuffix("likecs") }
  }()

  /// What helps with the current token behind a complete expression or operator; nil when nothing is known. `start`: where the statement begins, when it does.
  func trailingHint(after start: Int? = nil) -> String? {
    switch kind {
    case .assign: return "use == to compare"
    case .pipe: return "an operator is missing before '|'"
    case .question: return "write iff(condition, then, else)"
    default: break
    }
    let isWord = kind == .word || kind == .operatorWord
    let word = text(of: current)
    if isWord, let direction = OperatorNames.directions[word.lowercased()] { return direction }
    if isWord, OperatorNames.all.contains(word) { return "put '|' before '\(word)'" }
    let previous = position > 0 ? tokens[position - 1] : current
    if start == position - 1, previous.kind == .word, let near = NameSuggestion.hint(for: text(of: previous), among: OperatorNames.beginnings) { return near }
    guard isWord else { return nil }
    if position > 1, previous.kind == .star, tokens[position - 2].kind == .slash, tokens[position - 2].end == previous.start { return "a comment begins with //" }
    if previous.kind == .word, text(of: previous) == "not" { return "write not(...)" }
    switch word.lowercased() {
    case "is": return "write isnull(x) or isnotnull(x), for texts isempty(x) or isnotempty(x)"
    case "group": return "write 'by'"
    case "matches": return "write 'matches regex'"
    case let small where small != word && Self.wordOperators.contains(small): return "write '\(small)' in small letters"
    default: break
    }
    if word.utf8.count > 3, let near = NameSuggestion.hint(for: word, among: Self.wordOperators) { return near }
    return start == position - 1 ? nil : "perhaps ',' or an operator is missing before it"
  }

  /// What helps where an expression should begin.
  func expressionHint() -> String? {
    switch kind {
    case .leftBracket: "an array is written dynamic([1, 2])"
    case .leftBrace: "a bag is written dynamic({\"a\": 1})"
    default: nil
    }
  }
}

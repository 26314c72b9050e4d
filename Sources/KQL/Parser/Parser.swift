// Parser state: the cursor over the tokens, what was reported, and the primitives all rules are written with.
// A rule that cannot go on reports a diagnostic and throws `ParseFailure`; pipelines catch it and go on at the next `|`,
// statement lists at the next `;`, so one text can give several diagnostics.

/// Thrown after a diagnostic was recorded; carries nothing.
struct ParseFailure: Error {}

struct Parser {
  let bytes: [UInt8]
  let tokens: [Token]
  /// Index of the current token.
  private(set) var position = 0
  /// Open brackets before the current token.
  private(set) var bracketDepth = 0
  private(set) var diagnostics: [KQLDiagnostic]
  /// Rules in progress that call themselves.
  private var nesting = 0
  /// Whether `column : "term"` is an expression here (`search`, `find`).
  var allowsSearchTerm = false

  /// Whether a query outside all brackets may start with an operator that needs input, which comes from elsewhere.
  var allowsMissingSource = false

  /// Rules nest at most this deep, and trees are at most this high, so that neither the parser nor a recursive walk over
  /// its result can exhaust the stack.
  static let maximumNesting = 120
  static let maximumHeight: UInt16 = 500
  static let maximumDiagnostics = 20

  /// A parser of the text from a byte offset on; with `stopsAtInput` up to the `<|` of a command.
  init(bytes: [UInt8], from start: Int = 0, stopsAtInput: Bool = false) {
    self.bytes = bytes
    let (tokens, diagnostics) = Lexer.tokenize(bytes, from: start, stopsAtInput: stopsAtInput)
    self.tokens = tokens
    self.diagnostics = Array(diagnostics.prefix(Self.maximumDiagnostics))
  }

  // MARK: Looking

  var current: Token { tokens[position] }
  var kind: TokenKind { tokens[position].kind }

  /// The token `offset` places ahead; the end token repeats.
  func token(_ offset: Int) -> Token { tokens[min(position + offset, tokens.count - 1)] }

  func kind(_ offset: Int) -> TokenKind { token(offset).kind }

  /// Whether the token ahead is this word (case matters, as in Kusto).
  func isWord(_ word: StaticString, _ offset: Int = 0) -> Bool {
    let token = token(offset)
    guard token.kind == .word || token.kind == .operatorWord else { return false }
    return text(of: token, equals: word)
  }

  func text(of token: Token, equals word: StaticString) -> Bool {
    let count = Int(token.end - token.start)
    guard count == word.utf8CodeUnitCount else { return false }
    let start = Int(token.start)
    // SAFETY: a static string's bytes live as long as the program, and `i` stays below their count; `bytes` is checked.
    for i in 0..<count where unsafe bytes[start + i] != word.utf8Start[i] { return false }
    return true
  }

  func text(of token: Token) -> String {
    String(decoding: bytes[Int(token.start)..<Int(token.end)], as: UTF8.self)
  }

  /// Whether nothing stands between the token at `offset` and the one before it.
  func isAdjacent(_ offset: Int) -> Bool {
    position + offset < tokens.count && token(offset).start == token(offset - 1).end
  }

  /// The span from a token index to the last token consumed.
  func span(from start: Int) -> SourceSpan {
    let last = max(start, position - 1)
    return SourceSpan(start: Int(tokens[start].start), end: Int(tokens[last].end))
  }

  // MARK: Moving

  @discardableResult
  mutating func advance() -> Token {
    let token = tokens[position]
    switch token.kind {
    case .leftParen, .leftBracket, .leftBrace: bracketDepth += 1
    case .rightParen, .rightBracket, .rightBrace: bracketDepth -= 1
    default: break
    }
    if position < tokens.count - 1 { position += 1 }
    return token
  }

  mutating func advance(by count: Int) {
    for _ in 0..<count { advance() }
  }

  /// Consumes a token of this kind; false when another stands here.
  mutating func accept(_ kind: TokenKind) -> Bool {
    guard self.kind == kind else { return false }
    advance()
    return true
  }

  mutating func acceptWord(_ word: StaticString) -> Bool {
    guard isWord(word) else { return false }
    advance()
    return true
  }

  mutating func expect(_ kind: TokenKind, _ shown: String, hint: String? = nil) throws(ParseFailure) {
    if accept(kind) { return }
    try fail(.expected, "expected '\(shown)', found \(describeCurrent())", hint: hint ?? closingHint(kind))
  }

  mutating func expectWord(_ word: StaticString) throws(ParseFailure) {
    if !acceptWord(word) { try fail(.expected, "expected '\(word)', found \(describeCurrent())") }
  }

  /// Enters a rule that may call itself; balance with `leave()`.
  mutating func enter() throws(ParseFailure) {
    nesting += 1
    if nesting > Self.maximumNesting {
      nesting -= 1
      try fail(.nestingTooDeep, "query nests deeper than \(Self.maximumNesting) levels")
    }
  }

  mutating func leave() { nesting -= 1 }

  // MARK: Reporting

  /// Drops what was recorded so far.
  mutating func forgetDiagnostics() { diagnostics = [] }

  /// Records a diagnostic, unless one already stands at the same place.
  mutating func report(_ code: DiagnosticCode, _ message: String, at span: SourceSpan, hint: String? = nil) {
    guard diagnostics.count < Self.maximumDiagnostics else { return }
    if diagnostics.contains(where: { $0.span.start == span.start }) { return }
    diagnostics.append(KQLDiagnostic(code, message, at: span, hint: hint))
  }

  /// Records a diagnostic at the current token and gives up the rule.
  mutating func fail(_ code: DiagnosticCode, _ message: String, hint: String? = nil) throws(ParseFailure) -> Never {
    report(code, message, at: current.span, hint: hint)
    throw ParseFailure()
  }

  /// The current token for a message: its text in quotes, or `end of query`.
  func describeCurrent() -> String {
    if kind == .end { return "end of query" }
    let text = text(of: current)
    return "'\(text.count > 40 ? text.prefix(40) + "..." : text[...])'"
  }

  /// Reports what is left when all of the text should have been read.
  mutating func requireEnd() {
    if kind != .end { reportTrailing() }
  }

  /// Reports a token that cannot follow a complete expression or operator. `start`: where the statement begins, when it does.
  mutating func reportTrailing(after start: Int? = nil) {
    report(.unexpected, "unexpected \(describeCurrent())", at: current.span, hint: trailingHint(after: start))
  }

  // MARK: Recovery

  /// Moves to the next token at which the list that was entered at bracket depth `depth` can go on: `|`, `;`, a closing
  /// bracket of that depth, or the end. When brackets do not balance, the next `|` before an operator name will do.
  mutating func recover(depth: Int, stopAtPipe: Bool) {
    var i = position
    var level = bracketDepth
    while tokens[i].kind != .end {
      switch tokens[i].kind {
      case .pipe where level == depth && stopAtPipe, .semicolon where level == depth: return move(to: i, depth: level)
      case .leftParen, .leftBracket, .leftBrace: level += 1
      case .rightParen, .rightBracket, .rightBrace:
        if level == depth { return move(to: i, depth: level) }
        level -= 1
      default: break
      }
      i += 1
    }
    var j = position
    while tokens[j].kind != .end {
      if tokens[j].kind == .semicolon { break }
      if stopAtPipe, tokens[j].kind == .pipe, tokens[j + 1].kind == .word, OperatorNames.all.contains(text(of: tokens[j + 1])) { break }
      j += 1
    }
    move(to: j, depth: depth)
  }

  /// Sets the bracket depth after a stray closing bracket was skipped.
  mutating func restoreDepth(_ depth: Int) { bracketDepth = depth }

  /// Gives up the rest of the text.
  mutating func skipToEnd() { position = tokens.count - 1 }

  private mutating func move(to index: Int, depth: Int) {
    position = index
    bracketDepth = depth
  }

  // MARK: Nodes

  /// Makes an expression node and checks the height of the tree.
  /// A tree that grows too high is reported once and cut, so that it can still be walked.
  mutating func node(_ kind: Expression.Kind, _ span: SourceSpan, above children: UInt16 = 0) -> Expression {
    if children >= Self.maximumHeight {
      report(.nestingTooDeep, "expression is deeper than \(Self.maximumHeight) levels", at: span)
      return Expression(kind: .star, span: span, height: 1)
    }
    return Expression(kind: kind, span: span, height: children + 1)
  }
}

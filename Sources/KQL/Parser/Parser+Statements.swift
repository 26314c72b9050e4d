// Statements: let, set, alias, declare, restrict, and queries; and function bodies, which are made of them.

extension Parser {
  /// Statements separated by semicolons up to `end` (the end of the text, `}` or `)`), which is not consumed.
  /// Goes on after errors at the next semicolon.
  mutating func statements(until end: TokenKind) -> [Statement] {
    var statements: [Statement] = []
    let depth = bracketDepth
    while true {
      while accept(.semicolon) {}
      if kind == end || kind == .end { return statements }
      let start = position
      do throws(ParseFailure) {
        statements.append(try statement())
        if kind != .semicolon && kind != end {
          reportTrailing(after: start)
          throw ParseFailure()
        }
      } catch {
        // Enough is known; more of the text would only cost time.
        if diagnostics.count >= Self.maximumDiagnostics { skipToEnd() }
        recover(depth: depth, stopAtPipe: false)
        if kind == end || kind == .end { return statements }
        // A closing bracket that nothing opened: skip it.
        if kind != .semicolon { skipStray() }
      }
    }
  }

  private mutating func skipStray() {
    let depth = bracketDepth
    report(.unexpected, "unexpected \(describeCurrent())", at: current.span)
    advance()
    // Keeps the depth of the list, so that the next statement is found.
    if bracketDepth < depth { restoreDepth(depth) }
  }

  private mutating func statement() throws(ParseFailure) -> Statement {
    let start = position
    let kind = try statementKind()
    return Statement(kind: kind, span: span(from: start))
  }

  private mutating func statementKind() throws(ParseFailure) -> Statement.Kind {
    if isWord("let") && nameLength(1) > 0 { return try letStatement() }
    if isWord("set") && nameLength(1) > 0 { return try setStatement() }
    if isWord("alias") && isWord("database", 1) { return try aliasStatement() }
    if isWord("declare") && kind(1) == .word { return try declareStatement() }
    if isWord("restrict") && isWord("access", 1) { return try restrictStatement() }
    if isSQL { try fail(.notSupported, "not supported: SQL; write the query in KQL", hint: "for instance T | where condition | project column, column") }
    return .query(try queryExpression())
  }

  /// Whether a SQL query stands here: `SELECT a FROM T`, or `EXPLAIN` before one. A table may have such a name, but no word follows it.
  private var isSQL: Bool {
    func word(_ offset: Int) -> String { kind(offset) == .word ? text(of: token(offset)).lowercased() : "" }
    if word(0) == "explain" { return word(1) == "select" || word(1) == "with" }
    return word(0) == "select" && (!word(1).isEmpty || kind(1) == .star || kind(1) == .long)
  }

  private mutating func letStatement() throws(ParseFailure) -> Statement.Kind {
    advance()
    let name = try name("variable name")
    try expect(.assign, "=")
    if let function = try functionDeclaration() { return .letFunction(name, function) }
    return .letValue(name, try queryExpression())
  }

  /// `view (...) { ... }` or `(...) { ... }`, if one stands here.
  private mutating func functionDeclaration() throws(ParseFailure) -> FunctionDeclaration? {
    let isView = isWord("view") && kind(1) == .leftParen
    let open = isView ? 1 : 0
    // `(a: type` begins parameters, even where they do not end.
    guard kind(open) == .leftParen, isFunction(open) || kind(open + 1) == .word && kind(open + 2) == .colon else { return nil }
    if isView { advance() }
    let parameters = try parameterList()
    return FunctionDeclaration(isView: isView, parameters: parameters, body: try functionBody())
  }

  /// Whether the parenthesis at `offset` opens a parameter list: its partner is followed by `{`.
  private func isFunction(_ offset: Int) -> Bool {
    var i = position + offset
    var level = 0
    while tokens[i].kind != .end {
      switch tokens[i].kind {
      case .leftParen: level += 1
      case .rightParen:
        level -= 1
        if level == 0 { return tokens[i + 1].kind == .leftBrace }
      case .semicolon, .pipe: return false
      // The braces of a bag in a default value stand inside further parentheses: `b: dynamic = dynamic({'p': 2})`.
      case .leftBrace where level < 2, .rightBrace where level < 2: return false
      default: break
      }
      i += 1
    }
    return false
  }

  /// `(a: long = 1, T: (x: long, *), U: (*))`
  mutating func parameterList() throws(ParseFailure) -> [ParameterDeclaration] {
    try expect(.leftParen, "(")
    var parameters: [ParameterDeclaration] = []
    while kind != .rightParen {
      parameters.append(try parameterDeclaration())
      if !accept(.comma) { break }
    }
    try expect(.rightParen, ")")
    return parameters
  }

  private mutating func parameterDeclaration() throws(ParseFailure) -> ParameterDeclaration {
    let start = position
    let name = try name("parameter name")
    try expect(.colon, ":")
    let type: ParameterType =
      kind == .leftParen ? .tabular(try rowSchema(allowsAny: true)) : .scalar(try typeReference())
    var defaultValue: Expression?
    if accept(.assign) { defaultValue = try additive() }
    return ParameterDeclaration(name: name, type: type, defaultValue: defaultValue, span: span(from: start))
  }

  /// `{ let ...; result }`: the last statement without a name is the result.
  mutating func functionBody() throws(ParseFailure) -> FunctionBody {
    let start = position
    try enter()
    defer { leave() }
    try expect(.leftBrace, "{")
    var list = statements(until: .rightBrace)
    try expect(.rightBrace, "}")
    var result: Expression?
    if case .query(let expression)? = list.last?.kind {
      result = expression
      list.removeLast()
    }
    return FunctionBody(statements: list, result: result, span: span(from: start))
  }

  private mutating func setStatement() throws(ParseFailure) -> Statement.Kind {
    advance()
    let name = try name("option name")
    var value: Expression?
    if accept(.assign) { value = try additive() }
    return .set(name, value)
  }

  private mutating func aliasStatement() throws(ParseFailure) -> Statement.Kind {
    advance(by: 2)
    let name = try name("database alias")
    try expect(.assign, "=")
    return .aliasDatabase(name, try expression())
  }

  private mutating func declareStatement() throws(ParseFailure) -> Statement.Kind {
    advance()
    if acceptWord("query_parameters") { return .queryParameters(try parameterList()) }
    if acceptWord("pattern") { return .declarePattern(try patternDeclaration()) }
    let word = text(of: current)
    try fail(.expected, "expected 'query_parameters' or 'pattern', found \(describeCurrent())", hint: NameSuggestion.hint(for: word, among: ["query_parameters", "pattern"]))
  }

  private mutating func patternDeclaration() throws(ParseFailure) -> PatternDeclaration {
    let name = try name("pattern name")
    guard accept(.assign) else { return PatternDeclaration(name: name, parameters: [], path: nil, rules: []) }
    let parameters = try parameterList()
    var path: ParameterDeclaration?
    if accept(.leftBracket) {
      path = try parameterDeclaration()
      try expect(.rightBracket, "]")
    }
    try expect(.leftBrace, "{")
    var rules: [PatternDeclaration.Rule] = []
    while kind == .leftParen {
      advance()
      var arguments: [Expression] = []
      while kind != .rightParen {
        arguments.append(try unary())
        if !accept(.comma) { break }
      }
      try expect(.rightParen, ")")
      var pathValue: Expression?
      if accept(.dot) {
        try expect(.leftBracket, "[")
        pathValue = try unary()
        try expect(.rightBracket, "]")
      }
      try expect(.assign, "=")
      rules.append(PatternDeclaration.Rule(arguments: arguments, path: pathValue, body: try functionBody()))
      _ = accept(.semicolon)
    }
    try expect(.rightBrace, "}")
    return PatternDeclaration(name: name, parameters: parameters, path: path, rules: rules)
  }

  private mutating func restrictStatement() throws(ParseFailure) -> Statement.Kind {
    advance(by: 2)
    try expectWord("to")
    try expect(.leftParen, "(")
    var entities: [Expression] = []
    while kind != .rightParen {
      entities.append(try entity())
      if !accept(.comma) { break }
    }
    try expect(.rightParen, ")")
    var properties: [OperatorParameter] = []
    if acceptWord("with") { properties = try propertyList() }
    return .restrictAccess(entities, properties: properties)
  }
}

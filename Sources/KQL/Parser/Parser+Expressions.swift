// Expressions by precedence, lowest first:
//   or < and < equality, in, between < relational < + - < * / % < string operators < sign < path, element, call
// String operators (has, =~, contains, ...) bind more tightly than arithmetic, as in Kusto's grammar; comparisons do not chain.

extension Parser {
  /// A scalar expression.
  mutating func expression() throws(ParseFailure) -> Expression {
    try enter()
    defer { leave() }
    return try logical(.or)
  }

  /// `name = expression`, `(a, b) = expression` or an expression.
  mutating func namedExpression() throws(ParseFailure) -> NamedExpression {
    let start = position
    let (names, isTuple) = try expressionNames()
    let value = try expression()
    return NamedExpression(names: names, isTuple: isTuple, value: value, span: span(from: start))
  }

  /// One or more named expressions separated by commas.
  mutating func namedExpressions() throws(ParseFailure) -> [NamedExpression] {
    var list = [try namedExpression()]
    while accept(.comma) { list.append(try namedExpression()) }
    return list
  }

  /// One or more expressions separated by commas.
  mutating func expressions() throws(ParseFailure) -> [Expression] {
    var list = [try expression()]
    while accept(.comma) { list.append(try expression()) }
    return list
  }

  /// The names before `=`; none when no `=` follows.
  private mutating func expressionNames() throws(ParseFailure) -> ([Name], isTuple: Bool) {
    let length = nameLength()
    if length > 0 && kind(length) == .assign {
      let name = try name()
      advance()
      return ([name], false)
    }
    guard kind == .leftParen else { return ([], false) }
    var at = 1
    while nameLength(at) > 0 {
      at += nameLength(at)
      guard kind(at) == .comma else { break }
      at += 1
    }
    guard at > 1, kind(at) == .rightParen, kind(at + 1) == .assign else { return ([], false) }
    advance()
    var names = [try name()]
    while accept(.comma) { names.append(try name()) }
    advance(by: 2)
    return (names, true)
  }

  /// Flat `or` of flat `and`s.
  private mutating func logical(_ op: LogicalOperator) throws(ParseFailure) -> Expression {
    let start = position
    var operands = [op == .or ? try logical(.and) : try equality()]
    while op == .or ? acceptWord("or") : acceptWord("and") {
      operands.append(op == .or ? try logical(.and) : try equality())
    }
    if operands.count == 1 { return operands[0] }
    return node(.logical(op, operands), span(from: start), above: height(operands))
  }

  func height(_ expressions: [Expression]) -> UInt16 { expressions.reduce(0) { max($0, $1.height) } }

  private mutating func equality() throws(ParseFailure) -> Expression {
    let start = position
    let left = try relational()
    switch kind {
    case .equal, .notEqual:
      let op: BinaryOperator = advance().kind == .equal ? .equal : .notEqual
      return binary(op, left, try relational(), from: start)
    case .word, .operatorWord:
      if isWord("in") && isWord("range", 1) { return left }
      if let op = MembershipOperator(rawValue: text(of: current)) {
        advance()
        let list = try membershipList()
        return node(.membership(op, left, list), span(from: start), above: max(left.height, height(list)))
      }
      if isWord("between") || isWord("!between") {
        let isNegated = kind == .operatorWord
        advance()
        try expect(.leftParen, "(", hint: "write between (low .. high)")
        let low = try expression()
        try expect(.dotDot, "..", hint: "write between (low .. high)")
        let high = try expression()
        try expect(.rightParen, ")")
        return node(.between(left, from: low, to: high, isNegated: isNegated), span(from: start), above: height([left, low, high]))
      }
      return left
    default: return left
    }
  }

  /// `(a, b, c)`, or one query.
  private mutating func membershipList() throws(ParseFailure) -> [Expression] {
    guard kind == .leftParen else {
      try fail(.expected, "expected '(' and a list of values or a query, found \(describeCurrent())", hint: kind == .leftBracket ? "write (1, 2)" : nil)
    }
    advance()
    var list: [Expression] = []
    while kind != .rightParen {
      list.append(try queryExpression())
      if !accept(.comma) { break }
    }
    try expect(.rightParen, ")")
    return list
  }

  private mutating func binary(_ op: BinaryOperator, _ left: Expression, _ right: Expression, from start: Int) -> Expression {
    node(.binary(op, left, right), span(from: start), above: max(left.height, right.height))
  }

  private mutating func relational() throws(ParseFailure) -> Expression {
    let start = position
    let left = try additive()
    let op: BinaryOperator
    switch kind {
    case .less: op = .less
    case .lessOrEqual: op = .lessOrEqual
    case .greater: op = .greater
    case .greaterOrEqual: op = .greaterOrEqual
    default: return left
    }
    advance()
    return binary(op, left, try additive(), from: start)
  }

  mutating func additive() throws(ParseFailure) -> Expression {
    let start = position
    var left = try multiplicative()
    while kind == .plus || kind == .minus {
      let op: BinaryOperator = advance().kind == .plus ? .add : .subtract
      left = binary(op, left, try multiplicative(), from: start)
    }
    return left
  }

  private mutating func multiplicative() throws(ParseFailure) -> Expression {
    let start = position
    var left = try stringOperation()
    while true {
      let op: BinaryOperator
      switch kind {
      case .star: op = .multiply
      case .slash: op = .divide
      case .percent: op = .modulo
      default: return left
      }
      advance()
      left = binary(op, left, try stringOperation(), from: start)
    }
  }

  private mutating func stringOperation() throws(ParseFailure) -> Expression {
    let start = position
    let left = try unary()
    guard let (op, length) = stringOperator() else { return left }
    advance(by: length)
    return binary(op, left, try unary(), from: start)
  }

  /// The string operator at the cursor and its number of tokens.
  private func stringOperator() -> (BinaryOperator, Int)? {
    switch kind {
    case .tildeEqual: return (.equalIgnoringCase, 1)
    case .notTilde: return (.notEqualIgnoringCase, 1)
    case .colon: return allowsSearchTerm ? (.searchTerm, 1) : nil
    case .word, .operatorWord:
      if isWord("matches") && isWord("regex", 1) { return (.matchesRegex, 2) }
      let word = text(of: current)
      switch word {
      case "containscs": return (.containsCs, 1)
      case "notcontains": return (.notContains, 1)
      case "notcontainscs": return (.notContainsCs, 1)
      case "!like": return (.notLike, 1)
      case "!likecs": return (.notLikeCs, 1)
      default: break
      }
      guard let first = word.utf8.first, first == 0x21 || first | 0x20 >= 0x61, let op = BinaryOperator(rawValue: word) else { return nil }
      return (op, 1)
    default: return nil
    }
  }

  /// A signed primary expression. The sign belongs to the least long, whose digits alone do not fit.
  mutating func unary() throws(ParseFailure) -> Expression {
    guard kind == .minus || kind == .plus else { return try postfix() }
    let start = position
    let op: UnaryOperator = kind == .minus ? .negate : .plus
    if op == .negate, kind(1) == .long, text(of: token(1)) == "9223372036854775808" {
      advance(by: 2)
      return node(.literal(.long(.min)), span(from: start))
    }
    advance()
    try enter()
    defer { leave() }
    let operand = kind == .minus || kind == .plus ? try unary() : try postfix()
    return node(.unary(op, operand), span(from: start), above: operand.height)
  }

  /// A primary expression with its paths, elements and calls on entities.
  /// With `wildcards`, the last part of a path may be a pattern, as in `database("x").T*`.
  mutating func postfix(wildcards: Bool = false) throws(ParseFailure) -> Expression {
    let start = position
    var left = try primary()
    while true {
      switch kind {
      case .dot:
        advance()
        if wildcards, let pattern = acceptWildcard() {
          return node(.wildcardPath(left, pattern), span(from: start), above: left.height)
        }
        if kind == .leftBracket && !isQuotedName() {
          left = try element(of: left, from: start)
        } else {
          let name = try name("name after '.'")
          if kind == .leftParen {
            let arguments = try callArguments()
            let call = FunctionCall(target: left, name: name, kind: nil, arguments: arguments)
            left = node(.call(call), span(from: start), above: max(left.height, height(arguments.map(\.value))))
          } else {
            left = node(.path(left, name), span(from: start), above: left.height)
          }
        }
      case .leftBracket:
        left = try element(of: left, from: start)
      default: return left
      }
    }
  }

  private mutating func element(of left: Expression, from start: Int) throws(ParseFailure) -> Expression {
    advance()
    let index = try expression()
    try expect(.rightBracket, "]")
    return node(.element(left, index), span(from: start), above: max(left.height, index.height))
  }

  /// `(a, n = b, *, query)`
  mutating func callArguments() throws(ParseFailure) -> [NamedExpression] {
    try expect(.leftParen, "(")
    var arguments: [NamedExpression] = []
    while kind != .rightParen {
      let start = position
      let (names, isTuple) = try expressionNames()
      let value: Expression
      if kind == .star && (kind(1) == .comma || kind(1) == .rightParen) {
        value = node(.star, advance().span)
      } else {
        value = try queryExpression()
      }
      arguments.append(NamedExpression(names: names, isTuple: isTuple, value: value, span: span(from: start)))
      if !accept(.comma) { break }
    }
    try expect(.rightParen, ")")
    return arguments
  }

  /// A name, wildcard pattern, call, path or parenthesised query: an operand of `union`, `find in`, `restrict access`.
  mutating func entity() throws(ParseFailure) -> Expression {
    if let pattern = acceptWildcard() { return node(.wildcard(pattern.text), pattern.span) }
    return try postfix(wildcards: true)
  }
}

// Pipelines: a source, then operators after `|`. After an error in an operator parsing goes on at the next `|`.

extension Parser {
  /// A scalar expression, or a query where operators follow or an operator starts it.
  mutating func queryExpression() throws(ParseFailure) -> Expression {
    try enter()
    defer { leave() }
    let start = position
    let depth = bracketDepth
    var source: Expression?
    var operators: [TabularOperator] = []
    do throws(ParseFailure) {
      if startsWithOperator() {
        operators.append(try tabularOperator(isFirst: true))
      } else {
        let value = try expression()
        guard kind == .pipe else { return value }
        source = value
      }
    } catch {
      recover(depth: depth, stopAtPipe: true)
      if kind != .pipe { throw error }
    }
    pipedOperators(into: &operators, depth: depth)
    let span = span(from: start)
    return node(.query(Pipeline(source: source, operators: operators, span: span)), span, above: source?.height ?? 0)
  }

  /// Operators that continue an enclosing pipeline: `where x | take 5`, without a source.
  mutating func subPipeline() -> Pipeline {
    let start = position
    let depth = bracketDepth
    var operators: [TabularOperator] = []
    do throws(ParseFailure) {
      try enter()
      defer { leave() }
      operators.append(try tabularOperator(isFirst: false))
    } catch {
      recover(depth: depth, stopAtPipe: true)
    }
    pipedOperators(into: &operators, depth: depth)
    return Pipeline(source: nil, operators: operators, span: span(from: start))
  }

  /// `( operators )`
  mutating func parenthesizedSubPipeline() throws(ParseFailure) -> Pipeline {
    try expect(.leftParen, "(")
    let pipeline = subPipeline()
    try expect(.rightParen, ")")
    return pipeline
  }

  private mutating func pipedOperators(into operators: inout [TabularOperator], depth: Int) {
    while kind == .pipe {
      advance()
      do throws(ParseFailure) {
        operators.append(try tabularOperator(isFirst: false))
        // Whatever follows is judged by the rule that holds this pipeline, unless another operator is sure to come.
        guard kind == .pipe || isAtPipelineEnd() else {
          reportTrailing()
          throw ParseFailure()
        }
      } catch {
        if diagnostics.count >= Self.maximumDiagnostics { skipToEnd() }
        recover(depth: depth, stopAtPipe: true)
      }
    }
  }

  /// Whether the token at the cursor can stand after a pipeline.
  private func isAtPipelineEnd() -> Bool {
    switch kind {
    case .end, .semicolon, .rightParen, .rightBrace, .rightBracket, .comma: true
    default: false
    }
  }

  /// Whether a query starts here with an operator rather than with an expression.
  /// Operators that need input count too, so that the message can say that a table is missing before them.
  private func startsWithOperator() -> Bool {
    guard kind == .word else { return false }
    if continuesMissingSource() { return true }
    switch text(of: current) {
    case "range": return nameLength(1) > 0 && isWord("from", 1 + nameLength(1))
    case "print", "union", "search", "find", "evaluate": return !isUsedAsName(1)
    case "macro": return dashedLength(["macro", "expand"]) > 0
    case "where", "project", "extend", "summarize", "take", "limit", "sort", "order", "join", "distinct", "mv", "make", "graph":
      let length = operatorName().tokens
      return length > 0 && !isUsedAsName(length) && kind(length) != .leftParen
    default: return false
    }
  }

  /// Whether an operator of a fragment stands here: one whose input comes from elsewhere.
  private func continuesMissingSource() -> Bool {
    guard allowsMissingSource, bracketDepth == 0 else { return false }
    let (name, length) = operatorName()
    guard length > 0 else { return false }
    switch name {
    case "count", "getschema", "consume", "serialize":
      // These have no operands, so whatever ends an operator may follow.
      return [.pipe, .semicolon, .end].contains(kind(length)) || !isUsedAsName(length)
    default: return !isUsedAsName(length) && kind(length) != .end
    }
  }

  /// Whether the token at `offset` shows that the word before it is a column or variable and not an operator.
  private func isUsedAsName(_ offset: Int) -> Bool {
    switch kind(offset) {
    case .assign, .dot, .comma, .rightParen, .rightBracket, .pipe, .semicolon, .end, .colon, .dotDot, .equal, .notEqual, .less,
      .lessOrEqual, .greater, .greaterOrEqual, .tildeEqual, .notTilde, .slash, .percent, .operatorWord: true
    case .leftBracket: !isQuotedName(offset)
    default: false
    }
  }

  /// The name of the operator at the cursor and its number of tokens: the longest known name, else all joined words.
  func operatorName() -> (name: String, tokens: Int) {
    guard kind == .word else { return ("", 0) }
    var joined = text(of: current)
    var count = 1
    var known = OperatorNames.all.contains(joined) ? (name: joined, tokens: 1) : nil
    while count < 9, kind(count) == .minus, isAdjacent(count), kind(count + 1) == .word, isAdjacent(count + 1) {
      joined += "-" + text(of: token(count + 1))
      count += 2
      if OperatorNames.all.contains(joined) { known = (joined, count) }
    }
    // `project-awya`: what follows the dash belongs to the name, so the known first word is not meant.
    if let known, known.tokens == count || known.tokens > 1 { return known }
    return (joined, 0)
  }
}

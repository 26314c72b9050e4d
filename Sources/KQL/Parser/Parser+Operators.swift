// Tabular operators: reads the name, the parameters, and hands over to the rule of the operator.

extension Parser {
  /// The operator at the cursor. `isFirst` when it starts the query.
  mutating func tabularOperator(isFirst: Bool) throws(ParseFailure) -> TabularOperator {
    let start = position
    let (name, length) = operatorName()
    guard length > 0 else { try failUnknownOperator(name) }
    if isFirst && !(allowsMissingSource && bracketDepth == 0) && !["print", "range", "union", "search", "find", "evaluate", "macro-expand"].contains(name) {
      try fail(.cannotStartQuery, "'\(name)' needs input; a query starts with a table", hint: "write: Table | \(name) ...")
    }
    advance(by: length)
    let nameSpan = span(from: start)
    var parameters: [OperatorParameter] = []
    let kind = try operatorKind(name, &parameters)
    return TabularOperator(kind: kind, parameters: parameters, span: span(from: start), nameSpan: nameSpan)
  }

  private mutating func failUnknownOperator(_ name: String) throws(ParseFailure) -> Never {
    if name.isEmpty {
      let isDouble = kind == .pipe && position > 0 && isAdjacent(0)
      report(.operatorExpected, "expected an operator after '|', found \(describeCurrent())", at: current.span, hint: isDouble ? "a logical or is written 'or'" : nil)
      if isDouble { advance() }
      throw ParseFailure()
    }
    let hint = OperatorNames.foreign[name] ?? NameSuggestion.hint(for: name, among: OperatorNames.all)
    var last = 0
    while last + 2 < 9, kind(last + 1) == .minus, isAdjacent(last + 1), kind(last + 2) == .word, isAdjacent(last + 2) { last += 2 }
    report(.operatorExpected, "'\(name)' is not an operator", at: current.span.union(token(last).span), hint: hint)
    throw ParseFailure()
  }

  private mutating func operatorKind(_ name: String, _ parameters: inout [OperatorParameter]) throws(ParseFailure) -> TabularOperator.Kind {
    switch name {
    case "where", "filter":
      parameters = try operatorParameters()
      return .filter(try predicate())
    case "project": return .project(isOperatorEnd ? [] : try namedExpressions())
    case "extend": return .extend(try namedExpressions())
    case "print": return .print(try namedExpressions())
    case "serialize":
      parameters = try operatorParameters()
      return .serialize(isOperatorEnd ? [] : try namedExpressions())
    case "project-rename": return .projectRename(isOperatorEnd ? [] : try namedExpressions())
    case "project-away": return .projectAway(isOperatorEnd ? [] : try columnPatterns())
    case "project-keep": return .projectKeep(isOperatorEnd ? [] : try columnPatterns())
    case "project-reorder": return .projectReorder(isOperatorEnd ? [] : try reorderItems())
    case "project-by-names": return .projectByNames(isOperatorEnd ? [] : try expressions())
    case "summarize":
      parameters = try operatorParameters()
      return .summarize(try summarize())
    case "distinct":
      parameters = try operatorParameters()
      return .distinct(try namedExpressions())
    case "count": return .count(acceptWord("as") ? try self.name() : nil)
    case "take", "limit":
      parameters = try operatorParameters()
      return .take(try expression())
    case "sample":
      parameters = try operatorParameters()
      return .sample(try expression())
    case "sample-distinct":
      parameters = try operatorParameters()
      let count = try expression()
      try expectWord("of")
      return .sampleDistinct(count, of: try namedExpression())
    case "sort", "order":
      parameters = try operatorParameters()
      try expectWord("by")
      return .sort(try orderedExpressions())
    case "top":
      parameters = try operatorParameters()
      let count = try expression()
      try expectWord("by")
      return .top(count, by: try orderedExpression())
    case "top-hitters":
      let count = try expression()
      try expectWord("of")
      let of = try namedExpression()
      return .topHitters(count, of: of, by: acceptWord("by") ? try namedExpression() : nil)
    case "top-nested": return .topNested(try topNestedLevels())
    case "join":
      parameters = try joinParameters()
      return .join(try join())
    case "lookup":
      parameters = try joinParameters()
      return .lookup(try join())
    case "union":
      parameters = try unionParameters()
      return .union(try unionOperands())
    case "as":
      parameters = try operatorParameters()
      return .asName(try self.name())
    case "getschema":
      parameters = try operatorParameters(["kind"])
      return .getschema
    case "consume":
      parameters = try operatorParameters(["decodeblocks"])
      return .consume
    case "assert-schema": return .assertSchema(try rowSchema())
    default: return try furtherOperatorKind(name, &parameters)
    }
  }

  /// The operators that reshape, sample or analyse; split from `operatorKind` only for length.
  private mutating func furtherOperatorKind(_ name: String, _ parameters: inout [OperatorParameter]) throws(ParseFailure) -> TabularOperator.Kind {
    switch name {
    case "range": return try range()
    case "evaluate":
      parameters = try operatorParameters()
      return try evaluate()
    case "invoke": return .invoke(try postfix())
    case "render": return .render(try render())
    case "mv-expand", "mvexpand":
      parameters = try operatorParameters(["kind", "bagexpansion", "with_itemindex"])
      let items = try mvExpandItems()
      return .mvExpand(items, limit: acceptWord("limit") ? try additive() : nil)
    case "mv-apply", "mvapply":
      parameters = try operatorParameters(["with_itemindex", "kind", "bagexpansion"])
      return .mvApply(try mvApply())
    case "make-series":
      parameters = try operatorParameters(["kind"])
      return .makeSeries(try makeSeries())
    case "parse":
      parameters = try operatorParameters(["kind", "flags"])
      return .parse(try parse())
    case "parse-where":
      parameters = try operatorParameters(["kind", "flags"])
      return .parseWhere(try parse())
    case "parse-kv": return .parseKv(try parseKv())
    case "partition":
      parameters = try operatorParameters()
      return .partition(try partition())
    case "fork": return .fork(try forkBranches())
    case "facet": return try facet()
    case "find":
      parameters = try operatorParameters(["withsource", "with_source"])
      return .find(try find())
    case "search":
      parameters = try operatorParameters(["kind"])
      return .search(try search())
    case "reduce":
      parameters = try operatorParameters(["kind"])
      return try reduce()
    case "scan":
      parameters = try operatorParameters(["with_match_id"])
      try refuseUnknownParameter(["with_match_id"])
      return .scan(try scan())
    case "macro-expand":
      parameters = try operatorParameters(["isfuzzy", "best_effort", "force_remote"])
      return .macroExpand(try macroExpand())
    default: return try graphOperatorKind(name, &parameters)
    }
  }

  /// Whether the operator's operands have ended.
  var isOperatorEnd: Bool {
    switch kind {
    case .pipe, .semicolon, .end, .rightParen, .rightBrace, .rightBracket: true
    default: false
    }
  }

  /// A boolean expression; `=` in it gets the hint it deserves.
  private mutating func predicate() throws(ParseFailure) -> Expression {
    let value = try expression()
    if kind == .assign { try fail(.unexpected, "unexpected '='", hint: trailingHint()) }
    return value
  }

  /// Column names, with or without wildcards.
  private mutating func columnPatterns() throws(ParseFailure) -> [Expression] {
    var list = [try columnPattern()]
    while accept(.comma) { list.append(try columnPattern()) }
    return list
  }

  private mutating func columnPattern() throws(ParseFailure) -> Expression {
    if let pattern = acceptWildcard() { return node(.wildcard(pattern.text), pattern.span) }
    return try postfix()
  }

  private mutating func reorderItems() throws(ParseFailure) -> [ReorderItem] {
    var items: [ReorderItem] = []
    repeat {
      let column = try columnPattern()
      var order: ReorderItem.Order?
      if acceptWord("asc") {
        order = .ascending
      } else if acceptWord("desc") {
        order = .descending
      } else if dashedLength(["granny", "asc"]) > 0 {
        advance(by: 3)
        order = .grannyAscending
      } else if dashedLength(["granny", "desc"]) > 0 {
        advance(by: 3)
        order = .grannyDescending
      }
      items.append(ReorderItem(column: column, order: order))
    } while accept(.comma)
    return items
  }

  private mutating func summarize() throws(ParseFailure) -> SummarizeOperator {
    var operands = SummarizeOperator(aggregates: [], keys: [], legacyBin: nil)
    if !isWord("by") && !isOperatorEnd { operands.aggregates = try namedExpressions() }
    if acceptWord("by") {
      operands.keys = try namedExpressions()
      if operands.aggregates.isEmpty, kind == .word, kind(1) == .leftParen {
        try fail(.unexpected, "unexpected \(describeCurrent())", hint: "aggregates stand before 'by': summarize \(text(of: current))(…) by …")
      }
      if isWord("bin") && kind(1) == .assign {
        advance(by: 2)
        operands.legacyBin = try expression()
      }
    }
    return operands
  }

  mutating func orderedExpressions() throws(ParseFailure) -> [OrderedExpression] {
    var list = [try orderedExpression()]
    while accept(.comma) { list.append(try orderedExpression()) }
    return list
  }

  mutating func orderedExpression() throws(ParseFailure) -> OrderedExpression {
    var ordered = OrderedExpression(value: try namedExpression(), direction: sortDirection(), nulls: nil)
    if acceptWord("nulls") {
      if acceptWord("first") {
        ordered.nulls = .first
      } else if acceptWord("last") {
        ordered.nulls = .last
      } else {
        try fail(.expected, "expected 'first' or 'last' after 'nulls', found \(describeCurrent())")
      }
    }
    return ordered
  }

  mutating func sortDirection() -> SortDirection? {
    if acceptWord("asc") { return .ascending }
    if acceptWord("desc") { return .descending }
    return nil
  }

  private mutating func joinParameters() throws(ParseFailure) -> [OperatorParameter] {
    let parameters = try operatorParameters(["kind", "withsource", "with_source", "__crossCluster"])
    try refuseUnknownParameter(["kind", "hint.strategy", "hint.shufflekey", "hint.remote", "hint.num_partitions"])
    return parameters
  }

  private mutating func join() throws(ParseFailure) -> JoinOperator {
    let right = try postfix()
    if acceptWord("on") { return JoinOperator(right: right, conditions: try expressions(), isWhere: false) }
    if acceptWord("where") { return JoinOperator(right: right, conditions: [try expression()], isWhere: true) }
    return JoinOperator(right: right, conditions: [], isWhere: false)
  }

  private mutating func unionParameters() throws(ParseFailure) -> [OperatorParameter] {
    let parameters = try operatorParameters(["kind", "withsource", "with_source", "isfuzzy", "__isFuzzy", "best_effort"])
    try refuseUnknownParameter(["kind", "withsource", "isfuzzy", "best_effort", "hint.concurrency", "hint.spread"])
    return parameters
  }

  private mutating func unionOperands() throws(ParseFailure) -> [Expression] {
    var list = [try entity()]
    while accept(.comma) { list.append(try entity()) }
    return list
  }
}

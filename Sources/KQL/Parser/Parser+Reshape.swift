// Rules of the operators with clauses of their own: series, arrays, parsing, partitions, search and scan.

extension Parser {
  mutating func range() throws(ParseFailure) -> TabularOperator.Kind {
    let name = try name("column name")
    try expectWord("from")
    let from = try expression()
    try expectWord("to")
    let to = try expression()
    try expectWord("step")
    return .range(name, from: from, to: to, step: try expression())
  }

  mutating func evaluate() throws(ParseFailure) -> TabularOperator.Kind {
    let start = position
    let value = try postfix()
    guard case .call(let call) = value.kind else {
      report(.expected, "expected a plugin call such as bag_unpack(column)", at: span(from: start))
      throw ParseFailure()
    }
    return .evaluate(call, schema: accept(.colon) ? try rowSchema(allowsAny: true) : nil)
  }

  mutating func render() throws(ParseFailure) -> RenderOperator {
    var operands = RenderOperator(visualization: try name("visualization"), properties: [])
    while kind == .word && !isWord("with") {
      // The older form without parentheses: title = "x" kind = stacked by a, b.
      if isWord("by") {
        let token = advance()
        var names = [try name()]
        while accept(.comma) { names.append(try name()) }
        let key = Name(text: "by", span: token.span)
        operands.properties.append(OperatorParameter(name: key, value: .names(names), span: token.span))
      } else {
        operands.properties.append(try property())
      }
    }
    if acceptWord("with") { operands.properties += try propertyList() }
    return operands
  }

  mutating func mvExpandItems() throws(ParseFailure) -> [MvExpandItem] {
    var items: [MvExpandItem] = []
    repeat {
      let value = try namedExpression()
      items.append(MvExpandItem(value: value, type: acceptWord("to") ? try typeOfScalar() : nil))
    } while accept(.comma)
    return items
  }

  mutating func mvApply() throws(ParseFailure) -> MvApplyOperator {
    let items = try mvExpandItems()
    let limit = acceptWord("limit") ? try additive() : nil
    let id = acceptWord("id") ? try additive() : nil
    try expectWord("on")
    return MvApplyOperator(items: items, limit: limit, id: id, body: try parenthesizedSubPipeline())
  }

  mutating func makeSeries() throws(ParseFailure) -> MakeSeriesOperator {
    var aggregates: [MakeSeriesOperator.Aggregate] = []
    repeat {
      let value = try namedExpression()
      var defaultValue: Expression?
      if acceptWord("default") {
        try expect(.assign, "=")
        defaultValue = try expression()
      }
      aggregates.append(MakeSeriesOperator.Aggregate(value: value, defaultValue: defaultValue))
    } while accept(.comma)
    try expectWord("on")
    let axis = try namedExpression()
    var from: Expression?
    var to: Expression?
    let step: Expression
    var usesInRange = false
    if isWord("in") && isWord("range", 1) {
      usesInRange = true
      advance(by: 2)
      try expect(.leftParen, "(")
      from = try expression()
      try expect(.comma, ",")
      to = try expression()
      try expect(.comma, ",")
      step = try expression()
      try expect(.rightParen, ")")
    } else {
      if acceptWord("from") { from = try expression() }
      if acceptWord("to") { to = try expression() }
      try expectWord("step")
      step = try expression()
    }
    let keys = acceptWord("by") ? try namedExpressions() : []
    return MakeSeriesOperator(aggregates: aggregates, axis: axis, from: from, to: to, step: step, keys: keys, usesInRange: usesInRange)
  }

  mutating func parse() throws(ParseFailure) -> ParseOperator {
    let value = try expression()
    try expectWord("with")
    var pattern: [ParseOperator.PatternPart] = []
    while true {
      if accept(.star) {
        pattern.append(.star)
      } else if kind == .string {
        pattern.append(.text(stringValue()))
      } else if nameLength() > 0 {
        let name = try name()
        pattern.append(.column(name, accept(.colon) ? try typeReference() : nil))
      } else {
        break
      }
    }
    if pattern.isEmpty { try fail(.missing, "expected a pattern of texts, columns and '*', found \(describeCurrent())") }
    return ParseOperator(value: value, pattern: pattern)
  }

  mutating func parseKv() throws(ParseFailure) -> ParseKvOperator {
    let value = try expression()
    try expectWord("as")
    let keys = try rowSchema()
    let properties = acceptWord("with") ? try propertyList() : []
    return ParseKvOperator(value: value, keys: keys, properties: properties)
  }

  /// A column, or a path of names; a parenthesis after it is not a call.
  private mutating func columnPath() throws(ParseFailure) -> Expression {
    let start = position
    let first = try name("column name")
    var value = node(.name(first.text), first.span)
    while accept(.dot) {
      let part = try name()
      value = node(.path(value, part), span(from: start), above: value.height)
    }
    return value
  }

  mutating func partition() throws(ParseFailure) -> PartitionOperator {
    try expectWord("by")
    let key = try columnPath()
    let scope = acceptWord("in") ? try postfix() : nil
    guard accept(.leftBrace) else {
      return PartitionOperator(key: key, scope: scope, body: try parenthesizedSubPipeline(), isFullQuery: false)
    }
    let start = position
    let query = try queryExpression()
    try expect(.rightBrace, "}")
    let body = if case .query(let pipeline) = query.kind { pipeline } else { Pipeline(source: query, operators: [], span: span(from: start)) }
    return PartitionOperator(key: key, scope: scope, body: body, isFullQuery: true)
  }

  mutating func forkBranches() throws(ParseFailure) -> [ForkBranch] {
    var branches: [ForkBranch] = []
    while true {
      var branchName: Name?
      let length = nameLength()
      if length > 0 && kind(length) == .assign {
        branchName = try name()
        advance()
      }
      guard kind == .leftParen else { break }
      branches.append(ForkBranch(name: branchName, body: try parenthesizedSubPipeline()))
    }
    if branches.isEmpty { try fail(.missing, "expected '(' and a subquery, found \(describeCurrent())") }
    return branches
  }

  mutating func facet() throws(ParseFailure) -> TabularOperator.Kind {
    try expectWord("by")
    var columns = [try columnPath()]
    while accept(.comma) { columns.append(try columnPath()) }
    guard acceptWord("with") else { return .facet(by: columns, with: nil) }
    if kind == .leftParen { return .facet(by: columns, with: try parenthesizedSubPipeline()) }
    let start = position
    let single = try tabularOperator(isFirst: false)
    return .facet(by: columns, with: Pipeline(source: nil, operators: [single], span: span(from: start)))
  }

  mutating func reduce() throws(ParseFailure) -> TabularOperator.Kind {
    try expectWord("by")
    let key = try namedExpression()
    var properties: [OperatorParameter] = []
    if acceptWord("with") {
      repeat { properties.append(try parameter()) } while accept(.comma)
    }
    return .reduce(by: key, with: properties)
  }

  mutating func topNestedLevels() throws(ParseFailure) -> [TopNestedLevel] {
    var levels: [TopNestedLevel] = []
    repeat {
      if !levels.isEmpty {
        let length = dashedLength(["top", "nested"])
        if length == 0 { try fail(.expected, "expected 'top-nested' after ',', found \(describeCurrent())") }
        advance(by: length)
      }
      let count = isWord("of") ? nil : try expression()
      try expectWord("of")
      let key = try namedExpression()
      var others: Expression?
      if acceptWord("with") {
        try expectWord("others")
        try expect(.assign, "=")
        others = try expression()
      }
      try expectWord("by")
      let aggregate = try namedExpression()
      levels.append(TopNestedLevel(count: count, key: key, others: others, aggregate: aggregate, direction: sortDirection()))
    } while accept(.comma)
    return levels
  }

  mutating func macroExpand() throws(ParseFailure) -> MacroExpandOperator {
    let group = isWord("entity_group") ? try primary() : try columnPath()
    let scope = acceptWord("as") ? try name() : nil
    try expect(.leftParen, "(")
    let body = statements(until: .rightParen)
    try expect(.rightParen, ")")
    return MacroExpandOperator(group: group, scope: scope, statements: body)
  }

  // MARK: Search

  /// `in (T, U*)` of `search` and `find`.
  private mutating func searchSources() throws(ParseFailure) -> [Expression] {
    guard isWord("in") && kind(1) == .leftParen else { return [] }
    advance(by: 2)
    var sources: [Expression] = []
    while kind != .rightParen {
      sources.append(try entity())
      if !accept(.comma) { break }
    }
    try expect(.rightParen, ")")
    return sources
  }

  private mutating func searchPredicate() throws(ParseFailure) -> Expression {
    allowsSearchTerm = true
    defer { allowsSearchTerm = false }
    return try expression()
  }

  mutating func search() throws(ParseFailure) -> SearchOperator {
    skipDataScope()
    let sources = try searchSources()
    return SearchOperator(sources: sources, predicate: try searchPredicate())
  }

  mutating func find() throws(ParseFailure) -> FindOperator {
    skipDataScope()
    let sources = try searchSources()
    _ = acceptWord("where")
    let predicate = try searchPredicate()
    var projection = FindOperator.Projection.unspecified
    let smart = dashedLength(["project", "smart"])
    let away = dashedLength(["project", "away"])
    if smart > 0 {
      advance(by: smart)
      projection = .smart
    } else if away > 0 {
      advance(by: away)
      projection = .away(accept(.star) ? [] : try findColumns().columns)
    } else if acceptWord("project") {
      let (columns, packsRest) = try findColumns()
      projection = .columns(columns, packsRest: packsRest)
    }
    return FindOperator(sources: sources, predicate: predicate, projection: projection)
  }

  private mutating func findColumns() throws(ParseFailure) -> (columns: [FindOperator.Column], packsRest: Bool) {
    var columns: [FindOperator.Column] = []
    var packsRest = false
    repeat {
      if (isWord("pack") || isWord("pack_all")) && kind(1) == .leftParen {
        advance(by: 2)
        _ = accept(.star)
        try expect(.rightParen, ")")
        packsRest = true
      } else {
        let name = try name("column name")
        columns.append(FindOperator.Column(name: name, type: accept(.colon) ? try typeReference() : nil))
      }
    } while accept(.comma)
    return (columns, packsRest)
  }

  // MARK: Scan

  mutating func scan() throws(ParseFailure) -> ScanOperator {
    var operands = ScanOperator(order: [], partition: [], declared: [], steps: [])
    if acceptWord("order") {
      try expectWord("by")
      operands.order = try orderedExpressions()
    }
    if acceptWord("partition") {
      try expectWord("by")
      operands.partition = try expressions()
    }
    if acceptWord("declare") { operands.declared = try parameterList() }
    try expectWord("with")
    try expect(.leftParen, "(")
    while kind != .rightParen && kind != .end {
      operands.steps.append(try scanStep())
      if !accept(.semicolon) { break }
    }
    try expect(.rightParen, ")")
    return operands
  }

  private mutating func scanStep() throws(ParseFailure) -> ScanOperator.Step {
    try expectWord("step")
    let name = try name("step name")
    let isOptional = acceptWord("optional")
    var output: Name?
    if acceptWord("output") {
      try expect(.assign, "=")
      output = try self.name("'all', 'last' or 'none'")
    }
    try expect(.colon, ":")
    let condition = try expression()
    var assignments: [ScanOperator.Assignment] = []
    if accept(.arrow) {
      repeat {
        let target = try self.name("column name")
        try expect(.assign, "=")
        assignments.append(ScanOperator.Assignment(name: target, value: try expression()))
      } while accept(.comma)
    }
    return ScanOperator.Step(name: name, isOptional: isOptional, output: output, condition: condition, assignments: assignments)
  }
}

// Primary expressions: literals, names, calls, parentheses and the expressions that start with a word of their own.

extension Parser {
  mutating func primary() throws(ParseFailure) -> Expression {
    let start = position
    switch kind {
    case .long, .real, .timespan, .typed, .string:
      let literal = try scalarLiteral()
      return node(.literal(literal), span(from: start))
    case .word:
      return try wordPrimary()
    case .leftBracket where isQuotedName():
      let name = try name()
      if kind == .leftParen { return try call(name, from: start) }
      return node(.name(name.text), name.span)
    case .leftParen:
      advance()
      let inner = try queryExpression()
      try expect(.rightParen, ")", hint: kind == .comma ? "a list stands behind 'in', 'has_any' or 'has_all'" : nil)
      return inner
    case .star:
      return node(.star, advance().span)
    case .invalid:
      // The lexer has reported it.
      throw ParseFailure()
    default:
      try fail(.missing, "expected an expression, found \(describeCurrent())", hint: expressionHint())
    }
  }

  /// Words that are operators between expressions or clauses after them, so that none can start an expression.
  private func isReserved() -> Bool {
    switch text(of: current) {
    case "and", "or", "by", "in", "between", "has", "has_cs", "has_any", "has_all", "hasprefix", "hasprefix_cs", "hassuffix",
      "hassuffix_cs", "contains", "contains_cs", "containscs", "startswith", "startswith_cs", "endswith", "endswith_cs",
      "notcontains", "notcontainscs", "like", "likecs", "notlike", "notlikecs", "where": true
    default: false
    }
  }

  private mutating func wordPrimary() throws(ParseFailure) -> Expression {
    let start = position
    if isLiteralWord() {
      let isTrue = bytes[Int(current.start)] | 0x20 == 0x74
      return node(.literal(.bool(isTrue)), advance().span)
    }
    if isWord("dynamic") && kind(1) == .leftParen {
      advance(by: 2)
      let value = try dynamicNode()
      try expect(.rightParen, ")")
      return node(.literal(.dynamic(value)), span(from: start))
    }
    if isWord("datatable") && (kind(1) == .leftParen || kind(1) == .word) { return try datatable() }
    if (isWord("externaldata") || isWord("external_data")) && kind(1) == .leftParen { return try externalData() }
    if isWord("inline_external_table") && (kind(1) == .leftParen || isWord("kind", 1)) { return try inlineExternalTable() }
    if isWord("typeof") && kind(1) == .leftParen { return try typeOf() }
    if isWord("entity_group") && kind(1) == .leftBracket { return try entityGroup() }
    if isReserved() && kind(1) != .leftParen {
      try fail(.missing, "expected an expression, found '\(text(of: current))'", hint: "a column of that name is written ['\(text(of: current))']")
    }
    let token = advance()
    let name = Name(text: text(of: token), span: token.span)
    if kind == .leftParen { return try call(name, from: start) }
    if (name.text == "toscalar" || name.text == "totable") && isWord("kind") && kind(1) == .assign {
      advance(by: 2)
      let kindName = try self.name()
      return try call(name, kind: kindName, from: start)
    }
    skipDataScope()
    return node(.name(name.text), name.span)
  }

  /// `T datascope=all`, `datascope=hotcache`: all rows are equally near here, so that there is nothing to choose.
  mutating func skipDataScope() {
    if isWord("datascope") && kind(1) == .assign && (isWord("all", 2) || isWord("hotcache", 2)) { advance(by: 3) }
  }

  private mutating func call(_ name: Name, kind: Name? = nil, from start: Int) throws(ParseFailure) -> Expression {
    try enter()
    defer { leave() }
    let arguments = try callArguments()
    return node(.call(FunctionCall(target: nil, name: name, kind: kind, arguments: arguments)), span(from: start), above: height(arguments.map(\.value)))
  }

  private mutating func datatable() throws(ParseFailure) -> Expression {
    let start = position
    advance()
    let parameters = try operatorParameters()
    let schema = try rowSchema()
    try expect(.leftBracket, "[")
    var values: [Expression] = []
    while kind != .rightBracket {
      values.append(try datatableValue())
      if !accept(.comma) { break }
    }
    try expect(.rightBracket, "]")
    let table = DatatableExpression(parameters: parameters, columns: schema.columns, values: values)
    return node(.datatable(table), span(from: start), above: height(values))
  }

  /// A literal, the common case, or any expression that the binder can fold.
  private mutating func datatableValue() throws(ParseFailure) -> Expression {
    if (kind == .string || kind == .long) && (kind(1) == .comma || kind(1) == .rightBracket) { return try primary() }
    return try expression()
  }

  private mutating func externalData() throws(ParseFailure) -> Expression {
    let start = position
    advance()
    let parameters = try operatorParameters()
    let schema = try rowSchema()
    try expect(.leftBracket, "[")
    var sources: [Expression] = []
    while kind != .rightBracket {
      sources.append(try expression())
      if !accept(.comma) { break }
    }
    try expect(.rightBracket, "]")
    let properties = acceptWord("with") ? try propertyList() : []
    let data = ExternalDataExpression(parameters: parameters, columns: schema.columns, sources: sources, properties: properties)
    return node(.externalData(data), span(from: start), above: height(sources))
  }

  private mutating func inlineExternalTable() throws(ParseFailure) -> Expression {
    let start = position
    advance()
    let schema = kind == .leftParen ? try rowSchema() : RowSchema(columns: [], acceptsAny: false, span: current.span)
    try expectWord("kind")
    try expect(.assign, "=")
    let tableKind = try name("table kind")
    var partitions: [InlineExternalTableExpression.PartitionColumn] = []
    if acceptWord("partition") {
      try expectWord("by")
      try expect(.leftParen, "(")
      while kind != .rightParen {
        let column = try columnDeclaration()
        let value = accept(.assign) ? try expression() : nil
        partitions.append(InlineExternalTableExpression.PartitionColumn(column: column, value: value))
        if !accept(.comma) { break }
      }
      try expect(.rightParen, ")")
    }
    var pathFormat: [Expression] = []
    if acceptWord("pathformat") {
      try expect(.assign, "=")
      try expect(.leftParen, "(")
      while kind != .rightParen && kind != .end { pathFormat.append(try postfix()) }
      try expect(.rightParen, ")")
    }
    var dataFormat: Name?
    if acceptWord("dataformat") {
      try expect(.assign, "=")
      dataFormat = try name("data format")
    }
    try expect(.leftParen, "(")
    var sources: [Expression] = []
    while kind != .rightParen {
      sources.append(try expression())
      if !accept(.comma) { break }
    }
    try expect(.rightParen, ")")
    let properties = acceptWord("with") ? try propertyList() : []
    let table = InlineExternalTableExpression(
      columns: schema.columns, kind: tableKind, partitions: partitions, pathFormat: pathFormat, dataFormat: dataFormat, sources: sources, properties: properties)
    return node(.inlineExternalTable(table), span(from: start), above: height(sources))
  }

  private mutating func typeOf() throws(ParseFailure) -> Expression {
    let start = position
    advance()
    if kind(1) == .word && kind(2) == .rightParen {
      advance()
      let type = try typeReference()
      advance()
      return node(.typeOf(type), span(from: start))
    }
    let schema = try rowSchema(allowsAny: true)
    return node(.schemaOf(schema), span(from: start))
  }

  /// `typeof(type)` where only a scalar type may stand.
  mutating func typeOfScalar() throws(ParseFailure) -> TypeReference {
    try expectWord("typeof")
    try expect(.leftParen, "(")
    let type = try typeReference()
    try expect(.rightParen, ")")
    return type
  }

  private mutating func entityGroup() throws(ParseFailure) -> Expression {
    let start = position
    advance(by: 2)
    var entities: [Expression] = []
    while kind != .rightBracket {
      entities.append(try postfix())
      if !accept(.comma) { break }
    }
    try expect(.rightBracket, "]")
    return node(.entityGroup(entities), span(from: start), above: height(entities))
  }
}

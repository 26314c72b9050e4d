// Expressions. A node is put in parentheses when its own level binds less tightly than the place it stands in.

/// Precedence levels of the expression grammar, loosest first.
private enum Level {
  static let query = 0
  static let or = 1
  static let and = 2
  static let equality = 3
  static let relational = 4
  static let additive = 5
  static let multiplicative = 6
  static let string = 7
  static let unary = 8
  static let postfix = 9
}

extension BinaryOperator {
  fileprivate var level: Int {
    switch self {
    case .add, .subtract: Level.additive
    case .multiply, .divide, .modulo: Level.multiplicative
    case .less, .lessOrEqual, .greater, .greaterOrEqual: Level.relational
    case .equal, .notEqual: Level.equality
    default: Level.string
    }
  }
}

extension KQLPrinter {
  /// Writes an expression where one of at least `level` may stand without parentheses.
  mutating func expression(_ expression: Expression, atLeast level: Int = Level.or) {
    let own = Self.level(of: expression)
    let wrap = own < level
    if wrap { write("(") }
    body(expression)
    if wrap { write(")") }
  }

  private static func level(of expression: Expression) -> Int {
    switch expression.kind {
    case .query: Level.query
    case .logical(.or, _): Level.or
    case .logical(.and, _): Level.and
    case .membership, .between: Level.equality
    case .binary(let op, _, _): op.level
    case .unary: Level.unary
    // A number before '.' would read as a real.
    case .literal(.long), .literal(.real), .literal(.timespan): Level.unary
    default: Level.postfix
    }
  }

  private mutating func body(_ expression: Expression) {
    switch expression.kind {
    case .literal(let value): literal(value)
    case .name(let text): write(Self.quoted(name: text))
    case .wildcard(let pattern): write(pattern)
    case .star: write("*")
    case .path(let left, let part):
      self.expression(left, atLeast: Level.postfix)
      write(".")
      name(part)
    case .wildcardPath(let left, let pattern):
      self.expression(left, atLeast: Level.postfix)
      write("." + pattern.text)
    case .element(let left, let index):
      self.expression(left, atLeast: Level.postfix)
      write("[")
      self.expression(index)
      write("]")
    case .call(let call): functionCall(call)
    case .unary(let op, let operand):
      write(op.rawValue)
      self.expression(operand, atLeast: Level.unary)
    case .binary(let op, let left, let right): binary(op, left, right)
    case .logical(let op, let operands):
      let level = op == .or ? Level.and : Level.equality
      list(operands, " \(op.rawValue) ") { $0.expression($1, atLeast: level) }
    case .membership(let op, let left, let items):
      self.expression(left, atLeast: Level.relational)
      write(" \(op.rawValue) (")
      list(items) { $0.expression($1, atLeast: items.count == 1 ? Level.query : Level.or) }
      write(")")
    case .between(let left, let low, let high, let isNegated):
      self.expression(left, atLeast: Level.relational)
      write(isNegated ? " !between (" : " between (")
      self.expression(low)
      write(" .. ")
      self.expression(high)
      write(")")
    case .query(let pipeline): self.pipeline(pipeline)
    case .datatable(let table): datatable(table)
    case .externalData(let data): externalData(data)
    case .inlineExternalTable(let table): inlineExternalTable(table)
    case .typeOf(let type): write("typeof(\(type.type.rawValue))")
    case .schemaOf(let schema):
      write("typeof")
      rowSchema(schema)
    case .entityGroup(let entities):
      write("entity_group [")
      list(entities) { $0.expression($1) }
      write("]")
    }
  }

  /// Comparisons and string operators take no operand of their own level; arithmetic groups to the left.
  private mutating func binary(_ op: BinaryOperator, _ left: Expression, _ right: Expression) {
    let level = op.level
    let isChain = level == Level.additive || level == Level.multiplicative
    expression(left, atLeast: isChain ? level : level + 1)
    write(" \(op.rawValue) ")
    expression(right, atLeast: level + 1)
  }

  mutating func functionCall(_ call: FunctionCall) {
    if let target = call.target {
      expression(target, atLeast: Level.postfix)
      write(".")
    }
    // Function names that are words of the language are called as they are.
    let plain = Self.quoted(name: call.name.text)
    write(plain.hasPrefix("[") && call.name.text.utf8.allSatisfy(isWordPart) && !call.name.text.isEmpty ? call.name.text : plain)
    if let kind = call.kind { write(" kind=\(kind.text) ") }
    write("(")
    list(call.arguments) { printer, argument in
      printer.expressionNames(argument)
      printer.expression(argument.value, atLeast: Level.query)
    }
    write(")")
  }

  private mutating func expressionNames(_ named: NamedExpression) {
    if named.isTuple {
      write("(")
      list(named.names) { $0.name($1) }
      write(") = ")
    } else if let first = named.names.first {
      name(first)
      write(" = ")
    }
  }

  mutating func namedExpression(_ named: NamedExpression) {
    expressionNames(named)
    expression(named.value)
  }

  /// An operand that the grammar reads without operators: the right side of a join, entities of a union.
  mutating func operand(_ expression: Expression) { self.expression(expression, atLeast: Level.postfix) }

  /// A signed value: bounds of a variable-length edge.
  mutating func signed(_ expression: Expression) { self.expression(expression, atLeast: Level.unary) }

  /// A value without comparisons: limits, defaults, parameter values.
  mutating func sum(_ expression: Expression) { self.expression(expression, atLeast: Level.additive) }

  private mutating func datatable(_ table: DatatableExpression) {
    write("datatable ")
    parameters(table.parameters)
    columns(table.columns)
    write(" [")
    let width = max(1, table.columns.count)
    for (i, value) in table.values.enumerated() {
      if i > 0 { write(i % width == 0 ? ",\n  " : ", ") }
      expression(value)
    }
    write("]")
  }

  private mutating func externalData(_ data: ExternalDataExpression) {
    write("externaldata")
    columns(data.columns)
    write(" [")
    list(data.sources) { $0.expression($1) }
    write("]")
    if !data.properties.isEmpty {
      write(" with ")
      properties(data.properties)
    }
  }

  private mutating func inlineExternalTable(_ table: InlineExternalTableExpression) {
    write("inline_external_table ")
    if !table.columns.isEmpty { columns(table.columns) }
    write(" kind=\(table.kind.text)")
    if !table.partitions.isEmpty {
      write(" partition by (")
      list(table.partitions) { printer, partition in
        printer.name(partition.column.name)
        printer.write(": \(partition.column.type.type.rawValue)")
        if let value = partition.value {
          printer.write(" = ")
          printer.expression(value)
        }
      }
      write(")")
    }
    if !table.pathFormat.isEmpty {
      write(" pathformat=(")
      list(table.pathFormat, " ") { $0.operand($1) }
      write(")")
    }
    if let format = table.dataFormat { write(" dataformat=\(format.text)") }
    write(" (")
    list(table.sources) { $0.expression($1) }
    write(")")
    if !table.properties.isEmpty {
      write(" with ")
      properties(table.properties)
    }
  }
}

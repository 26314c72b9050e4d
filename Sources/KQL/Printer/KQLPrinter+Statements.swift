// Statements, function bodies, schemas and parameters.

extension KQLPrinter {
  mutating func statements(_ statements: [Statement]) {
    for (i, statement) in statements.enumerated() {
      if i > 0 {
        write(";")
        newLine()
      }
      self.statement(statement)
    }
  }

  private mutating func statement(_ statement: Statement) {
    switch statement.kind {
    case .letValue(let variable, let value):
      write("let ")
      name(variable)
      write(" = ")
      expression(value, atLeast: 0)
    case .letFunction(let variable, let function):
      write("let ")
      name(variable)
      write(" = ")
      if function.isView { write("view ") }
      parameterList(function.parameters)
      write(" ")
      body(function.body)
    case .set(let option, let value):
      write("set ")
      name(option)
      if let value {
        write(" = ")
        sum(value)
      }
    case .aliasDatabase(let alias, let value):
      write("alias database ")
      name(alias)
      write(" = ")
      expression(value)
    case .queryParameters(let parameters):
      write("declare query_parameters ")
      parameterList(parameters)
    case .declarePattern(let pattern): self.pattern(pattern)
    case .restrictAccess(let entities, let properties):
      write("restrict access to (")
      list(entities) { $0.operand($1) }
      write(")")
      if !properties.isEmpty {
        write(" with ")
        self.properties(properties)
      }
    case .query(let value): expression(value, atLeast: 0)
    }
  }

  mutating func body(_ body: FunctionBody) {
    write("{")
    indent += 2
    newLine()
    statements(body.statements)
    if !body.statements.isEmpty && body.result != nil {
      write(";")
      newLine()
    }
    if let result = body.result { expression(result, atLeast: 0) }
    indent -= 2
    newLine()
    write("}")
  }

  mutating func parameterList(_ parameters: [ParameterDeclaration]) {
    write("(")
    list(parameters) { $0.parameterDeclaration($1) }
    write(")")
  }

  private mutating func parameterDeclaration(_ parameter: ParameterDeclaration) {
    name(parameter.name)
    write(": ")
    switch parameter.type {
    case .scalar(let type): write(type.type.rawValue)
    case .tabular(let schema): rowSchema(schema)
    }
    if let value = parameter.defaultValue {
      write(" = ")
      sum(value)
    }
  }

  private mutating func pattern(_ pattern: PatternDeclaration) {
    write("declare pattern ")
    name(pattern.name)
    if pattern.rules.isEmpty && pattern.parameters.isEmpty { return }
    write(" = ")
    parameterList(pattern.parameters)
    if let path = pattern.path {
      write("[")
      parameterDeclaration(path)
      write("]")
    }
    write(" {")
    indent += 2
    for rule in pattern.rules {
      newLine()
      write("(")
      list(rule.arguments) { $0.operand($1) }
      write(")")
      if let path = rule.path {
        write(".[")
        operand(path)
        write("]")
      }
      write(" = ")
      body(rule.body)
      write(";")
    }
    indent -= 2
    newLine()
    write("}")
  }

  mutating func columns(_ columns: [ColumnDeclaration]) {
    write("(")
    list(columns) {
      $0.name($1.name)
      $0.write(": \($1.type.type.rawValue)")
    }
    write(")")
  }

  mutating func rowSchema(_ schema: RowSchema) {
    write(schema.acceptsAny ? "(*" : "(")
    if schema.acceptsAny && !schema.columns.isEmpty { write(", ") }
    list(schema.columns) {
      $0.name($1.name)
      $0.write(": \($1.type.type.rawValue)")
    }
    write(")")
  }

  /// Parameters before an operator's operands, each followed by a space.
  mutating func parameters(_ parameters: [OperatorParameter]) {
    for parameter in parameters {
      self.parameter(parameter)
      write(" ")
    }
  }

  mutating func parameter(_ parameter: OperatorParameter) {
    write(parameter.name.text + "=")
    switch parameter.value {
    case .name(let value): name(value)
    case .names(let values): list(values) { $0.name($1) }
    case .expression(let value): sum(value)
    }
  }

  /// `(a=1, b=x)`
  mutating func properties(_ properties: [OperatorParameter]) {
    write("(")
    list(properties) { $0.parameter($1) }
    write(")")
  }
}

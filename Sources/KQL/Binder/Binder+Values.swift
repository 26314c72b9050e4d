// What an expression stands for, a scalar or a table, and the names that decide it: columns first, then variables, then
// tables of the catalog; functions are lambdas of the text, stored functions, then built-in ones.

import Columnar
import Engine
import Expressions

extension Binder {
  /// Binds an expression to a scalar or a table.
  func value(_ expression: Expression, _ row: RowScope) throws(BindFailure) -> Value {
    switch expression.kind {
    case .query(let pipeline): return .table(try self.pipeline(pipeline))
    case .datatable(let table): return .table(try datatable(table))
    case .externalData(let data): return .table(try externalData(data, expression.span))
    case .inlineExternalTable(let table): return .table(try inlineExternalTable(table, expression.span))
    case .entityGroup: try fail(.unexpected, "an entity group stands only in let and macro-expand", at: expression.span)
    case .name(let name): return try named(name, row, expression.span)
    case .call(let call): return try self.call(call, row, expression.span)
    case .path(let left, let name):
      if case .call(let call) = left.kind, let table = try patternCall(call, path: name.text, expression.span) { return .table(table) }
      if let database = try databaseName(left) {
        if let scalar = entityScalar(database, name.text) { return .scalar(scalar) }
        return .table(try catalogTable(name.text, database: database.isEmpty ? nil : database, expression.span))
      }
      return .scalar(try scalar(expression, row))
    case .wildcard, .wildcardPath:
      try fail(.unexpected, "a name with wildcards stands only in union, find, search and project-away, -keep and -reorder", at: expression.span)
    default: return .scalar(try scalar(expression, row))
    }
  }

  /// Binds an expression that must be a table; `what` names the place for the message.
  func table(_ expression: Expression, _ row: RowScope = .none, what: String) throws(BindFailure) -> TableValue {
    try withoutOrigin(try single(try tables(expression, row, what: what), what, at: expression.span))
  }

  /// Binds an expression that must be a table, several tables or a graph. Columns of `RowOrigin` stay in it.
  func tables(_ expression: Expression, _ row: RowScope = .none, what: String) throws(BindFailure) -> TableValue {
    // A name here is never a column, and an unknown one is a missing table.
    if case .name(let name) = expression.kind {
      switch scope.find(name) {
      case .table(let table)?: return table
      case .materialized(let table)?: return TableValue(plan: try rows(of: table), name: name)
      case .scalar?: try fail(.tableExpected, "'\(name)' is a scalar; \(what) is a table", at: expression.span, hint: "write: print \(quotedName(name))")
      case .function(let function, _)?:
        if function.parameters.allSatisfy({ $0.defaultValue != nil }) { break }
        try fail(.argumentListRequired, "'\(name)' is a function and needs its arguments", at: expression.span)
      case .database?, .entityGroup?: try fail(.tableExpected, "'\(name)' is no table; \(what) is one", at: expression.span)
      case nil: return try catalogTable(name, database: nil, expression.span)
      }
    }
    switch try value(expression, row) {
    case .table(let table): return table
    case .scalar:
      // What is wrong with the scalar itself, such as an unknown function, comes first.
      _ = try typed(expression, row)
      try fail(.tableExpected, "\(what) is a table; this is a scalar", at: expression.span, hint: "a scalar is shown with print")
    }
  }

  /// Whether an expression is a table, without reporting anything.
  func isTable(_ expression: Expression, _ row: RowScope) -> Bool {
    switch expression.kind {
    case .query, .datatable, .externalData: return true
    case .name(let name):
      if row.schema?.index(of: name) != nil { return false }
      switch scope.find(name) {
      case .table?, .materialized?: return true
      case .scalar?, .database?, .entityGroup?: return false
      case .function?, nil: break
      }
    case .call, .path: break
    default: return false
    }
    let before = isSilent
    isSilent = true
    defer { isSilent = before }
    if case .table? = try? value(expression, row) { return true }
    return false
  }

  private func named(_ name: String, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> Value {
    if row.schema?.index(of: name) != nil {
      if let keys = row.aggregates?.keys, !keys.contains(name) {
        try fail(
          .unknownName, "'\(name)' is no group key, and stands outside of the aggregates", at: span,
          hint: "take_any(\(quotedName(name))) takes it from a row of the group; 'by \(quotedName(name))' makes it a key")
      }
      return .scalar(ScalarValue(expr: .column(name)))
    }
    switch scope.find(name) {
    case .scalar(let value)?:
      // An argument of a function may read columns of the caller's row; a query inside the function has rows of its own.
      if scope.isInQuery(since: name), !value.expr.columns.isEmpty {
        try fail(.constantExpected, "'\(name)' varies by row of the function's caller; a query inside the function cannot use it", at: span, hint: "join the rows, or pass a constant")
      }
      return .scalar(value)
    case .table(let table)?: return .table(table)
    case .materialized(let table)?: return .table(TableValue(plan: try rows(of: table), name: name))
    case .function(let function, let home)?:
      // A function without required arguments may be named without parentheses, as Kusto allows for views.
      guard function.parameters.allSatisfy({ $0.defaultValue != nil }) else {
        try fail(.argumentListRequired, "'\(name)' is a function and needs its arguments", at: span)
      }
      return try call(function, home, name: name, [], row, span)
    case .database?, .entityGroup?: try fail(.unexpected, "'\(name)' stands for databases, not for a value", at: span)
    case nil: break
    }
    if let value = try storedValue(name, database: nil, row, span) { return value }
    if let plan = try open(name, database: nil) {
      try checkAccess(name, database: nil, span)
      return .table(TableValue(plan: plan, name: name, database: ownName(ofDatabase: nil)))
    }
    try unknownName(name, row, span)
  }

  /// What a stored function gives that is named without parentheses, as may those without required arguments. It stands before a table of its name.
  private func storedValue(_ name: String, database: String?, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> Value? {
    if database == nil, catalog.bringsTable(name) { return nil }
    guard let (function, home) = try storedFunction(name, database: database, span), function.parameters.allSatisfy({ $0.defaultValue != nil }) else { return nil }
    return try call(function, home, name: name, [], row, span)
  }

  /// Reports a name that stands for nothing, with the names that are near.
  func unknownName(_ name: String, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> Never {
    guard let schema = row.schema else {
      let known = scope.names + catalog.tableNames(database: scope.database)
      try fail(.unknownTable, "'\(name)' is no table, variable or function", at: span, hint: NameSuggestion.hint(for: name, among: known))
    }
    if name.lowercased() == "null" {
      try fail(.unknownName, "'\(name)' is no value", at: span, hint: "write isnull(x), for texts isempty(x); the null of a type is written long(null)")
    }
    let near = NameSuggestion.hint(for: name, among: schema.names + scope.names)
    let shown = schema.names.prefix(8).joined(separator: ", ") + (schema.count > 8 ? ", ..." : "") + " (\(schema.count))"
    let place = row.tableName.map { " in '\($0)'" } ?? ""
    try fail(.unknownName, "column '\(name)' not found\(place)", at: span, hint: [near, "columns: \(shown)"].compactMap(\.self).joined(separator: " "))
  }

  // MARK: Tables

  private func open(_ name: String, database: String?) throws(BindFailure) -> LogicalPlan? {
    let database = database ?? scope.database
    do {
      return try usesRowOrigin ? catalog.tableWithOrigin(name, database: database) : catalog.table(name, database: database)
    } catch {
      if !isSilent { cause = error }
      throw BindFailure()
    }
  }

  /// A table of the catalog, or the stored function of that name called without arguments: where both are there the function, or the table
  /// when `prefersTable`, as table() and wildcards do. Source: Kusto language reference, "User-defined functions", "table()".
  func catalogTable(_ name: String, database: String?, prefersTable: Bool = false, _ span: SourceSpan) throws(BindFailure) -> TableValue {
    try checkAccess(name, database: database, span)
    if prefersTable, let plan = try open(name, database: database) { return TableValue(plan: plan, name: name, database: ownName(ofDatabase: database)) }
    if case .table(let table)? = try storedValue(name, database: database, .none, span) { return table }
    if !prefersTable, let plan = try open(name, database: database) { return TableValue(plan: plan, name: name, database: ownName(ofDatabase: database)) }
    if let home = database ?? scope.database { try checkDatabase(home, span) } else { try asking { () throws in try catalog.checkDatabase() } }
    let known = (database == nil ? scope.names : []) + catalog.tableNames(database: database ?? scope.database)
    let place = database.map { " in database '\($0)'" } ?? ""
    try fail(.unknownTable, "table '\(name)' not found\(place)", at: span, hint: NameSuggestion.hint(for: name, among: known))
  }

  /// Reports a database that is not there, where the catalog knows those that are.
  private func checkDatabase(_ name: String, _ span: SourceSpan) throws(BindFailure) {
    let known = catalog.databaseNames
    guard !name.isEmpty, !known.isEmpty, !known.contains(where: { $0.lowercased() == name.lowercased() }) else { return }
    try fail(
      .unknownDatabase, "database '\(name)' not found", at: span, hint: NameSuggestion.hint(for: name, among: known) ?? "databases: \(known.prefix(12).joined(separator: ", "))")
  }

  /// The rows of a materialised table, computed once.
  func rows(of table: MaterializedTable) throws(BindFailure) -> LogicalPlan {
    if let value = table.value { return value }
    if isSilent { return table.plan }
    let value = LogicalPlan.values(table.plan.schema, try run(table.plan))
    table.value = value
    return value
  }

  /// The operand of `materialize(...)`.
  func materialize(_ call: FunctionCall, _ span: SourceSpan) throws(BindFailure) -> TableValue {
    guard call.arguments.count == 1 else { try argumentCount("materialize", call.arguments.count, "1 argument", span) }
    return try table(call.arguments[0].value, what: "the argument of materialize")
  }

  // MARK: Calls

  func argumentCount(_ function: String, _ found: Int, _ expected: String, _ span: SourceSpan) throws(BindFailure) -> Never {
    try fail(.argumentCount, "\(function)() takes \(expected), found \(found)", at: span)
  }

  /// A call of a lambda, a stored function, a function that the binder itself answers, or a built-in scalar function.
  func call(_ call: FunctionCall, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> Value {
    if let target = call.target {
      guard let database = try databaseName(target) else {
        try fail(.notAFunction, "'\(call.name.text)' is called on something that is no database", at: call.name.span)
      }
      try checkAccess(call.name.text, database: database, call.name.span)
      guard let (function, home) = try storedFunction(call.name.text, database: database.isEmpty ? nil : database, call.name.span) else {
        try checkDatabase(database, target.span)
        try fail(.unknownFunction, "function '\(call.name.text)' not found in database '\(database)'", at: call.name.span)
      }
      return try self.call(function, home, name: call.name.text, call.arguments, row, span)
    }
    if case .function(let function, let home)? = scope.find(call.name.text) {
      return try self.call(function, home, name: call.name.text, call.arguments, row, span)
    }
    if let calls = row.aggregates, ResultNames.isAggregate(call.name.text) { return .scalar(try aggregateColumn(call, calls, row, span)) }
    if let table = try patternCall(call, path: nil, span) { return .table(table) }
    if let value = try special(call, row, span) { return value }
    if let (function, home) = try storedFunction(call.name.text, database: nil, call.name.span) {
      return try self.call(function, home, name: call.name.text, call.arguments, row, span)
    }
    return .scalar(try builtIn(call, row, span))
  }

  /// A stored function that may be named here, with a scope in which names without a database are those of the function's own.
  func storedFunction(_ name: String, database: String?, _ span: SourceSpan) throws(BindFailure) -> (FunctionDeclaration, Scope)? {
    let database = database ?? scope.database
    let text: String?
    do {
      text = try catalog.functionText(name, database: database)
    } catch {
      if !isSilent { cause = error }
      throw BindFailure()
    }
    guard let text else { return nil }
    try checkAccess(name, database: database, span)
    if RowOrigin.isNamed(in: text) { usesRowOrigin = true }
    let parsed = KQLParser.parse("let f = \(text)")
    guard parsed.isValid, case .letFunction(_, let function)? = parsed.query.statements.first?.kind else {
      try fail(.malformed, "the stored function '\(name)' does not parse", at: span)
    }
    return (function, Scope(database: database))
  }

  /// Inlines a lambda: its parameters become variables of a scope in which its body is bound.
  func call(
    _ function: FunctionDeclaration, _ home: Scope, name: String, _ arguments: [NamedExpression], _ row: RowScope, _ span: SourceSpan,
    leading: TableValue? = nil
  ) throws(BindFailure) -> Value {
    guard callDepth < Self.maximumCallDepth else { try fail(.nestingTooDeep, "functions call each other more than \(Self.maximumCallDepth) deep", at: span) }
    let outer = scope
    let isStored = home.parent == nil && home.variables.isEmpty && home !== outer
    // A lambda is known by the scope that it is declared in, a stored function by its database.
    let key = isStored ? Self.functionKey(name, in: home.database) : "\(ObjectIdentifier(home)) \(name)"
    if openFunctions.contains(key) { try fail(.recursion, "'\(name)' calls itself: functions are not recursive", at: span) }
    let inner = Scope(parent: home)
    try bindArguments(function, name: name, arguments, row, span, leading: leading, into: inner)
    let outerSpan = callSpan
    let outerColumns = callerColumns
    let uses = nameUses
    scope = inner
    if let schema = row.reach { callerColumns = schema }
    callDepth += 1
    // A body of this very text keeps its own places; a stored one is reported where it is called.
    if isStored { callSpan = callSpan ?? span }
    openFunctions.insert(key)
    defer {
      openFunctions.remove(key)
      scope = outer
      callDepth -= 1
      callSpan = outerSpan
      callerColumns = outerColumns
      nameUses = uses
    }
    nameUses = [:]
    for statement in function.body.statements { try declare(statement) }
    guard let result = function.body.result else { try fail(.missing, "function '\(name)' has no result", at: span) }
    let bound = try value(result, .none)
    if case .table(var table) = bound {
      table.name = name
      table.database = nil
      return .table(table)
    }
    return bound
  }

  /// What a stored function is known by while its body is bound.
  static func functionKey(_ name: String, in database: String?) -> String { (database ?? "") + "/" + name }

  private func bindArguments(
    _ function: FunctionDeclaration, name: String, _ arguments: [NamedExpression], _ row: RowScope, _ span: SourceSpan,
    leading: TableValue?, into inner: Scope
  ) throws(BindFailure) {
    var byName: [String: Expression] = [:]
    var positional: [Expression] = []
    for argument in arguments {
      if let given = argument.names.first {
        guard function.parameters.contains(where: { $0.name.text == given.text }) else {
          try fail(.namedArgument, "'\(name)' has no parameter '\(given.text)'", at: given.span, hint: NameSuggestion.hint(for: given.text, among: function.parameters.map(\.name.text)))
        }
        byName[given.text] = argument.value
      } else {
        positional.append(argument.value)
      }
    }
    if leading != nil {
      guard let first = function.parameters.first, case .tabular = first.type else {
        try fail(.tableExpected, "the first parameter of '\(name)' is no table, which invoke hands over", at: span)
      }
    }
    var next = 0
    for (i, parameter) in function.parameters.enumerated() {
      if i == 0, let leading {
        if case .tabular(let schema) = parameter.type { try checkColumns(of: leading, schema, parameter, span) }
        inner.variables[parameter.name.text] = .table(leading)
        continue
      }
      var given = byName[parameter.name.text]
      if given == nil, next < positional.count {
        given = positional[next]
        next += 1
      }
      guard let argument = given ?? parameter.defaultValue else {
        let wanted = function.parameters.filter { $0.defaultValue == nil }.count - (leading == nil ? 0 : 1)
        try fail(.missingArgument, "'\(name)' needs at least \(wanted) arguments, found \(arguments.count); '\(parameter.name.text)' is missing", at: span)
      }
      inner.variables[parameter.name.text] = try bindArgument(argument, parameter, row)
    }
    if next < positional.count { try argumentCount(name, arguments.count, "\(function.parameters.count - (leading == nil ? 0 : 1)) arguments", positional[next].span) }
  }

  private func bindArgument(_ argument: Expression, _ parameter: ParameterDeclaration, _ row: RowScope) throws(BindFailure) -> Variable {
    switch parameter.type {
    case .tabular(let schema):
      let table = try table(argument, row, what: "parameter '\(parameter.name.text)'")
      try checkColumns(of: table, schema, parameter, argument.span)
      return .table(table)
    case .scalar(let type):
      let wanted = DataType(type.type)
      let bound = try scalar(argument, row)
      let found = try self.type(of: bound, row, argument)
      if found == wanted { return .scalar(bound) }
      guard found == .dynamic || wanted == .dynamic || (found.isNumeric && wanted.isNumeric) else {
        try fail(.typeExpected, "parameter '\(parameter.name.text)' is \(wanted), found \(found)", at: argument.span)
      }
      return .scalar(ScalarValue(expr: Self.conversion(bound.expr, to: wanted), size: bound.size + 1, height: bound.height + 1))
    }
  }

  /// Throws unless a table has the columns that a parameter declares.
  private func checkColumns(of table: TableValue, _ schema: RowSchema, _ parameter: ParameterDeclaration, _ span: SourceSpan) throws(BindFailure) {
    for column in schema.columns {
      guard let field = table.plan.schema.field(column.name.text) else {
        try fail(.unknownName, "the table for '\(parameter.name.text)' has no column '\(column.name.text)'", at: span)
      }
      guard field.type == DataType(column.type.type) else {
        try fail(.typeExpected, "column '\(field.name)' for '\(parameter.name.text)' is \(field.type), not \(column.type.type.rawValue)", at: span)
      }
    }
  }

  /// `to<type>(expr)`, folded for literals.
  static func conversion(_ expr: Expr, to type: DataType) -> Expr {
    if case .literal(let scalar) = expr, let converted = convert(scalar, to: type) { return .literal(converted) }
    return .call("to\(type)", [expr])
  }
}

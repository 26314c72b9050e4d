// Names of databases and clusters, and the statements and operators about them: alias database, restrict access, declare pattern, macro-expand.

import Columnar
import Engine
import Expressions

/// What a query may still name after `restrict access to (...)`.
struct Restriction {
  /// Patterns of variables of the text.
  var variables: [String] = []
  /// Patterns of tables and stored functions, each with one of the names of databases.
  var tables: [(database: String, pattern: String)] = []

  func allowsVariable(_ name: String) -> Bool { variables.contains { Wildcard.matches($0, name) } }
  func allowsTable(_ name: String, database: String) -> Bool {
    tables.contains { Wildcard.matches($0.database, database) && Wildcard.matches($0.pattern, name) }
  }
}

extension Scope {
  /// Whether every restriction in force here leaves the table or stored function: a later one narrows what earlier ones leave.
  func allowsTable(_ name: String, database: String) -> Bool {
    if let restriction, !restriction.allowsTable(name, database: database) { return false }
    return parent?.allowsTable(name, database: database) ?? true
  }

  /// Whether the restrictions since the pattern was declared in `home` leave it.
  func allowsPattern(_ name: String, declaredIn home: Scope) -> Bool {
    if self === home { return true }
    if let restriction, !restriction.allowsVariable(name) { return false }
    return parent?.allowsPattern(name, declaredIn: home) ?? true
  }

  /// Whether anything is restricted here.
  var isRestricted: Bool { restriction != nil || parent?.isRestricted ?? false }
}

extension Binder {
  /// The name of the database that an expression stands for: `database("x")`, `cluster("c").database("x")`, an entity of macro-expand; "" is
  /// the current one. Nil when the expression is something else.
  func databaseName(_ expression: Expression) throws(BindFailure) -> String? {
    if case .name(let name) = expression.kind, case .database(let database)? = scope.find(name) { return database }
    let parts: (target: Expression?, call: FunctionCall)
    switch expression.kind {
    case .call(let call): parts = (call.target, call)
    default: return nil
    }
    if parts.call.name.text == "cluster" { try fail(.unexpected, "a cluster is followed by a database: cluster(...).database(...)", at: expression.span) }
    guard parts.call.name.text == "database" else { return nil }
    if let target = parts.target { try checkCluster(target) }
    guard let argument = parts.call.arguments.first else { return "" }
    guard case .string(let name) = try constant(argument.value) else {
      try fail(.constantExpected, "database() takes the name of a database as text", at: argument.span)
    }
    return parts.target == nil ? databaseAliases[name] ?? name : name
  }

  /// Refuses clusters other than this place.
  private func checkCluster(_ expression: Expression) throws(BindFailure) {
    guard case .call(let call) = expression.kind, call.name.text == "cluster" else { try fail(.unexpected, "a cluster is needed before '.database(...)'", at: expression.span) }
    guard let argument = call.arguments.first else { return }
    guard case .string(let name) = try constant(argument.value) else { try fail(.constantExpected, "cluster() takes a name or address as text", at: argument.span) }
    if !catalog.isLocal(cluster: name) { try notSupported("the cluster '\(name)'; this query reads local tables only", at: expression.span) }
  }

  // MARK: Statements

  func declareAlias(_ name: Name, _ value: Expression) throws(BindFailure) {
    guard let database = try databaseName(value) else { try fail(.unknownDatabase, "an alias stands for a database: cluster(...).database(...)", at: value.span) }
    databaseAliases[name.text] = database
  }

  /// From here on only these entities have names; what was declared before keeps what it sees.
  func restrictAccess(_ entities: [Expression]) throws(BindFailure) {
    var restriction = Restriction()
    for entity in entities {
      switch entity.kind {
      case .star: restriction.variables.append("*")
      case .wildcard(let pattern): restriction.variables.append(pattern)
      case .name(let name):
        if scope.find(name) != nil || patterns[name] != nil { restriction.variables.append(name) } else { restriction.tables.append((ownName(ofDatabase: nil), name)) }
      case .path(let left, let name), .wildcardPath(let left, let name):
        guard let database = try databaseName(left) else { try fail(.unknownDatabase, "a database is needed before '.'", at: left.span) }
        restriction.tables.append((ownName(ofDatabase: database), name.text))
      case .call(let call) where call.arguments.isEmpty && call.target == nil: restriction.variables.append(call.name.text)
      default: try fail(.unexpected, "an entity is a name, a pattern, or database(...) with one of these", at: entity.span)
      }
    }
    let inner = Scope(parent: scope)
    inner.restriction = restriction
    scope = inner
  }

  /// Throws when the table or stored function may not be named here.
  func checkAccess(_ name: String, database: String?, _ span: SourceSpan) throws(BindFailure) {
    guard !allowsAccess(name, database: database) else { return }
    try fail(.unknownTable, "'\(name)' is not among the tables and functions that 'restrict access' leaves", at: span)
  }

  /// Whether a table or stored function may be named here; `database` is nil for the current one.
  func allowsAccess(_ name: String, database: String?) -> Bool {
    !scope.isRestricted || scope.allowsTable(name, database: ownName(ofDatabase: database))
  }

  /// The name of a database; nil and "" are the current one.
  func ownName(ofDatabase database: String?) -> String {
    if let database, !database.isEmpty { return database }
    if let home = scope.database { return home }
    guard case .string(let name)? = try? catalog.sessionValue("current_database") else { return "" }
    return name
  }

  // MARK: Patterns

  /// `p("a").["b"]`: the body of the rule with these arguments; nil when `call` is no declared pattern.
  func patternCall(_ call: FunctionCall, path: String?, _ span: SourceSpan) throws(BindFailure) -> TableValue? {
    guard call.target == nil, let (pattern, home) = patterns[call.name.text], scope.allowsPattern(call.name.text, declaredIn: home) else { return nil }
    let given = try each(call.arguments) { argument throws(BindFailure) in try self.constant(argument.value) }
    for rule in pattern.rules {
      let wanted = try each(rule.arguments) { argument throws(BindFailure) in try self.constant(argument) }
      var wantedPath: String?
      if let path = rule.path { wantedPath = try pathText(path) }
      guard wanted == given, wantedPath == path else { continue }
      let body = FunctionDeclaration(isView: false, parameters: [], body: rule.body)
      guard case .table(let table) = try self.call(body, Scope(parent: home), name: call.name.text, [], .none, span) else {
        try fail(.tableExpected, "the pattern '\(call.name.text)' does not give a table", at: span)
      }
      return table
    }
    let shown = given.map { "'\(ScalarText.text($0) ?? "")'" }.joined(separator: ",")
    let reference = "\(call.name.text)(\(shown))" + (path.map { ".['\($0)']" } ?? "")
    try fail(.unknownFunction, "One or more pattern references were not declared. Detected pattern references: [\"\(reference)\"]", at: span)
  }

  private func pathText(_ expression: Expression) throws(BindFailure) -> String {
    if case .name(let name) = expression.kind { return name }
    guard case .string(let text) = try constant(expression) else { try fail(.constantExpected, "a path is text", at: expression.span) }
    return text
  }

  // MARK: macro-expand

  /// The subquery for each database of a group, put together as union does.
  func macroExpand(_ expand: MacroExpandOperator, _ step: TabularOperator) throws(BindFailure) -> TableValue {
    let databases = try entityGroup(expand.group)
    let isFuzzy = Self.word(step, "isfuzzy") == "true"
    var tables: [TableValue] = []
    for database in databases {
      let outer = scope
      scope = Scope(parent: outer)
      defer { scope = outer }
      if let name = expand.scope { scope.variables[name.text] = .database(database) }
      let before = diagnostics.count
      do throws(BindFailure) {
        tables.append(try subquery(expand.statements, step))
      } catch {
        guard isFuzzy, cause == nil, diagnostics.dropFirst(before).allSatisfy({ $0.code == .unknownTable || $0.code == .unknownDatabase || $0.severity == .warning }) else { throw error }
        for i in before..<diagnostics.count { diagnostics[i].severity = .warning }
      }
    }
    guard !tables.isEmpty else { try fail(.unknownTable, "macro-expand finds no table", at: step.span) }
    return try union(of: tables, step)
  }

  /// Declarations, then one query.
  private func subquery(_ statements: [Statement], _ step: TabularOperator) throws(BindFailure) -> TableValue {
    var result: TableValue?
    for statement in statements {
      if case .query(let expression) = statement.kind {
        result = try table(expression, what: "the subquery of macro-expand")
      } else {
        try declare(statement)
      }
    }
    guard let result else { try fail(.missing, "macro-expand needs a subquery", at: step.span) }
    return result
  }

  /// The databases of `entity_group [...]` or of a variable that holds one.
  func entityGroup(_ expression: Expression) throws(BindFailure) -> [String] {
    switch expression.kind {
    case .entityGroup(let entities):
      return try each(entities) { entity throws(BindFailure) in
        guard let database = try self.databaseName(entity) else { try self.fail(.unknownDatabase, "an entity of a group is a database", at: entity.span) }
        return database
      }
    case .name(let name):
      if case .entityGroup(let databases)? = scope.find(name) { return databases }
      try fail(.unknownName, "'\(name)' is no entity group", at: expression.span, hint: "declare it: let \(quotedName(name)) = entity_group [database('x'), ...]")
    default: try fail(.expected, "an entity group is needed here", at: expression.span)
    }
  }

  /// `X.$current_database` of an entity.
  func entityScalar(_ database: String, _ name: String) -> ScalarValue? {
    switch name {
    case "$current_database": ScalarValue(expr: .literal(.string(database)))
    case "$current_cluster_endpoint": ScalarValue(expr: .literal(.string("")))
    default: nil
    }
  }
}

// Name resolution and typing: syntax tree to logical plan.
// One binder serves one text. A rule that cannot go on records a diagnostic and throws `BindFailure`; lists of columns bind
// all their items first, so that one text can give several diagnostics.

import Columnar
import DataSource
import Engine
import Expressions

/// Thrown after a diagnostic was recorded; carries nothing.
struct BindFailure: Error {}

/// A scalar with the size and height of its expression, which inlined functions could otherwise blow up.
struct ScalarValue {
  var expr: Expr
  var size = 1
  var height = 1
}

/// A table with what operators further down may want to know about it.
struct TableValue {
  var plan: LogicalPlan
  /// The name it is known by, for messages and `union withsource`.
  var name: String?
  /// The database of a table of the catalog that goes by its own name; nil for others.
  var database: String?
  var visualization: Visualization?
  /// Set while this is a graph: then `plan` is its edge table.
  var graph: GraphValue?
  /// The tables that follow, for operators that give several.
  var further: [TableValue] = []
  /// The name of the result, where the operator gives one.
  var resultName: String?
  /// Set when the tables are only names for the statements that follow.
  var onlyNames = false
  /// True when the rows have an order that window functions may use.
  var isSerialized = false
}

/// What an expression can stand for.
enum Value {
  case scalar(ScalarValue)
  case table(TableValue)
}

/// A table computed when it is first used, then shared by all uses.
final class MaterializedTable {
  let plan: LogicalPlan
  var value: LogicalPlan?
  init(_ plan: LogicalPlan) { self.plan = plan }
}

/// What a name can stand for.
enum Variable {
  case scalar(ScalarValue)
  case table(TableValue)
  case materialized(MaterializedTable)
  /// A lambda with the names that were known where it was declared.
  case function(FunctionDeclaration, Scope)
  /// A database that macro-expand stands at.
  case database(String)
  /// Databases for macro-expand.
  case entityGroup([String])
}

/// The names known at a place.
final class Scope {
  var variables: [String: Variable] = [:]
  let parent: Scope?
  /// What of the scopes around this one may be named.
  var restriction: Restriction?
  private let ownDatabase: String?
  /// Whether these are the names of a query, whose rows are not those of an expression around it.
  private let isQuery: Bool

  /// `database`: where names without one are looked up in the catalog; nil: as in the scope around this one.
  init(parent: Scope? = nil, database: String? = nil, isQuery: Bool = false) {
    self.parent = parent
    ownDatabase = database
    self.isQuery = isQuery
  }

  /// Whether a query begins between the place where the name is declared and here.
  func isInQuery(since name: String) -> Bool { variables[name] == nil && (isQuery || parent?.isInQuery(since: name) ?? false) }

  /// The database that names without one are of; nil: the current one. A stored function is at home in its own.
  var database: String? { ownDatabase ?? parent?.database }

  func find(_ name: String) -> Variable? {
    if let own = variables[name] { return own }
    guard let found = parent?.find(name) else { return nil }
    if let restriction, !restriction.allowsVariable(name) {
      switch found {
      case .table, .materialized, .function: return nil
      case .scalar, .database, .entityGroup: break
      }
    }
    return found
  }

  /// All names, nearest scope first.
  var names: [String] { variables.keys.sorted() + (parent?.names ?? []) }
}

/// The columns in reach of an expression.
struct RowScope {
  /// Nil where no row exists, as in `print` or `let`.
  var schema: StructType?
  /// The table's name, for messages.
  var tableName: String?
  /// The right side of a join condition, reached as `$right`.
  var right: StructType?
  /// Where window calls are collected; nil where they are not allowed.
  var windows: WindowCalls?
  /// Where aggregate calls are collected; nil where they are not allowed.
  var aggregates: AggregateCalls?
  /// The steps of scan, whose states are reached as `step.column`, and the columns that stand for them.
  var steps: Set<String> = []
  var states: [StructField] = []

  init(_ schema: StructType?, tableName: String? = nil, windows: WindowCalls? = nil) {
    self.schema = schema
    self.tableName = tableName
    self.windows = windows
  }

  static var none: RowScope { RowScope(nil) }

  var types: StructType { schema ?? StructType() }

  /// The columns that bound expressions may read: those of the row and those of its window and aggregate calls.
  var reach: StructType? {
    let more = (windows?.fields ?? []) + (aggregates?.fields ?? []) + states
    return more.isEmpty ? schema : schema.map { StructType($0.fields + more) }
  }
}

final class Binder {
  let catalog: any KQLCatalog
  let options: BindOptions
  var diagnostics: [KQLDiagnostic] = []
  /// An error from outside the text, such as a table that cannot be opened or a subquery that failed.
  var cause: (any Error)?
  var scope = Scope()
  /// The values of the `set` statements so far, by lower-case name.
  var settings: [String: Scalar] = [:]
  /// Those of the text.
  private var statements: [Statement] = []
  /// The input of a fragment.
  var implicitSource: LogicalPlan?
  /// `alias database`: the databases that other names stand for.
  var databaseAliases: [String: String] = [:]
  /// `declare pattern` by name, each with the names that were known where it was declared.
  var patterns: [String: (declaration: PatternDeclaration, home: Scope)] = [:]
  /// Lambda calls in progress.
  var callDepth = 0
  /// Operators made so far.
  var planned = 0
  /// Operators that are made for one text.
  static let mostPlanned = 50_000
  /// Operators of a plan, one that is read in several places counted in each.
  static let mostOperators = 100_000
  /// The functions whose bodies are being bound: stored ones by `functionKey`, lambdas by the scope they are declared in and their name.
  var openFunctions: Set<String> = []
  /// Subqueries bound so far, which numbers them.
  var subqueryCount = 0
  /// Set when a scalar was wanted of rows that a subquery gets only while it runs.
  var needsSubqueryRows = false
  /// Set while an error is located; nothing is reported then.
  var isSilent = false
  /// How often each name is used in the text, to decide what `materialize` has to keep.
  var nameUses: [String: Int] = [:]
  /// The columns in reach of the innermost call, which arguments put into its body may read.
  var callerColumns = StructType()
  /// Whether tables are opened with the columns of `RowOrigin`: the text names one of their functions.
  var usesRowOrigin = false
  /// Where a lambda is called from: its body's diagnostics point there.
  var callSpan: SourceSpan?

  static let maximumCallDepth = 24
  static let maximumExprSize = 200_000
  static let maximumExprHeight = 800

  init(catalog: any KQLCatalog, options: BindOptions) {
    self.catalog = catalog
    self.options = options
  }

  // MARK: Statements

  /// Binds all statements; at least one must be a query.
  func bind(_ query: QueryText) throws(BindFailure) -> BoundQuery {
    nameUses = NameUses.count(query)
    statements = query.statements
    var results: [BoundResult] = []
    settings = [:]
    for (i, statement) in query.statements.enumerated() {
      guard let value = try bind(statement), !(value.onlyNames && i + 1 < query.statements.count) else { continue }
      for table in [value] + value.further {
        var plan = try limited(table.plan, at: statement.span)
        if isOn("query_results_apply_getschema") { plan = schemaTable(plan.schema, asText: false) }
        results.append(BoundResult(plan: plan, name: table.resultName ?? table.name, visualization: table.visualization))
      }
    }
    if results.isEmpty {
      let end = query.statements.last.map { SourceSpan(start: Int($0.span.end), end: Int($0.span.end)) } ?? SourceSpan(start: 0, end: 0)
      if query.statements.isEmpty { try fail(.missing, "the text holds no query", at: end) }
      try fail(.tableExpected, "the text holds no query", at: end, hint: "end it with a query, for instance the name of a table")
    }
    return BoundQuery(results: results, options: settings, warnings: diagnostics)
  }

  /// What a `set` statement says, else the request; nil: neither does.
  func option(_ name: String) -> Scalar? { settings[name] ?? options.settings[name] }

  /// Whether an option is set to something else than false.
  func isOn(_ name: String) -> Bool { option(name).map { !RequestSettings.isOff($0) } ?? false }

  /// The plan cut as `set query_take_max_records = n` wants it.
  private func limited(_ plan: LogicalPlan, at span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    guard let value = settings["query_take_max_records"] else { return plan }
    guard let rows = value.int64Value, rows >= 0 else {
      try fail(.valueNotAllowed, "query_take_max_records is a whole number of at least 0", at: valueSpan(ofSetting: "query_take_max_records") ?? span)
    }
    return plan.limit(Int(rows))
  }

  /// Where a `set` statement gives an option its value.
  private func valueSpan(ofSetting option: String) -> SourceSpan? {
    var found: SourceSpan?
    for case .set(let name, let value?) in statements.map(\.kind) where name.text == option { found = value.span }
    return found
  }

  /// Binds one statement; the table if it is a query.
  private func bind(_ statement: Statement) throws(BindFailure) -> TableValue? {
    switch statement.kind {
    case .letValue, .letFunction: try declare(statement)
    case .set(let name, let value):
      let scalar = try setting(value)
      if let (message, hint) = RequestSettings.obstacle(name.text, scalar) { try fail(.notSupported, message, at: statement.span, hint: hint) }
      guard catalog.apply(setting: name.text, scalar) else { try fail(.notSupported, "not supported here: the option '\(name.text)'", at: statement.span, hint: "stores and servers obey it") }
      settings[name.text.lowercased()] = scalar
    case .queryParameters(let parameters): try declareParameters(parameters)
    case .aliasDatabase(let name, let value): try declareAlias(name, value)
    case .declarePattern(let pattern): patterns[pattern.name.text] = (pattern, scope)
    case .restrictAccess(let entities, _): try restrictAccess(entities)
    case .query(let expression):
      var table: TableValue
      if let implicitSource, case .query(let pipeline) = expression.kind, pipeline.source == nil {
        table = try self.pipeline(pipeline, implicit: TableValue(plan: implicitSource, name: "source"))
      } else {
        table = try tables(expression, .none, what: "a query statement")
      }
      if !options.givesRowOrigin { table = try withoutOrigin(table) }
      if table.graph != nil { _ = try single(table, "a query statement", at: expression.span) }
      // Only `as` names a result; a plain table name does not.
      if !isNamedByAs(expression) { table.name = nil }
      return table
    }
    return nil
  }

  private func isNamedByAs(_ expression: Expression) -> Bool {
    guard case .query(let pipeline) = expression.kind else { return false }
    return Self.isNamedByAs(pipeline)
  }

  /// A `let` statement, or the query parameters that a body declares.
  func declare(_ statement: Statement) throws(BindFailure) {
    if let name = statement.declaredName, scope.variables[name.text] != nil {
      try fail(.duplicateVariable, "'\(name.text)' is declared already", at: name.span, hint: "a let statement cannot change a name; take another one")
    }
    switch statement.kind {
    case .letFunction(let name, let function):
      scope.variables[name.text] = .function(function, scope)
    case .letValue(let name, let value):
      if case .call(let call) = value.kind, call.name.text == "materialize", call.target == nil, (nameUses[name.text] ?? 0) > 1 {
        scope.variables[name.text] = .materialized(MaterializedTable(try materialize(call, value.span).plan))
        return
      }
      if case .entityGroup = value.kind {
        scope.variables[name.text] = .entityGroup(try entityGroup(value))
        return
      }
      switch try self.value(value, .none) {
      case .scalar(let scalar):
        _ = try type(of: scalar, .none, value)
        scope.variables[name.text] = .scalar(scalar)
      case .table(var table):
        table.name = name.text
        table.database = nil
        scope.variables[name.text] = .table(table)
      }
    case .queryParameters(let parameters): try declareParameters(parameters)
    default: break
    }
  }

  private func setting(_ value: Expression?) throws(BindFailure) -> Scalar {
    guard let value else { return .bool(true) }
    if case .name(let word) = value.kind { return .string(word) }
    return try constant(value)
  }

  private func declareParameters(_ parameters: [ParameterDeclaration]) throws(BindFailure) {
    for parameter in parameters {
      guard case .scalar(let type) = parameter.type else { try notSupported("tabular query parameters", at: parameter.span) }
      let wanted = DataType(type.type)
      let given: Scalar
      if let value = options.parameters[parameter.name.text] {
        given = value
      } else if let text = options.parameterTexts[parameter.name.text] {
        guard let value = parameterValue(text, as: wanted) else {
          try fail(.typeExpected, "query parameter '\(parameter.name.text)' is \(wanted), its value is '\(text.prefix(80))'", at: parameter.span)
        }
        given = value
      } else if let value = parameter.defaultValue {
        given = try constant(value)
      } else {
        try fail(.missingArgument, "query parameter '\(parameter.name.text)' has no value", at: parameter.name.span)
      }
      guard let converted = Self.convert(given, to: wanted) else {
        try fail(.typeExpected, "query parameter '\(parameter.name.text)' is \(wanted), its value is \(given.type)", at: parameter.span)
      }
      scope.variables[parameter.name.text] = .scalar(ScalarValue(expr: .literal(converted)))
    }
  }

  // MARK: Reporting

  func report(_ code: DiagnosticCode, _ message: String, at span: SourceSpan, hint: String? = nil, severity: DiagnosticSeverity = .error) {
    guard !isSilent, diagnostics.count < 20 else { return }
    let span = callSpan ?? span
    if diagnostics.contains(where: { $0.span == span && $0.code == code && $0.message == message }) { return }
    diagnostics.append(KQLDiagnostic(code, message, at: span, hint: hint, severity: severity))
  }

  func fail(_ code: DiagnosticCode, _ message: String, at span: SourceSpan, hint: String? = nil) throws(BindFailure) -> Never {
    report(code, message, at: span, hint: hint)
    throw BindFailure()
  }

  func notSupported(_ what: String, at span: SourceSpan) throws(BindFailure) -> Never {
    try fail(.notSupported, "not supported yet: \(what)", at: span)
  }

  /// Binds every item, reports all their problems, and throws if there was one.
  func each<Item, Result>(_ items: [Item], _ body: (Item) throws(BindFailure) -> Result) throws(BindFailure) -> [Result] {
    var results: [Result] = []
    var failed = false
    for item in items {
      do throws(BindFailure) {
        results.append(try body(item))
      } catch {
        failed = true
        if cause != nil { throw error }
      }
    }
    if failed { throw BindFailure() }
    return results
  }

  // MARK: Running subqueries

  /// The rows of a plan that must be known now.
  func run(_ plan: LogicalPlan) throws(BindFailure) -> [RecordBatch] {
    guard !isSilent else { throw BindFailure() }
    if plan.hasSubquerySource {
      needsSubqueryRows = true
      try notSupported("a scalar of the rows of a subquery (toscalar, in) inside that subquery", at: callSpan ?? SourceSpan(start: 0, end: 0))
    }
    do {
      var batches: [RecordBatch] = []
      let execution = try QueryExecution(plan, options: options.execution.limited(by: settings), context: options.context)
      try options.supervise(execution) { execution in
        try execution.run { batch in
          batches.append(batch)
          return true
        }
      }
      return batches
    } catch {
      cause = error
      throw BindFailure()
    }
  }
}

extension DataType {
  /// The type that a type word of the syntax stands for; the two lists are the same.
  init(_ name: ScalarTypeName) { self = DataType(rawValue: name.rawValue) ?? .dynamic }
}

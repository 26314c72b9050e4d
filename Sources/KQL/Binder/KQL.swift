// The front door of the module: KQL text to plans and expressions. Every failure is one `KConnectError` with the drawn
// place in its excerpt; tools that want the diagnostics themselves use `KQLParser` and `Binder`.

package import Columnar
import DataSource
package import Engine
package import Expressions

/// KQL text to plans.
package enum KQL {
  /// Binds a whole text: statements, then at least one query. `offset` is where the query begins in the text of a command.
  /// Throws `KConnectError`.
  package static func bind(_ text: String, from offset: Int = 0, catalog: any KQLCatalog, options: BindOptions) throws -> BoundQuery {
    let parsed = KQLParser.parse(text, from: offset)
    try check(parsed.diagnostics, text)
    return try bind(parsed.query, text, Binder(catalog: catalog, options: options))
  }

  /// Binds a pipeline applied to `input`: `where x | summarize count()`. The input is also the table `source`, so that
  /// `let n = toscalar(source | count); where a > n` and `source | take 5` work as well. `offset` as in `bind`. Throws `KConnectError`.
  package static func bindFragment(
    _ text: String, from offset: Int = 0, input: LogicalPlan, catalog: any KQLCatalog, options: BindOptions
  ) throws -> BoundQuery {
    let parsed = KQLParser.parseFragment(text, from: offset)
    try check(parsed.diagnostics, text)
    let binder = Binder(catalog: catalog, options: options)
    binder.implicitSource = input
    binder.scope.variables["source"] = .table(TableValue(plan: input, name: "source"))
    return try bind(parsed.query, text, binder)
  }

  /// Parses one management command. Throws `KConnectError`.
  package static func command(_ text: String) throws -> Command {
    let parsed = CommandParser.parse(text)
    try check(parsed.diagnostics, text)
    guard let command = parsed.command else { throw KConnectError(.internalError, "parsing a command failed without saying why") }
    return command
  }

  /// Parses what stands behind a command, so that a mistake there is told of before the command is carried out. Throws `KConnectError`.
  package static func checkTail(of command: Command, _ text: String) throws {
    switch command.tail {
    case .operators(let offset)?: try check(KQLParser.parseFragment(text, from: offset).diagnostics, text)
    case .statements(let offset)?:
      var diagnostics = KQLParser.parse(text, from: offset).diagnostics
      let bytes = text.utf8
      if let first = diagnostics.first, let at = bytes.index(bytes.startIndex, offsetBy: Int(first.span.start), limitedBy: bytes.endIndex), at < bytes.endIndex,
        bytes[at] == UInt8(ascii: "."), first.code == .notSupported
      {
        diagnostics = [KQLDiagnostic(.notSupported, "a request is one command; found another behind ';'", at: first.span, hint: CommandParser.severalCommands)]
      }
      try check(diagnostics, text)
    case nil: break
    }
  }

  /// Binds a boolean expression over a schema, for `--filter` and `DataFrame.filter`. Throws `KConnectError`.
  package static func bindPredicate(_ text: String, schema: StructType, options: BindOptions) throws -> Expr {
    let (expr, type) = try bindExpression(text, schema: schema, options: options)
    guard type == .bool else {
      throw KConnectError(.typeMismatch, "the filter '\(shortened(text))' is \(type), not bool", hint: "compare it with a value, for instance with ==")
    }
    return expr
  }

  /// Binds one scalar expression over a schema. Throws `KConnectError`.
  package static func bindExpression(_ text: String, schema: StructType, options: BindOptions) throws -> (Expr, DataType) {
    let parsed = KQLParser.parseExpression(text)
    try check(parsed.diagnostics, text)
    guard let expression = parsed.expression else { throw KConnectError(.kqlSyntax, "the expression is empty") }
    let binder = Binder(catalog: PlanCatalog(), options: options)
    return try diagnosing(text, binder) { () throws(BindFailure) in try binder.typed(expression, RowScope(schema)) }
  }

  /// Binds output columns over a schema, as in `project`: `a, b = c + 1`. Throws `KConnectError`.
  package static func bindColumns(_ text: String, schema: StructType, options: BindOptions) throws -> [NamedExpr] {
    let parsed = KQLParser.parseNamedExpressions(text)
    try check(parsed.diagnostics, text)
    let binder = Binder(catalog: PlanCatalog(), options: options)
    return try diagnosing(text, binder) { () throws(BindFailure) in
      try binder.projection(parsed.expressions, RowScope(schema), style: .project).columns
    }
  }

  private static func bind(_ query: QueryText, _ text: String, _ binder: Binder) throws -> BoundQuery {
    binder.usesRowOrigin = binder.options.givesRowOrigin || RowOrigin.isNamed(in: text)
    return try diagnosing(text, binder) { () throws(BindFailure) in try binder.bind(query) }
  }

  private static func diagnosing<Result>(_ text: String, _ binder: Binder, _ body: () throws(BindFailure) -> Result) throws -> Result {
    do {
      return try body()
    } catch {
      if let cause = binder.cause { throw cause }
      try check(binder.diagnostics, text)
      throw KConnectError(.internalError, "binding failed without saying why")
    }
  }

  /// Throws when there is an error among the diagnostics.
  private static func check(_ diagnostics: [KQLDiagnostic], _ text: String) throws {
    let errors = diagnostics.filter { $0.severity == .error }
    guard let first = errors.first else { return }
    throw error(first, all: errors, text)
  }

  private static func error(_ first: KQLDiagnostic, all: [KQLDiagnostic], _ text: String) -> KConnectError {
    let renderer = DiagnosticRenderer(text: text)
    let (line, column) = renderer.locator.lineAndColumn(of: Int(first.span.start))
    var excerpt = renderer.excerpt(first)
    var hint = first.hint
    if all.count > 1 {
      // Each hint stands below what it is about.
      if let own = hint { excerpt += "\nhint: \(own)" }
      hint = nil
      excerpt += "\n\n" + renderer.render(Array(all.dropFirst()))
    }
    var error = KConnectError(family(first.code), "\(first.message) [\(first.code) at \(line):\(column)]", hint: hint, excerpt: excerpt)
    error.place = .init(line: line, column: column)
    return error
  }

  /// The error family that a diagnostic belongs to.
  static func family(_ code: DiagnosticCode) -> KConnectError.Code {
    switch code {
    case .notSupported: .notSupported
    case .notSerialized, .recursion: .kqlSemantic
    case .unknownName: .columnNotFound
    case .unknownFunction: .functionNotFound
    case .operatorNotDefined, .typeExpected, .incompatibleArguments, .joinKeyTypes: .typeMismatch
    default: code.number < 100 || (170...179).contains(code.number) || code.number >= 244 ? .kqlSyntax : .kqlSemantic
    }
  }

  private static func shortened(_ text: String) -> String { text.count > 80 ? text.prefix(80) + "..." : text }
}

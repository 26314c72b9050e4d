// Role: the one door to the KQL module: texts become expressions and plans.

import Columnar
import DataSource
import Engine
import Expressions
import KQL
import KustoStore

/// Binds KQL texts. `context` fixes `now()`; the query that runs the plan must have the same one.
struct KQLFrontEnd {
  let options: BindOptions
  private let session: Session

  init(_ session: Session) {
    self.session = session
    var options = BindOptions(context: Session.newContext())
    options.execution = session.executionOptions
    self.options = options
  }

  /// A scalar expression over the columns of a schema.
  func expression(_ text: String, schema: StructType) throws -> Expr {
    try KQL.bindExpression(text, schema: schema, options: options).0
  }

  /// A boolean expression over the columns of a schema.
  func predicate(_ text: String, schema: StructType) throws -> Expr { try KQL.bindPredicate(text, schema: schema, options: options) }

  /// Output columns over a schema: `a, b = c + 1`.
  func columns(_ text: String, schema: StructType) throws -> [NamedExpr] { try KQL.bindColumns(text, schema: schema, options: options) }

  /// Operators applied to a plan: `where x > 1 | summarize count() by y`. `tables` are in scope for joins and unions.
  func pipeline(_ text: String, over plan: LogicalPlan, tables: [String: LogicalPlan]) throws -> LogicalPlan {
    try single(KQL.bindFragment(text, input: plan, catalog: SessionCatalog(tables: tables, session: session), options: options))
  }

  /// A whole query over tables.
  func query(_ text: String, tables: [String: LogicalPlan]) throws -> LogicalPlan {
    try single(KQL.bind(text, catalog: SessionCatalog(tables: tables, session: session), options: options))
  }

  /// All results of a text over tables, in order.
  func results(_ text: String, tables: [String: LogicalPlan]) throws -> [QueryResult] {
    try bound(text, catalog: SessionCatalog(tables: tables, session: session)).results.map { QueryResult(name: $0.name, frame: DataFrame(session: session, plan: $0.plan)) }
  }

  /// All results of a text over a catalog.
  func bound(_ text: String, catalog: any KQLCatalog) throws -> BoundQuery { try limited(KQL.bind(text, catalog: catalog, options: options)) }

  /// Results under the limits that `set` statements of their text name: rows, bytes, columns and memory.
  private func limited(_ bound: BoundQuery) throws -> BoundQuery {
    let limits = try AnswerLimits(statements: bound.options)
    let execution = options.execution.limited(by: bound.options)
    var out = bound
    for i in out.results.indices {
      out.results[i].plan = try limits.applied(
        to: out.results[i].plan, execution: execution, memory: options.execution.memoryLimit, context: options.context)
    }
    return out
  }

  private func single(_ bound: BoundQuery) throws -> LogicalPlan {
    guard bound.results.count == 1, let result = try limited(bound).results.first else {
      throw KConnectError(
        .usage, "the text gives \(bound.results.count) tables, and one is needed here",
        hint: "kqlResults(...) and 'kconnect query' take several; union puts them together")
    }
    return result.plan
  }
}

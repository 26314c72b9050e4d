// Role: column expressions bound to an input plan: KQL text is parsed, open `when` chains get their null, aggregates are told apart.

import Columnar
import DataSource
import Engine
import Expressions

/// Resolves columns against the schema of one plan.
struct ColumnResolver {
  let session: Session
  let plan: LogicalPlan

  /// The expression without markers. Throws where names or texts are wrong.
  func resolve(_ expr: Expr) throws -> Expr {
    switch expr {
    case .column(let name):
      guard plan.schema.index(of: name) != nil else { throw ExpressionError.columnNotFound(name, candidates: plan.schema.names) }
      return expr
    case .literal: return expr
    case .call(MarkerName.kql, let arguments):
      guard case .literal(.string(let text))? = arguments.first else { return expr }
      return try KQLFrontEnd(session).expression(text, schema: plan.schema)
    case .call(MarkerName.misused, let arguments):
      guard case .literal(.string(let method))? = arguments.first else { return expr }
      throw KConnectError(.usage, "\(method)() follows a column that is no when()", hint: "when(condition, value).when(…).otherwise(value)")
    case .call(MarkerName.isNull, let arguments):
      guard let value = arguments.first else { return expr }
      return .call("is null", [try resolve(value)])
    case .call(MarkerName.when, let arguments):
      let arguments = try arguments.map(resolve)
      guard arguments.count >= 2 else { return expr }
      return .call("case", arguments + [.literal(.null(try plan.type(of: arguments[1])))])
    case .call(let name, let arguments): return .call(name, try arguments.map(resolve))
    }
  }

  /// A projection column.
  func named(_ column: Column) throws -> NamedExpr { NamedExpr(column.name, try resolve(column.expr)) }

  /// A sort key; ascending where the column does not say.
  func sortKey(_ column: Column) throws -> SortKey {
    SortKey(try resolve(column.expr), isDescending: column.sortOrder?.isDescending ?? false, nullsFirst: column.sortOrder?.nullsFirst)
  }

  /// An expression over aggregates, taken apart: `sum(x) / count()` becomes two aggregates and a quotient over their columns.
  struct Aggregation {
    var aggregates: [NamedAggregate] = []
    var outputs: [NamedExpr] = []
    /// False when the outputs are just the aggregates under their names.
    var needsProjection = false
  }

  /// Takes aggregate columns apart. Throws for a column that holds no aggregate.
  func aggregation(_ columns: [Column]) throws -> Aggregation {
    var out = Aggregation()
    for column in columns {
      let expr = try resolve(column.expr)
      if case .call(let name, let arguments) = expr, CompiledAggregate.exists(name) {
        out.aggregates.append(NamedAggregate(column.name, AggregateCall(name, arguments)))
        out.outputs.append(NamedExpr(column.name, .column(column.name)))
        continue
      }
      let before = out.aggregates.count
      let rest = lift(expr, into: &out)
      guard out.aggregates.count > before else {
        throw KConnectError(
          .usage, "agg: '\(column.name)' is not an aggregate", hint: "wrap it in an aggregate such as sum(), max() or anyValue()")
      }
      out.outputs.append(NamedExpr(column.name, rest))
      out.needsProjection = true
    }
    return out
  }

  private func lift(_ expr: Expr, into out: inout Aggregation) -> Expr {
    guard case .call(let name, let arguments) = expr else { return expr }
    if CompiledAggregate.exists(name) {
      let column = "$aggregate\(out.aggregates.count)"
      out.aggregates.append(NamedAggregate(column, AggregateCall(name, arguments)))
      return .column(column)
    }
    return .call(name, arguments.map { lift($0, into: &out) })
  }
}

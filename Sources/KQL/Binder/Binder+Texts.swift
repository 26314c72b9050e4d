// Strings as keys: KQL knows no null string, so wherever rows are grouped, matched or ordered by a string, a null of a file counts as ''.
// What is only passed on keeps its nulls.

import Columnar
import Engine
import Expressions

extension Binder {
  /// Aggregates that count, compare or collect strings, of which null is one like any other.
  private static let textAggregates: Set<String> = [
    "min", "max", "minif", "maxif", "arg_min", "arg_max", "make_list", "make_list_if", "make_list_with_nulls", "make_set", "make_set_if", "dcount", "dcountif",
    "count_distinct", "count_distinctif", "hll", "hll_if",
  ]

  /// The expression as a key of rows.
  static func key(_ expr: Expr, _ type: DataType?) -> Expr { type == .string ? Expr.text(expr) : expr }

  /// The expression as a sort key whose nulls have a place of their own: '' and the null string of an outer join, which are one, share it.
  static func nullKey(_ expr: Expr, _ type: DataType?) -> Expr {
    type == .string ? .call("iff", [.call("isempty", [expr]), .literal(.null(.string)), expr]) : expr
  }

  /// The columns of a projection over `schema` as keys.
  static func keys(_ columns: [NamedExpr], over plan: LogicalPlan) -> [NamedExpr] {
    columns.map { column in NamedExpr(column.name, key(column.expr, try? plan.type(of: column.expr))) }
  }

  /// An aggregate whose string arguments hold no nulls where it tells them apart.
  func texted(_ call: AggregateCall, _ row: RowScope) -> AggregateCall {
    guard Self.textAggregates.contains(call.name), let first = call.arguments.first else { return call }
    var out = call
    out.arguments[0] = Self.key(first, quietType(of: ScalarValue(expr: first), row))
    return out
  }
}

extension LogicalPlan {
  /// The rows with '' for null in their string columns, or in those of these names.
  func withTexts(_ names: Set<String>? = nil) throws -> LogicalPlan {
    guard schema.fields.contains(where: { $0.type == .string && names?.contains($0.name) != false }) else { return self }
    return try project(schema.fields.map { field in
      NamedExpr(field.name, field.type == .string && names?.contains(field.name) != false ? Expr.text(.column(field.name)) : .column(field.name))
    })
  }
}

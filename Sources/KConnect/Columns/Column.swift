// Role: a column expression as the user writes it: an `Expr` with a name and, for sorting, a direction. Bound to a schema when a DataFrame takes it.

public import Columnar
package import Expressions

/// An expression over the columns of a DataFrame: `col("price") * 2`, `sum("x").alias("total")`.
public struct Column: Sendable, CustomStringConvertible {
  /// The expression; parts that depend on the input's schema (`expr("…")`, an open `when`) are resolved when a DataFrame takes it.
  package let expr: Expr
  /// The name given with `alias`, nil for the default one.
  package let aliasName: String?
  package let sortOrder: SortOrder?

  /// A sort direction and where nulls go.
  package struct SortOrder: Sendable {
    package var isDescending: Bool
    package var nullsFirst: Bool
  }

  package init(_ expr: Expr, alias: String? = nil, order: SortOrder? = nil) {
    self.expr = expr
    aliasName = alias
    sortOrder = order
  }

  /// A call of any KQL function or aggregate by name.
  package static func call(_ name: String, _ arguments: [Column]) -> Column { Column(.call(name, arguments.map(\.expr))) }

  /// The name the column has in a result: its alias, the column's own name, or the expression's text, such as `sum(x)`.
  public var name: String { aliasName ?? ExprText.name(expr) }

  /// The expression as text.
  public var description: String { ExprText.name(expr) + (aliasName.map { " as \($0)" } ?? "") }

  /// The same column under another name.
  public func alias(_ name: String) -> Column { Column(expr, alias: name, order: sortOrder) }

  /// The same column under another name (Spark's other word for `alias`).
  public func `as`(_ name: String) -> Column { alias(name) }

  /// Ascending order, nulls first.
  public func asc() -> Column { Column(expr, alias: aliasName, order: SortOrder(isDescending: false, nullsFirst: true)) }

  /// Descending order, nulls last.
  public func desc() -> Column { Column(expr, alias: aliasName, order: SortOrder(isDescending: true, nullsFirst: false)) }

  /// Ascending order, nulls last.
  public func ascNullsLast() -> Column { Column(expr, alias: aliasName, order: SortOrder(isDescending: false, nullsFirst: false)) }

  /// Descending order, nulls first.
  public func descNullsFirst() -> Column { Column(expr, alias: aliasName, order: SortOrder(isDescending: true, nullsFirst: true)) }

  /// The value converted to another type; what cannot be converted is null.
  public func cast(_ type: DataType) -> Column { Column(.call("to\(type)", [expr]), alias: aliasName ?? ExprText.columnName(expr)) }

  /// True where the value is null.
  public func isNull() -> Column { Column(.call(MarkerName.isNull, [expr])) }

  /// True where the value is not null.
  public func isNotNull() -> Column { !isNull() }

  /// True where the value equals one of the items.
  public func isin<Value: RowValue>(_ items: [Value]) -> Column {
    Column(.call(FunctionName.in, [expr] + items.map { .literal($0.scalar) }))
  }

  /// True where the value equals one of the items.
  public func isin<Value: RowValue>(_ items: Value...) -> Column { isin(items) }

  /// True from `low` to `high`, both included.
  public func between<Low: RowValue, High: RowValue>(_ low: Low, _ high: High) -> Column {
    Column(.call(FunctionName.between, [expr, .literal(low.scalar), .literal(high.scalar)]))
  }

  /// True from `low` to `high`, both included.
  public func between(_ low: Column, _ high: Column) -> Column { Column(.call(FunctionName.between, [expr, low.expr, high.expr])) }

  private func text(_ function: String, _ pattern: String) -> Column { Column(.call(function, [expr, .literal(.string(pattern))])) }

  /// True where the text contains `part`, case-sensitively.
  public func contains(_ part: String) -> Column { text("contains_cs", part) }

  /// True where the text begins with `prefix`, case-sensitively.
  public func startsWith(_ prefix: String) -> Column { text("startswith_cs", prefix) }

  /// True where the text ends with `suffix`, case-sensitively.
  public func endsWith(_ suffix: String) -> Column { text("endswith_cs", suffix) }

  /// True where the regular expression (RE2) matches part of the text.
  public func rlike(_ pattern: String) -> Column { text(FunctionName.matchesRegex, pattern) }

  /// True where the text holds `term` as a whole term, whatever its case: Kusto's `has`.
  public func has(_ term: String) -> Column { text("has", term) }

  /// The text from character `position` (counted from 1, as in Spark), at most `length` characters.
  public func substr(_ position: Int, _ length: Int) -> Column {
    Column(.call("substring", [expr, .literal(.long(Int64(position) - 1)), .literal(.long(Int64(length)))]))
  }

  /// The value under a key of a dynamic bag.
  public func getField(_ key: String) -> Column { Column(.call(FunctionName.member, [expr, .literal(.string(key))])) }

  /// The element of a dynamic array, counted from 0.
  public func getItem(_ index: Int) -> Column { Column(.call(FunctionName.member, [expr, .literal(.long(Int64(index)))])) }

  /// A further branch of `when(…)`; behind anything else USAGE when the column is used.
  public func when(_ condition: Column, _ value: Column) -> Column {
    guard case .call(MarkerName.when, let arguments) = expr else { return Column(.call(MarkerName.misused, [.literal(.string("when"))]), alias: aliasName) }
    return Column(.call(MarkerName.when, arguments + [condition.expr, value.expr]), alias: aliasName)
  }

  /// A further branch of `when(…)`.
  public func when<Value: RowValue>(_ condition: Column, _ value: Value) -> Column { when(condition, lit(value)) }

  /// What `when(…)` gives where no condition holds (null without this); behind anything else USAGE when the column is used.
  public func otherwise(_ value: Column) -> Column {
    guard case .call(MarkerName.when, let arguments) = expr else { return Column(.call(MarkerName.misused, [.literal(.string("otherwise"))]), alias: aliasName) }
    return Column(.call("case", arguments + [value.expr]), alias: aliasName)
  }

  /// What `when(…)` gives where no condition holds (null without this).
  public func otherwise<Value: RowValue>(_ value: Value) -> Column { otherwise(lit(value)) }
}

/// Calls that stand for something only the input's schema can settle; `ColumnResolver` replaces them.
enum MarkerName {
  /// (text): KQL expression text.
  static let kql = "$kql"
  /// (name of the method): a branch of something that is no `when`.
  static let misused = "$misused"
  /// (condition, value, …) without a last value.
  static let when = "$when"
  /// (value): null in the DataFrame's sense, where a null string differs from an empty one.
  static let isNull = "$isnull"
}

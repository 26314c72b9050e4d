// Role: transformations of one frame. Each checks names and types on the line that causes the error and moves no data.

public import Columnar
public import DataSource
import Engine
import Expressions

extension DataFrame {
  /// Columns by name, in that order. Throws COLUMN_NOT_FOUND.
  public func select(_ columns: String...) throws(KConnectError) -> DataFrame { try select(columns) }

  /// Columns by name, in that order.
  public func select(_ columns: [String]) throws(KConnectError) -> DataFrame { try derived { try plan.select(columns) } }

  /// One output column per expression.
  ///
  ///     try df.select(col("State"), (col("x") * 2).alias("twice"))
  public func select(_ columns: Column...) throws(KConnectError) -> DataFrame {
    try derived { try plan.project(columns.map(resolver.named)) }
  }

  /// One output column per KQL expression; `name = expression` names it.
  ///
  ///     try df.selectExpr("State", "twice = x * 2")
  public func selectExpr(_ expressions: String...) throws(KConnectError) -> DataFrame {
    try derived { try plan.project(KQLFrontEnd(session).columns(expressions.joined(separator: ", "), schema: schema)) }
  }

  /// The rows where the condition is true; a null condition is not.
  public func filter(_ condition: Column) throws(KConnectError) -> DataFrame {
    try derived { try plan.filter(resolver.resolve(condition.expr)) }
  }

  /// The rows where a KQL predicate is true: `filter("State == 'TEXAS' and Deaths > 0")`.
  public func filter(_ predicate: String) throws(KConnectError) -> DataFrame {
    try derived { try plan.filter(KQLFrontEnd(session).predicate(predicate, schema: schema)) }
  }

  /// The same as `filter`.
  public func `where`(_ condition: Column) throws(KConnectError) -> DataFrame { try filter(condition) }

  /// The same as `filter`.
  public func `where`(_ predicate: String) throws(KConnectError) -> DataFrame { try filter(predicate) }

  /// Adds a column behind the others, or replaces the one of that name in place.
  public func withColumn(_ name: String, _ column: Column) throws(KConnectError) -> DataFrame {
    try derived { try plan.extend([NamedExpr(name, resolver.resolve(column.expr))]) }
  }

  /// Renames a column; throws COLUMN_NOT_FOUND when it does not exist.
  public func withColumnRenamed(_ existing: String, _ new: String) throws(KConnectError) -> DataFrame {
    try derived {
      guard schema.index(of: existing) != nil else { throw ExpressionError.columnNotFound(existing, candidates: schema.names) }
      return try plan.project(schema.names.map { NamedExpr($0 == existing ? new : $0, .column($0)) })
    }
  }

  /// All columns but these; throws COLUMN_NOT_FOUND for a name that does not exist.
  public func drop(_ columns: String...) throws(KConnectError) -> DataFrame {
    try derived {
      for name in columns where schema.index(of: name) == nil { throw ExpressionError.columnNotFound(name, candidates: schema.names) }
      return try plan.select(schema.names.filter { !columns.contains($0) })
    }
  }

  /// A column converted to another type; values that cannot be converted become null.
  public func cast(_ column: String, _ type: DataType) throws(KConnectError) -> DataFrame {
    try withColumn(column, try self.column(column).cast(type))
  }

  /// Rows in the order of the columns: `orderBy(col("n").desc(), col("State"))`. Stable.
  public func orderBy(_ keys: Column...) throws(KConnectError) -> DataFrame { try derived { try plan.sort(keys.map(resolver.sortKey)) } }

  /// Rows in ascending order of the named columns.
  public func orderBy(_ names: String...) throws(KConnectError) -> DataFrame {
    try derived { try plan.sort(names.map { try resolver.sortKey(col($0)) }) }
  }

  /// The same as `orderBy`.
  public func sort(_ keys: Column...) throws(KConnectError) -> DataFrame { try derived { try plan.sort(keys.map(resolver.sortKey)) } }

  /// The same as `orderBy`.
  public func sort(_ names: String...) throws(KConnectError) -> DataFrame {
    try derived { try plan.sort(names.map { try resolver.sortKey(col($0)) }) }
  }

  /// At most `count` rows: the first ones. Throws USAGE for a negative count.
  public func limit(_ count: Int) throws(KConnectError) -> DataFrame {
    guard count >= 0 else { throw KConnectError(.usage, "limit: found \(count), expected 0 or more") }
    return try derived { plan.limit(count) }
  }

  /// A random sample of `count` rows.
  public func sample(_ count: Int) throws(KConnectError) -> DataFrame {
    guard count >= 0 else { throw KConnectError(.usage, "sample: found \(count), expected 0 or more") }
    return try derived { plan.sample(count) }
  }

  /// Distinct rows; nulls equal each other, NaN equals NaN and -0.0 equals 0.0.
  public func distinct() throws(KConnectError) -> DataFrame { try derived { plan.distinct() } }

  /// One row for each distinct combination of the named columns (all columns when none is named); which of the rows is not specified.
  public func dropDuplicates(_ columns: String...) throws(KConnectError) -> DataFrame {
    if columns.isEmpty { return try distinct() }
    return try derived {
      for name in columns where schema.index(of: name) == nil { throw ExpressionError.columnNotFound(name, candidates: schema.names) }
      let others = schema.fields.filter { !columns.contains($0.name) }
      let keys = columns.map { NamedExpr($0, .column($0)) }
      if others.isEmpty { return try plan.select(columns).distinct().select(schema.names) }
      // One aggregate over all other columns together, so that they come from one row.
      // Arrays know no null text: a text stands in an array of its own, or null in its place.
      let packed = AggregateCall("take_any", [.call("pack_array", others.map { field in
        let column = Expr.column(field.name)
        if field.type != .string { return column }
        return .call("case", [.call("is null", [column]), .literal(.null(.dynamic)), .call("pack_array", [column])])
      })])
      let grouped = try plan.aggregate(keys: keys, aggregates: [NamedAggregate("$row", packed)])
      return try grouped.project(schema.fields.map { field in
        guard let i = others.firstIndex(where: { $0.name == field.name }) else { return NamedExpr(field.name, .column(field.name)) }
        let element = Expr.call(FunctionName.member, [.column("$row"), .literal(.long(Int64(i)))])
        switch field.type {
        case .dynamic: return NamedExpr(field.name, element)
        case .string:
          let text = Expr.call("tostring", [.call(FunctionName.member, [element, .literal(.long(0))])])
          return NamedExpr(field.name, .call("case", [.call("isnull", [element]), .literal(.null(.string)), text]))
        default: return NamedExpr(field.name, .call("to\(field.type)", [element]))
        }
      })
    }
  }

  /// Rows without a null in the named columns (in any column when none is named).
  public func dropNulls(_ columns: String...) throws(KConnectError) -> DataFrame {
    var frame = self
    for name in columns.isEmpty ? self.columns : columns { frame = try frame.filter(try column(name).isNotNull()) }
    return frame
  }

  /// Groups by columns; follow with `agg`, `count`, `sum`, ….
  public func groupBy(_ names: String...) throws(KConnectError) -> GroupedData { try GroupedData(frame: self, keys: names.map { col($0) }) }

  /// Groups by expressions; follow with `agg`, `count`, `sum`, ….
  public func groupBy(_ keys: Column...) throws(KConnectError) -> GroupedData { try GroupedData(frame: self, keys: keys) }

  /// Aggregates of all rows: one row.
  public func agg(_ columns: Column...) throws(KConnectError) -> DataFrame { try GroupedData(frame: self, keys: []).aggregated(columns) }

  /// KQL operators applied to these rows: `kql("where x > 1 | summarize count() by y")`. `tables` are in scope for joins and unions; the rows are
  /// also in scope as the table `source`.
  public func kql(_ pipeline: String, tables: [String: DataFrame] = [:]) throws(KConnectError) -> DataFrame {
    try derived { try KQLFrontEnd(session).pipeline(pipeline, over: plan, tables: tables.mapValues(\.plan)) }
  }
}

// Functions that the binder answers itself, because they take tables, names or the shape of the row.

import Columnar
import Engine
import Expressions

extension Binder {
  /// The value of a call that only the binder can answer; nil for all other functions.
  func special(_ call: FunctionCall, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> Value? {
    if let value = try storeValue(call, row, span) { return value }
    switch call.name.text {
    case "toscalar": return .scalar(try toscalar(call, span))
    case "totable": return .table(try materialize(call, span))
    case "materialize": return .table(try materialize(call, span))
    case "table":
      guard let first = call.arguments.first, case .string(let name) = try constant(first.value) else {
        try fail(.constantExpected, "table() takes the name of a table as text", at: span)
      }
      if case .table(let table)? = scope.find(name) { return .table(table) }
      return .table(try catalogTable(name, database: nil, prefersTable: true, first.span))
    case "column_ifexists", "columnifexists": return .scalar(try columnIfExists(call, row, span))
    case "iscolumnexists":
      guard call.arguments.count == 1, case .string(let name) = try constant(call.arguments[0].value) else {
        try fail(.constantExpected, "iscolumnexists() takes the name of a column as text", at: span)
      }
      return .scalar(ScalarValue(expr: .literal(.bool(row.schema?.index(of: name) != nil))))
    case "bin_auto": return .scalar(try binAuto(call, row, span))
    case "now", "ago":
      guard case .datetime(let ticks)? = settings["query_now"] else { return nil }
      return .scalar(try fixedNow(call, ticks, row, span))
    case "assert" where options.isDefinition: return .scalar(try assertion(call, row, span))
    case "pack_all": return .scalar(try packAll(call, row, span))
    case "bag_pack_columns": return .scalar(try packColumns(call, row, span))
    case "column_names_of":
      guard call.arguments.count == 1 else { try argumentCount("column_names_of", call.arguments.count, "1 argument", span) }
      let source = try table(call.arguments[0].value, what: "the argument of column_names_of")
      return .scalar(ScalarValue(expr: .literal(.dynamic(.array(source.plan.schema.names.map { .string($0) })))))
    case "database", "cluster", "external_table", "materialized_view":
      try notSupported("\(call.name.text)() as a value", at: span)
    case let name where Self.windowFunctions.contains(name): return .scalar(try window(call, row, span))
    default: return nil
    }
  }

  /// The first value of the first row, computed now; null when there is no row.
  private func toscalar(_ call: FunctionCall, _ span: SourceSpan) throws(BindFailure) -> ScalarValue {
    guard call.arguments.count == 1 else { try argumentCount("toscalar", call.arguments.count, "1 argument", span) }
    let argument = call.arguments[0].value
    if !isTable(argument, .none), case .scalar(let value) = try value(argument, .none) {
      // One value for all rows, even of rand() and new_guid().
      return isSilent || !value.expr.columns.isEmpty ? value : ScalarValue(expr: .literal(try constant(argument)))
    }
    let source = try table(argument, what: "the argument of toscalar")
    guard let first = source.plan.schema.fields.first else { try fail(.singleColumnExpected, "toscalar needs a column", at: span) }
    if isSilent { return ScalarValue(expr: .literal(.null(first.type))) }
    let batches = try run(source.plan.limit(1))
    let value = batches.first { $0.rowCount > 0 }?.columns[0].scalar(0) ?? .null(first.type)
    return ScalarValue(expr: .literal(value))
  }

  /// `now()`, `now(offset)` and `ago(offset)` where `set query_now = datetime(...)` fixes the clock.
  private func fixedNow(_ call: FunctionCall, _ ticks: Int64, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> ScalarValue {
    let now = ScalarValue(expr: .literal(.datetime(ticks)))
    let isAgo = call.name.text == "ago"
    guard call.arguments.count <= 1, !(isAgo && call.arguments.isEmpty) else {
      try argumentCount(call.name.text, call.arguments.count, isAgo ? "1 argument" : "0 to 1 arguments", span)
    }
    guard let offset = call.arguments.first else { return now }
    return try node(isAgo ? "-" : "+", [now, try scalar(offset.value, row)], span)
  }

  /// `assert` in a text that is not run now: its arguments must be right, its condition need not be.
  private func assertion(_ call: FunctionCall, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> ScalarValue {
    guard call.arguments.count == 2 else { try argumentCount("assert", call.arguments.count, "2 arguments", span) }
    for argument in call.arguments { _ = try typed(argument.value, row) }
    return ScalarValue(expr: .literal(.bool(true)))
  }

  /// `bin_auto(x)`: bin_at with the size and the fixed point that `set` statements give.
  private func binAuto(_ call: FunctionCall, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> ScalarValue {
    guard call.arguments.count == 1 else { try argumentCount("bin_auto", call.arguments.count, "1 argument", span) }
    guard let size = option("query_bin_auto_size").map(literal) else {
      try fail(.constantExpected, "bin_auto() needs a bin size", at: span, hint: "set query_bin_auto_size=1h; before the query")
    }
    let value = try scalar(call.arguments[0].value, row)
    guard let fixed = option("query_bin_auto_at").map(literal) else { return try node("bin", [value, ScalarValue(expr: .literal(size))], span) }
    return try node("bin_at", [value, ScalarValue(expr: .literal(size)), ScalarValue(expr: .literal(fixed))], span)
  }

  private func columnIfExists(_ call: FunctionCall, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> ScalarValue {
    guard call.arguments.count == 2 else { try argumentCount(call.name.text, call.arguments.count, "2 arguments", span) }
    guard case .string(let name) = try constant(call.arguments[0].value) else {
      try fail(.constantExpected, "\(call.name.text)() takes the name of a column as text", at: call.arguments[0].span)
    }
    if row.schema?.index(of: name) != nil { return ScalarValue(expr: .column(name)) }
    return try scalar(call.arguments[1].value, row)
  }

  /// `pack_all()`: a bag of all columns; with `true` the call keeps its flag for the function to drop nulls.
  private func packAll(_ call: FunctionCall, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> ScalarValue {
    var ignoresNulls = false
    if let first = call.arguments.first, case .bool(let value) = try constant(first.value) { ignoresNulls = value }
    let whole = pack(row.types.names)
    if !ignoresNulls { return whole }
    // Keys whose value is null, or an empty text, go.
    let absent = row.types.names.map { name in
      Expr.call("iff", [.call(row.types.field(name)?.type == .string ? "isempty" : "isnull", [.column(name)]), .literal(.string(name)), .literal(.string(""))])
    }
    return ScalarValue(expr: .call("bag_remove_keys", [whole.expr, .call("pack_array", absent)]), size: whole.size + absent.count * 4, height: 4)
  }

  private func packColumns(_ call: FunctionCall, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> ScalarValue {
    let names = try each(call.arguments) { argument throws(BindFailure) in
      guard case .column(let name) = try self.scalar(argument.value, row).expr else {
        try self.fail(.columnExpected, "bag_pack_columns() takes columns", at: argument.span)
      }
      return name
    }
    return pack(names)
  }

  private func pack(_ names: [String]) -> ScalarValue {
    let arguments = names.flatMap { [Expr.literal(.string($0)), .column($0)] }
    return ScalarValue(expr: .call("bag_pack", arguments), size: arguments.count + 1, height: 2)
  }
}

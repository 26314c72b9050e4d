// summarize: keys, aggregate calls taken out of the expressions around them, and the projection that puts them together.

import Columnar
import Engine
import Expressions

/// The aggregate calls found while the expressions of one operator are bound, each under a column name of its own.
final class AggregateCalls {
  private(set) var list: [NamedAggregate] = []
  /// The intermediate columns, which the expressions around the calls read.
  private(set) var fields: [StructField] = []
  private var byCall: [AggregateCall: String] = [:]
  /// Names that the intermediate columns must not take.
  private let taken: Set<String>
  /// The columns that stand around the calls; nil where that is not told.
  let keys: Set<String>?

  init(avoiding names: [String], keys: [NamedExpr]? = nil) {
    taken = Set(names + (keys ?? []).map(\.name))
    self.keys = keys.map { Set($0.map(\.name)) }
  }

  /// The intermediate column of a call; equal calls share one.
  func column(_ call: AggregateCall, _ type: DataType) -> Expr {
    if let name = byCall[call] { return .column(name) }
    var name = "$agg\(list.count)"
    while taken.contains(name) { name += "_" }
    byCall[call] = name
    list.append(NamedAggregate(name, call))
    fields.append(StructField(name, type))
    return .column(name)
  }

  /// A name like this one that no column has.
  func free(_ name: String) -> String { taken.contains(name) || list.contains { $0.name == name } ? free(name + "_") : name }
}

/// An output column before names are settled.
struct SummarizeColumn {
  var name: String?
  var isDeclared: Bool
  var expr: Expr
  var span: SourceSpan
}

extension Binder {
  func summarize(_ summarize: SummarizeOperator, _ input: TableValue, _ span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    if let bin = summarize.legacyBin { try notSupported("'bin =' after by; write bin(column, size)", at: bin.span) }
    let row = rowScope(input)
    var builder = ProjectionBuilder()
    let keys = try groupKeys(summarize.keys, row, &builder)

    let calls = AggregateCalls(avoiding: input.plan.schema.names, keys: keys)
    var columns: [SummarizeColumn] = []
    var failed = false
    for item in summarize.aggregates {
      do throws(BindFailure) {
        columns += try aggregate(item, keys, row, calls)
      } catch {
        failed = true
        if cause != nil { throw error }
      }
    }
    if failed { throw BindFailure() }
    for column in columns {
      let name = column.name ?? builder.numbered { row.types.index(of: $0) != nil }
      if !column.isDeclared {
        builder.add(name, column.expr)
      } else if !builder.declare(name, column.expr) {
        try fail(.duplicateColumn, "column '\(name)' is declared twice", at: column.span)
      }
    }
    let list = calls.list
    let outputs = builder.columns
    let rows = try windowed(input.plan, row, span)
    let grouped = try plan(at: span) { try rows.aggregate(keys: keys, aggregates: list) }
    _ = try each(columns) { column throws(BindFailure) in
      do {
        return try grouped.type(of: column.expr)
      } catch {
        try self.report(error, at: column.span)
      }
    }
    // An aggregate column that is only named needs no projection: the aggregate takes the name itself.
    let direct = Self.renamed(list, outputs, keyCount: keys.count)
    return try plan(at: span) {
      if let direct { return try rows.aggregate(keys: keys, aggregates: direct) }
      return try grouped.project(outputs)
    }
  }

  /// The aggregates under their output names when every output is exactly one of them, in order; nil otherwise.
  private static func renamed(_ list: [NamedAggregate], _ outputs: [NamedExpr], keyCount: Int) -> [NamedAggregate]? {
    guard outputs.count == keyCount + list.count else { return nil }
    var out: [NamedAggregate] = []
    for (aggregate, output) in zip(list, outputs.dropFirst(keyCount)) {
      guard output.expr == .column(aggregate.name) else { return nil }
      out.append(NamedAggregate(output.name, aggregate.call))
    }
    return out
  }

  /// The group keys; they are the first output columns, as references to themselves.
  func groupKeys(_ items: [NamedExpression], _ row: RowScope, _ builder: inout ProjectionBuilder) throws(BindFailure) -> [NamedExpr] {
    var keys = try projection(items, row, style: .project).columns
    for (i, key) in keys.enumerated() {
      let type = quietType(of: ScalarValue(expr: key.expr), row)
      if type == .dynamic {
        try fail(.typeExpected, "a group key cannot be dynamic", at: items[min(i, items.count - 1)].span, hint: "convert it, for instance with tostring()")
      }
      keys[i].expr = Self.key(key.expr, type)
      _ = builder.declare(key.name, .column(key.name))
    }
    return keys
  }

  /// The output columns of one aggregate expression.
  func aggregate(
    _ item: NamedExpression, _ keys: [NamedExpr], _ row: RowScope, _ calls: AggregateCalls
  ) throws(BindFailure) -> [SummarizeColumn] {
    if case .call(let call) = item.value.kind, call.target == nil, let columns = try multiple(call, item, keys, row, calls) { return columns }
    var around = row
    around.aggregates = calls
    let value = try scalar(item.value, around)
    if let outputs = outputs(of: item.value, value.expr) {
      return try named(outputs.map { SummarizeColumn(name: $0.name, isDeclared: false, expr: $0.expr, span: item.span) }, item)
    }
    if item.names.count > 1 { try notSupported("several names for one expression", at: item.span) }
    let name = item.names.first?.text ?? ResultNames.name(of: item.value)
    return [SummarizeColumn(name: name, isDeclared: !item.names.isEmpty, expr: value.expr, span: item.names.first?.span ?? item.span)]
  }

  /// An aggregate call inside an expression: the column that holds its results. Its arguments read the operator's input.
  func aggregateColumn(_ call: FunctionCall, _ calls: AggregateCalls, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> ScalarValue {
    if ["arg_max", "arg_min", "percentiles", "percentilesw"].contains(call.name.text), call.arguments.count != 2 {
      try fail(.valueNotAllowed, "'\(call.name.text)' has several result columns and stands alone", at: span)
    }
    var input = row
    input.aggregates = nil
    var arguments: [Expr] = []
    for argument in call.arguments {
      if case .star = argument.value.kind { try fail(.starNotAllowed, "'*' is not taken by \(call.name.text)()", at: argument.span, hint: call.name.text == "count" ? "write count()" : nil) }
      arguments.append(try typed(argument.value, input).0)
    }
    var name = ResultNames.aggregateAliases[call.name.text] ?? call.name.text
    // The older count(predicate) is countif; of any other value count() counts rows, null or not.
    if name == "count" && arguments.count == 1 {
      if quietType(of: ScalarValue(expr: arguments[0]), input) == .bool { name = "countif" } else { arguments = [] }
    }
    // The older names keep 128 values where no number is given. Source: Kusto "make_list()", "make_set()", "make_bag()".
    if ["makelist", "makeset", "make_dictionary"].contains(call.name.text), arguments.count == 1 { arguments.append(.literal(.long(128))) }
    return ScalarValue(expr: try resultColumn(AggregateCall(name, arguments), input, span, calls))
  }

  /// The column of a call over the input's columns, type-checked.
  private func resultColumn(_ call: AggregateCall, _ row: RowScope, _ span: SourceSpan, _ calls: AggregateCalls) throws(BindFailure) -> Expr {
    let call = texted(call, row)
    do {
      return calls.column(call, try CompiledAggregate(call, schema: row.reach ?? row.types, context: options.context).type)
    } catch {
      try report(error, at: span)
    }
  }

  // MARK: Functions with several columns

  /// The columns of arg_max, arg_min, take_any and percentiles; nil for other calls.
  private func multiple(
    _ call: FunctionCall, _ item: NamedExpression, _ keys: [NamedExpr], _ row: RowScope, _ calls: AggregateCalls
  ) throws(BindFailure) -> [SummarizeColumn]? {
    let name = ResultNames.aggregateAliases[call.name.text] ?? call.name.text
    switch name {
    case "arg_max", "arg_min": return try extremes(call, name, item, keys, row, calls)
    case "take_any" where call.name.text == "take_any" || call.arguments.count != 1 || isStar(call.arguments[0]):
      return try anyColumns(call, item, keys, row, calls)
    case "percentiles", "percentilesw", "percentile", "percentilew": return try percentiles(call, name, item, row, calls)
    default: return nil
    }
  }

  private func isStar(_ argument: NamedExpression) -> Bool {
    if case .star = argument.value.kind { true } else { false }
  }

  /// Replaces the first names by those written before `=`.
  private func named(_ columns: [SummarizeColumn], _ item: NamedExpression) throws(BindFailure) -> [SummarizeColumn] {
    guard item.names.count <= columns.count else {
      try fail(.valueNotAllowed, "there are \(item.names.count) names for \(columns.count) results", at: item.span)
    }
    var columns = columns
    for (i, name) in item.names.enumerated() {
      columns[i].name = name.text
      columns[i].isDeclared = true
      columns[i].span = name.span
    }
    return columns
  }

  /// `arg_max(x, a, b)`, `arg_max(x, *)`: the value of x, then the columns of the row that has it.
  private func extremes(
    _ call: FunctionCall, _ name: String, _ item: NamedExpression, _ keys: [NamedExpr], _ row: RowScope, _ calls: AggregateCalls
  ) throws(BindFailure) -> [SummarizeColumn] {
    guard let first = call.arguments.first else { try argumentCount(name, 0, "at least 1 argument", item.value.span) }
    let (extreme, _) = try typed(first.value, row)
    let short = name == "arg_max" ? "max" : "min"
    let prefix = call.name.text == name ? "" : "\(short)_"
    let firstName = ResultNames.name(of: first.value)
    let whole = try resultColumn(AggregateCall(name, [extreme]), row, item.value.span, calls)
    var columns = [SummarizeColumn(name: prefix + (first.names.first?.text ?? firstName ?? "\(short)_"), isDeclared: false, expr: whole, span: first.span)]
    let hasStar = call.arguments.contains { isStar($0) }
    var seen: Set<String> = hasStar ? Set(keys.map(\.name)) : []
    if case .column(let column) = extreme { seen.insert(column) }
    for (i, argument) in call.arguments.enumerated().dropFirst() {
      if isStar(argument) {
        for column in row.types.names where seen.insert(column).inserted {
          let value = try resultColumn(AggregateCall(name, [extreme, .column(column)]), row, argument.span, calls)
          columns.append(SummarizeColumn(name: prefix + column, isDeclared: false, expr: value, span: argument.span))
        }
        continue
      }
      let (expr, _) = try typed(argument.value, row)
      if case .column(let column) = expr {
        if hasStar && !seen.insert(column).inserted { continue }
        seen.insert(column)
      }
      let value = try resultColumn(AggregateCall(name, [extreme, expr]), row, argument.span, calls)
      let given = argument.names.first?.text ?? ResultNames.name(of: argument.value) ?? "\(short)_\(firstName ?? "")_arg\(i)"
      columns.append(SummarizeColumn(name: prefix + given, isDeclared: false, expr: value, span: argument.span))
    }
    return try named(columns, item)
  }

  /// `take_any(a, b)`, `take_any(*)`: columns of one row of the group.
  private func anyColumns(
    _ call: FunctionCall, _ item: NamedExpression, _ keys: [NamedExpr], _ row: RowScope, _ calls: AggregateCalls
  ) throws(BindFailure) -> [SummarizeColumn] {
    guard !call.arguments.isEmpty else { try argumentCount("take_any", 0, "at least 1 argument", item.value.span) }
    let hasStar = call.arguments.contains { isStar($0) }
    // Several columns come from one row; a single one may be of any row that has a value.
    let function = hasStar || call.arguments.count > 1 ? "take_any_row" : "take_any"
    var seen: Set<String> = hasStar ? Set(keys.map(\.name)) : []
    var columns: [SummarizeColumn] = []
    for (i, argument) in call.arguments.enumerated() {
      if isStar(argument) {
        for column in row.types.names where seen.insert(column).inserted {
          let value = try resultColumn(AggregateCall(function, [.column(column)]), row, argument.span, calls)
          columns.append(SummarizeColumn(name: column, isDeclared: false, expr: value, span: argument.span))
        }
        continue
      }
      let (expr, _) = try typed(argument.value, row)
      if case .column(let column) = expr, hasStar, !seen.insert(column).inserted { continue }
      let value = try resultColumn(AggregateCall(function, [expr]), row, argument.span, calls)
      let given = argument.names.first?.text ?? ResultNames.name(of: argument.value) ?? "any_arg\(i)"
      columns.append(SummarizeColumn(name: given, isDeclared: false, expr: value, span: argument.span))
    }
    return try named(columns, item)
  }

  /// `percentiles(x, 5, 50)`: one column per percentile, `percentile_x_5`.
  private func percentiles(
    _ call: FunctionCall, _ name: String, _ item: NamedExpression, _ row: RowScope, _ calls: AggregateCalls
  ) throws(BindFailure) -> [SummarizeColumn] {
    let isWeighted = name.hasSuffix("w")
    let fixed = isWeighted ? 2 : 1
    guard call.arguments.count > fixed else {
      try argumentCount(call.name.text, call.arguments.count, "at least \(fixed + 1) arguments", item.value.span)
    }
    var leading: [Expr] = []
    for argument in call.arguments.prefix(fixed) { leading.append(try typed(argument.value, row).0) }
    let base = ResultNames.name(of: call.arguments[0].value) ?? ""
    var columns: [SummarizeColumn] = []
    for argument in call.arguments.dropFirst(fixed) {
      let point = try constant(argument.value)
      let shown = ScalarText.text(point) ?? ""
      let aggregate = AggregateCall(isWeighted ? "percentilew" : "percentile", leading + [.literal(point)])
      let value = try resultColumn(aggregate, row, argument.span, calls)
      columns.append(SummarizeColumn(name: "percentile_\(base)_\(ResultNames.fragment(shown))", isDeclared: false, expr: value, span: argument.span))
    }
    return try named(columns, item)
  }
}

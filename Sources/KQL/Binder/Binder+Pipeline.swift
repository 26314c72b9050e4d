// Pipelines: the source, then one plan node or a few per operator.

import Columnar
import Engine
import Expressions

extension Binder {
  /// The columns of a table in reach of expressions.
  func rowScope(_ input: TableValue) -> RowScope {
    RowScope(input.plan.schema, tableName: input.name, windows: WindowCalls(input.plan.schema, isSerialized: input.isSerialized))
  }

  /// Binds a pipeline. A pipeline without a source starts with an operator that makes rows, or continues `implicit`.
  func pipeline(_ pipeline: Pipeline, implicit: TableValue? = nil) throws(BindFailure) -> TableValue {
    let outer = scope
    scope = Scope(parent: outer, isQuery: true)
    defer { scope = outer }
    var current: TableValue?
    var rest = pipeline.operators[...]
    if let source = pipeline.source {
      current = try tables(source, what: "the source of a query")
    } else if let first = rest.first {
      current = try start(first, hasInput: implicit != nil)
      if current != nil { rest = rest.dropFirst() }
    }
    if current == nil { current = implicit }
    guard var table = current else {
      try fail(.cannotStartQuery, "the query has no source", at: pipeline.span)
    }
    for step in rest { table = try apply(step, originKept(table, for: step)) }
    return table
  }

  /// The rows of an operator that needs no input; nil for all others.
  private func start(_ step: TabularOperator, hasInput: Bool) throws(BindFailure) -> TableValue? {
    switch step.kind {
    case .print(let items): return TableValue(plan: try print(items, step.span), isSerialized: true)
    case .range(let name, let from, let to, let by): return TableValue(plan: try range(name, from, to, by, step.span), isSerialized: true)
    case .union(let operands): return hasInput ? nil : try union(operands, nil, step)
    default: return try startSpecial(step, hasInput: hasInput)
    }
  }

  func apply(_ step: TabularOperator, _ input: TableValue) throws(BindFailure) -> TableValue {
    if let out = try applySpecial(step, input) { return out }
    var out = input
    let row = rowScope(input)
    switch step.kind {
    case .filter(let predicate): out.plan = try filter(predicate, input, step.span)
    case .extend(let items):
      out.plan = try projected(try projection(items, row, style: .extend), input, row, step.span)
    case .serialize(let items):
      var rows = input
      rows.isSerialized = true
      let row = rowScope(rows)
      if !items.isEmpty { out.plan = try projected(try projection(items, row, style: .extend), input, row, step.span) }
    case .project(let items):
      out = TableValue(plan: try projected(try projection(items, row, style: .project), input, row, step.span))
    case .projectAway(let patterns): out.plan = try projectAway(patterns, input, step.span)
    case .projectKeep(let patterns): out.plan = try projectKeep(patterns, input, step.span)
    case .projectRename(let items): out = TableValue(plan: try projectRename(items, input, step.span))
    case .projectReorder(let items): out.plan = try projectReorder(items, input, step.span)
    case .projectByNames(let items): out.plan = try projectByNames(items, input, step.span)
    case .distinct(let items): out = TableValue(plan: try distinct(items, input, step.span))
    case .summarize(let summarize): out = TableValue(plan: try self.summarize(summarize, input, step.span))
    case .sort(let keys):
      let keys = try sortKeys(keys, row)
      out.plan = try unwindowed(input, row, step.span) { try $0.sort(keys) }
    case .top(let count, let key):
      let count = try rowCount(count, "top")
      let keys = try sortKeys([key], row)
      out.plan = try unwindowed(input, row, step.span) { try $0.topN(keys, count: count) }
    case .take(let count): out.plan = input.plan.limit(try rowCount(count, "take"))
    case .sample(let count): out.plan = input.plan.sample(try rowCount(count, "sample"))
    case .count(let name): out = TableValue(plan: input.plan.count(name: name?.text ?? "Count"))
    case .join(let join): out = TableValue(plan: try self.join(join, input, step))
    case .lookup(let join): out = TableValue(plan: try lookup(join, input, step))
    case .union(let operands): return try union(operands, input, step)
    case .getschema: out = TableValue(plan: schemaTable(input.plan.schema, asText: hasWord(step, "kind", "csl")))
    case .asName(let name):
      out.name = name.text
      out.database = nil
      if hasWord(step, "hint.materialized", "true") { out.plan = try rows(of: MaterializedTable(input.plan)) }
      scope.variables[name.text] = .table(out)
    case .sampleDistinct(let count, let of):
      let builder = try projection([of], row, style: .project)
      let rows = try windowed(input.plan, row, step.span)
      let values = try plan(at: step.span) { try rows.project(Self.keys(builder.columns, over: rows)).distinct() }
      out = TableValue(plan: values.limit(try rowCount(count, "sample-distinct")))
    case .topHitters(let count, let of, let by): out = TableValue(plan: try topHitters(count, of, by, input, step.span))
    case .invoke(let call): return try invoke(call, input)
    case .render(let render): out.visualization = try visualization(render)
    case .assertSchema(let schema): try assertSchema(schema, input, step.span)
    case .mvExpand(let items, let limit): out.plan = try mvExpand(items, limit: limit, input, step)
    case .mvApply(let apply): out.plan = try mvApply(apply, input, step)
    case .makeSeries(let series): out = TableValue(plan: try makeSeries(series, input, step))
    case .scan(let scan): out.plan = try self.scan(scan, input, step)
    case .topNested(let levels): out = TableValue(plan: try topNested(levels, input, step))
    case .parse(let parse): out.plan = try self.parse(parse, input, dropsFailures: false, step)
    case .parseWhere(let parse): out.plan = try self.parse(parse, input, dropsFailures: true, step)
    case .parseKv(let parse): out.plan = try parseKeyValues(parse, input, step)
    case .partition(let partition): out.plan = try self.partition(partition, input, step)
    case .print, .range: try fail(.mustStartQuery, "'\(step.name)' makes rows itself and must start the query", at: step.nameSpan)
    default: try notSupported("the operator '\(step.name)'", at: step.nameSpan)
    }
    out.isSerialized = Self.serializes(step) ?? (out.isSerialized || input.isSerialized)
    return out
  }

  /// Whether an operator gives rows in an order that window functions may use; nil when it keeps what its input has.
  /// Source: Kusto language reference, "Serialization behavior of operators".
  private static func serializes(_ step: TabularOperator) -> Bool? {
    switch step.kind {
    case .serialize, .sort, .top, .topHitters, .getschema: true
    case .count, .distinct, .evaluate, .facet, .join, .makeSeries, .reduce, .sample, .sampleDistinct, .summarize, .topNested: false
    default: nil
    }
  }

  /// The columns of a projection over the input and the window columns they use.
  func projected(_ builder: ProjectionBuilder, _ input: TableValue, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    let rows = try windowed(input.plan, row, span)
    return try plan(at: span) { try rows.project(builder.columns) }
  }

  /// What `body` makes of the input with its window columns, without them.
  private func unwindowed(
    _ input: TableValue, _ row: RowScope, _ span: SourceSpan, _ body: (LogicalPlan) throws -> LogicalPlan
  ) throws(BindFailure) -> LogicalPlan {
    let rows = try windowed(input.plan, row, span)
    let names = input.plan.schema.names
    return try plan(at: span) {
      let result = try body(rows)
      return result.schema.names == names ? result : try result.select(names)
    }
  }

  func hasWord(_ step: TabularOperator, _ parameter: String, _ word: String) -> Bool { Self.word(step, parameter) == word }

  /// The word or text given for an operator parameter.
  static func word(_ step: TabularOperator, _ parameter: String) -> String? {
    guard let found = step.parameters.last(where: { $0.name.text == parameter }) else { return nil }
    switch found.value {
    case .name(let name): return name.text
    case .expression(let value):
      switch value.kind {
      case .literal(.string(let text, _)): return text
      case .literal(.bool(let flag)): return flag ? "true" : "false"
      default: return nil
      }
    case .names: return nil
    }
  }

  // MARK: Rows

  /// Terms `x in (query)` of a conjunction become semi-joins, so that the list need not be known or fit anywhere.
  private func filter(_ predicate: Expression, _ input: TableValue, _ span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    var conjuncts = [predicate]
    if case .logical(.and, let operands) = predicate.kind { conjuncts = operands }
    let row = rowScope(input)
    var result = input.plan
    var terms: [Expression] = []
    var semiJoins: [Expression] = []
    for term in conjuncts {
      if case .membership(let op, let left, let items) = term.kind, [.isIn, .notIn].contains(op), items.count == 1, isTable(items[0], row) {
        if case .star = left.kind { terms.append(term) } else { semiJoins.append(term) }
      } else {
        terms.append(term)
      }
    }
    let filters = try each(terms) { term throws(BindFailure) in
      let (expr, type) = try self.typed(term, row)
      guard type == .bool || type == .dynamic || type.isNumeric else {
        try self.fail(.typeExpected, "where needs a bool; this is \(type)", at: term.span, hint: type == .string ? "compare it with a value, for instance with ==" : nil)
      }
      return type == .bool ? expr : Expr.call("tobool", [expr])
    }
    if let condition = Expr.conjunction(filters) { result = try unwindowed(input, row, span) { try $0.filter(condition) } }
    for term in semiJoins { result = try semiJoin(term, result, row, keepsOrder: input.isSerialized) }
    return result
  }

  private func semiJoin(_ term: Expression, _ input: LogicalPlan, _ row: RowScope, keepsOrder: Bool) throws(BindFailure) -> LogicalPlan {
    guard case .membership(let op, let left, let items) = term.kind else { return input }
    let key = try typed(left, row)
    let right = try table(items[0], row, what: "the right side of '\(op.rawValue)'")
    guard let column = right.plan.schema.fields.first else { try fail(.singleColumnExpected, "the query has no column", at: items[0].span) }
    // Arrays in the column count as their elements, and unequal types compare by value: the list form knows how.
    guard column.type == key.1 || (column.type.isNumeric && key.1.isNumeric) else {
      let (expr, _) = try typed(term, row)
      return try plan(at: term.span) { try input.filter(expr) }
    }
    let kind: JoinKind = op == .isIn ? .leftSemi : .leftAnti
    return try plan(at: term.span) {
      try input.join(right.plan, kind: kind, keys: [(Self.key(key.0, key.1), Self.key(.column(column.name), column.type))], keepsOrder: keepsOrder)
    }
  }

  func sortKeys(_ keys: [OrderedExpression], _ row: RowScope) throws(BindFailure) -> [SortKey] {
    try each(keys) { key throws(BindFailure) in
      let (expr, type) = try self.typed(key.value.value, row)
      if type == .dynamic {
        try self.fail(.typeExpected, "a dynamic value has no order", at: key.value.span, hint: "convert it, for instance with tostring() or tolong()")
      }
      let isDescending = key.direction != .ascending
      return SortKey(key.nulls == nil ? Self.key(expr, type) : Self.nullKey(expr, type), isDescending: isDescending, nullsFirst: key.nulls.map { $0 == .first } ?? !isDescending)
    }
  }

  /// `top-hitters`: the values that occur most often, or with the largest sums.
  private func topHitters(
    _ count: Expression, _ of: NamedExpression, _ by: NamedExpression?, _ input: TableValue, _ span: SourceSpan
  ) throws(BindFailure) -> LogicalPlan {
    let row = rowScope(input)
    let limit = try rowCount(count, "top-hitters")
    let key = Self.keys(try projection([of], row, style: .project).columns, over: input.plan)
    let name: String
    let call: AggregateCall
    if let by {
      let (expr, _) = try typed(by.value, row)
      name = by.names.first?.text ?? "approximate_sum_\(ResultNames.name(of: by.value) ?? "")"
      call = AggregateCall("sum", [expr])
    } else {
      name = "approximate_count_\(key[0].name)"
      call = AggregateCall("count", [])
    }
    return try plan(at: span) {
      try input.plan.aggregate(keys: key, aggregates: [NamedAggregate(name, call)]).topN([SortKey(.column(name), isDescending: true)], count: limit)
    }
  }

  /// `T | invoke f(x)` is `f(T, x)`.
  private func invoke(_ expression: Expression, _ input: TableValue) throws(BindFailure) -> TableValue {
    guard case .call(let call) = expression.kind else {
      try fail(.expected, "invoke takes a function call", at: expression.span)
    }
    var found: (FunctionDeclaration, Scope)?
    if case .function(let function, let home)? = scope.find(call.name.text) { found = (function, home) } else { found = try storedFunction(call.name.text, database: nil, call.name.span) }
    guard let (function, home) = found else {
      try fail(.unknownFunction, "function '\(call.name.text)' not found", at: call.name.span, hint: NameSuggestion.hint(for: call.name.text, among: scope.names))
    }
    guard case .table(let table) = try self.call(function, home, name: call.name.text, call.arguments, .none, expression.span, leading: input) else {
      try fail(.tableExpected, "the function '\(call.name.text)' does not give a table", at: call.name.span)
    }
    return table
  }

  private func assertSchema(_ schema: RowSchema, _ input: TableValue, _ span: SourceSpan) throws(BindFailure) {
    let wanted = StructType(schema.columns.map { StructField($0.name.text, DataType($0.type.type)) })
    let found = input.plan.schema
    guard wanted.names == found.names, wanted.fields.map(\.type) == found.fields.map(\.type) else {
      try fail(.valueNotAllowed, "the schema is (\(found)), not (\(wanted))", at: span)
    }
  }

  func visualization(_ render: RenderOperator) throws(BindFailure) -> Visualization {
    let kind = render.visualization
    guard Visualization.kinds.contains(where: { $0.lowercased() == kind.text.lowercased() }) else {
      let near = NameSuggestion.hint(for: kind.text, among: Visualization.kinds)
      try fail(.valueNotAllowed, "'\(kind.text)' is no visualization", at: kind.span, hint: near ?? "visualizations: \(Visualization.kinds.joined(separator: ", "))")
    }
    let properties = render.properties.map { property -> (name: String, value: String) in
      switch property.value {
      case .name(let name): return (property.name.text, name.text)
      case .names(let names): return (property.name.text, names.map(\.text).joined(separator: ","))
      case .expression(let value):
        if case .literal(.string(let text, _)) = value.kind { return (property.name.text, text) }
        return (property.name.text, KQLPrinter.print(value))
      }
    }
    return Visualization(kind: kind.text, properties: properties)
  }
}

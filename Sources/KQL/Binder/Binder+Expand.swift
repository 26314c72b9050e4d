// mv-expand and mv-apply: which columns are expanded, under what names, and what the subquery's results stand beside.
// Source: Kusto language reference, "mv-expand operator", "mv-apply operator".

import Columnar
import Engine
import Expressions

/// The expansion that mv-expand and mv-apply have in common.
private struct Expansion {
  /// The input with a column for every expression that is no column.
  var input: LogicalPlan
  var columns: [MvExpandOperator.Column]
  /// Input columns that are expanded under their own name.
  var replaced: Set<String>
  var bagsAsArrays: Bool
  var limit: Int?

  var op: MvExpandOperator { MvExpandOperator(columns, bagsAsArrays: bagsAsArrays, limit: limit) }
}

extension Binder {
  func mvExpand(_ items: [MvExpandItem], limit: Expression?, _ input: TableValue, _ step: TabularOperator) throws(BindFailure) -> LogicalPlan {
    let expansion = try expansion(items, limit, input, step)
    return try plan(at: step.span) { try .custom(expansion.op, [expansion.input]) }
  }

  func mvApply(_ apply: MvApplyOperator, _ input: TableValue, _ step: TabularOperator) throws(BindFailure) -> LogicalPlan {
    let expansion = try expansion(apply.items, apply.limit, input, step)
    let expanded = try plan(at: step.span) { try .custom(expansion.op, [expansion.input]) }
    let (body, source) = try subquery(apply.body, over: TableValue(plan: expanded, isSerialized: true))
    // The input's columns, those expanded under their own name left out, then the results, which replace columns of their name.
    var columns = input.plan.schema.names.filter { !expansion.replaced.contains($0) }.map { Engine.MvApplyOperator.Column($0, .outer($0)) }
    for name in body.plan.schema.names {
      let column = Engine.MvApplyOperator.Column(name, .result(name))
      if let i = columns.firstIndex(where: { $0.name == name }) { columns[i] = column } else { columns.append(column) }
    }
    let output = columns
    return try plan(at: step.span) {
      try .custom(Engine.MvApplyOperator(expansion.op, body: SubqueryBody(body.plan, source: source), columns: output), [expansion.input])
    }
  }

  /// Binds a subquery that continues `input` group by group; its plan stands on a placeholder with the columns of `input`.
  func subquery(_ body: Pipeline, over input: TableValue) throws(BindFailure) -> (TableValue, source: Int) {
    subqueryCount += 1
    let source = subqueryCount
    let placeholder = try plan(at: body.span) { try .custom(SubquerySource(id: source, schema: input.plan.schema), []) }
    var rows = input
    rows.plan = placeholder
    return (try pipeline(body, implicit: rows), source)
  }

  private func expansion(
    _ items: [MvExpandItem], _ limit: Expression?, _ input: TableValue, _ step: TabularOperator
  ) throws(BindFailure) -> Expansion {
    let row = rowScope(input)
    let names = input.plan.schema.names
    var columns = names.map { MvExpandOperator.Column($0, .passed($0)) }
    var hidden: [NamedExpr] = []
    var replaced: Set<String> = []
    var unique = UniqueNames()
    for name in names { unique.take(name) }
    var declared: Set<String> = []
    let bound = try each(items) { item throws(BindFailure) in
      let (expr, type) = try self.typed(item.value.value, row)
      guard type == .dynamic else {
        try self.fail(.typeExpected, "\(step.name) takes a dynamic value, found \(type)", at: item.value.span, hint: type == .string ? "convert the text with parse_json()" : nil)
      }
      return (item, expr)
    }
    for (item, expr) in bound {
      if item.value.names.count > 1 { try notSupported("several names for one expression", at: item.value.span) }
      var given = item.value.names.first?.text
      if given == nil, case .column(let column) = expr { given = column }
      if let given, !declared.insert(given).inserted { try fail(.duplicateColumn, "column '\(given)' is declared twice", at: item.value.span) }
      let name = given ?? ResultNames.name(of: item.value.value) ?? unique.unique("Column1", base: "Column")
      let source: String
      if case .column(let column) = expr {
        source = column
        if item.value.names.isEmpty { replaced.insert(column) }
      } else {
        source = "$expanded\(hidden.count)"
        hidden.append(NamedExpr(source, expr))
      }
      let elements = MvExpandOperator.Column(name, .elements(source, item.type.map { DataType($0.type) } ?? .dynamic))
      if let i = columns.firstIndex(where: { $0.name == name }) { columns[i] = elements } else { columns.append(elements) }
      unique.take(name)
    }
    if let index = Self.word(step, "with_itemindex") { columns.append(MvExpandOperator.Column(unique.unique(index), .index)) }
    let kind = Self.word(step, "kind") ?? Self.word(step, "bagexpansion") ?? "bag"
    guard kind == "bag" || kind == "array" else {
      try fail(.valueNotAllowed, "'\(kind)' is no kind of expansion", at: step.nameSpan, hint: "kinds: bag, array")
    }
    var rows: Int?
    if let limit {
      rows = try rowCount(limit, "the limit of \(step.name)")
    } else if step.nameSpan.end - step.nameSpan.start == "mvexpand".utf8.count, step.name == "mv-expand" {
      // The old spelling without the dash makes at most 128 rows of one.
      rows = 128
    }
    let all = names.map { NamedExpr($0, .column($0)) } + hidden
    var source = try windowed(input.plan, row, step.span)
    if !hidden.isEmpty { source = try plan(at: step.span) { [source] in try source.project(all) } }
    return Expansion(input: source, columns: columns, replaced: replaced, bagsAsArrays: kind == "array", limit: rows)
  }
}

// Operators that give several tables, and those that this part of the binder carries out whole: fork, facet, consume, graphs, plugins, reduce.

import Columnar
import Engine
import Expressions

extension Binder {
  /// The result of an operator of this part; nil for all others.
  func applySpecial(_ step: TabularOperator, _ input: TableValue) throws(BindFailure) -> TableValue? {
    if !input.further.isEmpty {
      if case .render(let render) = step.kind {
        var out = input
        out.visualization = try visualization(render)
        for i in out.further.indices { out.further[i].visualization = out.visualization }
        return out
      }
      try fail(.unexpected, "'\(step.name)' follows an operator that gives several tables, which must be the last one", at: step.nameSpan)
    }
    if let graph = input.graph {
      if case .asName(let name) = step.kind {
        scope.variables[name.text] = .table(input)
        return input
      }
      return try applyGraph(step, input, graph)
    }
    switch step.kind {
    case .fork(let branches): return try fork(branches, input)
    case .facet(let columns, let body): return try facet(columns, body, input, step)
    case .consume: return TableValue(plan: try plan(at: step.span) { try .custom(ConsumeOperator(), [input.plan]) })
    case .evaluate(let call, let schema): return try evaluate(call, schema, input, step)
    case .makeGraph(let make): return try makeGraph(make, input, step)
    case .reduce(let by, let properties): return TableValue(plan: try reduce(by, properties, input, step))
    case .search(let search): return try self.search(search, input, step)
    case .find, .macroExpand: try fail(.mustStartQuery, "'\(step.name)' names its tables itself and must start the query", at: step.nameSpan)
    case let kind where Self.takesGraph(step):
      _ = kind
      try fail(.tableExpected, "'\(step.name)' takes a graph; this is a table", at: step.nameSpan, hint: "make-graph makes a graph of a table of edges")
    default: return nil
    }
  }

  /// The rows of an operator of this part that names its tables itself; nil for all others.
  func startSpecial(_ step: TabularOperator, hasInput: Bool) throws(BindFailure) -> TableValue? {
    switch step.kind {
    case .search(let search): return hasInput ? nil : try self.search(search, nil, step)
    case .find(let find): return try self.find(find, step)
    case .macroExpand(let expand): return try macroExpand(expand, step)
    case .evaluate(let call, let schema): return hasInput ? nil : try evaluate(call, schema, nil, step)
    default: return nil
    }
  }

  /// Refuses what is no single table where one is needed; `what` names the place.
  func single(_ table: TableValue, _ what: String, at span: SourceSpan) throws(BindFailure) -> TableValue {
    if table.graph != nil {
      try fail(.tableExpected, "\(what) is a table; this is a graph", at: span, hint: "graph-match and graph-to-table make tables of graphs")
    }
    if !table.further.isEmpty { try fail(.tableExpected, "\(what) is one table; this gives \(table.further.count + 1)", at: span) }
    return table
  }

  /// `fork (p) name = (q)`: each subquery over the same rows, a result each.
  private func fork(_ branches: [ForkBranch], _ input: TableValue) throws(BindFailure) -> TableValue {
    let tables = try each(branches) { branch throws(BindFailure) in
      var table = try self.single(try self.pipeline(branch.body, implicit: input), "a subquery of fork", at: branch.body.span)
      table.resultName = branch.name?.text ?? (Self.isNamedByAs(branch.body) ? table.name : nil)
      return table
    }
    guard var first = tables.first else { return input }
    first.further = Array(tables.dropFirst())
    return first
  }

  /// `facet by a, b with (p)`: the rows that p makes, then the values of each column with their counts.
  private func facet(_ columns: [Expression], _ body: Pipeline?, _ input: TableValue, _ step: TabularOperator) throws(BindFailure) -> TableValue {
    var tables: [TableValue] = []
    if let body { tables.append(try single(try pipeline(body, implicit: input), "the subquery of facet", at: body.span)) }
    tables += try each(columns) { expression throws(BindFailure) in
      let field = try self.column(expression, input)
      if field.type == .dynamic { try self.fail(.typeExpected, "facet does not take the dynamic column '\(field.name)'", at: expression.span) }
      let count = NamedAggregate("count_\(field.name)", AggregateCall("count", []))
      return TableValue(plan: try self.plan(at: step.span) {
        try input.plan.aggregate(keys: [NamedExpr(field.name, Self.key(.column(field.name), field.type))], aggregates: [count])
      })
    }
    guard var first = tables.first else { return input }
    first.further = Array(tables.dropFirst())
    return first
  }

  static func isNamedByAs(_ pipeline: Pipeline) -> Bool {
    pipeline.operators.contains { if case .asName = $0.kind { true } else { false } }
  }
}

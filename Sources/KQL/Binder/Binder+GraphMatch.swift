// graph-match and graph-shortest-paths: variables of the pattern, and expressions over their properties as expressions over columns.

import Columnar
import Engine
import Expressions

/// Names that the expressions of graph operators use for what is no column of a table.
enum GraphNames {
  /// Functions of nodes and edges that are columns to the engine.
  static let functions: [String: String] = [
    "node_degree_in": GraphDefinition.degreeIn, "node_degree_out": GraphDefinition.degreeOut, "node_id": GraphDefinition.idText,
    "labels": GraphDefinition.labels,
  ]

  /// An expression over the properties of one element, with `node_id()` and its like as columns.
  static func ofElement(_ expression: Expression) throws(BindFailure) -> Expression {
    try expression.rewritten { part throws(BindFailure) in
      guard case .call(let call) = part.kind, call.arguments.isEmpty, let column = functions[call.name.text] else { return nil }
      return part.withKind(.name(column))
    }
  }
}

/// The variables of a pattern and the columns that expressions over them need.
private struct PatternScope {
  var pattern = GraphPattern(nodeCount: 0, edges: [])
  var nodes: [String: Int] = [:]
  var edges: [String: Int] = [:]
  var columns: [MatchColumn] = []

  mutating func column(_ name: String, _ type: DataType, _ value: MatchColumn.Value) -> String {
    if !columns.contains(where: { $0.name == name }) { columns.append(MatchColumn(name: name, type: type, value: value)) }
    return name
  }
}

extension Binder {
  func graphMatch(_ match: GraphPatternOperator, _ graph: GraphValue, _ step: TabularOperator) throws(BindFailure) -> LogicalPlan {
    var scope = try patternScope(match, step)
    var kind = GraphMatchFunction.Kind.allMatches
    if case .graphShortestPaths = step.kind { kind = .shortestPaths(all: try outputOption(step)) }
    let cycles = try cyclesOption(step)
    guard let projection = match.projection else { try fail(.missing, "'\(step.name)' needs 'project' and its columns", at: step.nameSpan) }
    var conditions: [Expression] = []
    if let predicate = match.predicate {
      for term in Self.conjuncts(predicate) { conditions.append(try onMatches(term, graph, &scope)) }
    }
    var items: [NamedExpression] = []
    var unnamed = 0
    for item in projection {
      var named = item
      named.value = try onMatches(item.value, graph, &scope)
      if named.names.isEmpty {
        if let name = Self.matchName(item.value) {
          named.names = [Name(text: name, span: item.span)]
        } else {
          unnamed += 1
          // A function of a path has become a column, whose name is not for results.
          if case .name = named.value.kind { named.names = [Name(text: "Column\(unnamed)", span: item.span)] }
        }
      }
      items.append(named)
    }
    let row = RowScope(StructType(scope.columns.map { StructField($0.name, $0.type) }))
    let predicates = try each(conditions) { condition throws(BindFailure) in
      let (expr, type) = try self.typed(condition, row)
      guard type == .bool || type == .dynamic || type.isNumeric else { try self.fail(.typeExpected, "where needs a bool; this is \(type)", at: condition.span) }
      return type == .bool ? expr : Expr.call("tobool", [expr])
    }
    let outputs = try self.projection(items, row, style: .project).columns
    let query = GraphQuery(pattern: scope.pattern, cycles: cycles, columns: scope.columns, predicates: predicates, projection: outputs)
    return try plan(at: step.span) { try .function(try GraphMatchFunction(kind, graph.definition, query), graph.inputs) }
  }

  private static func conjuncts(_ expression: Expression) -> [Expression] {
    if case .logical(.and, let terms) = expression.kind { return terms.flatMap(conjuncts) }
    return [expression]
  }

  /// The name of an unnamed output column.
  private static func matchName(_ value: Expression) -> String? {
    if case .call(let call) = value.kind, GraphNames.functions[call.name.text] != nil { return call.name.text }
    if case .name(let name) = value.kind { return name }
    return ResultNames.name(of: value)
  }

  private func cyclesOption(_ step: TabularOperator) throws(BindFailure) -> GraphCycles {
    guard let word = Self.word(step, "cycles") else { return .uniqueEdges }
    guard let cycles = GraphCycles(rawValue: word) else {
      try fail(.valueNotAllowed, "'\(word)' is no value of cycles", at: step.nameSpan, hint: "values: \(GraphCycles.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return cycles
  }

  private func outputOption(_ step: TabularOperator) throws(BindFailure) -> Bool {
    switch Self.word(step, "output") {
    case nil, "any"?: return false
    case "all"?: return true
    case let word?: try fail(.valueNotAllowed, "'\(word)' is no value of output", at: step.nameSpan, hint: "values: any, all")
    }
  }

  // MARK: Pattern

  /// Edges of a pattern; planning takes time that grows with their square.
  private static let maximumPatternEdges = 1_000

  private func patternScope(_ match: GraphPatternOperator, _ step: TabularOperator) throws(BindFailure) -> PatternScope {
    var scope = PatternScope()
    for sequence in match.patterns { try add(sequence, step, &scope) }
    let pattern = scope.pattern
    guard pattern.edges.count <= Self.maximumPatternEdges else {
      try fail(.valueNotAllowed, "the pattern has \(pattern.edges.count) edges, at most \(Self.maximumPatternEdges) are allowed", at: step.nameSpan)
    }
    guard pattern.nodeCount > 0 else { try fail(.missing, "the pattern has no node", at: step.span) }
    var reached: Set<Int> = [0]
    for _ in pattern.edges {
      for edge in pattern.edges where reached.contains(edge.left) || reached.contains(edge.right) { reached.formUnion([edge.left, edge.right]) }
    }
    guard reached.count == pattern.nodeCount else {
      try fail(.valueNotAllowed, "the sequences of a pattern must share a node", at: step.nameSpan, hint: "name a node of one sequence in the other")
    }
    if case .graphShortestPaths = step.kind {
      if match.patterns.count > 1 { try fail(.valueNotAllowed, "graph-shortest-paths takes one sequence", at: step.nameSpan) }
      guard pattern.edges.contains(where: { $0.length != nil }) else {
        try fail(.missing, "graph-shortest-paths needs an edge of variable length", at: step.nameSpan, hint: "write for instance (a)-[e*1..5]->(b)")
      }
    }
    return scope
  }

  private func add(_ sequence: [GraphPatternOperator.Element], _ step: TabularOperator, _ scope: inout PatternScope) throws(BindFailure) {
    let form = "a pattern goes node, edge, node: (a)-[e]->(b)"
    var left: Int?
    var edge: GraphPatternOperator.Edge?
    for element in sequence {
      switch element {
      case .edge(let next):
        guard edge == nil, left != nil else { try fail(.expected, form, at: next.name?.span ?? step.span) }
        edge = next
      case .node(let name):
        guard left == nil || edge != nil else { try fail(.expected, form, at: name?.span ?? step.span) }
        let node: Int
        if let name, let known = scope.nodes[name.text] {
          node = known
        } else {
          node = scope.pattern.nodeCount
          scope.pattern.nodeCount += 1
          if let name {
            if scope.edges[name.text] != nil { try fail(.duplicateVariable, "'\(name.text)' is an edge already", at: name.span) }
            scope.nodes[name.text] = node
          }
        }
        if let from = left, let edge {
          if let name = edge.name {
            if scope.edges[name.text] != nil || scope.nodes[name.text] != nil { try fail(.duplicateVariable, "'\(name.text)' is used twice in the pattern", at: name.span) }
            scope.edges[name.text] = scope.pattern.edges.count
          }
          scope.pattern.edges.append(GraphPattern.Edge(left: from, right: node, direction: Self.direction(edge.direction), length: try length(edge, step)))
        }
        left = node
        edge = nil
      }
    }
    if edge != nil || left == nil { try fail(.expected, form, at: step.span) }
  }

  private static func direction(_ direction: GraphPatternOperator.Direction) -> GraphPattern.Direction {
    switch direction {
    case .forward: .forward
    case .backward: .backward
    case .any: .any
    }
  }

  private func length(_ edge: GraphPatternOperator.Edge, _ step: TabularOperator) throws(BindFailure) -> ClosedRange<Int>? {
    guard let low = edge.minimum, let high = edge.maximum else { return nil }
    let minimum = try rowCount(low, "the length of an edge")
    let maximum = try rowCount(high, "the length of an edge")
    guard minimum <= maximum, maximum <= Int(Int32.max) else {
      try fail(.valueNotAllowed, "the length \(minimum)..\(maximum) of an edge is no range", at: high.span)
    }
    return minimum...maximum
  }

  // MARK: Expressions

  /// An expression over variables of the pattern as one over columns of the matches.
  private func onMatches(_ expression: Expression, _ graph: GraphValue, _ scope: inout PatternScope) throws(BindFailure) -> Expression {
    var names = scope
    defer { scope = names }
    return try expression.rewritten { part throws(BindFailure) in try self.onMatch(part, graph, &names) }
  }

  /// What a part of an expression stands for, or nil when it stays as it is.
  private func onMatch(_ part: Expression, _ graph: GraphValue, _ scope: inout PatternScope) throws(BindFailure) -> Expression? {
    switch part.kind {
    case .path(let left, let property):
      guard case .name(let variable) = left.kind else { return nil }
      if let node = scope.nodes[variable] {
        let field = try self.property(property, graph.definition.nodeSchema, of: "node '\(variable)'")
        return part.withKind(.name(scope.column("\(variable).\(field.name)", field.type, .node(node, field.name))))
      }
      guard let edge = scope.edges[variable] else { return nil }
      let field = try self.property(property, graph.definition.edgeProperties, of: "edge '\(variable)'")
      if scope.pattern.edges[edge].length != nil {
        return part.withKind(.name(scope.column("\(variable).\(field.name)", .dynamic, .map(edge, .edges, .column(field.name)))))
      }
      return part.withKind(.name(scope.column("\(variable).\(field.name)", field.type, .edge(edge, field.name))))
    case .name(let variable): return whole(variable, part, graph, &scope)
    case .call(let call) where call.target == nil: return try onMatch(call, part, graph, &scope)
    default: return nil
    }
  }

  private func property(_ name: Name, _ schema: StructType, of what: String) throws(BindFailure) -> StructField {
    guard let field = schema.field(name.text) else {
      let near = NameSuggestion.hint(for: name.text, among: schema.names)
      let known = schema.names.isEmpty ? "it has no properties" : "properties: \(schema.names.prefix(8).joined(separator: ", "))"
      try fail(.unknownName, "\(what) has no property '\(name.text)'", at: name.span, hint: [near, known].compactMap(\.self).joined(separator: " "))
    }
    return field
  }

  /// A variable by itself: a bag of its properties, or an array of such bags.
  private func whole(_ variable: String, _ part: Expression, _ graph: GraphValue, _ scope: inout PatternScope) -> Expression? {
    func bag(_ schema: StructType) -> Expr { .call("bag_pack", schema.names.flatMap { [Expr.literal(.string($0)), .column($0)] }) }
    if let edge = scope.edges[variable], scope.pattern.edges[edge].length != nil {
      return part.withKind(.name(scope.column(variable, .dynamic, .map(edge, .edges, bag(graph.definition.edgeProperties)))))
    }
    let isNode = scope.nodes[variable] != nil
    guard isNode || scope.edges[variable] != nil else { return nil }
    let schema = isNode ? graph.definition.nodeSchema : graph.definition.edgeProperties
    var arguments: [NamedExpression] = []
    for field in schema.fields {
      let value = isNode ? MatchColumn.Value.node(scope.nodes[variable] ?? 0, field.name) : .edge(scope.edges[variable] ?? 0, field.name)
      let column = scope.column("\(variable).\(field.name)", field.type, value)
      for item in [part.withKind(.literal(.string(field.name, isObfuscated: false))), part.withKind(.name(column))] {
        arguments.append(NamedExpression(names: [], isTuple: false, value: item, span: part.span))
      }
    }
    return part.withKind(.call(FunctionCall(target: nil, name: Name(text: "bag_pack", span: part.span), kind: nil, arguments: arguments)))
  }

  /// Graph functions.
  private func onMatch(_ call: FunctionCall, _ part: Expression, _ graph: GraphValue, _ scope: inout PatternScope) throws(BindFailure) -> Expression? {
    let name = call.name.text
    if let column = GraphNames.functions[name] {
      guard call.arguments.count == 1, case .name(let variable) = call.arguments[0].value.kind else { return nil }
      if let node = scope.nodes[variable] {
        let type = GraphDefinition.nodeExtras.field(column)?.type ?? .dynamic
        return part.withKind(.name(scope.column("\(column) of \(variable)", type, .node(node, column))))
      }
      guard let edge = scope.edges[variable], name == "labels" else {
        try fail(.valueNotAllowed, "\(name)() takes a node of the pattern", at: call.arguments[0].span)
      }
      let isPath = scope.pattern.edges[edge].length != nil
      return part.withKind(.name(scope.column("\(column) of \(variable)", .dynamic, isPath ? .map(edge, .edges, .column(column)) : .edge(edge, column))))
    }
    switch name {
    case "all", "any", "map": return try quantified(call, part, graph, &scope)
    case "inner_nodes": try fail(.unexpected, "inner_nodes() stands only inside all(), any() and map()", at: part.span)
    case "array_length":
      guard call.arguments.count == 1, case .name(let variable) = call.arguments[0].value.kind, let edge = scope.edges[variable],
        scope.pattern.edges[edge].length != nil
      else { return nil }
      return part.withKind(.name(scope.column("length of \(variable)", .long, .length(edge))))
    default: return nil
    }
  }

  /// `all(e, p)`, `any(inner_nodes(e), p)`, `map(e, x)`
  private func quantified(_ call: FunctionCall, _ part: Expression, _ graph: GraphValue, _ scope: inout PatternScope) throws(BindFailure) -> Expression? {
    let name = call.name.text
    guard call.arguments.count == 2 else { try argumentCount(name, call.arguments.count, "2 arguments", part.span) }
    var subject = call.arguments[0].value
    var range = MatchColumn.Scope.edges
    if case .call(let inner) = subject.kind, inner.name.text == "inner_nodes", inner.arguments.count == 1 {
      subject = inner.arguments[0].value
      range = .innerNodes
    }
    guard case .name(let variable) = subject.kind, let edge = scope.edges[variable], scope.pattern.edges[edge].length != nil else {
      try fail(.valueNotAllowed, "\(name)() takes an edge of variable length, or its inner_nodes()", at: subject.span)
    }
    let definition = graph.definition
    let fields = range == .edges ? definition.edgeProperties.fields + GraphDefinition.edgeExtras.fields : definition.nodeSchema.fields + GraphDefinition.nodeExtras.fields
    let row = RowScope(StructType(fields))
    var (expr, type) = try typed(try GraphNames.ofElement(call.arguments[1].value), row)
    let label = "\(name)#\(scope.columns.count)"
    if name == "map" { return part.withKind(.name(scope.column(label, .dynamic, .map(edge, range, expr)))) }
    guard type == .bool || type == .dynamic else { try fail(.typeExpected, "\(name)() takes a condition; this is \(type)", at: call.arguments[1].span) }
    if type == .dynamic { expr = .call("tobool", [expr]) }
    return part.withKind(.name(scope.column(label, .bool, name == "all" ? .all(edge, range, expr) : .any(edge, range, expr))))
  }
}

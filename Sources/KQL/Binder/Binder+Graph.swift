// Graphs: make-graph and the operators between it and the one that makes a table again.
// Source: Kusto language reference, "Graph operators".

import Columnar
import Engine
import Expressions

extension Binder {
  /// Whether an operator takes a graph.
  static func takesGraph(_ step: TabularOperator) -> Bool {
    switch step.kind {
    case .graphMatch, .graphShortestPaths, .graphToTable, .graphMarkComponents, .graphWhereNodes, .graphWhereEdges: true
    default: false
    }
  }

  /// `edges | make-graph a --> b with Nodes on id partitioned-by p (...)`
  func makeGraph(_ make: MakeGraphOperator, _ input: TableValue, _ step: TabularOperator) throws(BindFailure) -> TableValue {
    let source = try column(make.source, input)
    let target = try column(make.target, input)
    let edges = try plan(at: step.span) { try input.plan.withTexts([source.name, target.name]) }
    guard source.type == target.type else {
      try fail(.typeExpected, "the ends of an edge are \(source.type) and \(target.type), expected one type", at: make.target.span, hint: "convert one of them before make-graph")
    }
    try refuseDynamic(source, make.source)
    var partition: StructField?
    if let name = make.partitionKey {
      let field = try column(name, input)
      try refuseDynamic(field, name)
      partition = field
    }
    var tables: [GraphNodeTable] = []
    var inputs = [edges]
    for nodes in make.nodes {
      let table = try table(nodes.table, what: "the nodes of make-graph")
      let key = try column(nodes.key, table)
      guard key.type == source.type else {
        try fail(.typeExpected, "the node id '\(key.name)' is \(key.type), the ends of edges are \(source.type)", at: nodes.key.span, hint: "convert one of them before make-graph")
      }
      if let partition, let name = make.partitionKey {
        let type = try column(name, table).type
        guard type == partition.type else {
          try fail(.typeExpected, "the partition '\(name.text)' is \(type) in the nodes and \(partition.type) in the edges", at: name.span, hint: "convert one of them before make-graph")
        }
      }
      for field in table.plan.schema.fields {
        if let other = tables.compactMap({ $0.schema.field(field.name) }).first, other.type != field.type {
          try fail(.typeExpected, "the node property '\(field.name)' is \(other.type) in one table and \(field.type) in another", at: nodes.key.span)
        }
      }
      tables.append(GraphNodeTable(key: key.name, schema: table.plan.schema))
      inputs.append(try plan(at: step.span) { try table.plan.withTexts([key.name]) })
    }
    let definition = GraphDefinition(
      edgeSchema: edges.schema, source: source.name, target: target.name, isDirected: make.isDirected, nodeTables: tables,
      nodeID: make.nodeID?.text, partition: make.partitionKey?.text)
    var out = TableValue(plan: edges, name: input.name, graph: GraphValue(definition: definition, inputs: inputs))
    if let body = make.partitionBody {
      // Nodes of different partitions are different nodes, so one graph holds all partitions and no match crosses them.
      guard body.source == nil else { try fail(.unexpected, "the subquery of partitioned-by continues the graph; it has no source", at: body.span) }
      guard body.operators.allSatisfy(Self.takesGraph) else { return try byPartition(body, definition, inputs, step) }
      for inner in body.operators { out = try apply(inner, out) }
      if let graph = out.graph { try fail(.missing, "partitioned-by ends with a graph of \(graph.inputs.count) tables, expected graph-match, graph-shortest-paths or graph-to-table", at: body.span) }
    }
    return out
  }

  /// `partitioned-by` with operators that work on tables: they see the rows of one partition, so that each partition is a graph of its own.
  private func byPartition(_ body: Pipeline, _ definition: GraphDefinition, _ inputs: [LogicalPlan], _ step: TabularOperator) throws(BindFailure) -> TableValue {
    guard let key = definition.partition, let type = definition.edgeSchema.field(key)?.type else { throw BindFailure() }
    var definition = definition
    definition.partition = nil
    let tables = try each(inputs) { input throws(BindFailure) in try self.plan(at: step.span) { try input.withTexts([key]) } }
    let distinct = try plan(at: step.span) { try LogicalPlan.union(tables.map { try $0.select([key]) }).distinct().limit(Self.maximumPartitions + 1) }
    var values: [Scalar] = []
    if !isSilent { values = try run(distinct).flatMap { $0.columns[0].scalars } }
    guard values.count <= Self.maximumPartitions else {
      try fail(.valueNotAllowed, "this graph has more than \(Self.maximumPartitions) partitions", at: step.nameSpan, hint: "put the operators that take tables behind the parentheses of partitioned-by")
    }
    var results: [LogicalPlan] = []
    if values.isEmpty { values = [.null(type)] }
    for value in values {
      let parts = try each(tables) { table throws(BindFailure) in try self.plan(at: step.span) { try table.filter(Self.isValue(key, value)) } }
      var out = TableValue(plan: parts[0], graph: GraphValue(definition: definition, inputs: parts))
      for inner in body.operators { out = try apply(inner, out) }
      results.append(try single(out, "the result of partitioned-by", at: body.span).plan)
    }
    let all = results
    return TableValue(plan: try plan(at: step.span) { try .union(all) })
  }

  /// A column of a table by name.
  private func column(_ name: Name, _ table: TableValue) throws(BindFailure) -> StructField {
    guard let field = table.plan.schema.field(name.text) else { try unknownName(name.text, plainScope(table), name.span) }
    return field
  }

  private func refuseDynamic(_ field: StructField, _ name: Name) throws(BindFailure) {
    if field.type == .dynamic {
      try fail(.typeExpected, "the column '\(field.name)' is dynamic and cannot name nodes", at: name.span, hint: "convert it, for instance with tostring()")
    }
  }

  /// An operator that takes a graph.
  func applyGraph(_ step: TabularOperator, _ input: TableValue, _ graph: GraphValue) throws(BindFailure) -> TableValue {
    var graph = graph
    switch step.kind {
    case .graphMarkComponents:
      let kind = Self.word(step, "kind") ?? "weak"
      guard kind == "weak" || kind == "strong" else {
        try fail(.valueNotAllowed, "'\(kind)' is no kind of component", at: step.span, hint: "kinds: weak, strong")
      }
      graph.definition.steps.append(.markComponents(isStrong: kind == "strong", name: Self.word(step, "with_component_id") ?? "ComponentId"))
    case .graphWhereNodes(let predicate):
      let row = RowScope(StructType(graph.definition.nodeSchema.fields + GraphDefinition.nodeExtras.fields))
      graph.definition.steps.append(.whereNodes(try elementPredicate(predicate, row)))
    case .graphWhereEdges(let predicate):
      let row = RowScope(StructType(graph.definition.edgeProperties.fields + GraphDefinition.edgeExtras.fields))
      graph.definition.steps.append(.whereEdges(try elementPredicate(predicate, row)))
    case .graphMatch(let match): return TableValue(plan: try graphMatch(match, graph, step))
    case .graphShortestPaths(let match): return TableValue(plan: try graphMatch(match, graph, step))
    case .graphToTable(let outputs): return try graphToTable(outputs, graph, step)
    default:
      try fail(.tableExpected, "'\(step.name)' takes a table; this is a graph", at: step.nameSpan, hint: "graph-match and graph-to-table make tables of graphs")
    }
    var out = input
    out.graph = graph
    return out
  }

  /// A condition on one node or edge.
  private func elementPredicate(_ predicate: Expression, _ row: RowScope) throws(BindFailure) -> Expr {
    let rewritten = try GraphNames.ofElement(predicate)
    let (expr, type) = try typed(rewritten, row)
    guard type == .bool || type == .dynamic else { try fail(.typeExpected, "a condition is bool; this is \(type)", at: predicate.span) }
    return type == .bool ? expr : .call("tobool", [expr])
  }

  private func graphToTable(_ outputs: [GraphTableOutput], _ graph: GraphValue, _ step: TabularOperator) throws(BindFailure) -> TableValue {
    let tables = try each(outputs) { output throws(BindFailure) in
      let sourceID = output.parameters.last { $0.name.text == (output.isNodes ? "with_node_id" : "with_source_id") }
      let targetID = output.parameters.last { $0.name.text == "with_target_id" }
      let function = GraphTableFunction(
        graph.definition, isNodes: output.isNodes, sourceID: sourceID.flatMap(Self.nameValue), targetID: output.isNodes ? nil : targetID.flatMap(Self.nameValue))
      let plan = try self.plan(at: step.span) { try .function(function, graph.inputs) }
      var table = TableValue(plan: plan, name: output.name?.text)
      table.resultName = output.name?.text
      // Named tables are for the statements that follow.
      if let name = output.name { (self.scope.parent ?? self.scope).variables[name.text] = .table(TableValue(plan: plan, name: name.text)) }
      return table
    }
    guard var first = tables.first else { try fail(.missing, "graph-to-table needs 'nodes' or 'edges'", at: step.span) }
    first.further = Array(tables.dropFirst())
    first.onlyNames = outputs.contains { $0.name != nil }
    return first
  }

  private static func nameValue(_ parameter: OperatorParameter) -> String? {
    if case .name(let name) = parameter.value { return name.text }
    if case .expression(let value) = parameter.value, case .literal(.string(let text, _)) = value.kind { return text }
    return nil
  }
}

// Role: the graph operators that give tables, as table functions: graph-match, graph-shortest-paths and both halves of graph-to-table.

package import Columnar
import DataSource
import Expressions

/// `graph-match` and `graph-shortest-paths`: a row per match.
package struct GraphMatchFunction: TableFunction {
  package enum Kind: Sendable {
    case allMatches
    /// One shortest path for each pair of ends, or all of them.
    case shortestPaths(all: Bool)
  }

  package let kind: Kind
  package let graph: GraphDefinition
  package let query: GraphQuery
  package let schema: StructType

  /// Throws `ExpressionError` when an expression of the query does not hold together.
  package init(_ kind: Kind, _ graph: GraphDefinition, _ query: GraphQuery) throws {
    self.kind = kind
    self.graph = graph
    self.query = query
    let typing = EvaluationContext(nowTicks: 0, seed: 0)
    schema = StructType(try query.projection.map {
      StructField($0.name, try CompiledExpr($0.expr, schema: query.columnSchema, context: typing).type)
    })
  }

  package var name: String {
    if case .shortestPaths = kind { "GraphShortestPaths" } else { "GraphMatch" }
  }

  package func apply(_ inputs: [[RecordBatch]], _ context: TableFunctionContext) throws -> [RecordBatch] {
    let built = try build(graph, inputs, context)
    let columns = MatchColumns(built, query, context.evaluation)
    let outputs = try query.projection.map { try columns.compile($0.expr) }
    var out: [RecordBatch] = []
    var bytes = 0
    defer { context.release(bytes) }
    func emit(_ matches: Matches) throws {
      let values = try outputs.map { try $0.expr.evaluate(columns.batch($0.columns, matches)) }
      let batch = RecordBatch(schema: schema, columns: values, rowCount: matches.count)
      let more = batch.byteSize
      try context.require(more)
      bytes += more
      out.append(batch)
    }
    switch kind {
    case .allMatches: try withoutActuallyEscaping(emit) { try GraphMatcher(columns, context, emit: $0).run() }
    case .shortestPaths(let all): try withoutActuallyEscaping(emit) { try ShortestPaths(columns, givesAll: all, context, emit: $0).run() }
    }
    return out
  }
}

/// One half of `graph-to-table`: the nodes or the edges with their properties.
package struct GraphTableFunction: TableFunction {
  package let graph: GraphDefinition
  package let isNodes: Bool
  /// The column for the hash of a node's id, or of the source's.
  package let sourceID: String?
  /// The column for the hash of the target's id.
  package let targetID: String?

  package init(_ graph: GraphDefinition, isNodes: Bool, sourceID: String?, targetID: String?) {
    self.graph = graph
    self.isNodes = isNodes
    self.sourceID = sourceID
    self.targetID = targetID
  }

  package var name: String { "GraphToTable" }

  package var schema: StructType {
    let ids = [sourceID, targetID].compactMap(\.self).map { StructField($0, .long) }
    return StructType(ids + (isNodes ? graph.nodeSchema : graph.edgeProperties).fields)
  }

  package func apply(_ inputs: [[RecordBatch]], _ context: TableFunctionContext) throws -> [RecordBatch] {
    let built = try build(graph, inputs, context)
    let hashes = ColumnVector.long(hashRows([built.ids], rowCount: built.nodeCount).reinterpreted(as: Int64.self))
    var columns: [ColumnVector] = []
    if isNodes {
      if sourceID != nil { columns.append(hashes) }
      columns += graph.nodeSchema.names.compactMap { built.nodes.column($0) }
    } else {
      if sourceID != nil { columns.append(hashes.take(Buffer(built.sources))) }
      if targetID != nil { columns.append(hashes.take(Buffer(built.targets))) }
      columns += graph.edgeProperties.names.compactMap { built.edges.column($0) }
    }
    return [RecordBatch(schema: schema, columns: columns, rowCount: isNodes ? built.nodeCount : built.edgeCount)]
  }
}

extension TableFunction {
  /// The graph of a function's inputs.
  func build(_ definition: GraphDefinition, _ inputs: [[RecordBatch]], _ context: TableFunctionContext) throws -> Graph {
    guard inputs.count == definition.nodeTables.count + 1 else { throw internalError("\(name) has \(inputs.count) inputs") }
    let edges = try whole(inputs[0], schema: definition.edgeSchema, context)
    var nodes: [RecordBatch] = []
    for (table, spec) in zip(inputs.dropFirst(), definition.nodeTables) { nodes.append(try whole(table, schema: spec.schema, context)) }
    return try Graph(definition, edges: edges, nodeTables: nodes, context)
  }
}

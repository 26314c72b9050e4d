// Role: a graph in memory: node and edge properties as columns, and the edges of each node in compressed rows. Nodes and edges are numbers.

import Columnar
import DataSource
import Expressions

/// Edge numbers grouped by node: those of node n are `edges[starts[n]..<starts[n + 1]]`.
struct Adjacency {
  let starts: [Int32]
  let edges: [Int32]

  init(_ ends: [Int32], nodeCount: Int) {
    var starts = [Int32](repeating: 0, count: nodeCount + 1)
    for node in ends { starts[Int(node) + 1] += 1 }
    for n in 0..<nodeCount { starts[n + 1] += starts[n] }
    var next = starts
    var edges = [Int32](repeating: 0, count: ends.count)
    for (e, node) in ends.enumerated() {
      edges[Int(next[Int(node)])] = Int32(e)
      next[Int(node)] += 1
    }
    self.starts = starts
    self.edges = edges
  }

  /// The edges of a node.
  @inline(__always) subscript(_ node: Int32) -> ArraySlice<Int32> { edges[Int(starts[Int(node)])..<Int(starts[Int(node) + 1])] }

  @inline(__always) func degree(_ node: Int) -> Int { Int(starts[node + 1] - starts[node]) }
}

/// A graph. Immutable.
struct Graph {
  let isDirected: Bool
  let nodeCount: Int
  /// Node properties; no columns when nodes have none.
  let nodes: RecordBatch
  /// The id of each node.
  let ids: ColumnVector
  /// Edge properties: the rows of the edge table.
  let edges: RecordBatch
  let sources: [Int32]
  let targets: [Int32]
  let out: Adjacency
  let into: Adjacency
  /// The column of nodes and edges that holds their labels.
  private let labels: String?

  var edgeCount: Int { sources.count }

  private init(isDirected: Bool, nodes: RecordBatch, ids: ColumnVector, edges: RecordBatch, sources: [Int32], targets: [Int32], labels: String?) {
    self.isDirected = isDirected
    self.nodes = nodes
    self.ids = ids
    self.edges = edges
    self.sources = sources
    self.targets = targets
    self.labels = labels
    nodeCount = ids.count
    out = Adjacency(sources, nodeCount: ids.count)
    into = Adjacency(targets, nodeCount: ids.count)
  }

  /// Builds a graph and applies its steps. Rough memory: 24 bytes per edge and node besides the properties.
  init(_ definition: GraphDefinition, edges: RecordBatch, nodeTables: [RecordBatch], _ context: TableFunctionContext) throws {
    let bytes = (edges.rowCount + nodeTables.reduce(0) { $0 + $1.rowCount }) * 24
    try context.require(bytes)
    defer { context.release(bytes) }
    let partitionTypes = definition.partition.flatMap { edges.schema.field($0)?.type }.map { [$0] } ?? []
    let table = GroupTable(types: [definition.idType] + partitionTypes)
    func assign(_ batch: RecordBatch, _ key: String) throws -> [Int32] {
      var columns: [ColumnVector] = []
      for name in [key] + (definition.partition.map { [$0] } ?? []) {
        guard let column = batch.column(name) else { throw internalError("a graph's table without its column '\(name)'") }
        columns.append(column)
      }
      return table.assign(keys: columns, rowCount: batch.rowCount).array
    }
    var groups: [[Int32]] = []
    for (batch, spec) in zip(nodeTables, definition.nodeTables) { groups.append(try assign(batch, spec.key)) }
    let sources = try assign(edges, definition.source)
    let targets = try assign(edges, definition.target)
    try context.check()
    let ids = table.keyColumns()[0]
    let nodes = Self.properties(definition, nodeTables, groups, ids)
    var graph = Graph(isDirected: definition.isDirected, nodes: nodes, ids: ids, edges: edges, sources: sources, targets: targets, labels: definition.labels)
    for step in definition.steps {
      try context.check()
      graph = try graph.applying(step, context)
    }
    self = graph
  }

  /// Node properties: the first row of each node in each table; a table's key is the id for nodes that are in no table.
  private static func properties(_ definition: GraphDefinition, _ tables: [RecordBatch], _ groups: [[Int32]], _ ids: ColumnVector) -> RecordBatch {
    let count = ids.count
    var fields: [StructField] = []
    var columns: [ColumnVector] = []
    if let name = definition.nodeID {
      fields.append(StructField(name, ids.type))
      columns.append(ids)
    }
    var rows: [[Int32]] = []
    var isKnown = [Bool](repeating: false, count: count)
    for group in groups {
      var row = [Int32](repeating: -1, count: count)
      for (i, node) in group.enumerated() {
        isKnown[Int(node)] = true
        if row[Int(node)] < 0 { row[Int(node)] = Int32(i) }
      }
      rows.append(row)
    }
    for (t, spec) in definition.nodeTables.enumerated() {
      for (c, field) in spec.schema.fields.enumerated() {
        var column = tables[t].columns[c].take(Buffer(rows[t]), allowsMissing: true)
        if field.name == spec.key {
          let own = (0..<count).map { isKnown[$0] && rows[t][$0] < 0 ? Int32(-1) : Int32($0) }
          column = ids.take(Buffer(own), allowsMissing: true)
        }
        guard let place = fields.firstIndex(where: { $0.name == field.name }) else {
          fields.append(StructField(field.name, field.type))
          columns.append(column)
          continue
        }
        columns[place] = field.name == definition.labels
          ? union(columns[place], column) : definition.laterTablesWin ? first(column, columns[place]) : first(columns[place], column)
      }
    }
    return RecordBatch(schema: StructType(fields), columns: columns, rowCount: count)
  }

  /// The values of one column, and those of another where it has none.
  private static func first(_ column: ColumnVector, _ other: ColumnVector) -> ColumnVector {
    let both = ColumnVector.concat([column, other], type: column.type)
    return both.take(Buffer((0..<column.count).map { Int32(column.isValid($0) || !other.isValid($0) ? $0 : column.count + $0) }))
  }

  /// The elements of two arrays, each once.
  private static func union(_ column: ColumnVector, _ other: ColumnVector) -> ColumnVector {
    let builder = ColumnBuilder(.dynamic, capacity: column.count)
    for i in 0..<column.count {
      var elements: [DynamicValue] = []
      for case .dynamic(.array(let more)) in [column.scalar(i), other.scalar(i)] {
        for element in more where !elements.contains(element) { elements.append(element) }
      }
      builder.append(.dynamic(.array(elements)))
    }
    return builder.finish()
  }

  private func applying(_ step: GraphStep, _ context: TableFunctionContext) throws -> Graph {
    switch step {
    case .markComponents(let isStrong, let name):
      let numbers = isStrong ? strongComponents() : weakComponents()
      let kept = nodes.schema.fields.indices.filter { nodes.schema[$0].name != name }
      let marked = RecordBatch(
        schema: StructType(kept.map { nodes.schema[$0] } + [StructField(name, .long)]),
        columns: kept.map { nodes.columns[$0] } + [.long(Buffer(numbers.map { Int64($0) }))], rowCount: nodeCount)
      return Graph(isDirected: isDirected, nodes: marked, ids: ids, edges: edges, sources: sources, targets: targets, labels: labels)
    case .whereEdges(let predicate):
      let batch = edgesWithExtras
      let kept = try CompiledExpr(predicate, schema: batch.schema, context: context.evaluation).select(batch).indices()
      return Graph(
        isDirected: isDirected, nodes: nodes, ids: ids, edges: edges.take(kept), sources: kept.array.map { sources[Int($0)] },
        targets: kept.array.map { targets[Int($0)] }, labels: labels)
    case .whereNodes(let predicate):
      let batch = nodesWithExtras
      let selection = try CompiledExpr(predicate, schema: batch.schema, context: context.evaluation).select(batch)
      let kept = selection.indices()
      var place = [Int32](repeating: -1, count: nodeCount)
      for (new, old) in kept.array.enumerated() { place[Int(old)] = Int32(new) }
      let keptEdges = (0..<edgeCount).filter { selection[Int(sources[$0])] && selection[Int(targets[$0])] }
      return Graph(
        isDirected: isDirected, nodes: nodes.take(kept), ids: ids.take(kept), edges: edges.take(Buffer(keptEdges.map { Int32($0) })),
        sources: keptEdges.map { place[Int(sources[$0])] }, targets: keptEdges.map { place[Int(targets[$0])] }, labels: labels)
    }
  }

  // MARK: - Columns of elements

  /// Node properties, then degrees, id and labels.
  var nodesWithExtras: RecordBatch {
    let degrees = [into, out].map { adjacency in ColumnVector.long(Buffer((0..<nodeCount).map { Int64(adjacency.degree($0)) })) }
    let columns = degrees + [ids.cast(to: .string), labels(of: nodes)]
    return RecordBatch(
      schema: StructType(nodes.schema.fields + GraphDefinition.nodeExtras.fields), columns: nodes.columns + columns, rowCount: nodeCount)
  }

  /// Edge properties, then labels.
  var edgesWithExtras: RecordBatch {
    RecordBatch(
      schema: StructType(edges.schema.fields + GraphDefinition.edgeExtras.fields),
      columns: edges.columns + [labels(of: edges)], rowCount: edgeCount)
  }

  /// An array for each row; an empty one for elements without labels.
  private func labels(of batch: RecordBatch) -> ColumnVector {
    let none = ColumnVector.constant(.dynamic(.array([])), count: batch.rowCount)
    guard let labels, let column = batch.column(labels) else { return none }
    return column.nullCount == 0 ? column : Self.first(column, none)
  }
}

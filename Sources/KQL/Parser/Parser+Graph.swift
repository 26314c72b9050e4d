// Graph operators: make-graph, the pattern notation of graph-match, and the operators that turn graphs into tables.

extension Parser {
  mutating func graphOperatorKind(_ name: String, _ parameters: inout [OperatorParameter]) throws(ParseFailure) -> TabularOperator.Kind {
    switch name {
    case "make-graph":
      parameters = try operatorParameters()
      return .makeGraph(try makeGraph())
    case "graph-match":
      parameters = try operatorParameters(["cycles"])
      return .graphMatch(try graphPatterns())
    case "graph-shortest-paths":
      parameters = try operatorParameters(["output", "cycles"])
      return .graphShortestPaths(try graphPatterns())
    case "graph-to-table": return .graphToTable(try graphOutputs())
    case "graph-mark-components":
      parameters = try operatorParameters(["kind", "with_component_id"])
      return .graphMarkComponents
    case "graph-where-nodes": return .graphWhereNodes(try expression())
    case "graph-where-edges": return .graphWhereEdges(try expression())
    default:
      try fail(.operatorExpected, "'\(name)' is not an operator")
    }
  }

  private mutating func makeGraph() throws(ParseFailure) -> MakeGraphOperator {
    let source = try name("source column")
    guard kind == .minus, kind(1) == .minus else { try fail(.expected, "expected '-->' or '--', found \(describeCurrent())") }
    advance(by: 2)
    let isDirected = accept(.greater)
    let target = try name("target column")
    var operands = MakeGraphOperator(source: source, isDirected: isDirected, target: target, nodes: [], nodeID: nil, partitionKey: nil, partitionBody: nil)
    if isWord("with_node_id") && kind(1) == .assign {
      advance(by: 2)
      operands.nodeID = try name("node id")
    } else if acceptWord("with") {
      repeat {
        let table = try postfix()
        try expectWord("on")
        operands.nodes.append(MakeGraphOperator.NodeTable(table: table, key: try name("key column")))
      } while accept(.comma)
    }
    let length = dashedLength(["partitioned", "by"])
    if length > 0 {
      advance(by: length)
      operands.partitionKey = try name("column name")
      operands.partitionBody = try parenthesizedSubPipeline()
    }
    return operands
  }

  private mutating func graphPatterns() throws(ParseFailure) -> GraphPatternOperator {
    var operands = GraphPatternOperator(patterns: [], predicate: nil, projection: nil)
    repeat { operands.patterns.append(try graphPattern()) } while accept(.comma)
    if acceptWord("where") { operands.predicate = try expression() }
    if acceptWord("project") { operands.projection = try namedExpressions() }
    return operands
  }

  /// `(a)-[e]->(b)<--(c)`
  private mutating func graphPattern() throws(ParseFailure) -> [GraphPatternOperator.Element] {
    var elements: [GraphPatternOperator.Element] = []
    while true {
      if accept(.leftParen) {
        let name = acceptName()
        try expect(.rightParen, ")")
        elements.append(.node(name))
      } else if kind == .minus || (kind == .less && kind(1) == .minus) {
        elements.append(.edge(try graphEdge()))
      } else {
        break
      }
    }
    if elements.isEmpty { try fail(.missing, "expected a pattern such as (a)-[e]->(b), found \(describeCurrent())") }
    return elements
  }

  private mutating func graphEdge() throws(ParseFailure) -> GraphPatternOperator.Edge {
    let isBackward = accept(.less)
    try expect(.minus, "-")
    var edge = GraphPatternOperator.Edge(name: nil, direction: .any, minimum: nil, maximum: nil)
    if accept(.leftBracket) {
      edge.name = acceptName()
      if accept(.star) {
        edge.minimum = try unary()
        try expect(.dotDot, "..")
        edge.maximum = try unary()
      }
      try expect(.rightBracket, "]")
    }
    try expect(.minus, "-")
    let isForward = accept(.greater)
    if isForward && isBackward { try fail(.unexpected, "an edge cannot point both ways") }
    edge.direction = isForward ? .forward : isBackward ? .backward : .any
    return edge
  }

  private mutating func graphOutputs() throws(ParseFailure) -> [GraphTableOutput] {
    var outputs: [GraphTableOutput] = []
    repeat {
      let isNodes: Bool
      if acceptWord("nodes") {
        isNodes = true
      } else if acceptWord("edges") {
        isNodes = false
      } else {
        try fail(.expected, "expected 'nodes' or 'edges', found \(describeCurrent())")
      }
      let name = acceptWord("as") ? try name() : nil
      let parameters = try operatorParameters(["with_node_id", "with_source_id", "with_target_id"])
      outputs.append(GraphTableOutput(isNodes: isNodes, name: name, parameters: parameters))
    } while accept(.comma)
    return outputs
  }
}

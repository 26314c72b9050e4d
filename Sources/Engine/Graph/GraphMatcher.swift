// Role: finds all matches of a pattern. Matching goes step by step over columns of partial matches in chunks, depth first, so that memory is
// bounded by the pattern's length and the chunk size, whatever the number of matches and the length of their paths.

import Columnar
import Expressions

/// One run of a pattern over a graph. Used by one thread.
final class GraphMatcher {
  private let graph: Graph
  private let pattern: GraphPattern
  private let cycles: GraphCycles
  private let columns: MatchColumns
  private let plan: MatchPlan
  private let context: TableFunctionContext
  private let emit: (Matches) throws -> Void
  private var isEdgeUsed: [Bool]
  private var isNodeUsed: [Bool]
  private var work = 0

  static let chunkRows = min(RecordBatch.maxRows, 8_192)
  /// A chunk ends with the path that goes beyond this.
  static let chunkPathBytes = 4 << 20

  /// `emit` takes the matches, chunk by chunk.
  init(_ columns: MatchColumns, _ context: TableFunctionContext, emit: @escaping (Matches) throws -> Void) throws {
    graph = columns.graph
    pattern = columns.query.pattern
    cycles = columns.query.cycles
    self.columns = columns
    self.context = context
    self.emit = emit
    plan = try MatchPlan(columns)
    isEdgeUsed = [Bool](repeating: false, count: cycles == .uniqueEdges ? graph.edgeCount : 0)
    isNodeUsed = [Bool](repeating: false, count: cycles == .noCycles ? graph.nodeCount : 0)
  }

  func run() throws {
    let filter = plan.nodeFilters[plan.start]
    var starts: [Int32] = []
    for node in 0..<Int32(graph.nodeCount) where filter.map({ $0[Int(node)] }) ?? true {
      starts.append(node)
      if starts.count == Self.chunkRows { try begin(&starts) }
    }
    try begin(&starts)
  }

  private func begin(_ starts: inout [Int32]) throws {
    guard !starts.isEmpty else { return }
    var matches = Matches(pattern)
    matches.count = starts.count
    matches.nodes[plan.start] = starts
    starts.removeAll(keepingCapacity: true)
    try go(on: matches, plan.startPredicates, next: 0)
  }

  /// Drops matches that fail the conditions, then follows the next edge.
  private func go(on matches: Matches, _ predicates: [(expr: CompiledExpr, columns: [Int])], next: Int) throws {
    try context.check()
    var matches = matches
    for predicate in predicates {
      let selection = try predicate.expr.select(try columns.batch(predicate.columns, matches))
      if selection.isAllSet { continue }
      matches = matches.taking(selection.indices().array)
    }
    if matches.count == 0 { return }
    if next == plan.steps.count { return try emit(matches) }
    try follow(plan.steps[next], matches, next)
  }

  /// Partial matches with one more edge, on their way to a chunk.
  private struct Grown {
    var rows: [Int32] = []
    var nodes: [Int32] = []
    var edges: [Int32] = []
    var paths: PathStore?
  }

  private func follow(_ step: MatchStep, _ matches: Matches, _ index: Int) throws {
    let length = pattern.edges[step.edge].length
    var grown = Grown()
    if length != nil { grown.paths = PathStore() }
    for row in 0..<matches.count {
      mark(matches, row, true)
      defer { mark(matches, row, false) }
      if let length {
        try walk(step, matches, row, length, &grown, index)
      } else {
        try single(step, matches, row, &grown, index)
      }
    }
    try flush(step, matches, &grown, index)
  }

  private func flush(_ step: MatchStep, _ matches: Matches, _ grown: inout Grown, _ index: Int) throws {
    guard !grown.rows.isEmpty else { return }
    var next = matches.taking(grown.rows)
    next.nodes[step.to] = grown.nodes
    next.edges[step.edge] = grown.edges
    next.paths[step.edge] = grown.paths
    let hasPaths = grown.paths != nil, bytes = grown.paths?.byteSize ?? 0
    try context.require(bytes)
    defer { context.release(bytes) }
    grown = Grown()
    if hasPaths { grown.paths = PathStore() }
    try go(on: next, step.predicates, next: index + 1)
  }

  /// Flushes a full chunk; the marks of the row in hand are taken off meanwhile.
  private func flushIfFull(_ step: MatchStep, _ matches: Matches, _ row: Int, _ path: [Int32], _ nodes: [Int32], _ grown: inout Grown, _ index: Int) throws {
    guard grown.rows.count >= Self.chunkRows || grown.paths.map({ $0.byteSize > Self.chunkPathBytes }) ?? false else { return }
    mark(path, nodes, false)
    mark(matches, row, false)
    try flush(step, matches, &grown, index)
    mark(matches, row, true)
    mark(path, nodes, true)
  }

  // MARK: - Walking

  /// Where edges of a step lead: with the direction of the pattern and of the walk put together.
  private func directions(_ step: MatchStep) -> (out: Bool, into: Bool) {
    if !graph.isDirected { return (true, true) }
    switch pattern.edges[step.edge].direction {
    case .any: return (true, true)
    case .forward: return step.isReversed ? (false, true) : (true, false)
    case .backward: return step.isReversed ? (true, false) : (false, true)
    }
  }

  private func single(_ step: MatchStep, _ matches: Matches, _ row: Int, _ grown: inout Grown, _ index: Int) throws {
    let from = matches.nodes[step.from][row]
    let (goesOut, goesIn) = directions(step)
    let edgeFilter = plan.edgeFilters[step.edge]
    func take(_ edge: Int32, _ node: Int32) throws {
      if let edgeFilter, !edgeFilter[Int(edge)] { return }
      guard allows(edge, node), isEnd(node, step, matches, row) else { return }
      grown.rows.append(Int32(row))
      grown.nodes.append(node)
      grown.edges.append(edge)
      try flushIfFull(step, matches, row, [], [], &grown, index)
    }
    if goesOut { for edge in graph.out[from] { try take(edge, graph.targets[Int(edge)]) } }
    if goesIn {
      for edge in graph.into[from] where !(goesOut && graph.sources[Int(edge)] == graph.targets[Int(edge)]) {
        try take(edge, graph.sources[Int(edge)])
      }
    }
  }

  /// All paths of an edge of variable length from one row, depth first.
  private func walk(_ step: MatchStep, _ matches: Matches, _ row: Int, _ length: ClosedRange<Int>, _ grown: inout Grown, _ index: Int) throws {
    let from = matches.nodes[step.from][row]
    let (goesOut, goesIn) = directions(step)
    let edgeFilter = plan.edgeFilters[step.edge]
    let innerFilter = plan.innerFilters[step.edge]
    var edges: [Int32] = []
    var nodes: [Int32] = []
    func take() throws {
      guard let path = grown.paths?.append(edges: edges, nodes: nodes, isReversed: step.isReversed) else { return }
      grown.rows.append(Int32(row))
      grown.nodes.append(nodes.last ?? from)
      grown.edges.append(path)
      try flushIfFull(step, matches, row, edges, nodes, &grown, index)
    }
    if length.lowerBound == 0, isEnd(from, step, matches, row) { try take() }
    if length.upperBound == 0 { return }
    /// The next edge of each node on the way, counted through its outgoing, then its incoming edges.
    var places: [Int] = [0]
    var held = 0
    defer { if held > 0 { context.release(held) } }
    while let place = places.last {
      let node = nodes.last ?? from
      let outgoing = goesOut ? graph.out.degree(Int(node)) : 0
      let count = outgoing + (goesIn ? graph.into.degree(Int(node)) : 0)
      guard place < count else {
        places.removeLast()
        if let edge = edges.popLast(), let node = nodes.popLast() { mark(edge, node, false) }
        continue
      }
      places[places.count - 1] += 1
      work &+= 1
      if work & 0xFFFF == 0 {
        try context.check()
        // The walk itself may be long; between two looks it grows by a megabyte at most.
        let more = max(0, places.count * 16 - held)
        try context.require(more)
        held += more
      }
      let isOut = place < outgoing
      let edge = isOut ? graph.out.edges[Int(graph.out.starts[Int(node)]) + place] : graph.into.edges[Int(graph.into.starts[Int(node)]) + place - outgoing]
      let next = isOut ? graph.targets[Int(edge)] : graph.sources[Int(edge)]
      if !isOut, goesOut, next == node { continue }
      if let edgeFilter, !edgeFilter[Int(edge)] { continue }
      guard allows(edge, next) else { continue }
      edges.append(edge)
      nodes.append(next)
      mark(edge, next, true)
      if edges.count >= length.lowerBound, isEnd(next, step, matches, row) { try take() }
      if edges.count < length.upperBound, innerFilter.map({ $0[Int(next)] }) ?? true {
        places.append(0)
      } else {
        edges.removeLast()
        nodes.removeLast()
        mark(edge, next, false)
      }
    }
  }

  /// Whether a walk may end at a node.
  private func isEnd(_ node: Int32, _ step: MatchStep, _ matches: Matches, _ row: Int) -> Bool {
    if step.isClosing { return matches.nodes[step.to][row] == node }
    return plan.nodeFilters[step.to].map { $0[Int(node)] } ?? true
  }

  // MARK: - Cycles

  @inline(__always) private func allows(_ edge: Int32, _ node: Int32) -> Bool {
    switch cycles {
    case .all: true
    case .uniqueEdges: !isEdgeUsed[Int(edge)]
    case .noCycles: !isNodeUsed[Int(node)]
    }
  }

  @inline(__always) private func mark(_ edge: Int32, _ node: Int32, _ isUsed: Bool) {
    switch cycles {
    case .all: break
    case .uniqueEdges: isEdgeUsed[Int(edge)] = isUsed
    case .noCycles: isNodeUsed[Int(node)] = isUsed
    }
  }

  private func mark(_ edges: some Sequence<Int32>, _ nodes: some Sequence<Int32>, _ isUsed: Bool) {
    switch cycles {
    case .all: break
    case .uniqueEdges: for edge in edges { isEdgeUsed[Int(edge)] = isUsed }
    case .noCycles: for node in nodes { isNodeUsed[Int(node)] = isUsed }
    }
  }

  /// Marks what a row has bound.
  private func mark(_ matches: Matches, _ row: Int, _ isUsed: Bool) {
    if cycles == .all { return }
    for e in matches.edges.indices where !matches.edges[e].isEmpty {
      let number = matches.edges[e][row]
      if let paths = matches.paths[e] {
        mark(paths.edges(number), paths.inner(number), isUsed)
      } else {
        mark(CollectionOfOne(number), EmptyCollection(), isUsed)
      }
    }
    for nodes in matches.nodes where !nodes.isEmpty { mark(EmptyCollection(), CollectionOfOne(nodes[row]), isUsed) }
  }
}

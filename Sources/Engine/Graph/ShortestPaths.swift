// Role: shortest paths between the first and the last node of a pattern: breadth first from each source where the pattern is one path of
// variable length, else by matching the pattern and keeping the shortest match of each pair. A pair is two nodes, or one with the empty path;
// ways back to where they began are for patterns that name the same node at both ends.
// Source: Kusto language reference, "graph-shortest-paths operator".

import Columnar
import DataSource
import Expressions

/// One search. Used by one thread.
final class ShortestPaths {
  private let graph: Graph
  private let columns: MatchColumns
  private let givesAll: Bool
  private let context: TableFunctionContext
  private let emit: (Matches) throws -> Void

  init(_ columns: MatchColumns, givesAll: Bool, _ context: TableFunctionContext, emit: @escaping (Matches) throws -> Void) {
    graph = columns.graph
    self.columns = columns
    self.givesAll = givesAll
    self.context = context
    self.emit = emit
  }

  func run() throws {
    let pattern = columns.query.pattern
    let plan = try MatchPlan(columns)
    let isPlain = plan.startPredicates.isEmpty && plan.steps.allSatisfy(\.predicates.isEmpty)
    if pattern.edges.count == 1, pattern.nodeCount == 2, let length = pattern.edges[0].length, length.lowerBound <= 1, isPlain {
      try search(pattern.edges[0], length, plan)
    } else {
      try match()
    }
  }

  // MARK: - Breadth first

  /// What is known of the nodes reached from one source. `epoch` tells entries of this source from older ones.
  private struct Reached {
    var epoch: [Int32]
    var level: [Int32]
    /// The edges of the level above that lead here: all of them, or the first.
    var incoming: [[Int32]]
  }

  private func search(_ edge: GraphPattern.Edge, _ length: ClosedRange<Int>, _ plan: MatchPlan) throws {
    try context.require(graph.nodeCount * 24)
    defer { context.release(graph.nodeCount * 24) }
    var reached = Reached(
      epoch: Array(repeating: -1, count: graph.nodeCount), level: Array(repeating: 0, count: graph.nodeCount),
      incoming: Array(repeating: [], count: graph.nodeCount))
    var found = Found(columns.query.pattern)
    let ends = plan.nodeFilters[edge.right]
    let endCount = ends?.popcount ?? graph.nodeCount
    for source in 0..<Int32(graph.nodeCount) where plan.nodeFilters[edge.left].map({ $0[Int(source)] }) ?? true {
      try context.check()
      reached.epoch[Int(source)] = source
      reached.level[Int(source)] = 0
      reached.incoming[Int(source)] = []
      var left = endCount
      if ends?[Int(source)] ?? true {
        left -= 1
        if length.lowerBound == 0 { try add(source, source, edge, reached, &found) }
      }
      var level = [source]
      var depth = 0
      while !level.isEmpty, depth < length.upperBound, left > 0 {
        depth += 1
        level = expand(level, source, depth, edge, plan, &reached)
        for node in level where ends?[Int(node)] ?? true {
          left -= 1
          try add(source, node, edge, reached, &found)
        }
        if let inner = plan.innerFilters[0] { level.removeAll { !inner[Int($0)] } }
      }
    }
    try flush(&found)
  }

  /// The nodes first reached at `depth`.
  private func expand(_ level: [Int32], _ source: Int32, _ depth: Int, _ edge: GraphPattern.Edge, _ plan: MatchPlan, _ reached: inout Reached) -> [Int32] {
    var next: [Int32] = []
    let filter = plan.edgeFilters[0]
    func visit(_ edge: Int32, _ node: Int32) {
      if let filter, !filter[Int(edge)] { return }
      let n = Int(node)
      if reached.epoch[n] != source {
        reached.epoch[n] = source
        reached.level[n] = Int32(depth)
        reached.incoming[n] = [edge]
        next.append(node)
      } else if givesAll, reached.level[n] == Int32(depth) {
        reached.incoming[n].append(edge)
      }
    }
    let goesOut = !graph.isDirected || edge.direction != .backward
    let goesIn = !graph.isDirected || edge.direction != .forward
    for node in level {
      if goesOut { for e in graph.out[node] { visit(e, graph.targets[Int(e)]) } }
      if goesIn { for e in graph.into[node] { visit(e, graph.sources[Int(e)]) } }
    }
    return next
  }

  /// Found paths on their way to a chunk.
  private struct Found {
    var matches: Matches
    var store = PathStore()
    init(_ pattern: GraphPattern) { matches = Matches(pattern) }
  }

  /// Adds the paths from `source` to `end` by going back along incoming edges.
  private func add(_ source: Int32, _ end: Int32, _ edge: GraphPattern.Edge, _ reached: Reached, _ found: inout Found) throws {
    var edges: [Int32] = []
    var nodes: [Int32] = []
    var places: [Int] = [0]
    while let place = places.last {
      let node = nodes.last ?? end
      if node == source {
        found.matches.nodes[edge.left].append(source)
        found.matches.nodes[edge.right].append(end)
        found.matches.edges[0].append(found.store.append(edges: edges, nodes: nodes, isReversed: true))
        found.matches.count += 1
        if found.matches.count >= GraphMatcher.chunkRows || found.store.byteSize > GraphMatcher.chunkPathBytes { try flush(&found) }
      }
      let incoming = reached.incoming[Int(node)]
      guard node != source, place < incoming.count else {
        places.removeLast()
        _ = edges.popLast()
        _ = nodes.popLast()
        continue
      }
      places[places.count - 1] += 1
      let e = incoming[place]
      let previous = graph.targets[Int(e)] == node && (graph.sources[Int(e)] != node) && reached.level[Int(graph.sources[Int(e)])] + 1 == reached.level[Int(node)]
        ? graph.sources[Int(e)] : graph.targets[Int(e)]
      edges.append(e)
      nodes.append(previous)
      places.append(0)
    }
  }

  private func flush(_ found: inout Found) throws {
    guard found.matches.count > 0 else { return }
    try context.check()
    let bytes = found.store.byteSize
    try context.require(bytes)
    defer { context.release(bytes) }
    found.matches.paths[0] = found.store
    let matches = found.matches
    found = Found(columns.query.pattern)
    try emit(matches)
  }

  // MARK: - By matching

  /// All matches, of which each pair of first and last node keeps the shortest.
  private func match() throws {
    let pattern = columns.query.pattern
    guard let first = pattern.edges.first?.left, let last = pattern.edges.last?.right else { return }
    var best: [UInt64: (length: Int, count: Int)] = [:]
    var kept: [Matches] = []
    var bytes = 0
    defer { context.release(bytes) }
    func pair(_ matches: Matches, _ i: Int) -> UInt64 {
      UInt64(UInt32(bitPattern: matches.nodes[first][i])) << 32 | UInt64(UInt32(bitPattern: matches.nodes[last][i]))
    }
    func length(_ matches: Matches, _ i: Int) -> Int {
      pattern.edges.indices.reduce(0) { $0 + (matches.paths[$1]?.edges(matches.edges[$1][i]).count ?? 1) }
    }
    try GraphMatcher(columns, context) { matches in
      var rows: [Int32] = []
      for i in 0..<matches.count {
        let key = pair(matches, i), n = length(matches, i)
        if first != last, n > 0, matches.nodes[first][i] == matches.nodes[last][i] { continue }
        if let known = best[key], known.length < n || (known.length == n && !self.givesAll) { continue }
        best[key] = (n, 0)
        rows.append(Int32(i))
      }
      if rows.isEmpty { return }
      let more = rows.count * (pattern.nodeCount + pattern.edges.count * 8) * 4 + matches.pathBytes + 64
      try self.context.require(more)
      bytes += more
      kept.append(matches.taking(rows))
    }.run()
    // Shorter paths may have come after longer ones of the same pair.
    for matches in kept {
      var rows: [Int32] = []
      for i in 0..<matches.count {
        let key = pair(matches, i)
        guard let known = best[key], known.length == length(matches, i), givesAll || known.count == 0 else { continue }
        best[key]?.count += 1
        rows.append(Int32(i))
      }
      if !rows.isEmpty { try emit(matches.taking(rows)) }
    }
  }
}

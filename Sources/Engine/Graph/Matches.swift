// Role: partial and whole matches of a pattern as columns of node, edge and path numbers.

import Columnar

/// Paths of one variable edge, in the order of the pattern. Path p has the edges between two ends, and the nodes between its two end nodes.
final class PathStore {
  private var edgeList: [Int32] = []
  private var innerList: [Int32] = []
  private var edgeEnds: [Int32] = [0]
  private var innerEnds: [Int32] = [0]

  var count: Int { edgeEnds.count - 1 }
  var byteSize: Int { (edgeList.count + innerList.count + edgeEnds.count + innerEnds.count) * 4 }

  /// Adds a path and returns its number. `nodes` are the nodes after each edge; the last one is an end, not an inner node.
  func append(edges: [Int32], nodes: [Int32], isReversed: Bool) -> Int32 {
    let inner = nodes.dropLast()
    if isReversed {
      edgeList.append(contentsOf: edges.reversed())
      innerList.append(contentsOf: inner.reversed())
    } else {
      edgeList.append(contentsOf: edges)
      innerList.append(contentsOf: inner)
    }
    edgeEnds.append(Int32(edgeList.count))
    innerEnds.append(Int32(innerList.count))
    return Int32(count - 1)
  }

  func edges(_ path: Int32) -> ArraySlice<Int32> { edgeList[Int(edgeEnds[Int(path)])..<Int(edgeEnds[Int(path) + 1])] }
  func inner(_ path: Int32) -> ArraySlice<Int32> { innerList[Int(innerEnds[Int(path)])..<Int(innerEnds[Int(path) + 1])] }
}

/// Rows of matches. Columns of unbound elements are empty.
struct Matches {
  var count = 0
  /// The node of each row, by node of the pattern.
  var nodes: [[Int32]]
  /// The edge of each row, or the path for an edge of variable length, by edge of the pattern.
  var edges: [[Int32]]
  /// Where the paths of an edge of the pattern are.
  var paths: [PathStore?]

  init(_ pattern: GraphPattern) {
    nodes = Array(repeating: [], count: pattern.nodeCount)
    edges = Array(repeating: [], count: pattern.edges.count)
    paths = Array(repeating: nil, count: pattern.edges.count)
  }

  /// The rows at those positions.
  func taking(_ rows: [Int32]) -> Matches {
    var out = self
    out.count = rows.count
    for n in nodes.indices where !nodes[n].isEmpty { out.nodes[n] = rows.map { nodes[n][Int($0)] } }
    for e in edges.indices where !edges[e].isEmpty { out.edges[e] = rows.map { edges[e][Int($0)] } }
    return out
  }

  /// What the paths of variable edges take.
  var pathBytes: Int { paths.reduce(0) { $0 + ($1?.byteSize ?? 0) } }

  /// Rows `range`.
  func slice(_ range: Range<Int>) -> Matches { taking(range.map { Int32($0) }) }
}

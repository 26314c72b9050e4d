// Role: decides how a pattern is matched: which conditions sieve nodes and edges beforehand, where matching starts, in which order edges are
// followed, and at which step every other condition is checked.

import Columnar
import Expressions

/// Follows one edge of the pattern from a bound node.
struct MatchStep {
  var edge: Int
  /// The pattern's nodes at the end that is bound and at the other end.
  var from: Int
  var to: Int
  /// Followed from right to left.
  var isReversed: Bool
  /// The other end is bound too.
  var isClosing: Bool
  var predicates: [(expr: CompiledExpr, columns: [Int])] = []
}

/// A pattern ready to be matched.
struct MatchPlan {
  private(set) var start = 0
  private(set) var steps: [MatchStep] = []
  /// Nodes that may stand for a node of the pattern; nil: all.
  private(set) var nodeFilters: [Bitmap?]
  /// Edges that may stand for an edge of the pattern, on a path too; nil: all.
  private(set) var edgeFilters: [Bitmap?]
  /// Nodes that may lie inside a path.
  private(set) var innerFilters: [Bitmap?]
  /// Conditions left when the start is bound.
  private(set) var startPredicates: [(expr: CompiledExpr, columns: [Int])] = []

  init(_ columns: MatchColumns) throws {
    let query = columns.query
    nodeFilters = Array(repeating: nil, count: query.pattern.nodeCount)
    edgeFilters = Array(repeating: nil, count: query.pattern.edges.count)
    innerFilters = edgeFilters
    var rest: [Expr] = []
    for predicate in query.predicates where try !sieve(predicate, columns) { rest.append(predicate) }
    order(query.pattern, columns.graph)
    try place(rest, columns)
  }

  /// Turns a condition on one element into a set of elements; false when it is none.
  private mutating func sieve(_ predicate: Expr, _ columns: MatchColumns) throws -> Bool {
    let query = columns.query
    let names = predicate.columns
    let read = query.columns.filter { names.contains($0.name) }
    guard let first = read.first else { return false }
    if case .column = predicate, read.count == 1 {
      switch first.value {
      case .all(let e, .edges, let condition):
        Self.narrow(&edgeFilters[e], try columns.selection(condition, over: columns.edgeTable))
        return true
      case .all(let e, .innerNodes, let condition):
        Self.narrow(&innerFilters[e], try columns.selection(condition, over: columns.nodeTable))
        return true
      default: break
      }
    }
    var node: Int?
    var edge: Int?
    var properties: [String: String] = [:]
    for column in read {
      switch column.value {
      case .node(let n, let name) where edge == nil && (node ?? n) == n:
        node = n
        properties[column.name] = name
      case .edge(let e, let name) where node == nil && (edge ?? e) == e:
        edge = e
        properties[column.name] = name
      default: return false
      }
    }
    let condition = predicate.replacingColumns { properties[$0].map { .column($0) } }
    if let node {
      Self.narrow(&nodeFilters[node], try columns.selection(condition, over: columns.nodeTable))
    } else if let edge {
      Self.narrow(&edgeFilters[edge], try columns.selection(condition, over: columns.edgeTable))
    }
    return true
  }

  private static func narrow(_ filter: inout Bitmap?, _ bits: Bitmap) { filter = filter?.and(bits) ?? bits }

  /// Starts at the node with the fewest candidates and follows edges that touch bound nodes, those that close or are short first.
  private mutating func order(_ pattern: GraphPattern, _ graph: Graph) {
    let candidates = nodeFilters.map { $0?.popcount ?? graph.nodeCount }
    start = candidates.indices.min { candidates[$0] < candidates[$1] } ?? 0
    var bound: Set<Int> = [start]
    var left = Array(pattern.edges.indices)
    func cost(_ e: Int) -> Int {
      let edge = pattern.edges[e]
      let isClosing = bound.contains(edge.left) && bound.contains(edge.right)
      return (isClosing ? 0 : 1_000) + (edge.length.map { min($0.upperBound, 900) } ?? 0)
    }
    while !left.isEmpty {
      let reachable = left.filter { bound.contains(pattern.edges[$0].left) || bound.contains(pattern.edges[$0].right) }
      guard let next = reachable.min(by: { cost($0) < cost($1) }) else { return }
      let edge = pattern.edges[next]
      let isReversed = !bound.contains(edge.left)
      let from = isReversed ? edge.right : edge.left
      let to = isReversed ? edge.left : edge.right
      steps.append(MatchStep(edge: next, from: from, to: to, isReversed: isReversed, isClosing: bound.contains(to)))
      bound.insert(to)
      left.removeAll { $0 == next }
    }
  }

  /// Gives every condition to the first step after which its values are known.
  private mutating func place(_ predicates: [Expr], _ columns: MatchColumns) throws {
    for predicate in predicates {
      let compiled = try columns.compile(predicate)
      var step = -1
      for k in compiled.columns {
        switch columns.query.columns[k].value {
        case .node(let n, _):
          if n != start { step = max(step, steps.firstIndex { $0.to == n } ?? -1) }
        case .edge(let e, _), .map(let e, _, _), .all(let e, _, _), .any(let e, _, _), .length(let e):
          step = max(step, steps.firstIndex { $0.edge == e } ?? -1)
        }
      }
      if step < 0 { startPredicates.append(compiled) } else { steps[step].predicates.append(compiled) }
    }
  }
}

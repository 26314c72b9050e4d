// Role: the pattern of graph-match and graph-shortest-paths, and the values that its where and project clauses read.
// Source: Kusto language reference, "graph-match operator" and the graph functions all, any, map and inner_nodes.

package import Columnar
package import Expressions

/// Nodes 0..<nodeCount joined by edges; the same node may stand at several places.
package struct GraphPattern: Sendable {
  package enum Direction: Sendable { case forward, backward, any }

  /// An edge between two nodes of the pattern as written from left to right.
  package struct Edge: Sendable {
    package var left: Int
    package var right: Int
    package var direction: Direction
    /// How many edges in a row, for an edge of variable length; nil for a single edge.
    package var length: ClosedRange<Int>?

    package init(left: Int, right: Int, direction: Direction, length: ClosedRange<Int>?) {
      self.left = left
      self.right = right
      self.direction = direction
      self.length = length
    }
  }

  package var nodeCount: Int
  package var edges: [Edge]

  package init(nodeCount: Int, edges: [Edge]) {
    self.nodeCount = nodeCount
    self.edges = edges
  }
}

/// A value of a match that expressions read as a column.
package struct MatchColumn: Sendable {
  package enum Scope: Sendable { case edges, innerNodes }

  package enum Value: Sendable {
    /// A property of a node of the pattern.
    case node(Int, String)
    /// A property of a single edge of the pattern.
    case edge(Int, String)
    /// The array of an expression's values along a path.
    case map(Int, Scope, Expr)
    /// Whether a predicate holds for all elements of a path.
    case all(Int, Scope, Expr)
    /// Whether a predicate holds for at least one element of a path.
    case any(Int, Scope, Expr)
    /// The number of edges of a path.
    case length(Int)
  }

  package var name: String
  package var type: DataType
  package var value: Value

  package init(name: String, type: DataType, value: Value) {
    self.name = name
    self.type = type
    self.value = value
  }
}

/// Which walks match. Source: the `cycles` parameter of graph-match.
package enum GraphCycles: String, Sendable, CaseIterable {
  /// Any walk.
  case all
  /// No node stands twice.
  case noCycles = "none"
  /// No edge stands twice.
  case uniqueEdges = "unique_edges"
}

/// A pattern with its conditions and output.
package struct GraphQuery: Sendable {
  package var pattern: GraphPattern
  package var cycles = GraphCycles.uniqueEdges
  package var columns: [MatchColumn]
  /// Conjuncts over `columns`.
  package var predicates: [Expr]
  /// Output over `columns`.
  package var projection: [NamedExpr]

  package init(pattern: GraphPattern, cycles: GraphCycles, columns: [MatchColumn], predicates: [Expr], projection: [NamedExpr]) {
    self.pattern = pattern
    self.cycles = cycles
    self.columns = columns
    self.predicates = predicates
    self.projection = projection
  }

  /// What the expressions see.
  package var columnSchema: StructType { StructType(columns.map { StructField($0.name, $0.type) }) }
}

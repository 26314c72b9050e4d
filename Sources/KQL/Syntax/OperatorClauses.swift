// The operands of those operators that have more than a list of expressions.

/// `find in (T, U*) where p project a, b: string, pack(*)`
package struct FindOperator: Hashable, Sendable {
  package var sources: [Expression]
  package var predicate: Expression
  package var projection: Projection

  package enum Projection: Hashable, Sendable {
    /// Nothing written: same as smart.
    case unspecified
    case smart
    case columns([Column], packsRest: Bool)
    /// `project-away`; an empty list stands for `*`.
    case away([Column])
  }

  package struct Column: Hashable, Sendable {
    package var name: Name
    package var type: TypeReference?
  }
}

/// `search in (T, U*) "term"`
package struct SearchOperator: Hashable, Sendable {
  package var sources: [Expression]
  package var predicate: Expression
}

/// A branch of `fork`: `name = (where x | count)`.
package struct ForkBranch: Hashable, Sendable {
  package var name: Name?
  package var body: Pipeline
}

/// `join kind=inner (T) on a, $left.b == $right.c`, and `lookup`.
package struct JoinOperator: Hashable, Sendable {
  package var right: Expression
  /// Empty only when no `on` clause was written.
  package var conditions: [Expression]
  /// True for the form `join T where p`.
  package var isWhere: Bool
}

/// `macro-expand entity_group [...] as X ( statements )`
package struct MacroExpandOperator: Hashable, Sendable {
  package var group: Expression
  package var scope: Name?
  package var statements: [Statement]
}

/// `make-series a = avg(x) default = 0, ... on t from a to b step c by k`
package struct MakeSeriesOperator: Hashable, Sendable {
  package var aggregates: [Aggregate]
  package var axis: NamedExpression
  package var from: Expression?
  package var to: Expression?
  package var step: Expression
  package var keys: [NamedExpression]
  /// True for the older form `on t in range(a, b, c)`.
  package var usesInRange: Bool

  package struct Aggregate: Hashable, Sendable {
    package var value: NamedExpression
    package var defaultValue: Expression?
  }
}

/// `x = array to typeof(long)` of `mv-expand` and `mv-apply`.
package struct MvExpandItem: Hashable, Sendable {
  package var value: NamedExpression
  package var type: TypeReference?
}

/// `mv-apply x = array to typeof(long) limit 10 id guid(...) on ( subquery )`
package struct MvApplyOperator: Hashable, Sendable {
  package var items: [MvExpandItem]
  package var limit: Expression?
  /// A name for the expansion, which has no effect on the result.
  package var id: Expression?
  package var body: Pipeline
}

/// `parse kind=regex flags=U x with "a" b: long * "c" d`
package struct ParseOperator: Hashable, Sendable {
  package var value: Expression
  package var pattern: [PatternPart]

  package enum PatternPart: Hashable, Sendable {
    case star
    case text(String)
    case column(Name, TypeReference?)
  }
}

/// `parse-kv x as (a: long) with (pair_delimiter = " ")`
package struct ParseKvOperator: Hashable, Sendable {
  package var value: Expression
  package var keys: RowSchema
  package var properties: [OperatorParameter]
}

/// `partition by x ( subquery )` or `partition by x { query }`
package struct PartitionOperator: Hashable, Sendable {
  package var key: Expression
  package var scope: Expression?
  package var body: Pipeline
  /// True for braces: a full query that does not continue the partition.
  package var isFullQuery: Bool
}

/// `a*, b asc` of `project-reorder`.
package struct ReorderItem: Hashable, Sendable {
  package var column: Expression
  package var order: Order?

  package enum Order: String, Hashable, Sendable {
    case ascending = "asc"
    case descending = "desc"
    case grannyAscending = "granny-asc"
    case grannyDescending = "granny-desc"
  }
}

/// `render timechart with (title = "x")`
package struct RenderOperator: Hashable, Sendable {
  package var visualization: Name
  package var properties: [OperatorParameter]
}

/// `scan order by ... partition by ... declare (...) with (step s1: p => a = x; ...)`
package struct ScanOperator: Hashable, Sendable {
  package var order: [OrderedExpression]
  package var partition: [Expression]
  package var declared: [ParameterDeclaration]
  package var steps: [Step]

  package struct Step: Hashable, Sendable {
    package var name: Name
    package var isOptional: Bool
    /// `output = all | last | none`.
    package var output: Name?
    package var condition: Expression
    package var assignments: [Assignment]
  }

  package struct Assignment: Hashable, Sendable {
    package var name: Name
    package var value: Expression
  }
}

/// `summarize a = f(x) by k = g(y)`
package struct SummarizeOperator: Hashable, Sendable {
  package var aggregates: [NamedExpression]
  package var keys: [NamedExpression]
  /// The older `by x bin = 1h`.
  package var legacyBin: Expression?
}

/// `top-nested 3 of x with others = "rest" by count()`
package struct TopNestedLevel: Hashable, Sendable {
  package var count: Expression?
  package var key: NamedExpression
  package var others: Expression?
  package var aggregate: NamedExpression
  package var direction: SortDirection?
}

/// `make-graph a --> b with Nodes on id`
package struct MakeGraphOperator: Hashable, Sendable {
  package var source: Name
  package var isDirected: Bool
  package var target: Name
  package var nodes: [NodeTable]
  /// `with_node_id = name`
  package var nodeID: Name?
  /// `partitioned-by column ( subquery )`
  package var partitionKey: Name?
  package var partitionBody: Pipeline?

  package struct NodeTable: Hashable, Sendable {
    package var table: Expression
    package var key: Name
  }
}

/// `graph-match (a)-[e*1..3]->(b), ... where p project x`; also `graph-shortest-paths`.
package struct GraphPatternOperator: Hashable, Sendable {
  package var patterns: [[Element]]
  package var predicate: Expression?
  /// Nil when no `project` was written.
  package var projection: [NamedExpression]?

  package enum Element: Hashable, Sendable {
    /// `(name)` or `()`.
    case node(Name?)
    case edge(Edge)
  }

  package struct Edge: Hashable, Sendable {
    package var name: Name?
    package var direction: Direction
    /// `*1..5`, for a path of variable length.
    package var minimum: Expression?
    package var maximum: Expression?
  }

  package enum Direction: Hashable, Sendable {
    case forward, backward, any
  }
}

/// `nodes as N with_node_id = id` of `graph-to-table`.
package struct GraphTableOutput: Hashable, Sendable {
  package var isNodes: Bool
  package var name: Name?
  package var parameters: [OperatorParameter]
}

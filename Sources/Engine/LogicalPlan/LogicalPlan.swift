// Role: what is to be computed, independent of how. KQL, DataFrame calls and command-line flags all build this; the optimizer rewrites it;
// the physical planner runs it. Every node knows its schema; the makers in `LogicalPlan+Make` check names and types.

package import Columnar
package import DataSource
package import Expressions

/// A node with its inputs and the schema of its output. Column names within a schema are unique.
package struct LogicalPlan: Sendable {
  package let node: PlanNode
  package let schema: StructType
  /// Operators, one that stands in several places counted in each.
  package let size: Int

  /// Takes a node whose schema the caller has worked out; the makers do that.
  package init(node: PlanNode, schema: StructType) {
    self.node = node
    self.schema = schema
    size = node.inputs.reduce(1) { min($0 + $1.size, 1 << 40) }
  }
}

/// The operators of a plan.
package indirect enum PlanNode: Sendable {
  case scan(ScanNode)
  /// Rows in memory.
  case values([RecordBatch])
  /// One long, real, datetime or timespan column counting from `start` by `step` to `end`, both included.
  case range(RangeNode)
  /// Rows for which the predicate is true.
  case filter(Expr, LogicalPlan)
  /// One output column per expression, computed for each row.
  case project([NamedExpr], LogicalPlan)
  /// One row per distinct combination of keys (nulls form a group); no keys: one row. Keys come first in the schema.
  case aggregate(keys: [NamedExpr], aggregates: [NamedAggregate], LogicalPlan)
  /// Output: the left columns, then the right ones (semi and anti kinds: only one side's).
  case join(JoinNode)
  case sort([SortKey], LogicalPlan)
  /// The first `count` rows in the order of the keys.
  case topN([SortKey], count: Int, LogicalPlan)
  /// The first `count` rows of the input.
  case limit(Int, LogicalPlan)
  /// Distinct rows.
  case distinct(LogicalPlan)
  /// All rows of all inputs, in input order; all inputs have the same schema.
  case union([LogicalPlan])
  /// The row count as one long column.
  case count(name: String, LogicalPlan)
  /// A random sample of `count` rows.
  case sample(Int, LogicalPlan)
  /// An operator that brings its own schema and way of running.
  case custom(any TableOperator, [LogicalPlan])
}

/// A source with what has been pushed into it.
package struct ScanNode: Sendable {
  package var table: any BatchReadable
  /// The columns read, in output order.
  package var columns: [String]
  /// Conjuncts pushed down, each answered exact or inexact by the table.
  package var filters: [Expr]
  package var limit: Int?

  /// Everything the table can be asked for.
  package var available: StructType { StructType(table.schema.fields + table.hiddenColumns.fields) }

  package init(table: any BatchReadable, columns: [String]? = nil, filters: [Expr] = [], limit: Int? = nil) {
    self.table = table
    self.columns = columns ?? table.schema.names
    self.filters = filters
    self.limit = limit
  }
}

/// A counting column. For real the values are doubles' bit patterns' values as `Scalar`s.
package struct RangeNode: Sendable {
  package var name: String
  package var start: Scalar
  package var end: Scalar
  package var step: Scalar

  package init(name: String, start: Scalar, end: Scalar, step: Scalar) {
    self.name = name
    self.start = start
    self.end = end
    self.step = step
  }
}

/// Kusto's join kinds. `innerUnique` first keeps one left row per key.
package enum JoinKind: String, Sendable, CaseIterable {
  case innerUnique = "innerunique", inner, leftOuter = "leftouter", rightOuter = "rightouter", fullOuter = "fullouter"
  case leftSemi = "leftsemi", leftAnti = "leftanti", rightSemi = "rightsemi", rightAnti = "rightanti"
  /// Every pair of rows (`on 1 == 1` style, DataFrame cross join); no keys.
  case cross
}

/// An equi-join. Null keys equal nothing.
package struct JoinNode: Sendable {
  package var kind: JoinKind
  package var left: LogicalPlan
  package var right: LogicalPlan
  /// Key expressions over the left and the right input, pairwise of the same type after the maker's casts.
  package var keys: [(left: Expr, right: Expr)]
  /// The output names of the right columns (same count and order as the right schema); empty for semi and anti kinds.
  package var rightNames: [String]
  /// Rows come out in the order of the left rows they are of; for inner, left outer, left semi and left anti joins. Such a join holds one side in memory.
  package var keepsOrder = false

  package init(kind: JoinKind, left: LogicalPlan, right: LogicalPlan, keys: [(left: Expr, right: Expr)], rightNames: [String]) {
    self.kind = kind
    self.left = left
    self.right = right
    self.keys = keys
    self.rightNames = rightNames
  }

  /// The join without regard to the order of rows.
  var unordered: JoinNode {
    var join = self
    join.keepsOrder = false
    return join
  }
}

/// A sort key. Order within a type: numbers by value with NaN below every other number in ascending order, strings by UTF-8 bytes, false < true;
/// -0.0 equals 0.0.
package struct SortKey: Sendable, Hashable {
  package var expr: Expr
  package var isDescending: Bool
  package var nullsFirst: Bool

  package init(_ expr: Expr, isDescending: Bool = false, nullsFirst: Bool? = nil) {
    self.expr = expr
    self.isDescending = isDescending
    self.nullsFirst = nullsFirst ?? !isDescending
  }
}

// Role: chooses a physical operator for every node of an optimised plan.

import Columnar
import DataSource
import Expressions

enum PhysicalPlanner {
  /// `needed` are the output columns that the operator above reads; operators that move rows (filter, join) leave the others out. Nil: all.
  static func plan(_ logical: LogicalPlan, needed: Set<String>? = nil) throws -> PhysicalNode {
    let schema = logical.schema
    switch logical.node {
    case .scan(let scan):
      let node = TableScanNode(scan, schema: schema)
      node.estimatedRows = RowEstimate.rows(logical)
      return node
    case .values(let batches): return ValuesNode(batches, schema: schema)
    case .range(let range): return try RangeNodeOperator(range, schema: schema)
    case .filter(let predicate, let input):
      return FilterNode(predicate, keeping: needed, try plan(input, needed: needed?.union(predicate.columns)))
    case .project(let columns, let input): return ProjectNode(columns, schema: schema, try plan(input, needed: columnsRead(columns.map(\.expr))))
    case .aggregate(let keys, let aggregates, let input):
      let read = columnsRead(keys.map(\.expr) + aggregates.flatMap(\.call.arguments))
      return AggregateNode(keys: keys, aggregates: aggregates, schema: schema, try plan(input, needed: read))
    case .distinct(let input):
      return AggregateNode(keys: schema.names.map { NamedExpr($0, .column($0)) }, aggregates: [], schema: schema, try plan(input))
    case .join(let join): return try JoinPlanner.plan(join, schema: schema, needed: needed)
    case .sort(let keys, let input): return SortNode(keys, limit: nil, try plan(input))
    case .topN(let keys, let count, let input): 
      if count > manyRows { return LimitNode(count, SortNode(keys, limit: nil, try plan(input))) }
      return try TopNPlanner.plan(keys, count: count, input)
    case .limit(let count, let input): return LimitNode(count, try plan(input))
    case .union(let inputs): return UnionNode(try inputs.map { try plan($0) }, schema: schema)
    case .count(let name, let input):
      if let rows = RowEstimate.exactRows(input) {
        return ValuesNode([RecordBatch(schema: schema, columns: [.constant(.long(Int64(rows)), count: 1)])], schema: schema)
      }
      return CountNode(name: name, schema: schema, try plan(input, needed: []))
    case .sample(let count, let input): return SampleNode(count, try plan(input))
    case .custom(let op, let inputs):
      let node = TableOperatorNode(op, schema: schema, try inputs.map { try plan($0) })
      node.estimatedRows = RowEstimate.rows(logical)
      return node
    }
  }

  /// A top of more rows is a sort that stops.
  private static let manyRows = 262_144

  private static func columnsRead(_ exprs: [Expr]) -> Set<String> { Expr.columns(of: exprs) }
}

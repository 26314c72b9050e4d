// Role: chooses a physical operator for every node of an optimised plan.

import Columnar
import DataSource
import Expressions

enum PhysicalPlanner {
  static func plan(_ logical: LogicalPlan) throws -> PhysicalNode {
    let schema = logical.schema
    switch logical.node {
    case .scan(let scan):
      let node = TableScanNode(scan, schema: schema)
      node.estimatedRows = RowEstimate.rows(logical)
      return node
    case .values(let batches): return ValuesNode(batches, schema: schema)
    case .range(let range): return try RangeNodeOperator(range, schema: schema)
    case .filter(let predicate, let input): return FilterNode(predicate, try plan(input))
    case .project(let columns, let input): return ProjectNode(columns, schema: schema, try plan(input))
    case .aggregate(let keys, let aggregates, let input):
      return AggregateNode(keys: keys, aggregates: aggregates, schema: schema, try plan(input))
    case .distinct(let input):
      return AggregateNode(keys: schema.names.map { NamedExpr($0, .column($0)) }, aggregates: [], schema: schema, try plan(input))
    case .join(let join): return try JoinPlanner.plan(join, schema: schema)
    case .sort(let keys, let input): return SortNode(keys, limit: nil, try plan(input))
    case .topN(let keys, let count, let input): return try TopNPlanner.plan(keys, count: count, input)
    case .limit(let count, let input): return LimitNode(count, try plan(input))
    case .union(let inputs): return UnionNode(try inputs.map { try plan($0) }, schema: schema)
    case .count(let name, let input):
      if let rows = RowEstimate.exactRows(input) {
        return ValuesNode([RecordBatch(schema: schema, columns: [.constant(.long(Int64(rows)), count: 1)])], schema: schema)
      }
      return CountNode(name: name, schema: schema, try plan(input))
    case .sample(let count, let input): return SampleNode(count, try plan(input))
    }
  }
}

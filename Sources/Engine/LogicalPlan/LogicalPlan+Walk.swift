// Role: walking and checking plans.

import Columnar
import DataSource
import Expressions

extension PlanNode {
  /// The plans below.
  var inputs: [LogicalPlan] {
    switch self {
    case .scan, .values, .range: []
    case .filter(_, let input), .project(_, let input), .aggregate(_, _, let input), .sort(_, let input), .topN(_, _, let input),
      .limit(_, let input), .distinct(let input), .count(_, let input), .sample(_, let input):
      [input]
    case .join(let join): [join.left, join.right]
    case .union(let inputs), .custom(_, let inputs): inputs
    }
  }
}

extension LogicalPlan {
  /// The inputs of the node.
  package var inputs: [LogicalPlan] { node.inputs }

  /// The node over other inputs of the same schemas.
  package func withInputs(_ inputs: [LogicalPlan]) -> LogicalPlan {
    let node: PlanNode = switch node {
    case .scan, .values, .range: node
    case .filter(let predicate, _): .filter(predicate, inputs[0])
    case .project(let columns, _): .project(columns, inputs[0])
    case .aggregate(let keys, let aggregates, _): .aggregate(keys: keys, aggregates: aggregates, inputs[0])
    case .sort(let keys, _): .sort(keys, inputs[0])
    case .topN(let keys, let count, _): .topN(keys, count: count, inputs[0])
    case .limit(let count, _): .limit(count, inputs[0])
    case .distinct: .distinct(inputs[0])
    case .count(let name, _): .count(name: name, inputs[0])
    case .sample(let count, _): .sample(count, inputs[0])
    case .union: .union(inputs)
    case .custom(let op, _): .custom(op, inputs)
    case .join(var join):
      {
        join.left = inputs[0]
        join.right = inputs[1]
        return .join(join)
      }()
    }
    return LogicalPlan(node: node, schema: schema)
  }

  /// Rewrites the inputs first, then the node.
  func rewrittenUp(_ rewrite: (LogicalPlan) throws -> LogicalPlan) rethrows -> LogicalPlan {
    let inputs = inputs
    if inputs.isEmpty { return try rewrite(self) }
    return try rewrite(withInputs(try inputs.map { try $0.rewrittenUp(rewrite) }))
  }

  /// Throws INTERNAL when a column does not resolve, a type disagrees or a schema is not what its node gives.
  package func checkInvariants() throws {
    for input in inputs { try input.checkInvariants() }
    if Set(schema.names).count != schema.count { throw internalError("column names of a plan repeat: \(schema)") }
    func require(_ expr: Expr, over input: LogicalPlan, is type: DataType?, _ what: String) throws {
      let found: DataType
      do { found = try input.type(of: expr) } catch { throw internalError("\(what) does not hold: \(error)") }
      if let type, found != type { throw internalError("\(what) is \(found), the plan says \(type)") }
    }
    func requireSame(_ input: LogicalPlan, _ what: String) throws {
      guard input.schema.names == schema.names, input.schema.fields.map(\.type) == schema.fields.map(\.type) else {
        throw internalError("\(what) changes (\(input.schema)) to (\(schema))")
      }
    }
    switch node {
    case .scan(let scan):
      guard let fields = scan.available.selecting(scan.columns), fields.names == schema.names,
        fields.fields.map(\.type) == schema.fields.map(\.type)
      else { throw internalError("a scan of (\(scan.columns)) with the schema (\(schema))") }
      let all = LogicalPlan(node: .scan(ScanNode(table: scan.table)), schema: scan.available)
      for filter in scan.filters { try require(filter, over: all, is: .bool, "a pushed filter") }
    case .values, .range: break
    case .filter(let predicate, let input):
      try require(predicate, over: input, is: .bool, "a filter")
      try requireSame(input, "a filter")
    case .project(let columns, let input):
      guard columns.map(\.name) == schema.names else { throw internalError("a projection of \(columns.map(\.name)) with (\(schema))") }
      for (i, column) in columns.enumerated() { try require(column.expr, over: input, is: schema[i].type, "column '\(column.name)'") }
    case .aggregate(let keys, let aggregates, let input):
      guard keys.map(\.name) + aggregates.map(\.name) == schema.names else { throw internalError("an aggregate with the schema (\(schema))") }
      for (i, key) in keys.enumerated() { try require(key.expr, over: input, is: schema[i].type, "key '\(key.name)'") }
      for aggregate in aggregates {
        for argument in aggregate.call.arguments { try require(argument, over: input, is: nil, "an argument of '\(aggregate.name)'") }
      }
    case .join(let join):
      for key in join.keys {
        try require(key.left, over: join.left, is: nil, "a left join key")
        try require(key.right, over: join.right, is: try join.left.type(of: key.left), "a right join key")
      }
    case .sort(let keys, let input), .topN(let keys, _, let input):
      for key in keys { try require(key.expr, over: input, is: nil, "a sort key") }
      try requireSame(input, "a sort")
    case .limit(_, let input), .distinct(let input), .sample(_, let input): try requireSame(input, "a limit, distinct or sample")
    case .count: break
    case .union(let inputs): for input in inputs { try requireSame(input, "a union") }
    case .custom(let op, let inputs):
      let given = try op.outputSchema(inputs.map(\.schema))
      guard given.names == schema.names, given.fields.map(\.type) == schema.fields.map(\.type) else {
        throw internalError("\(op.name) gives (\(given)), the plan says (\(schema))")
      }
    }
  }
}

// Role: which expressions give the same value whenever and however often they are evaluated, so that rules may move or repeat them.

import Columnar
import Expressions

extension Expr {
  /// Functions whose value differs from call to call or row to row.
  private static let volatile: Set<String> = ["rand", "new_guid", "newguid", "random"]

  /// False when the expression contains a function that must be evaluated exactly once per row, where it stands.
  var isDeterministic: Bool {
    switch self {
    case .column, .literal: true
    case .call(let name, let arguments): !Self.volatile.contains(name) && arguments.allSatisfy(\.isDeterministic)
    }
  }

  /// A column or a literal: free to repeat.
  var isLeaf: Bool {
    if case .call = self { return false }
    return true
  }

  static let yes = Expr.literal(.bool(true))
  static let no = Expr.literal(.bool(false))
}

extension LogicalPlan {
  /// The plan with the conjunction of predicates over it; itself without predicates.
  func filtered(_ predicates: [Expr]) -> LogicalPlan {
    guard let predicate = Expr.conjunction(predicates) else { return self }
    return LogicalPlan(node: .filter(predicate, self), schema: schema)
  }

  /// The plan cut to columns of those names, in its order; itself when nothing is to be cut.
  func trimmed(to names: Set<String>) -> LogicalPlan {
    if schema.fields.allSatisfy({ names.contains($0.name) }) { return self }
    let fields = schema.fields.filter { names.contains($0.name) }
    return LogicalPlan(node: .project(fields.map { NamedExpr($0.name, .column($0.name)) }, self), schema: StructType(fields))
  }

  /// The plan without `FunctionName.text`, for a place that knows no null string.
  package var strippingText: LogicalPlan { rewrittenUp { node in node.mappingExpressions { expr, _ in expr.strippingText } } }

  /// The plan with every expression of the node rewritten, inputs unchanged.
  func mappingExpressions(_ map: (Expr, LogicalPlan) throws -> Expr) rethrows -> LogicalPlan {
    let node: PlanNode
    switch self.node {
    case .filter(let predicate, let input): node = .filter(try map(predicate, input), input)
    case .project(let columns, let input): node = .project(try columns.map { NamedExpr($0.name, try map($0.expr, input)) }, input)
    case .aggregate(let keys, let aggregates, let input):
      node = .aggregate(
        keys: try keys.map { NamedExpr($0.name, try map($0.expr, input)) },
        aggregates: try aggregates.map {
          NamedAggregate($0.name, AggregateCall($0.call.name, try $0.call.arguments.map { try map($0, input) }))
        }, input)
    case .sort(let keys, let input):
      node = .sort(try keys.map { SortKey(try map($0.expr, input), isDescending: $0.isDescending, nullsFirst: $0.nullsFirst) }, input)
    case .topN(let keys, let count, let input):
      node = .topN(
        try keys.map { SortKey(try map($0.expr, input), isDescending: $0.isDescending, nullsFirst: $0.nullsFirst) }, count: count, input)
    case .join(var join):
      join.keys = try join.keys.map { (left: try map($0.left, join.left), right: try map($0.right, join.right)) }
      node = .join(join)
    case .scan, .values, .range, .limit, .distinct, .union, .count, .sample, .custom: node = self.node
    }
    return LogicalPlan(node: node, schema: schema)
  }
}

// Role: what in the plan of a view's query forbids the view, and what keeps its results from being continued with rows that come later: the query over
// all rows must be the sum of the query over some of them and over the others.
// Source: Kusto reference, ".create materialized-view", "Query parameter".

import Columnar
import DataSource
import Engine
import Expressions

struct ViewObstacles {
  /// The table that the view reads; nil for a view, of which nothing is kept.
  private let source: StoreTable?

  init(_ source: StoreTable?) { self.source = source }

  /// What a view's query may not have, by name; nil when it may be one.
  func toCreation(_ view: BoundView) -> String? {
    for plan in [view.plan] + view.answered { if let name = changing(plan) { return name } }
    if let name = ordering(view.plan) { return name }
    return aggregated(view.plan).flatMap(repeated)
  }

  /// Why nothing is stored of the results of the view's query; nil when they can be continued.
  func toContinuing(_ view: BoundView) -> String? {
    // Nothing is kept of the rows of a view.
    guard source != nil else { return nil }
    if let name = toCreation(view) { return name }
    if view.answered.contains(where: reads) { return "a value or a list of columns worked out of the whole source" }
    return aggregated(view.plan).flatMap(regrouping)
  }

  // MARK: The whole query

  /// The first function that does not give the same value for the same arguments whenever it is asked, or operator that picks rows at random.
  private func changing(_ plan: LogicalPlan) -> String? {
    let own: String? = switch plan.node {
    case .filter(let predicate, _): Self.inconstant([predicate])
    case .project(let columns, _): Self.inconstant(columns.map(\.expr))
    case .aggregate(let keys, let aggregates, _): Self.inconstant(keys.map(\.expr) + aggregates.flatMap(\.call.arguments))
    case .join(let join): Self.inconstant(join.keys.flatMap { [$0.left, $0.right] })
    case .sample: "sample"
    default: nil
    }
    return own ?? below(plan).lazy.compactMap(changing).first
  }

  private static func inconstant(_ exprs: [Expr]) -> String? {
    for case .call(let name, let arguments) in exprs {
      if ["now", "ago"].contains(name) || FunctionRegistry.find(name)?.isDeterministic == false { return name + "()" }
      if let found = inconstant(arguments) { return found }
    }
    return nil
  }

  /// The first operator that depends on the order of all rows.
  private func ordering(_ plan: LogicalPlan) -> String? {
    switch plan.node {
    case .sort: return "sort"
    case .topN: return "top"
    case .custom(let op, _) where op is WindowOperator: return "serialize"
    case .custom(let op, _) where op is RowSecurityOperator: return nil
    default: return plan.inputs.lazy.compactMap(ordering).first
    }
  }

  /// The plans a node stands on. What a policy lets through is a table like any other.
  private func below(_ plan: LogicalPlan) -> [LogicalPlan] {
    guard case .custom(let op, let inputs) = plan.node else { return plan.inputs }
    return op is RowSecurityOperator ? [] : inputs + op.subplans
  }

  /// Whether rows of the source are read. What a policy reads to choose the rows of another table does not count.
  private func reads(_ plan: LogicalPlan) -> Bool {
    guard let source else { return false }
    return switch plan.node {
    case .scan(let scan): (scan.table as? StoreScanTable)?.snapshot.table.id == source.id
    case .custom(let op as RowSecurityOperator, _): op.entity == source.id
    case .custom(let op, let inputs): (inputs + op.subplans).contains(where: reads)
    default: plan.inputs.contains(where: reads)
    }
  }

  // MARK: From the source to the aggregation

  /// The rows that the last aggregation is made of.
  private func aggregated(_ plan: LogicalPlan) -> LogicalPlan? {
    switch plan.node {
    case .aggregate(_, _, let input), .distinct(let input): input
    case .project(_, let input), .filter(_, let input): aggregated(input)
    default: nil
    }
  }

  /// The inputs that lead to the source.
  private func onTheWay(_ plan: LogicalPlan) -> [LogicalPlan] {
    if case .custom(let op, _) = plan.node, op is RowSecurityOperator { return [] }
    return plan.inputs.filter(reads)
  }

  /// Operators of the language by the names of those that carry them out.
  private static let grouping = ["Partition": "partition", "KeyMatch": "top-nested", "KeyMiss": "top-nested", "GroupLimit": "top-nested", "MakeSeries": "make-series"]

  /// What makes the rows of the source others than single ones: another aggregation, or a part of them.
  private func repeated(_ plan: LogicalPlan) -> String? {
    guard let source, reads(plan) else { return nil }
    switch plan.node {
    case .aggregate, .count: return "a second summarize"
    case .distinct: return "distinct before the summarize"
    case .limit: return "take"
    case .join where onTheWay(plan).count > 1: return "a second look at '\(source.name)'"
    case .custom(let op, _):
      if let name = Self.grouping[op.name] { return name }
      if op.subplans.contains(where: reads) { return "a second look at '\(source.name)'" }
    default: break
    }
    return onTheWay(plan).lazy.compactMap(repeated).first
  }

  /// What gives rows that do not come of one row of the source each, or not of that row alone.
  private func regrouping(_ plan: LogicalPlan) -> String? {
    guard reads(plan) else { return "rows of other tables" }
    switch plan.node {
    case .scan, .filter, .project: break
    case .union(let inputs): if !inputs.allSatisfy(reads) { return "union with other tables" }
    case .join(let join):
      let passed: [JoinKind] = reads(join.left) ? [.inner, .leftOuter, .leftSemi, .leftAnti, .cross] : [.inner, .innerUnique, .rightOuter, .rightSemi, .rightAnti, .cross]
      if !passed.contains(join.kind) { return "join kind=\(join.kind.rawValue)" }
    case .custom(let op, _):
      guard op is RowSecurityOperator || op is MvExpandOperator || op is MvApplyOperator || op is TextExtractOperator else { return op.name }
    // The others are named before.
    default: break
    }
    return onTheWay(plan).lazy.compactMap(regrouping).first
  }
}

// Role: how many rows a plan gives: exactly where sources know, else a guess good enough to choose a join's build side.

import Columnar
import DataSource
import Expressions

enum RowEstimate {
  /// The exact count when it follows from the sources without reading rows.
  static func exactRows(_ plan: LogicalPlan) -> Int? {
    switch plan.node {
    case .scan(let scan):
      guard scan.filters.isEmpty, let rows = scan.table.exactRowCount else { return nil }
      return min(rows, scan.limit ?? Int.max)
    case .values(let batches): return batches.reduce(0) { $0 + $1.rowCount }
    case .project(_, let input), .sort(_, let input): return exactRows(input)
    case .limit(let count, let input), .topN(_, let count, let input), .sample(let count, let input):
      return exactRows(input).map { min($0, max(0, count)) }
    case .union(let inputs):
      var total = 0
      for input in inputs {
        guard let rows = exactRows(input) else { return nil }
        total += rows
      }
      return total
    case .count: return 1
    case .aggregate(let keys, _, _): return keys.isEmpty ? 1 : nil
    case .custom(let op, let inputs): return op.keepsRowCount ? inputs.first.flatMap { exactRows($0) } : nil
    case .range, .filter, .distinct, .join: return nil
    }
  }

  /// A guess; nil when nothing is known.
  static func rows(_ plan: LogicalPlan) -> Int? {
    switch plan.node {
    case .scan(let scan):
      guard let rows = scan.table.exactRowCount else { return scan.limit }
      return min(scan.filters.reduce(rows) { n, filter in reduced(n, filter) }, scan.limit ?? Int.max)
    case .filter(let predicate, let input): return rows(input).map { n in predicate.conjuncts.reduce(n) { reduced($0, $1) } }
    case .project(_, let input), .sort(_, let input): return rows(input)
    case .limit(let count, let input), .topN(_, let count, let input), .sample(let count, let input):
      return rows(input).map { min($0, max(0, count)) } ?? max(0, count)
    case .aggregate(let keys, _, let input): return keys.isEmpty ? 1 : rows(input).map { max(1, $0 / 4) }
    case .distinct(let input): return rows(input).map { max(1, $0 / 4) }
    case .union(let inputs): return inputs.reduce(Optional(0)) { total, input in total.flatMap { t in rows(input).map { t + $0 } } }
    case .join(let join):
      guard let left = rows(join.left), let right = rows(join.right) else { return nil }
      switch join.kind {
      case .leftSemi, .leftAnti: return left
      case .rightSemi, .rightAnti: return right
      case .cross: return left.multipliedReportingOverflow(by: right).overflow ? Int.max : left * right
      default: return max(left, right)
      }
    case .count: return 1
    case .values, .range: return exactRows(plan)
    case .custom(_, let inputs): return inputs.first.flatMap { rows($0) }
    }
  }

  private static func reduced(_ rows: Int, _ filter: Expr) -> Int {
    if case .call(FunctionName.equal, _) = filter { return max(1, rows / 20) }
    return max(1, rows / 3)
  }
}

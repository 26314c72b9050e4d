// Role: plans as an indented tree, one line per node.

import Columnar
import DataSource
import Expressions

enum PlanText {
  static func text(_ plan: LogicalPlan) -> String {
    var out = ""
    write(plan, depth: 0, &out)
    return out
  }

  private static func write(_ plan: LogicalPlan, depth: Int, _ out: inout String) {
    out += String(repeating: "  ", count: depth) + line(plan) + "\n"
    for input in plan.inputs { write(input, depth: depth + 1, &out) }
  }

  /// One node.
  static func line(_ plan: LogicalPlan) -> String {
    switch plan.node {
    case .scan(let scan):
      var text = "Scan \(scan.table.description) columns=[\(scan.columns.map { quotedName($0) }.joined(separator: ", "))]"
      if !scan.filters.isEmpty {
        let answers = scan.table.pushdown(scan.filters)
        let shown = zip(scan.filters, answers).map { "\(ExprText.text($0)) (\($1))" }
        text += " pushed=[\(shown.joined(separator: ", "))]"
      }
      if let limit = scan.limit { text += " limit=\(limit)" }
      return text
    case .values(let batches): return "Values \(batches.reduce(0) { $0 + $1.rowCount }) rows (\(plan.schema))"
    case .range(let range): return "Range \(quotedName(range.name))"
    case .filter(let predicate, _): return "Filter \(ExprText.text(predicate))"
    case .project(let columns, _): return "Project \(ExprText.text(columns))"
    case .aggregate(let keys, let aggregates, _): return "Aggregate by=[\(ExprText.text(keys))] aggregates=[\(ExprText.text(aggregates))]"
    case .join(let join):
      let keys = join.keys.map { "\(ExprText.text($0.left)) == \(ExprText.text($0.right))" }
      return "Join kind=\(join.kind.rawValue) on=[\(keys.joined(separator: ", "))]" + (join.keepsOrder ? " ordered" : "")
    case .sort(let keys, _): return "Sort \(ExprText.text(keys))"
    case .topN(let keys, let count, _): return "TopN \(count) by \(ExprText.text(keys))"
    case .limit(let count, _): return "Limit \(count)"
    case .distinct: return "Distinct"
    case .union: return "Union"
    case .count(let name, _): return "Count \(quotedName(name))"
    case .sample(let count, _): return "Sample \(count)"
    case .custom(let op, _): return op.detail.isEmpty ? op.name : "\(op.name) \(op.detail)"
    }
  }
}

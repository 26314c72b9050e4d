// Role: plan nodes to operators, one case per node. Nil: KQL has no operator that means the same.

import Columnar
import DataSource
import Engine
import Expressions

/// A tabular expression under construction: what it starts with and the operators behind.
struct PrintedPlan {
  var head: String
  var operators: [String] = []
  /// Whether it may stand in parentheses.
  var isNestable = true
  var sources: [String] = []

  var text: String { ([head] + operators.map { "| " + $0 }).joined(separator: "\n") }

  /// As an operand of join and union; nil when it cannot be one.
  var operand: String? {
    guard isNestable else { return nil }
    return operators.isEmpty && !head.contains("\n") && !head.contains(" ") ? head : "(" + text + "\n)"
  }

  func with(_ operatorText: String) -> PrintedPlan {
    var copy = self
    copy.operators.append(operatorText)
    return copy
  }
}

extension KQLPlanPrinter {
  /// Cells of rows in memory that are written as a datatable.
  private static let maximumCells = 10_000

  mutating func node(_ plan: LogicalPlan) -> PrintedPlan? {
    switch plan.node {
    case .scan(let scan): return self.scan(scan)
    case .values(let batches): return values(plan.schema, batches)
    case .range(let range): return self.range(range)
    case .filter(let predicate, let input):
      guard let input = node(input), let text = expression(predicate) else { return nil }
      return input.with("where \(text)")
    case .project(let columns, let input): return project(columns, input)
    case .aggregate(let keys, let aggregates, let input): return aggregate(keys, aggregates, input)
    case .join(let join): return self.join(join)
    case .sort(let keys, let input):
      guard let input = node(input), let text = sortKeys(keys) else { return nil }
      return input.with("sort by \(text)")
    case .topN(let keys, let count, let input):
      guard let input = node(input), let text = sortKeys(keys) else { return nil }
      return keys.count == 1 ? input.with("top \(count) by \(text)") : input.with("sort by \(text)").with("take \(count)")
    case .limit(let count, let input): return node(input)?.with("take \(count)")
    case .distinct(let input): return input.schema.count == 0 ? nil : node(input)?.with("distinct *")
    case .union(let inputs): return union(inputs)
    case .count(let name, let input): 
      let column = self.name(name)
      return node(input)?.with(name == "Count" ? "count" : "summarize \(column) = count()")
    case .sample(let count, let input): return node(input)?.with("sample \(count)")
    default: return nil
    }
  }

  // MARK: Sources

  private mutating func scan(_ scan: ScanNode) -> PrintedPlan? {
    guard !scan.columns.isEmpty, let source = text(of: scan.table) else { return nil }
    var out = PrintedPlan(head: source.text, isNestable: source.isNestable, sources: [source.text])
    for filter in scan.filters {
      guard let text = expression(filter) else { return nil }
      out = out.with("where \(text)")
    }
    if let limit = scan.limit { out = out.with("take \(limit)") }
    if scan.columns != scan.table.schema.names { out = out.with("project \(names(scan.columns))") }
    return out
  }

  private mutating func names(_ names: [String]) -> String {
    var out: [String] = []
    for name in names { out.append(self.name(name)) }
    return out.joined(separator: ", ")
  }

  private mutating func values(_ schema: StructType, _ batches: [RecordBatch]) -> PrintedPlan? {
    let rows = batches.reduce(0) { $0 + $1.rowCount }
    guard schema.count > 0, rows * schema.count <= Self.maximumCells else { return nil }
    var columns: [String] = []
    for field in schema.fields { columns.append("\(name(field.name)):\(field.type)") }
    var cells: [String] = []
    for batch in batches {
      for i in 0..<batch.rowCount {
        for scalar in batch.row(i) {
          guard let text = KQLLiteral.text(scalar) else { return nil }
          cells.append(text)
        }
      }
    }
    return PrintedPlan(head: "datatable(\(columns.joined(separator: ", ")))[\(cells.joined(separator: ", "))]")
  }

  private mutating func range(_ range: RangeNode) -> PrintedPlan? {
    guard range.start.type != .int, !range.start.isNull, !range.end.isNull, !range.step.isNull, let from = KQLLiteral.text(range.start),
      let to = KQLLiteral.text(range.end), let step = KQLLiteral.text(range.step)
    else { return nil }
    return PrintedPlan(head: "range \(name(range.name)) from \(from) to \(to) step \(step)")
  }

  // MARK: Columns

  private mutating func project(_ columns: [NamedExpr], _ input: LogicalPlan) -> PrintedPlan? {
    guard !columns.isEmpty else { return nil }
    if input.schema.count == 0 {
      // One row without columns is what print starts from.
      guard case .values(let batches) = input.node, batches.reduce(0, { $0 + $1.rowCount }) == 1, let list = items(columns) else { return nil }
      return PrintedPlan(head: "print \(list)")
    }
    guard let printed = node(input) else { return nil }
    let kept = input.schema.names
    if columns.count == kept.count, zip(columns, kept).allSatisfy({ $0.name == $1 && $0.expr == .column($1) }) { return printed }
    let isExtension = columns.count > kept.count && zip(columns, kept).allSatisfy { $0.name == $1 && $0.expr == .column($1) }
    let shown = isExtension ? Array(columns.dropFirst(kept.count)) : columns
    return items(shown).map { printed.with("\(isExtension ? "extend" : "project") \($0)") }
  }

  /// `a, b = x + 1`.
  private mutating func items(_ columns: [NamedExpr]) -> String? {
    var out: [String] = []
    for column in columns {
      guard let text = expression(column.expr) else { return nil }
      let name = name(column.name)
      out.append(column.expr == .column(column.name) ? name : "\(name) = \(text)")
    }
    return out.joined(separator: ", ")
  }

  private mutating func sortKeys(_ keys: [SortKey]) -> String? {
    var out: [String] = []
    for key in keys {
      guard let text = expression(key.expr) else { return nil }
      out.append("\(text) \(key.isDescending ? "desc" : "asc") nulls \(key.nullsFirst ? "first" : "last")")
    }
    return out.joined(separator: ", ")
  }

  // MARK: Several inputs

  private mutating func union(_ inputs: [LogicalPlan]) -> PrintedPlan? {
    var printed: [PrintedPlan] = []
    for input in inputs {
      guard input.schema.count > 0, let one = node(input) else { return nil }
      printed.append(one)
    }
    guard let first = printed.first else { return nil }
    var operands: [String] = []
    for one in printed.dropFirst() {
      guard let operand = one.operand else { return nil }
      operands.append(operand)
    }
    var out = first.with("union \(operands.joined(separator: ", "))")
    out.sources = printed.flatMap(\.sources)
    return out
  }

  /// Right columns are renamed before the join, so that no name depends on Kusto's numbering; keys that are no columns are computed before and
  /// dropped after it. Semi and anti joins give one side's columns and rename nothing.
  private mutating func join(_ join: JoinNode) -> PrintedPlan? {
    let rightSchema = join.right.schema.names
    // Joins elsewhere promise no order.
    guard !join.keepsOrder, join.left.schema.count > 0, !rightSchema.isEmpty, var left = node(join.left), var right = node(join.right) else { return nil }
    var renamed: [String: String] = [:]
    for (name, made) in zip(rightSchema, join.rightNames) where name != made { renamed[name] = made }
    if !renamed.isEmpty {
      var items: [String] = []
      for (name, made) in zip(rightSchema, join.rightNames) { items.append(name == made ? self.name(name) : "\(self.name(made)) = \(self.name(name))") }
      right = right.with("project \(items.joined(separator: ", "))")
    }
    var conditions: [String] = []
    var helpers: [String] = []
    let keys = join.kind == .cross ? [(left: Expr.literal(.long(1)), right: Expr.literal(.long(1)))] : join.keys
    for key in keys {
      guard let leftKey = keyColumn(key.left, [:], &left), let rightKey = keyColumn(key.right, renamed, &right) else { return nil }
      conditions.append("$left.\(leftKey.name) == $right.\(rightKey.name)")
      if leftKey.isAdded, ![.rightSemi, .rightAnti].contains(join.kind) { helpers.append(leftKey.name) }
      if rightKey.isAdded, ![.leftSemi, .leftAnti].contains(join.kind) { helpers.append(rightKey.name) }
    }
    guard !conditions.isEmpty, let operand = right.operand else { return nil }
    var out = left.with("join kind=\(join.kind == .cross ? "inner" : join.kind.rawValue) \(operand) on \(conditions.joined(separator: ", "))")
    if !helpers.isEmpty { out = out.with("project-away \(helpers.joined(separator: ", "))") }
    out.sources = left.sources + right.sources
    return out
  }

  /// The column a key stands in; an expression becomes one.
  private mutating func keyColumn(_ key: Expr, _ renamed: [String: String], _ side: inout PrintedPlan) -> (name: String, isAdded: Bool)? {
    let key = key.replacingColumns { renamed[$0].map { .column($0) } }
    if case .column(let column) = key { return (name(column), false) }
    guard let text = expression(key) else { return nil }
    let helper = helperName()
    side = side.with("extend \(helper) = \(text)")
    return (helper, true)
  }
}

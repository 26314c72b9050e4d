// join and lookup: kinds, conditions, and the names of the columns that both sides have.

import Columnar
import Engine
import Expressions

/// One equality of an `on` clause.
private struct JoinKey {
  var left: Expr
  var right: Expr
}

extension Binder {
  private static let joinKinds: [String: JoinKind] = [
    "innerunique": .innerUnique, "inner": .inner, "leftouter": .leftOuter, "rightouter": .rightOuter, "fullouter": .fullOuter,
    "leftsemi": .leftSemi, "rightsemi": .rightSemi, "leftanti": .leftAnti, "anti": .leftAnti, "leftantisemi": .leftAnti,
    "rightanti": .rightAnti, "rightantisemi": .rightAnti,
  ]

  private func joinKind(_ step: TabularOperator, _ allowed: [String], default kind: JoinKind) throws(BindFailure) -> JoinKind {
    guard let word = Self.word(step, "kind") else { return kind }
    guard allowed.contains(word), let found = Self.joinKinds[word] else {
      let span = step.parameters.last { $0.name.text == "kind" }?.span ?? step.nameSpan
      try fail(.valueNotAllowed, "'\(word)' is no kind of \(step.name)", at: span, hint: NameSuggestion.hint(for: word, among: allowed) ?? "kinds: \(allowed.sorted().joined(separator: ", "))")
    }
    return found
  }

  func join(_ join: JoinOperator, _ input: TableValue, _ step: TabularOperator) throws(BindFailure) -> LogicalPlan {
    if join.isWhere { try notSupported("join ... where, whose meaning the language reference does not give; use 'on' with equalities and a where behind the join", at: step.nameSpan) }
    let kind = try joinKind(step, Array(Self.joinKinds.keys), default: .innerUnique)
    let right = try table(join.right, what: "the right side of join")
    let keys = try joinKeys(join.conditions, input, right, step)
    let joined = try plan(at: step.span) { try input.plan.join(right.plan, kind: kind, keys: keys.map { (left: $0.left, right: $0.right) }) }
    return Self.withKustoNames(joined)
  }

  /// `lookup`: like join, without the right side's key columns. Rows keep their order where they have one.
  func lookup(_ join: JoinOperator, _ input: TableValue, _ step: TabularOperator) throws(BindFailure) -> LogicalPlan {
    let kind = try joinKind(step, ["leftouter", "inner"], default: .leftOuter)
    let right = try table(join.right, what: "the right side of lookup")
    let keys = try joinKeys(join.conditions, input, right, step)
    let joined = try plan(at: step.span) { try input.plan.join(right.plan, kind: kind, keys: keys.map { (left: $0.left, right: $0.right) }, keepsOrder: input.isSerialized) }
    guard case .join(let node) = joined.node else { return joined }
    let dropped = Set(keys.compactMap { $0.right.passedColumn })
    var fields = input.plan.schema.names.map { ($0, $0) }
    for (field, joinedName) in zip(right.plan.schema.fields, node.rightNames) where !dropped.contains(field.name) {
      fields.append((field.name, joinedName))
    }
    let names = Self.uniqueNames(fields.map(\.0))
    let columns = zip(names, fields).map { NamedExpr($0, .column($1.1)) }
    return try plan(at: step.span) { try joined.project(columns) }
  }

  private func joinKeys(_ conditions: [Expression], _ left: TableValue, _ right: TableValue, _ step: TabularOperator) throws(BindFailure) -> [JoinKey] {
    guard !conditions.isEmpty else {
      try fail(.missing, "\(step.name) needs 'on' and its conditions", at: step.nameSpan, hint: "write: \(step.name) (T) on column")
    }
    var flat: [Expression] = []
    for condition in conditions {
      if case .logical(.and, let terms) = condition.kind { flat += terms } else { flat.append(condition) }
    }
    return try each(flat) { condition throws(BindFailure) in try self.joinKey(condition, left, right) }
  }

  private func joinKey(_ condition: Expression, _ left: TableValue, _ right: TableValue) throws(BindFailure) -> JoinKey {
    let form = "write a column that both sides have, or $left.a == $right.b"
    switch condition.kind {
    case .name(let name):
      guard left.plan.schema.index(of: name) != nil, right.plan.schema.index(of: name) != nil else {
        let side = left.plan.schema.index(of: name) == nil ? left : right
        let which = left.plan.schema.index(of: name) == nil ? "left" : "right"
        let hint = NameSuggestion.hint(for: name, among: side.plan.schema.names)
        try fail(.joinColumnMissing, "column '\(name)' is not on the \(which) side of the join", at: condition.span, hint: hint ?? form)
      }
      return try key(.column(name), .column(name), left, right, condition.span)
    case .binary(.equal, let a, let b):
      guard let (sideA, nameA) = sided(a), let (sideB, nameB) = sided(b), sideA != sideB else {
        try fail(.joinCondition, "a join condition compares a left with a right column", at: condition.span, hint: form)
      }
      let (l, r) = sideA == "$left" ? (nameA, nameB) : (nameB, nameA)
      guard left.plan.schema.index(of: l.text) != nil else { try unknownName(l.text, rowScope(left), l.span) }
      guard right.plan.schema.index(of: r.text) != nil else { try unknownName(r.text, rowScope(right), r.span) }
      return try key(.column(l.text), .column(r.text), left, right, condition.span)
    default:
      try fail(.joinCondition, "a join condition is an equality of columns", at: condition.span, hint: form)
    }
  }

  private func sided(_ expression: Expression) -> (String, Name)? {
    guard case .path(let side, let name) = expression.kind, case .name(let text) = side.kind, text == "$left" || text == "$right" else { return nil }
    return (text, name)
  }

  private func key(_ left: Expr, _ right: Expr, _ leftTable: TableValue, _ rightTable: TableValue, _ span: SourceSpan) throws(BindFailure) -> JoinKey {
    let a = quietType(of: ScalarValue(expr: left), rowScope(leftTable)) ?? .string
    let b = quietType(of: ScalarValue(expr: right), rowScope(rightTable)) ?? .string
    if a == .dynamic || b == .dynamic {
      try fail(.joinKeyTypes, "a join key cannot be dynamic", at: span, hint: "convert it before the join, for instance with extend k = tostring(k)")
    }
    guard a == b || (a.isNumeric && b.isNumeric) else {
      try fail(.joinKeyTypes, "the join keys are \(a) and \(b)", at: span, hint: "convert one of them before the join")
    }
    return JoinKey(left: Self.key(left, a), right: Self.key(right, b))
  }

  // MARK: Names

  /// Names made unique with numbers, never touching a name that stands first: (c, c, c1) gives (c, c2, c1).
  static func uniqueNames(_ names: [String]) -> [String] {
    var table = UniqueNames()
    for name in names { table.take(name) }
    var seen: Set<String> = []
    return names.map { seen.insert($0).inserted ? $0 : table.unique($0) }
  }

  /// A join whose repeated right columns are named as Kusto names them.
  private static func withKustoNames(_ plan: LogicalPlan) -> LogicalPlan {
    guard case .join(var node) = plan.node, !node.rightNames.isEmpty else { return plan }
    let leftCount = node.left.schema.count
    let names = uniqueNames(node.left.schema.names + node.right.schema.names)
    node.rightNames = Array(names[leftCount...])
    var fields = plan.schema.fields
    for i in fields.indices { fields[i].name = names[i] }
    return LogicalPlan(node: .join(node), schema: StructType(fields))
  }
}

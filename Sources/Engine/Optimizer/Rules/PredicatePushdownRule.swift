// Role: filters move down, conjunct by conjunct, as far as they keep the rows: through projections, sorts, distinct, unions, grouping keys,
// and to the sides of joins whose rows they decide.

import Columnar
import DataSource
import Expressions

struct PredicatePushdownRule: OptimizerRule {
  let name = "predicate push-down"

  func apply(_ plan: LogicalPlan, _ context: EvaluationContext) throws -> LogicalPlan { push(plan, []) }

  /// The plan with `predicates`, given over its output, applied at or below it.
  private func push(_ plan: LogicalPlan, _ predicates: [Expr]) -> LogicalPlan {
    switch plan.node {
    case .filter(let predicate, let input): return push(input, input.conditions(predicate) + predicates)
    case .project(_, let input) where predicates.isEmpty: return plan.withInputs([push(input, [])])
    case .project(let columns, let input):
      var definitions: [String: Expr] = [:]
      for column in columns { definitions[column.name] = column.expr }
      let (below, above) = split(predicates) { p in p.isDeterministic && p.columns.allSatisfy { definitions[$0]?.isDeterministic ?? false } }
      let inner = push(input, below.map { $0.replacingColumns { definitions[$0] }.withoutText })
      return plan.withInputs([inner]).filtered(above)
    case .sort(_, let input):
      let (below, above) = split(predicates) { $0.isDeterministic }
      return plan.withInputs([push(input, below)]).filtered(above)
    case .distinct(let input):
      let (below, above) = split(predicates) { $0.isDeterministic && $0.respectsEquality(in: plan.schema) }
      return plan.withInputs([push(input, below)]).filtered(above)
    case .union(let inputs):
      let (below, above) = split(predicates) { $0.isDeterministic }
      return plan.withInputs(inputs.map { push($0, below) }).filtered(above)
    case .aggregate(let keys, _, let input):
      var definitions: [String: Expr] = [:]
      for key in keys { definitions[key.name] = key.expr }
      let (below, above) = split(predicates) { p in
        p.isDeterministic && !p.columns.isEmpty && p.columns.allSatisfy { definitions[$0]?.isDeterministic ?? false } && p.respectsEquality(in: plan.schema)
      }
      return plan.withInputs([push(input, below.map { $0.replacingColumns { definitions[$0] }.withoutText })]).filtered(above)
    case .join(let join): return pushIntoJoin(plan, join, predicates)
    case .custom(let op, let inputs):
      let names = op.filterableColumns(inputs.map(\.schema))
      let (below, above) = split(predicates) { $0.isDeterministic && !$0.columns.isEmpty && $0.columns.isSubset(of: names) }
      return plan.withInputs(inputs.enumerated().map { push($1, $0 == 0 ? below : []) }).filtered(above)
    case .scan, .values, .range: return plan.filtered(predicates)
    case .limit, .topN, .count, .sample: return plan.withInputs(plan.inputs.map { push($0, []) }).filtered(predicates)
    }
  }

  private func split(_ predicates: [Expr], _ goesDown: (Expr) -> Bool) -> ([Expr], [Expr]) {
    (predicates.filter(goesDown), predicates.filter { !goesDown($0) })
  }

  private func pushIntoJoin(_ plan: LogicalPlan, _ join: JoinNode, _ predicates: [Expr]) -> LogicalPlan {
    let leftNames = Set(join.left.schema.names)
    var rightOrigin: [String: Expr] = [:]
    for (name, origin) in zip(join.rightNames, join.right.schema.names) { rightOrigin[name] = .column(origin) }
    var left: [Expr] = [], right: [Expr] = [], above: [Expr] = []
    for predicate in predicates {
      let columns = predicate.columns
      guard predicate.isDeterministic, !columns.isEmpty else {
        above.append(predicate)
        continue
      }
      let isLeft = columns.isSubset(of: leftNames)
      let isRight = columns.allSatisfy { rightOrigin[$0] != nil }
      switch join.kind {
      case .leftSemi, .leftAnti: left.append(predicate)
      case .rightSemi, .rightAnti: right.append(predicate)
      case .inner, .cross:
        if isLeft {
          left.append(predicate)
          if predicate.respectsEquality(in: join.left.schema), let mirrored = overKeys(predicate, from: join.keys.map { ($0.left, $0.right) }) { right.append(mirrored) }
        } else if isRight {
          let own = predicate.replacingColumns { rightOrigin[$0] }
          right.append(own)
          if own.respectsEquality(in: join.right.schema), let mirrored = overKeys(own, from: join.keys.map { ($0.right, $0.left) }) { left.append(mirrored) }
        } else {
          above.append(predicate)
        }
      case .innerUnique:
        // A filter of the left side before one row per key is chosen would change the choice, unless it looks at keys only.
        if isLeft, predicate.respectsEquality(in: join.left.schema), overKeys(predicate, from: join.keys.map { ($0.left, $0.left) }) != nil {
          left.append(predicate)
        } else if isRight {
          right.append(predicate.replacingColumns { rightOrigin[$0] })
        } else {
          above.append(predicate)
        }
      case .leftOuter: if isLeft { left.append(predicate) } else { above.append(predicate) }
      case .rightOuter: if isRight { right.append(predicate.replacingColumns { rightOrigin[$0] }) } else { above.append(predicate) }
      case .fullOuter: above.append(predicate)
      }
    }
    return plan.withInputs([push(join.left, left), push(join.right, right)]).filtered(above)
  }

  /// A predicate that reads only join keys (plain columns of one side), said of the other side's keys; nil for others.
  private func overKeys(_ predicate: Expr, from keys: [(Expr, Expr)]) -> Expr? {
    var other: [String: Expr] = [:]
    var texts: Set<String> = []
    for (mine, theirs) in keys {
      guard let name = mine.passedColumn else { continue }
      other[name] = theirs
      if mine != .column(name) { texts.insert(name) }
    }
    guard predicate.columns.allSatisfy({ other[$0] != nil }), texts.isEmpty || !predicate.tellsNullTexts(of: texts) else { return nil }
    return predicate.replacingColumns { other[$0] }.withoutText
  }
}

// Type checking through the expression compiler, and finding the part of the text that its errors are about.

import Columnar
import DataSource
import Engine
import Expressions

extension Binder {
  /// Binds and type-checks a scalar expression.
  func typed(_ expression: Expression, _ row: RowScope) throws(BindFailure) -> (Expr, DataType) {
    let bound = try scalar(expression, row)
    return (bound.expr, try type(of: bound, row, expression))
  }

  /// The columns that a bound expression may read: those of its row, or inside a lambda those of the caller's row.
  private func columns(_ row: RowScope) -> StructType { row.reach ?? callerColumns }

  /// The type of a bound expression; its errors are reported at the smallest part of `expression` that has them.
  func type(of bound: ScalarValue, _ row: RowScope, _ expression: Expression) throws(BindFailure) -> DataType {
    switch bound.expr {
    case .literal(let scalar): return scalar.type
    case .column(let name):
      if let field = columns(row).field(name) { return field.type }
    default: break
    }
    do {
      return try CompiledExpr(bound.expr, schema: columns(row), context: options.context).type
    } catch {
      try report(error, culprit(expression, row))
    }
  }

  /// The type, or nil when the expression is wrong.
  func quietType(of bound: ScalarValue, _ row: RowScope) -> DataType? {
    if case .literal(let scalar) = bound.expr { return scalar.type }
    if case .column(let name) = bound.expr { return columns(row).field(name)?.type }
    return (try? CompiledExpr(bound.expr, schema: columns(row), context: options.context))?.type
  }

  /// The smallest part of an expression that does not compile by itself.
  private func culprit(_ expression: Expression, _ row: RowScope) -> Expression {
    let before = isSilent
    isSilent = true
    defer { isSilent = before }
    var found = expression
    search: while true {
      for part in found.scalarParts {
        guard let bound = try? scalar(part, row) else { continue }
        if (try? CompiledExpr(bound.expr, schema: columns(row), context: options.context)) == nil {
          found = part
          continue search
        }
      }
      return found
    }
  }

  /// Reports an error of the expression or plan layer at an expression.
  func report(_ error: any Error, _ expression: Expression) throws(BindFailure) -> Never {
    if case ExpressionError.argumentTypes(let name, let found, let expected) = error {
      switch expression.kind {
      case .binary:
        try fail(.operatorNotDefined, "operator '\(name)' does not take \(Self.list(found)); expected \(expected)", at: expression.span, hint: Self.castHint(name, found))
      case .unary(let sign, _) where name == FunctionName.negate:
        let hint = found == [.string] ? "convert the text, for instance with tolong() or toreal()" : Self.castHint(name, found)
        try fail(.operatorNotDefined, "operator '\(sign.rawValue)' does not take \(Self.list(found)); expected \(expected)", at: expression.span, hint: hint)
      case .path(_, let part) where name == FunctionName.member && found.count == 2 && found[0] != .dynamic:
        try fail(.incompatibleArguments, "'.\(part.text)' needs a dynamic value, this is \(found[0])", at: part.span)
      case .element(_, let index) where name == FunctionName.member && found.count == 2 && found[0] != .dynamic:
        try fail(.incompatibleArguments, "'[...]' needs a dynamic value, this is \(found[0])", at: index.span)
      default: break
      }
    }
    try report(error, at: expression.span)
  }

  /// Reports an error of the expression or plan layer at a place.
  func report(_ error: any Error, at span: SourceSpan) throws(BindFailure) -> Never {
    switch error {
    case ExpressionError.columnNotFound(let name, let candidates):
      try fail(.unknownName, "column '\(name)' not found", at: span, hint: NameSuggestion.hint(for: name, among: candidates))
    case ExpressionError.functionNotFound(let name, let candidates):
      let known = Array(candidates) + scope.names
      try fail(.unknownFunction, "function '\(name)' not found", at: span, hint: NameSuggestion.hint(for: name, among: known))
    case ExpressionError.argumentCount(let function, let found, let expected):
      try fail(.argumentCount, "\(function)() takes \(expected) argument\(expected == "1" ? "" : "s"), found \(found)", at: span)
    case ExpressionError.argumentTypes(let function, let found, let expected):
      try fail(.incompatibleArguments, "\(function) does not take \(Self.list(found)); expected \(expected)", at: span, hint: Self.castHint(function, found))
    case ExpressionError.invalidArgument(let function, let message):
      try fail(.valueNotAllowed, "\(function): \(message)", at: span)
    case ExpressionError.notSupported(let what):
      try notSupported(what, at: span)
    default:
      if !isSilent { cause = error }
      throw BindFailure()
    }
  }

  private static func list(_ types: [DataType]) -> String { "(\(types.map(\.rawValue).joined(separator: ", ")))" }

  private static let comparisons: Set<String> = [
    FunctionName.equal, FunctionName.notEqual, FunctionName.less, FunctionName.lessOrEqual, FunctionName.greater, FunctionName.greaterOrEqual,
  ]

  /// What helps most often: one side is dynamic or text, or a time is written as in other languages.
  private static func castHint(_ function: String, _ types: [DataType]) -> String? {
    if FunctionName.stringOperators.contains(function) || [FunctionName.matchesRegex, FunctionName.equalTilde, FunctionName.notEqualTilde].contains(function) {
      guard let i = types.firstIndex(where: { $0 != .string }), i < 2 else { return nil }
      return "convert the \(i == 0 ? "left" : "right") side with tostring()"
    }
    if types.count == 2, types.contains(.datetime), types.contains(where: \.isNumeric) {
      return comparisons.contains(function) ? "a date is written datetime(2020-01-31)" : "a span of time is written 1d, 2h or 30s"
    }
    if function == FunctionName.add, types.contains(.string) { return "put texts together with strcat()" }
    if types.contains(.dynamic) { return "convert the dynamic value first, for instance with tostring() or tolong()" }
    guard types.count == 2, types[0] != types[1], types.contains(.string), let other = types.first(where: { $0 != .string }) else { return nil }
    return "convert the text with to\(other)() or the value with tostring()"
  }

  /// Runs a maker of plan nodes; its errors are reported at `span`.
  func plan(at span: SourceSpan, _ body: () throws -> LogicalPlan) throws(BindFailure) -> LogicalPlan {
    planned += 1
    let plan: LogicalPlan
    do { plan = try body() } catch { try report(error, at: span) }
    guard planned <= Self.mostPlanned, plan.size <= Self.mostOperators else {
      try fail(.planTooLarge, "the query becomes more than \(Self.mostOperators) operators: views or names that read each other multiply", at: span, hint: "materialize(…) what is read several times, or name the tables")
    }
    return plan
  }
}

extension Expression {
  /// The scalar expressions directly below this one.
  fileprivate var scalarParts: [Expression] {
    switch kind {
    case .path(let left, _): [left]
    case .element(let left, let index): [left, index]
    case .call(let call): call.arguments.map(\.value)
    case .unary(_, let operand): [operand]
    case .binary(_, let left, let right): [left, right]
    case .logical(_, let operands): operands
    case .membership(_, let left, let items): [left] + items
    case .between(let left, let low, let high, _): [left, low, high]
    default: []
    }
  }
}

// Role: expressions as short text: the default names of unnamed columns, as Spark gives them: `(a + 1)`, `upper(b)`.

import Expressions

enum ExprText {
  private static let infix: Set<String> = [
    FunctionName.and, FunctionName.or, FunctionName.equal, FunctionName.notEqual, FunctionName.less, FunctionName.lessOrEqual,
    FunctionName.greater, FunctionName.greaterOrEqual, FunctionName.add, FunctionName.subtract, FunctionName.multiply, FunctionName.divide,
    FunctionName.modulo, FunctionName.matchesRegex, FunctionName.equalTilde, FunctionName.notEqualTilde,
  ]

  /// The name of a plain column; nil for anything else.
  static func columnName(_ expr: Expr) -> String? {
    if case .column(let name) = expr { return name }
    return nil
  }

  /// The text of an expression.
  static func name(_ expr: Expr) -> String {
    switch expr {
    case .column(let name): return name
    case .literal(let scalar): return ValueText.text(scalar)
    case .call(MarkerName.kql, let arguments): return arguments.first.map(name) ?? ""
    case .call(MarkerName.isNull, let arguments): return "(\(list(arguments)) is null)"
    case .call(MarkerName.when, let arguments): return "when(\(list(arguments)))"
    case .call(FunctionName.not, let arguments) where arguments.count == 1: return "(not \(name(arguments[0])))"
    case .call(FunctionName.negate, let arguments) where arguments.count == 1: return "(- \(name(arguments[0])))"
    case .call(FunctionName.member, let arguments) where arguments.count == 2: return "\(name(arguments[0]))[\(name(arguments[1]))]"
    case .call(let function, let arguments):
      if arguments.count == 2, infix.contains(function) || FunctionName.stringOperators.contains(function) {
        return "(\(name(arguments[0])) \(function) \(name(arguments[1])))"
      }
      return "\(function)(\(list(arguments)))"
    }
  }

  private static func list(_ arguments: [Expr]) -> String { arguments.map(name).joined(separator: ", ") }
}

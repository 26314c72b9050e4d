// Role: which predicates cannot tell equal values apart. 0.0 and -0.0, 1.0 and 1.00 are equal and print differently: what asks for more than
// comparison may not change places with what puts equal values together.

import Columnar
import Expressions

extension Expr {
  private static let comparisons: Set<String> = [
    FunctionName.equal, FunctionName.notEqual, FunctionName.less, FunctionName.lessOrEqual, FunctionName.greater, FunctionName.greaterOrEqual, FunctionName.in,
    FunctionName.notIn, FunctionName.between, FunctionName.notBetween, "isnull", "isnotnull",
  ]

  /// True when the predicate, given over `schema`, holds for all of several equal values or for none.
  func respectsEquality(in schema: StructType) -> Bool {
    switch self {
    case .column, .literal: return true
    case .call(let name, let arguments):
      let isLoose = columns.contains { [.real, .decimal, .dynamic].contains(schema.field($0)?.type) }
      if !isLoose { return true }
      if [FunctionName.and, FunctionName.or, FunctionName.not].contains(name) { return arguments.allSatisfy { $0.respectsEquality(in: schema) } }
      return Self.comparisons.contains(name) && arguments.allSatisfy(\.isLeaf)
    }
  }
}

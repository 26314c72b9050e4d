// Role: finds aggregation functions by name and binds calls to implementations.

package import Columnar

extension CompiledAggregate {
  /// Binds an aggregate call to the schema of its input; throws `ExpressionError`.
  package init(_ call: AggregateCall, schema: StructType, context: EvaluationContext) throws {
    throw ExpressionError.notSupported("aggregate '\(call.name)'")
  }

  /// True when an aggregation function of that name exists.
  package static func exists(_ name: String) -> Bool { false }
}

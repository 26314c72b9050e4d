// Role: finds aggregation functions by name and binds calls to implementations.

package import Columnar

extension CompiledAggregate {
  /// Binds an aggregate call to the schema of its input; throws `ExpressionError`. Calls have one result column each; see
  /// `AggregateCatalog` for how functions with several columns are called.
  package init(_ call: AggregateCall, schema: StructType, context: EvaluationContext) throws {
    guard let spec = AggregateCatalog.byName[call.name] else {
      if AggregateCatalog.missing.contains(call.name) { throw ExpressionError.notSupported("aggregate '\(call.name)'") }
      throw ExpressionError.functionNotFound(call.name, candidates: nearestNames(to: call.name, among: AggregateCatalog.byName.keys.sorted()))
    }
    guard spec.arity.contains(call.arguments.count) else {
      let range = spec.arity
      let expected = range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
      throw ExpressionError.argumentCount(function: call.name, found: call.arguments.count, expected: expected)
    }
    let arguments = try call.arguments.map { try CompiledExpr($0, schema: schema, context: context) }
    let bound = try spec.bind(AggregateBinding(name: call.name, arguments: arguments))
    self.init(call: call, type: bound.type, arguments: bound.evaluated.map { arguments[$0] }, makeAccumulator: bound.make)
  }

  /// True when an aggregation function of that name exists (also one that is known but not supported yet).
  package static func exists(_ name: String) -> Bool {
    AggregateCatalog.byName[name] != nil || AggregateCatalog.missing.contains(name)
  }

  /// Every function as (name, aliases, one line of help), for listings and completion.
  package static var catalog: [(name: String, aliases: [String], help: String)] {
    AggregateCatalog.all.map { ($0.name, $0.aliases, $0.help) }
  }
}

// Where aggregates stand in an expression.

extension Expression {
  /// Whether aggregates are worked on: `sum(a) / count()`, `tolong(max(a))`, and not `max(a)` alone.
  package var isComposite: Bool {
    if case .call(let call) = kind, call.isAggregate { return call.arguments.contains { $0.value.holdsAggregate } }
    return holdsAggregate
  }

  private var holdsAggregate: Bool {
    var found = false
    _ = rewritten { (part) throws(Never) -> Expression? in
      if case .call(let call) = part.kind, call.isAggregate { found = true }
      return nil
    }
    return found
  }
}

extension FunctionCall {
  /// Whether it calls an aggregation function, and not a scalar function of its name.
  fileprivate var isAggregate: Bool { ResultNames.isAggregate(name.text) && !(ResultNames.isScalarToo(name.text) && arguments.count > 1) }
}

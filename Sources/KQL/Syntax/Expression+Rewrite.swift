// Rewriting scalar expressions: parts are replaced from the outside in; what is not replaced is searched further.

extension Expression {
  /// The same place in the text with another meaning.
  func withKind(_ kind: Kind) -> Expression {
    var out = self
    out.kind = kind
    return out
  }

  /// The expression with every part for which `replace` gives something replaced by it. Subqueries are left alone.
  func rewritten<Failure: Error>(_ replace: (Expression) throws(Failure) -> Expression?) throws(Failure) -> Expression {
    if let other = try replace(self) { return other }
    switch kind {
    case .path(let left, let name): return withKind(.path(try left.rewritten(replace), name))
    case .element(let left, let index): return withKind(.element(try left.rewritten(replace), try index.rewritten(replace)))
    case .call(var call):
      for i in call.arguments.indices { call.arguments[i].value = try call.arguments[i].value.rewritten(replace) }
      return withKind(.call(call))
    case .unary(let op, let operand): return withKind(.unary(op, try operand.rewritten(replace)))
    case .binary(let op, let left, let right): return withKind(.binary(op, try left.rewritten(replace), try right.rewritten(replace)))
    case .logical(let op, let operands): return withKind(.logical(op, try Self.rewritten(operands, replace)))
    case .membership(let op, let left, let items):
      return withKind(.membership(op, try left.rewritten(replace), try Self.rewritten(items, replace)))
    case .between(let left, let low, let high, let isNegated):
      return withKind(.between(try left.rewritten(replace), from: try low.rewritten(replace), to: try high.rewritten(replace), isNegated: isNegated))
    default: return self
    }
  }

  private static func rewritten<Failure: Error>(
    _ items: [Expression], _ replace: (Expression) throws(Failure) -> Expression?
  ) throws(Failure) -> [Expression] {
    var out: [Expression] = []
    for item in items { out.append(try item.rewritten(replace)) }
    return out
  }
}

// Role: binding: resolves names, chooses implementations by argument types, inserts conversions, folds constant parts.

import Columnar

extension EvaluationNode {
  /// Deepest nesting of a call; deeper expressions are refused, since evaluation recurses.
  private static let maxDepth = 1_000

  /// Resolves names and types; throws `ExpressionError`.
  static func bind(_ expr: Expr, schema: StructType, places: [String: Int]? = nil, context: EvaluationContext, depth: Int = 0) throws -> EvaluationNode {
    guard depth < maxDepth else { throw ExpressionError.notSupported("expressions nested deeper than \(maxDepth)") }
    switch expr {
    case .column(let name):
      let place = if let places { places[name] } else { schema.index(of: name) }
      guard let i = place else { throw ExpressionError.columnNotFound(name, candidates: schema.names) }
      return .column(i, schema[i].type)
    case .literal(let scalar): return constant(scalar)
    case .call(FunctionName.and, _), .call(FunctionName.or, _):
      guard case .call(let name, _) = expr else { return constant(.null(.bool)) }
      let terms = try expr.flattened(name).map { try bind($0, schema: schema, places: places, context: context, depth: depth + 1) }
      return try bindLogical(name, terms, context)
    case .call(let name, let arguments):
      let nodes = try arguments.map { try bind($0, schema: schema, places: places, context: context, depth: depth + 1) }
      switch name {
      case "iff", "iif": return try bindChoice(name, nodes, context)
      case "case": return try bindChoice(name, nodes, context)
      case "coalesce": return try bindCoalesce(nodes, context)
      default: return try call(name, nodes, context)
      }
    }
  }

  /// A call of a registered function over bound arguments; constant calls are folded.
  static func call(_ name: String, _ arguments: [EvaluationNode], _ context: EvaluationContext) throws -> EvaluationNode {
    guard let spec = FunctionRegistry.find(name) else { throw FunctionRegistry.missing(name) }
    guard spec.arity.contains(arguments.count) else {
      throw ExpressionError.argumentCount(function: name, found: arguments.count, expected: spec.arity.text)
    }
    let request = FunctionCall(name: name, types: arguments.map(\.type), constants: arguments.map(\.constant), context: context)
    let function = try spec.bind(request)
    var converted: [EvaluationNode] = []
    for (i, argument) in arguments.enumerated() {
      let wanted = i < function.parameters.count ? function.parameters[i] : argument.type
      converted.append(argument.type == wanted ? argument : try convert(argument, to: wanted, for: request))
    }
    let bound = BoundCall(name: name, function: function, arguments: converted, isDeterministic: spec.isDeterministic)
    return try EvaluationNode.call(bound).folded()
  }

  /// The argument converted to the type a function takes.
  static func convert(_ node: EvaluationNode, to type: DataType, for request: FunctionCall) throws -> EvaluationNode {
    guard let function = implicitConversion(from: node.type, to: type) else { throw request.wrongTypes("a \(type) argument") }
    return try EvaluationNode.call(BoundCall(name: "to\(type)", function: function, arguments: [node], isDeterministic: true)).folded()
  }

  /// A constant when all arguments are and the function is deterministic.
  func folded() throws -> EvaluationNode {
    guard isRowWise else { return self }
    var columns: Set<Int> = []
    collectColumns(into: &columns)
    guard columns.isEmpty, !isConstantNode else { return self }
    let value = try evaluate(EvaluationInput(columns: [], rowCount: 1))
    return .constant(value.scalar(0))
  }

  private var isConstantNode: Bool { constant != nil }

  private static func asCondition(_ node: EvaluationNode, _ name: String, _ context: EvaluationContext) throws -> EvaluationNode {
    switch node.type {
    case .bool: return node
    case .dynamic, .int, .long, .real, .decimal:
      return try convert(node, to: .bool, for: FunctionCall(name: name, types: [node.type], constants: [nil], context: context))
    default: throw ExpressionError.argumentTypes(function: name, found: [node.type], expected: "bool")
    }
  }

  private static func bindLogical(_ name: String, _ nodes: [EvaluationNode], _ context: EvaluationContext) throws -> EvaluationNode {
    guard !nodes.isEmpty else { throw ExpressionError.argumentCount(function: name, found: 0, expected: "2 or more") }
    let isAnd = name == FunctionName.and
    var terms: [EvaluationNode] = []
    for node in nodes {
      let term = try asCondition(node, name, context)
      if case .constant(.bool(let value), _) = term {
        if value != isAnd { return .constant(.bool(value)) }
        continue
      }
      terms.append(term)
    }
    if terms.isEmpty { return .constant(.bool(isAnd)) }
    if terms.count == 1 { return terms[0] }
    return try (isAnd ? EvaluationNode.and(terms) : EvaluationNode.or(terms)).folded()
  }

  /// The type that all values of a choice take: equal types, the widest number, or the scalar type beside dynamics.
  private static func commonType(_ name: String, _ types: [DataType]) throws -> DataType {
    var result: DataType?
    for type in types {
      guard let known = result else { result = type; continue }
      if known == type { continue }
      if let wide = DataType.widest(known, type) {
        result = wide
      } else if known == .dynamic {
        result = type
      } else if type != .dynamic {
        throw ExpressionError.argumentTypes(function: name, found: types, expected: "values of one type")
      }
    }
    return result ?? .bool
  }

  private static func bindChoice(_ name: String, _ nodes: [EvaluationNode], _ context: EvaluationContext) throws -> EvaluationNode {
    guard nodes.count >= 3, nodes.count % 2 == 1, name == "case" || nodes.count == 3 else {
      throw ExpressionError.argumentCount(function: name, found: nodes.count, expected: name == "case" ? "an odd number, at least 3," : "3")
    }
    var values = stride(from: 1, to: nodes.count, by: 2).map { nodes[$0] }
    values.append(nodes[nodes.count - 1])
    let type = try commonType(name, values.map(\.type))
    let request = FunctionCall(name: name, types: nodes.map(\.type), constants: nodes.map(\.constant), context: context)
    values = try values.map { $0.type == type ? $0 : try convert($0, to: type, for: request) }
    var branches: [Branch] = []
    var otherwise = values[values.count - 1]
    for k in 0..<values.count - 1 {
      let condition = try asCondition(nodes[2 * k], name, context)
      if let known = condition.constant {
        if case .bool(true) = known {
          otherwise = values[k]
          break
        }
        continue
      }
      branches.append(Branch(condition: condition, value: values[k]))
    }
    return branches.isEmpty ? otherwise : .choice(branches, otherwise: otherwise, type)
  }

  private static func bindCoalesce(_ nodes: [EvaluationNode], _ context: EvaluationContext) throws -> EvaluationNode {
    guard nodes.count >= 2 else { throw ExpressionError.argumentCount(function: "coalesce", found: nodes.count, expected: "2 or more") }
    let type = try commonType("coalesce", nodes.map(\.type))
    let request = FunctionCall(name: "coalesce", types: nodes.map(\.type), constants: nodes.map(\.constant), context: context)
    let values = try nodes.map { $0.type == type ? $0 : try convert($0, to: type, for: request) }
    return try EvaluationNode.coalesce(values, type).folded()
  }
}

extension Expr {
  /// The operands of nested calls of one associative operator, from left to right, without recursion on the left side.
  fileprivate func flattened(_ name: String) -> [Expr] {
    var out: [Expr] = []
    var pending = [self]
    while let next = pending.popLast() {
      if case .call(name, let arguments) = next { pending.append(contentsOf: arguments.reversed()) } else { out.append(next) }
    }
    return out
  }
}

extension ClosedRange<Int> {
  /// `2`, `1 to 3`, `2 or more`.
  var text: String {
    if lowerBound == upperBound { return "\(lowerBound)" }
    return upperBound >= FunctionSpec.unbounded ? "\(lowerBound) or more" : "\(lowerBound) to \(upperBound)"
  }
}

extension FunctionSpec {
  /// The upper end of the arity of functions that take any number of arguments.
  static let unbounded = 1_000
}

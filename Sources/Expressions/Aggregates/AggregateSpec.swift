// Role: the declaration of one aggregation function: names, arity, one line of help, and how a call becomes an accumulator.

import Columnar

/// What binding an aggregate call yields.
struct BoundAggregate {
  var type: DataType
  /// Positions of the call's arguments that are evaluated for each batch, in the order the accumulator takes them.
  var evaluated: [Int]
  var make: @Sendable () -> any GroupedAccumulator
}

/// A call under binding: its arguments compiled, constants on demand.
struct AggregateBinding {
  let name: String
  let arguments: [CompiledExpr]

  func type(_ i: Int) -> DataType { arguments[i].type }

  /// The value of a constant argument; throws when it depends on columns.
  func constant(_ i: Int) throws -> Scalar {
    guard arguments[i].expr.columns.isEmpty else {
      throw ExpressionError.invalidArgument(function: name, message: "argument \(i + 1) must be a constant")
    }
    return try arguments[i].evaluate(RecordBatch(schema: StructType([]), columns: [], rowCount: 1)).scalar(0)
  }

  /// A constant integer argument, `fallback` when it is not given.
  func integer(_ i: Int, default fallback: Int) throws -> Int {
    guard i < arguments.count else { return fallback }
    guard let value = try constant(i).int64Value else {
      throw ExpressionError.invalidArgument(function: name, message: "argument \(i + 1) must be an integer")
    }
    return Int(value)
  }

  /// Constant percentages from argument `first` on, or those of one dynamic array.
  func percentages(from first: Int) throws -> [Double] {
    var out: [Double] = []
    for i in first..<arguments.count {
      let value = try constant(i)
      if let p = value.doubleValue { out.append(p) } else if case .dynamic(.array(let items)) = value {
        for item in items {
          switch item {
          case .long(let v): out.append(Double(v))
          case .real(let v): out.append(v)
          case .decimal(let v): out.append(v.doubleValue)
          default: throw ExpressionError.invalidArgument(function: name, message: "percentiles must be numbers")
          }
        }
      } else {
        throw ExpressionError.invalidArgument(function: name, message: "percentiles must be numbers, found a \(value.type) as argument \(i + 1)")
      }
    }
    if let bad = out.first(where: { !($0 >= 0 && $0 <= 100) }) {
      throw ExpressionError.invalidArgument(function: name, message: "a percentile lies between 0 and 100, found \(bad)")
    }
    return out
  }

  /// The error of arguments of wrong types.
  func mismatch(_ expected: String) -> ExpressionError {
    .argumentTypes(function: name, found: arguments.map(\.type), expected: expected)
  }
}

/// One aggregation function.
struct AggregateSpec: Sendable {
  let name: String
  let aliases: [String]
  /// How many arguments it takes.
  let arity: ClosedRange<Int>
  /// `sum(x)`: signature, then what it gives.
  let help: String
  let bind: @Sendable (AggregateBinding) throws -> BoundAggregate

  init(
    _ name: String, _ arity: ClosedRange<Int>, aliases: [String] = [], _ help: String,
    bind: @escaping @Sendable (AggregateBinding) throws -> BoundAggregate
  ) {
    self.name = name
    self.aliases = aliases
    self.arity = arity
    self.help = help
    self.bind = bind
  }

  /// The same function with a predicate behind its first `position` arguments: `sumif(x, p)`.
  func filtered(_ name: String, aliases: [String] = [], predicateAt position: Int = 1, _ help: String) -> AggregateSpec {
    let base = bind
    return AggregateSpec(name, arity.lowerBound + 1...arity.upperBound + 1, aliases: aliases, help) { binding in
      guard position < binding.arguments.count, binding.type(position) == .bool else {
        throw binding.mismatch("a bool predicate as argument \(position + 1)")
      }
      var rest = binding.arguments
      rest.remove(at: position)
      let bound = try base(AggregateBinding(name: name, arguments: rest))
      let evaluated = bound.evaluated.map { $0 < position ? $0 : $0 + 1 } + [position]
      return BoundAggregate(type: bound.type, evaluated: evaluated) { FilteredAccumulator(bound.make()) }
    }
  }
}

// Role: small makers shared by the family files.

import Columnar

extension BoundFunction {
  /// A function of one argument that is converted to `parameter`.
  static func unary(_ type: DataType, _ parameter: DataType, _ kernel: @escaping Kernel) -> @Sendable (FunctionCall) throws -> BoundFunction {
    { _ in BoundFunction(type, [parameter], kernel: kernel) }
  }

  /// A function whose arguments are all converted to fixed types (the first `count` of `parameters` are used).
  static func fixed(_ type: DataType, _ parameters: [DataType], nulls: NullRule = .propagate, _ kernel: @escaping Kernel)
    -> @Sendable (FunctionCall) throws -> BoundFunction
  {
    { call in BoundFunction(type, Array(parameters.prefix(call.count)), nulls: nulls, kernel: kernel) }
  }
}

extension DataType {
  /// The wider of two numeric types in the order int, long, real, decimal; nil when one is not numeric. Source: Kusto's "Widest" rule.
  static func widest(_ a: DataType, _ b: DataType) -> DataType? {
    func rank(_ t: DataType) -> Int? {
      switch t {
      case .int: 0
      case .long: 1
      case .real: 2
      case .decimal: 3
      default: nil
      }
    }
    guard let x = rank(a), let y = rank(b) else { return nil }
    return x >= y ? a : b
  }

  /// int becomes long, as results of arithmetic do.
  var promoted: DataType { self == .int ? .long : self }
}

// Role: the bound tree that `CompiledExpr` evaluates.

import Columnar

/// A bound node: a column position, a constant, or a function over nodes.
indirect enum EvaluationNode: Sendable {
  case column(Int, DataType)
  case constant(Scalar)

  var type: DataType {
    switch self {
    case .column(_, let type): type
    case .constant(let scalar): scalar.type
    }
  }

  /// Resolves names and types; throws `ExpressionError`.
  static func bind(_ expr: Expr, schema: StructType, context: EvaluationContext) throws -> EvaluationNode {
    switch expr {
    case .column(let name):
      guard let i = schema.index(of: name) else { throw ExpressionError.columnNotFound(name, candidates: schema.names) }
      return .column(i, schema[i].type)
    case .literal(let scalar): return .constant(scalar)
    case .call(let name, _): throw ExpressionError.notSupported("function '\(name)'")
    }
  }

  func evaluate(_ batch: RecordBatch) throws -> ColumnVector {
    switch self {
    case .column(let i, _): batch.columns[i]
    case .constant(let scalar): .constant(scalar, count: batch.rowCount)
    }
  }
}

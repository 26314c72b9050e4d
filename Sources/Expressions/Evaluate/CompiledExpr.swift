// Role: an expression bound to a schema: columns by position, functions by implementation, every type known.

package import Columnar

/// A type-checked expression over batches of one schema. Thread-safe.
package struct CompiledExpr: Sendable {
  /// The type of the result.
  package let type: DataType
  package let expr: Expr
  let node: EvaluationNode

  /// Binds and type-checks; throws `ExpressionError`. Constant parts are folded.
  package init(_ expr: Expr, schema: StructType, context: EvaluationContext) throws {
    self.expr = expr
    node = try EvaluationNode.bind(expr, schema: schema, context: context)
    type = node.type
  }

  /// One value per row, in any vector form; throws `ExpressionError`.
  package func evaluate(_ batch: RecordBatch) throws -> ColumnVector { try node.evaluate(batch) }

  /// For a boolean expression: the rows where it is true (null counts as false).
  package func select(_ batch: RecordBatch) throws -> Bitmap {
    let vector = try evaluate(batch)
    return vector.trueBits
  }
}

extension ColumnVector {
  /// For a bool column: the rows that are true and not null.
  package var trueBits: Bitmap {
    switch storage {
    case .bool(let bits): return validity.map { bits.and($0) } ?? bits
    case .constant(let value): return Bitmap(repeating: count > 0 && !isAllNull && value.trueBits[0], count: count)
    default: return flattened.trueBits
    }
  }
}

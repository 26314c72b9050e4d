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

  private init(_ expr: Expr, _ node: EvaluationNode) {
    (self.expr, self.node, type) = (expr, node, node.type)
  }

  /// So many columns are looked for one by one; more of them through a dictionary.
  private static let fewLookups = 16

  /// Several expressions over one schema, columns that pass on in their place among them; throws `ExpressionError`.
  package static func all(_ exprs: [Expr], schema: StructType, context: EvaluationContext) throws -> [CompiledExpr] {
    var places: [String: Int]?
    var lookups = 0
    return try exprs.enumerated().map { i, expr in
      if case .column(let name) = expr, i < schema.count, schema[i].name == name { return CompiledExpr(expr, .column(i, schema[i].type)) }
      lookups += 1
      if lookups == fewLookups { places = Dictionary(schema.names.enumerated().map { ($1, $0) }) { first, _ in first } }
      return CompiledExpr(expr, try EvaluationNode.bind(expr, schema: schema, places: places, context: context))
    }
  }

  /// One value per row, in any vector form; throws `ExpressionError`.
  package func evaluate(_ batch: RecordBatch) throws -> ColumnVector {
    let result = try node.evaluate(EvaluationInput(columns: batch.columns, rowCount: batch.rowCount))
    if ColumnSize.takeExcess() { throw ExpressionError.invalidArgument(function: "values", message: ColumnSize.excess) }
    return result
  }

  /// For a boolean expression: the rows where it is true (null counts as false).
  package func select(_ batch: RecordBatch) throws -> Bitmap {
    try node.select(EvaluationInput(columns: batch.columns, rowCount: batch.rowCount))
  }

  /// The value of an expression that reads no column and does not change between calls; nil for others.
  package var constantValue: Scalar? { node.constant }
}

extension ColumnVector {
  /// For a bool column: the rows that are true and not null. No row of a column of another type is.
  package var trueBits: Bitmap {
    switch storage {
    case .bool(let bits): return validity.map { bits.and($0) } ?? bits
    case .constant(let value): return Bitmap(repeating: count > 0 && !isAllNull && value.trueBits[0], count: count)
    default: return type == .bool ? flattened.trueBits : Bitmap(repeating: false, count: count)
    }
  }
}

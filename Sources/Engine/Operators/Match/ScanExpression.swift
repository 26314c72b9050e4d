// Role: an expression of scan: computed for a whole batch when it reads the row alone, for one row at a time when it reads states.

import Columnar
import Expressions

/// What an expression reads in one place of a scan.
struct ScanRow {
  /// The batch and the row in it.
  let batch: RecordBatch
  let row: Int
  /// The columns that steps may assign, one row each: the declared ones, then input columns.
  var assigned: [ColumnVector]
}

/// A column of a step's state.
struct StateColumn: Hashable {
  let step: Int
  /// Its place among the input's columns, then the declared ones.
  let column: Int
}

/// Compiled against the row, the declared columns and the states.
final class ScanExpression {
  private enum Source {
    case input(Int)
    case assigned(Int)
    case state(Int)
  }

  private let compiled: CompiledExpr
  private let schema: StructType
  private let sources: [Source]
  /// True when the row alone decides.
  private let isStateless: Bool
  private var whole: ColumnVector?

  /// `wide` is the schema of everything an expression may read, in the order input, declared, states; `assignedInput` are the input columns that
  /// steps assign.
  init(_ expr: Expr, wide: StructType, inputCount: Int, declaredCount: Int, assignedInput: [Int], context: EvaluationContext) throws {
    var fields: [StructField] = []
    var sources: [Source] = []
    for (i, field) in wide.fields.enumerated() where expr.columns.contains(field.name) {
      fields.append(field)
      if let slot = assignedInput.firstIndex(of: i) {
        sources.append(.assigned(declaredCount + slot))
      } else {
        sources.append(i < inputCount ? .input(i) : i < inputCount + declaredCount ? .assigned(i - inputCount) : .state(i - inputCount - declaredCount))
      }
    }
    self.sources = sources
    schema = StructType(fields)
    isStateless = sources.allSatisfy { if case .input = $0 { true } else { false } } && expr.isDeterministic
    compiled = try CompiledExpr(expr, schema: schema, context: context)
  }

  /// Forgets the values of the batch before.
  func prepare(_ batch: RecordBatch) throws {
    guard isStateless else { return }
    let columns = sources.map { source in if case .input(let i) = source { batch.columns[i] } else { ColumnVector.nulls(.bool, count: batch.rowCount) } }
    whole = try compiled.evaluate(RecordBatch(schema: schema, columns: columns, rowCount: batch.rowCount)).flattened
  }

  /// The value at a row, as one row; `state` gives the state columns.
  func value(_ row: ScanRow, _ state: (Int) -> ColumnVector) throws -> ColumnVector {
    if let whole { return whole.slice(row.row..<row.row + 1) }
    let columns = sources.map { source in
      switch source {
      case .input(let i): row.batch.columns[i].slice(row.row..<row.row + 1)
      case .assigned(let i): row.assigned[i]
      case .state(let i): state(i)
      }
    }
    return try compiled.evaluate(RecordBatch(schema: schema, columns: columns, rowCount: 1)).flattened
  }

  /// Whether a bool holds at a row.
  func holds(_ row: ScanRow, _ state: (Int) -> ColumnVector) throws -> Bool {
    if let whole { return whole.isValid(row.row) && whole.scalar(row.row) == .bool(true) }
    return try value(row, state).scalar(0) == .bool(true)
  }
}

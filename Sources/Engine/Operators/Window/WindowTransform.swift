// Role: runs window functions batch by batch. What looks back keeps the last values; what looks ahead holds batches until the rows behind them
// have come.

import Columnar
import DataSource
import Expressions

/// The state of all calls of one operator.
final class WindowTransform: OrderedTransform {
  /// A call bound to its input.
  struct Call {
    let expressions: [CompiledExpr]
    /// Rows that must have come after a row before its value is known.
    let lookAhead: Int
    let state: any WindowState

    init(_ call: WindowCall, _ schema: StructType, _ context: EvaluationContext) throws {
      expressions = try call.expressions.map { try CompiledExpr($0, schema: schema, context: context) }
      lookAhead = if case .shifted(_, let offset, _) = call.function { max(0, -offset) } else { 0 }
      state = switch call.function {
      case .shifted(_, let offset, let otherwise): ShiftState(offset: max(0, offset), otherwise: otherwise)
      case .rowNumber(let start, _): RowNumberState(start: start)
      case .cumulativeSum: CumulativeSumState(expressions[0].type)
      case .rank(_, let isDense, _): RankState(isDense: isDense)
      case .session(_, let first, let between, _): SessionState(maxFromFirst: first, maxBetween: between)
      }
    }
  }

  private struct Pending {
    let kept: [ColumnVector]
    /// One column per call: the result, or for a call that looks ahead its expression.
    let columns: [ColumnVector]
    let rowCount: Int
    let byteSize: Int
  }

  private let kept: [Int]
  private let calls: [Call]
  private let schema: StructType
  private let context: TableOperatorContext
  private let lookAhead: Int
  private var pending: [Pending] = []
  private var pendingRows = 0

  init(kept: [Int], calls: [Call], schema: StructType, context: TableOperatorContext) {
    self.kept = kept
    self.calls = calls
    self.schema = schema
    self.context = context
    lookAhead = calls.map(\.lookAhead).max() ?? 0
  }

  func consume(_ batch: RecordBatch, input: Int, _ emit: (RecordBatch) -> Void) throws -> Bool {
    let columns = try calls.map { call in
      let values = try call.expressions.map { try $0.evaluate(batch) }
      return call.lookAhead > 0 ? values[0] : call.state.next(values, rowCount: batch.rowCount)
    }
    pending.append(Pending(kept: kept.map { batch.columns[$0] }, columns: columns, rowCount: batch.rowCount, byteSize: batch.byteSize))
    pendingRows += batch.rowCount
    if lookAhead > 0 { try context.hold(pending.reduce(0) { $0 + $1.byteSize }) }
    while let first = pending.first, pendingRows - first.rowCount >= lookAhead { emit(takeFirst()) }
    return true
  }

  func finish() throws -> RecordBatch? { pending.isEmpty ? nil : takeFirst() }

  /// The oldest batch with its results; rows behind the last one are the end.
  private func takeFirst() -> RecordBatch {
    let first = pending[0]
    let columns = calls.indices.map { c -> ColumnVector in
      guard calls[c].lookAhead > 0, let shift = calls[c].state as? ShiftState else { return first.columns[c] }
      var ahead: [ColumnVector] = []
      var rows = 0
      for later in pending.dropFirst() where rows < calls[c].lookAhead {
        ahead.append(later.columns[c])
        rows += later.rowCount
      }
      return shift.ahead(first.columns[c], ahead, by: calls[c].lookAhead)
    }
    pending.removeFirst()
    pendingRows -= first.rowCount
    return RecordBatch(schema: schema, columns: first.kept + columns, rowCount: first.rowCount)
  }
}

/// The running state of one window function.
protocol WindowState: AnyObject {
  /// The results for the next rows. `values` are the call's expressions; a restart condition comes last.
  func next(_ values: [ColumnVector], rowCount: Int) -> ColumnVector
}

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
    /// Rows that the value looks back or ahead over.
    let distance: Int
    let state: any WindowState

    init(_ call: WindowCall, _ schema: StructType, _ context: EvaluationContext) throws {
      expressions = try call.expressions.map { try CompiledExpr($0, schema: schema, context: context) }
      lookAhead = if case .shifted(_, let offset, _) = call.function { max(0, -offset) } else { 0 }
      distance = if case .shifted(_, let offset, _) = call.function { abs(offset) } else { 0 }
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
  /// Small batches are put together up to that many rows: each costs a copy of the rows that calls look over.
  private let batchRows: Int
  private var waiting: [RecordBatch] = []
  private var waitingRows = 0
  private var pending: [Pending] = []
  private var pendingRows = 0

  init(kept: [Int], calls: [Call], schema: StructType, context: TableOperatorContext) {
    self.kept = kept
    self.calls = calls
    self.schema = schema
    self.context = context
    lookAhead = calls.map(\.lookAhead).max() ?? 0
    let distance = calls.map(\.distance).max() ?? 0
    batchRows = distance < 1_024 ? 0 : min(distance / 4, RecordBatch.maxRows * 4)
  }

  func consume(_ batch: RecordBatch, input: Int, _ emit: (RecordBatch) -> Void) throws -> Bool {
    waiting.append(batch)
    waitingRows += batch.rowCount
    guard waitingRows >= batchRows else { return true }
    try takeWaiting()
    while let first = pending.first, pendingRows - first.rowCount >= lookAhead { emit(takeFirst()) }
    return true
  }

  func finish() throws -> RecordBatch? {
    if !waiting.isEmpty { try takeWaiting() }
    return pending.isEmpty ? nil : takeFirst()
  }

  /// Computes what is known of the rows that have come.
  private func takeWaiting() throws {
    let batch = RecordBatch.concat(waiting, schema: waiting[0].schema)
    waiting = []
    waitingRows = 0
    let columns = try calls.map { call in
      let values = try call.expressions.map { try $0.evaluate(batch) }
      return call.lookAhead > 0 ? values[0] : call.state.next(values, rowCount: batch.rowCount)
    }
    pending.append(Pending(kept: kept.map { batch.columns[$0] }, columns: columns, rowCount: batch.rowCount, byteSize: batch.byteSize))
    pendingRows += batch.rowCount
    if lookAhead > 0 { try context.hold(pending.reduce(0) { $0 + $1.byteSize }) }
  }

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

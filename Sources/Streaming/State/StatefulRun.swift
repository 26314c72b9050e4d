// Role: the operators with state of one query: put into the plan of each batch, asked what they found, made durable before the batch is
// committed. A batch may run several times (retries, foreachBatch): each run starts from the state before the batch and finds the same.

import Columnar
import DataSource
import Engine
import Expressions
import Synchronization

/// The stateful operators of a query. The query's thread owns it.
final class StatefulOperators {
  private(set) var states: [DedupState] = []
  /// In the order in which they stand in the plan.
  let watermarks: [StreamWatermark]
  private let policy: WatermarkPolicy
  /// Of each of `watermarks`, the greatest event time less the delay; nil before its first row.
  private var reached: [Int64?]

  init(_ plan: LogicalPlan, checkpoint: Checkpoint, policy: WatermarkPolicy = .min) throws {
    var watermarks: [StreamWatermark] = []
    var found: [(StreamDeduplicate, StructType)] = []
    Self.walk(plan, &watermarks, &found)
    self.watermarks = watermarks
    self.policy = policy
    reached = watermarks.map { _ in nil }
    for (i, (operation, schema)) in found.enumerated() {
      states.append(try DedupState(operation, input: schema, directory: checkpoint.statePath(String(i))))
    }
  }

  /// Operators in the order in which `running` meets them.
  private static func walk(_ plan: LogicalPlan, _ watermarks: inout [StreamWatermark], _ found: inout [(StreamDeduplicate, StructType)]) {
    if case .custom(let op, let inputs) = plan.node {
      if let op = op as? StreamWatermark { watermarks.append(op) }
      if let op = op as? StreamDeduplicate, op.scope != .batch { found.append((op, inputs[0].schema)) }
    }
    for input in plan.inputs { walk(input, &watermarks, &found) }
  }

  var pins: [String: String] {
    var out = Dictionary(states.enumerated().map { ("kconnect.state.\($0.offset)", $0.element.pin) }) { a, _ in a }
    if watermarks.count > 1 {
      out["kconnect.watermarkPolicy"] = policy.rawValue
      out["kconnect.watermarks"] = watermarks.map(\.detail).joined(separator: ", ")
    }
    return out
  }

  /// The state before batch `version`. What is behind it goes once all of it is there.
  func load(_ version: Int) throws {
    for state in states { try state.load(version) }
    for state in states { try state.removeChanges(after: version) }
  }

  /// What the batch is to be observed with.
  func observation(_ batch: BatchPlan) -> BatchObservation { BatchObservation(states, batch, watermarks: watermarks.count) }

  /// Takes on what `operatorWatermarks` gave when the last batch was committed; nothing for a query that has not begun.
  func restore(_ known: [Int64]) {
    guard known.count == reached.count else { return }
    reached = known.map { $0 }
  }

  /// The watermark of each event time behind a batch, in milliseconds; 0 for one without rows so far.
  func operatorWatermarks(after observation: BatchObservation) -> [Int64] {
    zip(watermarks, zip(reached, observation.maxEventMs)).map { watermark, times in
      let (before, newest) = times
      return max(before ?? 0, newest.map { $0 - watermark.delayMs } ?? 0)
    }
  }

  /// The watermark of the query, which never goes back.
  func watermark(of operators: [Int64], atLeast known: Int64) -> Int64 { max(known, policy.chosen(operators) ?? known) }

  /// Makes the findings of batch `id` durable.
  func save(_ observation: BatchObservation, batch id: Int) throws { for (state, findings) in zip(states, observation.findings) { try state.save(findings, version: id + 1) } }

  /// Batch `id` is committed.
  func commit(_ observation: BatchObservation, batch id: Int, watermark: Int64) throws {
    for (state, findings) in zip(states, observation.findings) {
      try state.commit(findings, version: id + 1, watermark: state.operation.eventTime == nil ? observation.timestampMs : watermark)
    }
  }
}

/// What the runs of one batch saw. Shared by the threads of a run.
final class BatchObservation: Sendable {
  private struct Seen: Sendable {
    var maxEventMs: [Int64?]
    var findings: [DedupFindings?]
  }

  let watermarkMs: Int64
  let timestampMs: Int64
  private let states: [DedupState]
  private let seen: Mutex<Seen>

  init(_ states: [DedupState], _ batch: BatchPlan, watermarks: Int) {
    self.states = states
    watermarkMs = batch.watermarkMs
    timestampMs = batch.timestampMs
    seen = Mutex(Seen(maxEventMs: Array(repeating: nil, count: watermarks), findings: states.map { _ in nil }))
  }

  /// The newest event time by watermark; nil where no row came.
  var maxEventMs: [Int64?] { seen.withLock { $0.maxEventMs } }

  /// False until some run got to the end.
  var isComplete: Bool { seen.withLock { seen in seen.findings.allSatisfy { $0 != nil } } }

  var findings: [DedupFindings] {
    seen.withLock { $0.findings.map { $0 ?? DedupFindings(added: StateRows(keys: [], expiries: [])) } }
  }

  func saw(_ eventMs: Int64, watermark i: Int) { seen.withLock { $0.maxEventMs[i] = max($0.maxEventMs[i] ?? .min, eventMs) } }

  func publish(_ findings: DedupFindings, for i: Int) { seen.withLock { $0.findings[i] = findings } }

  /// The plan with operators that work on the states.
  func running(_ plan: LogicalPlan) throws -> LogicalPlan {
    var next = 0, nextWatermark = 0
    return try running(plan, &next, &nextWatermark)
  }

  private func running(_ plan: LogicalPlan, _ next: inout Int, _ nextWatermark: inout Int) throws -> LogicalPlan {
    var own: (any TableOperator)?
    if case .custom(let op, _) = plan.node {
      if let op = op as? StreamWatermark {
        own = RunningWatermark(operation: op, index: nextWatermark, observation: self)
        nextWatermark += 1
      }
      if let op = op as? StreamDeduplicate {
        if op.scope == .batch { own = GroupLimitOperator(keys: op.keys, count: 1) } else {
          own = RunningDeduplicate(operation: op, state: states[next], index: next, observation: self)
          next += 1
        }
      }
    }
    var inputs: [LogicalPlan] = []
    for input in plan.inputs { inputs.append(try running(input, &next, &nextWatermark)) }
    if let own { return try .custom(own, inputs) }
    return inputs.isEmpty ? plan : plan.withInputs(inputs)
  }
}

/// Sees the event times that pass.
private struct RunningWatermark: TableOperator {
  let operation: StreamWatermark
  let index: Int
  let observation: BatchObservation

  var name: String { operation.name }
  var detail: String { operation.detail }
  var keepsRowCount: Bool { true }
  var needsOrder: Bool { false }
  func outputSchema(_ inputs: [StructType]) throws -> StructType { try operation.outputSchema(inputs) }
  func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] { operation.columnsRead(for: wanted, inputs: inputs) }

  func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    .batches(Transform(column: output.index(of: operation.column) ?? 0, index: index, observation: observation))
  }

  private struct Transform: BatchTransform {
    let column: Int
    let index: Int
    let observation: BatchObservation

    func process(_ batch: RecordBatch, _ emit: (RecordBatch) throws -> Bool) throws -> Bool {
      let times = EventTimes(batch.columns[column])
      var newest = Int64.min
      for i in 0..<batch.rowCount { if let time = times[i] { newest = max(newest, time) } }
      if newest > .min { observation.saw(newest, watermark: index) }
      return try emit(batch)
    }
  }
}

/// A datetime column in milliseconds.
private struct EventTimes {
  private let flat: ColumnVector
  private let ticks: Buffer<Int64>?

  init(_ column: ColumnVector) {
    flat = column.flattened
    if case .long(let values) = flat.storage { ticks = values } else { ticks = nil }
  }

  subscript(_ i: Int) -> Int64? {
    guard let ticks, flat.isValid(i) else { return nil }
    let value = ticks[i]
    return value >= 0 ? value / 10_000 : (value - 9_999) / 10_000
  }
}

/// Leaves out rows whose key was seen, and rows older than the watermark.
private struct RunningDeduplicate: TableOperator {
  let operation: StreamDeduplicate
  let state: DedupState
  let index: Int
  let observation: BatchObservation

  var name: String { operation.name }
  var detail: String { operation.detail }
  func outputSchema(_ inputs: [StructType]) throws -> StructType { try operation.outputSchema(inputs) }
  func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] { operation.columnsRead(for: wanted, inputs: inputs) }

  func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    .ordered(DeduplicateTransform(self, output, context))
  }
}

private final class DeduplicateTransform: OrderedTransform {
  private let run: RunningDeduplicate
  private let keys: [Int]
  private let time: Int?
  private let context: TableOperatorContext
  private let fresh: GroupTable
  private var expiries: [Int64] = []
  private var late = 0
  private var repeated = 0

  init(_ run: RunningDeduplicate, _ schema: StructType, _ context: TableOperatorContext) {
    self.run = run
    self.context = context
    keys = run.operation.keys.compactMap { schema.index(of: $0) }
    time = run.operation.eventTime.flatMap { schema.index(of: $0) }
    fresh = GroupTable(types: run.state.schema.fields.map(\.type))
  }

  func consume(_ batch: RecordBatch, input: Int, _ emit: (RecordBatch) -> Void) throws -> Bool {
    let keyColumns = keys.map { batch.columns[$0] }
    let known = run.state.expiries(of: keyColumns, rowCount: batch.rowCount)
    let watermark = run.observation.watermarkMs, now = run.observation.timestampMs, delay = run.state.delayMs
    let times = time.map { EventTimes(batch.columns[$0]) }
    // Without an event time the clock of the batch stands for both.
    let horizon = times == nil ? now : watermark
    let open = BufferBuilder<Int32>(capacity: batch.rowCount)
    var ends: [Int64] = []
    for i in 0..<batch.rowCount {
      var at = now
      if let times {
        // A row without event time counts as being at the watermark.
        let own = times[i]
        at = own ?? watermark
        if let own, watermark > 0, own <= watermark {
          late += 1
          continue
        }
      }
      if known[i] > horizon {
        repeated += 1
        continue
      }
      open.appendUnchecked(Int32(truncatingIfNeeded: i))
      ends.append(at + delay)
    }
    let rows = open.finish()
    if rows.count == 0 { return true }
    let groups = fresh.assign(keys: keyColumns.map { $0.take(rows) }, rowCount: rows.count)
    expiries += Array(repeating: Int64.min, count: fresh.groupCount - expiries.count)
    try context.hold(run.state.byteSize + fresh.byteSize + expiries.capacity * 8)
    let kept = BufferBuilder<Int32>(capacity: rows.count)
    for i in 0..<rows.count {
      let group = Int(groups[i])
      if expiries[group] == .min {
        expiries[group] = ends[i]
        kept.appendUnchecked(rows[i])
      } else {
        repeated += 1
      }
    }
    emit(kept.count == batch.rowCount ? batch : batch.take(kept.finish()))
    return true
  }

  func finish() throws -> RecordBatch? {
    run.observation.publish(
      DedupFindings(added: StateRows(keys: fresh.keyColumns(), expiries: expiries), late: late, repeated: repeated), for: run.index)
    return nil
  }
}

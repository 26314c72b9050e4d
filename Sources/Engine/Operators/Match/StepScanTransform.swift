// Role: the matching of scan, row by row, from the last step to the first.

import Columnar
import DataSource
import Expressions

/// The states of all steps, for each partition.
final class StepScanTransform: OrderedTransform {
  private struct Step {
    let condition: ScanExpression
    let assignments: [(slot: Int, value: ScanExpression)]
    let output: ScanOutput
    /// The steps that may come directly before it, the nearest first.
    let predecessors: [Int]
  }

  /// A sequence that has reached a step.
  private struct Sequence {
    var matchID: Int64
    /// The state columns in use; nil for those of steps that did not match.
    var values: [ColumnVector?]
    /// The row that `output=last` gives when the run of matches ends.
    var held: RecordBatch?
  }

  private final class Partition {
    var sequences: [Sequence?]
    var nextMatch: Int64 = 0
    init(_ steps: Int) { sequences = Array(repeating: nil, count: steps) }
  }

  private let steps: [Step]
  /// The declared columns' values before a step assigns one.
  private let initial: [ColumnVector]
  /// Input columns that steps assign: their slots stand behind the declared ones.
  private let assignedInput: [Int]
  private let stateColumns: [StateColumn]
  private let stateDefaults: [ColumnVector]
  private let keys: [Int]
  private let table: GroupTable
  private var partitions: [Partition] = []
  private let input: StructType
  private let schema: StructType
  private let hasMatchID: Bool
  private let context: TableOperatorContext
  // Output rows of the batch at hand: rows of it, or rows held since earlier ones.
  private var positions = BufferBuilder<Int32>()
  private var carried: [RecordBatch] = []
  private var assignedOut: [ColumnBuilder] = []
  private var idsOut = BufferBuilder<Int64>()

  init(_ op: StepScanOperator, _ input: StructType, _ output: StructType, _ context: TableOperatorContext) throws {
    self.input = input
    schema = output
    hasMatchID = op.matchID != nil
    self.context = context
    initial = op.declared.map { ColumnVector.of($0.initial.type, [$0.initial]) }
    keys = op.partition.map { input.index(of: $0) ?? 0 }
    table = GroupTable(types: keys.map { input[$0].type })
    let declaredFields = op.declared.map { StructField($0.name, $0.initial.type) }
    let rowFields = input.fields + declaredFields
    // The state columns that expressions read.
    var used: Set<String> = []
    for step in op.steps { for expr in [step.condition] + step.assignments.map(\.expr) { used.formUnion(expr.columns) } }
    var stateFields: [StructField] = [], stateColumns: [StateColumn] = [], stateDefaults: [ColumnVector] = []
    for (s, step) in op.steps.enumerated() {
      for (c, field) in rowFields.enumerated() {
        let name = StepScanOperator.stateColumn(step.name, field.name)
        guard used.contains(name) else { continue }
        stateFields.append(StructField(name, field.type))
        stateColumns.append(StateColumn(step: s, column: c))
        stateDefaults.append(c < input.count ? .of(field.type, [.null(field.type)]) : initial[c - input.count])
      }
    }
    self.stateColumns = stateColumns
    self.stateDefaults = stateDefaults
    let wide = StructType(rowFields + stateFields)
    let targets = Set(op.steps.flatMap { $0.assignments.map(\.name) })
    let assignedInput = input.fields.indices.filter { targets.contains(input[$0].name) }
    self.assignedInput = assignedInput
    func compiled(_ expr: Expr) throws -> ScanExpression {
      try ScanExpression(
        expr, wide: wide, inputCount: input.count, declaredCount: declaredFields.count, assignedInput: assignedInput, context: context.evaluation)
    }
    let slots = declaredFields.map(\.name) + assignedInput.map { input[$0].name }
    steps = try op.steps.enumerated().map { s, step in
      var predecessors: [Int] = []
      var before = s - 1
      while before >= 0 {
        predecessors.append(before)
        if !op.steps[before].isOptional { break }
        before -= 1
      }
      let assignments = try step.assignments.map { assignment in
        (slot: slots.firstIndex(of: assignment.name) ?? 0, value: try compiled(assignment.expr))
      }
      return Step(condition: try compiled(step.condition), assignments: assignments, output: step.output, predecessors: predecessors)
    }
  }

  func consume(_ batch: RecordBatch, input: Int, _ emit: (RecordBatch) -> Void) throws -> Bool {
    for step in steps {
      try step.condition.prepare(batch)
      for assignment in step.assignments { try assignment.value.prepare(batch) }
    }
    let groups = keys.isEmpty ? nil : table.assign(keys: keys.map { batch.columns[$0] }, rowCount: batch.rowCount)
    while partitions.count < max(1, table.groupCount) { partitions.append(Partition(steps.count)) }
    try context.hold(table.byteSize + partitions.count * steps.count * (64 + stateColumns.count * 96))
    startOutput()
    for i in 0..<batch.rowCount {
      let values = initial + assignedInput.map { batch.columns[$0].slice(i..<i + 1).flattened }
      try match(ScanRow(batch: batch, row: i, assigned: values), partitions[groups.map { Int($0[i]) } ?? 0])
    }
    emit(output(batch))
    return true
  }

  func finish() throws -> RecordBatch? {
    startOutput()
    for partition in partitions {
      for s in partition.sequences.indices { flush(&partition.sequences[s]) }
    }
    return carried.isEmpty ? nil : output(RecordBatch.empty(input))
  }

  // MARK: Matching

  private func match(_ row: ScanRow, _ partition: Partition) throws {
    for s in steps.indices.reversed() {
      let step = steps[s]
      // Check 1: a sequence that stands at the step before goes on to this one.
      var promoted = false
      for before in step.predecessors {
        guard let sequence = partition.sequences[before], try step.condition.holds(row, { self.stateValue(sequence, $0) }) else { continue }
        flush(&partition.sequences[s])
        flush(&partition.sequences[before])
        partition.sequences[before] = nil
        var moved = sequence
        moved.held = nil
        for (k, column) in stateColumns.enumerated() where column.step >= s { moved.values[k] = nil }
        partition.sequences[s] = try matched(row, s, moved)
        promoted = true
        break
      }
      if promoted { continue }
      // Check 2: the step matches again, or the first one starts a sequence.
      let active = partition.sequences[s]
      guard active != nil || s == 0 else { continue }
      let current = active ?? Sequence(matchID: partition.nextMatch, values: Array(repeating: nil, count: stateColumns.count), held: nil)
      guard try step.condition.holds(row, { self.stateValue(current, $0) }) else { continue }
      if active == nil { partition.nextMatch += 1 }
      partition.sequences[s] = try matched(row, s, current)
    }
  }

  private func stateValue(_ sequence: Sequence, _ k: Int) -> ColumnVector { sequence.values[k] ?? stateDefaults[k] }

  /// The sequence after a step has matched a row: assignments, state and output.
  private func matched(_ row: ScanRow, _ s: Int, _ sequence: Sequence) throws -> Sequence {
    var row = row, sequence = sequence
    for assignment in steps[s].assignments {
      row.assigned[assignment.slot] = try assignment.value.value(row) { self.stateValue(sequence, $0) }
    }
    for (k, column) in stateColumns.enumerated() where column.step == s {
      sequence.values[k] = value(column.column, row)
    }
    switch steps[s].output {
    case .all: give(row, sequence.matchID)
    case .last: sequence.held = whole(row, sequence.matchID)
    case .none: break
    }
    return sequence
  }

  /// A column of the input or a declared one, as the row has it now.
  private func value(_ column: Int, _ row: ScanRow) -> ColumnVector {
    if column >= input.count { return row.assigned[column - input.count] }
    if let slot = assignedInput.firstIndex(of: column) { return row.assigned[initial.count + slot] }
    return row.batch.columns[column].slice(row.row..<row.row + 1).flattened
  }

  // MARK: Output

  private func startOutput() {
    positions = BufferBuilder<Int32>()
    carried = []
    assignedOut = initial.map { ColumnBuilder($0.type) } + assignedInput.map { ColumnBuilder(input[$0].type) }
    idsOut = BufferBuilder<Int64>()
  }

  private func give(_ row: ScanRow, _ matchID: Int64) {
    positions.append(Int32(truncatingIfNeeded: row.row))
    for (builder, value) in zip(assignedOut, row.assigned) { builder.append(value.scalar(0)) }
    idsOut.append(matchID)
  }

  /// A row that is given later, on its own.
  private func whole(_ row: ScanRow, _ matchID: Int64) -> RecordBatch {
    var columns = (0..<input.count + initial.count).map { value($0, row) }
    if hasMatchID { columns.append(.of(.long, [.long(matchID)])) }
    return RecordBatch(schema: schema, columns: columns, rowCount: 1)
  }

  private func flush(_ sequence: inout Sequence?) {
    guard let held = sequence?.held else { return }
    sequence?.held = nil
    // Held rows are told apart by positions below zero.
    carried.append(held)
    positions.append(Int32(truncatingIfNeeded: -carried.count))
    let places = initial.indices.map { input.count + $0 } + assignedInput
    for (place, builder) in zip(places, assignedOut) { builder.append(held.columns[place].scalar(0)) }
    idsOut.append(hasMatchID ? held.columns[held.columns.count - 1].scalar(0).int64Value ?? 0 : 0)
  }

  /// The rows given since `startOutput`, those of `batch` and the held ones.
  private func output(_ batch: RecordBatch) -> RecordBatch {
    let n = positions.count
    let given = positions.finish()
    var columns: [ColumnVector] = []
    let taken = BufferBuilder<Int32>(capacity: n)
    for i in 0..<n { taken.appendUnchecked(given[i] >= 0 ? given[i] : Int32(truncatingIfNeeded: batch.rowCount) - given[i] - 1) }
    let rows = taken.finish()
    let assigned = assignedOut.map { $0.finish() }
    for c in 0..<input.count {
      if let slot = assignedInput.firstIndex(of: c) {
        columns.append(assigned[initial.count + slot])
        continue
      }
      let source = carried.isEmpty ? batch.columns[c] : ColumnVector.concat([batch.columns[c]] + carried.map { $0.columns[c] }, type: input[c].type)
      columns.append(source.take(rows))
    }
    columns += assigned.prefix(initial.count)
    if hasMatchID { columns.append(.long(idsOut.finish())) }
    return RecordBatch(schema: schema, columns: columns, rowCount: n)
  }
}

// Role: an aggregation bound to its input: compiled keys, compiled aggregates, and each distinct argument expression once.

import Columnar
import Expressions

/// What every thread of an aggregation shares.
struct AggregateShape: Sendable {
  let keys: [CompiledExpr]
  let aggregates: [CompiledAggregate]
  /// The distinct argument expressions of all aggregates; `argumentSlots[a]` says which are those of aggregate a.
  let arguments: [CompiledExpr]
  let argumentSlots: [[Int]]
  let schema: StructType

  init(keys: [NamedExpr], aggregates: [NamedAggregate], input: StructType, output: StructType, context: EvaluationContext) throws {
    self.keys = try keys.map { try CompiledExpr($0.expr, schema: input, context: context) }
    self.aggregates = try aggregates.map { try CompiledAggregate($0.call, schema: input, context: context) }
    schema = output
    var distinct: [CompiledExpr] = []
    var slotOf: [Expr: Int] = [:]
    argumentSlots = self.aggregates.map { aggregate in
      aggregate.arguments.map { argument in
        if let slot = slotOf[argument.expr], distinct[slot].type == argument.type { return slot }
        slotOf[argument.expr] = distinct.count
        distinct.append(argument)
        return distinct.count - 1
      }
    }
    arguments = distinct
  }

  var keyTypes: [DataType] { keys.map(\.type) }

  /// Functions whose result depends on the order of the rows they see.
  static let orderSensitive: Set<String> = [
    "make_list", "make_list_if", "make_list_with_nulls", "makelist", "make_set", "make_set_if", "makeset", "make_bag", "make_bag_if", "make_dictionary",
  ]
}

/// Groups and their accumulators: one thread's, or one partition's.
final class AggregateState: @unchecked Sendable {  // one thread at a time, by its owner
  let shape: AggregateShape
  let table: GroupTable
  let accumulators: [any GroupedAccumulator]

  init(_ shape: AggregateShape) {
    self.shape = shape
    table = GroupTable(types: shape.keyTypes)
    accumulators = shape.aggregates.map { $0.makeAccumulator() }
  }

  /// At least one group without keys, whatever came.
  var groupCount: Int { shape.keys.isEmpty ? 1 : table.groupCount }

  var byteSize: Int { table.byteSize + accumulators.reduce(0) { $0 + $1.byteSize } }

  /// What a state of that many bytes is to have reserved: the columns that are made of its groups stand beside it for a while.
  func reservation(_ bytes: Int) -> Int { shape.keys.isEmpty ? bytes : 2 * bytes }

  /// Whether a state of that many bytes goes to disk although the budget has room: its values, written as columns, might not fit a vector.
  func isTooLarge(_ bytes: Int) -> Bool { bytes > Self.largestState && groupCount > 1 && accumulators.contains { $0.growsWithRows } }
  private static let largestState = 1 << 29

  func update(_ batch: RecordBatch) throws {
    let n = batch.rowCount
    let values = try shape.arguments.map { try $0.evaluate(batch) }
    var groups: Buffer<Int32>?
    if !shape.keys.isEmpty { groups = table.assign(keys: try shape.keys.map { try $0.evaluate(batch) }, rowCount: n) }
    for (a, accumulator) in accumulators.enumerated() {
      try accumulator.update(shape.argumentSlots[a].map { values[$0] }, rowCount: n, groups: groups, groupCount: groupCount)
    }
  }

  /// Adds all groups of another state.
  func merge(_ other: AggregateState) throws {
    if shape.keys.isEmpty {
      let zero = Buffer<Int32>(repeating: 0, count: 1)
      for (mine, theirs) in zip(accumulators, other.accumulators) { try mine.merge(theirs, mapping: zero, groupCount: 1) }
      return
    }
    guard other.groupCount > 0 else { return }
    let mapping = table.assign(keys: other.table.keyColumns(), rowCount: other.groupCount)
    for (mine, theirs) in zip(accumulators, other.accumulators) { try mine.merge(theirs, mapping: mapping, groupCount: groupCount) }
  }

  /// Keys and partial states as columns, one row per group.
  func partialColumns() throws -> [ColumnVector] {
    var columns = table.keyColumns()
    for accumulator in accumulators { columns += try accumulator.partialState(groupCount: groupCount) }
    try checkColumnSizes()
    return columns
  }

  /// Adds rows of partial columns; `widths[a]` is the number of state columns of aggregate a.
  func updatePartial(_ columns: [ColumnVector], widths: [Int], rowCount: Int) throws {
    if rowCount == 0 { return }
    let groups = table.assign(keys: Array(columns.prefix(shape.keys.count)), rowCount: rowCount)
    var at = shape.keys.count
    for (a, accumulator) in accumulators.enumerated() {
      try accumulator.updatePartial(Array(columns[at..<at + widths[a]]), rowCount: rowCount, groups: groups, groupCount: groupCount)
      at += widths[a]
    }
  }

  /// Emits the finished groups in batches.
  func emit(_ node: PhysicalNode, _ out: (RecordBatch) throws -> Bool) throws {
    let n = groupCount
    if n == 0 { return }
    let columns = (shape.keys.isEmpty ? [] : table.keyColumns()) + (try accumulators.map { try $0.finish(groupCount: n) })
    let batch = RecordBatch(schema: shape.schema, columns: columns, rowCount: n)
    try node.verify(batch)
    node.metrics.gave(n)
    _ = try emitBounded(batch, out)
  }
}

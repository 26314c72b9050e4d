// Role: operators that bring their own way of running: row order, early stops, cancellation, memory, pruning and filters.

import Columnar
import DataSource
import Engine
import Expressions
import Synchronization
import Testing

/// Adds the running sum of column x; passes everything else on. Fails, or stops the query, where told.
private struct RunningSum: TableOperator {
  var onBatch: @Sendable (Int) throws -> Void = { _ in }
  var heldBytes = 0

  var name: String { "RunningSum" }
  func outputSchema(_ inputs: [StructType]) throws -> StructType { StructType(inputs[0].fields + [StructField("sum", .long)]) }
  func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] { [wanted.union(["x"])] }

  func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    .ordered(Running(self, inputs[0].index(of: "x") ?? 0, output, context))
  }

  private final class Running: OrderedTransform {
    let op: RunningSum
    let x: Int
    let schema: StructType
    let context: TableOperatorContext
    var sum: Int64 = 0
    var batches = 0

    init(_ op: RunningSum, _ x: Int, _ schema: StructType, _ context: TableOperatorContext) {
      self.op = op
      self.x = x
      self.schema = schema
      self.context = context
    }

    func consume(_ batch: RecordBatch, input: Int, _ emit: (RecordBatch) -> Void) throws -> Bool {
      try op.onBatch(batches)
      batches += 1
      try context.hold(op.heldBytes * batches)
      let sums = (0..<batch.rowCount).map { i -> Scalar in
        sum += batch.columns[x].scalar(i).int64Value ?? 0
        return .long(sum)
      }
      emit(RecordBatch(schema: schema, columns: batch.columns + [.of(.long, sums)], rowCount: batch.rowCount))
      return true
    }

    func finish() throws -> RecordBatch? { nil }
  }
}

/// Gives every row twice.
private struct Twice: TableOperator, BatchTransform {
  var name: String { "Twice" }
  var needsOrder: Bool { false }
  func outputSchema(_ inputs: [StructType]) throws -> StructType { inputs[0] }
  func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] { [wanted] }
  func filterableColumns(_ inputs: [StructType]) -> Set<String> { Set(inputs[0].names) }
  func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution { .batches(self) }

  func process(_ batch: RecordBatch, _ emit: (RecordBatch) throws -> Bool) throws -> Bool {
    for i in 0..<batch.rowCount {
      let row = batch.slice(i..<i + 1)
      guard try emit(row), try emit(row) else { return false }
    }
    return true
  }
}

/// Batches of three rows 0, 1, 2, … with a column nobody reads.
private func numbers(_ count: Int) -> LogicalPlan {
  let schema = StructType([StructField("x", .long), StructField("unread", .string)])
  let batches = stride(from: 0, to: count, by: 3).map { start in
    let part = (start..<min(count, start + 3)).map { Scalar.long(Int64($0)) }
    return RecordBatch(schema: schema, columns: [.of(.long, part), .constant(.string("u"), count: part.count)])
  }
  return .scan(MemoryTable(schema, batches, answer: .unsupported, knowsRows: false))
}

struct TableOperatorTests {
  @Test(arguments: [1, 2], [true, false])
  func orderedRowsComeInOrder(threads: Int, optimizes: Bool) throws {
    let plan = try LogicalPlan.custom(RunningSum(), [try .custom(Twice(), [numbers(3_000)])]).select(["sum"])
    var sum = 0
    let wanted = (0..<3_000).flatMap { n -> [Int] in
      sum += 2 * n
      return [sum - n, sum]
    }
    #expect(try firstLongs(rows(plan, options(threads: threads, optimizes: optimizes))) == wanted)
  }

  @Test func limitsStopEarly() throws {
    let seen = Atomic<Int>(0)
    let sum = RunningSum(onBatch: { _ in seen.add(1, ordering: .relaxed) })
    let plan = try LogicalPlan.custom(sum, [numbers(600_000)]).limit(4).select(["sum"])
    #expect(try firstLongs(rows(plan)) == [0, 1, 3, 6])
    #expect(seen.load(ordering: .relaxed) < 200_000)
  }

  @Test func errorsAndCancellationEndTheQuery() throws {
    struct Broken: Error {}
    let failing = try LogicalPlan.custom(RunningSum(onBatch: { if $0 == 100 { throw Broken() } }), [numbers(60_000)])
    #expect(throws: Broken.self) { try rows(failing) }

    let running = Mutex<QueryExecution?>(nil)
    let stopping = RunningSum(onBatch: { if $0 == 100 { running.withLock { $0 }?.cancel() } })
    let execution = try QueryExecution(try .custom(stopping, [numbers(600_000)]), options: options(), context: testContext)
    running.withLock { $0 = execution }
    let error = #expect(throws: KConnectError.self) { try execution.run { _ in true } }
    #expect(error?.code == .cancelled)
    running.withLock { $0 = nil }
  }

  @Test func stateIsReserved() throws {
    let plan = try LogicalPlan.custom(RunningSum(heldBytes: 1 << 20), [numbers(3_000)])
    let error = #expect(throws: KConnectError.self) { try rows(plan, options(memory: 16 << 20)) }
    #expect(error?.code == .lowMemory)
  }

  @Test func filtersAndColumnsGoBelow() throws {
    let filter = Expr.call(FunctionName.less, [.column("x"), .literal(.long(2))])
    let twice = try LogicalPlan.custom(Twice(), [numbers(9)]).filter(filter).select(["x"])
    let plan = try QueryExecution(twice, options: options(), context: testContext).explain(.simple)
    #expect(plan.split(separator: "\n").map { $0.drop { $0 == " " }.prefix { $0 != " " } } == ["Twice", "Filter", "Scan"])
    #expect(plan.contains("columns=[x]"))
    #expect(try firstLongs(rows(twice)) == [0, 0, 1, 1])
    // What sums rows must see them all.
    let sum = try LogicalPlan.custom(RunningSum(), [numbers(9)]).filter(filter).select(["sum"])
    #expect(try QueryExecution(sum, options: options(), context: testContext).explain(.simple).contains("Filter x < 2\n    RunningSum"))
    #expect(try firstLongs(rows(sum)) == [0, 1])
  }
}

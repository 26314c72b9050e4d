// Role: order, limits that stop early, cancellation, errors, sinks: chunks in order, commit once, abort on any error.

import Columnar
import DataSource
import Engine
import Expressions
import Synchronization
import Testing

/// Collects rows; fails where told.
final class MemorySink: TableSink {
  struct Chunk: EncodedChunk {
    var rows: [[Scalar]]
    var rowCount: Int { rows.count }
    var byteCount: Int { rows.count }
  }

  struct State {
    var rows: [[Scalar]] = []
    var chunkSizes: [Int] = []
    var commits = 0
    var aborts = 0
    var encodes = 0
  }

  let preferredChunkRows: Int?
  let failsAtEncode: Int?
  let failsAtAppend: Int?
  let state = Mutex(State())

  init(chunkRows: Int?, failsAtEncode: Int? = nil, failsAtAppend: Int? = nil) {
    preferredChunkRows = chunkRows
    self.failsAtEncode = failsAtEncode
    self.failsAtAppend = failsAtAppend
  }

  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk {
    let n = state.withLock {
      $0.encodes += 1
      return $0.encodes
    }
    if n == failsAtEncode { throw KConnectError(.diskFull, "encode \(n)") }
    return Chunk(rows: chunk.flatMap(rowsOf))
  }

  func append(_ chunk: any EncodedChunk) throws {
    guard let chunk = chunk as? Chunk else { return }
    try state.withLock {
      if $0.chunkSizes.count + 1 == failsAtAppend { throw KConnectError(.diskFull, "append") }
      $0.rows += chunk.rows
      $0.chunkSizes.append(chunk.rowCount)
    }
  }

  func commit() throws -> WriteSummary {
    state.withLock {
      $0.commits += 1
      return WriteSummary(rows: $0.rows.count)
    }
  }

  func abort() { state.withLock { $0.aborts += 1 } }
}

@Suite struct FlowTests {
  static let many = longs("k", (0..<20_000).map { $0 }, batchRows: 37)

  @Test(arguments: [1, 2, 5]) func orderIsKept(_ threads: Int) throws {
    let plan = try scan(Self.many).filter(call(">=", column("k"), long(100))).extend([NamedExpr("m", call("*", column("k"), long(3)))])
    let out = try rows(plan, options(threads: threads))
    #expect(firstLongs(out) == Array(100..<20_000))
    #expect(out.allSatisfy { $0[1].int64Value == ($0[0].int64Value ?? 0) * 3 })
  }

  @Test func limitStopsTheScan() throws {
    let table = MemoryTable(StructType([StructField("k", .long)]), Self.many)
    let out = try rows(LogicalPlan.scan(table).filter(call(">=", column("k"), long(10))).limit(5))
    #expect(out == (10..<15).map { [.long($0)] })
    #expect(table.morselsTaken.load(ordering: .relaxed) < 100)
    let inner = MemoryTable(StructType([StructField("k", .long)]), Self.many)
    #expect(try rows(LogicalPlan.scan(inner).limit(100).count()) == [[.long(100)]])
    #expect(inner.morselsTaken.load(ordering: .relaxed) < 200)
    #expect(try rows(scan(Self.many).limit(0)).isEmpty)
    #expect(try rows(scan(Self.many).limit(100_000)).count == 20_000)
  }

  @Test func limitGoesIntoExactScansOnly() throws {
    for (answer, expected) in [(FilterPushdown.exact, 7), (.inexact, nil), (.unsupported, nil)] {
      let table = MemoryTable(StructType([StructField("k", .long)]), longs("k", (0..<100).map { $0 }), answer: answer)
      let plan = try LogicalPlan.scan(table).filter(call("<", column("k"), long(50))).limit(7)
      #expect(try rows(plan).count == 7)
      #expect(table.lastRequest.withLock { $0?.limit } == expected)
    }
  }

  @Test func consumerMayStop() throws {
    let execution = try QueryExecution(scan(Self.many), options: options(), context: testContext)
    var seen = 0
    try execution.run { batch in
      seen += batch.rowCount
      return seen < 200
    }
    #expect(seen >= 200 && seen < 20_000)
  }

  @Test func cancelling() throws {
    let box = Mutex<QueryExecution?>(nil)
    let table = MemoryTable(StructType([StructField("k", .long)]), Self.many, onMorsel: { i in if i == 20 { box.withLock { $0?.cancel() } } })
    for plan in [
      LogicalPlan.scan(table), LogicalPlan.scan(table).distinct(), try LogicalPlan.scan(table).sort([SortKey(column("k"))]),
      try LogicalPlan.scan(table).join(LogicalPlan.scan(table), kind: .inner, keys: [(left: column("k"), right: column("k"))]),
    ] {
      let execution = try QueryExecution(plan, options: options(), context: testContext)
      box.withLock { $0 = execution }
      let error = #expect(throws: KConnectError.self) { try execution.run { _ in true } }
      #expect(error?.code == .cancelled)
    }
    let sink = MemorySink(chunkRows: 10)
    let execution = try QueryExecution(LogicalPlan.scan(table), options: options(), context: testContext)
    box.withLock { $0 = execution }
    let error = #expect(throws: KConnectError.self) { try execution.write(to: sink) }
    #expect(error?.code == .cancelled)
    #expect(sink.state.withLock { $0.aborts == 1 && $0.commits == 0 })
  }

  @Test func errorsOfTheSourceComeOut() throws {
    let schema = StructType([StructField("k", .long)])
    for at in [0, 3, 200] {
      let table = MemoryTable(schema, Self.many, failsAt: at)
      let error = #expect(throws: KConnectError.self) { try rows(.scan(table)) }
      #expect(error?.code == .io)
      let grouped = LogicalPlan.scan(MemoryTable(schema, Self.many, failsAt: at)).distinct()
      #expect(throws: KConnectError.self) { try rows(grouped) }
    }
  }

  @Test(arguments: [nil, 1, 7, 100, 1_000, 1_000_000]) func sinkGetsChunksInOrder(_ chunkRows: Int?) throws {
    for threads in [1, 2, 4] {
      let sink = MemorySink(chunkRows: chunkRows)
      let plan = try scan(Self.many).filter(call("!=", column("k"), long(5)))
      let summary = try QueryExecution(plan, options: options(threads: threads), context: testContext).write(to: sink)
      let state = sink.state.withLock { $0 }
      #expect(summary.rows == 19_999)
      #expect(firstLongs(state.rows) == Array(0..<5) + Array(6..<20_000))
      #expect(state.commits == 1 && state.aborts == 0)
      if let chunkRows { #expect(state.chunkSizes.dropLast().allSatisfy { $0 == chunkRows }) }
    }
  }

  @Test func sinkWithLimit() throws {
    let sink = MemorySink(chunkRows: 64)
    _ = try QueryExecution(scan(Self.many).limit(1_000), options: options(), context: testContext).write(to: sink)
    #expect(firstLongs(sink.state.withLock { $0.rows }) == Array(0..<1_000))
    let empty = MemorySink(chunkRows: 64)
    _ = try QueryExecution(scan(Self.many).limit(0), options: options(), context: testContext).write(to: empty)
    #expect(empty.state.withLock { $0.rows.isEmpty && $0.commits == 1 })
  }

  @Test func sinkAbortsOnErrors() throws {
    let schema = StructType([StructField("k", .long)])
    for at in [1, 5, 40] {
      for sink in [MemorySink(chunkRows: 50, failsAtEncode: at), MemorySink(chunkRows: 50, failsAtAppend: at)] {
        let error = #expect(throws: KConnectError.self) {
          try QueryExecution(scan(Self.many), options: options(), context: testContext).write(to: sink)
        }
        #expect(error?.code == .diskFull)
        #expect(sink.state.withLock { $0.aborts == 1 && $0.commits == 0 })
      }
      let sink = MemorySink(chunkRows: 50)
      #expect(throws: KConnectError.self) {
        try QueryExecution(.scan(MemoryTable(schema, Self.many, failsAt: at)), options: options(), context: testContext).write(to: sink)
      }
      #expect(sink.state.withLock { $0.aborts == 1 && $0.commits == 0 })
    }
  }

  @Test func manyQueriesAtOnce() async throws {
    let plan = try scan(Self.many).aggregate(keys: [], aggregates: [NamedAggregate("n", AggregateCall("sum", [column("k")]))])
    try await withThrowingTaskGroup(of: [[Scalar]].self) { group in
      for _ in 0..<16 { group.addTask { try rows(plan) } }
      for try await out in group { #expect(out == [[.long(199_990_000)]]) }
    }
  }

  @Test func memoryThatCannotBeSpilledIsRefused() throws {
    let wide = longs("k", (0..<200_000).map { $0 }, batchRows: 5_000)
    let cross = try scan(wide).join(scan(wide), kind: .cross, keys: [])
    let error = #expect(throws: KConnectError.self) { try rows(cross, options(memory: 1 << 16)) }
    #expect(error?.code == .lowMemory)
  }

  @Test func explainShowsWhatRan() throws {
    let table = MemoryTable(StructType([StructField("k", .long), StructField("v", .long)]), [
      RecordBatch(
        schema: StructType([StructField("k", .long), StructField("v", .long)]),
        columns: [.of(.long, [.long(1), .long(2)]), .of(.long, [.long(3), .long(4)])])
    ], answer: .exact)
    let plan = try LogicalPlan.scan(table).filter(call("==", column("k"), long(2))).select(["v"])
    let simple = try QueryExecution(plan, options: options(), context: testContext).explain(.simple)
    #expect(simple == "Scan memory columns=[v] pushed=[k == 2 (exact)]\n")
    let analyzed = try QueryExecution(plan, options: options(), context: testContext).explain(.analyze)
    #expect(analyzed.contains("rows out 1"))
    let json = try QueryExecution(plan, options: options(), context: testContext).explainJSON(.analyze)
    #expect(json.contains("\"operator\":\"Scan\"") && json.contains("\"rowsOut\":1"))
  }
}

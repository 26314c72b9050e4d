// Role: hash aggregation. Each thread groups what it reads; at the end few groups are merged by one thread, many in parallel by hash
// partition. A thread whose groups outgrow the budget writes them to disk by partition; each partition is then merged alone.

import Columnar
import DataSource
import Expressions
import Synchronization

/// One row per distinct combination of keys.
final class AggregateNode: PhysicalNode, @unchecked Sendable {
  private let keys: [NamedExpr]
  private let aggregates: [NamedAggregate]

  init(keys: [NamedExpr], aggregates: [NamedAggregate], schema: StructType, _ input: PhysicalNode) {
    self.keys = keys
    self.aggregates = aggregates
    var parts: [String] = []
    if !keys.isEmpty { parts.append("by=[\(ExprText.text(keys))]") }
    if !aggregates.isEmpty { parts.append("aggregates=[\(ExprText.text(aggregates))]") }
    super.init(aggregates.isEmpty ? "Distinct" : "HashAggregate", detail: parts.joined(separator: " "), schema: schema, children: [input])
  }

  /// Merged by one thread up to that many groups in all.
  private static let fewGroups = 65_536

  override func open(_ run: QueryRun) throws -> any BatchStream {
    let shape = try AggregateShape(keys: keys, aggregates: aggregates, input: children[0].schema, output: schema, context: run.context)
    let input = try children[0].open(run)
    let isOrdered = aggregates.contains { AggregateShape.orderSensitive.contains($0.call.name) }
    let sink = AggregateSink(shape, run, self, slots: isOrdered ? 1 : run.parallelism)
    if isOrdered {
      try CollectJob(input, run: run, limit: nil).collect { batch in
        try sink.consume(batch, slot: 0, position: BatchPosition(morsel: 0, batch: 0))
      }
    } else {
      try run.drain(input, into: sink)
    }
    return try metrics.timed { try finish(sink, shape, run) }
  }

  private func finish(_ sink: AggregateSink, _ shape: AggregateShape, _ run: QueryRun) throws -> any BatchStream {
    if sink.hasSpilled { return try sink.spilledStream() }
    let states = sink.states
    if states.isEmpty {
      let empty = AggregateState(shape)
      return single(empty, sink)
    }
    if states.count == 1 { return single(states[0], sink) }
    if states.reduce(0, { $0 + $1.groupCount }) > Self.fewGroups { return try sink.partitionedStream() }
    let largest = states.indices.max { states[$0].groupCount < states[$1].groupCount } ?? 0
    for (i, state) in states.enumerated() where i != largest { try states[largest].merge(state) }
    return single(states[largest], sink)
  }

  /// The stream of one complete state; `sink` holds its reservation.
  private func single(_ state: AggregateState, _ sink: AggregateSink) -> any BatchStream {
    IndexedStream(count: 1) { [self] _, emit in
      try state.emit(self, emit)
      withExtendedLifetime(sink) {}
    }
  }
}

/// The threads' states while rows come in, and what they have spilled.
final class AggregateSink: DrainSink, @unchecked Sendable {  // a slot is used by one thread at a time; spilled blocks are behind a mutex
  private final class Slot {
    var state: AggregateState?
    var account: MemoryAccount
    var reservation: Int { account.held }

    init(_ memory: QueryMemory) { account = MemoryAccount(memory) }

    func resize(to bytes: Int) -> Bool { account.resize(to: bytes) }
  }

  private let shape: AggregateShape
  private let run: QueryRun
  private unowned let node: PhysicalNode
  private let slots: [Slot]
  private let spill = Mutex<AggregateSpill?>(nil)

  init(_ shape: AggregateShape, _ run: QueryRun, _ node: PhysicalNode, slots: Int) {
    self.shape = shape
    self.run = run
    self.node = node
    self.slots = (0..<slots).map { _ in Slot(run.memory) }
  }

  var hasSpilled: Bool { spill.withLock { $0 != nil } }
  var states: [AggregateState] { slots.compactMap(\.state) }

  func consume(_ batch: RecordBatch, slot: Int, position: BatchPosition) throws -> Bool {
    let start = monotonicNanoseconds()
    let slot = slots[slot]
    let state = slot.state ?? AggregateState(shape)
    slot.state = state
    try state.update(batch)
    let bytes = state.byteSize
    let fits = slot.resize(to: state.reservation(bytes))
    if fits ? state.isTooLarge(bytes) : bytes > AggregateSpill.smallState {
      try writeOut(state)
      slot.state = nil
      _ = slot.resize(to: 0)
    }
    node.metrics.sawMemory(bytes)
    node.metrics.took(batch.rowCount)
    node.metrics.spent(monotonicNanoseconds() &- start)
    return true
  }

  private func writeOut(_ state: AggregateState) throws {
    let target = try spill.withLock { current in
      if let current { return current }
      let made = try AggregateSpill(shape, run)
      current = made
      return made
    }
    if shape.keys.isEmpty { throw run.memory.lowMemory("an aggregate without keys") }
    try target.write(state, level: 0, into: target.root)
    node.metrics.spilled(target.file)
  }

  /// Everything goes to disk, then each partition is merged alone.
  func spilledStream() throws -> any BatchStream {
    for slot in slots {
      guard let state = slot.state else { continue }
      try writeOut(state)
      slot.state = nil
      _ = slot.resize(to: 0)
    }
    guard let spill = spill.withLock({ $0 }) else { return IndexedStream([]) }
    let node = node
    return IndexedStream(count: spill.root.count) { i, emit in
      try spill.merge(spill.root[i], level: 1, node) { state in
        var goesOn = true
        try state.emit(node) { batch in
          goesOn = try emit(batch)
          return goesOn
        }
        return goesOn
      }
    }
  }

  /// All states as columns, split by hash; each partition is merged when it is read.
  func partitionedStream() throws -> any BatchStream {
    let shape = shape, node = node
    let states = states
    let collected = Mutex<[Int: PartitionedState]>([:])
    try run.forEach(states.count) { i in
      let state = states[i]
      let columns = try state.partialColumns()
      let hashes = hashRows(Array(columns.prefix(shape.keys.count)), rowCount: state.groupCount)
      let part = PartitionedState(columns: columns, rows: partitionRows(hashes: hashes, bits: 5, level: 0))
      collected.withLock { $0[i] = part }
    }
    let parts = collected.withLock { all in states.indices.compactMap { all[$0] } }
    // Each state makes room; what was reserved for its columns stays.
    for slot in slots {
      guard let state = slot.state else { continue }
      _ = slot.resize(to: state.byteSize)
      slot.state = nil
    }
    let widths = try AggregateSpill.widths(AggregateState(shape))
    return IndexedStream(count: 32) { p, emit in
      let state = AggregateState(shape)
      try node.metrics.timed {
        for part in parts where part.rows[p].count > 0 {
          try state.updatePartial(part.columns.map { $0.take(part.rows[p]) }, widths: widths, rowCount: part.rows[p].count)
        }
      }
      try state.emit(node, emit)
      withExtendedLifetime(self) {}
    }
  }
}

/// A thread's groups as columns, with the rows of each partition.
struct PartitionedState: Sendable {
  let columns: [ColumnVector]
  let rows: [Buffer<Int32>]
}

// Role: hash joins of all kinds. One side is held and indexed by key, the other streams past it. Beyond the budget both sides go to disk by
// hash partition of the key, and partitions are joined one by one. What the held side's keys are limits what the other side's scan reads.

import Columnar
import DataSource
import Expressions
import Synchronization

enum JoinPlanner {
  /// `needed` are the output columns that anyone reads; nil: all.
  static func plan(_ join: JoinNode, schema: StructType, needed: Set<String>? = nil) throws -> PhysicalNode {
    let buildsLeft: Bool
    switch join.kind {
    case .innerUnique: buildsLeft = true
    case .inner where join.keepsOrder, .leftOuter where join.keepsOrder: buildsLeft = false
    default:
      if let left = RowEstimate.rows(join.left), let right = RowEstimate.rows(join.right) { buildsLeft = left < right } else { buildsLeft = false }
    }
    return HashJoinNode(
      join, buildsLeft: buildsLeft, schema: schema, needed: needed, try PhysicalPlanner.plan(join.left), try PhysicalPlanner.plan(join.right))
  }
}

/// An equi-join or a cross join.
final class HashJoinNode: PhysicalNode, @unchecked Sendable {
  private let join: JoinNode
  private let buildsLeft: Bool
  private let sources: [(isBuild: Bool, column: Int)]
  private let pushed = Mutex<String?>(nil)

  init(_ join: JoinNode, buildsLeft: Bool, schema: StructType, needed: Set<String>?, _ left: PhysicalNode, _ right: PhysicalNode) {
    self.join = join
    self.buildsLeft = buildsLeft
    var sources: [(isBuild: Bool, column: Int)] = []
    var fields: [StructField] = []
    for (i, field) in schema.fields.enumerated() where needed?.contains(field.name) ?? true {
      let isLeft: Bool = switch join.kind {
      case .rightSemi, .rightAnti: false
      case .leftSemi, .leftAnti: true
      default: i < left.schema.count
      }
      let column = isLeft || join.kind == .rightSemi || join.kind == .rightAnti ? i : i - left.schema.count
      sources.append((isLeft == buildsLeft, column))
      fields.append(field)
    }
    self.sources = sources
    let keys = join.keys.map { "\(ExprText.text($0.left)) == \(ExprText.text($0.right))" }.joined(separator: ", ")
    super.init(
      "HashJoin", detail: "kind=\(join.kind.rawValue) on=[\(keys)] holds=\(buildsLeft ? "left" : "right")", schema: StructType(fields),
      children: [left, right])
  }

  private var buildNode: PhysicalNode { children[buildsLeft ? 0 : 1] }
  private var probeNode: PhysicalNode { children[buildsLeft ? 1 : 0] }

  override var reportLines: [String] { pushed.withLock { $0.map { ["pushed to the other side: \($0)"] } ?? [] } }

  override func open(_ run: QueryRun) throws -> any BatchStream {
    let mode = JoinMode(join.kind, buildsLeft: buildsLeft)
    let left = children[0].schema, right = children[1].schema
    let leftKeys = try join.keys.map { try CompiledExpr($0.left, schema: left, context: run.context) }
    let rightKeys = try join.keys.map { try CompiledExpr($0.right, schema: right, context: run.context) }
    let shape = JoinShape(
      mode: mode, buildsLeft: buildsLeft, probeKeys: buildsLeft ? rightKeys : leftKeys, buildKeys: buildsLeft ? leftKeys : rightKeys,
      probeSchema: probeNode.schema, buildSchema: buildNode.schema, schema: schema, sources: sources, keepsOrder: join.keepsOrder)
    let sink = JoinBuildSink(shape, run, self)
    try run.drain(try buildNode.open(run), into: sink)
    if let spill = sink.spill { return try spilled(sink, spill, shape, run) }
    let chunks = sink.chunks
    if mode.dropsUnmatchedProbe {
      if chunks.isEmpty, !mode.marksBuild { return IndexedStream([]) }
      offerFilter(chunks, shape)
    }
    let build = try metrics.timed { try JoinBuild(chunks, shape) }
    return ProbeStream(KeepingStream(try probeNode.open(run), owner: sink), JoinProbe(shape: shape, build: build, node: self))
  }

  /// Tells the probe side which keys the build side has: a short list, or the range.
  private func offerFilter(_ chunks: [JoinChunk], _ shape: JoinShape) {
    for (c, key) in join.keys.enumerated() {
      let probeKey = buildsLeft ? key.right : key.left
      guard let column = probeKey.passedColumn else { continue }
      guard let filter = Self.filter(on: .column(column), chunks.map { $0.keys[c] }, shape.buildKeys[c].type) else { continue }
      probeNode.offer(filter)
      pushed.withLock { $0 = ExprText.text(filter) }
    }
  }

  private static func filter(on key: Expr, _ vectors: [ColumnVector], _ type: DataType) -> Expr? {
    let rows = vectors.reduce(0) { $0 + $1.count }
    if rows <= 1_000, type != .real, type != .dynamic, type != .bool {
      let values = Set(vectors.flatMap(\.scalars).filter { !$0.isNull })
      if values.count == 1, let only = values.first { return .call(FunctionName.equal, [key, .literal(only)]) }
      if values.count <= 32, values.count > 0 { return .call(FunctionName.in, [key] + values.map { .literal($0) }) }
    }
    var low = Int64.max, high = Int64.min
    for vector in vectors {
      switch vector.storage {
      case .int, .long: break
      default: return nil
      }
      if let (a, b) = integerRange(vector) { (low, high) = (min(low, a), max(high, b)) }
    }
    guard low <= high else { return nil }
    func scalar(_ v: Int64) -> Scalar {
      switch type {
      case .int: .int(Int32(truncatingIfNeeded: v))
      case .datetime: .datetime(v)
      case .timespan: .timespan(v)
      default: .long(v)
      }
    }
    return .call(FunctionName.between, [key, .literal(scalar(low)), .literal(scalar(high))])
  }

  /// Writes the probe side to disk by partition too; partitions are joined as they are read.
  private func spilled(_ sink: JoinBuildSink, _ spill: JoinSpill, _ shape: JoinShape, _ run: QueryRun) throws -> any BatchStream {
    try sink.writeRest()
    let probeSink = JoinProbeSpillSink(shape, spill, run)
    try run.drain(try probeNode.open(run), into: probeSink)
    metrics.spilled(spill.file)
    return IndexedStream(count: spill.root.count) { [self] p, emit in
      _ = try spill.joinPartition(spill.root[p], level: 1, node: self, emit)
    }
  }
}

/// A stream that keeps what holds memory for it.
private final class KeepingStream: BatchStream {
  private let input: any BatchStream
  private let owner: any DrainSink

  init(_ input: any BatchStream, owner: any DrainSink) {
    self.input = input
    self.owner = owner
  }

  func next() throws -> (any Morsel)? { try input.next() }
}

/// Collects the build side; switches to disk when it outgrows the budget.
final class JoinBuildSink: DrainSink, @unchecked Sendable {  // a slot is used by one thread at a time; the spill is behind a mutex
  private final class Slot {
    var chunks: [(position: BatchPosition, chunk: JoinChunk)] = []
    var bytes = 0
    var account: MemoryAccount

    init(_ memory: QueryMemory) { account = MemoryAccount(memory) }

    func resize(to bytes: Int) -> Bool { account.resize(to: bytes) }
  }

  private let shape: JoinShape
  private let run: QueryRun
  private unowned let node: PhysicalNode
  private let slots: [Slot]
  private let spillState = Mutex<JoinSpill?>(nil)

  init(_ shape: JoinShape, _ run: QueryRun, _ node: PhysicalNode) {
    self.shape = shape
    self.run = run
    self.node = node
    slots = (0..<run.parallelism).map { _ in Slot(run.memory) }
  }

  var spill: JoinSpill? { spillState.withLock { $0 } }

  /// In input order.
  var chunks: [JoinChunk] { slots.flatMap(\.chunks).sorted { $0.position < $1.position }.map(\.chunk) }

  func consume(_ batch: RecordBatch, slot: Int, position: BatchPosition) throws -> Bool {
    let slot = slots[slot]
    try node.metrics.timed {
      let chunk = JoinChunk(batch, keys: try shape.buildKeyColumns(batch))
      slot.chunks.append((position, chunk))
      slot.bytes += chunk.byteSize
    }
    node.metrics.took(batch.rowCount)
    node.metrics.sawMemory(slot.bytes)
    if !slot.resize(to: slot.bytes), slot.bytes > JoinSpill.smallBuild { try write(slot) }
    return true
  }

  private func write(_ slot: Slot) throws {
    if shape.buildKeys.isEmpty { throw run.memory.lowMemory("a cross join, which holds one side whole,") }
    if shape.keepsOrder { throw run.memory.lowMemory("a join that keeps the order of its rows, and holds one side for that,") }
    let spill = try spillState.withLock { current in
      if let current { return current }
      let made = try JoinSpill(shape, run)
      current = made
      return made
    }
    for (position, chunk) in slot.chunks {
      try spill.write(
        chunk.batch.columns, keys: chunk.keys, rowCount: chunk.batch.rowCount, position: position, level: 0, into: spill.root, isBuild: true)
    }
    slot.chunks = []
    slot.bytes = 0
    _ = slot.resize(to: 0)
  }

  /// Everything still in memory goes to disk.
  func writeRest() throws { try run.forEach(slots.count) { [self] i in try write(slots[i]) } }
}

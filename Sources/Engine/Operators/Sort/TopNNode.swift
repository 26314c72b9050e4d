// Role: the first rows in key order without sorting all. Each thread keeps candidates and drops rows behind the worst row it needs; the
// threshold is shared. Over a source that takes filters, the keys are read alone first: the threshold found becomes a filter of the
// scan that reads the other columns, which then decodes few rows.

import Columnar
import DataSource
import Expressions
import Synchronization

enum TopNPlanner {
  static func plan(_ keys: [SortKey], count: Int, _ input: LogicalPlan) throws -> PhysicalNode {
    TopNNode(keys, count: count, try PhysicalPlanner.plan(input), probe: try probe(keys, input))
  }

  /// A plan of the keys alone, when reading them first pays: a scan of several columns that takes a filter on the first key.
  private static func probe(_ keys: [SortKey], _ input: LogicalPlan) throws -> PhysicalNode? {
    guard let first = keys.first, let name = first.expr.passedColumn, case .scan(var scan) = input.node, scan.limit == nil,
      let type = input.schema.field(name)?.type, type != .dynamic, type != .bool, scan.columns.count > 1
    else { return nil }
    let sample: Scalar = TopNNode.someValue(of: type)
    let filter = Expr.call(FunctionName.lessOrEqual, [.column(name), .literal(sample)])
    guard scan.table.pushdown([filter]).first != .unsupported else { return nil }
    scan.columns = [name]
    guard let fields = scan.available.selecting([name]) else { return nil }
    return try PhysicalPlanner.plan(LogicalPlan(node: .scan(scan), schema: fields))
  }
}

/// The first `count` rows in the order of the keys; stable.
final class TopNNode: PhysicalNode, @unchecked Sendable {
  private let keys: [SortKey]
  private let count: Int

  /// `probe` gives the first key column alone.
  init(_ keys: [SortKey], count: Int, _ input: PhysicalNode, probe: PhysicalNode?) {
    self.keys = keys
    self.count = max(0, count)
    super.init("TopN", detail: "\(count) by \(ExprText.text(keys))", schema: input.schema, children: probe.map { [input, $0] } ?? [input])
    estimatedRows = self.count
  }

  override func open(_ run: QueryRun) throws -> any BatchStream {
    if count == 0 { return IndexedStream([]) }
    if children.count == 2, let filter = try thresholdFilter(run) { children[0].offer(filter) }
    let spec = try SortSpec(keys, input: children[0].schema, context: run.context)
    let sink = TopNSink(spec, count: count, schema: schema, run, metrics)
    try run.drain(try children[0].open(run), into: sink)
    let result = try metrics.timed { try sink.finish() }
    metrics.gave(result.batch.rowCount)
    try verify(result.batch)
    return IndexedStream(count: 1) { _, emit in
      _ = try emitBounded(result.batch, emit)
      withExtendedLifetime(sink) {}
    }
  }

  /// The predicate on the first key that the wanted rows satisfy; nil when nulls or too few rows are in the way.
  private func thresholdFilter(_ run: QueryRun) throws -> Expr? {
    let probe = children[1]
    let key = SortKey(.column(probe.schema[0].name), isDescending: keys[0].isDescending, nullsFirst: keys[0].nullsFirst)
    let spec = try SortSpec([key], input: probe.schema, context: run.context)
    let sink = TopNSink(spec, count: count, schema: probe.schema, run, probe.metrics)
    try run.drain(try probe.open(run), into: sink)
    let top = try sink.finish()
    guard top.batch.rowCount == count, top.batch.columns[0].nullCount == 0 else { return nil }
    if key.nullsFirst, sink.sawNulls { return nil }
    let last = top.batch.columns[0].scalar(count - 1)
    if case .real(let value) = last, value.isNaN { return nil }
    // NaN stands below every number, which no comparison says.
    if last.type == .real, !key.isDescending { return nil }
    return .call(key.isDescending ? FunctionName.greaterOrEqual : FunctionName.lessOrEqual, [key.expr, .literal(last)])
  }

  /// Any value of a type, to ask a source about filters.
  static func someValue(of type: DataType) -> Scalar {
    switch type {
    case .bool: .bool(false)
    case .int: .int(0)
    case .long: .long(0)
    case .real: .real(0)
    case .decimal: .decimal(DecimalValue(0))
    case .string: .string("m")
    case .datetime: .datetime(0)
    case .timespan: .timespan(0)
    case .guid: .guid(GUID(high: 0, low: 0))
    case .dynamic: .dynamic(.null)
    }
  }
}

/// The threads' candidates.
final class TopNSink: DrainSink, @unchecked Sendable {  // a slot is used by one thread at a time
  private final class Slot {
    var chunks: [SortChunk] = []
    var rows = 0
    var bytes = 0
    var sawNulls = false
    var account: MemoryAccount

    init(_ memory: QueryMemory) { account = MemoryAccount(memory) }

    func resize(to bytes: Int) -> Bool { account.resize(to: bytes) }
  }

  private let spec: SortSpec
  /// The keys and, last, the row's place in the input.
  private let directions: [SortDirection]
  private let count: Int
  private let schema: StructType
  private let run: QueryRun
  private let metrics: OperatorMetrics
  private let slots: [Slot]
  /// The greatest word of the first key that may still matter, with its top bit inverted: the library's atomic minimum compares unsigned
  /// numbers as signed ones.
  private let threshold = Atomic<Int64>(Int64.max)

  init(_ spec: SortSpec, count: Int, schema: StructType, _ run: QueryRun, _ metrics: OperatorMetrics) {
    self.spec = spec
    self.count = count
    self.schema = schema
    self.run = run
    self.metrics = metrics
    directions = spec.directions + [SortDirection(isDescending: false, nullsFirst: true)]
    slots = (0..<run.parallelism).map { _ in Slot(run.memory) }
  }

  var sawNulls: Bool { slots.contains { $0.sawNulls } }

  func consume(_ batch: RecordBatch, slot: Int, position: BatchPosition) throws -> Bool {
    let start = monotonicNanoseconds()
    defer { metrics.spent(monotonicNanoseconds() &- start) }
    metrics.took(batch.rowCount)
    let slot = slots[slot]
    let first = try spec.keys[0].evaluate(batch)
    if first.validity != nil { slot.sawNulls = true }
    let limit = UInt64(bitPattern: threshold.load(ordering: .relaxed)) ^ 1 << 63
    var batch = batch
    var places = SortPosition.column(position, rows: batch.rowCount)
    if limit != UInt64.max {
      let words = first.sortWords(isDescending: spec.directions[0].isDescending)
      let rows = rowsUpTo(limit, words: words, validity: first.validity, nullsFirst: spec.directions[0].nullsFirst)
      if rows.count == 0 { return true }
      if rows.count < batch.rowCount {
        batch = batch.take(rows)
        places = places.take(rows)
      }
    }
    let keys = try spec.evaluate(batch) + [places]
    let chunk = SortChunk(batch: batch, keys: keys, position: position)
    slot.chunks.append(chunk)
    slot.rows += batch.rowCount
    slot.bytes += chunk.byteSize
    if slot.rows > max(2 * count, count + 4_096) || slot.chunks.count > 512 { try compact(slot) }
    guard slot.resize(to: slot.bytes) else {
      try compact(slot)
      guard slot.resize(to: slot.bytes) else { throw run.memory.lowMemory("the first \(count) rows of a sort") }
      return true
    }
    metrics.sawMemory(slot.bytes)
    return true
  }

  /// Keeps the first `count` rows of a slot and tightens the threshold.
  private func compact(_ slot: Slot) throws {
    guard let best = try first(slot.chunks) else { return }
    slot.chunks = [best]
    slot.rows = best.batch.rowCount
    slot.bytes = best.byteSize
    guard slot.rows == count else { return }
    let worst = best.keys[0].slice(count - 1..<count)
    guard worst.nullCount == 0 else { return }
    let word = worst.sortWords(isDescending: spec.directions[0].isDescending)[0]
    // Words of decimals may differ by a step between scales.
    let last = word == UInt64.max ? word : word + 1
    threshold.min(Int64(bitPattern: last ^ 1 << 63), ordering: .relaxed)
  }

  /// The first `count` rows of chunks, as one chunk.
  // SAFETY: `items` has n places, the rows of all chunks, and each chunk fills those behind the ones before it; `at` has `kept` places, filled before
  // they are read, and is freed behind the last gathering. Positions are those of these chunks.
  private func first(_ chunks: [SortChunk]) throws -> SortChunk? {
    guard let position = chunks.first?.position else { return nil }
    let keys = chunks.map { $0.keys.map(\.flattened) }
    let layout = SortLayout(keys, directions: directions)
    let n = chunks.reduce(0) { $0 + $1.batch.rowCount }
    let items = SortBuffer(count: n)
    var start = 0
    for (k, chunk) in chunks.enumerated() {
      unsafe layout.codes(chunk: k, rowCount: chunk.batch.rowCount, items.pointer + start)
      start += chunk.batch.rowCount
    }
    unsafe layout.sort(UnsafeMutableBufferPointer(start: items.pointer, count: n))
    let kept = min(n, count)
    let at = UnsafeMutablePointer<UInt64>.allocate(capacity: max(1, kept))
    defer { unsafe at.deallocate() }
    for i in 0..<kept { unsafe at[i] = unsafe items.pointer[i].at }
    let wanted = unsafe UnsafeBufferPointer(start: at, count: kept)
    let columns = (0..<schema.count).map { c in unsafe ChunkedColumn(chunks.map { $0.batch.columns[c] }, type: schema[c].type).gather(unsafe wanted) }
    let keyColumns = directions.indices.map { c in unsafe ChunkedColumn(keys.map { $0[c] }, type: keys[0][c].type).gather(unsafe wanted) }
    return SortChunk(batch: RecordBatch(schema: schema, columns: columns, rowCount: kept), keys: keyColumns, position: position)
  }

  /// The first `count` rows of all threads, in order.
  func finish() throws -> SortChunk {
    let chunks = slots.flatMap(\.chunks).sorted { $0.position < $1.position }
    return try first(chunks)
      ?? SortChunk(batch: RecordBatch.empty(schema), keys: [], position: BatchPosition(morsel: 0, batch: 0))
  }
}

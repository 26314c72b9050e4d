// Role: collects the input of a sort for each thread, and turns it into sorted runs on disk when it outgrows the budget.

import Columnar
import DataSource
import Expressions
import Synchronization

/// The threads' chunks, and the runs they have written.
final class SortSink: DrainSink, @unchecked Sendable {  // a slot is used by one thread at a time; runs are behind a mutex
  private final class Slot {
    var chunks: [SortChunk] = []
    var bytes = 0
    var account: MemoryAccount

    init(_ memory: QueryMemory) { account = MemoryAccount(memory) }

    func resize(to bytes: Int) -> Bool { account.resize(to: bytes) }
  }

  private struct Spilled {
    var file: SpillFile
    var runs: [[SpillBlock]] = []
  }

  private let spec: SortSpec
  private let run: QueryRun
  private unowned let node: PhysicalNode
  private let slots: [Slot]
  private let spilled = Mutex<Spilled?>(nil)

  init(_ spec: SortSpec, _ run: QueryRun, _ node: PhysicalNode) {
    self.spec = spec
    self.run = run
    self.node = node
    slots = (0..<run.parallelism).map { _ in Slot(run.memory) }
  }

  var hasSpilled: Bool { spilled.withLock { $0 != nil } }
  var chunks: [SortChunk] { slots.flatMap(\.chunks) }

  /// Runs smaller than this are not worth a file; kept even when the budget is exhausted.
  private static let smallRun = 1 << 20

  func consume(_ batch: RecordBatch, slot: Int, position: BatchPosition) throws -> Bool {
    let slot = slots[slot]
    try node.metrics.timed {
      let chunk = SortChunk(batch: batch, keys: try spec.evaluate(batch), position: position)
      slot.chunks.append(chunk)
      slot.bytes += chunk.byteSize
    }
    node.metrics.took(batch.rowCount)
    node.metrics.sawMemory(slot.bytes)
    // Sorting needs the items again for scattering: a quarter more than the rows.
    if !slot.resize(to: slot.bytes + slot.bytes / 4), slot.bytes > Self.smallRun { try writeRun(slot) }
    return true
  }

  /// Writes a slot's rows as one sorted run: key columns, the row's place in the input, then the row.
  private func writeRun(_ slot: Slot) throws {
    if slot.chunks.isEmpty { return }
    let file = try spilled.withLock { current in
      if let current { return current.file }
      let file = try SpillFile(in: run.options.spillDirectory)
      current = Spilled(file: file)
      return file
    }
    var blocks: [SpillBlock] = []
    try SortRun.write(slot.chunks, spec, node.schema) { columns, rows in
      try run.check()
      blocks.append(try file.append(columns, rowCount: rows))
    }
    spilled.withLock { $0?.runs.append(blocks) }
    node.metrics.spilled(file)
    slot.chunks = []
    slot.bytes = 0
    _ = slot.resize(to: 0)
  }

  /// All rows as one merged stream.
  func mergedStream() throws -> any BatchStream {
    try run.forEach(slots.count) { [self] i in try writeRun(slots[i]) }
    guard let all = spilled.withLock({ $0 }) else { return IndexedStream([]) }
    let directions = spec.directions + [SortDirection(isDescending: false, nullsFirst: true)]
    let node = node, keyCount = spec.keys.count, query = run
    return IndexedStream(count: 1) { _, emit in
      var merge = try RunMerge(all.runs, file: all.file, directions: directions, keyCount: keyCount, schema: node.schema, query)
      while let batch = try merge.next() {
        node.metrics.gave(batch.rowCount)
        try node.verify(batch)
        guard try emit(batch) else { return }
      }
    }
  }
}

/// Sorted rows in the form of a run.
enum SortRun {
  /// Rows in a block of a run: small, since a merge holds a block of every run.
  static let blockRows = 4_096

  /// Sorts chunks and gives them block by block: keys, position, columns.
  // SAFETY: `items` has n places, the rows of all chunks, and each chunk fills those behind the ones before it; `at` has n places, filled before they
  // are read, of which a block takes those from `start` on. It is freed behind the last block.
  static func write(_ chunks: [SortChunk], _ spec: SortSpec, _ schema: StructType, _ out: ([ColumnVector], Int) throws -> Void) throws {
    let chunks = chunks.sorted { $0.position < $1.position }
    let keys = chunks.map { $0.keys.map(\.flattened) }
    let layout = SortLayout(keys, directions: spec.directions)
    let n = chunks.reduce(0) { $0 + $1.batch.rowCount }
    let items = SortBuffer(count: n)
    var start = 0
    for (k, chunk) in chunks.enumerated() {
      unsafe layout.codes(chunk: k, rowCount: chunk.batch.rowCount, items.pointer + start)
      start += chunk.batch.rowCount
    }
    unsafe layout.sort(UnsafeMutableBufferPointer(start: items.pointer, count: n))
    let positions = chunks.map { SortPosition.column($0.position, rows: $0.batch.rowCount) }
    var columns = spec.keys.indices.map { c in ChunkedColumn(keys.map { $0[c] }, type: spec.keys[c].type) }
    columns.append(ChunkedColumn(positions, type: .long))
    for c in 0..<schema.count { columns.append(ChunkedColumn(chunks.map { $0.batch.columns[c] }, type: schema[c].type)) }
    let at = UnsafeMutablePointer<UInt64>.allocate(capacity: max(1, n))
    defer { unsafe at.deallocate() }
    for i in 0..<n { unsafe at[i] = unsafe items.pointer[i].at }
    start = 0
    while start < n {
      let rows = min(blockRows, n - start)
      let block = unsafe UnsafeBufferPointer(start: at + start, count: rows)
      try out(columns.map { unsafe $0.gather(block) }, rows)
      start += rows
    }
  }
}

/// A row's place in the input as one number.
enum SortPosition {
  // SAFETY: p has `rows` slots of `out`, which grows no more.
  static func column(_ position: BatchPosition, rows: Int) -> ColumnVector {
    let first = Int64(min(position.morsel, 1 << 26)) << 36 | Int64(min(position.batch, (1 << 20) - 1)) << 16
    let out = BufferBuilder<Int64>(capacity: rows)
    let p = unsafe out.appendUninitialized(rows)
    for i in 0..<rows { unsafe p[i] = first + Int64(i) }
    return .long(out.finish())
  }
}

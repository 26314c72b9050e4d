// Role: a full sort. In memory: threads collect batches, rows get 64-bit codes, are split by sampled codes into buckets, and each bucket is
// sorted and gathered when it is read, so the output is made in parallel and in order. Beyond the budget: sorted runs on disk, merged.
// Stable: equal keys keep the input's order.

import Columnar
import DataSource
import Expressions
import Synchronization

/// Rows in the order of the keys.
final class SortNode: PhysicalNode, @unchecked Sendable {
  private let keys: [SortKey]

  init(_ keys: [SortKey], limit: Int?, _ input: PhysicalNode) {
    self.keys = keys
    super.init("Sort", detail: ExprText.text(keys), schema: input.schema, children: [input])
  }

  override func offer(_ filter: Expr) { children[0].offer(filter) }

  override func open(_ run: QueryRun) throws -> any BatchStream {
    let spec = try SortSpec(keys, input: children[0].schema, context: run.context)
    let sink = SortSink(spec, run, self)
    try run.drain(try children[0].open(run), into: sink)
    if sink.hasSpilled { return try sink.mergedStream() }
    return try metrics.timed { try inMemory(sink.chunks, spec, run, keeping: sink) }
  }

  private func inMemory(_ chunks: [SortChunk], _ spec: SortSpec, _ run: QueryRun, keeping owner: SortSink) throws -> any BatchStream {
    let chunks = chunks.sorted { $0.position < $1.position }
    let n = chunks.reduce(0) { $0 + $1.batch.rowCount }
    if n == 0 { return IndexedStream([]) }
    let flat = Slots<[ColumnVector]>(count: chunks.count)
    try run.forEach(chunks.count) { k in flat[k] = chunks[k].keys.map(\.flattened) }
    let layout = SortLayout(flat.all, directions: spec.directions)
    var starts = [0]
    for chunk in chunks { starts.append(starts[starts.count - 1] + chunk.batch.rowCount) }
    let rowStarts = starts
    let items = SortBuffer(count: n)
    try run.forEach(chunks.count) { k in unsafe layout.codes(chunk: k, rowCount: chunks[k].batch.rowCount, items.pointer + rowStarts[k]) }
    let rows = try SortedRows(chunks, schema: schema, run: run)
    let buckets = try SortBuckets(items, run: run)
    let averageBytes = max(1, chunks.reduce(0) { $0 + $1.batch.byteSize } / n)
    let batchRows = max(1, min(RecordBatch.maxRows, (32 << 20) / averageBytes))
    return IndexedStream(count: buckets.count) { [self] b, emit in
      let bucket = unsafe buckets[b]
      metrics.timed { unsafe layout.sort(bucket) }
      var start = 0
      while start < bucket.count {
        let end = min(bucket.count, start + batchRows)
        let batch = metrics.timed { unsafe rows.batch(UnsafeBufferPointer(rebasing: bucket[start..<end])) }
        metrics.gave(batch.rowCount)
        try verify(batch)
        guard try emit(batch) else { return }
        start = end
      }
      withExtendedLifetime(owner) {}
    }
  }
}

/// Memory for sort items, freed with the last reference.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe final class SortBuffer: @unchecked Sendable {  // threads write disjoint ranges
  let pointer: UnsafeMutablePointer<SortItem>
  let count: Int

  init(count: Int) {
    self.count = count
    unsafe pointer = .allocate(capacity: count)
  }

  deinit { unsafe pointer.deallocate() }
}

/// Items split by code into buckets whose order is the order of the codes; stable within a bucket.
struct SortBuckets: Sendable {
  private let items: SortBuffer
  private let starts: [Int]
  var count: Int { starts.count - 1 }

  /// Rows in a bucket, about.
  private static let target = 65_536

  init(_ input: SortBuffer, run: QueryRun) throws {
    let n = input.count
    let wanted = min(1_024, n / Self.target + 1)
    guard wanted > 1 else {
      items = input
      starts = [0, n]
      return
    }
    let splitters = Self.splitters(input, wanted)
    let pieces = run.parallelism * 2
    let pieceRows = (n + pieces - 1) / pieces
    let buckets = splitters.count + 1
    let counts = Slots<[Int]>(count: pieces)
    let placed = BucketNumbers(count: n)
    try run.forEach(pieces) { piece in
      var mine = [Int](repeating: 0, count: buckets)
      for i in piece * pieceRows..<max(piece * pieceRows, min(n, (piece + 1) * pieceRows)) {
        let b = unsafe Self.bucket(of: input.pointer[i].code, splitters)
        unsafe placed.pointer[i] = UInt16(truncatingIfNeeded: b)
        mine[b] += 1
      }
      counts[piece] = mine
    }
    let all = counts.all
    var next = Array(repeating: [Int](repeating: 0, count: buckets), count: pieces)
    var at = 0
    var bounds = [0]
    for b in 0..<buckets {
      for piece in 0..<pieces {
        next[piece][b] = at
        at += all[piece][b]
      }
      bounds.append(at)
    }
    let out = SortBuffer(count: n)
    let firsts = next
    try run.forEach(pieces) { piece in
      var next = firsts[piece]
      unsafe next.withUnsafeMutableBufferPointer { next in
        for i in piece * pieceRows..<max(piece * pieceRows, min(n, (piece + 1) * pieceRows)) {
          let b = unsafe Int(placed.pointer[i])
          unsafe out.pointer[next[b]] = unsafe input.pointer[i]
          unsafe next[b] &+= 1
        }
      }
    }
    items = out
    starts = bounds
  }

  // SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
  @safe private final class BucketNumbers: @unchecked Sendable {  // threads write disjoint ranges
    let pointer: UnsafeMutablePointer<UInt16>
    init(count: Int) { unsafe pointer = .allocate(capacity: count) }
    deinit { unsafe pointer.deallocate() }
  }

  /// Distinct codes that split a sample evenly.
  private static func splitters(_ input: SortBuffer, _ wanted: Int) -> [UInt64] {
    var random = SplitMix(UInt64(input.count))
    let sample = (0..<wanted * 16).map { _ in unsafe input.pointer[Int(random.next() % UInt64(input.count))].code }.sorted()
    var out: [UInt64] = []
    for k in 1..<wanted {
      let code = sample[k * 16]
      if out.last != code { out.append(code) }
    }
    return out
  }

  /// How many splitters are at or below the code.
  @inline(__always) private static func bucket(of code: UInt64, _ splitters: [UInt64]) -> Int {
    unsafe splitters.withUnsafeBufferPointer { s in
      var low = 0, length = s.count
      while length > 0 {
        let half = length / 2
        let isBelow = unsafe s[low &+ half] <= code
        low = isBelow ? low &+ half &+ 1 : low
        length = isBelow ? length &- half &- 1 : half
      }
      return low
    }
  }

  subscript(_ b: Int) -> UnsafeMutableBufferPointer<SortItem> {
    unsafe UnsafeMutableBufferPointer(start: items.pointer + starts[b], count: starts[b + 1] - starts[b])
  }
}

// Role: matches batches of the streamed side with the built side and puts output rows together.

import Columnar
import DataSource
import Expressions

/// Probes one complete build side.
struct JoinProbe: BatchOperator {
  let shape: JoinShape
  let build: JoinBuild
  let node: PhysicalNode

  func process(_ batch: RecordBatch, _ emit: (RecordBatch) throws -> Bool) throws -> Bool {
    let start = monotonicNanoseconds()
    let keys = try shape.probeKeyColumns(batch)
    node.metrics.spent(monotonicNanoseconds() &- start)
    return try process(batch, keys: keys, emit)
  }

  /// The same for a batch whose keys are known.
  // SAFETY: `first` has a match, or -1, for each of the n rows, and is kept alive to the end; bits go to words of `build`, one for each 64.
  func process(_ batch: RecordBatch, keys: [ColumnVector], _ emit: (RecordBatch) throws -> Bool) throws -> Bool {
    var resumed = monotonicNanoseconds()
    defer { node.metrics.spent(monotonicNanoseconds() &- resumed) }
    node.metrics.took(batch.rowCount)
    let n = batch.rowCount
    let first = build.firstMatches(keys, rowCount: n)
    defer { withExtendedLifetime(first) {} }
    let heads = unsafe first.pointer
    if shape.mode.marksBuild { unsafe markMatches(heads, n) }
    if shape.mode.buildOnly != nil { return true }
    func give(_ out: RecordBatch) throws -> Bool {
      if out.rowCount == 0 { return true }
      node.metrics.gave(out.rowCount)
      try node.verify(out)
      node.metrics.spent(monotonicNanoseconds() &- resumed)
      defer { resumed = monotonicNanoseconds() }
      return try emit(out)
    }
    if let wanted = shape.mode.probeOnly {
      let selection = unsafe Bitmap.build(count: n) { words in
        for i in 0..<n where unsafe (heads[i] >= 0) == wanted { unsafe words[i >> 6] |= 1 << UInt64(i & 63) }
      }
      let kept = batch.filter(selection)
      return try give(RecordBatch(schema: shape.schema, columns: shape.sources.map { kept.columns[$0.column] }, rowCount: kept.rowCount))
    }
    return try unsafe pairs(batch, heads, give)
  }

  // SAFETY: callers hand over n matches.
  private func markMatches(_ heads: UnsafePointer<Int32>, _ n: Int) {
    for i in 0..<n {
      var row = unsafe heads[i]
      while row >= 0 {
        build.mark(row)
        row = build.nextMatch(row)
      }
    }
  }

  /// Output rows of one probe batch, in pieces of at most `RecordBatch.maxRows`.
  // SAFETY: callers hand over a match for each row. With unique keys a row gives at most one pair, so k stays below n, and the builders are cut back to
  // the k pairs written.
  private func pairs(_ batch: RecordBatch, _ heads: UnsafePointer<Int32>, _ give: (RecordBatch) throws -> Bool) throws -> Bool {
    let n = batch.rowCount
    let keeps = shape.mode.keepsProbe
    let missing = UInt64(0xFFFF_FFFF) << 32
    let capacity = build.isUniqueKeyed ? n : RecordBatch.maxRows
    let rows = BufferBuilder<Int32>(capacity: capacity)
    let at = BufferBuilder<UInt64>(capacity: capacity)
    if build.isUniqueKeyed {
      let r = unsafe rows.appendUninitialized(n), a = unsafe at.appendUninitialized(n)
      var k = 0
      for i in 0..<n {
        let row = unsafe heads[i]
        if row >= 0 {
          unsafe r[k] = Int32(truncatingIfNeeded: i)
          unsafe a[k] = build.place(row)
          k &+= 1
        } else if keeps {
          unsafe r[k] = Int32(truncatingIfNeeded: i)
          unsafe a[k] = missing
          k &+= 1
        }
      }
      rows.count = k
      at.count = k
      return try give(combine(batch, rows.finish(), at.finish(), mayMiss: keeps))
    }
    for i in 0..<n {
      var row = unsafe heads[i]
      if row < 0 {
        if !keeps { continue }
        rows.append(Int32(truncatingIfNeeded: i))
        at.append(missing)
        if rows.count == RecordBatch.maxRows, try !give(combine(batch, rows.finish(), at.finish(), mayMiss: keeps)) { return false }
        continue
      }
      while row >= 0 {
        rows.append(Int32(truncatingIfNeeded: i))
        at.append(build.place(row))
        row = build.nextMatch(row)
        if rows.count == RecordBatch.maxRows, try !give(combine(batch, rows.finish(), at.finish(), mayMiss: keeps)) { return false }
      }
    }
    return try give(combine(batch, rows.finish(), at.finish(), mayMiss: keeps))
  }

  // SAFETY: the positions live for the call; they are the build side's, or missing where `mayMiss` is set.
  private func combine(_ batch: RecordBatch, _ rows: Buffer<Int32>, _ at: Buffer<UInt64>, mayMiss: Bool) -> RecordBatch {
    // With one match for every row, in order, the probe columns pass as they are.
    let isIdentity = rows.count == batch.rowCount && build.isUniqueKeyed
    let columns = shape.sources.map { source in
      unsafe source.isBuild
        ? at.withUnsafe { unsafe build.columns[source.column].gather($0, mayMiss: mayMiss) }
        : isIdentity ? batch.columns[source.column] : batch.columns[source.column].take(rows)
    }
    return RecordBatch(schema: shape.schema, columns: columns, rowCount: rows.count)
  }

  /// What comes after all probe rows: build rows without (or with) a match.
  // SAFETY: the positions are alive for the call of the closure.
  func finish(_ emit: (RecordBatch) throws -> Bool) throws {
    guard shape.mode.marksBuild else { return }
    let wanted = shape.mode.buildOnly ?? false
    try unsafe build.positions(matched: wanted) { at in
      let columns = shape.sources.map { source in
        unsafe source.isBuild
          ? build.columns[source.column].gather(at)
          : ColumnVector.nulls(shape.probeSchema[source.column].type, count: at.count)
      }
      let batch = RecordBatch(schema: shape.schema, columns: columns, rowCount: at.count)
      node.metrics.gave(batch.rowCount)
      try node.verify(batch)
      return try emit(batch)
    }
  }
}

/// Probe morsels, then one that waits for all of them and emits what the build side has left.
final class ProbeStream: BatchStream, @unchecked Sendable {  // guarded by `monitor`; `next` is called by one thread at a time
  private let input: any BatchStream
  private let probe: JoinProbe
  private let monitor = Monitor()
  private var reading = 0
  private var isDone = false

  init(_ input: any BatchStream, _ probe: JoinProbe) {
    self.input = input
    self.probe = probe
  }

  func next() throws -> (any Morsel)? {
    if isDone { return nil }
    if let morsel = try input.next() {
      monitor.withLock { reading += 1 }
      return ProbeMorsel(input: morsel, stream: self)
    }
    isDone = true
    return probe.shape.mode.marksBuild ? LastMorsel(stream: self) : nil
  }

  private struct ProbeMorsel: Morsel {
    let input: any Morsel
    let stream: ProbeStream

    func read(_ emit: (RecordBatch) throws -> Bool) throws {
      defer {
        stream.monitor.withLock {
          stream.reading -= 1
          stream.monitor.broadcast()
        }
      }
      try input.read { try stream.probe.process($0, emit) }
    }
  }

  private struct LastMorsel: Morsel {
    let stream: ProbeStream

    func read(_ emit: (RecordBatch) throws -> Bool) throws {
      stream.monitor.withLock { while stream.reading > 0 { stream.monitor.wait() } }
      try stream.probe.finish(emit)
    }
  }
}

// Role: the end of a query whose rows go into a table sink. Batches are put in row order, cut into chunks of the size the sink prefers
// (lists of batches; rows are not copied), encoded on any thread, appended in order. Only a few chunks are in flight: threads encode before
// they read on, and a reader that runs far ahead encodes or waits.

import CLinux
import Columnar
import DataSource

/// Runs a stream into a sink. Neither commits nor aborts.
final class TableWriteJob: PoolJob, Stoppable, @unchecked Sendable {  // guarded by `monitor`
  private let source: MorselDispenser
  private let sink: any TableSink
  private let run: QueryRun
  private let monitor = Monitor()
  private var merge = OrderedMerge()
  private var cutter: ChunkCutter
  /// Chunks in row order that nobody encodes yet, and the number of the first.
  private var chunks: [[RecordBatch]] = []
  private var firstChunk = 0
  private var encoded: [Int: any EncodedChunk] = [:]
  private var encoding = 0
  private var appended = 0
  private var isAppending = false
  private var reading = 0
  /// Threads at work that the sink left.
  private var working = 0
  private var hasEnded = false, isEnding = false
  private var isExhausted = false
  private var isStopped = false
  private var wanted: Int?
  private let lookAheadBytes: Int

  init(_ stream: any BatchStream, into sink: any TableSink, run: QueryRun, limit: Int?) {
    source = MorselDispenser(stream, pool: run.pool)
    self.sink = sink
    self.run = run
    wanted = limit
    cutter = ChunkCutter(rows: sink.preferredChunkRows)
    lookAheadBytes = max(1 << 20, min(96 << 20, run.memory.limit / 8))
    if limit == 0 { source.stop() }
  }

  /// Runs to the end; throws the first error.
  func write() throws {
    try run.whileStoppable(self) { try run.pool.start(self, parallelism: run.parallelism).wait() }
  }

  func stopWaiting() { monitor.withLock { monitor.broadcast() } }

  func step(slot: Int, handle: JobHandle) throws -> StepResult {
    do {
      try run.check()
      return try takeStep(handle)
    } catch {
      source.stop()
      monitor.withLock {
        isStopped = true
        monitor.broadcast()
      }
      throw error
    }
  }

  /// How much memory may grow before gaps are given back.
  private static let bytesPerTrim = 160 << 20

  private var inFlight: Int { firstChunk + chunks.count - appended }

  private func takeStep(_ handle: JobHandle) throws -> StepResult {
    if try appendReady(handle) { return .more }
    if try runWork(handle) { return .more }
    if try encodeOne(handle) { return .more }
    if try endRows(handle) { return .more }
    let verdict: StepResult? = monitor.withLock {
      if isStopped { return .finished }
      if isExhausted { return hasEnded && working == 0 ? .finished : .idle }
      if merge.bufferedBytes > lookAheadBytes || inFlight > 2 * run.parallelism { return .idle }
      reading += 1
      return nil
    }
    if let verdict { return verdict }
    let taken: (morsel: any Morsel, number: Int)?
    do { taken = try source.take() } catch {
      monitor.withLock { reading -= 1 }
      throw error
    }
    guard let (morsel, number) = taken else {
      monitor.withLock {
        reading -= 1
        isExhausted = true
        flushIfComplete()
      }
      handle.wake()
      return .more
    }
    try morsel.read { try self.emit($0, from: number, handle) }
    monitor.withLock {
      merge.complete(number, pass)
      reading -= 1
      flushIfComplete()
      monitor.broadcast()
    }
    handle.wake()
    return .more
  }

  /// The last chunk, once every morsel is complete. Called with the lock held.
  private func flushIfComplete() {
    if isExhausted, reading == 0, let rest = cutter.finish() { chunks.append(rest) }
  }

  private func emit(_ batch: RecordBatch, from number: Int, _ handle: JobHandle) throws -> Bool {
    try run.check()
    if batch.rowCount == 0 { return true }
    while true {
      enum Next { case encode, wait, go }
      let next: Next = monitor.withLock {
        if isStopped || wanted == 0 { return .go }
        if chunks.count >= run.parallelism { return .encode }
        let isAhead = number != merge.head && merge.bufferedBytes > lookAheadBytes
        if isAhead { return chunks.isEmpty ? .wait : .encode }
        return .go
      }
      if next == .go { break }
      try run.check()
      if next == .encode, try encodeOne(handle) {
        _ = try appendReady(handle)
        continue
      }
      monitor.withLock {
        if !isStopped, chunks.isEmpty, number != merge.head, merge.bufferedBytes > lookAheadBytes { monitor.wait() }
      }
    }
    let (goesOn, hasChunk) = monitor.withLock {
      if isStopped || wanted == 0 { return (false, false) }
      let before = chunks.count
      if merge.add(batch, from: number) { pass(batch) }
      return (wanted != 0, chunks.count > before)
    }
    if hasChunk { handle.wake() }
    return goesOn
  }

  /// Adds to the chunk under construction, up to the limit. Called with the lock held.
  private func pass(_ batch: RecordBatch) {
    var batch = batch
    if let left = wanted {
      if left == 0 { return }
      if batch.rowCount > left { batch = batch.slice(0..<left) }
      wanted = left - batch.rowCount
      if wanted == 0 { source.stop() }
    }
    cutter.add(batch) { chunks.append($0) }
  }

  /// Encodes the first chunk that waits; false when none does.
  private func encodeOne(_ handle: JobHandle) throws -> Bool {
    let work: (number: Int, chunk: [RecordBatch])? = monitor.withLock {
      guard !isStopped, !chunks.isEmpty else { return nil }
      defer { firstChunk += 1 }
      encoding += 1
      return (firstChunk, chunks.removeFirst())
    }
    guard let work else { return false }
    let result = try sink.encode(work.chunk)
    monitor.withLock {
      encoding -= 1
      encoded[work.number] = result
      monitor.broadcast()
    }
    handle.wake()
    return true
  }

  /// Does one piece of what the sink left; false when there is none.
  private func runWork(_ handle: JobHandle) throws -> Bool {
    let isOpen = monitor.withLock {
      if isStopped { return false }
      working += 1
      return true
    }
    guard isOpen else { return false }
    let work = sink.takeWork()
    do { try work?() } catch {
      monitor.withLock { working -= 1 }
      throw error
    }
    monitor.withLock { working -= 1 }
    // Woken after the count went down: a thread that saw it higher has parked the job.
    if work != nil { handle.wake() }
    return work != nil
  }

  /// Tells the sink that all chunks are appended; false when they are not, or it knows.
  private func endRows(_ handle: JobHandle) throws -> Bool {
    let isMine = monitor.withLock {
      let isComplete = isExhausted && reading == 0 && chunks.isEmpty && encoding == 0 && encoded.isEmpty && !isAppending
      guard !isStopped, isComplete, !isEnding else { return false }
      isEnding = true
      return true
    }
    guard isMine else { return false }
    try sink.endOfRows()
    monitor.withLock { hasEnded = true }
    handle.wake()
    return true
  }

  /// Appends every chunk that is next in order; false when there is none or another thread is at it.
  private func appendReady(_ handle: JobHandle) throws -> Bool {
    var isAny = false
    while true {
      let chunk: (any EncodedChunk)? = monitor.withLock {
        guard !isStopped, !isAppending, let chunk = encoded.removeValue(forKey: appended) else { return nil }
        isAppending = true
        return chunk
      }
      guard let chunk else { break }
      isAny = true
      try sink.append(chunk)
      monitor.withLock {
        isAppending = false
        appended += 1
        monitor.broadcast()
      }
      // Column buffers of changing sizes leave gaps in the allocator's arenas; giving them back now and then keeps memory flat over long writes.
      kclinux_trim_heap(Self.bytesPerTrim)
      handle.wake()
    }
    return isAny
  }
}

/// Cuts a sequence of batches into chunks.
struct ChunkCutter {
  /// Exactly that many rows in a chunk (but for the last, and chunks cut by bytes); nil: whole batches, small ones together.
  private let rows: Int?
  private var parts: [RecordBatch] = []
  private var partRows = 0
  private var partBytes = 0
  private var partTextBytes = 0
  private static let maxBytes = 128 << 20
  /// Of any column's text, written out: what encoders take at a time is bounded by the 32 bits of offsets.
  private static let maxTextBytes = 1 << 30
  private static let fewRows = 16_384

  init(rows: Int?) { self.rows = rows.map { max(1, $0) } }

  /// Adds rows; calls `out` with each chunk that becomes complete.
  mutating func add(_ batch: RecordBatch, _ out: ([RecordBatch]) -> Void) {
    guard let rows else {
      put(batch)
      if partRows >= Self.fewRows || partBytes >= 4 << 20, let chunk = finish() { out(chunk) }
      return
    }
    var start = 0
    let rowText = max(1, (batch.columns.map(\.textByteCount).max() ?? 0) / max(1, batch.rowCount))
    while start < batch.rowCount {
      let n = min(rows - partRows, batch.rowCount - start, max(1, Self.maxTextBytes / rowText))
      put(batch.slice(start..<start + n))
      partTextBytes += rowText * n
      start += n
      if partRows == rows || partBytes >= Self.maxBytes || partTextBytes >= Self.maxTextBytes, let chunk = finish() { out(chunk) }
    }
  }

  private mutating func put(_ batch: RecordBatch) {
    parts.append(batch)
    partRows += batch.rowCount
    partBytes += batch.byteSize
  }

  /// The rows left over; nil when there are none.
  mutating func finish() -> [RecordBatch]? {
    guard !parts.isEmpty else { return nil }
    defer {
      parts = []
      partRows = 0
      partBytes = 0
      partTextBytes = 0
    }
    return parts
  }
}

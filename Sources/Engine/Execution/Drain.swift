// Role: runs a stream to its end into a sink with a state for each thread: the end of every pipeline whose order does not matter, or whose
// sink restores the order from the position that comes with each batch.

import Columnar
import DataSource

/// Takes all batches of a stream.
protocol DrainSink: AnyObject, Sendable {
  /// Takes one batch. Calls of one slot never overlap; `position` grows within a slot. Returns false when no more rows are wanted.
  func consume(_ batch: RecordBatch, slot: Int, position: BatchPosition) throws -> Bool
}

/// Where a batch stands in the row order of its stream.
struct BatchPosition: Comparable, Hashable {
  var morsel: Int
  var batch: Int

  static func < (a: BatchPosition, b: BatchPosition) -> Bool { (a.morsel, a.batch) < (b.morsel, b.batch) }
}

extension QueryRun {
  /// Runs `stream` into `sink` on the pool; blocks until it is done.
  func drain(_ stream: any BatchStream, into sink: any DrainSink) throws {
    try check()
    try pool.start(DrainJob(stream, sink, self), parallelism: parallelism).wait()
  }

  /// Runs pieces of work on the pool; blocks.
  func forEach(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
    try pool.forEach(count, parallelism: parallelism) { i in
      try self.check()
      try body(i)
    }
  }
}

/// Hands out the morsels of a stream with their numbers.
final class MorselDispenser: @unchecked Sendable {  // guarded by `monitor`
  private let monitor = Monitor()
  private let stream: any BatchStream
  private let pool: WorkerPool
  private var next = 0
  private var isExhausted = false

  init(_ stream: any BatchStream, pool: WorkerPool) {
    self.stream = stream
    self.pool = pool
  }

  /// The next morsel and its number; nil at the end or after `stop`.
  func take() throws -> (morsel: any Morsel, number: Int)? {
    // A stream may wait for rows of a job below it; the pool then needs another thread for whoever waits here.
    if !monitor.tryLock() { pool.whileWaiting { monitor.lock() } }
    defer { monitor.unlock() }
    if isExhausted { return nil }
    guard let morsel = try stream.next() else {
      isExhausted = true
      return nil
    }
    defer { next += 1 }
    return (morsel, next)
  }

  /// Hands out nothing more.
  func stop() { monitor.withLock { isExhausted = true } }
}

private final class DrainJob: PoolJob {
  private let source: MorselDispenser
  private let sink: any DrainSink
  private let run: QueryRun

  init(_ stream: any BatchStream, _ sink: any DrainSink, _ run: QueryRun) {
    source = MorselDispenser(stream, pool: run.pool)
    self.sink = sink
    self.run = run
  }

  func step(slot: Int, handle: JobHandle) throws -> StepResult {
    try run.check()
    guard let (morsel, number) = try source.take() else { return .finished }
    var index = 0
    try morsel.read { batch in
      try run.check()
      defer { index += 1 }
      if batch.rowCount == 0 { return true }
      if try sink.consume(batch, slot: slot, position: BatchPosition(morsel: number, batch: index)) { return true }
      source.stop()
      return false
    }
    return .more
  }
}

// Role: the end of a query whose rows go to the caller: threads read morsels ahead within bounds, the calling thread gets the batches in order.

import Columnar
import DataSource

/// Runs a stream and gives its rows in order to one consumer.
final class CollectJob: PoolJob, Stoppable, @unchecked Sendable {  // guarded by `monitor`
  private let source: MorselDispenser
  private let run: QueryRun
  private let monitor = Monitor()
  private var merge = OrderedMerge()
  private var ready: [RecordBatch] = []
  private var readyBytes = 0
  private var reading = 0
  private var isExhausted = false
  private var isStopped = false
  private var error: (any Error)?
  /// Rows still wanted; nil without a limit.
  private var wanted: Int?
  private let lookAheadBytes: Int
  private static let readyLimit = 32 << 20

  init(_ stream: any BatchStream, run: QueryRun, limit: Int?) {
    source = MorselDispenser(stream, pool: run.pool)
    self.run = run
    wanted = limit
    isStopped = limit == 0
    lookAheadBytes = max(1 << 20, min(128 << 20, run.memory.limit / 8))
  }

  /// Runs to the end or until `consume` returns false.
  func collect(_ consume: (RecordBatch) throws -> Bool) throws {
    if isStopped { return }
    try run.whileStoppable(self) {
      let handle = run.pool.start(self, parallelism: run.parallelism)
      defer { stop(handle) }
      while let batches = try take(handle) {
        for batch in batches where try !consume(batch) { return }
      }
    }
  }

  /// Ends reading and waits for the steps in progress.
  func stop(_ handle: JobHandle) {
    source.stop()
    monitor.withLock {
      isStopped = true
      monitor.broadcast()
    }
    handle.finish()
    try? handle.wait()
  }

  /// What is ready, in order; nil at the end.
  func take(_ handle: JobHandle) throws -> [RecordBatch]? {
    let batches: [RecordBatch]? = try monitor.withLock {
      while true {
        if let error { throw error }
        try run.check()
        if !ready.isEmpty { break }
        if isStopped || isExhausted && reading == 0 { return nil }
        monitor.wait()
      }
      let wasFull = readyBytes > Self.readyLimit
      defer {
        ready = []
        readyBytes = 0
        if wasFull { monitor.broadcast() }
      }
      return ready
    }
    handle.wake()
    return batches
  }

  func stopWaiting() { monitor.withLock { monitor.broadcast() } }

  func step(slot: Int, handle: JobHandle) throws -> StepResult {
    do { return try readOne(handle) } catch {
      source.stop()
      monitor.withLock {
        if self.error == nil { self.error = error }
        isStopped = true
        monitor.broadcast()
      }
      return .finished
    }
  }

  private func readOne(_ handle: JobHandle) throws -> StepResult {
    let refusal: StepResult? = monitor.withLock {
      if isStopped { return .finished }
      if merge.bufferedBytes > lookAheadBytes || readyBytes > Self.readyLimit { return .idle }
      reading += 1
      return nil
    }
    if let refusal { return refusal }
    guard let (morsel, number) = try source.take() else {
      monitor.withLock {
        reading -= 1
        isExhausted = true
        monitor.broadcast()
      }
      return .finished
    }
    try morsel.read { try self.emit($0, from: number) }
    monitor.withLock {
      reading -= 1
      merge.complete(number, pass)
      monitor.broadcast()
    }
    handle.wake()
    return .more
  }

  private func emit(_ batch: RecordBatch, from number: Int) throws -> Bool {
    try run.check()
    if batch.rowCount == 0 { return !isStoppedNow }
    return try monitor.withLock {
      while !isStopped {
        try run.check()
        let isFull = number == merge.head ? readyBytes > Self.readyLimit : merge.bufferedBytes > lookAheadBytes
        if !isFull { break }
        monitor.wait()
      }
      if isStopped { return false }
      if merge.add(batch, from: number) {
        pass(batch)
        monitor.broadcast()
      }
      return !isStopped
    }
  }

  private var isStoppedNow: Bool { monitor.withLock { isStopped } }

  /// Appends to what is ready, up to the limit. Called with the lock held.
  private func pass(_ batch: RecordBatch) {
    var batch = batch
    if let left = wanted {
      if left == 0 { return }
      if batch.rowCount > left { batch = batch.slice(0..<left) }
      wanted = left - batch.rowCount
    }
    ready.append(batch)
    readyBytes += batch.byteSize
    if wanted == 0 {
      isStopped = true
      source.stop()
    }
  }
}

// Role: the batches of a stream, in row order, one at a time for whoever asks: threads of the pool read ahead within bounds.

import Columnar
import DataSource

/// Pulls a stream. Used by one thread at a time; stops reading when it is stopped or goes away.
final class BatchPull {
  private let job: CollectJob
  private let handle: JobHandle
  private let run: QueryRun
  private var ready: ArraySlice<RecordBatch> = []
  private var isStopped = false

  /// Starts reading.
  init(_ stream: any BatchStream, run: QueryRun) throws {
    try run.check()
    self.run = run
    job = CollectJob(stream, run: run, limit: nil)
    run.add(job)
    handle = run.pool.start(job, parallelism: run.parallelism)
  }

  deinit { stop() }

  /// The next batch; nil at the end. Waits for it.
  func next() throws -> RecordBatch? {
    if let batch = ready.popFirst() { return batch }
    if isStopped { return nil }
    let (job, handle) = (job, handle)
    guard let batches = try run.pool.whileWaiting({ try job.take(handle) }) else {
      stop()
      return nil
    }
    ready = batches[...]
    return ready.popFirst()
  }

  /// Ends reading; what was read ahead is dropped.
  func stop() {
    guard !isStopped else { return }
    isStopped = true
    ready = []
    job.stop(handle)
    run.remove(job)
  }
}

// Role: what all operators of one running query share: options, clock, memory, threads, the stop switch, the scans to report on.

import Columnar
import DataSource
import Expressions
import Synchronization

/// The state of one running query.
final class QueryRun: Sendable {
  let options: ExecutionOptions
  let context: EvaluationContext
  let memory: QueryMemory
  let pool: WorkerPool
  /// Threads that may work for this query; slots of its jobs.
  let parallelism: Int
  private let isCancelled = Atomic<Bool>(false)
  private let scans = Mutex<[any Scan]>([])
  private let jobs = Mutex<[any Stoppable]>([])

  init(options: ExecutionOptions, context: EvaluationContext, pool: WorkerPool = .shared) {
    self.options = options
    self.context = context
    self.pool = pool
    memory = QueryMemory(limit: options.memoryLimit)
    parallelism = max(1, min(options.threads ?? pool.threadCount, 1_024))
  }

  func cancel() {
    isCancelled.store(true, ordering: .relaxed)
    for job in jobs.withLock({ $0 }) { job.stopWaiting() }
    for scan in scans.withLock({ $0 }) { scan.stop() }
  }

  /// Throws CANCELLED when the query is to stop. Called once per batch.
  @inline(__always) func check() throws {
    if isCancelled.load(ordering: .relaxed) { throw KConnectError(.cancelled, "the query was cancelled") }
  }

  func register(_ scan: any Scan) { scans.withLock { $0.append(scan) } }

  /// Runs `body` while cancelling also wakes `job`.
  func whileStoppable<R>(_ job: any Stoppable, _ body: () throws -> R) throws -> R {
    add(job)
    defer { remove(job) }
    try check()
    return try body()
  }

  /// Cancelling wakes `job` until it is removed.
  func add(_ job: any Stoppable) { jobs.withLock { $0.append(job) } }
  func remove(_ job: any Stoppable) { jobs.withLock { $0.removeAll { $0 === job } } }

  /// The sum of all scans' counters.
  var progress: ScanMetrics {
    scans.withLock { $0 }.reduce(into: ScanMetrics()) { $0.add($1.metrics) }
  }
}

/// Something that may be waiting for another thread and looks again when told.
protocol Stoppable: AnyObject, Sendable {
  func stopWaiting()
}

extension ScanMetrics {
  mutating func add(_ other: ScanMetrics) {
    notes += other.notes.filter { !notes.contains($0) }
    bytesRead += other.bytesRead
    bytesTotal += other.bytesTotal
    rowsRead += other.rowsRead
    files += other.files
    filesPruned += other.filesPruned
    rowGroups += other.rowGroups
    rowGroupsPruned += other.rowGroupsPruned
    pages += other.pages
    pagesPruned += other.pagesPruned
    recordsDropped += other.recordsDropped
  }
}

/// A broken promise inside the engine.
func internalError(_ message: String) -> KConnectError {
  assertionFailure(message)
  return KConnectError(.internalError, message, hint: "this is a defect of KConnect; please report it with the query")
}

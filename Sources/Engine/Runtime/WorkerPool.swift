// Role: the engine's threads. A job is cut into steps (a morsel, a chunk to encode, a partition to merge); idle threads take steps of the
// running jobs in turn, so that queries share the cores fairly. One thread per core; when every thread is busy with other jobs, a further
// one is started so that no job waits for the end of another.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource

/// What a step leaves behind.
enum StepResult {
  /// There is more to do.
  case more
  /// Nothing to do until `JobHandle.wake()`.
  case idle
  /// No step will find work any more; steps of other slots may still be running.
  case finished
}

/// Work that threads take in steps. `slot` is below the parallelism asked for, and no two steps of one slot run at a time, so a job keeps
/// state for each slot without locks.
protocol PoolJob: AnyObject, Sendable {
  func step(slot: Int, handle: JobHandle) throws -> StepResult
}

/// A job in the pool.
final class JobHandle: @unchecked Sendable {  // guarded by the pool's monitor
  fileprivate let job: any PoolJob
  fileprivate let pool: WorkerPool
  fileprivate var freeSlots: [Int]
  fileprivate var running = 0
  fileprivate var isFinished = false
  fileprivate var isParked = false
  fileprivate var wakes = 0
  fileprivate var error: (any Error)?

  fileprivate init(_ job: any PoolJob, pool: WorkerPool, parallelism: Int) {
    self.job = job
    self.pool = pool
    freeSlots = Array((0..<parallelism).reversed())
  }

  fileprivate var isRunnable: Bool { !isFinished && !isParked && !freeSlots.isEmpty }

  /// There is work again after steps came back idle. Callable from anywhere but the pool's own lock.
  func wake() { pool.wake(self) }

  /// Blocks until no step runs and none will; throws the first error of a step.
  func wait() throws { try pool.wait(for: self) }

  /// Ends the job: no further step starts.
  func finish() { pool.finish(self, error: nil) }
}

/// The threads of the process.
package final class WorkerPool: @unchecked Sendable {  // guarded by `monitor`
  /// One thread per core; `KCONNECT_THREADS` overrides.
  package static let shared = WorkerPool(threads: environmentInteger("KCONNECT_THREADS", default: coreCount, range: 1...1_024))

  /// Cores this process may run on: its affinity mask, which `taskset` and containers narrow.
  // SAFETY: the symbol is glibc's `int sched_getaffinity(pid_t, size_t, cpu_set_t *)`, which fills at most the bytes it is told of.
  package static var coreCount: Int {
    typealias GetAffinity = @convention(c) (pid_t, Int, UnsafeMutableRawPointer) -> Int32
    var mask = [UInt64](repeating: 0, count: 128)
    if let symbol = unsafe dlsym(nil, "sched_getaffinity") {
      let getAffinity = unsafe unsafeBitCast(symbol, to: GetAffinity.self)
      let found = unsafe mask.withUnsafeMutableBytes { bytes in unsafe bytes.baseAddress.map { unsafe getAffinity(0, bytes.count, $0) } ?? -1 }
      if found == 0 { return max(1, mask.reduce(0) { $0 + $1.nonzeroBitCount }) }
    }
    return max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  }

  /// Threads used at most by one query unless it asks for fewer.
  package let threadCount: Int
  private let monitor = Monitor()
  private let done = Monitor()
  private var jobs: [JobHandle] = []
  private var nextJob = 0
  private var threads = 0
  private var idleThreads = 0
  /// Threads inside `whileWaiting`: they hold no core.
  private var waitingThreads = 0
  private static let maxThreads = 1_024

  init(threads: Int) { threadCount = threads }

  /// Starts a job whose steps use slots 0..<parallelism.
  func start(_ job: any PoolJob, parallelism: Int) -> JobHandle {
    let handle = JobHandle(job, pool: self, parallelism: max(1, parallelism))
    monitor.withLock {
      jobs.append(handle)
      startThreads(for: handle, wanted: handle.freeSlots.count)
      monitor.broadcast()
    }
    return handle
  }

  /// Runs `count` independent pieces of work on up to `parallelism` threads; throws the first error.
  func forEach(_ count: Int, parallelism: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
    if count == 0 { return }
    try start(IndexedJob(count: count, body: body), parallelism: min(parallelism, count)).wait()
  }

  /// Runs `body`, which may wait for other jobs of this pool; meanwhile another thread may take the caller's place.
  func whileWaiting<R>(_ body: () throws -> R) rethrows -> R {
    monitor.withLock {
      waitingThreads += 1
      for handle in jobs where handle.isRunnable { startThreads(for: handle, wanted: handle.freeSlots.count) }
    }
    defer { monitor.withLock { waitingThreads -= 1 } }
    return try body()
  }

  fileprivate func wake(_ handle: JobHandle) {
    monitor.withLock {
      handle.wakes += 1
      handle.isParked = false
      if handle.running == 0 { startThreads(for: handle, wanted: 1) }
      monitor.broadcast()
    }
  }

  fileprivate func finish(_ handle: JobHandle, error: (any Error)?) {
    monitor.withLock {
      end(handle, error: error)
      monitor.broadcast()
    }
  }

  fileprivate func wait(for handle: JobHandle) throws {
    try monitor.withLock {
      while !(handle.isFinished && handle.running == 0) { monitor.wait() }
      if let error = handle.error { throw error }
    }
  }

  private func end(_ handle: JobHandle, error: (any Error)?) {
    if handle.error == nil { handle.error = error }
    guard !handle.isFinished else { return }
    handle.isFinished = true
    jobs.removeAll { $0 === handle }
  }

  /// Fills the pool up to its size; beyond it, only so that a job without a thread gets one.
  private func startThreads(for handle: JobHandle, wanted: Int) {
    var missing = wanted - idleThreads
    while missing > 0, threads - waitingThreads < max(threadCount, wanted), threads < Self.maxThreads {
      startThread()
      missing -= 1
    }
    if idleThreads == 0, missing == wanted, handle.running == 0, threads < Self.maxThreads { startThread() }
    if threads == 0 {
      end(handle, error: KConnectError(.lowMemory, "cannot start a thread", hint: "the limit of processes (ulimit -u, pids of the control group) or of memory is reached"))
    }
  }

  private func startThread() {
    threads += 1
    if !SystemThread.start(stackSize: 16 << 20, { self.work() }) { threads -= 1 }
  }

  /// The life of a thread.
  private func work() {
    monitor.lock()
    while true {
      guard let handle = nextRunnable() else {
        if threads - waitingThreads > threadCount { break }
        idleThreads += 1
        monitor.wait()
        idleThreads -= 1
        continue
      }
      let slot = handle.freeSlots.removeLast()
      let wakesBefore = handle.wakes
      handle.running += 1
      monitor.unlock()
      var result = StepResult.finished
      var failure: (any Error)?
      do {
        let step = try handle.job.step(slot: slot, handle: handle)
        try checkColumnSizes()
        result = step
      } catch {
        failure = error
        _ = ColumnSize.takeExcess()
      }
      monitor.lock()
      handle.running -= 1
      handle.freeSlots.append(slot)
      switch result {
      case .more: break
      case .idle: if handle.wakes == wakesBefore { handle.isParked = true }
      case .finished: end(handle, error: failure)
      }
      if handle.isFinished, handle.running == 0 { monitor.broadcast() }
    }
    threads -= 1
    monitor.unlock()
  }

  /// The next job in turn that has work and a free slot.
  private func nextRunnable() -> JobHandle? {
    for k in 0..<jobs.count {
      let i = (nextJob + k) % jobs.count
      if jobs[i].isRunnable {
        nextJob = i + 1
        return jobs[i]
      }
    }
    return nil
  }
}

/// Pieces of work 0..<count.
private final class IndexedJob: PoolJob, @unchecked Sendable {  // guarded by `monitor`
  private let monitor = Monitor()
  private var next = 0
  private let count: Int
  private let body: @Sendable (Int) throws -> Void

  init(count: Int, body: @escaping @Sendable (Int) throws -> Void) {
    self.count = count
    self.body = body
  }

  func step(slot: Int, handle: JobHandle) throws -> StepResult {
    let i: Int? = monitor.withLock {
      guard next < count else { return nil }
      defer { next += 1 }
      return next
    }
    guard let i else { return .finished }
    try body(i)
    return .more
  }
}

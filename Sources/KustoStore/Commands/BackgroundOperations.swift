// Role: asynchronous commands: each on a thread of its own, so that the caller has its operation id at once; all are awaited before the
// process ends.

import Columnar
import DataSource
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

final class BackgroundOperations: Sendable {
  private let running = Mutex<[GUID: (thread: SystemThread, cancellation: RequestCancellation)]>([:])

  /// Starts `body`. Throws IO when the system gives no thread.
  func start(_ id: GUID, _ cancellation: RequestCancellation, _ body: @escaping @Sendable () -> Void) throws {
    let thread = try SystemThread(body)
    running.withLock { $0[id] = (thread, cancellation) }
  }

  /// Stops an operation of this process; false when it is not one of this process's.
  func cancel(_ id: GUID, reason: String?) -> Bool {
    let found = running.withLock { $0[id]?.cancellation }
    found?.cancel(reason: "the operation was cancelled" + (reason.map { ": \($0)" } ?? ""))
    return found != nil
  }

  /// Waits for all, also for those that start meanwhile.
  func drain() {
    while true {
      let threads = running.withLock { running in
        defer { running = [:] }
        return running.values.map { $0.thread }
      }
      if threads.isEmpty { return }
      for thread in threads { thread.join() }
    }
  }
}

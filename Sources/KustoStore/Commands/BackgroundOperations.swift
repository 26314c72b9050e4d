// Role: asynchronous commands: each on a thread of its own, so that the caller has its operation id at once; all are awaited before the
// process ends.

import Columnar
import DataSource
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

final class BackgroundOperations: Sendable {
  private let running = Mutex<[GUID: (thread: JoinableThread, cancellation: RequestCancellation)]>([:])

  /// Starts `body`. Throws IO when the system gives no thread.
  func start(_ id: GUID, _ cancellation: RequestCancellation, _ body: @escaping @Sendable () -> Void) throws {
    let thread = try JoinableThread(body)
    running.withLock { $0[id] = (thread, cancellation) }
  }

  /// Stops an operation of this process; false when it is not one of this process's.
  func cancel(_ id: GUID) -> Bool {
    let found = running.withLock { $0[id]?.cancellation }
    found?.cancel(reason: "the operation was cancelled")
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

/// A thread that is joined once.
final class JoinableThread: Sendable {
  private let handle: pthread_t

  init(_ body: @escaping @Sendable () -> Void) throws {
    let box = unsafe Unmanaged.passRetained(Body(body))
    var thread = pthread_t()
    // SAFETY: the box is retained for the thread, which takes it over; on failure it is released here.
    let code = unsafe pthread_create(
      &thread, nil,
      { raw in
        guard let raw = unsafe raw else { return nil }
        unsafe Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
        return nil
      }, unsafe box.toOpaque())
    guard code == 0 else {
      unsafe box.release()
      throw SystemError.make("cannot start a thread for", "an asynchronous operation", code)
    }
    handle = thread
  }

  /// Waits for the end; called once.
  func join() {
    _ = pthread_join(handle, nil)
  }

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
}

// Role: the bridge from async callers to the blocking engine. Blocking work never runs on Swift's cooperative pool: each call gets a thread of its own.

package import DataSource
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Threads for blocking calls.
package enum BlockingThread {
  /// Runs `body` on a new thread and suspends the caller until it returns. `cancel` is called, from any thread, when the caller's task is cancelled.
  package static func run<R: Sendable>(
    cancel: @escaping @Sendable () -> Void = {}, _ body: @escaping @Sendable () throws -> R
  ) async throws(KConnectError) -> R {
    let outcome: Result<R, KConnectError> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let started = SystemThread.start {
          let outcome: Result<R, KConnectError>
          do { outcome = .success(try body()) } catch { outcome = .failure(KConnectError(converting: error)) }
          continuation.resume(returning: outcome)
        }
        if !started { continuation.resume(returning: .failure(KConnectError(.io, "cannot start a thread", isRetryable: true))) }
      }
    } onCancel: {
      cancel()
    }
    return try outcome.get()
  }

  /// Runs `body` as a task and blocks the calling thread until it ends. Not for threads of the cooperative pool.
  package static func wait(_ body: @escaping @Sendable () async throws -> Void) throws {
    let done = ThreadGate()
    Task {
      do {
        try await body()
        done.open(nil)
      } catch { done.open(error) }
    }
    if let error = done.wait() { throw error }
  }
}

/// Lets one thread wait for another.
// SAFETY: owns the two pthread objects, which do not move, until deinit.
@safe private final class ThreadGate: @unchecked Sendable {  // fields behind the mutex
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var isOpen = false
  private var error: (any Error)?

  init() {
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(condition, nil)
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe pthread_cond_destroy(condition)
    unsafe mutex.deallocate()
    unsafe condition.deallocate()
  }

  func open(_ error: (any Error)?) {
    unsafe pthread_mutex_lock(mutex)
    self.error = error
    isOpen = true
    unsafe pthread_cond_broadcast(condition)
    unsafe pthread_mutex_unlock(mutex)
  }

  func wait() -> (any Error)? {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while !isOpen { unsafe pthread_cond_wait(condition, mutex) }
    return error
  }
}

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
        let started = start {
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

  /// Starts a detached thread; false when the system refuses.
  package static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
    let box = unsafe Unmanaged.passRetained(ThreadBody(body))
    var thread: pthread_t = 0
    let code = unsafe pthread_create(
      &thread, nil,
      { raw in
        guard let raw = unsafe raw else { return nil }
        unsafe Unmanaged<ThreadBody>.fromOpaque(raw).takeRetainedValue().run()
        return nil
      }, unsafe box.toOpaque())
    if code == 0 { pthread_detach(thread) } else { unsafe box.release() }
    return code == 0
  }
}

/// What a thread runs.
private final class ThreadBody: Sendable {
  let run: @Sendable () -> Void

  init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

// Role: time limits of running requests: one thread cancels those whose time is over.

import DataSource
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// The time limit of one request.
package final class Deadline: Sendable {
  package let seconds: Int
  fileprivate let at: Int
  fileprivate let cancellation: RequestCancellation
  private let fired = Atomic<Bool>(false)

  fileprivate init(seconds: Int, at: Int, _ cancellation: RequestCancellation) {
    self.seconds = seconds
    self.at = at
    self.cancellation = cancellation
  }

  /// Whether the limit was reached before the request ended.
  package var hasFired: Bool { fired.load(ordering: .relaxed) }

  fileprivate func fire() {
    fired.store(true, ordering: .relaxed)
    cancellation.cancel(reason: "the request took longer than \(seconds) seconds")
  }
}

/// The time limits of requests that run.
package final class Deadlines: Sendable {
  private struct State {
    var running: [ObjectIdentifier: Deadline] = [:]
    var hasThread = false
  }
  private let state = Mutex(State())
  /// Milliseconds between two looks at most. Limits are whole seconds: none is over before the look after it was set.
  private static let longestPause = 1_000

  package init() {}

  /// Milliseconds of a clock that never goes back.
  package static var now: Int {
    var time = timespec()
    // SAFETY: clock_gettime fills `time` during the call.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
  }

  /// Runs `body` under a limit of at least a second.
  package func limiting<R>(seconds: Int, _ cancellation: RequestCancellation, _ body: (Deadline) throws -> R) rethrows -> R {
    let deadline = Deadline(seconds: seconds, at: Self.now + seconds * 1_000, cancellation)
    let needsThread = state.withLock { state in
      state.running[ObjectIdentifier(deadline)] = deadline
      defer { state.hasThread = true }
      return !state.hasThread
    }
    if needsThread { _ = SystemThread.start { [self] in watch() } }
    defer { state.withLock { $0.running[ObjectIdentifier(deadline)] = nil } }
    return try body(deadline)
  }

  private func watch() {
    while true {
      let (over, next) = state.withLock { state in
        let now = Self.now
        let over = state.running.filter { $0.value.at <= now }
        for key in over.keys { state.running[key] = nil }
        return (Array(over.values), state.running.values.map { $0.at - now }.min() ?? Self.longestPause)
      }
      for deadline in over { deadline.fire() }
      usleep(UInt32(max(5, min(next, Self.longestPause)) * 1_000))
    }
  }
}

// Role: time limits of running requests: one thread cancels those whose time is over.

import DataSource
import KustoStore
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// The time limit of one request.
final class Deadline: Sendable {
  let seconds: Int
  fileprivate let at: Int
  fileprivate let cancellation: RequestCancellation
  private let fired = Atomic<Bool>(false)

  fileprivate init(seconds: Int, at: Int, _ cancellation: RequestCancellation) {
    self.seconds = seconds
    self.at = at
    self.cancellation = cancellation
  }

  /// Whether the limit was reached before the request ended.
  var hasFired: Bool { fired.load(ordering: .relaxed) }

  fileprivate func fire() {
    fired.store(true, ordering: .relaxed)
    cancellation.cancel(reason: "the request took longer than \(seconds) seconds")
  }
}

final class Deadlines: Sendable {
  private struct State {
    var running: [ObjectIdentifier: Deadline] = [:]
    var hasThread = false
  }
  private let state = Monitor(State())

  static var now: Int {
    var time = timespec()
    // SAFETY: clock_gettime fills `time` during the call.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
  }

  /// Runs `body` under a limit.
  func limiting<R>(seconds: Int, _ cancellation: RequestCancellation, _ body: (Deadline) throws -> R) rethrows -> R {
    let deadline = Deadline(seconds: seconds, at: Self.now + seconds * 1_000, cancellation)
    let needsThread = state.change { state in
      state.running[ObjectIdentifier(deadline)] = deadline
      defer { state.hasThread = true }
      return !state.hasThread
    }
    if needsThread { _ = SystemThread.start { [self] in watch() } }
    defer { state.change { $0.running[ObjectIdentifier(deadline)] = nil } }
    return try body(deadline)
  }

  private func watch() {
    while true {
      let next = state.change { state -> Int? in
        let now = Self.now
        for (key, deadline) in state.running where deadline.at <= now {
          deadline.fire()
          state.running[key] = nil
        }
        return state.running.values.map(\.at).min()
      }
      // Wakes for the next limit, or to look whether a nearer one has come.
      let pause = next.map { max(5, min($0 - Self.now, 1_000)) } ?? 1_000
      _ = state.wait(milliseconds: pause) { state -> Bool? in
        guard let nearest = state.running.values.map(\.at).min() else { return nil }
        return nearest < (next ?? Int.max) ? true : nil
      }
    }
  }
}

/// How many requests run at a time, in all and for one principal.
final class Permits: Sendable {
  private let state = Guarded<(all: Int, byPrincipal: [String: Int])>((0, [:]))
  private let limit: Int
  private let principalLimit: Int

  init(limit: Int, principalLimit: Int) {
    self.limit = limit
    self.principalLimit = principalLimit
  }

  var running: Int { state.withLock { $0.all } }

  /// Runs `body` when there is room; throws THROTTLED when there is not.
  func holding<R>(_ principal: String, _ body: () throws -> R) throws -> R {
    let refusal = state.withLock { state -> String? in
      if state.all >= limit { return "\(limit) requests run already (Origin: 'CapacityPolicy/Requests')" }
      let own = state.byPrincipal[principal, default: 0]
      if own >= principalLimit { return "\(principalLimit) requests of '\(principal)' run already (Origin: 'RequestRateLimitPolicy/Principal')" }
      state.all += 1
      state.byPrincipal[principal] = own + 1
      return nil
    }
    if let refusal { throw KConnectError(.throttled, "The request was throttled: \(refusal)", hint: "try again later", isRetryable: true) }
    defer {
      state.withLock { state in
        state.all -= 1
        let left = state.byPrincipal[principal, default: 1] - 1
        state.byPrincipal[principal] = left > 0 ? left : nil
      }
    }
    return try body()
  }
}

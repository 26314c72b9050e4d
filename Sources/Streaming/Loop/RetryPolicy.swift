// Role: what happens when a batch fails: again after a pause for a passing reason, without its bad files where that is wanted, else the error
// with the words on what to do next.

import DataSource

package struct RetryPolicy: Sendable {
  /// How often a passing failure is tried again within a batch.
  package var maxRetries = 5
  package var firstPauseMs: Int64 = 1_000
  package var longestPauseMs: Int64 = 60_000
  /// Waits in place of the system's clock, for tests.
  package var wait: (@Sendable (_ milliseconds: Int64) -> Void)?

  package init() {}

  /// The pause before try `attempt`, counted from 1: it doubles.
  package func pauseMs(_ attempt: Int) -> Int64 { min(longestPauseMs, firstPauseMs << Int64(min(30, attempt - 1))) }

  /// Runs `body`; after a failure `recover` may change what the next try does, and says whether it has.
  func run<R>(_ stop: StopSignal, recover: (KConnectError) throws -> Bool, _ body: () throws -> R) throws -> R {
    var attempt = 0
    while true {
      do { return try body() } catch let error as KConnectError {
        if stop.isSet { throw error }
        if error.isRetryable, attempt < maxRetries {
          attempt += 1
          if let wait { wait(pauseMs(attempt)) } else if stop.wait(milliseconds: pauseMs(attempt)) { throw error }
        } else {
          guard !error.isRetryable, error.code != .cancelled, try recover(error) else { throw error }
        }
      }
    }
  }

  /// The error of a batch that failed for good: what it leaves, and how it goes on.
  static func failed(_ error: KConnectError, batch: Int, checkpoint: String) -> KConnectError {
    guard error.code != .cancelled else { return error }
    var error = error
    let next = error.isRetryable
      ? "batch \(batch) stays planned in '\(checkpoint)': start the stream again when the cause has passed"
      : "batch \(batch) stays planned in '\(checkpoint)' and runs again, with the same rows, at the next start"
    error.hint = error.hint.map { "\($0); \(next)" } ?? next
    return error
  }
}

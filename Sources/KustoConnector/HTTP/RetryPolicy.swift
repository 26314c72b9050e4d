// Role: when and how often a request is sent again: exponential waits with jitter, `Retry-After`, failures that last are not tried again.
// Clock and chance are given from outside, so that tests neither wait nor vary.

import Columnar
package import DataSource

#if canImport(Glibc)
import Glibc
#endif

/// Time and chance.
package protocol RetryClock: Sendable {
  /// Waits; may be shorter when the process is stopping.
  func wait(milliseconds: Int)
  /// 0 ..< 1.
  func random() -> Double
  /// Ticks of 100 ns since the Unix epoch.
  var nowTicks: Int64 { get }
}

/// The clock of the machine.
package struct SystemClock: RetryClock {
  package init() {}

  package func wait(milliseconds: Int) {
    var rest = timespec(tv_sec: milliseconds / 1_000, tv_nsec: milliseconds % 1_000 * 1_000_000)
    while true {
      var left = timespec()
      // SAFETY: both arguments are live variables; the second takes the time that a signal left over.
      guard unsafe nanosleep(&rest, &left) == -1, errno == EINTR else { return }
      rest = left
    }
  }

  package func random() -> Double { Double.random(in: 0..<1) }

  package var nowTicks: Int64 {
    var time = timespec()
    // SAFETY: fills a live variable.
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) &* 10_000_000 &+ Int64(time.tv_nsec) / 100
  }
}

/// Attempts and waits. The defaults are the connector's: 4 attempts, waits from 1 s to 10 s.
package struct RetryPolicy: Sendable {
  package var attempts = 4
  package var baseMilliseconds = 1_000
  package var capMilliseconds = 10_000
  /// A longer `Retry-After` is not waited for.
  package var longestRetryAfterMilliseconds = 60_000
  package var clock: any RetryClock

  package init(attempts: Int = 4, clock: any RetryClock = SystemClock()) {
    self.attempts = attempts
    self.clock = clock
  }

  /// The wait before attempt `number` (2, 3, …): between half and all of base × 2^(number - 2), at most the cap.
  func wait(beforeAttempt number: Int) -> Int {
    let full = min(capMilliseconds, baseMilliseconds << min(number - 2, 16))
    return full / 2 + Int(Double(full / 2) * clock.random())
  }

  /// Runs `body` with the attempt's number (1, 2, …) until it succeeds, fails for good or attempts are used up. `unless` true: no other attempt;
  /// `when` false: not for this error. A wait that the service asks for is waited, unless it is very long.
  package func run<R>(unless: () -> Bool = { false }, when: (KConnectError) -> Bool = { _ in true }, _ body: (Int) throws -> R) throws -> R {
    var number = 1
    while true {
      do { return try body(number) } catch let error as KConnectError where error.isRetryable && number < attempts && !unless() && when(error) {
        let asked = RequestFailure.of(error)?.retryAfterMilliseconds
        if let asked, asked > longestRetryAfterMilliseconds { throw error }
        number += 1
        clock.wait(milliseconds: max(asked ?? 0, wait(beforeAttempt: number)))
      }
    }
  }

  /// The wait of a `Retry-After` header, seconds or a date, in milliseconds; nil when it is neither.
  static func retryAfter(_ header: String?, nowTicks: Int64) -> Int? {
    guard let header else { return nil }
    if let seconds = Int(header) { return seconds >= 0 && seconds < 1 << 31 ? seconds * 1_000 : nil }
    guard let ticks = HTTPDate.ticks(header) else { return nil }
    return max(0, Int((ticks - nowTicks) / 10_000))
  }
}

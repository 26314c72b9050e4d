// Role: the clocks of a query, replaceable in tests.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource

/// Wall clock and durations.
package struct StreamClock: Sendable {
  /// Milliseconds since 1970.
  package var now: @Sendable () -> Int64

  package init(now: @escaping @Sendable () -> Int64) { self.now = now }

  /// The system's clock; `KCONNECT_CLOCK`, milliseconds since 1970, moves the start of the process there, for tests of schedules.
  package static let system = StreamClock { SystemClock.wallMilliseconds + shiftMs }

  private static let shiftMs: Int64 = {
    // SAFETY: the environment is not changed by this program; the text is copied.
    guard let text = unsafe getenv("KCONNECT_CLOCK").map({ unsafe String(cString: $0) }), let start = Int64(text) else { return 0 }
    return start - SystemClock.wallMilliseconds
  }()

  /// Microseconds that only grow.
  static var ticks: Int64 { SystemClock.monotonicNanoseconds / 1_000 }

  /// `2026-01-31T00:00:00.123Z`.
  package static func text(_ milliseconds: Int64) -> String {
    let ticks = ScalarText.text(.datetime(milliseconds * 10_000)) ?? ""
    return String(ticks.dropLast(5)) + "Z"
  }
}

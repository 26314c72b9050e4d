// Role: the two clocks: the wall clock for `now()`, the monotonic one for durations.

import DataSource

package enum WallClock {
  /// Ticks of 100 ns since 1970-01-01T00:00:00Z.
  package static var nowTicks: Int64 { SystemClock.wallTicks }

  /// Nanoseconds since some fixed moment; only differences mean anything.
  package static var monotonicNanoseconds: Int64 { SystemClock.monotonicNanoseconds }
}

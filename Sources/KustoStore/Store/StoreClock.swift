// Role: the wall clock of commits and extents.

import DataSource

package enum StoreClock {
  /// Ticks of 100 ns since 1970-01-01T00:00:00Z.
  package static var nowTicks: Int64 { SystemClock.wallTicks }

  /// Milliseconds since 1970, as Delta's log has them.
  static var nowMilliseconds: Int64 { nowTicks / 10_000 }
}

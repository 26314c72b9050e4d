// Role: the wall clock of commits and extents.

#if canImport(Glibc)
import Glibc
#endif

package enum StoreClock {
  /// Ticks of 100 ns since 1970-01-01T00:00:00Z.
  package static var nowTicks: Int64 {
    var time = timespec()
    // SAFETY: clock_gettime fills `time` during the call.
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) &* 10_000_000 &+ Int64(time.tv_nsec) / 100
  }

  /// Milliseconds since 1970, as Delta's log has them.
  static var nowMilliseconds: Int64 { nowTicks / 10_000 }
}

// Role: the two clocks: the wall clock for `now()`, the monotonic one for durations.

#if canImport(Glibc)
import Glibc
#endif

package enum WallClock {
  /// Ticks of 100 ns since 1970-01-01T00:00:00Z.
  package static var nowTicks: Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) &* 10_000_000 &+ Int64(time.tv_nsec) / 100
  }

  /// Nanoseconds since some fixed moment; only differences mean anything.
  package static var monotonicNanoseconds: Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}

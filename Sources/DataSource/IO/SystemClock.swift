// Role: the system's clocks: the wall clock for times that are shown or stored, the monotonic one for waits and durations.

#if canImport(Glibc)
import Glibc
#endif

package enum SystemClock {
  /// Ticks of 100 ns since 1970-01-01T00:00:00Z. May step back when the clock is set.
  package static var wallTicks: Int64 {
    let time = read(CLOCK_REALTIME)
    return Int64(time.tv_sec) &* 10_000_000 &+ Int64(time.tv_nsec) / 100
  }

  /// Milliseconds since 1970-01-01T00:00:00Z.
  package static var wallMilliseconds: Int64 { wallTicks / 10_000 }

  /// Nanoseconds since some fixed moment, which only grow; only differences mean anything.
  package static var monotonicNanoseconds: Int64 {
    let time = read(CLOCK_MONOTONIC)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }

  private static func read(_ clock: clockid_t) -> timespec {
    var time = timespec()
    // SAFETY: the call fills the structure, which lives on the stack.
    unsafe clock_gettime(clock, &time)
    return time
  }
}

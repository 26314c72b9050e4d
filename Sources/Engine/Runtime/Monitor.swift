// Role: a mutex with a condition, for the few places of the engine where threads wait for each other.

#if canImport(Glibc)
import Glibc
#endif

/// A pthread mutex and one condition. Waiting releases the mutex; every change that others wait for is followed by `broadcast`.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe package final class Monitor: @unchecked Sendable {  // the pthread objects are made for sharing
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  /// A free mutex.
  package init() {
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(condition, nil)
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe pthread_cond_destroy(condition)
    unsafe mutex.deallocate()
    unsafe condition.deallocate()
  }

  /// Takes the mutex.
  package func lock() { unsafe pthread_mutex_lock(mutex) }
  /// True when the mutex was free and is held now.
  package func tryLock() -> Bool { unsafe pthread_mutex_trylock(mutex) == 0 }
  /// Gives the mutex back.
  package func unlock() { unsafe pthread_mutex_unlock(mutex) }
  /// Waits for a broadcast; the mutex is held before and after.
  package func wait() { unsafe pthread_cond_wait(condition, mutex) }
  /// Wakes one waiting thread.
  package func signal() { unsafe pthread_cond_signal(condition) }
  /// Wakes all waiting threads.
  package func broadcast() { unsafe pthread_cond_broadcast(condition) }

  /// Runs `body` with the mutex held.
  package func withLock<R>(_ body: () throws -> R) rethrows -> R {
    lock()
    defer { unlock() }
    return try body()
  }
}

/// Nanoseconds of a clock that never goes back.
@inline(__always) func monotonicNanoseconds() -> Int {
  var time = timespec()
  unsafe clock_gettime(CLOCK_MONOTONIC, &time)
  return Int(time.tv_sec) &* 1_000_000_000 &+ Int(time.tv_nsec)
}

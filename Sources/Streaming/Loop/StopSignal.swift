// Role: lets one thread wait for a time that others may cut short.

#if canImport(Glibc)
import Glibc
#endif

/// A mutex and a condition with timed waits.
// SAFETY: owns the two pthread objects, which do not move, until deinit.
@safe final class StopSignal: @unchecked Sendable {  // the pthread objects are made for sharing; `value` is guarded by the mutex
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var isRaised = false

  init() {
    unsafe pthread_mutex_init(mutex, nil)
    // Waits go by the clock that only grows: one that is set back would make them last.
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    unsafe pthread_cond_init(condition, &attributes)
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe pthread_cond_destroy(condition)
    unsafe mutex.deallocate()
    unsafe condition.deallocate()
  }

  /// Ends waits, now and later.
  func raise() {
    unsafe pthread_mutex_lock(mutex)
    isRaised = true
    unsafe pthread_cond_broadcast(condition)
    unsafe pthread_mutex_unlock(mutex)
  }

  var isSet: Bool {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return isRaised
  }

  /// Waits at most so long; true when raised.
  func wait(milliseconds: Int64) -> Bool {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    var until = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &until)
    until.tv_sec += Int(milliseconds / 1_000)
    until.tv_nsec += Int(milliseconds % 1_000) * 1_000_000
    if until.tv_nsec >= 1_000_000_000 {
      until.tv_sec += 1
      until.tv_nsec -= 1_000_000_000
    }
    while !isRaised {
      if unsafe pthread_cond_timedwait(condition, mutex, &until) == ETIMEDOUT { break }
    }
    return isRaised
  }
}

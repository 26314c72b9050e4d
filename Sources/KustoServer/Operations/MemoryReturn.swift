// Role: memory that large requests are done with goes back to the system: the C library keeps what was free once, and would go on with the most that
// a server ever needed.

import CLinux

/// When to give memory back. Any thread may ask for it, one does it.
package final class MemoryReturn: Sendable {
  /// Moments of `Deadlines.now`, in their order.
  private let due = Guarded<[Int]>([])
  /// Bytes of a body or an answer from which on it is worth while.
  private static let large = 16 << 20
  /// Milliseconds between two times at least.
  private static let pause = 1_000
  /// Milliseconds after which streamed rows have left the row log.
  private static let untilCommitted = 12_000

  package init() {}

  /// Has buffers of some megabytes go back as soon as they are free. For the program, at its start.
  static func atOnce() { kclinux_return_large_buffers() }

  /// A request is over that had so many bytes at a time.
  package func note(bytes: Int, now: Int) {
    guard bytes >= Self.large else { return }
    due.withLock { $0 = [min($0.first ?? Int.max, now + Self.pause), now + Self.untilCommitted] }
  }

  /// Whether it is time; the moment is over then.
  package func takeDue(now: Int) -> Bool {
    due.withLock { due in
      guard let first = due.first, first <= now else { return false }
      due.removeFirst()
      return true
    }
  }

  /// Gives memory back if it is time: milliseconds for each gigabyte that is in use.
  func work(now: Int) { if takeDue(now: now) { kclinux_trim_heap(0) } }
}

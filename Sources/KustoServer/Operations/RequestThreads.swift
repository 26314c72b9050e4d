// Role: the threads that answer requests. They are kept for later ones: to start a thread costs as much as a small request.

import Columnar
import DataSource
import Engine

/// Threads for work that blocks. Any thread.
final class RequestThreads: @unchecked Sendable {  // what changes is behind the monitor
  private let monitor = Engine.Monitor()
  /// Work that a waiting thread has been woken for.
  private var given: [@Sendable () -> Void] = []
  /// Threads that wait, with those that were woken and are not there yet.
  private var waiting = 0
  /// Threads that may wait; more end with their work.
  private static let most = 64

  /// Runs `work` on a thread of its own; false when the system gives none.
  func run(_ work: @escaping @Sendable () -> Void) -> Bool {
    let isGiven = monitor.withLock {
      guard waiting > given.count else { return false }
      given.append(work)
      monitor.signal()
      return true
    }
    return isGiven || SystemThread.start { [self] in go(on: work) }
  }

  private func go(on first: @Sendable () -> Void) {
    first()
    while let work = next() { work() }
  }

  private func next() -> (@Sendable () -> Void)? {
    // What kernels left on the thread belongs to the request that is over.
    _ = ColumnSize.takeExcess()
    return monitor.withLock {
      guard waiting < Self.most else { return nil }
      waiting += 1
      while given.isEmpty { monitor.wait() }
      waiting -= 1
      return given.removeFirst()
    }
  }
}

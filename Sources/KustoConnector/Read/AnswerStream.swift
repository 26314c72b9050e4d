// Role: an answer as something to pull from: the transfer runs on a thread of its own and waits when a few batches are not taken yet, so that memory
// stays flat and parsing goes on beside the engine.

import DataSource
import Engine
package import KustoWire

#if canImport(Glibc)
import Glibc
#endif

/// A running answer. Ends its transfer when it is released.
package final class AnswerStream: Sendable {
  private let channel: AnswerChannel

  /// Starts `produce` on a new thread. It gets what to call with each event, and what tells that nobody wants more.
  package init(
    capacity: Int = 4, _ produce: @escaping @Sendable (_ emit: @escaping (AnswerEvent) throws -> Void, _ isCancelled: @escaping @Sendable () -> Bool) throws -> Void
  ) throws {
    let channel = AnswerChannel(capacity: capacity)
    self.channel = channel
    let isStarted = SystemThread.start {
      do {
        try produce({ try channel.put($0) }, { channel.isCancelled })
        channel.end(nil)
      } catch { channel.end(error) }
    }
    if !isStarted { throw KConnectError(.io, "cannot start a thread", isRetryable: true) }
  }

  deinit { channel.cancel() }

  /// The next event; waits for it. Nil at the end. Throws what ended the transfer.
  package func next() throws -> AnswerEvent? { try channel.take() }

  /// Ends the transfer; threads that wait get CANCELLED.
  package func cancel() { channel.cancel() }
}

/// A bounded queue between the thread of the transfer and the readers.
private final class AnswerChannel: @unchecked Sendable {  // fields are guarded by `monitor`
  private let monitor = Monitor()
  private let capacity: Int
  private var events: [AnswerEvent] = []
  private var hasEnded = false
  private var hasBeenCancelled = false
  private var failure: (any Error)?

  init(capacity: Int) { self.capacity = capacity }

  var isCancelled: Bool { monitor.withLock { hasBeenCancelled } }

  func put(_ event: AnswerEvent) throws {
    try monitor.withLock {
      while events.count >= capacity, !hasBeenCancelled { monitor.wait() }
      if hasBeenCancelled { throw KConnectError(.cancelled, "the query was cancelled") }
      events.append(event)
      monitor.broadcast()
    }
  }

  func end(_ error: (any Error)?) {
    monitor.withLock {
      hasEnded = true
      failure = error
      monitor.broadcast()
    }
  }

  func take() throws -> AnswerEvent? {
    try monitor.withLock {
      while events.isEmpty, !hasEnded, !hasBeenCancelled { monitor.wait() }
      if hasBeenCancelled { throw KConnectError(.cancelled, "the query was cancelled") }
      if events.isEmpty {
        if let failure { throw failure }
        return nil
      }
      monitor.broadcast()
      return events.removeFirst()
    }
  }

  func cancel() {
    monitor.withLock {
      hasBeenCancelled = true
      events = []
      monitor.broadcast()
    }
  }
}

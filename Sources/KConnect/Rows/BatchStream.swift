// Role: results as an asynchronous sequence. A thread of its own runs the blocking query and waits when the consumer is a few batches behind.

public import DataSource
import Engine
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// The batches of a result in row order. Each iteration runs the query anew; leaving the loop stops it.
public struct BatchStream: AsyncSequence, Sendable {
  public typealias Element = Batch
  public typealias Failure = KConnectError

  let frame: DataFrame

  public func makeAsyncIterator() -> Iterator { Iterator(frame: frame) }

  /// Starts the query at the first `next`.
  public struct Iterator: AsyncIteratorProtocol {
    private let frame: DataFrame
    private var channel: BatchChannel?

    init(frame: DataFrame) { self.frame = frame }

    /// The next batch; nil at the end. Throws what the query throws.
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(KConnectError) -> Batch? {
      let channel: BatchChannel
      if let running = self.channel {
        channel = running
      } else {
        channel = BatchChannel(try frame.session.execution(frame.plan))
        self.channel = channel
        try channel.start()
      }
      return try await channel.next()
    }

    /// The next batch; nil at the end. Throws what the query throws.
    public mutating func next() async throws(KConnectError) -> Batch? { try await next(isolation: #isolation) }
  }
}

/// A bounded channel between the query's thread, which blocks, and one asynchronous consumer, which suspends.
/// The query is stopped when the consumer drops the channel.
private final class BatchChannel: Sendable {
  private let state: ChannelState

  init(_ execution: QueryExecution) { state = ChannelState(execution) }

  deinit { state.stop() }

  func start() throws(KConnectError) {
    let state = state
    guard SystemThread.start({ state.runQuery() }) else { throw KConnectError(.io, "cannot start a thread", isRetryable: true) }
  }

  func next() async throws(KConnectError) -> Batch? {
    let state = state
    let outcome = await withTaskCancellationHandler {
      await withCheckedContinuation { state.receive($0) }
    } onCancel: {
      state.stop()
    }
    return try outcome.get()
  }
}

// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe private final class ChannelState: @unchecked Sendable {  // the semaphore is thread-safe, everything else is behind the mutex
  private typealias Outcome = Result<Batch?, KConnectError>
  private struct Contents {
    var ready: [Outcome] = []
    var waiting: CheckedContinuation<Result<Batch?, KConnectError>, Never>?
    var isFinished = false
    var isStopped = false
  }

  private static let capacity: UInt32 = 4
  private let execution: QueryExecution
  private let contents = Mutex(Contents())
  private let room: UnsafeMutablePointer<sem_t>

  init(_ execution: QueryExecution) {
    self.execution = execution
    unsafe room = .allocate(capacity: 1)
    unsafe sem_init(room, 0, Self.capacity)
  }

  deinit {
    unsafe sem_destroy(room)
    unsafe room.deallocate()
  }

  /// On the query's thread.
  func runQuery() {
    let last: Outcome
    do {
      try execution.run { batch in
        while unsafe sem_wait(room) != 0 {}
        if contents.withLock({ $0.isStopped }) { return false }
        send(.success(Batch(batch)))
        return true
      }
      last = .success(nil)
    } catch {
      last = .failure(KConnectError(converting: error))
    }
    send(last)
  }

  private func send(_ outcome: Outcome) {
    let waiting: CheckedContinuation<Result<Batch?, KConnectError>, Never>? = contents.withLock { contents in
      if case .success(.some) = outcome {} else { contents.isFinished = true }
      guard let waiting = contents.waiting else {
        contents.ready.append(outcome)
        return nil
      }
      contents.waiting = nil
      return waiting
    }
    if let waiting {
      unsafe sem_post(room)
      waiting.resume(returning: outcome)
    }
  }

  /// On the consumer's side.
  func receive(_ continuation: CheckedContinuation<Result<Batch?, KConnectError>, Never>) {
    let outcome: Outcome? = contents.withLock { contents in
      if !contents.ready.isEmpty { return contents.ready.removeFirst() }
      if contents.isFinished { return .success(nil) }
      contents.waiting = continuation
      return nil
    }
    if let outcome {
      unsafe sem_post(room)
      continuation.resume(returning: outcome)
    }
  }

  /// Ends the query soon; a producer waiting for room wakes up.
  func stop() {
    contents.withLock { $0.isStopped = true }
    execution.cancel()
    unsafe sem_post(room)
  }
}

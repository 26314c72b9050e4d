// Role: a running streaming query as its owner sees it: identity, status, progress, stop, and how it ended.

public import DataSource
public import Streaming
import Synchronization

/// What a query is doing.
public struct StreamingQueryStatus: Sendable, Hashable {
  public var message: String
  public var isDataAvailable: Bool
  public var isTriggerActive: Bool
}

/// A streaming query. It runs until it is stopped, its trigger ends it, or it fails.
public final class StreamingQuery: Sendable {
  private struct State: Sendable {
    var recent: [StreamingQueryProgress] = []
    var failure: KConnectError?
    var hasEnded = false
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  /// Progress records kept.
  private static let keptRecords = 100
  private let execution: MicroBatchExecution
  private let state: StateBox
  /// The name given with `queryName`.
  public let name: String?

  private final class StateBox: Sendable {
    let value = Mutex(State())
  }

  init(
    _ writer: DataStreamWriter, manager: StreamingQueryManager,
    _ make: (DataStreamWriter, @escaping @Sendable (StreamingQueryProgress) -> Void) throws -> MicroBatchExecution
  ) throws {
    let box = StateBox()
    let name = writer.settings.name
    try manager.reserve(name)
    let events = QueryEvents(manager: manager, name: name)
    var writer = writer
    writer.settings.onIdle = { events.idle() }
    let made: MicroBatchExecution
    do { made = try make(writer, { progress in
      box.value.withLock { state in
        state.recent.append(progress)
        if state.recent.count > Self.keptRecords { state.recent.removeFirst() }
      }
      events.progress(progress)
    }) } catch {
      manager.release(name)
      throw error
    }
    let execution = made
    self.execution = execution
    self.name = name
    state = box
    events.started(execution)
    manager.add(self)
    let started = SystemThread.start {
      var failure: KConnectError?
      do { try execution.run() } catch { failure = KConnectError(converting: error) }
      let waiters = box.value.withLock { state in
        state.failure = failure
        state.hasEnded = true
        defer { state.waiters = [] }
        return state.waiters
      }
      manager.remove(execution.runId, name)
      events.terminated(execution, failure)
      for waiter in waiters { waiter.resume() }
    }
    if !started {
      manager.remove(execution.runId, name)
      throw KConnectError(.io, "cannot start a thread", isRetryable: true)
    }
  }

  /// The query's identity for ever: it stands in the checkpoint.
  public var id: String { execution.id }
  /// The identity of this run.
  public var runId: String { execution.runId }
  /// False once the query has ended.
  public var isActive: Bool { !state.value.withLock { $0.hasEnded } }
  /// What it is doing now.
  public var status: StreamingQueryStatus {
    if let failure = exception { return StreamingQueryStatus(message: "Terminated with exception: \(failure.message)", isDataAvailable: false, isTriggerActive: false) }
    let now = execution.status
    return StreamingQueryStatus(message: now.message, isDataAvailable: now.isDataAvailable, isTriggerActive: now.isTriggerActive)
  }
  /// The last batch; nil before the first.
  public var lastProgress: StreamingQueryProgress? { state.value.withLock { $0.recent.last } }
  /// The last hundred batches, oldest first.
  public var recentProgress: [StreamingQueryProgress] { state.value.withLock { $0.recent } }
  /// What ended the query, nil while it runs and after a normal end.
  public var exception: KConnectError? { state.value.withLock { $0.failure } }

  /// Waits for the end of the query; throws what ended it.
  public func awaitTermination() async throws(KConnectError) {
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      let hasEnded = state.value.withLock { state in
        if !state.hasEnded { state.waiters.append(continuation) }
        return state.hasEnded
      }
      if hasEnded { continuation.resume() }
    }
    if let failure = exception { throw failure }
  }

  /// Waits for the end at most so long; false when the query still runs. Throws what ended it, CANCELLED in a task that is cancelled.
  public func awaitTermination(timeout: Duration) async throws(KConnectError) -> Bool {
    let clock = ContinuousClock()
    let end = clock.now.advanced(by: timeout)
    while isActive, clock.now < end { try await Self.pause(.milliseconds(5)) }
    if let failure = exception { throw failure }
    return !isActive
  }

  /// Waits until everything that is there now has been processed. Throws what ended the query, CANCELLED in a task that is cancelled.
  public func processAllAvailable() async throws(KConnectError) {
    // Two empty looks at the sources: the first may have begun before the call.
    let before = execution.emptyTriggerCount
    while isActive, execution.emptyTriggerCount < before + 2 { try await Self.pause(.milliseconds(2)) }
    if let failure = exception { throw failure }
  }

  /// Waits a moment. In a task that is cancelled no sleep waits: throws CANCELLED.
  static func pause(_ duration: Duration) async throws(KConnectError) {
    do { try await Task.sleep(for: duration) } catch {
      throw KConnectError(.cancelled, "the task that waits for a streaming query was cancelled", hint: "the query runs on; stop() ends it")
    }
  }

  /// Ends the query after the batch at hand and waits for it; throws what ended it otherwise.
  public func stop() async throws(KConnectError) {
    execution.stop()
    try await awaitTermination()
  }
}

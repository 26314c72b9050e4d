// Role: a write that goes on behind the call that began it (the option writeEnableAsync): its end can be waited for, and no failure is lost.

public import DataSource
import Synchronization

/// A write under way. Thread-safe.
public final class WriteHandle: Sendable {
  private struct State {
    var outcome: Result<WriteSummary, KConnectError>?
    var waiting: [@Sendable (Result<WriteSummary, KConnectError>) -> Void] = []
  }

  private let state = Mutex(State())
  private let onCancel: @Sendable () -> Void

  /// Runs `body` on a thread of its own. Throws IO when there is none to be had.
  init(cancel: @escaping @Sendable () -> Void, _ body: @escaping @Sendable () throws -> WriteSummary) throws {
    onCancel = cancel
    let started = SystemThread.start { [self] in
      let outcome: Result<WriteSummary, KConnectError>
      do { outcome = .success(try body()) } catch { outcome = .failure(KConnectError(converting: error)) }
      let waiting = state.withLock { state in
        state.outcome = outcome
        defer { state.waiting = [] }
        return state.waiting
      }
      for tell in waiting { tell(outcome) }
    }
    if !started { throw KConnectError(.io, "cannot start a thread", isRetryable: true) }
  }

  /// True when the write has ended, one way or the other.
  public var isDone: Bool { state.withLock { $0.outcome != nil } }

  /// Ends the write; what it has staged goes, and `wait` throws CANCELLED.
  public func cancel() { onCancel() }

  /// The same on a thread that may block.
  package func waitBlocking() throws -> WriteSummary {
    try BlockingThread.wait { [self] in _ = try await wait() }
    return try state.withLock { $0.outcome }?.get() ?? WriteSummary()
  }

  /// Waits for the end. Throws what the write failed with, each time it is asked.
  public func wait() async throws(KConnectError) -> WriteSummary {
    let outcome: Result<WriteSummary, KConnectError> = await withCheckedContinuation { continuation in
      let known = state.withLock { state in
        if state.outcome == nil { state.waiting.append { continuation.resume(returning: $0) } }
        return state.outcome
      }
      if let known { continuation.resume(returning: known) }
    }
    return try outcome.get()
  }
}

/// The writes of a session that go on behind their calls.
final class PendingWrites: Sendable {
  private let handles = Mutex<[WriteHandle]>([])

  func add(_ handle: WriteHandle) { handles.withLock { $0.append(handle) } }

  /// Those that were begun and not handed over yet.
  func take() -> [WriteHandle] {
    handles.withLock { handles in
      defer { handles = [] }
      return handles
    }
  }
}

extension Session {
  /// The writes begun with `writeEnableAsync=true` since the last call; `wait` of each tells how it ended.
  ///
  ///     try await df.write.format("kusto").option("writeEnableAsync", true).save("https://cluster/db.T")
  ///     for write in spark.takePendingWrites() { print(try await write.wait().rows) }
  public func takePendingWrites() -> [WriteHandle] { pendingWrites.take() }
}

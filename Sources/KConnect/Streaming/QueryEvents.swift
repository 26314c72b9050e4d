// Role: carries the events of one query to the session's listeners.

import DataSource
import Streaming
import Synchronization

final class QueryEvents: Sendable {
  private let manager: StreamingQueryManager
  private let name: String?
  /// Id and run id, known once the checkpoint is open.
  private let identity = Mutex<(id: String, runId: String)?>(nil)

  init(manager: StreamingQueryManager, name: String?) {
    self.manager = manager
    self.name = name
  }

  private static var now: Int64 { WallClock.nowTicks / 10_000 }

  func started(_ execution: MicroBatchExecution) {
    identity.withLock { $0 = (execution.id, execution.runId) }
    let event = QueryStartedEvent(id: execution.id, runId: execution.runId, name: name, timestampMs: Self.now)
    for listener in manager.listeners { listener.onQueryStarted(event) }
  }

  func progress(_ progress: StreamingQueryProgress) {
    for listener in manager.listeners { listener.onQueryProgress(QueryProgressEvent(progress: progress)) }
  }

  func idle() {
    guard let (id, runId) = identity.withLock({ $0 }) else { return }
    let event = QueryIdleEvent(id: id, runId: runId, timestampMs: Self.now)
    for listener in manager.listeners { listener.onQueryIdle(event) }
  }

  func terminated(_ execution: MicroBatchExecution, _ failure: KConnectError?) {
    let event = QueryTerminatedEvent(id: execution.id, runId: execution.runId, exception: failure)
    for listener in manager.listeners { listener.onQueryTerminated(event) }
  }
}

// Role: who is told what streaming queries do, as in Spark.

public import DataSource
public import Streaming

/// A query has been started.
public struct QueryStartedEvent: Sendable, Hashable {
  public let id: String
  public let runId: String
  public let name: String?
  /// Milliseconds since 1970.
  public let timestampMs: Int64
}

/// A batch is done.
public struct QueryProgressEvent: Sendable {
  public let progress: StreamingQueryProgress
}

/// Nothing new has come for ten seconds, and each ten seconds after that.
public struct QueryIdleEvent: Sendable, Hashable {
  public let id: String
  public let runId: String
  /// Milliseconds since 1970.
  public let timestampMs: Int64
}

/// A query has ended.
public struct QueryTerminatedEvent: Sendable {
  public let id: String
  public let runId: String
  /// What ended it; nil after a normal end.
  public let exception: KConnectError?
}

/// Hears what queries do: `spark.streams.addListener(listener)`. `onQueryStarted` is called before `start()` returns, the others on the
/// query's thread, which waits for them.
public protocol StreamingQueryListener: AnyObject, Sendable {
  func onQueryStarted(_ event: QueryStartedEvent)
  func onQueryProgress(_ event: QueryProgressEvent)
  func onQueryIdle(_ event: QueryIdleEvent)
  func onQueryTerminated(_ event: QueryTerminatedEvent)
}

extension StreamingQueryListener {
  public func onQueryStarted(_ event: QueryStartedEvent) {}
  public func onQueryProgress(_ event: QueryProgressEvent) {}
  public func onQueryIdle(_ event: QueryIdleEvent) {}
  public func onQueryTerminated(_ event: QueryTerminatedEvent) {}
}

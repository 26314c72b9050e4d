// Role: the streaming queries of a session: which run, who listens to them, and waiting for any of them.

public import DataSource
import Streaming
import Synchronization

/// The active queries of a session and their listeners.
public final class StreamingQueryManager: Sendable {
  private struct State: Sendable {
    var queries: [StreamingQuery] = []
    var names: Set<String> = []
    var listeners: [any StreamingQueryListener] = []
  }

  private let state = Mutex(State())

  init() {}

  /// Queries that have not ended, in the order they were started.
  public var active: [StreamingQuery] { state.withLock { $0.queries } }

  /// The active query of that id, nil when there is none.
  public func get(_ id: String) -> StreamingQuery? { active.first { $0.id == id } }

  /// Adds a listener; it hears of queries from now on.
  public func addListener(_ listener: any StreamingQueryListener) { state.withLock { $0.listeners.append(listener) } }

  /// Removes a listener.
  public func removeListener(_ listener: any StreamingQueryListener) { state.withLock { $0.listeners.removeAll { $0 === listener } } }

  var listeners: [any StreamingQueryListener] { state.withLock { $0.listeners } }

  /// Takes a query name. Throws ALREADY_EXISTS when an active query has it.
  func reserve(_ name: String?) throws {
    guard let name else { return }
    guard state.withLock({ $0.names.insert(name).inserted }) else {
      throw KConnectError(.alreadyExists, "a query named '\(name)' is running in this session", hint: "stop it first, or choose another name")
    }
  }

  func release(_ name: String?) { state.withLock { state in if let name { state.names.remove(name) } } }

  func add(_ query: StreamingQuery) { state.withLock { $0.queries.append(query) } }

  func remove(_ runId: String, _ name: String?) {
    state.withLock { state in
      state.queries.removeAll { $0.runId == runId }
      if let name { state.names.remove(name) }
    }
  }

  /// Waits until one of the queries that are active now has ended; throws what ended it, CANCELLED in a task that is cancelled. Returns at once when
  /// there is none.
  public func awaitAnyTermination() async throws(KConnectError) {
    let queries = active
    if queries.isEmpty { return }
    while queries.allSatisfy(\.isActive) { try await StreamingQuery.pause(.milliseconds(5)) }
    if let failure = queries.first(where: { !$0.isActive })?.exception { throw failure }
  }
}

// Role: the requests of this process: those running, to be listed and cancelled, and the last ones that ended.

import Columnar
import DataSource
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// A request as `.show queries` lists it.
struct RequestRecord: Sendable {
  var request: Request
  var updatedOn: Int64
  /// `Running`, `Completed`, `Failed`, `Canceled`.
  var state: String
  var failure: String
}

/// A request among the running ones, until `end` or until nobody holds the ticket any more.
final class RequestTicket: Sendable {
  private let requests: RunningRequests
  private let request: Request
  private let hasEnded = Atomic<Bool>(false)

  init(_ requests: RunningRequests, _ request: Request) {
    self.requests = requests
    self.request = request
    requests.begin(request)
  }

  deinit { end(failure: nil) }

  func end(failure: (any Error)?) {
    if !hasEnded.exchange(true, ordering: .relaxed) { requests.end(request, failure: failure) }
  }
}

final class RunningRequests: Sendable {
  private struct State {
    var running: [ObjectIdentifier: Request] = [:]
    /// Newest last.
    var ended: [RequestRecord] = []
  }
  private let state = Mutex(State())
  private static let kept = 1_000

  func begin(_ request: Request) { state.withLock { $0.running[ObjectIdentifier(request)] = request } }

  func end(_ request: Request, failure: (any Error)?) {
    let isCancelled = (failure as? KConnectError)?.code == .cancelled
    let record = RequestRecord(
      request: request, updatedOn: StoreClock.nowTicks, state: failure == nil ? "Completed" : isCancelled ? "Canceled" : "Failed",
      failure: failure.map { ($0 as? KConnectError)?.message ?? "\($0)" } ?? "")
    state.withLock { state in
      state.running[ObjectIdentifier(request)] = nil
      state.ended.append(record)
      if state.ended.count > Self.kept { state.ended.removeFirst(state.ended.count - Self.kept) }
    }
  }

  /// Running first, then ended, newest first.
  func all() -> [RequestRecord] {
    state.withLock { state in
      let now = StoreClock.nowTicks
      let running = state.running.values.sorted { $0.startedOn > $1.startedOn }
      return running.map { RequestRecord(request: $0, updatedOn: now, state: "Running", failure: "") } + state.ended.reversed()
    }
  }

  func cancel(_ id: String, reason: String?) -> Bool {
    let found = state.withLock { $0.running.values.first { $0.properties.requestId == id } }
    found?.properties.cancellation.cancel(reason: reason.map { "the request was cancelled: \($0)" })
    return found != nil
  }
}

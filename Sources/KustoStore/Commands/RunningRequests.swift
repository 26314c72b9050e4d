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
  var usage = RequestUsage()
}

/// What the results of a request took, as far as their rows were read.
struct RequestUsage: Sendable {
  /// Ticks of the process while the rows were made.
  var cpu: Int64 = 0
  /// Bytes.
  var peakMemory = 0
  var extents = 0, extentsPruned = 0, rowsRead = 0
  var tables: [(rows: Int, bytes: Int)] = []

  /// As `.show queries` has it.
  var scanned: DynamicValue {
    .bag([
      DynamicEntry("TotalExtentsCount", .long(Int64(extents + extentsPruned))), DynamicEntry("ScannedExtentsCount", .long(Int64(extents))),
      DynamicEntry("ScannedRowsCount", .long(Int64(rowsRead))),
    ])
  }

  /// As `.show queries` has it.
  var results: DynamicValue {
    .bag([
      DynamicEntry("TableCount", .long(Int64(tables.count))),
      DynamicEntry(
        "TablesStatistics",
        .array(tables.map { .bag([DynamicEntry("RowCount", .long(Int64($0.rows))), DynamicEntry("TableSize", .long(Int64($0.bytes)))]) })),
    ])
  }
}

/// A request among the running ones, until `end` or until nobody holds the ticket any more.
final class RequestTicket: Sendable {
  private let requests: RunningRequests
  private let request: Request
  private let hasEnded = Atomic<Bool>(false)
  private let usage = Mutex(RequestUsage())

  init(_ requests: RunningRequests, _ request: Request) {
    self.requests = requests
    self.request = request
    requests.begin(request)
  }

  deinit { end(failure: nil) }

  func end(failure: (any Error)?) {
    if !hasEnded.exchange(true, ordering: .relaxed) { requests.end(request, failure: failure, usage.withLock { $0 }) }
  }

  /// Adds what the run of one result took.
  func add(_ scan: ScanMetrics, peakMemory: Int, cpu: Int64, rows: Int, bytes: Int) {
    usage.withLock { usage in
      usage.cpu += cpu
      usage.peakMemory = max(usage.peakMemory, peakMemory)
      usage.extents += scan.files
      usage.extentsPruned += scan.filesPruned
      usage.rowsRead += scan.rowsRead
      usage.tables.append((rows, bytes))
    }
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

  func end(_ request: Request, failure: (any Error)?, _ usage: RequestUsage) {
    let isCancelled = (failure as? KConnectError)?.code == .cancelled
    let record = RequestRecord(
      request: request, updatedOn: StoreClock.nowTicks, state: failure == nil ? "Completed" : isCancelled ? "Canceled" : "Failed",
      failure: failure.map { ($0 as? KConnectError)?.message ?? "\($0)" } ?? "", usage: usage)
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

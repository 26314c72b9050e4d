// Role: the requests of this process: those running, to be listed and cancelled, and the queries that ended, on their way to the store's log.

import Columnar
import DataSource
package import Engine
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// A request that has ended.
struct EndedRequest: Sendable {
  var request: Request
  var updatedOn: Int64
  var failure: (any Error)?
  var usage: RequestUsage
}

extension QueryRecord {
  /// A running query.
  init(_ request: Request, now: Int64) { self.init(request, updatedOn: now, state: "Running", failure: "", RequestUsage()) }

  init(_ ended: EndedRequest) {
    let isCancelled = (ended.failure as? KConnectError)?.code == .cancelled
    self.init(
      ended.request, updatedOn: ended.updatedOn, state: ended.failure == nil ? "Completed" : isCancelled ? "Canceled" : "Failed",
      failure: ended.failure.map { LoggedText.hidingSecrets(CommandRun.message($0)) } ?? "", ended.usage)
  }

  private init(_ request: Request, updatedOn: Int64, state: String, failure: String, _ usage: RequestUsage) {
    self.init(
      activityId: request.activityId, requestId: request.properties.requestId, text: LoggedText.hidingSecrets(request.text), database: request.database ?? "",
      principal: request.principal, application: request.properties.application, startedOn: request.startedOn, updatedOn: updatedOn, state: state,
      failure: failure, cpu: usage.cpu, peakMemory: usage.peakMemory, scanned: usage.scanned, results: usage.results)
  }
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
package final class RequestTicket: Sendable {
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

  /// Runs one result: `body` gets the run that `prepare` makes. What it takes is counted in; its failure ends the request.
  package func running<R>(_ prepare: () throws -> QueryExecution, _ body: (QueryExecution) throws -> R) throws -> R {
    do {
      let execution = try prepare(), began = processTicks()
      defer { add(execution, cpu: processTicks() - began) }
      return try body(execution)
    } catch {
      end(failure: error)
      throw error
    }
  }

  private func add(_ execution: QueryExecution, cpu: Int64) {
    let scan = execution.progress
    usage.withLock { usage in
      usage.cpu += cpu
      usage.peakMemory = max(usage.peakMemory, execution.peakMemory)
      usage.extents += scan.files
      usage.extentsPruned += scan.filesPruned
      usage.rowsRead += scan.rowsRead
      usage.tables.append(execution.produced)
    }
  }
}

/// The requests of this process. Queries that have ended stand here for a while, and soon in the store's log as well, written by a thread that lives
/// as long as there are some: who ends a request waits for nothing.
final class RunningRequests: Sendable {
  private struct State {
    var running: [ObjectIdentifier: Request] = [:]
    /// Queries, newest last.
    var ended: [EndedRequest] = []
    /// How many of the newest of them are not in the log.
    var unwritten = 0
    var hasWriter = false
  }
  private let state = Mutex(State())
  private let log: QueryLog
  /// One at a time writes.
  private let writing = Mutex(())
  private static let kept = 1_000
  private static let pauseMicroseconds: UInt32 = 1_000_000

  init(_ log: QueryLog) { self.log = log }

  func begin(_ request: Request) { state.withLock { $0.running[ObjectIdentifier(request)] = request } }

  func end(_ request: Request, failure: (any Error)?, _ usage: RequestUsage) {
    let ended = EndedRequest(request: request, updatedOn: StoreClock.nowTicks, failure: failure, usage: usage)
    let needsWriter = state.withLock { state in
      state.running[ObjectIdentifier(request)] = nil
      if request.isCommand { return false }
      state.ended.append(ended)
      state.unwritten = min(state.unwritten + 1, QueryLog.most)
      let most = max(Self.kept, state.unwritten)
      if state.ended.count >= most + Self.kept { state.ended.removeFirst(state.ended.count - most) }
      defer { state.hasWriter = true }
      return !state.hasWriter
    }
    if needsWriter { startWriter() }
  }

  // MARK: The log

  private func startWriter() {
    let started = SystemThread.start { [weak self] in
      repeat { usleep(RunningRequests.pauseMicroseconds) } while self?.goesOnWriting() ?? false
    }
    if !started { state.withLock { $0.hasWriter = false } }
  }

  /// Writes what has ended; false when there was nothing, and the writer ends.
  private func goesOnWriting() -> Bool {
    if writeEnded() { return true }
    return state.withLock { state in
      state.hasWriter = state.unwritten > 0
      return state.hasWriter
    }
  }

  /// Brings what has ended into the log; false when there was nothing. While another process writes, it waits for the next time; what cannot be
  /// written for other reasons (a store that takes no writes, a full disk) is left out.
  @discardableResult
  func writeEnded() -> Bool {
    writing.withLock { _ in
      let ended = state.withLock { state in
        defer { state.unwritten = 0 }
        return state.ended.suffix(state.unwritten)
      }
      if ended.isEmpty { return false }
      do { try log.add(ended.map { QueryRecord($0) }) } catch {
        if CommandRun.isRetryable(error) { state.withLock { $0.unwritten = min($0.unwritten + ended.count, $0.ended.count) } }
      }
      return true
    }
  }

  // MARK: Lists

  /// Newest first.
  func running() -> [Request] { state.withLock { $0.running.values.sorted { $0.startedOn > $1.startedOn } } }

  /// The queries that run in this process, newest first.
  func runningQueries() -> [QueryRecord] {
    let now = StoreClock.nowTicks
    return running().filter { !$0.isCommand }.map { QueryRecord($0, now: now) }
  }

  /// The queries of all processes that have ended, newest first.
  func endedQueries() throws -> [QueryRecord] {
    let own = state.withLock { $0.ended }.reversed().map { QueryRecord($0) }
    let ids = Set(own.map(\.activityId))
    let others = try log.records().filter { !ids.contains($0.activityId) }
    // Equal times keep their order.
    return others.isEmpty ? own : (own + others).sorted { $0.updatedOn > $1.updatedOn }
  }

  func cancel(_ id: String, reason: String?) -> Bool {
    let found = state.withLock { $0.running.values.first { $0.properties.requestId == id } }
    found?.properties.cancellation.cancel(reason: reason.map { "the request was cancelled: \($0)" })
    return found != nil
  }
}

// Role: the row log of one table in the process that writes it: rows of many callers in one write and one sync, readable at once, sealed into
// commits of the table.

package import Columnar
import DataSource
import Delta
import Engine

/// A table's row log. Any thread.
package final class RowLog: @unchecked Sendable {  // everything that changes is behind `monitor`, or belongs to the leader
  package let table: StoreTable
  private let monitor = Monitor()
  /// One thread seals at a time.
  private let sealing = Monitor()
  private var state: State

  private struct State {
    var current: RowLogSegment?
    /// Closed segments that are not committed yet, in their order.
    var closed: [RowLogSegment] = []
    var next: Int64
    var waiting: [Entry] = []
    /// Somebody writes, or keeps others from writing.
    var isTaken = false
    /// Somebody waits to keep others from writing: the next turn is theirs.
    var isWanted = false
    var isGone = false

    var byteCount: Int { closed.reduce(current?.byteCount ?? 0) { $0 + $1.byteCount } }
  }

  /// Rows of one caller, who waits here: each is woken once, alone.
  private final class Entry {
    enum Turn {
      /// It is the caller's turn to write.
      case write
      case done(Result<Void, any Error>)
    }
    let batches: [RecordBatch]
    private let monitor = Monitor()
    private var turn: Turn?
    init(_ batches: [RecordBatch]) { self.batches = batches }

    func give(_ turn: Turn) {
      monitor.withLock {
        self.turn = turn
        monitor.signal()
      }
    }

    func wait() -> Turn {
      monitor.withLock {
        while true {
          if let turn { return turn }
          monitor.wait()
        }
      }
    }
  }

  /// Rows in one write at most, beyond those of one caller.
  private static let groupRows = 1 << 18
  /// Bytes after which a segment is due.
  private static let dueBytes = environmentInteger("KCONNECT_ROWLOG_BYTES", default: 64 << 20, range: 1...1 << 40)
  /// Bytes after which callers wait for a commit.
  private static var mostBytes: Int { 4 * dueBytes }

  init(_ table: StoreTable, next: Int64) {
    self.table = table
    state = State(next: next)
  }

  // MARK: Appending

  /// Appends rows of one schema. They are durable and visible to queries when it returns. Throws PATH_NOT_FOUND for a dropped table.
  package func append(_ batches: [RecordBatch]) throws {
    let batches = batches.filter { $0.rowCount > 0 }
    if batches.isEmpty { return }
    try seal { $0.byteCount > Self.mostBytes }
    let entry = Entry(batches)
    monitor.lock()
    state.waiting.append(entry)
    if state.isTaken || state.isWanted {
      monitor.unlock()
      if case .done(let result) = entry.wait() { return try result.get() }
      monitor.lock()
    }
    // Who has the turn is the first of those that wait.
    state.isTaken = true
    let group = takeGroup()
    monitor.unlock()
    let outcome = Result { try write(group) }
    monitor.lock()
    if case .success(let (segment, frames)) = outcome {
      segment.frames += frames
      segment.rowCount += frames.reduce(0) { $0 + $1.batch.rowCount }
      segment.byteCount += frames.reduce(0) { $0 + $1.batch.byteSize }
    }
    passOn()
    monitor.unlock()
    let result = outcome.map { _ in () }
    for other in group.dropFirst() { other.give(.done(result)) }
    try result.get()
  }

  /// Ends a turn. The monitor is held.
  private func passOn() {
    state.isTaken = false
    if state.isWanted {
      monitor.signal()
    } else if let next = state.waiting.first {
      state.isTaken = true
      next.give(.write)
    }
  }

  /// The callers whose rows go out together: those with the first one's columns.
  private func takeGroup() -> [Entry] {
    let schema = state.waiting[0].batches[0].schema
    var rows = 0, n = 0
    while n < state.waiting.count, rows < Self.groupRows, state.waiting[n].batches[0].schema == schema {
      rows += state.waiting[n].batches.reduce(0) { $0 + $1.rowCount }
      n += 1
    }
    defer { state.waiting.removeFirst(n) }
    return Array(state.waiting[..<n])
  }

  /// Writes a group into the current segment, or a new one. The leader's.
  private func write(_ group: [Entry]) throws -> (RowLogSegment, [RowLogFrame]) {
    guard !isGone, table.currentEntry != nil else { throw KConnectError(.pathNotFound, "the table '\(table.name)' was dropped meanwhile") }
    let schema = group[0].batches[0].schema
    let now = StoreClock.nowTicks
    let frames = Self.joined(group.flatMap(\.batches), schema).map { RowLogFrame(batch: $0, time: now) }
    let segment = try segment(for: schema)
    do { try segment.append(frames) } catch {
      if segment.isBroken { monitor.withLock { closeCurrent() } }
      throw error
    }
    return (segment, frames)
  }

  /// Small batches as few large ones.
  private static func joined(_ batches: [RecordBatch], _ schema: StructType) -> [RecordBatch] {
    var out: [RecordBatch] = [], run: [RecordBatch] = []
    var rows = 0
    for batch in batches {
      if rows + batch.rowCount > RecordBatch.maxRows, !run.isEmpty {
        out.append(.concat(run, schema: schema))
        run = []
        rows = 0
      }
      run.append(batch)
      rows += batch.rowCount
    }
    if !run.isEmpty { out.append(.concat(run, schema: schema)) }
    return out
  }

  private func segment(for schema: StructType) throws -> RowLogSegment {
    if let current = monitor.withLock({ state.current }) {
      if current.schema.names == schema.names, current.schema.fields.map(\.type) == schema.fields.map(\.type) { return current }
      monitor.withLock { closeCurrent() }
    }
    let number = monitor.withLock {
      defer { state.next += 1 }
      return state.next
    }
    let fresh = try RowLogSegment(table, number, schema: schema)
    monitor.withLock { state.current = fresh }
    return fresh
  }

  /// The monitor is held.
  private func closeCurrent() {
    guard let current = state.current else { return }
    state.current = nil
    if current.frames.isEmpty { current.remove() } else { state.closed.append(current) }
  }

  // MARK: Reading

  /// The segments with what is in them now.
  func contents() -> [RowTail.Part] {
    monitor.withLock {
      (state.closed + (state.current.map { [$0] } ?? [])).filter { !$0.frames.isEmpty }.map { RowTail.Part(number: $0.number, schema: $0.schema, frames: $0.frames, log: self, segment: $0) }
    }
  }

  /// The numbers of the segments that this log has.
  var numbers: Set<Int64> { monitor.withLock { Set(state.closed.map(\.number) + (state.current.map { [$0.number] } ?? [])) } }

  /// The commit that has a segment's rows; nil while there is none.
  func version(of segment: RowLogSegment) -> Int64? { monitor.withLock { segment.version } }

  // MARK: Sealing

  /// Commits all rows that were appended before the call. Throws what committing throws; the rows stay in the log then.
  package func seal() throws { try seal { _ in true } }

  /// Seals where that is due; who comes while another seals looks again afterwards.
  private func seal(when isDue: (State) -> Bool) throws {
    guard monitor.withLock({ isDue(state) }) else { return }
    try sealing.withLock {
      guard monitor.withLock({ isDue(state) }) else { return }
      take()
      release()
      try sealClosed()
    }
  }

  /// As `seal`, then runs `body` while nobody appends.
  func closed<R>(_ body: () throws -> R) throws -> R {
    try sealing.withLock {
      take()
      defer { release() }
      try sealClosed()
      return try body()
    }
  }

  /// Seals when the rows are as many or as old as they may be.
  func sealIfDue(olderThan limit: Int64) throws {
    try seal { state in
      if !state.closed.isEmpty { return true }
      guard let current = state.current, let first = current.frames.first else { return false }
      return first.time <= limit || current.byteCount >= Self.dueBytes
    }
  }

  /// Becomes the one that writes, with the current segment closed. `sealing` is held: there is one who wants it at a time.
  private func take() {
    monitor.lock()
    state.isWanted = true
    while state.isTaken { monitor.wait() }
    state.isWanted = false
    state.isTaken = true
    closeCurrent()
    monitor.unlock()
  }

  private func release() { monitor.withLock { passOn() } }

  private func sealClosed() throws {
    while let segment = monitor.withLock({ state.closed.first }) {
      do {
        let version = try table.commit(rows: segment.frames, schema: segment.schema, segment: segment.number)
        monitor.withLock {
          segment.version = version
          state.closed.removeFirst()
        }
        segment.remove()
      } catch let error as KConnectError where error.code == .pathNotFound && table.currentEntry == nil {
        // The rows went with their table.
        monitor.withLock {
          state.closed = []
          state.isGone = true
        }
        return
      }
    }
  }

  /// True when the table was dropped.
  var isGone: Bool { monitor.withLock { state.isGone } }
}

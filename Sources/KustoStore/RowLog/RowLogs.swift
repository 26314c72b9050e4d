// Role: the row logs that this process writes, by table, and the doors to them: append, seal what is due, seal before a change.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import Delta
import Engine
import Synchronization

/// The row logs of an open store.
package final class RowLogs: Sendable {
  private let logs = Mutex<[String: RowLog]>([:])
  /// One thread looks after what dead processes left.
  fileprivate let recovery = Monitor()
  /// Ticks after which rows are committed: a little less than the ten seconds promised.
  private static let dueTicks = 9 * Int64(10_000_000)

  func log(_ table: String) -> RowLog? { logs.withLock { $0[table] } }

  fileprivate func log(_ table: StoreTable, _ make: () throws -> RowLog) throws -> RowLog {
    if let known = log(table.id), !known.isGone { return known }
    let fresh = try make()
    return logs.withLock { logs in
      if let known = logs[table.id], !known.isGone { return known }
      logs[table.id] = fresh
      return fresh
    }
  }

  private var all: [RowLog] { logs.withLock { Array($0.values) } }

  /// Commits rows that are due; answers what failed, as sentences.
  package func sealDue(now: Int64 = StoreClock.nowTicks) -> [String] { each { try $0.sealIfDue(olderThan: now - Self.dueTicks) } }

  /// Commits all rows and forgets the logs; for a process that ends.
  package func closeAll() -> [String] {
    let failures = each { try $0.seal() }
    logs.withLock { $0 = [:] }
    return failures
  }

  private func each(_ body: (RowLog) throws -> Void) -> [String] {
    var failures: [String] = []
    for log in all {
      do { try body(log) } catch { failures.append("the rows waiting for '\(log.table.name)' could not be committed: \(error)") }
      if log.isGone { logs.withLock { if $0[log.table.id] === log { $0[log.table.id] = nil } } }
    }
    return failures
  }
}

extension StoreTable {
  private var logs: RowLogs { database.store.rowLogs }

  /// The log that this process appends to; made when it is first asked for, with what dead processes left committed before.
  package func rowLog() throws -> RowLog {
    try logs.log(self) {
      try awaitAbandonedRows()
      let sealed = try state().transactions[Self.rowLogName]?.version ?? 0
      return RowLog(self, next: max(sealed, try RowLogPlace.segments(self).last ?? 0) + 1)
    }
  }

  /// Commits the rows that wait in logs, so that a change of the table finds them in it. Throws LOCKED (retryable) while another process has some.
  package func sealRows() throws {
    try logs.log(id)?.seal()
    try sealAbandonedRows(refusesOthers: true)
  }

  /// As `sealRows`; no rows are appended by this process until `body` returns.
  func withSealedRows<R>(_ body: () throws -> R) throws -> R {
    try sealAbandonedRows(refusesOthers: true)
    guard let log = logs.log(id) else { return try body() }
    return try log.closed(body)
  }

  /// A snapshot with every row that was acknowledged before the call in an extent.
  package func sealedSnapshot() throws -> TableSnapshot {
    try sealRows()
    return try snapshot()
  }

  /// As `sealAbandonedRows`, where the store can be written to.
  func sealAbandonedRowsIfWritable() throws {
    do { try sealAbandonedRows() } catch let error as KConnectError where error.code == .permission {}
  }

  /// Commits rows in logs whose process is dead, waiting for others that are about it: segments are committed in their order, so none may get a
  /// number before. Throws LOCKED when they take too long.
  private func awaitAbandonedRows() throws {
    for pause in stride(from: UInt32(1_000), through: 200_000, by: 1_000) {
      do { return try sealAbandonedRows(refusesOthers: true) } catch let error as KConnectError where error.code == .locked { usleep(pause) }
    }
    try sealAbandonedRows(refusesOthers: true)
  }

  /// Commits rows in logs whose process is dead. With `refusesOthers`, throws LOCKED for rows of a process that lives.
  package func sealAbandonedRows(refusesOthers: Bool = false) throws {
    if try RowLogPlace.segments(self).isEmpty { return }
    try logs.recovery.withLock { try sealSegments(refusesOthers: refusesOthers) }
  }

  private func sealSegments(refusesOthers: Bool) throws {
    for number in try RowLogPlace.segments(self) {
      if let own = logs.log(id), own.numbers.contains(number) { continue }
      guard let file = try RowLogFile(self, number) else { continue }
      guard file.lock() else {
        // A segment that this process made or sealed meanwhile is not in the way.
        if try state().transactions[Self.rowLogName]?.version ?? 0 >= number || logs.log(id)?.numbers.contains(number) ?? false { continue }
        // The number of a later segment would say that this one's rows are there, too.
        guard refusesOthers else { return }
        if try file.read().frames.isEmpty || !pathExists(RowLogPlace.path(self, number)) { continue }
        throw KConnectError(
          .locked, "another process has rows for the table '\(name)' that are not committed yet", hint: "send the command to that server, or repeat it: rows are committed within 10 seconds",
          isRetryable: true)
      }
      if try state().transactions[Self.rowLogName]?.version ?? 0 < number {
        let (schema, frames) = try file.read()
        if !frames.isEmpty { _ = try commit(rows: frames, schema: schema, segment: number) }
      }
      _ = database.store.fileSystem.remove(RowLogPlace.path(self, number))
    }
  }
}

// Role: commits of one table: queue on the lock, complete what others left half done, check that the table is still there, write the version.

import Columnar
import DataSource
import Delta

extension StoreTable {
  /// The lock that writers of this table queue on. The put-if-absent of the log decides; the lock saves lost races.
  func lockCommits() throws -> FileLock { try FileLock.acquire(directory.path(Self.ownDirectory + "/commit.lock")) }

  static let commitOptions: CommitOptions = {
    var options = CommitOptions()
    options.isCheckpointDue = { CheckpointPolicy.tail($0) }
    return options
  }()

  /// Waits for the lock, with commits of several tables completed that name this one. Throws PATH_NOT_FOUND for a dropped table.
  func lockForCommit() throws -> FileLock {
    while true {
      try database.rollForward(waits: true)
      let lock = try lockCommits()
      if try database.hasPendingCommit(tables: [id]) { continue }
      try checkExists()
      return lock
    }
  }

  /// Commits a change; a `LOCKED` error (retryable) says that it cannot be rebased over what others committed since its basis.
  func commit(_ change: TableChange, holding held: FileLock? = nil) throws -> IngestResult {
    let lock = try held ?? lockForCommit()
    defer { withExtendedLifetime(lock) {} }
    let id = randomIdentifier()
    var isDone = false
    let snapshot: DeltaSnapshot
    do {
      snapshot = try log.commit(change.described(id), on: change.basis, options: Self.commitOptions) { winners, newest in
        let answer = try change.rebase(winners, newest, id: id)
        if case .done = answer { isDone = true }
        return answer
      }
    } catch let error as CommitNotDurable {
      for extents in change.staged { extents.markCommitted() }
      remember(error.snapshot)
      throw error.cause
    }
    remember(snapshot)
    var result = IngestResult()
    result.version = snapshot.version
    if isDone {
      result.isSkipped = true
      return result
    }
    for extents in change.staged { extents.markCommitted() }
    try describe(change, snapshot, &result)
    return result
  }

  /// Fills in what a committed change brought.
  func describe(_ change: TableChange, _ snapshot: DeltaSnapshot, _ result: inout IngestResult) throws {
    for add in change.staged.flatMap(\.adds) {
      var extent = try ExtentFile(add).extent
      extent.version = snapshot.version
      result.extents.append(extent)
      result.rowCount += extent.rowCount
      result.byteCount += extent.byteSize
    }
  }

  /// Repeats an operation from a fresh snapshot while other commits stand in its way.
  func retrying<R>(_ operation: (_ attempt: Int) throws -> R) throws -> R {
    var attempt = 0
    while true {
      do { return try operation(attempt) } catch let error as KConnectError where error.code == .locked && error.isRetryable && attempt < 20 { attempt += 1 }
    }
  }
}

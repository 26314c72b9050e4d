// Role: commits: finishes the actions for the version they get, writes it, and on a lost race asks how to go on.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
package import DataSource

/// A version that another writer committed while we were about to.
package struct WinningCommit: Sendable {
  package var version: Int64
  package var actions: [DeltaAction]

  package init(version: Int64, actions: [DeltaAction]) {
    self.version = version
    self.actions = actions
  }
}

/// The answer to a lost race.
package enum Rebase: Sendable {
  /// Try again with these actions.
  case retry([DeltaAction])
  /// The work was done by a winner already; nothing is written.
  case done
  case conflict(KConnectError)
}

/// How a commit is made.
package struct CommitOptions: Sendable {
  /// A file to queue on; nil: none, the put-if-absent decides alone.
  package var lockPath: String?
  /// Races lost before giving up with LOCKED.
  package var maxAttempts = 1_000
  /// Whether a checkpoint is due; nil: `CheckpointPolicy.interval`.
  package var isCheckpointDue: (@Sendable (DeltaSnapshot) -> Bool)?
  /// What stands for `engineInfo` in the commit's provenance.
  package var engineInfo = "kconnect"

  package init(lockPath: String? = nil) { self.lockPath = lockPath }
}

/// The error of a commit that is visible but perhaps not durable: its files must stay.
package struct CommitNotDurable: Error {
  package let snapshot: DeltaSnapshot
  package let cause: KConnectError
}

extension DeltaLog {
  /// Commits `actions` as the version after the newest. `basis` is the version the actions were made from, nil to create the table (then
  /// protocol and metadata must be among them). When versions after `basis` exist, `rebase` gets them with the newest snapshot.
  ///
  /// Added here: a `commitInfo` (first), its timestamp, row ids and commit versions on tables with row tracking. Answers the new version's
  /// snapshot, or that of the winner for `.done`. Throws `CommitNotDurable` when the version is visible but the directory was not synced.
  package func commit(
    _ actions: [DeltaAction], on basis: DeltaSnapshot?, options: CommitOptions = CommitOptions(),
    rebase: ([WinningCommit], DeltaSnapshot) throws -> Rebase
  ) throws -> DeltaSnapshot {
    let lock = try options.lockPath.map { try LockFile($0, waits: true) }
    defer { withExtendedLifetime(lock) {} }
    var actions = actions
    var latest = basis
    for _ in 0..<options.maxAttempts {
      var winners: [WinningCommit] = []
      let newest = try newest(after: latest, into: &winners)
      if let newest, !winners.isEmpty {
        latest = newest
        switch try rebase(winners, newest) {
        case .retry(let new): actions = new
        case .done: return newest
        case .conflict(let error): throw error
        }
      }
      let finished = try CommitPlan(actions, latest: latest, options: options, path: displayPath)
      let text = ActionWriter.text(finished.actions)
      switch try put(text, version: finished.version) {
      case .taken: continue
      case .written:
        let snapshot = try self.snapshot(finished, on: latest, bytes: text.utf8.count)
        return writeCheckpointIfDue(snapshot, options)
      case .notDurable(let cause): throw CommitNotDurable(snapshot: try self.snapshot(finished, on: latest, bytes: text.utf8.count), cause: cause)
      }
    }
    throw KConnectError(
      .locked, "'\(displayPath)': \(options.maxAttempts) commits in a row were overtaken by other writers", hint: "try again when fewer writers are at work",
      isRetryable: true)
  }

  /// Puts a commit file in place if that version is free.
  func put(_ text: String, version: Int64) throws -> SmallFile.Outcome {
    let name = LogFileName.commitName(version)
    if let origin { return try put(text, name, at: origin) }
    // What fails behind the link fails like the sync of the directory: the version stands.
    var failure: KConnectError?
    let outcome = try SmallFile.put(text.utf8, name: name, in: directory, displayPath: display(name), fileSystem: fileSystem) { moment in
      switch moment {
      case .written: try Failpoint.pass("delta.written")
      case .linked: do { try Failpoint.pass("delta.linked") } catch let error as KConnectError { failure = error }
      }
    }
    if case .written = outcome, let failure { return .notDurable(failure) }
    return outcome
  }

  /// The same for a log that stands elsewhere.
  private func put(_ text: String, _ name: String, at origin: any LogOrigin) throws -> SmallFile.Outcome {
    func isOurs() throws -> Bool {
      try origin.pull(whole: false)
      return try SmallFile.read(filePath(name), displayPath: display(name))?.elementsEqual(text.utf8) == true
    }
    do {
      if try origin.put(text, name: name) { return .written }
      // A request that was sent twice finds its own file there.
      return try isOurs() ? .written : .taken
    } catch let error as KConnectError where error.isRetryable {
      // The answer was lost: the version may stand.
      if let found = try? isOurs() { if found { return .written } else { throw error } }
      return .notDurable(error)
    }
  }

  private func newest(after known: DeltaSnapshot?, into winners: inout [WinningCommit]) throws -> DeltaSnapshot? {
    if let known {
      var found: [WinningCommit] = []
      let newest = try advance(known) { found.append(WinningCommit(version: $0, actions: $1)) }
      winners = found
      if newest.metadata.id != known.metadata.id, newest.logIdentity != known.logIdentity {
        throw KConnectError(.pathNotFound, "'\(displayPath)' was replaced by another table meanwhile", hint: "start again")
      }
      if newest.version > known.version, found.isEmpty {
        throw KConnectError(
          .locked, "'\(displayPath)': the versions after \(known.version) were cleaned up meanwhile", hint: "read the table again and repeat the write",
          isRetryable: true)
      }
      return newest
    }
    guard exists else { return nil }
    let newest = try snapshot()
    for version in 0...newest.version { if let found = try commit(version) { winners.append(WinningCommit(version: version, actions: found.actions)) } }
    if winners.isEmpty { winners = [WinningCommit(version: newest.version, actions: [])] }
    return newest
  }

  private func snapshot(_ plan: CommitPlan, on latest: DeltaSnapshot?, bytes: Int) throws -> DeltaSnapshot {
    if let latest { return try latest.applying(plan.actions, version: plan.version, timestamp: plan.timestamp, bytes: Int64(bytes)) }
    return try snapshot(at: plan.version)
  }

  private func writeCheckpointIfDue(_ snapshot: DeltaSnapshot, _ options: CommitOptions) -> DeltaSnapshot {
    // Tables that want statistics as structs get their checkpoints from writers that write them.
    if snapshot.flag("delta.checkpoint.writeStatsAsStruct") { return snapshot }
    guard options.isCheckpointDue?(snapshot) ?? CheckpointPolicy.interval(snapshot) else { return snapshot }
    // The commit stands; a checkpoint that could not be written is written by a later one.
    return (try? writeCheckpoint(snapshot)) ?? snapshot
  }

  /// Creates the table's directories; answers those created, outermost first.
  package func makeDirectories() throws -> [String] {
    let made = fileSystem.makeDirectories(directory)
    if made.code != 0 {
      for path in made.created.reversed() { _ = fileSystem.removeDirectory(path) }
      throw SystemError.make("cannot create the directory", joinPath(displayPath, "_delta_log"), made.code)
    }
    for path in made.created {
      let code = fileSystem.syncDirectory(parentPath(path))
      if code != 0 {
        for path in made.created.reversed() { _ = fileSystem.removeDirectory(path) }
        throw SystemError.make("cannot sync", parentPath(path), code)
      }
    }
    return made.created
  }
}

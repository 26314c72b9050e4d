// Role: commits in two steps, for writers that decide about several tables at once: the text a version will have, and its way into the log.

import DataSource

extension DeltaLog {
  /// The version behind `latest` and the text of its commit file. The caller keeps others from taking that version.
  package func prepare(_ actions: [DeltaAction], on latest: DeltaSnapshot, options: CommitOptions) throws -> (version: Int64, text: String) {
    let plan = try CommitPlan(actions, latest: latest, options: options, path: displayPath)
    return (plan.version, ActionWriter.text(plan.actions))
  }

  /// Puts a prepared version in place; nothing happens when it is there already. Throws FORMAT_CORRUPT when another one is.
  package func putPrepared(_ text: String, version: Int64) throws {
    if try isInPlace(text, version) { return }
    switch try put(text, version: version) {
    case .written: return
    case .notDurable(let cause): throw cause
    case .taken:
      guard try isInPlace(text, version) else { throw DeltaError.corrupt("'\(display(LogFileName.commitName(version)))'", "another commit stands in the place of a decided one") }
    }
  }

  private func isInPlace(_ text: String, _ version: Int64) throws -> Bool {
    let name = LogFileName.commitName(version)
    guard let found = try SmallFile.read(filePath(name), displayPath: display(name)) else {
      // Logs below a checkpoint may have been cleaned up.
      return try listing().lastVersion.map { $0 >= version } ?? false
    }
    return found.elementsEqual(text.utf8)
  }
}

extension DeltaSnapshot {
  /// The next version as a prepared commit will make it.
  package func overlaid(by actions: [DeltaAction], timestamp: Int64) throws -> DeltaSnapshot {
    try applying(actions, version: version + 1, timestamp: timestamp, bytes: 0)
  }
}

extension DeltaLog {
  /// Starts a new log with a whole state. It gets the version the state had, behind a checkpoint, so that versions in rows keep their meaning.
  package func putState(_ actions: [DeltaAction], version: Int64) throws {
    var state = SnapshotState()
    state.version = version
    for action in actions { state.apply(action) }
    let text = ActionWriter.text(actions)
    try putPrepared(text, version: version)
    if version == 0 { return }
    let snapshot = try DeltaSnapshot(
      state, path: displayPath, timestamp: DeltaClock.milliseconds, tail: LogTail(), logIdentity: [], known: nil)
    _ = try writeCheckpoint(snapshot)
  }
}

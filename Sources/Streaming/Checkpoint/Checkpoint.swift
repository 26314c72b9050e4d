// Role: the checkpoint directory: identity, write-ahead log, commit log, what a restart has to do, and what may not differ between runs.
// Layout and first lines are Spark's (metadata, offsets/N, commits/N, sources/i/k); every file is put once, checksummed and synced.

import Columnar
package import DataSource
import Delta

/// One entry of the write-ahead log: a batch is a function of it.
package struct BatchPlan: Sendable {
  package var batchId: Int
  /// Milliseconds since 1970: the `now()` of the batch, also when it is replayed.
  package var timestampMs: Int64
  package var watermarkMs: Int64
  /// What must not change between runs.
  package var pinned: [String: String]
  /// The end offset of each source; nil for one that has nothing yet.
  package var ends: [StreamOffset?]

  package init(batchId: Int, timestampMs: Int64, watermarkMs: Int64, pinned: [String: String], ends: [StreamOffset?]) {
    self.batchId = batchId
    self.timestampMs = timestampMs
    self.watermarkMs = watermarkMs
    self.pinned = pinned
    self.ends = ends
  }

  var lines: [String] {
    let pins = pinned.sorted { $0.key < $1.key }.map { ($0.key, DynamicValue.string($0.value)) }
    let head = DynamicValue.object([("batchWatermarkMs", .long(watermarkMs)), ("batchTimestampMs", .long(timestampMs)), ("conf", .object(pins))])
    return [head.json] + ends.map { $0?.json ?? "-" }
  }

  init(_ lines: [String], batchId: Int, path: String) throws {
    func damaged(_ what: String) -> KConnectError { KConnectError(.checkpointConflict, "'\(path)': \(what)") }
    guard lines.count >= 2 else { throw damaged("found \(lines.count) lines, expected the batch and its sources") }
    let head = try JSONTree.parse(Array(lines[0].utf8), place: "'\(path)' line 2")
    guard let timestamp = head.integer("batchTimestampMs") else { throw damaged("found no batchTimestampMs") }
    self.batchId = batchId
    timestampMs = Int64(timestamp)
    watermarkMs = Int64(head.integer("batchWatermarkMs") ?? 0)
    pinned = [:]
    if case .bag(let entries)? = head["conf"] {
      for case (let key, .string(let value)) in entries.map({ ($0.key, $0.value) }) { pinned[key] = value }
    }
    ends = lines.dropFirst().map { $0 == "-" ? nil : StreamOffset(json: $0) }
  }
}

/// What stands in a checkpoint when a query starts.
package struct RecoveredState: Sendable {
  /// The last batch that was committed, nil before the first.
  package var committed: BatchPlan?
  /// The batch that was planned and not committed: it runs again with the same range.
  package var pending: BatchPlan?
  package var watermarkMs: Int64 = 0
  /// Those of the single event times, where there are several.
  package var operatorWatermarksMs: [Int64] = []

  package var nextBatchId: Int { pending?.batchId ?? (committed?.batchId ?? -1) + 1 }
}

/// An open checkpoint. One thread at a time.
package final class Checkpoint {
  package let path: String
  /// The query's identity for ever.
  package let id: String
  private var lock: CheckpointLock?
  private let fileSystem: FileSystem
  private let offsets: NumberedLog
  private let commits: NumberedLog

  /// Opens or creates; throws LOCKED, CHECKPOINT_CONFLICT, IO.
  package init(_ path: String, fileSystem: FileSystem = .system) throws {
    self.path = path
    self.fileSystem = fileSystem
    try fileSystem.makeDurably(path)
    lock = try CheckpointLock(path)
    try Failpoint.pass("checkpoint.locked")
    // Nobody else writes here now: what is not finished never will be.
    for draft in try Self.drafts(in: path) { _ = fileSystem.remove(draft) }
    offsets = try NumberedLog(joinPath(path, "offsets"), fileSystem)
    commits = try NumberedLog(joinPath(path, "commits"), fileSystem)
    if let known = try Self.identity(path) {
      id = known
      return
    }
    guard try offsets.numbers().isEmpty, try commits.numbers().isEmpty else {
      throw KConnectError(
        .checkpointConflict, "'\(joinPath(path, "metadata"))' is missing, but the checkpoint has batches",
        hint: "restore the file from a copy: without it the sink cannot tell this query's batches from others'")
    }
    // A run that died before this may have made the directory and not its entry durable.
    try fileSystem.syncParent(of: path)
    id = randomIdentifier()
    _ = try SmallFile.putDurably(Array("{\"id\":\"\(id)\"}".utf8), name: "metadata", in: path, fileSystem)
    try Failpoint.pass("checkpoint.identified")
  }

  /// Entries that were begun and have no name yet. While the lock is held by somebody else they may be work in progress.
  static func drafts(in path: String) throws -> [String] {
    var found: [String] = []
    func look(_ directory: String, depth: Int) throws {
      for name in try DirectoryReader.names(in: directory) {
        let file = joinPath(directory, name)
        if name.hasPrefix("."), name.hasSuffix(".tmp") { found.append(file) } else if depth < 3, pathKind(file) == .directory { try look(file, depth: depth + 1) }
      }
    }
    try look(path, depth: 0)
    return found
  }

  /// The error of an entry that exists though this process alone may write it.
  static func secondWriter(_ path: String) -> KConnectError {
    KConnectError(
      .checkpointConflict, "'\(path)' was written by another process: two queries use this checkpoint",
      hint: "stop one of them; each query needs a checkpoint directory of its own")
  }

  /// The id in `metadata`, nil when there is no such file.
  static func identity(_ path: String) throws -> String? {
    let file = joinPath(path, "metadata")
    guard let bytes = try SmallFile.read(file, limit: 1 << 20) else { return nil }
    guard let id = try? JSONTree.parse(bytes, place: file).text("id"), !id.isEmpty else {
      throw KConnectError(.checkpointConflict, "'\(file)' has no id", hint: "restore it from a copy")
    }
    return id
  }

  /// Lets other processes have the checkpoint; nothing may be written through this one any more.
  package func close() { lock = nil }

  /// Works out what to do first: nothing, a replay, or a refusal with the reason.
  package func recover() throws -> RecoveredState { try Self.recover(offsets, commits, path, planned: offsets.numbers(), done: commits.numbers()) }

  /// What a checkpoint says, without taking its lock and without changing anything: a query may be running in it.
  package static func inspect(_ path: String) throws -> (id: String?, state: RecoveredState, isRunning: Bool) {
    guard pathKind(path) == .directory else { throw KConnectError(.pathNotFound, "the checkpoint '\(path)' does not exist") }
    let isRunning = CheckpointLock.isHeld(path)
    func log(_ name: String) -> NumberedLog? {
      pathKind(joinPath(path, name)) == .directory ? NumberedLog(unopened: joinPath(path, name), .system) : nil
    }
    guard let offsets = log("offsets"), let commits = log("commits") else { return (try identity(path), RecoveredState(), isRunning) }
    var done = try commits.numbers(), planned = try offsets.numbers()
    // A batch is planned when the one before is committed: plans that were listed between two equal lists of commits belong to them.
    for _ in 0..<inspectionTries {
      let now = try commits.numbers()
      if now == done { break }
      done = now
      planned = try offsets.numbers()
    }
    return (try identity(path), try recover(offsets, commits, path, planned: planned, done: done), isRunning)
  }

  private static let inspectionTries = 100

  private static func recover(_ offsets: NumberedLog, _ commits: NumberedLog, _ path: String, planned: [Int], done: [Int]) throws -> RecoveredState {
    func plan(_ n: Int) throws -> BatchPlan {
      guard let lines = try offsets.read(n) else {
        throw KConnectError(.checkpointConflict, "'\(offsets.path(n))' is missing", hint: "restore it from a copy, or start with a new checkpoint")
      }
      return try BatchPlan(lines, batchId: n, path: offsets.path(n))
    }
    var state = RecoveredState()
    guard let last = planned.last else {
      if let stray = done.last {
        throw KConnectError(.checkpointConflict, "'\(commits.path(stray))' exists without '\(offsets.path(stray))': the write-ahead log was removed", hint: "restore 'offsets' from a copy")
      }
      return state
    }
    let committed = done.last ?? -1
    guard committed == last || committed == last - 1 else {
      let what = committed > last ? "batch \(committed) is committed but not planned" : "batches \(committed + 1) to \(last) are planned and not committed"
      throw KConnectError(
        .checkpointConflict, "'\(path)': \(what): files were removed, or two processes wrote here",
        hint: "restore the directory from a copy, or run 'kconnect stream repair \(path)' to see what can be saved")
    }
    if committed >= 0 {
      state.committed = try plan(committed)
      if let lines = try commits.read(committed), let first = lines.first {
        let value = try? JSONTree.parse(Array(first.utf8), place: commits.path(committed))
        state.watermarkMs = Int64(value?.integer("nextBatchWatermarkMs") ?? 0)
        if case .array(let items)? = value?["operatorWatermarksMs"] {
          state.operatorWatermarksMs = items.map { if case .long(let n) = $0 { n } else { 0 } }
        }
      }
    }
    if last > committed { state.pending = try plan(last) }
    return state
  }

  /// Makes the plan of a batch durable; from here on it has its id and range for ever.
  package func plan(_ batch: BatchPlan) throws {
    try Failpoint.pass("wal.before")
    try offsets.put(batch.batchId, batch.lines)
    try Failpoint.pass("wal.after")
  }

  /// Records that a batch is done. `operatorWatermarksMs` are those of the single event times, where there are several.
  package func commit(_ batchId: Int, watermarkMs: Int64, operatorWatermarksMs: [Int64] = [], rows: Int) throws {
    try Failpoint.pass("commit.before")
    var members: [(String, DynamicValue)] = [("nextBatchWatermarkMs", .long(watermarkMs)), ("rows", .long(Int64(rows)))]
    if operatorWatermarksMs.count > 1 { members.append(("operatorWatermarksMs", .array(operatorWatermarksMs.map { .long($0) }))) }
    try commits.put(batchId, [DynamicValue.object(members).json])
    try Failpoint.pass("commit.after")
  }

  /// Removes entries of batches below `first`, but never the last committed one.
  package func purge(below first: Int) throws {
    offsets.purge(below: first, try offsets.numbers())
    try Failpoint.pass("purge.between")
    commits.purge(below: first, try commits.numbers())
  }

  /// The private log of source i.
  func sourceLog(_ i: Int) throws -> NumberedLog { try NumberedLog(joinPath(joinPath(path, "sources"), String(i)), fileSystem) }

  /// A directory for the states of operator i.
  func statePath(_ name: String) -> String { joinPath(joinPath(path, "state"), name) }
}

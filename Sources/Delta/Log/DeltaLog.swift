// Role: a table's directory and its log: reading versions. Writing is in Commit/, checkpoints in Checkpoint/.

import Columnar
package import DataSource

/// The log of one table. A value: nothing is cached in it.
package struct DeltaLog: Sendable {
  /// The table's directory as system calls get it.
  package let path: String
  /// The table's directory as messages name it.
  package let displayPath: String
  package let fileSystem: FileSystem
  /// Where the log stands when `path` holds a copy of it.
  package let origin: (any LogOrigin)?

  package init(path: String, displayPath: String? = nil, fileSystem: FileSystem = .system, origin: (any LogOrigin)? = nil) {
    self.origin = origin
    self.path = path
    self.displayPath = displayPath ?? path
    self.fileSystem = fileSystem
  }

  /// `<table>/_delta_log`.
  package var directory: String { joinPath(path, "_delta_log") }

  /// True when a log with a commit or checkpoint stands there.
  package var exists: Bool { (try? LogListing(directory: directory).lastVersion) .flatMap { $0 } != nil }

  func filePath(_ name: String) -> String { joinPath(directory, name) }
  func display(_ name: String) -> String { joinPath(joinPath(displayPath, "_delta_log"), name) }

  // MARK: Versions

  /// The newest version, or the one asked for. Throws PATH_NOT_FOUND where there is no table or no such version, FORMAT_CORRUPT for a log
  /// with gaps, torn or edited files, NOT_SUPPORTED for features that are not read.
  package func snapshot(at version: Int64? = nil) throws -> DeltaSnapshot {
    // Files that go while they are read were cleaned up: what replaces them is listed again.
    for _ in 0..<4 { do { return try load(version) } catch is LogFileGone {} }
    do { return try load(version) } catch let gone as LogFileGone { throw gone.cause }
  }

  private func load(_ version: Int64?) throws -> DeltaSnapshot {
    let listing = try self.listing()
    guard let last = listing.lastVersion else { throw noTable() }
    if let version {
      guard version >= 0, version <= last else {
        throw KConnectError(
          .pathNotFound, "'\(displayPath)' has no version \(version)", hint: "versions \(listing.firstVersion ?? 0) to \(last) can be read")
      }
    }
    return try load(version ?? last, listing)
  }

  /// The newest version, built from an older one by reading only what came since.
  package func update(_ snapshot: DeltaSnapshot) throws -> DeltaSnapshot { try advance(snapshot, collecting: nil) }

  /// The actions of one commit and its bytes; nil when there is no such commit file.
  package func commit(_ version: Int64) throws -> (actions: [DeltaAction], bytes: Int)? {
    let name = LogFileName.commitName(version)
    guard let bytes = try SmallFile.read(filePath(name), displayPath: display(name)) else { return nil }
    guard !bytes.isEmpty else { throw DeltaError.corrupt("'\(display(name))'", "the file is empty") }
    return (try actions(bytes, display(name)), bytes.count)
  }

  /// Parses the lines of a log file.
  private func actions(_ bytes: [UInt8], _ name: String) throws -> [DeltaAction] {
    var out: [DeltaAction] = []
    try JSONTree.lines(bytes, path: name) { value, line in
      if let action = try ActionReader.action(value, place: "'\(name)' line \(line)") { out.append(action) }
    }
    try Self.checkUnique(out, name)
    return out
  }

  /// A version holds at most one add and one remove of a file, one metadata, one protocol, one transaction of an application.
  private static func checkUnique(_ actions: [DeltaAction], _ name: String) throws {
    var added: Set<FileKey> = [], removed: Set<FileKey> = [], apps: Set<String> = [], domains: Set<String> = []
    var metadata = 0, protocols = 0
    for action in actions {
      switch action {
      case .add(let file):
        guard added.insert(file.key).inserted else { throw DeltaError.corrupt("'\(name)'", "the file '\(file.path)' is added twice in one version") }
      case .remove(let file):
        guard removed.insert(file.key).inserted else { throw DeltaError.corrupt("'\(name)'", "the file '\(file.path)' is removed twice in one version") }
      case .transaction(let t):
        guard apps.insert(t.appId).inserted else { throw DeltaError.corrupt("'\(name)'", "two transactions of the application '\(t.appId)' in one version") }
      case .domainMetadata(let d):
        guard domains.insert(d.domain).inserted else { throw DeltaError.corrupt("'\(name)'", "the domain '\(d.domain)' is set twice in one version") }
      case .metadata: metadata += 1
      case .protocol: protocols += 1
      default: break
      }
    }
    if metadata > 1 { throw DeltaError.corrupt("'\(name)'", "two metaData actions in one version") }
    if protocols > 1 { throw DeltaError.corrupt("'\(name)'", "two protocol actions in one version") }
  }

  // MARK: Building

  func listing() throws -> LogListing {
    try origin?.pull(whole: false)
    do { return try LogListing(directory: directory) } catch let error as KConnectError where error.code == .pathNotFound { throw noTable() }
  }

  private func noTable() -> KConnectError {
    pathExists(path)
      ? KConnectError(.pathNotFound, "'\(displayPath)' is not a Delta table: it has no log in '_delta_log'", hint: "read it as parquet:\(displayPath), or write to it with delta:")
      : KConnectError(.pathNotFound, "'\(displayPath)' does not exist", hint: "check the path; relative paths start at the working directory")
  }

  private func load(_ version: Int64, _ listing: LogListing) throws -> DeltaSnapshot {
    let segment = try listing.segment(for: version)
    var state = SnapshotState()
    var tail = LogTail()
    if let checkpoint = segment.checkpoint {
      tail.checkpointBytes = try CheckpointReader(log: self).read(checkpoint, into: &state)
      tail.checkpointVersion = checkpoint.version
      state.version = checkpoint.version
    }
    var timestamp = Int64(0)
    for piece in segment.tail {
      guard let bytes = try SmallFile.read(filePath(piece.name), displayPath: display(piece.name)) else {
        throw LogFileGone(cause: DeltaError.corrupt("'\(display(piece.name))'", "the file is missing, though the directory names it"))
      }
      guard !bytes.isEmpty else { throw DeltaError.corrupt("'\(display(piece.name))'", "the file is empty") }
      let actions = try actions(bytes, display(piece.name))
      for action in actions { state.apply(action) }
      state.version = piece.last
      tail.commits += Int(piece.last - piece.first) + 1
      tail.bytes += Int64(bytes.count)
      timestamp = Self.inCommitTimestamp(actions) ?? FileFacts(filePath(piece.name))?.modified ?? 0
    }
    if segment.tail.isEmpty { timestamp = try self.timestamp(of: version) }
    return try DeltaSnapshot(state, path: displayPath, timestamp: timestamp, tail: tail, logIdentity: identity, known: nil)
  }

  static func inCommitTimestamp(_ actions: [DeltaAction]) -> Int64? {
    for case .commitInfo(let info) in actions { return info.inCommitTimestamp }
    return nil
  }

  /// When a version was committed (milliseconds since 1970): what its commit says, else when its file was written; 0 when neither is known.
  package func timestamp(of version: Int64) throws -> Int64 {
    let name = LogFileName.commitName(version)
    guard let facts = FileFacts(filePath(name)) else { return 0 }
    return Self.inCommitTimestamp(try commit(version)?.actions ?? []) ?? facts.modified
  }

  private var identity: [Int] { FileFacts(directory).map { [$0.device, $0.inode] } ?? [] }

  /// Goes on from `snapshot` to the newest version; `collecting` gets the actions of every version passed.
  func advance(_ snapshot: DeltaSnapshot, collecting collect: ((Int64, [DeltaAction]) -> Void)?) throws -> DeltaSnapshot {
    guard identity == snapshot.logIdentity else { return try self.snapshot() }
    try origin?.pull(whole: false)
    // Clean-ups take the oldest commits first: where ours has gone, the next ones may have, too.
    guard FileFacts(filePath(LogFileName.commitName(snapshot.version))) != nil else { return try self.snapshot() }
    var current = snapshot
    var pending: [(version: Int64, actions: [DeltaAction], bytes: Int)] = []
    var next = snapshot.version + 1
    while let found = try commit(next) {
      pending.append((next, found.actions, found.bytes))
      next += 1
    }
    // The end of the log, unless the file before it has gone, too.
    guard FileFacts(filePath(LogFileName.commitName(next - 1))) != nil else { return try self.snapshot() }
    guard let last = pending.last else { return current }
    var state = SnapshotState(current)
    var tail = current.tail
    for (version, actions, bytes) in pending {
      collect?(version, actions)
      for action in actions { state.apply(action) }
      state.version = version
      tail.commits += 1
      tail.bytes += Int64(bytes)
    }
    let modified = FileFacts(filePath(LogFileName.commitName(last.version)))?.modified ?? current.timestamp
    current = try DeltaSnapshot(
      state, path: displayPath, timestamp: Self.inCommitTimestamp(last.actions) ?? modified, tail: tail, logIdentity: current.logIdentity, known: current)
    return current
  }
}

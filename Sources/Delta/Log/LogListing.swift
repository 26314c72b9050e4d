// Role: what a `_delta_log` directory holds, and from it the files that make a version: one checkpoint and the commits behind it.

import DataSource

/// The files of a log, by kind.
package struct LogListing: Sendable {
  /// Versions with a commit file, ascending.
  package private(set) var commits: [Int64] = []
  /// Complete checkpoints, ascending by version; of one version the best last.
  package private(set) var checkpoints: [CheckpointName] = []
  /// Compacted ranges with their names.
  private var compacted: [(first: Int64, last: Int64)] = []
  private let directory: String

  /// Lists `directory` (the `_delta_log`); throws PATH_NOT_FOUND when it does not exist.
  package init(directory: String) throws { self.init(directory: directory, names: try DirectoryReader.names(in: directory)) }

  /// From the names that a listing of `directory` gave.
  package init(directory: String, names: [String]) {
    self.directory = directory
    var parts: [Int64: [Int: [Int: String]]] = [:]
    for name in names {
      switch LogFileName(name) {
      case .commit(let version): commits.append(version)
      case .checkpoint(let version): checkpoints.append(CheckpointName(version: version, files: [name], isNamedByUUID: false))
      case .uuidCheckpoint(let version): checkpoints.append(CheckpointName(version: version, files: [name], isNamedByUUID: true))
      case .checkpointPart(let version, let part, let count): parts[version, default: [:]][count, default: [:]][part] = name
      case .compacted(let first, let last): compacted.append((first, last))
      case .checksum, nil: break
      }
    }
    // Parts that are not all there are a checkpoint under way, or one that never ended.
    for (version, byCount) in parts {
      for (count, files) in byCount where files.count == count {
        checkpoints.append(CheckpointName(version: version, files: (1...count).compactMap { files[$0] }, isNamedByUUID: false))
      }
    }
    commits.sort()
    checkpoints.sort { ($0.version, $0.files.count == 1 ? 1 : 0, $0.isNamedByUUID ? 1 : 0) < ($1.version, $1.files.count == 1 ? 1 : 0, $1.isNamedByUUID ? 1 : 0) }
  }

  /// The newest version of the table, nil for a log without any.
  package var lastVersion: Int64? {
    [commits.last, checkpoints.last?.version, compacted.map(\.last).max()].compactMap { $0 }.max()
  }

  /// The oldest version that can be built: that of the first checkpoint, or 0 where the log starts there.
  package var firstVersion: Int64? { commits.first == 0 ? 0 : checkpoints.first?.version }

  /// What to read for one version.
  package struct Segment: Sendable {
    /// A file of commits and the last version it brings the table to.
    package struct Tail: Sendable {
      package var first: Int64
      package var last: Int64
      package var name: String
    }
    package var checkpoint: CheckpointName?
    package var tail: [Tail]
  }

  /// The files for `version`; throws `LogFileGone` where one is missing.
  package func segment(for version: Int64) throws -> Segment {
    let checkpoint = checkpoints.last { $0.version <= version }
    var next = (checkpoint?.version ?? -1) + 1
    var tail: [Segment.Tail] = []
    let known = Set(commits)
    while next <= version {
      if let range = compacted.filter({ $0.first == next && $0.last <= version && $0.last > next }).max(by: { $0.last < $1.last }) {
        tail.append(Segment.Tail(first: next, last: range.last, name: "\(LogFileName.digits(next)).\(LogFileName.digits(range.last)).compacted.json"))
        next = range.last + 1
        continue
      }
      // A listing may lack a file made while it ran, and have a later one.
      guard known.contains(next) || pathExists(joinPath(directory, LogFileName.commitName(next))) else {
        throw LogFileGone(cause: missing(next, checkpoint: checkpoint))
      }
      tail.append(Segment.Tail(first: next, last: next, name: LogFileName.commitName(next)))
      next += 1
    }
    return Segment(checkpoint: checkpoint, tail: tail)
  }

  private func missing(_ version: Int64, checkpoint: CheckpointName?) -> KConnectError {
    let name = joinPath(directory, LogFileName.commitName(version))
    if checkpoint == nil, let first = firstVersion, version == 0 {
      return KConnectError(
        .pathNotFound, "'\(name)' is not there: the log was cleaned up to version \(first)", hint: "the oldest version that can be read is \(first)")
    }
    return DeltaError.corrupt("'\(name)'", "the file is missing, though the log goes on to version \(lastVersion ?? version)")
  }
}

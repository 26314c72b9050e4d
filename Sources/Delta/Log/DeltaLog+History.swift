// Role: the history of a table: which version was current when, and what each commit did.

import Columnar
import DataSource

/// A commit as history shows it.
package struct CommitSummary: Sendable {
  package var version: Int64
  /// Milliseconds since 1970.
  package var timestamp: Int64
  package var info: CommitInfo?
  package var addedFiles: Int
  package var removedFiles: Int
}

extension DeltaLog {
  /// The newest version committed at or before a time (milliseconds since 1970). Times of commits ascend: one that does not is taken for a
  /// millisecond after its predecessor. Throws PATH_NOT_FOUND for times before the first and after the last commit that can be read.
  package func version(asOf time: Int64) throws -> Int64 {
    let listing = try listing()
    guard let first = listing.firstVersion, let last = listing.lastVersion else { return try snapshot().version }
    var found: Int64?
    var previous = Int64.min
    var oldest = ""
    for version in listing.commits where version >= first {
      let own = try timestamp(of: version)
      let effective = previous == .min ? own : max(own, previous &+ 1)
      if effective > time {
        oldest = ScalarText.text(.datetime(effective * CivilTime.ticksPerMillisecond)).map { ", committed at \($0)" } ?? ""
        break
      }
      found = version
      previous = effective
    }
    guard let found else {
      throw KConnectError(.pathNotFound, "'\(displayPath)' has no version as old as that time", hint: "its oldest readable version is \(first)\(oldest)")
    }
    if found == last, time > previous, time > DeltaClock.milliseconds {
      throw KConnectError(.pathNotFound, "that time is in the future; the newest version of '\(displayPath)' is \(last)", hint: "leave timestampAsOf out to read it")
    }
    return found
  }

  /// The commits whose files are there, newest first, at most `limit`.
  package func history(limit: Int = .max) throws -> [CommitSummary] {
    let listing = try listing()
    var out: [CommitSummary] = []
    for version in listing.commits.reversed().prefix(limit) {
      guard let commit = try commit(version) else { continue }
      var summary = CommitSummary(version: version, timestamp: try timestamp(of: version), info: nil, addedFiles: 0, removedFiles: 0)
      for action in commit.actions {
        switch action {
        case .add: summary.addedFiles += 1
        case .remove: summary.removedFiles += 1
        case .commitInfo(let info): summary.info = info
        default: break
        }
      }
      out.append(summary)
    }
    return out
  }
}

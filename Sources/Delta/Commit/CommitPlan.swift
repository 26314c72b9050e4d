// Role: the actions of a commit made final for the version they get: provenance first, timestamps, row ids.

import Columnar
import DataSource

/// One attempt's version, time and actions.
struct CommitPlan {
  let version: Int64
  /// Milliseconds since 1970.
  let timestamp: Int64
  private(set) var actions: [DeltaAction]

  /// Throws USAGE for actions that no version may hold together.
  init(_ given: [DeltaAction], latest: DeltaSnapshot?, options: CommitOptions, path: String) throws {
    version = (latest?.version ?? -1) + 1
    var table = latest?.protocol, metadata = latest?.metadata
    for action in given {
      if case .protocol(let new) = action { table = new }
      if case .metadata(let new) = action { metadata = new }
    }
    guard let table, let metadata else {
      throw KConnectError(.internalError, "the first version of '\(path)' needs a protocol and a metaData action")
    }
    let hasOwnTime = table.supports("inCommitTimestamp") && metadata.configuration["delta.enableInCommitTimestamps"]?.lowercased() == "true"
    var time = DeltaClock.milliseconds
    if hasOwnTime, let latest { time = max(time, latest.timestamp + 1) }
    guard DeltaClock.times.contains(time) else { throw DeltaError.corrupt("'\(path)'", "no time is left behind that of version \(version - 1), the end of the year 9999") }
    timestamp = time
    var info = CommitInfo()
    actions = []
    for action in given { if case .commitInfo(let own) = action { info = own } else { actions.append(action) } }
    if info["timestamp"] == nil { info["timestamp"] = .long(time) }
    if hasOwnTime {
      info["inCommitTimestamp"] = nil
      info.fields.insert(DynamicEntry("inCommitTimestamp", .long(time)), at: 0)
    }
    if info["operation"] == nil { info["operation"] = .string("WRITE") }
    if info["engineInfo"] == nil { info["engineInfo"] = .string(options.engineInfo) }
    if info["txnId"] == nil { info["txnId"] = .string(randomIdentifier()) }
    if table.supports("rowTracking") { try RowTracking.assign(&actions, version: version, latest: latest) }
    try Self.check(actions, path)
    actions.insert(.commitInfo(info), at: 0)
  }

  private static func check(_ actions: [DeltaAction], _ path: String) throws {
    var added: Set<String> = [], removed: Set<String> = []
    for action in actions {
      switch action {
      case .add(let file):
        guard added.insert(DeltaPath.canonical(file.path)).inserted else { throw KConnectError(.internalError, "a commit to '\(path)' adds '\(file.path)' twice") }
      case .remove(let file):
        guard removed.insert(DeltaPath.canonical(file.path)).inserted else { throw KConnectError(.internalError, "a commit to '\(path)' removes '\(file.path)' twice") }
      default: break
      }
    }
  }
}

/// Row ids: every added file gets the range behind the highest id given out so far, and the version that first committed it.
package enum RowTracking {
  static let domain = "delta.rowTracking"

  /// The highest row id given out, -1 for none.
  package static func highWaterMark(_ snapshot: DeltaSnapshot?) throws -> Int64 {
    guard let configuration = snapshot?.domains[domain]?.configuration else { return -1 }
    let value = try JSONTree.parse(Array(configuration.utf8), place: "the domain \(domain)")
    guard case .long(let mark)? = value["rowIdHighWaterMark"], mark >= -1, mark < .max else {
      throw DeltaError.corrupt("the domain \(domain)", "no rowIdHighWaterMark in \(configuration.prefix(80))")
    }
    return mark
  }

  /// Fills in the ids of adds that have none; files that are in the table already keep theirs.
  static func assign(_ actions: inout [DeltaAction], version: Int64, latest: DeltaSnapshot?) throws {
    let start = try highWaterMark(latest)
    var mark = start
    for i in actions.indices {
      guard case .add(var file) = actions[i] else { continue }
      if let known = latest?.files[file.key] {
        file.baseRowId = file.baseRowId ?? known.baseRowId
        file.defaultRowCommitVersion = file.defaultRowCommitVersion ?? known.defaultRowCommitVersion
      }
      if file.baseRowId == nil {
        guard let rows = file.numRecords else {
          throw KConnectError(.internalError, "row tracking needs the number of rows of '\(file.path)' in its statistics")
        }
        let (next, overflow) = mark.addingReportingOverflow(rows)
        guard !overflow else { throw DeltaError.corrupt("the domain \(domain)", "the row ids are used up at \(mark)") }
        file.baseRowId = mark + 1
        mark = next
      }
      if file.defaultRowCommitVersion == nil { file.defaultRowCommitVersion = version }
      actions[i] = .add(file)
    }
    guard mark != start || latest == nil else { return }
    actions.removeAll { if case .domainMetadata(let d) = $0 { d.domain == domain } else { false } }
    actions.append(.domainMetadata(DomainMetadata(domain: domain, configuration: "{\"rowIdHighWaterMark\":\(mark)}")))
  }
}

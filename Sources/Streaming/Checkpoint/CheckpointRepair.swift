// Role: repairs a checkpoint where the rest of it, or the sink, proves what must have stood there. Nothing is guessed: what cannot be
// proven is named and left. Files that are taken out are kept in `repaired/`.

import Columnar
package import DataSource
import Delta

/// What was found in one place of a checkpoint.
package struct RepairFinding: Sendable, Hashable {
  /// What is wrong.
  package var problem: String
  /// What was done about it, or would be; nil when nothing safe can be done.
  package var remedy: String?
}

package final class CheckpointRepair {
  private let path: String
  private let applies: Bool
  private let fileSystem: FileSystem
  private let sink: (_ pins: [String: String], _ queryId: String) throws -> SinkMemory
  private var findings: [RepairFinding] = []

  private init(_ path: String, applies: Bool, _ fileSystem: FileSystem, sink: @escaping ([String: String], String) throws -> SinkMemory) {
    self.path = path
    self.applies = applies
    self.fileSystem = fileSystem
    self.sink = sink
  }

  /// Looks through a checkpoint and repairs what is safe; with `applies` false only says what it would do. Throws LOCKED while a query runs.
  package static func run(
    _ path: String, applies: Bool, fileSystem: FileSystem = .system, sink: @escaping (_ pins: [String: String], _ queryId: String) throws -> SinkMemory
  ) throws -> [RepairFinding] {
    guard pathKind(path) == .directory else { throw KConnectError(.pathNotFound, "the checkpoint '\(path)' does not exist") }
    let lock = try CheckpointLock(path)
    defer { withExtendedLifetime(lock) {} }
    let repair = CheckpointRepair(path, applies: applies, fileSystem, sink: sink)
    try repair.sweep()
    let plans = try repair.plans()
    try repair.identity(plans)
    try repair.commits(plans)
    try repair.sources(plans)
    try repair.states(plans)
    return repair.findings
  }

  // MARK: Tools

  private func found(_ problem: String, _ remedy: String? = nil) { findings.append(RepairFinding(problem: problem, remedy: remedy)) }

  private func numbers(_ log: String) throws -> [Int] {
    let directory = joinPath(path, log)
    guard pathKind(directory) == .directory else { return [] }
    return try DirectoryReader.names(in: directory).compactMap { Int($0) }.sorted()
  }

  /// The lines of an entry; nil when it is damaged. Entries that were taken out are not asked for again.
  private func lines(_ log: String, _ n: Int) -> [String]? {
    let file = joinPath(joinPath(path, log), String(n))
    return (try? SmallFile.read(file)).flatMap { try? LogText.lines($0, path: file) }
  }

  /// Takes a file out, into `repaired/`.
  private func takeOut(_ name: String) throws {
    guard applies else { return }
    let shelf = joinPath(path, "repaired")
    let made = fileSystem.makeDirectories(shelf)
    if made.code != 0 { throw SystemError.make("cannot create the directory", shelf, made.code) }
    let flat = name.split(separator: "/").joined(separator: "-")
    let code = fileSystem.rename(joinPath(path, name), joinPath(shelf, "\(flat).\(randomIdentifier().prefix(8))"), .noReplace)
    if code != 0 { throw SystemError.make("cannot move", joinPath(path, name), code) }
    _ = fileSystem.syncDirectory(parentPath(joinPath(path, name)))
  }

  private func put(_ bytes: [UInt8], _ name: String, in directory: String) throws {
    guard applies else { return }
    guard try SmallFile.putDurably(bytes, name: name, in: directory, fileSystem) else { throw KConnectError(.checkpointConflict, "'\(joinPath(directory, name))' appeared meanwhile") }
  }

  // MARK: Steps

  /// Drafts of writers that died.
  private func sweep() throws {
    let drafts = try Checkpoint.drafts(in: path)
    if applies { for draft in drafts { _ = fileSystem.remove(draft) } }
    let count = drafts.count
    if count > 0 { found("\(count) draft\(count == 1 ? "" : "s") of a process that died", "removed: no entry was made of \(count == 1 ? "it" : "them")") }
  }

  /// The readable plans by number, once a last one that is torn and was never run is out.
  private func plans() throws -> [Int: BatchPlan] {
    var plans: [Int: BatchPlan] = [:]
    let all = try numbers("offsets"), committed = try numbers("commits").last ?? -1
    var damaged: [Int] = []
    for n in all {
      if let lines = lines("offsets", n), let plan = try? BatchPlan(lines, batchId: n, path: "offsets/\(n)") { plans[n] = plan } else { damaged.append(n) }
    }
    for n in damaged {
      if n < committed - 1 || n < committed && plans[committed] != nil {
        found("'offsets/\(n)' is damaged, but later batches are committed", "taken out: it is not needed any more")
        try takeOut("offsets/\(n)")
      } else if n <= committed {
        found("'offsets/\(n)' is damaged, and batch \(n) is committed: where it ended is not known")
      } else if let reason = try canPlanAnew(n, plans) {
        found("'offsets/\(n)' is damaged", "taken out: \(reason); the batch is planned anew")
        try takeOut("offsets/\(n)")
      } else {
        found("'offsets/\(n)' is damaged, and whether the sink has batch \(n) is not known: planned anew it could have other rows")
      }
    }
    return plans
  }

  /// Why batch n, whose plan is lost, may be planned anew; nil when it may not.
  private func canPlanAnew(_ n: Int, _ plans: [Int: BatchPlan]) throws -> String? {
    guard let before = plans[n - 1] else { return nil }
    let pins = before.pinned
    let sources = pins.filter { $0.key.hasPrefix("kconnect.source.") }.values
    if !sources.isEmpty, sources.allSatisfy({ source in ["csv:", "json:", "parquet:"].contains { source.hasPrefix($0) } }) {
      return "the source's log still says which files it had"
    }
    guard pins["kconnect.sink"] != nil, let id = try Checkpoint.identity(path) ?? pins["kconnect.query"] else { return nil }
    return try sink(pins, id).has(n) == false ? "the sink does not have batch \(n)" : nil
  }

  private func identity(_ plans: [Int: BatchPlan]) throws {
    if (try? Checkpoint.identity(path)) != nil { return }
    guard !plans.isEmpty else { return }
    guard let id = plans.max(by: { $0.key < $1.key })?.value.pinned["kconnect.query"] else {
      return found("'metadata' is missing or damaged, and the plans do not say which query this is")
    }
    found("'metadata' is missing or damaged", "written anew: the plans say that this is query \(id)")
    if pathExists(joinPath(path, "metadata")) { try takeOut("metadata") }
    try put(Array("{\"id\":\"\(id)\"}".utf8), "metadata", in: path)
  }

  private func commits(_ plans: [Int: BatchPlan]) throws {
    guard let last = try numbers("offsets").last(where: { plans[$0] != nil }), let plan = plans[last] else { return }
    var done = try numbers("commits")
    // A batch is planned only once the one before is committed, so the newest commit there can be is `last`.
    if let beyond = done.last, beyond > last {
      if try numbers("offsets").last ?? -1 < beyond { found("batch \(beyond) is committed, but 'offsets/\(beyond)' is missing: where it ended is not known") }
      return
    }
    if done.last == last, lines("commits", last) == nil {
      guard try stateFiles().values.allSatisfy({ StateEntry.lead($0, to: last) }) else {
        return found("'commits/\(last)' is damaged, and batch \(last) cannot run again: the keys that were seen before it are not known any more")
      }
      found("'commits/\(last)' is damaged", "taken out: batch \(last) runs again with the same rows, and a sink that has it skips it")
      try takeOut("commits/\(last)")
      done.removeLast()
    }
    guard last > 0, done.last != last, done.last != last - 1 || lines("commits", last - 1) == nil, plans[last - 1] != nil else {
      if last > 0, done.last != last, done.last != last - 1 { found("'offsets/\(last - 1)' and 'commits/\(last - 1)' are missing: where batch \(last) begins is not known") }
      return
    }
    if plan.pinned["kconnect.sink"] != nil, let id = try Checkpoint.identity(path) ?? plan.pinned["kconnect.query"], try sink(plan.pinned, id).has(last - 1) == false {
      return found("'commits/\(last - 1)' is missing or damaged, batch \(last) is planned, but the sink does not have batch \(last - 1)")
    }
    found("'commits/\(last - 1)' is missing or damaged", "written anew: batch \(last) was planned, which happens only after batch \(last - 1) is committed")
    if done.contains(last - 1) { try takeOut("commits/\(last - 1)") }
    let line = DynamicValue.object([("nextBatchWatermarkMs", .long(plan.watermarkMs)), ("rows", .long(0))]).json
    try put(LogText.bytes([line]), String(last - 1), in: joinPath(path, "commits"))
  }

  /// Entries of sources' logs that no plan stands on.
  private func sources(_ plans: [Int: BatchPlan]) throws {
    let directory = joinPath(path, "sources")
    guard pathKind(directory) == .directory else { return }
    let last = plans.max { $0.key < $1.key }?.value
    for name in try DirectoryReader.names(in: directory) {
      guard let i = Int(name) else { continue }
      try compactions("sources/\(i)")
      for k in try numbers("sources/\(i)") where lines("sources/\(i)", k) == nil {
        let end = last.flatMap { i < $0.ends.count ? $0.ends[i] : nil }
        let reached = try end?.value().integer("logOffset")
        if last == nil || end == nil || reached.map({ $0 < k }) ?? false {
          found("'sources/\(i)/\(k)' is damaged", "taken out: no batch was planned with it, and its files are listed again")
          try takeOut("sources/\(i)/\(k)")
        } else {
          found("'sources/\(i)/\(k)' is damaged, and batches stand on it: which files they had is not known")
        }
      }
    }
  }

  /// Lists of files that entries were gathered into: one that is damaged can go while what it was made of is there.
  private func compactions(_ log: String) throws {
    func isIntact(_ name: String) -> Bool {
      let file = joinPath(joinPath(path, log), name)
      return (try? SmallFile.read(file)).flatMap { try? LogText.lines($0, path: file) } != nil
    }
    let all = try DirectoryReader.names(in: joinPath(path, log)).compactMap(SeenLog.compactNumber).sorted()
    let entries = Set(try numbers(log))
    for k in all where !isIntact("\(k).compact") {
      let before = all.last { $0 < k && isIntact("\($0).compact") } ?? -1
      let isNewest = all.last { isIntact("\($0).compact") } ?? -1 < k
      if !isNewest || (before + 1...k).allSatisfy({ entries.contains($0) && lines(log, $0) != nil }) {
        found("'\(log)/\(k).compact' is damaged", "taken out: \(isNewest ? "the entries it was made of are there" : "a newer one holds all files")")
        try takeOut("\(log)/\(k).compact")
      } else {
        found("'\(log)/\(k).compact' is damaged: which files were read is not known")
      }
    }
  }

  /// A file of an operator's state.
  private struct StateEntry {
    var name: String
    var version: Int
    var isSnapshot: Bool
    var isIntact: Bool

    /// The newest whole state up to a version; 0, which needs no file, when there is none.
    static func base(_ files: [StateEntry], of version: Int) -> Int {
      files.filter { $0.isSnapshot && $0.isIntact && $0.version <= version }.map(\.version).max() ?? 0
    }

    /// True when the intact files give the state of a version: a whole one, and each change since.
    static func lead(_ files: [StateEntry], to version: Int) -> Bool {
      let changes = Set(files.filter { !$0.isSnapshot && $0.isIntact }.map(\.version))
      return (base(files, of: version)..<version).allSatisfy { changes.contains($0 + 1) }
    }
  }

  /// The files of the states by operator.
  private func stateFiles() throws -> [String: [StateEntry]] {
    let directory = joinPath(path, "state")
    guard pathKind(directory) == .directory else { return [:] }
    var out: [String: [StateEntry]] = [:]
    for name in try DirectoryReader.names(in: directory) where Int(name) != nil {
      out[name] = try DirectoryReader.names(in: joinPath(directory, name)).compactMap { file -> StateEntry? in
        let parts = file.split(separator: ".")
        guard parts.count == 2, let n = Int(parts[0]), parts[1] == "delta" || parts[1] == "snapshot" else { return nil }
        let bytes = try? SmallFile.read(joinPath(joinPath(directory, name), file))
        return StateEntry(name: file, version: n, isSnapshot: parts[1] == "snapshot", isIntact: bytes.map { StateFile.isIntact($0) } ?? false)
      }
    }
    return out
  }

  /// State files that are damaged.
  private func states(_ plans: [Int: BatchPlan]) throws {
    let committed = try numbers("commits").last(where: { lines("commits", $0) != nil }) ?? -1
    // The batch that runs next.
    let version = max(plans.keys.max() ?? 0, committed + 1)
    for (name, files) in try stateFiles().sorted(by: { $0.key < $1.key }) {
      let newest = StateEntry.base(files, of: version)
      for file in files where !file.isIntact {
        let place = "state/\(name)/\(file.name)"
        let isCovered = file.isSnapshot && file.version > newest && StateEntry.lead(files, to: version)
        if file.version > version || file.version <= newest || isCovered {
          found("'\(place)' is damaged", "taken out: \(file.version > version ? "its batch runs again" : "the state is whole without it")")
          try takeOut(place)
        } else {
          found("'\(place)' is damaged: the keys that batch \(file.version - 1) saw are not known")
        }
      }
    }
  }
}

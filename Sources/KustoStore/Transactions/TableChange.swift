// Role: what one commit does to one table, and what it may be rebased over when others commit first.

import Columnar
import DataSource
import Delta

/// A change of one table, made from one of its versions.
struct TableChange {
  let table: StoreTable
  let basis: DeltaSnapshot
  private(set) var actions: [DeltaAction] = []
  private(set) var staged: [StagedExtents] = []
  /// Full tags: when another commit brings extents with one of them, this one is not needed.
  var ingestIfNotExists: [String] = []
  /// The operation's name in the log.
  var operation: String
  /// Files of the basis that all go, and what became of them by merges counts too.
  private var replaced: Set<FileKey>?
  /// True when extents committed meanwhile would be wrong under this change (columns go, keys are replaced).
  var forbidsOtherExtents = false

  init(_ table: StoreTable, basis: DeltaSnapshot, operation: String) {
    self.table = table
    self.basis = basis
    self.operation = operation
  }

  mutating func append(_ extents: StagedExtents) {
    staged.append(extents)
    actions += extents.adds.map { .add($0) }
  }

  /// Takes files out; `isDataChange` is false when others of the same rows come in.
  mutating func remove(_ files: [ExtentFile], isDataChange: Bool = true) {
    let now = StoreClock.nowMilliseconds
    actions += files.map { .remove($0.add.removal(at: now, dataChange: isDataChange)) }
  }

  /// Takes all files of the basis out.
  mutating func replaceAll(_ files: [ExtentFile]) {
    remove(files)
    replaced = Set(files.map(\.add.key))
  }

  /// New tags of files that stay.
  mutating func retag(_ files: [AddFile]) {
    actions += files.map { file in
      var file = file
      file.dataChange = false
      return .add(file)
    }
  }

  mutating func transaction(_ application: String, _ version: Int64) {
    actions.append(.transaction(AppTransaction(appId: application, version: version, lastUpdated: StoreClock.nowMilliseconds)))
  }

  mutating func metadata(_ metadata: TableMetadata) { actions.append(.metadata(metadata)) }

  /// The actions with their provenance.
  func described(_ id: String) -> [DeltaAction] {
    var info = CommitInfo()
    info["operation"] = .string(operation)
    info["txnId"] = .string(id)
    return [.commitInfo(info)] + actions
  }

  // MARK: Rebasing

  /// How to go on when `winners` were committed after the basis: with which actions, not at all, or an error.
  func rebase(_ winners: [WinningCommit], _ newest: DeltaSnapshot, id: String) throws -> Rebase {
    var winners = winners
    var changesTable = false
    for action in actions { if case .metadata = action { changesTable = true } }
    let wanted = Set(ingestIfNotExists)
    for i in winners.indices {
      for action in winners[i].actions {
        guard case .add(let add) = action else { continue }
        if !wanted.isEmpty, try ExtentFile(add).extent.tags.ingestBy.contains(where: { wanted.contains($0) }) { return .done }
        if forbidsOtherExtents { return .conflict(conflict(winners[i].version, "brought other extents")) }
      }
      if changesTable { continue }
      winners[i].actions.removeAll { action in
        if case .metadata(let new) = action { TableSchema.onlyAdds(new, to: basis.metadata) } else { false }
      }
    }
    if let replaced { return rebaseReplacement(replaced, winners, newest, id) }
    guard case .retry = try ConflictCheck.answer(actions, basis: basis, winners: winners, path: table.displayPath) else {
      return try ConflictCheck.answer(actions, basis: basis, winners: winners, path: table.displayPath)
    }
    return .retry(described(id))
  }

  /// What stands for the replaced snapshot now: its files that are still there, and those that merges made of them.
  private func rebaseReplacement(_ replaced: Set<FileKey>, _ winners: [WinningCommit], _ newest: DeltaSnapshot, _ id: String) -> Rebase {
    var ours = replaced
    var applications: [String: Int64] = [:]
    for action in actions { if case .transaction(let own) = action { applications[own.appId] = own.version } }
    for winner in winners {
      var removed: [FileKey] = [], added: [AddFile] = []
      for action in winner.actions {
        switch action {
        case .metadata, .protocol: return .conflict(conflict(winner.version, "changed the columns"))
        case .remove(let file): removed.append(file.key)
        case .add(let file): added.append(file)
        case .transaction(let theirs):
          // The same write, done by another process meanwhile.
          if let own = applications[theirs.appId] { return theirs.version >= own ? .done : .conflict(conflict(winner.version, "wrote the transaction '\(theirs.appId)'")) }
        default: break
        }
      }
      let fromOurs = removed.filter { ours.contains($0) }
      ours.subtract(removed)
      let rewritten = added.filter { !$0.dataChange && !ours.contains($0.key) }
      if fromOurs.isEmpty || rewritten.isEmpty { continue }
      guard fromOurs.count == removed.count else { return .conflict(conflict(winner.version, "merged extents of the replaced version with newer ones")) }
      ours.formUnion(rewritten.map(\.key))
    }
    let now = StoreClock.nowMilliseconds
    var out = described(id)
    out.removeAll { if case .remove = $0 { true } else { false } }
    out += newest.adds.filter { ours.contains($0.key) }.map { .remove($0.removal(at: now)) }
    return .retry(out)
  }

  private func conflict(_ version: Int64, _ what: String) -> KConnectError {
    KConnectError(.locked, "'\(table.displayPath)': version \(version), committed meanwhile, \(what)", hint: "repeat the operation", isRetryable: true)
  }
}

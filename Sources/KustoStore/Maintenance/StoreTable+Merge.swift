// Role: small extents → larger ones. A committer that leaves many small ones merges them itself, one merger at a time; nothing waits for it.

package import Columnar
import DataSource
import Delta
import Expressions

/// What a merge of extents did.
package struct MergeResult: Sendable {
  /// Old extents by the new ones that have their rows.
  package var merged: [(new: [Extent], old: [Extent])] = []
  package init() {}
}

extension StoreTable {
  /// Merges extents into larger ones; nil: all that are small. Rows keep their ingestion time and cursor position. Only extents with the
  /// same drop-by tags merge. A merge policy does not hold back what is asked for. Throws USAGE for ids that are not in the table.
  package func mergeExtents(_ ids: Set<GUID>? = nil) throws -> MergeResult {
    try retrying { _ in
      let snapshot = try snapshot()
      return try merge(groups(try ids.map { try snapshot.files(of: $0) } ?? snapshot.files.filter(Self.isSmall), MergeRule()), of: snapshot)
    }
  }

  /// Merges when there are many small extents, the merge policy allows it and nobody else does; what stands in the way is left to the next committer.
  func mergeSmallExtentsIfMany() {
    guard let small = try? files(state()).lazy.filter(Self.isSmall).count, small > ExtentSize.manySmall,
      let lock = try? FileLock.tryAcquire(directory.path(Self.ownDirectory + "/merge.lock"))
    else { return }
    defer { withExtendedLifetime(lock) {} }
    guard let rule = try? mergeRule, rule.isAllowed, let snapshot = try? snapshot() else { return }
    let oldest = StoreClock.nowTicks.subtractingReportingOverflow(rule.lookback).partialValue
    let files = snapshot.files.filter { Self.isSmall($0) && $0.extent.maxCreatedOn >= oldest }
    if files.count <= ExtentSize.manySmall { return }
    _ = try? merge(groups(files, rule), of: snapshot)
  }

  private static func isSmall(_ file: ExtentFile) -> Bool { file.extent.rowCount < ExtentSize.smallRows }

  /// Extents that may become one, in the order of their commits: equal drop-by tags, within the rule.
  private func groups(_ files: [ExtentFile], _ rule: MergeRule) -> [[ExtentFile]] {
    var open: [[String]: [ExtentFile]] = [:]
    var out: [[ExtentFile]] = []
    for file in files {
      let key = file.extent.tags.dropBy
      var group = open[key] ?? []
      if !rule.allows(file.extent, beside: group.lazy.map(\.extent)) {
        out.append(group)
        group = []
      }
      group.append(file)
      open[key] = group
    }
    out += open.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
    return out.filter { $0.count > 1 }
  }

  private func merge(_ groups: [[ExtentFile]], of snapshot: TableSnapshot) throws -> MergeResult {
    var result = MergeResult()
    if groups.isEmpty { return result }
    var change = TableChange(self, basis: snapshot.delta, operation: "MERGE EXTENTS")
    for group in groups {
      let staged = try ExtentRewrite(snapshot, group).run(context: EvaluationContext(nowTicks: StoreClock.nowTicks, seed: 0))
      change.remove(group, isDataChange: false)
      change.append(staged)
      result.merged.append((new: try staged.extents, old: group.map(\.extent)))
    }
    _ = try commit(change)
    return result
  }
}

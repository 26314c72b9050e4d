// Role: what a merge policy allows of the merging that happens by itself. Source: the management reference, "Merge policy".

import Columnar

/// Limits of merges. Without a policy only the store's own extent size limits them; the members a policy leaves out have Kusto's defaults.
struct MergeRule: Sendable, Equatable {
  var isAllowed = true
  var maxRows = ExtentSize.targetRows
  /// Bytes before encoding.
  var maxBytes = Int.max
  var maxExtents = Int.max
  /// Ticks between the creation of any two extents of one merge.
  var maxRange = Int64.max
  /// Ticks: extents created longer ago stay as they are.
  var lookback = Int64.max

  static let ticksPerHour: Int64 = 36_000_000_000

  init() {}

  init(_ policy: DynamicValue) {
    func number(_ member: String, _ absent: Int64) -> Int { Int(clamping: max(0, policy[member]?.longValue ?? absent)) }
    func flag(_ member: String) -> Bool { if case .bool(let on)? = policy[member] { on } else { true } }
    isAllowed = flag("AllowMerge") || flag("AllowRebuild")
    maxRows = min(ExtentSize.targetRows, number("RowCountUpperBoundForMerge", 16_000_000))
    maxBytes = min(number("OriginalSizeMBUpperBoundForMerge", 30_000), 1 << 40) << 20
    maxExtents = number("MaxExtentsToMerge", 100)
    maxRange = Int64(min(number("MaxRangeInHours", 24), 1 << 20)) * Self.ticksPerHour
    switch policy["Lookback"]?["Kind"]?.stringValue {
    case "Default": lookback = 14 * 24 * Self.ticksPerHour
    case "Custom": if let text = policy["Lookback"]?["CustomPeriod"]?.stringValue, case .timespan(let ticks)? = ScalarText.parse(text, as: .timespan) { lookback = ticks }
    // Everything here is as near as a cluster's hot cache.
    default: break
    }
  }

  /// Whether `extent` may join the extents of one merge.
  func allows(_ extent: Extent, beside others: some Collection<Extent>) -> Bool {
    guard others.count < maxExtents else { return false }
    var rows = extent.rowCount, bytes = extent.originalSize, low = extent.minCreatedOn, high = extent.maxCreatedOn
    for other in others {
      rows += other.rowCount
      bytes += other.originalSize
      low = min(low, other.minCreatedOn)
      high = max(high, other.maxCreatedOn)
    }
    return rows <= maxRows && bytes <= maxBytes && high.subtractingReportingOverflow(low).partialValue <= maxRange
  }
}

extension StoreTable {
  /// What the policies of the table, its database and the cluster allow.
  var mergeRule: MergeRule {
    get throws { try Policies(MetadataStore(storePath: database.store.path)).effective(.merge, of: self).map(MergeRule.init) ?? MergeRule() }
  }
}

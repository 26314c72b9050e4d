// Role: which rows have an ingestion time: those that came while the table's policy was on. Every row has one in its extent; the spans of time in which
// the policy was off are kept beside it, so that switching it shows and hides nothing of what came before.
// Source: Kusto reference, "IngestionTime policy".

import Columnar
import DataSource
import Expressions

/// A span of time, in ticks, in which rows came without an ingestion time; the start is in it, the end is not.
struct TimeGap: Hashable, Sendable {
  /// Nil: from the beginning.
  var start: Int64?
  /// Nil: it goes on.
  var end: Int64?

  /// All rows.
  static let always = TimeGap(start: nil, end: nil)

  var document: DynamicValue { .array([start.map { .long($0) } ?? .null, end.map { .long($0) } ?? .null]) }

  init(start: Int64?, end: Int64?) {
    self.start = start
    self.end = end
  }

  init?(_ value: DynamicValue) {
    guard let parts = value.elements, parts.count == 2 else { return nil }
    start = parts[0].longValue
    end = parts[1].longValue
  }

  /// Whether a time lies in it; nil: every time does.
  func holds(_ time: Expr) -> Expr? {
    var conditions: [Expr] = []
    if let start { conditions.append(.call(FunctionName.greaterOrEqual, [time, .literal(.datetime(start))])) }
    if let end { conditions.append(.call(FunctionName.less, [time, .literal(.datetime(end))])) }
    return Expr.conjunction(conditions)
  }
}

extension Policies {
  /// When rows came to a table without an ingestion time, in order. New tables have the policy.
  func timeGaps(of tableId: String) throws -> [TimeGap] {
    let scope = EntryScope.table(tableId)
    let name = PolicyName.ingestionTime.rawValue
    return try Self.gaps(metadata.entry(.timeGaps, name, in: scope), policy: metadata.entry(.policy, name, in: scope))
  }

  private static func gaps(_ kept: MetadataEntry?, policy: @autoclosure () throws -> MetadataEntry?) rethrows -> [TimeGap] {
    if let list = kept?.document.elements { return list.compactMap { TimeGap($0) } }
    guard let policy = try policy(), isOn(policy.document) == false else { return [] }
    return [TimeGap(start: policy.updated, end: nil)]
  }

  /// Puts the policy of a table where `old` stands, nil for nothing, and keeps that it was switched; false when something else stands there by now.
  func exchangeIngestionTime(of tableId: String, _ old: DynamicValue?, for document: DynamicValue) throws -> Bool {
    let name = PolicyName.ingestionTime.rawValue
    let scope = EntryScope.table(tableId)
    guard let isOn = Self.isOn(document) else { return try metadata.exchange(.policy, name, in: scope, old, for: document) }
    return try metadata.exchange(.policy, name, in: scope, old, for: document, with: .timeGaps) { kept, policy in
      var gaps = Self.gaps(kept, policy: policy)
      let isOpen = gaps.last.map { $0.end == nil } ?? false
      if isOn, isOpen { gaps[gaps.count - 1].end = StoreClock.nowTicks }
      if !isOn, !isOpen { gaps.append(TimeGap(start: StoreClock.nowTicks, end: nil)) }
      return .array(gaps.map(\.document))
    }
  }

  /// Takes the policy from a table that has no rows yet.
  func withoutIngestionTime(_ tableId: String) throws {
    try metadata.put(.policy, PolicyName.ingestionTime.rawValue, in: .table(tableId), .bag([DynamicEntry("IsEnabled", .bool(false))]))
    try put([.always], of: tableId)
  }

  private func put(_ gaps: [TimeGap], of tableId: String) throws {
    try metadata.put(.timeGaps, PolicyName.ingestionTime.rawValue, in: .table(tableId), .array(gaps.map(\.document)))
  }

  /// The ingestion time as queries see it, of the time in the extents.
  func ingestionTime(of tableId: String, _ time: Expr) throws -> Expr {
    var isGap: Expr?
    for gap in try timeGaps(of: tableId) {
      guard let condition = gap.holds(time) else { return .literal(.null(.datetime)) }
      isGap = isGap.map { Expr.call(FunctionName.or, [$0, condition]) } ?? condition
    }
    return isGap.map { Expr.call("iff", [$0, .literal(.null(.datetime)), time]) } ?? time
  }
}

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
    if let list = try metadata.entry(.timeGaps, PolicyName.ingestionTime.rawValue, in: scope)?.document.elements { return list.compactMap { TimeGap($0) } }
    guard let entry = try metadata.entry(.policy, PolicyName.ingestionTime.rawValue, in: scope), Self.isOn(entry.document) == false else { return [] }
    return [TimeGap(start: entry.updated, end: nil)]
  }

  /// Keeps that the policy was switched at a moment; `gaps`: those before it.
  func noteIngestionTime(of tableId: String, isOn: Bool, at now: Int64, after gaps: [TimeGap]) throws {
    var gaps = gaps
    let isOpen = gaps.last.map { $0.end == nil } ?? false
    if isOn, isOpen { gaps[gaps.count - 1].end = now }
    if !isOn, !isOpen { gaps.append(TimeGap(start: now, end: nil)) }
    try put(gaps, of: tableId)
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

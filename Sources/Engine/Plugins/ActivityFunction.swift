// Role: the plugins that count users over periods: activity_counts_metrics, activity_metrics, activity_engagement, sliding_window_counts and
// new_activity_metrics. Their input is already reduced to one row per dimension values, user and period, so all counts are exact and cheap:
// per user only the sorted list of its periods matters.
// Source: Kusto language reference, the plugins' pages.

package import Columnar
import DataSource
import Expressions

/// Counts over (dimensions, id, period, rows). Input columns: the dimensions, the id, the start of the period, the number of rows.
package struct ActivityFunction: TableFunction {
  package enum Kind: Sendable {
    /// Rows, ids, ids not seen before, and ids so far.
    case counts
    /// Ids, ids not seen in the period before, share of the period before that came back, and the rest.
    case metrics
    /// Ids of the period, ids of the last `outer` periods, and their ratio.
    case engagement(outer: Int)
    /// Rows and ids of the last `window` periods.
    case slidingWindow(window: Int)
    /// For each period's new ids, how many come back in each later one. `cohort` is the only period asked for.
    case newActivity(cohort: Int64?)
  }

  package let kind: Kind
  package let dimensions: [StructField]
  package let timeline: StructField
  /// The type of ids.
  package let idType: DataType
  /// The starts of all periods, ascending.
  package let periods: [Int64]
  /// The first period that is shown; earlier ones only look back.
  package let firstShown: Int

  package init(_ kind: Kind, dimensions: [StructField], timeline: StructField, idType: DataType, periods: [Int64], firstShown: Int = 0) {
    self.kind = kind
    self.dimensions = dimensions
    self.timeline = timeline
    self.idType = idType
    self.periods = periods
    self.firstShown = firstShown
  }

  package var name: String {
    switch kind {
    case .counts: "ActivityCountsMetrics"
    case .metrics: "ActivityMetrics"
    case .engagement: "ActivityEngagement"
    case .slidingWindow: "SlidingWindowCounts"
    case .newActivity: "NewActivityMetrics"
    }
  }

  package var schema: StructType {
    func long(_ names: String...) -> [StructField] { names.map { StructField($0, .long) } }
    func real(_ names: String...) -> [StructField] { names.map { StructField($0, .real) } }
    switch kind {
    case .counts: return StructType([timeline] + dimensions + long("count", "dcount", "new_dcount", "aggregated_dcount"))
    case .metrics: return StructType([timeline] + long("dcount_values", "dcount_newvalues") + real("retention_rate", "churn_rate") + dimensions)
    case .engagement: return StructType([timeline] + long("dcount_activities_inner", "dcount_activities_outer") + real("activity_ratio") + dimensions)
    case .slidingWindow: return StructType([timeline] + dimensions + long("Count", "dcount"))
    case .newActivity:
      let ends = ["from_", "to_"].map { StructField($0 + timeline.name, timeline.type) }
      return StructType(ends + long("dcount_new_values", "dcount_retained_values", "dcount_churn_values") + real("retention_rate", "churn_rate") + dimensions)
    }
  }

  package func apply(_ inputs: [[RecordBatch]], _ context: TableFunctionContext) throws -> [RecordBatch] {
    let visits = try Visits(inputs[0], dimensions: dimensions.map(\.type), idType: idType, periods: periods, context)
    var ignored: Set<Int32> = []
    if inputs.count > 1 { ignored = visits.ids(of: inputs[1]) }
    var rows: [[Scalar]] = []
    try visits.forEachDimension { d, users in
      try context.check()
      let before = rows.count
      let key = visits.key(d)
      switch kind {
      case .counts: counts(users, key, &rows)
      case .metrics: metrics(users, key, &rows)
      case .engagement(let outer): engagement(users, outer, key, &rows)
      case .slidingWindow(let window): sliding(users, window, key, &rows)
      case .newActivity(let cohort): try newActivity(users, cohort, ignored, key, context, &rows)
      }
      try context.require((rows.count - before) * 160)
    }
    return [.rows(schema, rows)]
  }

  private func time(_ p: Int) -> Scalar { periodValue(periods[p], timeline.type) }

  // MARK: - Kinds

  private func counts(_ users: Visits.Users, _ key: [Scalar], _ rows: inout [[Scalar]]) {
    var count = [Int64](repeating: 0, count: periods.count), distinct = count, new = count
    users.forEach { _, visits in
      for visit in visits {
        count[visit.period] += visit.count
        distinct[visit.period] += 1
      }
      new[visits[visits.startIndex].period] += 1
    }
    var total: Int64 = 0
    for p in periods.indices {
      total += new[p]
      if distinct[p] > 0 { rows.append([time(p)] + key + [.long(count[p]), .long(distinct[p]), .long(new[p]), .long(total)]) }
    }
  }

  private func metrics(_ users: Visits.Users, _ key: [Scalar], _ rows: inout [[Scalar]]) {
    var distinct = [Int64](repeating: 0, count: periods.count), returned = distinct
    users.forEach { _, visits in
      var last = -2
      for visit in visits {
        distinct[visit.period] += 1
        if last == visit.period - 1 { returned[visit.period] += 1 }
        last = visit.period
      }
    }
    for p in periods.indices where distinct[p] > 0 {
      let retention = p > 0 && distinct[p - 1] > 0 ? Double(returned[p]) / Double(distinct[p - 1]) : Double.nan
      rows.append([time(p), .long(distinct[p]), .long(distinct[p] - returned[p]), .real(retention), .real(1 - retention)] + key)
    }
  }

  private func engagement(_ users: Visits.Users, _ outer: Int, _ key: [Scalar], _ rows: inout [[Scalar]]) {
    var inner = [Int64](repeating: 0, count: periods.count)
    var wide = [Int64](repeating: 0, count: periods.count + 1)
    users.forEach { _, visits in
      for visit in visits { inner[visit.period] += 1 }
      Self.cover(visits, window: outer, &wide)
    }
    var running: Int64 = 0
    for p in periods.indices {
      running += wide[p]
      guard p >= firstShown, inner[p] > 0 else { continue }
      rows.append([time(p), .long(inner[p]), .long(running), .real(Double(inner[p]) / Double(running))] + key)
    }
  }

  private func sliding(_ users: Visits.Users, _ window: Int, _ key: [Scalar], _ rows: inout [[Scalar]]) {
    var count = [Int64](repeating: 0, count: periods.count + 1), distinct = count
    users.forEach { _, visits in
      for visit in visits {
        count[visit.period] += visit.count
        count[min(visit.period + window, periods.count)] -= visit.count
      }
      Self.cover(visits, window: window, &distinct)
    }
    var rowCount: Int64 = 0, idCount: Int64 = 0
    for p in periods.indices {
      rowCount += count[p]
      idCount += distinct[p]
      if p >= firstShown, idCount > 0 { rows.append([time(p)] + key + [.long(rowCount), .long(idCount)]) }
    }
  }

  /// Adds one to the differences of all periods from which a window of that many periods looks back on a visit.
  private static func cover(_ visits: ArraySlice<Visits.Visit>, window: Int, _ differences: inout [Int64]) {
    let last = differences.count - 1
    for i in visits.indices {
      let period = visits[i].period
      let end = min(period + window, last)
      let next = i + 1 < visits.endIndex ? visits[i + 1].period : last
      differences[period] += 1
      differences[min(end, next)] -= 1
    }
  }

  private func newActivity(
    _ users: Visits.Users, _ cohort: Int64?, _ ignored: Set<Int32>, _ key: [Scalar], _ context: TableFunctionContext, _ rows: inout [[Scalar]]
  ) throws {
    let n = periods.count
    try context.require(n * n * 8)
    defer { context.release(n * n * 8) }
    // seen[first * n + p]: ids first seen in `first` that came in p.
    var seen = [Int64](repeating: 0, count: n * n)
    users.forEach { id, visits in
      if ignored.contains(id) { return }
      let first = visits[visits.startIndex].period
      for visit in visits { seen[first * n + visit.period] += 1 }
    }
    // later[p]: ids of p first seen after the cohort, kept while the cohort moves on.
    var later = [Int64](repeating: 0, count: n)
    for first in 0..<n { for p in first..<n { later[p] += seen[first * n + p] } }
    for first in 0..<n {
      let size = seen[first * n + first]
      for p in first..<n { later[p] -= seen[first * n + p] }
      guard size > 0, cohort == nil || cohort == periods[first] else { continue }
      for p in first..<n {
        let retained = seen[first * n + p]
        let rate = Double(retained) / Double(size)
        rows.append(
          [time(first), time(p), .long(p == first ? size : later[p]), .long(retained), .long(size - retained), .real(rate), .real(1 - rate)] + key)
      }
    }
  }
}

// Role: events of users in time order, and the plugins over them: active_users_count, session_count, sequence_detect.
// Source: Kusto language reference, the plugins' pages.

package import Columnar
import DataSource
import Expressions

/// Rows of (keys, time, further columns) grouped by keys and sorted by time within each group; rows without a time are left out.
struct Events {
  struct Event {
    var group: Int32
    var time: Int64
    /// The row in `rows`.
    var row: Int32
  }

  let rows: RecordBatch
  let events: [Event]
  private let table: GroupTable

  /// The first `keyCount` columns are the keys, the next one is the time.
  init(_ rows: RecordBatch, keyCount: Int, _ context: TableFunctionContext) throws {
    try context.require(rows.rowCount * 24)
    self.rows = rows
    table = GroupTable(types: rows.columns[0..<keyCount].map(\.type))
    let groups = table.assign(keys: Array(rows.columns[0..<keyCount]), rowCount: rows.rowCount)
    let times = rows.columns[keyCount].integers()
    var events: [Event] = []
    events.reserveCapacity(rows.rowCount)
    for i in 0..<rows.rowCount where rows.columns[keyCount].isValid(i) { events.append(Event(group: groups[i], time: times[i], row: Int32(i))) }
    events.sort { ($0.group, $0.time, $0.row) < ($1.group, $1.time, $1.row) }
    self.events = events
    try context.check()
  }

  /// The events of each group in turn.
  func forEachGroup(_ body: (ArraySlice<Event>) throws -> Void) rethrows {
    var start = 0
    while start < events.count {
      var end = start + 1
      while end < events.count, events[end].group == events[start].group { end += 1 }
      try body(events[start..<end])
      start = end
    }
  }
}

/// A count per dimension values and period.
struct PeriodCounts {
  private var counts: [Int64: Int64] = [:]
  private let table: GroupTable

  init(_ dimensions: [DataType]) { table = GroupTable(types: dimensions) }

  /// The number of each row's dimension values.
  func groups(_ columns: [ColumnVector], rowCount: Int) -> Buffer<Int32> { table.assign(keys: columns, rowCount: rowCount) }

  mutating func add(_ group: Int32, _ period: Int) { counts[Int64(group) << 32 | Int64(period), default: 0] += 1 }

  /// Rows (time, dimensions, count), by dimension values and period.
  func rows(_ periods: [Int64], _ timeline: DataType) -> [[Scalar]] {
    counts.sorted { $0.key < $1.key }.map { key, count in
      let group = Int(key >> 32)
      let values = table.types.isEmpty ? [] : table.keyColumns(group..<group + 1).map { $0.scalar(0) }
      let time = periodValue(periods[Int(key & 0xFFFF_FFFF)], timeline)
      return [time] + values + [.long(count)]
    }
  }

  /// The period that holds a time; nil when it lies before all of them.
  static func period(_ time: Int64, _ periods: [Int64]) -> Int? {
    var low = 0, high = periods.count
    while low < high {
      let middle = (low + high) / 2
      if periods[middle] <= time { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? low - 1 : nil
  }
}

/// `active_users_count` and `session_count`. Input columns: the dimensions, the id, the time.
package struct UserCountFunction: TableFunction {
  package enum Kind: Sendable {
    /// Users seen in at least `count` spans of `period` within `lookback` up to an appearance.
    case active(lookback: Int64, period: Int64, count: Int)
    /// Appearances without another one of the same user within `lookback` before.
    case sessions(lookback: Int64)
  }

  package let kind: Kind
  package let dimensions: [StructField]
  package let timeline: StructField
  package let start: Int64
  package let end: Int64
  package let periods: [Int64]

  package init(_ kind: Kind, dimensions: [StructField], timeline: StructField, start: Int64, end: Int64, periods: [Int64]) {
    self.kind = kind
    self.dimensions = dimensions
    self.timeline = timeline
    self.start = start
    self.end = end
    self.periods = periods
  }

  package var name: String { if case .active = kind { "ActiveUsersCount" } else { "SessionCount" } }

  package var schema: StructType {
    var count = "dcount"
    if case .sessions = kind { count = "count_sessions" }
    return StructType([timeline] + dimensions + [StructField(count, .long)])
  }

  package func apply(_ inputs: [[RecordBatch]], _ context: TableFunctionContext) throws -> [RecordBatch] {
    guard let first = inputs[0].first else { return [] }
    let rows = try whole(inputs[0], schema: first.schema, context)
    let events = try Events(rows, keyCount: dimensions.count + 1, context)
    var counts = PeriodCounts(dimensions.map(\.type))
    let groups = counts.groups(Array(rows.columns[0..<dimensions.count]), rowCount: rows.rowCount)
    events.forEachGroup { user in
      switch kind {
      case .active(let lookback, let period, let count): active(user, lookback, period, count, groups, &counts)
      case .sessions(let lookback): sessions(user, lookback, groups, &counts)
      }
    }
    return [.rows(schema, counts.rows(periods, timeline.type))]
  }

  private func active(_ user: ArraySlice<Events.Event>, _ lookback: Int64, _ period: Int64, _ needed: Int, _ groups: Buffer<Int32>, _ counts: inout PeriodCounts) {
    var oldest = user.startIndex
    /// Appearances in the window by span.
    var spans: [Int64: Int] = [:]
    var lastCounted = -1
    for i in user.indices {
      let time = user[i].time
      spans[Self.span(time, period), default: 0] += 1
      while distance(user[oldest].time, time) >= lookback {
        let span = Self.span(user[oldest].time, period)
        if let n = spans[span] { spans[span] = n > 1 ? n - 1 : nil }
        oldest += 1
      }
      guard time >= start, time <= end, spans.count >= needed, let p = PeriodCounts.period(time, periods), p != lastCounted else { continue }
      lastCounted = p
      counts.add(groups[Int(user[i].row)], p)
    }
  }

  private static func span(_ time: Int64, _ length: Int64) -> Int64 {
    let n = time / length
    return time % length < 0 ? n - 1 : n
  }

  private func sessions(_ user: ArraySlice<Events.Event>, _ lookback: Int64, _ groups: Buffer<Int32>, _ counts: inout PeriodCounts) {
    var last: Int64?
    for event in user {
      defer { last = event.time }
      if let last, distance(last, event.time) <= lookback { continue }
      guard event.time >= start, event.time <= end, let p = PeriodCounts.period(event.time, periods) else { continue }
      counts.add(groups[Int(event.row)], p)
    }
  }
}

/// `sequence_detect`. Input columns: the dimensions, the time, one bool per step.
package struct SequenceDetectFunction: TableFunction {
  package let dimensions: [StructField]
  package let timeline: StructField
  /// The names of the steps.
  package let steps: [String]
  package let maxStep: Int64
  package let maxSpan: Int64

  package init(dimensions: [StructField], timeline: StructField, steps: [String], maxStep: Int64, maxSpan: Int64) {
    self.dimensions = dimensions
    self.timeline = timeline
    self.steps = steps
    self.maxStep = maxStep
    self.maxSpan = maxSpan
  }

  package var name: String { "SequenceDetect" }

  package var schema: StructType {
    let span: DataType = timeline.type == .datetime ? .timespan : timeline.type
    return StructType(dimensions + steps.map { StructField("\($0)_\(timeline.name)", timeline.type) } + [StructField("Duration", span)])
  }

  package func apply(_ inputs: [[RecordBatch]], _ context: TableFunctionContext) throws -> [RecordBatch] {
    guard let first = inputs[0].first else { return [] }
    let rows = try whole(inputs[0], schema: first.schema, context)
    let d = dimensions.count
    let events = try Events(rows, keyCount: d, context)
    let matches = (0..<steps.count).map { rows.columns[d + 1 + $0].trueBits }
    /// The row that a sequence takes its dimension values from, and its times.
    var found: [(row: Int32, times: [Int64])] = []
    try events.forEachGroup { group in
      try context.check()
      // The distinct times at which each step occurs.
      let times = matches.map { bits in
        var out: [Int64] = []
        for event in group where bits[Int(event.row)] && out.last != event.time { out.append(event.time) }
        return out
      }
      guard let row = group.first?.row, times.allSatisfy({ !$0.isEmpty }) else { return }
      let before = found.count
      for time in times[0] { complete([time], times) { found.append((row, $0)) } }
      try context.require((found.count - before) * (32 + steps.count * 8))
    }
    let keys = Buffer(found.map(\.row))
    var columns = (0..<d).map { rows.columns[$0].take(keys) }
    for s in steps.indices { columns.append(time(found.map { $0.times[s] }, timeline.type)) }
    columns.append(time(found.map { distance($0.times.first ?? 0, $0.times.last ?? 0) }, schema[schema.count - 1].type))
    return [RecordBatch(schema: schema, columns: columns, rowCount: found.count)]
  }

  private func time(_ values: [Int64], _ type: DataType) -> ColumnVector {
    type == .int ? .int(Buffer(values.map { Int32(truncatingIfNeeded: $0) })) : .long(Buffer(values), type: type)
  }

  /// All ways to go on from the steps taken so far: each next step later than the last, within both limits.
  private func complete(_ taken: [Int64], _ times: [[Int64]], _ emit: ([Int64]) -> Void) {
    if taken.count == times.count { return emit(taken) }
    guard let first = taken.first, let last = taken.last else { return }
    let candidates = times[taken.count]
    var low = 0, high = candidates.count
    while low < high {
      let middle = (low + high) / 2
      if candidates[middle] <= last { low = middle + 1 } else { high = middle }
    }
    while low < candidates.count, distance(last, candidates[low]) <= maxStep, distance(first, candidates[low]) <= maxSpan {
      complete(taken + [candidates[low]], times, emit)
      low += 1
    }
  }
}

/// How far the later of two points is behind the earlier one; the greatest number where it is more than that.
private func distance(_ earlier: Int64, _ later: Int64) -> Int64 {
  let (distance, isBeyond) = later.subtractingReportingOverflow(earlier)
  return isBeyond ? Int64.max : distance
}

// Role: funnel_sequence and funnel_sequence_completion: which states come before, after and within a sequence of states of one user.
// Source: Kusto language reference, the plugins' pages. Runs of the same state count as one event.

package import Columnar
import DataSource
import Expressions

/// Funnels over (id, time, state).
package struct FunnelFunction: TableFunction {
  package enum Kind: Sendable {
    /// One of the three tables of funnel_sequence: states before and after the sequence, each or both.
    case sequence(showsPrevious: Bool, showsNext: Bool, maxStep: Int64)
    /// How many users reach each state within each span from the first one.
    case completion(maxSpans: [Scalar])
  }

  package let kind: Kind
  package let idType: DataType
  package let timeline: StructField
  package let state: StructField
  /// The states looked for, as text.
  package let sequence: [String]
  package let periods: [Int64]
  package let end: Int64

  /// Ids shown for a row at most.
  private static let maxSamples = 128

  package init(_ kind: Kind, idType: DataType, timeline: StructField, state: StructField, sequence: [String], periods: [Int64], end: Int64) {
    self.kind = kind
    self.idType = idType
    self.timeline = timeline
    self.state = state
    self.sequence = sequence
    self.periods = periods
    self.end = end
  }

  package var name: String { if case .sequence = kind { "FunnelSequence" } else { "FunnelSequenceCompletion" } }

  package var schema: StructType {
    switch kind {
    case .sequence(let previous, let next, _):
      let states = (previous ? ["prev"] : []) + (next ? ["next"] : [])
      return StructType([timeline] + states.map { StructField($0, .string) } + [StructField("dcount", .long), StructField("samples", .dynamic)])
    case .completion(let spans):
      let span = spans.first?.type ?? .timespan
      return StructType([timeline, StructField(state.name, .string), StructField("Period", span), StructField("dcount", .long)])
    }
  }

  package func apply(_ inputs: [[RecordBatch]], _ context: TableFunctionContext) throws -> [RecordBatch] {
    guard let first = inputs[0].first, !sequence.isEmpty else { return [] }
    let rows = try whole(inputs[0], schema: first.schema, context)
    let events = try Events(rows, keyCount: 1, context)
    // States as numbers: those of the sequence by their place in `names`, null as the empty state.
    let table = GroupTable(types: [.string])
    let states = table.assign(keys: [rows.columns[2].cast(to: .string)], rowCount: rows.rowCount).array
    let names = table.keyColumns()[0].scalars.map { if case .string(let text) = $0 { text } else { "" } }
    let wanted = sequence.map { name in names.firstIndex(of: name).map { Int32($0) } ?? -1 }
    switch kind {
    case .sequence(let previous, let next, let maxStep):
      return [try transitions(events, states, names, wanted, previous, next, maxStep, rows, context)]
    case .completion(let spans): return [completion(events, states, wanted, spans)]
    }
  }

  // MARK: - Before and after

  private struct Transition: Hashable {
    var period: Int
    var previous: Int32
    var next: Int32
  }

  private func transitions(
    _ events: Events, _ states: [Int32], _ names: [String], _ wanted: [Int32], _ showsPrevious: Bool, _ showsNext: Bool, _ maxStep: Int64,
    _ rows: RecordBatch, _ context: TableFunctionContext
  ) throws -> RecordBatch {
    /// The first rows of the users of each transition, as many as are shown, and how many users there are.
    var found: [Transition: (count: Int64, rows: [Int32])] = [:]
    try events.forEachGroup { user in
      try context.check()
      let path = Self.runs(user, states)
      var own: Set<Transition> = []
      for i in path.indices where i + wanted.count <= path.count {
        let part = path[i..<i + wanted.count]
        guard zip(part, wanted).allSatisfy({ $0.state == $1 }), zip(part.dropFirst(), part).allSatisfy({ $0.time - $1.time <= maxStep }),
          part[i].time <= end, let period = PeriodCounts.period(part[i].time, periods)
        else { continue }
        let last = i + wanted.count - 1
        let previous = i > 0 && path[i].time - path[i - 1].time <= maxStep ? path[i - 1].state : -1
        let next = last + 1 < path.count && path[last + 1].time - path[last].time <= maxStep ? path[last + 1].state : -1
        own.insert(Transition(period: period, previous: showsPrevious ? previous : -1, next: showsNext ? next : -1))
      }
      guard let row = user.first?.row else { return }
      for transition in own {
        found[transition, default: (0, [])].count += 1
        if found[transition, default: (0, [])].rows.count < Self.maxSamples { found[transition]?.rows.append(row) }
      }
    }
    func name(_ state: Int32) -> Scalar { .string(state < 0 ? "" : names[Int(state)]) }
    let order = found.sorted { ($0.key.period, -$0.value.count, $0.key.previous, $0.key.next) < ($1.key.period, -$1.value.count, $1.key.previous, $1.key.next) }
    return .rows(schema, order.map { key, value in
      let samples = value.rows.map { DynamicValue(rows.columns[0].scalar(Int($0))) }
      return [time(key.period)] + (showsPrevious ? [name(key.previous)] : []) + (showsNext ? [name(key.next)] : [])
        + [.long(value.count), .dynamic(.array(samples))]
    })
  }

  private func time(_ p: Int) -> Scalar { periodValue(periods[p], timeline.type) }

  /// A user's states in order, each run of one state as its first event.
  private static func runs(_ user: ArraySlice<Events.Event>, _ states: [Int32]) -> [(time: Int64, state: Int32)] {
    var out: [(time: Int64, state: Int32)] = []
    for event in user where out.last?.state != states[Int(event.row)] { out.append((event.time, states[Int(event.row)])) }
    return out
  }

  // MARK: - Completion

  private func completion(_ events: Events, _ states: [Int32], _ wanted: [Int32], _ spans: [Scalar]) -> RecordBatch {
    let limits = spans.map { $0.int64Value ?? 0 }
    var counts: [Int: [Int64]] = [:]
    let width = limits.count * wanted.count
    events.forEachGroup { user in
      /// How many steps the user takes, by period and span.
      var best: [Int: [Int]] = [:]
      for i in user.indices where states[Int(user[i].row)] == wanted[0] && user[i].time <= end {
        guard let period = PeriodCounts.period(user[i].time, periods) else { continue }
        let periodEnd = period + 1 < periods.count ? periods[period + 1] : Int64.max
        var reached = best[period] ?? Array(repeating: 0, count: limits.count)
        var step = 1
        var at = i
        for l in limits.indices { reached[l] = max(reached[l], 1) }
        while step < wanted.count {
          at += 1
          while at < user.endIndex, states[Int(user[at].row)] != wanted[step] { at += 1 }
          guard at < user.endIndex, user[at].time < periodEnd, user[at].time <= end else { break }
          step += 1
          for l in limits.indices where user[at].time - user[i].time <= limits[l] { reached[l] = max(reached[l], step) }
        }
        best[period] = reached
      }
      for (period, reached) in best {
        var sums = counts[period] ?? Array(repeating: 0, count: width)
        for l in limits.indices { for s in 0..<reached[l] { sums[l * wanted.count + s] += 1 } }
        counts[period] = sums
      }
    }
    var rows: [[Scalar]] = []
    for (period, sums) in counts.sorted(by: { $0.key < $1.key }) {
      for l in limits.indices {
        for s in wanted.indices { rows.append([time(period), .string(sequence[s]), spans[l], .long(sums[l * wanted.count + s])]) }
      }
    }
    return .rows(schema, rows)
  }
}

/// A point or distance of a timeline, in ticks or as it is, as a value of a type.
package func periodValue(_ value: Int64, _ type: DataType) -> Scalar {
  switch type {
  case .datetime: .datetime(value)
  case .timespan: .timespan(value)
  case .int: .int(Int32(truncatingIfNeeded: value))
  default: .long(value)
  }
}

// Role: make-series, its second half: the aggregate has one row for each group and bin; they become one row for each group with an array for
// each aggregate and one for the axis.
// Source: Kusto language reference, "make-series operator".

package import Columnar
import DataSource
import Expressions

/// The axis of all series of a make-series.
package struct SeriesAxis: Sendable, Hashable {
  /// The value of the first element; nil: each series starts at its first bin.
  package var start: Scalar?
  /// How many elements each series has; nil: each series ends with its last bin.
  package var count: Int?
  /// The difference between two elements: a timespan for datetime and timespan axes, else of the axis's type (long or real).
  package var step: Scalar

  package init(start: Scalar?, count: Int?, step: Scalar) {
    self.start = start
    self.count = count
    self.step = step
  }

  /// Elements of one array at most, as in Kusto.
  package static let maxCount = 1 << 20

  /// How many steps a bin lies behind another; beyond any array where it is more than 2^21 to either side. Nil for bins that have no place: NaN, infinities.
  func distance(from first: Scalar, to bin: Scalar) -> Int? {
    let far = 2 * Self.maxCount
    if case .real(let step) = step, case .real(let a) = first, case .real(let b) = bin {
      guard a.isFinite, b.isFinite else { return nil }
      return Int(max(Double(-far), min(Double(far), ((b - a) / step).rounded())))
    }
    guard let a = first.int64Value, let b = bin.int64Value, let step = step.int64Value, step != 0 else { return 0 }
    return Int(max(Int128(-far), min(Int128(far), (Int128(b) - Int128(a)) / Int128(step))))
  }

  /// The axis from a start on, as a flat column.
  func values(from first: Scalar, count: Int) -> ColumnVector {
    if case .real(let step) = step, case .real(let first) = first {
      let out = BufferBuilder<Double>(capacity: count)
      for k in 0..<count { out.appendUnchecked(first + Double(k) * step) }
      return .real(out.finish())
    }
    let start = first.int64Value ?? 0, step = step.int64Value ?? 0
    let out = BufferBuilder<Int64>(capacity: count)
    for k in 0..<count { out.appendUnchecked(start &+ Int64(k) &* step) }
    return .long(out.finish(), type: first.type)
  }
}

/// Gathers rows of (keys, bin, aggregates) to rows of (keys, arrays, axis array).
package struct MakeSeriesOperator: TableOperator {
  /// An aggregate that becomes an array.
  package struct Series: Sendable, Hashable {
    /// The input and the output column.
    package var name: String
    /// The element where a bin has no rows.
    package var otherwise: Scalar

    package init(_ name: String, otherwise: Scalar) {
      self.name = name
      self.otherwise = otherwise
    }
  }

  private var keys: [String]
  private var series: [Series]
  private let bin: String
  private let axisName: String
  private let axis: SeriesAxis
  /// True: without any row there is one of defaults.
  private let isNonEmpty: Bool

  package init(keys: [String], series: [Series], bin: String, axisName: String, axis: SeriesAxis, isNonEmpty: Bool) {
    self.keys = keys
    self.series = series
    self.bin = bin
    self.axisName = axisName
    self.axis = axis
    self.isNonEmpty = isNonEmpty
  }

  package var name: String { "MakeSeries" }

  package var detail: String {
    "[\(series.map { quotedName($0.name) }.joined(separator: ", "))] on \(quotedName(axisName))" + (keys.isEmpty ? "" : " by \(keys.map { quotedName($0) }.joined(separator: ", "))")
  }

  package var needsOrder: Bool { false }

  package func outputSchema(_ inputs: [StructType]) throws -> StructType {
    let keyFields = try keys.map { key in
      guard let field = inputs[0].field(key) else { throw ExpressionError.columnNotFound(key, candidates: inputs[0].names) }
      return field
    }
    return StructType(keyFields + series.map { StructField($0.name, .dynamic) } + [StructField(axisName, .dynamic)])
  }

  package func keeping(_ wanted: Set<String>) -> any TableOperator {
    var kept = self
    kept.series = series.filter { wanted.contains($0.name) }
    return kept
  }

  package func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] { [Set(keys + series.map(\.name) + [bin])] }

  package func passing(_ column: String) -> (any TableOperator)? {
    if isNonEmpty || keys.contains(column) { return nil }
    var wider = self
    wider.keys.append(column)
    return wider
  }

  package func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    let schema = inputs[0]
    return .ordered(
      MakeSeriesTransform(
        keys: keys.map { schema.index(of: $0) ?? 0 }, values: series.map { schema.index(of: $0.name) ?? 0 }, bin: schema.index(of: bin) ?? 0,
        defaults: series.map(\.otherwise), axis: axis, isNonEmpty: isNonEmpty, input: schema, schema: output, context: context))
  }
}

/// Collects all rows, then builds the arrays group by group.
private final class MakeSeriesTransform: OrderedTransform {
  private let keys: [Int]
  private let values: [Int]
  private let bin: Int
  private let defaults: [Scalar]
  private let axis: SeriesAxis
  private let isNonEmpty: Bool
  private let input: StructType
  private let schema: StructType
  private let context: TableOperatorContext
  private let table: GroupTable
  private var groups: [Buffer<Int32>] = []
  private var batches: [RecordBatch] = []
  private var heldBytes = 0
  private var layout: SeriesLayout?
  private var nextGroup = 0

  init(
    keys: [Int], values: [Int], bin: Int, defaults: [Scalar], axis: SeriesAxis, isNonEmpty: Bool, input: StructType, schema: StructType,
    context: TableOperatorContext
  ) {
    self.keys = keys
    self.values = values
    self.bin = bin
    self.defaults = defaults
    self.axis = axis
    self.isNonEmpty = isNonEmpty
    self.input = input
    self.schema = schema
    self.context = context
    table = GroupTable(types: keys.map { input[$0].type })
  }

  func consume(_ batch: RecordBatch, input: Int, _ emit: (RecordBatch) -> Void) throws -> Bool {
    groups.append(table.assign(keys: keys.map { batch.columns[$0] }, rowCount: batch.rowCount))
    batches.append(batch)
    heldBytes += batch.byteSize * 2 + batch.rowCount * 16
    try context.hold(heldBytes + table.byteSize)
    return true
  }

  func finish() throws -> RecordBatch? {
    let layout = try layout ?? makeLayout()
    self.layout = layout
    guard nextGroup < layout.groupCount else { return nil }
    // As many groups as give about 16 MiB.
    var end = nextGroup
    var elements = 0
    repeat {
      elements += layout.counts[end] * (values.count + 1)
      end += 1
    } while end < layout.groupCount && elements < 1 << 20 && end - nextGroup < RecordBatch.maxRows
    defer { nextGroup = end }
    let range = nextGroup..<end
    let keyColumns = layout.hasRows ? (keys.isEmpty ? [] : table.keyColumns(range)) : keys.map { .nulls(input[$0].type, count: 1) }
    let arrays = values.indices.map { layout.arrays($0, range, otherwise: defaults[$0]) }
    return RecordBatch(schema: schema, columns: keyColumns + arrays + [layout.axisArrays(range)], rowCount: range.count)
  }

  private func makeLayout() throws -> SeriesLayout {
    let all = RecordBatch.concat(batches, schema: input)
    batches = []
    let groupOf = groups.flatMap(\.array)
    groups = []
    let groupCount = all.rowCount == 0 ? 0 : max(1, table.groupCount)
    let bins = all.columns[bin].flattened
    var layout = SeriesLayout(columns: values.map { all.columns[$0] }, axis: axis)
    // Where each series starts and ends.
    var low = [Scalar?](repeating: axis.start, count: groupCount)
    if axis.start == nil {
      for i in 0..<all.rowCount {
        let value = bins.scalar(i)
        guard let steps = axis.distance(from: low[Int(groupOf[i])] ?? value, to: value) else { continue }
        if low[Int(groupOf[i])] != nil, steps >= 0 { continue }
        low[Int(groupOf[i])] = value
      }
    }
    var counts = [Int](repeating: axis.count ?? 0, count: groupCount)
    let places = (0..<all.rowCount).map { i in low[Int(groupOf[i])].flatMap { axis.distance(from: $0, to: bins.scalar(i)) } ?? -1 }
    if axis.count == nil { for i in places.indices { counts[Int(groupOf[i])] = max(counts[Int(groupOf[i])], places[i] + 1) } }
    if all.rowCount == 0, isNonEmpty {
      counts = [axis.count ?? 0]
      low = [axis.start]
      layout.hasRows = false
    }
    try layout.place(low, counts, places, groupOf) { elements in try self.context.hold(self.heldBytes + self.table.byteSize + elements * 4) }
    return layout
  }
}

/// Which row stands at which element of which series.
private struct SeriesLayout {
  let columns: [ColumnVector]
  let axis: SeriesAxis
  /// False for the one row of defaults.
  var hasRows = true
  private(set) var counts: [Int] = []
  private var starts: [Scalar?] = []
  private var firstElement: [Int] = []
  /// The row at each element, -1 where there is none; the series one behind the other.
  private var rows: [Int32] = []

  var groupCount: Int { counts.count }

  init(columns: [ColumnVector], axis: SeriesAxis) {
    self.columns = columns
    self.axis = axis
  }

  mutating func place(_ starts: [Scalar?], _ counts: [Int], _ places: [Int], _ groups: [Int32], _ hold: (Int) throws -> Void) throws {
    self.starts = starts
    self.counts = counts
    var total = 0
    for count in counts {
      guard count <= SeriesAxis.maxCount else {
        throw KConnectError(.valueInvalid, "make-series makes an array of \(count) elements; at most \(SeriesAxis.maxCount) are allowed", hint: "use a larger step or a shorter range")
      }
      firstElement.append(total)
      total += count
    }
    try hold(total)
    rows = [Int32](repeating: -1, count: total)
    for (i, place) in places.enumerated() where place >= 0 && place < counts[Int(groups[i])] {
      rows[firstElement[Int(groups[i])] + place] = Int32(truncatingIfNeeded: i)
    }
  }

  /// One array for each series of `range`.
  func arrays(_ column: Int, _ range: Range<Int>, otherwise: Scalar) -> ColumnVector {
    // The default is the row behind the last one.
    let all = ColumnVector.concat([columns[column], .constant(otherwise, count: 1)], type: columns[column].type).flattened
    let missing = all.count - 1
    let source = DynamicSource(all)
    let out = StringBuilder(rows: range.count)
    for g in range {
      let first = firstElement[g]
      appendContainer(.array, counts[g], out.data) { k in
        let row = Int(rows[first + k])
        source.append(row < 0 ? missing : row, to: out.data)
      }
      out.endRow()
    }
    return out.finish(.dynamic)
  }

  /// The axis of each series of `range`; one constant when all have the same.
  func axisArrays(_ range: Range<Int>) -> ColumnVector {
    if let start = axis.start, let count = axis.count { return axisArray(start, count).repeated(range.count) }
    let parts = range.map { g in starts[g].map { axisArray($0, counts[g]) } ?? .nulls(.dynamic, count: 1) }
    return .concat(parts, type: .dynamic)
  }

  private func axisArray(_ start: Scalar, _ count: Int) -> ColumnVector {
    let values = axis.values(from: start, count: count)
    let source = DynamicSource(values)
    let out = StringBuilder(rows: 1, bytes: count * 13)
    appendContainer(.array, count, out.data) { source.append($0, to: out.data) }
    out.endRow()
    return out.finish(.dynamic)
  }
}

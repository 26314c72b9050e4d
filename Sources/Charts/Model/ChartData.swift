// Role: rows to a chart model: which column is the axis, which are values, which name the series; arrays of make-series are spread out.
// Source: Kusto "render operator" and the pages of each visualization ("the first column is the x-axis, other numeric columns are y-axes, string
// columns name series").

package import Columnar
package import DataSource

/// Collects the rows of a result and makes the model.
package struct ChartData {
  private let spec: ChartSpec
  private let schema: StructType
  private var rows: [[Scalar]] = []
  private var isCut = false
  /// Cells kept at most; a picture shows no more.
  private static let maximumCells = 4_000_000

  package init(_ spec: ChartSpec, schema: StructType) {
    self.spec = spec
    self.schema = schema
  }

  /// Takes a batch; false when no more rows are wanted.
  package mutating func append(_ batch: RecordBatch) -> Bool {
    for i in 0..<batch.rowCount {
      if rows.count * max(1, schema.count) >= Self.maximumCells {
        isCut = true
        return false
      }
      rows.append(batch.row(i))
    }
    return true
  }

  /// The scalars of the first record, for cards.
  package var firstRow: [(name: String, value: Scalar)] { rows.first.map { Array(zip(schema.names, $0)) } ?? [] }

  /// One model, or one for each y column with `ysplit=panels`. Throws USAGE where the columns do not fit the chart.
  package func models() throws(KConnectError) -> [ChartModel] {
    let roles = try ChartRoles(spec, schema, rows)
    guard spec.hasPanels, roles.values.count > 1 else { return [try model(roles)] }
    var out: [ChartModel] = []
    for value in roles.values {
      var one = roles
      one.values = [value]
      out.append(try model(one))
    }
    return out
  }

  private func model(_ roles: ChartRoles) throws(KConnectError) -> ChartModel {
    var builder = SeriesBuilder(spec, schema, roles)
    for row in rows { builder.add(row) }
    var model = try builder.finish()
    if isCut { model.notes.append("only the first \(rows.count) rows are drawn") }
    return model
  }
}

/// Which column does what.
struct ChartRoles {
  var x: Int
  var axis: ChartAxis
  var values: [Int]
  /// Those of the columns that hold timespans.
  private let spans: Set<Int>
  var series: [Int]
  /// Anomaly flags by the value column they belong to.
  var anomalies: [Int: Int] = [:]
  /// Whether axis and values are arrays, a series a row.
  var isArrays: Bool

  init(_ spec: ChartSpec, _ schema: StructType, _ rows: [[Scalar]]) throws(KConnectError) {
    func place(_ name: String, _ property: String) throws(KConnectError) -> Int {
      guard let i = schema.index(of: name) else {
        let near = nearestNames(to: name, among: schema.names, limit: 1).first
        throw KConnectError(.columnNotFound, "render: \(property): column '\(name)' not found", hint: (near.map { "did you mean '\($0)'? " } ?? "") + "columns: \(schema.names.joined(separator: ", "))")
      }
      return i
    }
    let kinds = schema.fields.indices.map { ColumnKind($0, schema, rows) }
    var series: [Int] = []
    for name in spec.series { series.append(try place(name, "series")) }
    var flags: [Int] = []
    for name in spec.anomalyColumns { flags.append(try place(name, "anomalycolumns")) }
    var values: [Int] = []
    for name in spec.yColumns { values.append(try place(name, "ycolumns")) }
    let taken = Set(series + flags + values)
    let free = schema.fields.indices.filter { !taken.contains($0) }

    if let name = spec.xColumn {
      x = try place(name, "xcolumn")
    } else if spec.kind.isTimeAxisPreferred, let time = free.first(where: { kinds[$0].isTime }) {
      x = time
    } else if kinds.contains(where: \.isArray), let array = free.first(where: { kinds[$0].isTime && kinds[$0].isArray }) ?? free.first(where: { kinds[$0].isArray }) {
      x = array
    } else if let first = free.first {
      x = first
    } else {
      throw KConnectError(.usage, "render \(spec.kind): no column is left for the axis", hint: "columns: \(schema.names.joined(separator: ", "))")
    }
    let x = x
    isArrays = kinds[x].isArray
    let isArrays = isArrays
    if spec.kind.isTimeAxisPreferred, !kinds[x].isTime, !kinds[x].isNumeric {
      throw KConnectError(.usage, "render \(spec.kind): column '\(schema[x].name)' holds no datetimes", hint: "a \(spec.kind) needs a datetime column; columns: \(schema)")
    }
    if spec.kind.hasContinuousAxis, kinds[x].isTime {
      axis = .time
    } else if spec.kind.hasContinuousAxis, kinds[x].isNumeric {
      axis = kinds[x].isTimespan ? .timespan : .number
    } else {
      axis = .names([])
    }
    if values.isEmpty { values = free.filter { $0 != x && kinds[$0].isNumeric && kinds[$0].isArray == isArrays } }
    if spec.kind == .anomalychart, flags.isEmpty, let guess = values.first(where: { schema[$0].name.lowercased().contains("anomal") && kinds[$0].isSign }) {
      flags = [guess]
    }
    values.removeAll { flags.contains($0) }
    if spec.kind == .piechart { values = Array(values.prefix(1)) }
    guard !values.isEmpty else {
      throw KConnectError(.usage, "render \(spec.kind): there is no column of numbers besides '\(schema[x].name)'", hint: "columns: \(schema)")
    }
    if series.isEmpty, spec.series.isEmpty, spec.kind != .piechart {
      series = free.filter { $0 != x && !kinds[$0].isNumeric && !kinds[$0].isArray && !kinds[$0].isTime }
    }
    for (flag, value) in zip(flags, values) { anomalies[value] = flag }
    self.values = values
    self.series = series
    spans = Set(kinds.indices.filter { kinds[$0].isTimespan })
  }

  /// What the values count: spans of time where all of them do.
  var measure: ChartMeasure { values.allSatisfy { spans.contains($0) } ? .timespan : .number }
}

/// What a column holds, for choosing its role.
private struct ColumnKind {
  var isArray = false
  var isTime = false
  var isNumeric = false
  var isTimespan = false
  /// All values are -1, 0 or 1.
  var isSign = false

  init(_ column: Int, _ schema: StructType, _ rows: [[Scalar]]) {
    switch schema[column].type {
    case .datetime: isTime = true
    case .int, .long, .real, .decimal: isNumeric = true
    case .timespan:
      isNumeric = true
      isTimespan = true
    case .dynamic:
      let first = rows.lazy.compactMap { row -> [DynamicValue]? in
        if case .dynamic(.array(let items)) = row[column] { return items }
        return nil
      }.first
      guard let items = first else { break }
      isArray = true
      let known = items.first { $0 != .null } ?? .null
      isTime = ChartValue.seconds(known) != nil
      if case .timespan = known { isTimespan = true }
      isNumeric = !isTime && (ChartValue.number(known) != nil || known == .null)
      isSign = isNumeric && items.allSatisfy { ChartValue.number($0).map { [-1, 0, 1].contains($0) } ?? true }
    default: break
    }
    if isNumeric, !isArray { isSign = rows.allSatisfy { $0[column].doubleValue.map { [-1, 0, 1].contains($0) } ?? true } }
  }
}

/// Cells as numbers.
enum ChartValue {
  /// Seconds since 1970 of a datetime, also of one in text.
  static func seconds(_ value: DynamicValue) -> Double? {
    switch value {
    case .datetime(let ticks): return Double(ticks) / 1e7
    case .string(let text):
      guard text.utf8.count >= 10, case .datetime(let ticks)? = ScalarText.parse(text, as: .datetime) else { return nil }
      return Double(ticks) / 1e7
    default: return nil
    }
  }

  static func number(_ value: DynamicValue) -> Double? {
    switch value {
    case .long(let v): Double(v)
    case .real(let v): v.isFinite ? v : nil
    case .decimal(let v): v.doubleValue
    case .bool(let v): v ? 1 : 0
    case .timespan(let ticks): Double(ticks) / 1e7
    default: nil
    }
  }

  static func number(_ scalar: Scalar) -> Double? {
    switch scalar {
    case .dynamic(let value): number(value)
    case .timespan(let ticks): Double(ticks) / 1e7
    case .bool(let v): v ? 1 : 0
    default: scalar.doubleValue.flatMap { $0.isFinite ? $0 : nil }
    }
  }

  /// The place on a time or number axis.
  static func place(_ scalar: Scalar) -> Double? {
    if case .datetime(let ticks) = scalar { return Double(ticks) / 1e7 }
    if case .dynamic(let value) = scalar, let seconds = seconds(value) { return seconds }
    return number(scalar)
  }

  /// A name on an axis or in a legend. Datetimes without a time of day are dates.
  static func name(_ scalar: Scalar) -> String {
    switch scalar {
    case .null: return "∅"
    case .dynamic(let value):
      if let seconds = seconds(value) { return TimeTicks.shortText(seconds) }
      return VisibleText.singleLine(value.text)
    case .datetime(let ticks): return TimeTicks.shortText(Double(ticks) / 1e7)
    case .string(""): return "(empty)"
    default: return VisibleText.singleLine(ScalarText.text(scalar) ?? "")
    }
  }
}

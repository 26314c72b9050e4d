// Role: the statistics of a new file as JSON text, and where they come from: the footer of the file that was just written.

package import Columnar
import DataSource
import Parquet

/// What a file's statistics say of one column.
package struct ColumnSummary: Sendable {
  package var name: String
  package var type: DeltaType
  package var min: Scalar?
  package var max: Scalar?
  package var nullCount: Int?

  package init(name: String, type: DeltaType, min: Scalar? = nil, max: Scalar? = nil, nullCount: Int? = nil) {
    self.name = name
    self.type = type
    self.min = min
    self.max = max
    self.nullCount = nullCount
  }
}

package enum StatisticsWriter {
  /// The text of `add.stats`. Bounds that have no JSON form or lose digits there are left out.
  package static func json(numRecords: Int, columns: [ColumnSummary]) -> String {
    func object(_ members: [(String, String)]) -> String {
      "{" + members.map { DynamicValue.string($0.0).json + ":" + $0.1 }.joined(separator: ",") + "}"
    }
    let minima = columns.compactMap { c in c.min.flatMap { text($0, c.type, isMax: false) }.map { (c.name, $0) } }
    let maxima = columns.compactMap { c in c.max.flatMap { text($0, c.type, isMax: true) }.map { (c.name, $0) } }
    let nulls = columns.compactMap { c in c.nullCount.map { (c.name, String($0)) } }
    return object([
      ("numRecords", String(numRecords)), ("minValues", object(minima)), ("maxValues", object(maxima)), ("nullCount", object(nulls)),
      ("tightBounds", "true"),
    ])
  }

  private static func text(_ bound: Scalar, _ type: DeltaType, isMax: Bool) -> String? {
    switch bound {
    case .null, .bool, .dynamic: return nil
    case .int(let v): return String(v)
    case .long(let v): return String(v)
    case .timespan(let v): return String(v)
    case .real(let v): return v.isFinite ? DynamicValue.real(v).json : nil
    case .decimal(let v):
      // Readers may take the number for a double.
      return v.coefficient.magnitude < 1 << 53 ? ScalarText.text(.decimal(v)) : nil
    case .datetime(let ticks):
      guard let text = type == .primitive(.date) ? PartitionValues.date(ticks) : PartitionValues.timestamp(isMax ? ticks &+ 9 : ticks) else { return nil }
      return "\"\(text)\""
    case .guid(let v): return "\"\(v)\""
    case .string(let v): return (isMax ? TextBound.maximum(v) : TextBound.minimum(v)).map { DynamicValue.string($0).json }
    }
  }

  /// The statistics of a Parquet file on disk, from its footer, of the given columns; the file's other columns are left out.
  package static func json(file path: String, displayPath: String? = nil, fields: [DeltaField]) throws -> String {
    do {
      let file = try ParquetFile(path: path, displayPath: displayPath)
      var columns: [ColumnSummary] = []
      for field in fields {
        guard let position = file.schema.index(of: field.physicalName) else { continue }
        columns.append(summary(field, file, position))
      }
      return json(numRecords: file.rowCount, columns: columns)
    } catch {
      throw KConnectError(.io, "cannot read back '\(displayPath ?? path)': \(error)")
    }
  }

  private static func summary(_ field: DeltaField, _ file: ParquetFile, _ position: Int) -> ColumnSummary {
    var out = ColumnSummary(name: field.physicalName, type: field.type, nullCount: 0)
    var areBounded = true
    for group in 0..<file.rowGroupCount {
      guard let bounds = file.bounds(rowGroup: group, field: position), let nulls = bounds.nullCount, let known = out.nullCount else {
        return ColumnSummary(name: field.physicalName, type: field.type)
      }
      out.nullCount = known + nulls
      if nulls == bounds.rowCount { continue }
      guard let low = bounds.min, let high = bounds.max else {
        areBounded = false
        continue
      }
      if out.min.map({ isLess(low, $0) }) ?? true { out.min = low }
      if out.max.map({ isLess($0, high) }) ?? true { out.max = high }
    }
    if !areBounded || field.dataType == .dynamic { (out.min, out.max) = (nil, nil) }
    return out
  }

  /// The order of two bounds of one type.
  private static func isLess(_ a: Scalar, _ b: Scalar) -> Bool {
    switch (a, b) {
    case (.string(let x), .string(let y)): return x.utf8.lexicographicallyPrecedes(y.utf8)
    case (.guid(let x), .guid(let y)): return x < y
    case (.decimal(let x), .decimal(let y)): return x < y
    case (.real(let x), .real(let y)): return x < y
    default:
      guard let x = a.int64Value, let y = b.int64Value else { return false }
      return x < y
    }
  }

  /// The columns that statistics are kept for: those of `delta.dataSkippingStatsColumns`, else the first
  /// `delta.dataSkippingNumIndexedCols` (32; -1: all). Partition columns have none.
  package static func columns(_ schema: DeltaSchema, _ metadata: TableMetadata) -> [DeltaField] {
    let fields = schema.fields.filter { !metadata.partitionColumns.contains($0.name) }
    if let names = metadata.configuration["delta.dataSkippingStatsColumns"] {
      let wanted = names.split(separator: ",").map { name in String(name.filter { $0 != " " && $0 != "`" }) }
      return fields.filter { wanted.contains($0.name) }
    }
    let count = metadata.configuration["delta.dataSkippingNumIndexedCols"].flatMap { Int($0) } ?? 32
    return count < 0 ? fields : Array(fields.prefix(count))
  }
}

// Role: the statistics of an extent as Delta's `stats` JSON, from the footer of its file. Bounds of visible columns that are rounded (see
// `StorageEncoder`) are widened outwards.

import Columnar
import DataSource
import Parquet

enum ExtentStatistics {
  /// Longer texts are cut: a lower bound to its beginning, an upper one to something above it.
  private static let maxTextCharacters = 32

  /// `{"numRecords":…,"minValues":{…},"maxValues":{…},"nullCount":{…}}` of the columns of `schema`.
  static func json(_ file: ParquetFile, schema: StructType) -> String {
    var minimums: [DynamicEntry] = [], maximums: [DynamicEntry] = [], nulls: [DynamicEntry] = []
    for field in schema.fields {
      guard let column = file.schema.index(of: field.name) else { continue }
      var low: Scalar?, high: Scalar?
      var nullCount: Int? = 0
      var isBounded = true
      for group in 0..<file.rowGroupCount {
        let bounds = file.bounds(rowGroup: group, field: column)
        nullCount = bounds?.nullCount.flatMap { n in nullCount.map { $0 + n } }
        if bounds?.nullCount == file.metadata.rowGroups[group].rowCount { continue }
        guard let min = bounds?.min, let max = bounds?.max else {
          isBounded = false
          continue
        }
        if low.map({ ScalarOrder.isLess(min, $0) }) ?? true { low = min }
        if high.map({ ScalarOrder.isLess($0, max) }) ?? true { high = max }
      }
      if let nullCount { nulls.append(DynamicEntry(field.name, .long(Int64(nullCount)))) }
      guard isBounded, let low, let high, let a = value(low, isMax: false), let b = value(high, isMax: true) else { continue }
      minimums.append(DynamicEntry(field.name, a))
      maximums.append(DynamicEntry(field.name, b))
    }
    return DynamicValue.bag([
      DynamicEntry("numRecords", .long(Int64(file.rowCount))), DynamicEntry("minValues", .bag(minimums)), DynamicEntry("maxValues", .bag(maximums)),
      DynamicEntry("nullCount", .bag(nulls)),
    ]).json
  }

  private static func value(_ bound: Scalar, isMax: Bool) -> DynamicValue? {
    switch bound {
    case .int(let v): return .long(Int64(v))
    case .long(let v), .timespan(let v): return .long(v)
    case .real(let v): return v.isFinite ? .real(v) : nil
    case .datetime(let v):
      // The stored value is floored to microseconds; what it stands for can lie a tick below the next one.
      return .string(text(microseconds: (v - (v % 10 + 10) % 10) / 10 + (isMax ? 1 : 0)))
    case .string(let text): return cut(text, isMax: isMax).map { .string($0) }
    case .guid(let guid): return .string(guid.description)
    case .decimal(let v): return decimal(v, isMax: isMax)
    case .bool, .dynamic, .null: return nil
    }
  }

  /// JSON numbers are read as doubles by many: a bound that a double does not hold exactly moves outwards.
  private static func decimal(_ value: DecimalValue, isMax: Bool) -> DynamicValue? {
    let near = value.doubleValue
    guard near.isFinite else { return nil }
    return .real(isMax ? near.nextUp : near.nextDown)
  }

  private static func cut(_ text: String, isMax: Bool) -> String? {
    guard text.unicodeScalars.count > maxTextCharacters else { return text }
    var scalars = Array(text.unicodeScalars.prefix(maxTextCharacters))
    if isMax {
      // Above every text with this beginning.
      scalars.append("\u{10FFFF}")
      if text.unicodeScalars.dropFirst(maxTextCharacters).first == "\u{10FFFF}" { return nil }
    }
    var out = String.UnicodeScalarView()
    out.append(contentsOf: scalars)
    return String(out)
  }

  /// `2024-01-31T12:34:56.000001Z`: six digits behind the second, which all readers take.
  private static func text(microseconds: Int64) -> String {
    let text = ScalarText.text(.datetime(microseconds * 10)) ?? ""
    return text.hasSuffix("0Z") ? text.dropLast(2) + "Z" : text
  }
}

/// The order of two bounds of one column.
enum ScalarOrder {
  static func isLess(_ a: Scalar, _ b: Scalar) -> Bool {
    switch (a, b) {
    case (.bool(let x), .bool(let y)): !x && y
    case (.int(let x), .int(let y)): x < y
    case (.long(let x), .long(let y)), (.datetime(let x), .datetime(let y)), (.timespan(let x), .timespan(let y)): x < y
    case (.real(let x), .real(let y)): x < y
    case (.decimal(let x), .decimal(let y)): x < y
    case (.string(let x), .string(let y)): x.utf8.lexicographicallyPrecedes(y.utf8)
    case (.guid(let x), .guid(let y)): x < y
    default: false
    }
  }
}

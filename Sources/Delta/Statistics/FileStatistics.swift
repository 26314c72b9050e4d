// Role: the statistics of a file, read from their JSON text: counts, and bounds of columns for pruning. Numbers keep their digits, as decimals
// need them; bounds are widened by what writers may have cut off.

import Columnar
package import Expressions

/// Statistics of one file. Columns go by their physical names.
package struct FileStatistics: Sendable {
  /// Rows in the data file, deleted ones included.
  package private(set) var numRecords: Int?
  /// False when bounds and counts may be those of rows deleted since.
  package private(set) var areTight = true
  private var bounds: [String: (min: RawValue?, max: RawValue?)] = [:]
  private var nullCounts: [String: Int] = [:]

  /// A JSON scalar as it stands in the text.
  enum RawValue: Sendable {
    case text(String)
    case number(String)
    case bool(Bool)
  }

  /// Parses the text; nil when there is none or it is no JSON object: statistics only ever help.
  package init?(_ json: String?) {
    guard let json else { return nil }
    var text = json
    let parsed: FileStatistics? = text.withUTF8 { bytes in
      guard let base = bytes.baseAddress else { return nil }
      // SAFETY: the bytes outlive the cursor.
      var cursor = unsafe JSONCursor(base, bytes.count)
      return try? FileStatistics(&cursor)
    }
    guard let parsed else { return nil }
    self = parsed
  }

  private init(_ cursor: inout JSONCursor) throws {
    var isFirst = true
    try cursor.openObject()
    while let member = try cursor.nextMember(isFirst: isFirst) {
      isFirst = false
      switch Self.string(member.key, cursor) {
      case "numRecords": numRecords = Int(Self.raw(member.value, cursor)).flatMap { $0 >= 0 && $0 < 1 << 48 ? $0 : nil }
      case "tightBounds": areTight = member.value.kind != .false
      case "minValues": try Self.scalars(member.value, cursor) { bounds[$0, default: (nil, nil)].min = $1 }
      case "maxValues": try Self.scalars(member.value, cursor) { bounds[$0, default: (nil, nil)].max = $1 }
      case "nullCount": try Self.scalars(member.value, cursor) { if case .number(let n) = $1 { nullCounts[$0] = Int(n) } }
      default: break
      }
    }
  }

  /// The scalar members of an object; those of nested columns are passed over.
  private static func scalars(_ extent: JSONExtent, _ cursor: JSONCursor, _ body: (String, RawValue) -> Void) throws {
    guard extent.kind == .object else { return }
    var inner = cursor
    inner.at = extent.start
    var isFirst = true
    try inner.openObject()
    while let member = try inner.nextMember(isFirst: isFirst) {
      isFirst = false
      let name = string(member.key, inner)
      switch member.value.kind {
      case .true, .false: body(name, .bool(member.value.kind == .true))
      case .integer, .number: body(name, .number(raw(member.value, inner)))
      case .string: body(name, .text(string(member.value, inner)))
      case .null, .array, .object: break
      }
    }
  }

  private static func raw(_ extent: JSONExtent, _ cursor: JSONCursor) -> String {
    // SAFETY: extents lie within the cursor's text.
    unsafe String(decoding: UnsafeBufferPointer(start: cursor.base + extent.start, count: extent.end - extent.start), as: UTF8.self)
  }

  private static func string(_ extent: JSONExtent, _ cursor: JSONCursor) -> String {
    guard extent.needsDecoding else { return raw(extent, cursor) }
    let out = BufferBuilder<UInt8>()
    cursor.appendString(extent, to: out)
    return String(decoding: out.finish().array, as: UTF8.self)
  }

  // MARK: Pruning

  /// What is known of a column. Bounds are never narrower than the data.
  package func column(_ field: DeltaField) -> ColumnStatistics? {
    guard let rows = numRecords else { return nil }
    let name = field.physicalName
    var out = ColumnStatistics(type: field.dataType, rowCount: rows)
    out.nullCount = nullCounts[name].flatMap { areTight || $0 == 0 || $0 == rows ? $0 : nil }
    if let found = bounds[name] {
      out.min = found.min.flatMap { Self.scalar($0, field) }.flatMap { Self.lowered($0, field) }
      out.max = found.max.flatMap { Self.scalar($0, field) }.flatMap { Self.raised($0, field) }
    }
    // Writers leave NaN out of bounds.
    out.mayHaveNaN = true
    return out
  }

  /// The bound as a value of the column's type; nil for what is not understood, and for types whose texts have another order.
  private static func scalar(_ raw: RawValue, _ field: DeltaField) -> Scalar? {
    let type = field.dataType
    switch (type, raw) {
    case (.dynamic, _): return nil
    // A text that was cut is no GUID.
    case (.guid, .text(let text)): return GUID(text).map { .guid($0) }
    case (.string, .text(let text)): return field.type == .primitive(.string) ? .string(text) : nil
    case (.bool, .bool(let v)): return .bool(v)
    case (.timespan, .number(let text)): return Int64(text).map { .timespan($0) }
    case (.datetime, .text(let text)), (.decimal, .text(let text)), (.decimal, .number(let text)), (.int, .number(let text)), (.long, .number(let text)):
      return ScalarText.parse(text, as: type)
    case (.real, .number(let text)): return ScalarText.parse(text, as: .real)
    default: return nil
    }
  }

  /// True when the bounds may be texts of 32-bit floats: `3.4` then stands for 3.4000000953674316.
  private static func mayBeFloat(_ field: DeltaField) -> Bool {
    field.type == .primitive(.float) || field.type == .primitive(.double) && field.metadataValue("delta.typeChanges") != nil
  }

  /// A bound of decimals moved outwards where it may have been a double: some writers make doubles of decimals, in up to five roundings. Of at
  /// most 15 digits those give the decimal back; the digits in the text tell nothing, since 0.1000000000000000000001 is written as 0.1, too.
  /// Nil where the bound moved is no decimal.
  private static func moved(_ bound: DecimalValue, by share: Double, _ field: DeltaField) -> Scalar? {
    guard case .decimal(let precision, _) = field.type, precision > 15 else { return .decimal(bound) }
    let value = bound.doubleValue
    return ScalarText.parse("\(value + value.magnitude * share)", as: .decimal)
  }

  /// Sixteen steps of a double at most.
  private static let decimalShare = 0x1p-48

  private static func lowered(_ min: Scalar, _ field: DeltaField) -> Scalar? {
    switch min {
    case .real(let v): .real(mayBeFloat(field) ? Swift.min(v, Double(Float(v))) : v)
    case .decimal(let v): moved(v, by: -decimalShare, field)
    default: min
    }
  }

  /// A maximum with what may have been cut off: timestamps to milliseconds, texts to a prefix (where a writer does not round up, the text
  /// that stands is only a prefix of the maximum, so the next text of its length is the bound).
  private static func raised(_ max: Scalar, _ field: DeltaField) -> Scalar? {
    switch max {
    case .real(let v): return .real(mayBeFloat(field) ? Swift.max(v, Double(Float(v))) : v)
    case .decimal(let v): return moved(v, by: decimalShare, field)
    case .datetime(let ticks): return field.type == .primitive(.date) ? max : .datetime(ticks > .max - 9_999 ? .max : ticks + 9_999)
    // Shorter than any writer's cut: exact.
    case .string(let text): return text.unicodeScalars.count < 16 ? max : TextBound.raised(text).map { .string($0) }
    default: return max
    }
  }
}

extension AddFile {
  /// Rows in the data file (deleted ones included), nil when the statistics do not say.
  package var numRecords: Int64? { FileStatistics(stats)?.numRecords.map { Int64($0) } }
}

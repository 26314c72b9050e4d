// What the file says about a column's values without reading them: chunk statistics and page index, as engine scalars.
package import Columnar

/// Bounds and counts of a range of rows; unknown parts are nil. Bounds may be wider than the data, never narrower.
package struct ColumnBounds: Sendable, Equatable {
  package var type: DataType
  /// Bounds of the non-null values; NaN is not covered.
  package var min: Scalar?
  package var max: Scalar?
  package var nullCount: Int?
  package var rowCount: Int
  package var distinctCount: Int?
  /// False when certainly no value is NaN.
  package var mayHaveNaN: Bool
}

/// The bounds of one data page.
package struct PageBounds: Sendable, Equatable {
  /// Rows of the row group.
  package var rows: Range<Int>
  package var bounds: ColumnBounds
}

extension ParquetFile {
  /// The statistics of a field in a row group; nil for nested fields and where the writer stored none that can be trusted.
  package func bounds(rowGroup: Int, field: Int) -> ColumnBounds? {
    guard case .flat(let index, let mapping) = schema.fields[field].decoding else { return nil }
    let leaf = schema.tree.leaves[index]
    let group = metadata.rowGroups[rowGroup]
    var result = ColumnBounds(
      type: mapping.type, nullCount: leaf.maxDefinitionLevel == 0 ? 0 : nil, rowCount: group.rowCount,
      mayHaveNaN: mapping.type == .real)
    guard let statistics = group.columns[index].metadata?.statistics else { return result }
    if leaf.maxDefinitionLevel > 0, let count = statistics.nullCount, count <= group.rowCount { result.nullCount = count }
    result.distinctCount = statistics.distinctCount
    if let nanCount = statistics.nanCount { result.mayHaveNaN = result.mayHaveNaN && nanCount > 0 }
    let decoder = BoundDecoder(leaf: leaf, mapping: mapping, policy: options.onInexact)
    if hasDefinedOrder(index) {
      result.min = statistics.minValue.flatMap { decoder.decode($0, isMax: false) }
      result.max = statistics.maxValue.flatMap { decoder.decode($0, isMax: true) }
    }
    // The deprecated fields were compared as signed numbers whatever the type.
    if result.min == nil, result.max == nil, mapping.hasSignedOrder {
      result.min = statistics.deprecatedMin.flatMap { decoder.decode($0, isMax: false) }
      result.max = statistics.deprecatedMax.flatMap { decoder.decode($0, isMax: true) }
    }
    return result.consistent
  }

  /// The bounds of every data page of a field, in row order; nil where the writer stored no usable page index.
  package func pageBounds(rowGroup: Int, field: Int) throws(ParquetError) -> [PageBounds]? {
    guard case .flat(let index, let mapping) = schema.fields[field].decoding,
      let locations = try offsetIndex(rowGroup: rowGroup, leaf: index)
    else { return nil }
    let columnIndex = try columnIndex(rowGroup: rowGroup, leaf: index)
    let leaf = schema.tree.leaves[index]
    let rowCount = metadata.rowGroups[rowGroup].rowCount
    let decoder = BoundDecoder(leaf: leaf, mapping: mapping, policy: options.onInexact)
    let usable = columnIndex.flatMap { $0.nullPages.count == locations.pages.count ? $0 : nil }
    let isOrdered = hasDefinedOrder(index)
    var out: [PageBounds] = []
    out.reserveCapacity(locations.pages.count)
    for i in locations.pages.indices {
      let rows = locations.rows(ofPage: i, rowCount: rowCount)
      var bounds = ColumnBounds(
        type: mapping.type, nullCount: leaf.maxDefinitionLevel == 0 ? 0 : nil, rowCount: rows.count,
        mayHaveNaN: mapping.type == .real)
      if let usable {
        if usable.nullPages[i] {
          // Pages written without statistics are marked as null pages by some writers: required columns and null counts tell.
          if leaf.maxDefinitionLevel > 0, usable.nullCounts.map({ $0[i] == Int64(rows.count) }) ?? true {
            bounds.nullCount = rows.count
            bounds.mayHaveNaN = false
          }
        } else {
          if let counts = usable.nullCounts, counts[i] >= 0, counts[i] <= Int64(rows.count) { bounds.nullCount = Int(counts[i]) }
          if isOrdered {
            bounds.min = decoder.decode(usable.minValues[i], isMax: false)
            bounds.max = decoder.decode(usable.maxValues[i], isMax: true)
          }
        }
      }
      out.append(PageBounds(rows: rows, bounds: bounds.consistent))
    }
    return out
  }

  /// New-style bounds may be used only where the footer defines their order.
  private func hasDefinedOrder(_ leaf: Int) -> Bool {
    guard let orders = metadata.columnOrders, leaf < orders.count else { return false }
    return orders[leaf] == 1 || orders[leaf] == 2
  }
}

extension ColumnBounds {
  /// Without bounds that contradict each other, as broken writers leave them.
  fileprivate var consistent: ColumnBounds {
    guard let min, let max, BoundDecoder.isGreater(min, than: max) else { return self }
    var copy = self
    copy.min = nil
    copy.max = nil
    return copy
  }
}

extension ValueMapping {
  /// True when signed comparison of the stored values is the order of the engine's values.
  fileprivate var hasSignedOrder: Bool {
    switch self {
    case .bool, .int32, .int64, .float, .double, .decimal32, .decimal64, .date, .ticks, .rawTicks: return true
    default: return false
    }
  }
}

/// Stored bounds to engine scalars.
struct BoundDecoder {
  let leaf: LeafColumn
  let mapping: ValueMapping
  let policy: InexactPolicy

  /// Nil when the bytes are malformed or cannot be turned into a safe bound.
  func decode(_ bytes: [UInt8], isMax: Bool) -> Scalar? {
    // SAFETY: the bytes live for the call, and the scalar holds copies.
    unsafe bytes.withUnsafeBytes { raw in unsafe decode(raw, isMax: isMax) }
  }

  // SAFETY: `raw` lives for the call. A value is loaded, unaligned, only where `raw` has exactly its size, which
  // `load` compares; numbers of any length are read by index below `raw.count`.
  private func decode(_ raw: UnsafeRawBufferPointer, isMax: Bool) -> Scalar? {
    func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> T? {
      unsafe raw.count == MemoryLayout<T>.size ? T(littleEndian: raw.loadUnaligned(as: T.self)) : nil
    }
    switch mapping {
    case .bool: return unsafe raw.count == 1 ? .bool(raw[0] & 1 != 0) : nil
    case .int32: return load(Int32.self).map { .int($0) }
    case .uint32: return load(UInt32.self).map { .long(Int64($0)) }
    case .int64: return load(Int64.self).map { .long($0) }
    case .uint64: return load(UInt64.self).map { .decimal(DecimalValue(Int128($0))) }
    case .float: return load(UInt32.self).flatMap { real(Double(Float(bitPattern: $0))) }
    case .double: return load(UInt64.self).flatMap { real(Double(bitPattern: $0)) }
    case .float16: return load(UInt16.self).flatMap { real(Float16ToDouble.widen($0)) }
    case .decimal32(let scale): return load(Int32.self).map { .decimal(DecimalValue(Int128($0), scale: scale)) }
    case .decimal64(let scale): return load(Int64.self).map { .decimal(DecimalValue(Int128($0), scale: scale)) }
    case .decimalBytes(let scale, _):
      guard raw.count > 0, let value = try? unsafe bigEndianInteger(raw, as: Int128.self) else { return nil }
      return .decimal(DecimalValue(value, scale: scale))
    case .date:
      return load(Int32.self).flatMap { scaled(Int64($0), CivilTime.ticksPerDay, isDatetime: true) }
    case .ticks(.nanos, let isDatetime):
      // Values are floored (or exact), so the floored bound holds on both sides.
      guard let value = load(Int64.self) else { return nil }
      guard value >= Int64.min + 100 else { return nil }
      let ticks = value >= 0 ? value / 100 : (value - 99) / 100
      return isDatetime ? .datetime(ticks) : .timespan(ticks)
    case .ticks(let unit, let isDatetime):
      let value = leaf.type == .int32 ? load(Int32.self).map { Int64($0) } : load(Int64.self)
      return value.flatMap { scaled($0, 10_000_000 / unit.perSecond, isDatetime: isDatetime) }
    case .rawTicks(let isDatetime): return load(Int64.self).flatMap { scaled($0, 1, isDatetime: isDatetime) }
    case .uuid:
      guard raw.count == 16 else { return nil }
      return unsafe .guid(BytesToGUID.widen(raw.loadUnaligned(as: GUID.self)))
    case .text: return unsafe text(raw, isMax: isMax)
    case .guidText:
      // Lower-case text sorts like the GUIDs themselves; anything else does not.
      guard raw.count == 36, unsafe raw.allSatisfy({ $0 < 0x41 || $0 > 0x5A }) else { return nil }
      return unsafe GUID(utf8: raw.assumingMemoryBound(to: UInt8.self)).map { .guid($0) }
    case .int96, .interval, .json, .binary, .base64, .bytes: return nil
    }
  }

  /// NaN bounds say nothing; the two zeros are equal.
  private func real(_ value: Double) -> Scalar? { value.isNaN ? nil : .real(value == 0 ? 0 : value) }

  private func scaled(_ value: Int64, _ factor: Int64, isDatetime: Bool) -> Scalar? {
    let (ticks, overflow) = value.multipliedReportingOverflow(by: factor)
    if overflow { return nil }
    guard isDatetime else { return .timespan(ticks) }
    return ticks < CivilTime.minTicks || ticks > CivilTime.maxTicks ? nil : .datetime(ticks)
  }

  /// Text bounds may be cut within a character: a lower bound is shortened to whole characters, an upper one raised.
  // SAFETY: `end` never exceeds `raw.count`; it is less where `raw[end]` is read, since text that is whole has returned before.
  private func text(_ raw: UnsafeRawBufferPointer, isMax: Bool) -> Scalar? {
    if unsafe isValidUTF8(raw) { return unsafe .string(String(decoding: raw, as: UTF8.self)) }
    var end = raw.count
    while end > 0, unsafe !isValidUTF8(UnsafeRawBufferPointer(rebasing: raw[..<end])) { end -= 1 }
    let prefix = unsafe String(decoding: raw[..<end], as: UTF8.self)
    if !isMax { return .string(prefix) }
    // Above every text that starts with the prefix and a character that begins below F4.
    return unsafe raw[end] < 0xF4 ? .string(prefix + "\u{10FFFF}") : nil
  }

  /// Order of two scalars of one type; false where they cannot be compared.
  static func isGreater(_ a: Scalar, than b: Scalar) -> Bool {
    switch (a, b) {
    case (.bool(let x), .bool(let y)): return x && !y
    case (.int(let x), .int(let y)): return x > y
    case (.long(let x), .long(let y)), (.datetime(let x), .datetime(let y)), (.timespan(let x), .timespan(let y)): return x > y
    case (.real(let x), .real(let y)): return x > y
    case (.decimal(let x), .decimal(let y)): return y < x
    case (.string(let x), .string(let y)): return y.utf8.lexicographicallyPrecedes(x.utf8)
    case (.guid(let x), .guid(let y)): return x > y
    default: return false
    }
  }
}

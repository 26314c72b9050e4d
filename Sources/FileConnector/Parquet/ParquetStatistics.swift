// Role: stored bounds → `ColumnStatistics`, and literals → the hashes that bloom filters hold. Bounds whose order is not that of the Kusto
// type (byte arrays read as base64, INT96, truncated text that is no UTF-8, NaN) count as unknown.

import Columnar
import Expressions
import Parquet

/// Reads bounds of flat columns.
struct ParquetStatistics {
  let file: ParquetFile

  /// The flat mapping of a column by name; nil for nested and unreadable columns.
  func flat(_ name: String) -> (leaf: Int, mapping: ValueMapping, type: DataType)? {
    guard let i = file.schema.index(of: name), case .flat(let leaf, let mapping) = file.schema.fields[i].decoding else { return nil }
    return (leaf, mapping, file.schema.fields[i].type)
  }

  /// What is known of a column in a row group; nil when nothing is.
  func statistics(_ name: String, rowGroup: Int) -> ColumnStatistics? {
    let group = file.metadata.rowGroups[rowGroup]
    guard let (leaf, mapping, type) = flat(name), let stored = group.columns[leaf].metadata?.statistics else { return nil }
    var low = stored.minValue, high = stored.maxValue
    if !isTypeOrdered(leaf) { (low, high) = (nil, nil) }
    if low == nil, high == nil, Self.hasSignedOrder(mapping) { (low, high) = (stored.deprecatedMin, stored.deprecatedMax) }
    return Self.make(type, mapping, low, high, nulls: stored.nullCount, rows: group.rowCount, distinct: stored.distinctCount)
  }

  /// What is known of a column in one page.
  func statistics(_ index: ColumnIndex, page: Int, rows: Int, mapping: ValueMapping, type: DataType, leaf: Int) -> ColumnStatistics {
    if index.nullPages[page] { return ColumnStatistics(type: type, nullCount: rows, rowCount: rows, mayHaveNaN: false) }
    let nulls = index.nullCounts.flatMap { Int(exactly: $0[page]) }
    let isOrdered = isTypeOrdered(leaf)
    return Self.make(type, mapping, isOrdered ? index.minValues[page] : nil, isOrdered ? index.maxValues[page] : nil, nulls: nulls, rows: rows, distinct: nil)
  }

  /// False when the file says that the column's order is not the type's own.
  private func isTypeOrdered(_ leaf: Int) -> Bool {
    guard let orders = file.metadata.columnOrders, leaf < orders.count else { return true }
    return orders[leaf] == 1
  }

  private static func hasSignedOrder(_ mapping: ValueMapping) -> Bool {
    switch mapping {
    case .bool, .int32, .int64, .float, .double, .decimal32, .decimal64, .date, .ticks, .rawTicks: true
    default: false
    }
  }

  private static func make(
    _ type: DataType, _ mapping: ValueMapping, _ low: [UInt8]?, _ high: [UInt8]?, nulls: Int?, rows: Int, distinct: Int?
  ) -> ColumnStatistics {
    let nulls = nulls.flatMap { $0 >= 0 && $0 <= rows ? $0 : nil }
    let min = low.flatMap { scalar($0, mapping, isUpper: false) }
    let max = high.flatMap { scalar($0, mapping, isUpper: true) }
    return ColumnStatistics(type: type, min: min, max: max, nullCount: nulls, rowCount: rows, distinctCount: distinct, mayHaveNaN: type == .real)
  }

  /// The bound, never narrower than the stored one; nil when it cannot be compared.
  private static func scalar(_ bytes: [UInt8], _ mapping: ValueMapping, isUpper: Bool) -> Scalar? {
    func load<T: FixedWidthInteger>(_ type: T.Type) -> T? {
      guard bytes.count == MemoryLayout<T>.size else { return nil }
      return bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(as: T.self)) }
    }
    switch mapping {
    case .bool: return bytes.count == 1 ? .bool(bytes[0] != 0) : nil
    case .int32: return load(Int32.self).map { .int($0) }
    case .uint32: return load(UInt32.self).map { .long(Int64($0)) }
    case .int64: return load(Int64.self).map { .long($0) }
    case .uint64: return load(UInt64.self).map { .decimal(DecimalValue(Int128($0))) }
    case .float: return load(UInt32.self).flatMap { real(Double(Float(bitPattern: $0))) }
    case .double: return load(UInt64.self).flatMap { real(Double(bitPattern: $0)) }
    case .decimal32(let scale): return load(Int32.self).map { .decimal(DecimalValue(Int128($0), scale: scale)) }
    case .decimal64(let scale): return load(Int64.self).map { .decimal(DecimalValue(Int128($0), scale: scale)) }
    case .decimalBytes(let scale, _):
      guard !bytes.isEmpty, bytes.count <= 16 else { return nil }
      var value: Int128 = bytes[0] >= 0x80 ? -1 : 0
      for byte in bytes { value = value << 8 | Int128(byte) }
      return .decimal(DecimalValue(value, scale: scale))
    case .date: return load(Int32.self).flatMap { datetime(Int64($0), 864_000_000_000) }
    case .ticks(let unit, let isDatetime):
      guard let stored: Int64 = bytes.count == 4 ? load(Int32.self).map(Int64.init) : load(Int64.self) else { return nil }
      let ticks: Int64
      switch unit {
      case .millis:
        let (product, overflow) = stored.multipliedReportingOverflow(by: 10_000)
        if overflow { return nil }
        ticks = product
      case .micros:
        let (product, overflow) = stored.multipliedReportingOverflow(by: 10)
        if overflow { return nil }
        ticks = product
      case .nanos:
        let down = stored >= 0 ? stored / 100 : -((-(stored + 1)) / 100) - 1
        ticks = isUpper && stored % 100 != 0 ? down + 1 : down
      }
      return isDatetime ? .datetime(ticks) : .timespan(ticks)
    case .rawTicks(let isDatetime): return load(Int64.self).map { isDatetime ? .datetime($0) : .timespan($0) }
    case .uuid:
      guard bytes.count == 16 else { return nil }
      return bytes.withUnsafeBytes {
        .guid(
          GUID(
            high: UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)), low: UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))))
      }
    case .text:
      let isText = bytes.withUnsafeBufferPointer { isValidUTF8($0) }
      return isText ? .string(String(decoding: bytes, as: UTF8.self)) : nil
    case .guidText: return bytes.withUnsafeBufferPointer { $0.count == 36 ? GUID(utf8: $0) : nil }.map { .guid($0) }
    case .float16, .int96, .interval, .json, .binary, .base64: return nil
    }
  }

  private static func real(_ value: Double) -> Scalar? { value.isNaN ? nil : .real(value) }

  private static func datetime(_ value: Int64, _ factor: Int64) -> Scalar? {
    let (ticks, overflow) = value.multipliedReportingOverflow(by: factor)
    return overflow ? nil : .datetime(ticks)
  }

  // MARK: Bloom filters

  /// The hash of a literal as the column stores it; nil when a filter says nothing about it.
  static func bloomHash(_ value: Scalar, _ mapping: ValueMapping, _ type: PhysicalType) -> UInt64? {
    func hash<T: BitwiseCopyable>(_ value: T) -> UInt64 { withUnsafeBytes(of: value) { xxHash64($0) } }
    func whole(_ value: Scalar) -> Int64? {
      switch value {
      case .int(let v): return Int64(v)
      case .long(let v): return v
      default: return nil
      }
    }
    switch (mapping, value) {
    case (.int32, _): return whole(value).flatMap { Int32(exactly: $0) }.map { hash($0.littleEndian) }
    case (.int64, _): return whole(value).map { hash($0.littleEndian) }
    case (.double, .real(let v)): return hash(v.bitPattern.littleEndian)
    case (.decimal32(let scale), .decimal(let v)): return v.rescaled(to: scale).flatMap { Int32(exactly: $0) }.map { hash($0.littleEndian) }
    case (.decimal64(let scale), .decimal(let v)): return v.rescaled(to: scale).flatMap { Int64(exactly: $0) }.map { hash($0.littleEndian) }
    case (.date, .datetime(let v)): return v % 864_000_000_000 == 0 ? Int32(exactly: v / 864_000_000_000).map { hash($0.littleEndian) } : nil
    case (.ticks(let unit, true), .datetime(let v)), (.ticks(let unit, false), .timespan(let v)):
      guard type == .int64 else { return nil }
      switch unit {
      case .millis: return v % 10_000 == 0 ? hash((v / 10_000).littleEndian) : nil
      case .micros: return v % 10 == 0 ? hash((v / 10).littleEndian) : nil
      case .nanos: return nil
      }
    case (.rawTicks(true), .datetime(let v)), (.rawTicks(false), .timespan(let v)): return hash(v.littleEndian)
    case (.uuid, .guid(let v)): return hash((v.high.bigEndian, v.low.bigEndian))
    case (.guidText, .guid(let v)):
      let text = Array(v.description.utf8)
      return text.withUnsafeBytes { xxHash64($0) }
    case (.text, .string(let v)):
      let text = Array(v.utf8)
      return text.withUnsafeBytes { xxHash64($0) }
    default: return nil
    }
  }
}

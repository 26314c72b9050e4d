// Role: columns of whole numbers, decimals and dates that lie in a small range: their values are formatted once for all chunks, as those of
// dictionaries are. Quantities, rates, days, counts and codes are such columns; formatting is what writing text costs most.

import Columnar
import Synchronization

/// The formatted ranges of the columns of one writer. Used by many threads at once.
final class RangeTables: Sendable {
  /// Texts of consecutive values from `first` on.
  private final class Range: @unchecked Sendable {  // immutable
    let first: Int64
    let fields: ShortFields
    init(_ first: Int64, _ fields: ShortFields) {
      self.first = first
      self.fields = fields
    }
    /// Does not overflow: that many values were there.
    var last: Int64 { first + Int64(fields.count - 1) }
  }

  /// A column, and the scale of its decimals: batches of one column may differ in it.
  private struct Key: Hashable {
    let position: Int
    let scale: Int
  }

  private let ranges: Mutex<[Key: Range]> = Mutex([:])
  /// Values of one range at most: more would not stay in the caches.
  private static let maxCount: Int64 = 16_384
  /// A column whose range was too wide is looked at no more; so many such columns are remembered as there are.
  private let refused: Mutex<Set<Int>> = Mutex([])

  /// The writer for a flat column, the `position`th of its table; nil when its range is wide or its values are of another kind.
  func writer(_ column: ColumnVector, position: Int, _ end: LineEnd, _ options: CSVWriteOptions, hasTime: Bool, name: String) throws -> ShortFieldWriter? {
    guard !options.quotesAll, column.count >= 1_024 else { return nil }
    switch column.storage {
    case .int(let values): return try make(column, position, values, unit: 1, end, options, name) { .int(Buffer($0.map { Int32(truncatingIfNeeded: $0) })) }
    case .long(let values) where column.type == .long: return try make(column, position, values, unit: 1, end, options, name) { .long(Buffer($0)) }
    case .long(let values) where column.type == .datetime && !hasTime:
      return try make(column, position, values, unit: CivilTime.ticksPerDay, end, options, name) { .long(Buffer($0.map { $0 &* CivilTime.ticksPerDay }), type: .datetime) }
    case .decimal64(let values, let scale): return try make(column, position, values, unit: 1, scale: scale, end, options, name) { .decimal(Buffer($0), scale: scale) }
    default: return nil
    }
  }

  // SAFETY: `p` has `n` values (a flat vector has as many as rows) and is kept alive; `codes` has room for `n`. The range holds the least
  // and the greatest value, so that each code is one of its texts.
  private func make<V: FixedWidthInteger & SignedInteger>(
    _ column: ColumnVector, _ position: Int, _ values: Buffer<V>, unit: Int64, scale: Int = 0, _ end: LineEnd, _ options: CSVWriteOptions, _ name: String,
    _ vector: ([Int64]) -> ColumnVector
  ) throws -> ShortFieldWriter? {
    if refused.withLock({ $0.contains(position) }) { return nil }
    let p = unsafe values.pointer, n = column.count
    var low = V.max, high = V.min
    for i in 0..<n {
      low = unsafe min(low, p[i])
      high = unsafe max(high, p[i])
    }
    let first = floorDivide(Int64(low), unit), last = floorDivide(Int64(high), unit)
    // The extent may be beyond 64 bits.
    guard Int128(last) - Int128(first) < Int128(Self.maxCount) else {
      refused.withLock { _ = $0.insert(position) }
      return nil
    }
    guard let range = try range(Key(position: position, scale: scale), first, last, n, { ShortFields(try FieldTable(vector($0), options, hasTime: false, name: name), end) }) else { return nil }
    let codes = BufferBuilder<Int32>(capacity: n)
    let start = range.first
    if unit == 1 {
      for i in 0..<n { unsafe codes.appendUnchecked(Int32(truncatingIfNeeded: Int64(p[i]) &- start)) }
    } else {
      let origin = start &* unit
      for i in 0..<n { unsafe codes.appendUnchecked(Int32(truncatingIfNeeded: (Int64(p[i]) &- origin) / CivilTime.ticksPerDay)) }
    }
    withExtendedLifetime(values) {}
    return ShortFieldWriter(fields: range.fields, codes: codes.finish(), validity: column.validity)
  }

  /// The range kept for a column if it holds first...last, else a new one that does; nil while too few rows are at hand to pay for it.
  private func range(_ key: Key, _ first: Int64, _ last: Int64, _ rows: Int, _ format: ([Int64]) throws -> ShortFields?) throws -> Range? {
    let known = ranges.withLock { $0[key] }
    if let known, known.first <= first, last <= known.last { return known }
    // Ranges grow; each is made anew at most a few times.
    let low = min(first, known?.first ?? first), high = max(last, known?.last ?? last)
    let (extent, isBeyond) = high.subtractingReportingOverflow(low)
    guard !isBeyond, extent < Self.maxCount, extent < Int64(rows) / 4 else { return nil }
    guard let fields = try format(Array(low...high)) else {
      refused.withLock { _ = $0.insert(key.position) }
      return nil
    }
    let made = Range(low, fields)
    ranges.withLock { $0[key] = made }
    return made
  }

  private func floorDivide(_ value: Int64, _ unit: Int64) -> Int64 {
    let quotient = value / unit
    return value % unit < 0 ? quotient - 1 : quotient
  }
}

// Role: one row's dynamic array as numbers, read straight from the binary form: what all series functions work on.

import Columnar

/// The numbers of an array by place. Whole numbers, reals, decimals, datetimes (ticks since year 1) and timespans (ticks) are numbers;
/// everything else is missing. Reading reuses the memory of the last row.
struct NumericSeries {
  /// 0 where a number is missing.
  private(set) var values: [Double] = []
  /// The same as whole numbers; meaningful only if `isLong`.
  private(set) var longs: [Int64] = []
  private(set) var isMissing: [Bool] = []
  private(set) var missingCount = 0
  /// True when all numbers are whole.
  private(set) var isLong = true

  var count: Int { values.count }
  /// True when every element is a number.
  var isComplete: Bool { missingCount == 0 }

  /// Ticks from year 1 to 1970.
  private static let ticksBeforeEpoch = 621_355_968_000_000_000.0

  /// Reads an array; false for any other value.
  mutating func read(_ view: DynamicView) -> Bool {
    removeAll()
    guard view.tag == .array else { return false }
    let n = view.childCount
    values.reserveCapacity(n)
    longs.reserveCapacity(n)
    isMissing.reserveCapacity(n)
    // Elements lie one behind the other; those of known size are read without looking at their ends.
    var at = 5 + 4 * n
    // SAFETY: the view's `count` bytes at `base` are alive while the caller's column is; each read is checked against `count` first.
    let raw = unsafe UnsafeRawPointer(view.base)
    for i in 0..<n {
      let tag = unsafe at < view.count ? view.base[at] : DynamicTag.null.rawValue
      if tag == DynamicTag.long.rawValue, at + 9 <= view.count {
        unsafe append(raw.loadUnaligned(fromByteOffset: at + 1, as: Int64.self))
        at += 9
      } else if tag == DynamicTag.real.rawValue, at + 9 <= view.count {
        unsafe append(Double(bitPattern: raw.loadUnaligned(fromByteOffset: at + 1, as: UInt64.self)))
        at += 9
      } else if tag <= DynamicTag.true.rawValue {
        appendMissing()
        at += 1
      } else {
        let element = view.element(i)
        appendNumber(element)
        at += element?.count ?? 1
      }
    }
    return true
  }

  /// Reads a number as a series of one element; false for any other value.
  mutating func readNumber(_ view: DynamicView) -> Bool {
    removeAll()
    guard view.number != nil || view.tag == .datetime || view.tag == .timespan else { return false }
    appendNumber(view)
    return true
  }

  private mutating func appendNumber(_ view: DynamicView?) {
    switch view?.tag {
    case .long: append(view?.int64 ?? 0)
    case .datetime: append(Double(view?.int64 ?? 0) + Self.ticksBeforeEpoch)
    case .timespan: append(Double(view?.int64 ?? 0))
    default:
      if let number = view?.number { append(number) } else { appendMissing() }
    }
  }

  mutating func removeAll() {
    values.removeAll(keepingCapacity: true)
    longs.removeAll(keepingCapacity: true)
    isMissing.removeAll(keepingCapacity: true)
    missingCount = 0
    isLong = true
  }

  mutating func append(_ value: Int64) {
    values.append(Double(value))
    longs.append(value)
    isMissing.append(false)
  }

  mutating func append(_ value: Double) {
    values.append(value)
    longs.append(0)
    isMissing.append(false)
    isLong = false
  }

  mutating func appendMissing() {
    values.append(0)
    longs.append(0)
    isMissing.append(true)
    missingCount += 1
  }

  /// The first element as often as `n` says.
  mutating func broadcast(to n: Int) {
    guard count == 1 else { return }
    let missing = isMissing[0]
    values = [Double](repeating: values[0], count: n)
    longs = [Int64](repeating: longs[0], count: n)
    isMissing = [Bool](repeating: missing, count: n)
    missingCount = missing ? n : 0
  }
}

/// An argument that is an array, or a number standing for an array of it.
struct SeriesOperand {
  private enum Rows { case dynamic(DynamicRows), long(LongRows), real(RealRows) }

  private let vector: ColumnVector
  private let rows: Rows

  /// The type such an argument is converted to; nil for types that are neither array nor number.
  static func parameter(for type: DataType) -> DataType? {
    switch type {
    case .dynamic: .dynamic
    case .int, .long: .long
    case .real, .decimal: .real
    default: nil
    }
  }

  init(_ vector: ColumnVector) {
    self.vector = vector
    rows = switch vector.type {
    case .long: .long(LongRows(vector))
    case .real: .real(RealRows(vector))
    default: .dynamic(DynamicRows(vector))
    }
  }

  /// Reads row i; true for an array, false for a number, nil for neither.
  func read(_ i: Int, into series: inout NumericSeries) -> Bool? {
    switch rows {
    case .dynamic(let rows):
      if series.read(rows[i]) { return true }
      return series.readNumber(rows[i]) ? false : nil
    case .long(let rows):
      series.removeAll()
      if vector.hasValue(i) { series.append(rows[i]) } else { series.appendMissing() }
    case .real(let rows):
      series.removeAll()
      if vector.hasValue(i) { series.append(rows[i]) } else { series.appendMissing() }
    }
    return false
  }
}

// Role: one column under construction: a JSON value at a cursor is checked and stored in the column's type, without a tree in between.

package import Columnar

/// How values are read.
package struct JSONValueOptions: Sendable {
  /// Pattern of datetime texts; nil: every form Kusto takes.
  package var timestampPattern: DateTimePattern?
  /// Whether 0 and 1 are booleans too, as Kusto services write them at times.
  package var takesNumbersAsBool = false
  package init() {}
}

/// A growing column. Not thread-safe.
// SAFETY: of the counters without exclusivity checks: they are numbers, and no access to one calls anything that could touch it.
package final class JSONColumnBuilder {
  package let type: DataType
  @safe @exclusivity(unchecked) package private(set) var count = 0
  private let options: JSONValueOptions
  private let valid = BufferBuilder<UInt64>()
  @safe @exclusivity(unchecked) private var nullCount = 0
  private let bits = BufferBuilder<UInt64>()
  private let ints = BufferBuilder<Int32>()
  private let longs = BufferBuilder<Int64>()
  private let reals = BufferBuilder<Double>()
  private let guids = BufferBuilder<GUID>()
  private let wide = BufferBuilder<Int128>()
  private let scales = BufferBuilder<Int16>()
  private let text = StringBuilder()
  private let dynamic = DynamicParser()
  private let scratch = BufferBuilder<UInt8>()

  package init(_ type: DataType, _ options: JSONValueOptions) {
    self.type = type
    self.options = options
  }

  /// Rough bytes held.
  package var byteSize: Int { type.isVariableWidth ? text.data.count + 4 * count : 16 * count }

  @inline(__always) private func mark(_ bit: Bool) {
    if count & 63 == 0 { valid.append(0) }
    if bit { unsafe valid.pointer[count &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: count & 63) } else { nullCount &+= 1 }
    count &+= 1
  }

  /// Appends a null.
  package func appendNull() {
    switch type {
    case .bool: if count & 63 == 0 { bits.append(0) }
    case .int: ints.append(0)
    case .long, .datetime, .timespan: longs.append(0)
    case .real: reals.append(0)
    case .decimal:
      wide.append(0)
      scales.append(0)
    case .guid: guids.append(GUID(high: 0, low: 0))
    case .string, .dynamic: text.appendEmpty()
    }
    mark(false)
  }

  /// Appends text as it is, but for bytes that are not UTF-8, which become U+FFFD; the column is a string.
  func append(text bytes: UnsafeBufferPointer<UInt8>) {
    if unsafe isValidUTF8(bytes) { unsafe text.append(bytes) } else { unsafe text.append(String(decoding: bytes, as: UTF8.self)) }
    mark(true)
  }

  /// Stores the value at the cursor and passes it; false when it is not of the type (nothing is stored then). Throws when it is not JSON.
  package func append(_ cursor: inout JSONCursor) throws(JSONTextError) -> Bool {
    guard let first = cursor.peek() else { throw cursor.error("expected a value, found the end") }
    if first == UInt8(ascii: "n") {
      _ = try cursor.skipValue()
      appendNull()
      return true
    }
    if type == .dynamic {
      try dynamic.parseValue(&cursor, into: text.data)
      text.endRow()
      mark(true)
      return true
    }
    let extent = first == UInt8(ascii: "\"") ? try cursor.scanString() : try cursor.skipValue()
    if type == .string {
      if extent.kind == .string {
        cursor.appendString(extent, to: text.data)
      } else {
        unsafe text.data.append(contentsOf: UnsafeBufferPointer(start: cursor.base + extent.start, count: extent.end - extent.start))
      }
      text.endRow()
      mark(true)
      return true
    }
    guard store(extent, cursor) else { return false }
    mark(true)
    return true
  }

  /// A scalar of a fixed-size type.
  @inline(__always) private func store(_ extent: JSONExtent, _ cursor: JSONCursor) -> Bool {
    var p = unsafe cursor.base + extent.start
    var n = extent.end - extent.start
    if extent.needsDecoding {
      scratch.count = 0
      cursor.appendString(extent, to: scratch)
      unsafe p = unsafe UnsafePointer(scratch.pointer)
      n = scratch.count
    }
    switch extent.kind {
    case .true, .false:
      guard type == .bool else { return false }
      putBool(extent.kind == .true)
      return true
    case .integer, .number, .string: break
    case .null, .array, .object: return false
    }
    let isText = extent.kind == .string
    switch type {
    case .long:
      guard let v = unsafe ScalarText.parseLong(p, n) else { return false }
      longs.append(v)
    case .int:
      guard let v = unsafe ScalarText.parseInt(p, n) else { return false }
      ints.append(v)
    case .real:
      guard let v = unsafe ScalarText.parseReal(p, n) else { return false }
      reals.append(v)
    case .decimal:
      guard let v = unsafe ScalarText.parseDecimal(p, n) else { return false }
      wide.append(v.coefficient)
      scales.append(v.scale)
    case .datetime:
      guard isText, let v = unsafe options.timestampPattern.map({ unsafe $0.parse(p, n) }) ?? ScalarText.parseDateTime(p, n) else { return false }
      longs.append(v)
    case .timespan:
      guard isText, let v = unsafe ScalarText.parseTimespan(p, n) else { return false }
      longs.append(v)
    case .guid:
      guard isText, let v = unsafe ScalarText.parseGUID(p, n) else { return false }
      guids.append(v)
    case .bool:
      guard isText && n > 1 || options.takesNumbersAsBool, let v = unsafe ScalarText.parseBool(p, n) else { return false }
      putBool(v)
    case .string, .dynamic: return false
    }
    return true
  }

  private func putBool(_ value: Bool) {
    if count & 63 == 0 { bits.append(0) }
    if value { unsafe bits.pointer[count >> 6] |= 1 << UInt64(count & 63) }
  }

  /// Forgets rows from `row` on; also what a failed append may have left in the text.
  package func cut(to row: Int) {
    while count > row {
      count -= 1
      let mask: UInt64 = 1 << UInt64(count & 63)
      if unsafe valid.pointer[count >> 6] & mask == 0 { nullCount -= 1 }
      unsafe valid.pointer[count >> 6] &= ~mask
      if type == .bool { unsafe bits.pointer[count >> 6] &= ~mask }
    }
    valid.count = Bitmap.wordCount(row)
    switch type {
    case .bool: bits.count = Bitmap.wordCount(row)
    case .int: ints.count = min(ints.count, row)
    case .long, .datetime, .timespan: longs.count = min(longs.count, row)
    case .real: reals.count = min(reals.count, row)
    case .decimal:
      wide.count = min(wide.count, row)
      scales.count = min(scales.count, row)
    case .guid: guids.count = min(guids.count, row)
    case .string, .dynamic:
      text.offsets.count = min(text.offsets.count, row + 1)
      text.data.count = unsafe Int(text.offsets.pointer[row])
    }
  }

  /// The column; the builder is empty afterwards.
  package func finish() -> ColumnVector {
    let n = count
    let validity = nullCount > 0 ? Bitmap(words: valid.finish(), count: n) : nil
    valid.removeAll()
    count = 0
    nullCount = 0
    switch type {
    case .bool: return .bool(Bitmap(words: bits.finish(), count: n), validity: validity)
    case .int: return .int(ints.finish(), validity: validity)
    case .long, .datetime, .timespan: return .long(longs.finish(), validity: validity, type: type)
    case .real: return .real(reals.finish(), validity: validity)
    case .decimal: return .decimal(wide.finish(), scales: scales.finish(), validity: validity)
    case .guid: return .guid(guids.finish(), validity: validity)
    case .string, .dynamic: return text.finish(type, validity: validity)
    }
  }
}

// Role: writes the fields of one column into the slots of rows: the contract, fixed-width values, and texts formatted once.

#if canImport(Glibc)
import Glibc
#endif
import Columnar

/// One or two bytes behind a field.
struct LineEnd {
  let bytes: UInt16
  let count: Int

  init(_ text: [UInt8]) {
    bytes = UInt16(text.first ?? 0) | UInt16(text.count > 1 ? text[1] : 0) << 8
    count = min(text.count, 2)
  }

  @inline(__always) func write(_ out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    unsafe UnsafeMutableRawPointer(out).storeBytes(of: bytes.littleEndian, as: UInt16.self)
    return unsafe out + count
  }
}

/// Writes fields with what ends them.
protocol FieldWriter {
  /// Bytes a field takes at most, its end and some slack included.
  var width: Int { get }
  /// Writes rows `first ..< first + count`, each at its cursor, and moves the cursors behind them.
  func write(_ first: Int, _ count: Int, _ cursors: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>>) throws
}

/// The writer for a column.
func makeFieldWriter(_ column: ColumnVector, _ end: LineEnd, _ options: CSVWriteOptions, hasTime: Bool, name: String) throws -> any FieldWriter {
  switch column.storage {
  case .constant(let value):
    // An all-null constant still needs one text.
    let table = try FieldTable(value, options, hasTime: hasTime, name: name)
    return TableWriter(table: table, codes: nil, validity: column.validity, null: table.null, end: end)
  case .dictionary(let codes, let values):
    if values.count > column.count { return try makeFieldWriter(column.flattened, end, options, hasTime: hasTime, name: name) }
    let table = try FieldTable(values, options, hasTime: hasTime, name: name)
    if let fields = ShortFields(table, end), fields.count > 0 { return ShortFieldWriter(fields: fields, codes: codes, validity: column.validity) }
    return TableWriter(table: table, codes: codes, validity: column.validity, null: table.null, end: end)
  case .bytes(let offsets, let data):
    if column.type == .dynamic { return try TextWriter(jsonTexts(column, offsets, data), end, options, name: name) }
    return TextWriter(column, offsets, data, end, options, name: name)
  default:
    return ValueWriter(column: column, end: end, options: options, hasTime: hasTime)
  }
}

/// A dynamic column as string column of JSON texts.
private func jsonTexts(_ column: ColumnVector, _ offsets: Buffer<Int32>, _ data: Buffer<UInt8>) throws -> ColumnVector {
  let texts = StringBuilder(rows: column.count)
  for i in 0..<column.count {
    let view = unsafe DynamicView(data.pointer + Int(offsets[i]), Int(offsets[i + 1] - offsets[i]))
    // A string stands for itself, as Kusto exports it, unless it would read back as something else.
    if column.isValid(i) { DynamicPrinter.append(view, to: texts.data) }
    texts.endRow()
  }
  withExtendedLifetime((offsets, data)) {}
  return texts.finish(.string, validity: column.validity)
}

/// Values of fixed width.
struct ValueWriter: FieldWriter {
  let column: ColumnVector
  let end: LineEnd
  let options: CSVWriteOptions
  let hasTime: Bool

  var width: Int {
    let pattern = max(options.timestampFormat?.room ?? 0, options.dateFormat?.room ?? 0)
    let words = max(options.null.count, options.nan.count, options.positiveInfinity.count, options.negativeInfinity.count)
    return max(ScalarText.room, pattern, words) + 4
  }

  func write(_ first: Int, _ count: Int, _ cursors: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>>) {
    switch column.storage {
    case .bool(let bits): unsafe each(first, count, cursors) { unsafe ScalarText.write(bool: bits[$0], to: $1) }
    case .int(let values):
      let p = unsafe values.pointer
      unsafe each(first, count, cursors) { unsafe ScalarText.write(long: Int64(p[$0]), to: $1) }
    case .long(let values): unsafe writeLongs(values.pointer, first, count, cursors)
    case .real(let values):
      let p = unsafe values.pointer
      unsafe each(first, count, cursors) { i, out in
        let value = unsafe p[i]
        return unsafe value.isFinite ? ScalarText.write(realWithPoint: value, to: out) : special(value, out)
      }
    case .decimal64(let values, let scale):
      let p = unsafe values.pointer
      if scale >= 0, scale <= 18 {
        unsafe each(first, count, cursors) { unsafe ScalarText.write(decimal64: p[$0], scale: scale, to: $1) }
      } else {
        unsafe each(first, count, cursors) { unsafe ScalarText.write(decimal: DecimalValue(Int128(p[$0]), scale: scale), to: $1) }
      }
    case .decimal128(let values, let scales):
      let p = unsafe values.pointer, s = unsafe scales.pointer
      unsafe each(first, count, cursors) { unsafe ScalarText.write(decimal: DecimalValue(p[$0], scale: Int(s[$0])), to: $1) }
    case .guid(let values):
      let p = unsafe values.pointer
      unsafe each(first, count, cursors) { unsafe ScalarText.write(guid: p[$0], to: $1) }
    case .bytes, .constant, .dictionary: break
    }
    withExtendedLifetime(column) {}
  }

  private func writeLongs(_ p: UnsafePointer<Int64>, _ first: Int, _ count: Int, _ cursors: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>>) {
    switch column.type {
    case .datetime:
      let pattern = hasTime ? options.timestampFormat ?? options.dateFormat : options.dateFormat ?? options.timestampFormat
      if let pattern {
        unsafe each(first, count, cursors) { unsafe pattern.write(p[$0], to: $1) }
      } else if hasTime {
        unsafe each(first, count, cursors) { unsafe ScalarText.write(timestamp: p[$0], to: $1) }
      } else {
        unsafe each(first, count, cursors) { i, out in
          unsafe ScalarText.writeDate(CivilTime.day(ofTicks: p[i]), to: out)
          return unsafe out + 10
        }
      }
    case .timespan: unsafe each(first, count, cursors) { unsafe ScalarText.write(timespan: p[$0], to: $1) }
    default: unsafe each(first, count, cursors) { unsafe ScalarText.write(long: p[$0], to: $1) }
    }
  }

  private func special(_ value: Double, _ out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    unsafe put(value.isNaN ? options.nan : value > 0 ? options.positiveInfinity : options.negativeInfinity, out)
  }

  @inline(__always) private func each(
    _ first: Int, _ count: Int, _ cursors: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>>,
    _ body: (Int, UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8>
  ) {
    let quote = options.quotesAll ? options.quote : nil
    if column.validity == nil, quote == nil {
      for k in 0..<count { unsafe cursors[k] = unsafe end.write(body(first &+ k, cursors[k])) }
      return
    }
    for k in 0..<count {
      var out = unsafe cursors[k]
      if column.isValid(first + k) {
        if let quote { unsafe out[0] = quote; unsafe out += 1 }
        unsafe out = unsafe body(first &+ k, out)
        if let quote { unsafe out[0] = quote; unsafe out += 1 }
      } else {
        unsafe out = unsafe put(options.null, out)
      }
      unsafe cursors[k] = unsafe end.write(out)
    }
  }
}

/// Appends bytes.
@inline(__always) func put(_ text: [UInt8], _ out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
  unsafe text.withUnsafeBufferPointer { if let p = $0.baseAddress { unsafe memcpy(out, p, $0.count) } }
  return unsafe out + text.count
}

/// The texts of all values of a vector, as they stand in a file.
struct FieldTable {
  private let bytes: BufferBuilder<UInt8>
  private var offsets: [Int] = [0]
  let null: [UInt8]
  /// The longest text.
  private(set) var longest = 0

  init(_ values: ColumnVector, _ options: CSVWriteOptions, hasTime: Bool, name: String) throws {
    bytes = BufferBuilder<UInt8>(capacity: 1_024)
    null = options.null
    guard values.count > 0 else { return }
    let writer = try makeFieldWriter(values, LineEnd([]), options, hasTime: hasTime, name: name)
    let slot = UnsafeMutablePointer<UInt8>.allocate(capacity: writer.width + 64)
    defer { unsafe slot.deallocate() }
    var cursor = unsafe slot
    offsets.reserveCapacity(values.count + 1)
    for i in 0..<values.count {
      unsafe cursor = unsafe slot
      try unsafe withUnsafeMutablePointer(to: &cursor) { try unsafe writer.write(i, 1, $0) }
      unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: slot, count: cursor - slot))
      longest = unsafe max(longest, cursor - slot)
      offsets.append(bytes.count)
    }
    bytes.reserve(64)
  }

  var count: Int { offsets.count - 1 }
  func text(_ i: Int) -> [UInt8] { unsafe Array(UnsafeBufferPointer(start: bytes.pointer + offsets[i], count: offsets[i + 1] - offsets[i])) }
  var base: UnsafePointer<UInt8> { unsafe UnsafePointer(bytes.pointer) }
  func withOffsets<R>(_ body: (UnsafePointer<Int>) -> R) -> R? { unsafe offsets.withUnsafeBufferPointer { unsafe $0.baseAddress.map(body) } }
}

/// Dictionary and constant columns: copies formatted texts.
struct TableWriter: FieldWriter {
  let table: FieldTable
  let codes: Buffer<Int32>?
  let validity: Bitmap?
  let null: [UInt8]
  let end: LineEnd

  var width: Int { max(table.longest, null.count) + 36 }

  func write(_ first: Int, _ count: Int, _ cursors: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>>) {
    let base = unsafe table.base
    let codes = unsafe self.codes?.pointer
    let validity = self.validity
    let isEmpty = table.count == 0
    _ = unsafe table.withOffsets { offsets in
      for k in 0..<count {
        var out = unsafe cursors[k]
        if isEmpty || !(validity.map { $0[first + k] } ?? true) {
          unsafe cursors[k] = unsafe end.write(put(null, out))
          continue
        }
        let code = unsafe codes.map { unsafe Int($0[first &+ k]) } ?? 0
        let start = unsafe offsets[code]
        let n = unsafe offsets[code &+ 1] &- start
        if n <= 32 {
          // SAFETY: 64 bytes behind the texts are readable; a slot has 32 bytes of slack.
          unsafe UnsafeMutableRawPointer(out).storeBytes(
            of: UnsafeRawPointer(base + start).loadUnaligned(as: SIMD32<UInt8>.self), as: SIMD32<UInt8>.self)
        } else {
          unsafe memcpy(out, base + start, n)
        }
        unsafe out += n
        unsafe cursors[k] = unsafe end.write(out)
      }
    }
    withExtendedLifetime(self) {}
  }
}

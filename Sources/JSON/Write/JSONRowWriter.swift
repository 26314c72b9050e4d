// Role: batches to JSON objects, one a row. Forms: datetime ISO 8601 text, timespan `d.hh:mm:ss.fffffff` text, decimal a number (exact digits),
// guid text, dynamic as it is, NaN and infinities as text, null members written or left out.

#if canImport(Glibc)
import Glibc
#endif
package import Columnar

/// How rows are written.
package struct JSONWriteOptions: Sendable {
  /// False: null members are written as null.
  package var ignoresNulls = true
  /// Decimals as text instead of numbers.
  package var quotesDecimals = false
  /// Pattern of datetimes; nil: the shortest exact ISO form with the time of day.
  package var timestampPattern: DateTimePattern?
  /// Elements of one array, `,` and a line end between rows, instead of a row a line.
  package var isArray = false

  package init() {}
}

/// Writes rows of one schema. Thread-safe; holds constants only.
package struct JSONRowWriter: Sendable {
  private let options: JSONWriteOptions
  /// For each column `"name":`, escaped.
  private let names: [Buffer<UInt8>]

  package init(schema: StructType, options: JSONWriteOptions) {
    self.options = options
    names = schema.fields.map { field in
      let out = BufferBuilder<UInt8>()
      var name = field.name
      name.withUTF8 { unsafe DynamicPrinter.string($0, out) }
      out.append(UInt8(ascii: ":"))
      return out.finish()
    }
  }

  /// Appends the rows; each ends with a line end, in array form with a comma before it (the caller removes the last).
  package func append(_ batch: RecordBatch, to out: BufferBuilder<UInt8>) {
    let cells = batch.columns.enumerated().map { i, column in JSONCell(column, name: names[i], options) }
    let width = names.reduce(4) { $0 + $1.count + 24 }
    for row in 0..<batch.rowCount {
      out.reserve(width)
      out.append(UInt8(ascii: "{"))
      var isFirst = true
      for cell in cells { cell.append(row, options, &isFirst, out) }
      out.append(UInt8(ascii: "}"))
      if options.isArray { out.append(UInt8(ascii: ",")) }
      out.append(0x0A)
    }
    withExtendedLifetime(batch) {}
  }
}

/// A column prepared for writing cell by cell: raw addresses, valid while the batch is alive.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe private struct JSONCell {
  private enum Kind: UInt8 {
    case bool, int, long, real, decimal, string, datetime, timespan, guid, dynamic, allNull
  }

  private let kind: Kind
  private let name: Buffer<UInt8>
  private let validity: UnsafePointer<UInt64>?
  private let values: UnsafeRawPointer?
  private let offsets: UnsafePointer<Int32>?
  private let vector: ColumnVector
  /// Rows of dictionaries and constants: the row of the values.
  private let codes: UnsafePointer<Int32>?
  private let isConstant: Bool

  init(_ column: ColumnVector, name: Buffer<UInt8>, _ options: JSONWriteOptions) {
    self.name = name
    unsafe validity = unsafe column.validity?.words.pointer
    var flat = column
    var codes: UnsafePointer<Int32>?
    var isConstant = false
    switch column.storage {
    case .dictionary(let own, let inner):
      unsafe codes = unsafe own.pointer
      flat = inner
    case .constant(let inner):
      isConstant = true
      flat = inner
    default: break
    }
    unsafe self.codes = unsafe codes
    self.isConstant = isConstant
    vector = flat
    var offsets: UnsafePointer<Int32>?
    switch flat.storage {
    case .bool(let b): unsafe (kind, values) = unsafe (.bool, UnsafeRawPointer(b.words.pointer))
    case .int(let b): unsafe (kind, values) = unsafe (.int, UnsafeRawPointer(b.pointer))
    case .long(let b):
      unsafe values = unsafe UnsafeRawPointer(b.pointer)
      kind = column.type == .datetime ? .datetime : column.type == .timespan ? .timespan : .long
    case .real(let b): unsafe (kind, values) = unsafe (.real, UnsafeRawPointer(b.pointer))
    case .decimal64, .decimal128: unsafe (kind, values) = (.decimal, nil)
    case .guid(let b): unsafe (kind, values) = unsafe (.guid, UnsafeRawPointer(b.pointer))
    case .bytes(let o, let data):
      unsafe values = unsafe UnsafeRawPointer(data.pointer)
      unsafe offsets = unsafe o.pointer
      kind = column.type == .dynamic ? .dynamic : .string
    case .constant, .dictionary: unsafe (kind, values) = (.allNull, nil)
    }
    unsafe self.offsets = unsafe offsets
  }

  @inline(__always) func append(_ row: Int, _ options: JSONWriteOptions, _ isFirst: inout Bool, _ out: BufferBuilder<UInt8>) {
    let isNull = unsafe validity.map { unsafe $0[row >> 6] >> UInt64(row & 63) & 1 == 0 } ?? false
    if isNull, options.ignoresNulls { return }
    if !isFirst { out.append(UInt8(ascii: ",")) }
    isFirst = false
    unsafe out.append(contentsOf: UnsafeBufferPointer(start: name.pointer, count: name.count))
    if isNull {
      literal("null", out)
    } else {
      unsafe value(isConstant ? 0 : codes.map { unsafe Int($0[row]) } ?? row, options, out)
    }
  }

  private func literal(_ text: StaticString, _ out: BufferBuilder<UInt8>) {
    unsafe out.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  @inline(__always) private func number<T: BitwiseCopyable>(_ i: Int, as type: T.Type) -> T? {
    unsafe values?.load(fromByteOffset: i * MemoryLayout<T>.stride, as: T.self)
  }

  private func value(_ i: Int, _ options: JSONWriteOptions, _ out: BufferBuilder<UInt8>) {
    switch kind {
    case .bool: literal((number(i >> 6, as: UInt64.self) ?? 0) >> UInt64(i & 63) & 1 == 1 ? "true" : "false", out)
    case .int: unsafe out.appendText { unsafe ScalarText.write(long: Int64(number(i, as: Int32.self) ?? 0), to: $0) }
    case .long: unsafe out.appendText { unsafe ScalarText.write(long: number(i, as: Int64.self) ?? 0, to: $0) }
    case .real:
      let v = number(i, as: Double.self) ?? 0
      if v.isFinite {
        unsafe out.appendText { unsafe ScalarText.write(realWithPoint: v, to: $0) }
      } else {
        quoted(out) { unsafe out.appendText { unsafe ScalarText.write(real: v, to: $0) } }
      }
    case .decimal:
      guard case .decimal(let v) = vector.scalar(i) else { return literal("null", out) }
      if options.quotesDecimals {
        quoted(out) { unsafe out.appendText { unsafe ScalarText.write(decimal: v, to: $0) } }
      } else {
        unsafe out.appendText { unsafe ScalarText.write(decimal: v, to: $0) }
      }
    case .datetime:
      let ticks = number(i, as: Int64.self) ?? 0
      quoted(out) {
        if let pattern = options.timestampPattern {
          unsafe out.appendText(room: pattern.room) { unsafe pattern.write(ticks, to: $0) }
        } else {
          unsafe out.appendText { unsafe ScalarText.write(timestamp: ticks, to: $0) }
        }
      }
    case .timespan: quoted(out) { unsafe out.appendText { unsafe ScalarText.write(timespan: number(i, as: Int64.self) ?? 0, to: $0) } }
    case .guid:
      if let v = number(i, as: GUID.self) { quoted(out) { unsafe out.appendText { unsafe ScalarText.write(guid: v, to: $0) } } }
    case .string, .dynamic:
      guard let offsets = unsafe offsets, let values = unsafe values else { return literal("null", out) }
      let start = unsafe Int(offsets[i]), n = unsafe Int(offsets[i + 1]) - start
      let bytes = unsafe values.assumingMemoryBound(to: UInt8.self) + start
      if kind == .string { unsafe DynamicPrinter.string(UnsafeBufferPointer(start: bytes, count: n), out) } else { unsafe DynamicPrinter.append(DynamicView(bytes, n), to: out) }
    case .allNull: literal("null", out)
    }
  }

  private func quoted(_ out: BufferBuilder<UInt8>, _ body: () -> Void) {
    out.append(UInt8(ascii: "\""))
    body()
    out.append(UInt8(ascii: "\""))
  }
}

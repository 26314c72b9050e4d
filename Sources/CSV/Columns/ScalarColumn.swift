// Role: the columns whose texts are rarely many: bool, timespan, guid, decimal of 128 bits, dynamic; parsed field by field.

package import Columnar

/// A type's parser, chosen when the column is made and specialised with it.
protocol FieldParser {
  associatedtype Value: BitwiseCopyable & Sendable
  static var zero: Value { get }
  static func parse(_ p: UnsafePointer<UInt8>, _ n: Int) -> Value?
  static func vector(_ values: Buffer<Value>, _ validity: Bitmap?) -> ColumnVector
}

enum TimespanParser: FieldParser {
  static var zero: Int64 { 0 }
  static func parse(_ p: UnsafePointer<UInt8>, _ n: Int) -> Int64? { ScalarText.parseTimespan(p, n) }
  static func vector(_ values: Buffer<Int64>, _ validity: Bitmap?) -> ColumnVector { .long(values, validity: validity, type: .timespan) }
}

enum GUIDParser: FieldParser {
  static var zero: GUID { GUID(high: 0, low: 0) }
  static func parse(_ p: UnsafePointer<UInt8>, _ n: Int) -> GUID? { ScalarText.parseGUID(p, n) }
  static func vector(_ values: Buffer<GUID>, _ validity: Bitmap?) -> ColumnVector { .guid(values, validity: validity) }
}

enum BoolParser: FieldParser {
  static var zero: UInt8 { 0 }
  static func parse(_ p: UnsafePointer<UInt8>, _ n: Int) -> UInt8? { ScalarText.parseBool(p, n).map { $0 ? 1 : 0 } }
  static func vector(_ values: Buffer<UInt8>, _ validity: Bitmap?) -> ColumnVector {
    let bits = Bitmap.build(count: values.count) { words in
      for i in 0..<values.count { words[i >> 6] |= UInt64(values[i]) << UInt64(i & 63) }
    }
    return .bool(bits, validity: validity)
  }
}

final class ScalarColumn<Parser: FieldParser>: FieldColumn {
  private let values = BufferBuilder<Parser.Value>()
  private var nulls = NullBits()
  private let reader: FieldReader
  private let index: Int

  init(_ parser: Parser.Type, _ index: Int, _ reader: FieldReader) {
    self.index = index
    self.reader = reader
  }

  var byteCount: Int { values.count * MemoryLayout<Parser.Value>.stride }

  func append(_ run: FieldRun, _ defects: DefectList) {
    let first = values.count
    let out = values.appendUninitialized(run.rows)
    nulls.extend(run.rows)
    for r in 0..<run.rows {
      out[r] = Parser.zero
      guard let text = reader.trimmed(run.base, run.start(r), run.end(r)) else { nulls.setNull(first &+ r); continue }
      if let value = Parser.parse(text.start, text.count) {
        out[r] = value
      } else {
        nulls.setNull(first &+ r)
        defects.fields.append(FieldDefect(row: run.firstRow + r, column: index, start: run.start(r), end: run.end(r)))
      }
    }
  }

  func finish() -> ColumnVector {
    let buffer = values.finish()
    return Parser.vector(buffer, nulls.finish())
  }
}

/// Reads JSON text into the binary form of a dynamic value; false when it is not JSON. Given by the caller, since this module knows no JSON.
package typealias DynamicParser = @Sendable (UnsafeBufferPointer<UInt8>, BufferBuilder<UInt8>) -> Bool

/// Dynamic columns. A field that is not JSON is a string value, as in Kusto's ingestion.
final class DynamicColumn: FieldColumn {
  private let text = StringBuilder()
  private var nulls = NullBits()
  private let reader: FieldReader
  private let parse: DynamicParser

  init(_ reader: FieldReader, _ parse: @escaping DynamicParser) {
    self.reader = reader
    self.parse = parse
  }

  var byteCount: Int { text.data.count }

  func append(_ run: FieldRun, _ defects: DefectList) {
    let first = text.count
    nulls.extend(run.rows)
    for r in 0..<run.rows {
      if let field = reader.trimmed(run.base, run.start(r), run.end(r)) {
        let bytes = UnsafeBufferPointer(start: field.start, count: field.count)
        let before = text.data.count
        if !parse(bytes, text.data) {
          text.data.count = before
          let value = DynamicValue.string(String(decoding: bytes, as: UTF8.self)).binary
          value.withUnsafeBufferPointer { text.data.append(contentsOf: $0) }
        }
      } else {
        nulls.setNull(first &+ r)
      }
      text.endRow()
    }
  }

  func finish() -> ColumnVector {
    let bits = nulls.finish()
    return text.finish(.dynamic, validity: bits)
  }
}

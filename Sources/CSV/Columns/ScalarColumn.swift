// Role: the columns whose texts are rarely many: bool, timespan, guid, dynamic; parsed field by field.

import Columnar

final class TimespanColumn: FieldColumn {
  private let values = BufferBuilder<Int64>()
  private var nulls = NullBits()
  private let fields: PlainFields

  init(_ index: Int, _ reader: FieldReader) { fields = PlainFields(index: index, reader: reader) }

  var byteCount: Int { values.count * 8 }

  func append(_ run: FieldRun, _ defects: DefectList) {
    // SAFETY: the parser reads the bytes of a field alone.
    unsafe fields.parse(run, values, &nulls, defects, zero: 0, ScalarText.parseTimespan)
  }

  func finish() -> ColumnVector {
    let buffer = values.finish()
    return .long(buffer, validity: nulls.finish(), type: .timespan)
  }
}

final class GUIDColumn: FieldColumn {
  private let values = BufferBuilder<GUID>()
  private var nulls = NullBits()
  private let fields: PlainFields

  init(_ index: Int, _ reader: FieldReader) { fields = PlainFields(index: index, reader: reader) }

  var byteCount: Int { values.count * 16 }

  func append(_ run: FieldRun, _ defects: DefectList) {
    // SAFETY: the parser reads the bytes of a field alone.
    unsafe fields.parse(run, values, &nulls, defects, zero: GUID(high: 0, low: 0), ScalarText.parseGUID)
  }

  func finish() -> ColumnVector {
    let buffer = values.finish()
    return .guid(buffer, validity: nulls.finish())
  }
}

final class BoolColumn: FieldColumn {
  private let values = BufferBuilder<UInt8>()
  private var nulls = NullBits()
  private let fields: PlainFields

  init(_ index: Int, _ reader: FieldReader) { fields = PlainFields(index: index, reader: reader) }

  var byteCount: Int { values.count }

  func append(_ run: FieldRun, _ defects: DefectList) {
    // SAFETY: the parser reads the bytes of a field alone.
    unsafe fields.parse(run, values, &nulls, defects, zero: 0) { p, n in unsafe ScalarText.parseBool(p, n).map { $0 ? 1 : 0 } }
  }

  func finish() -> ColumnVector {
    let flags = values.finish()
    // SAFETY: the words have `flags.count` bits.
    let bits = unsafe Bitmap.build(count: flags.count) { words in
      for i in 0..<flags.count { unsafe words[i >> 6] |= UInt64(flags[i]) << UInt64(i & 63) }
    }
    return .bool(bits, validity: nulls.finish())
  }
}

/// The loop these columns share.
private struct PlainFields {
  let index: Int
  let reader: FieldReader

  // SAFETY: `out` has an element for each row of the run, all filled before the next growth. A trimmed text is not empty (nothing is
  // read of an empty field) and lives until the reader is asked again.
  @inline(__always) func parse<T: BitwiseCopyable & Sendable>(
    _ run: FieldRun, _ values: BufferBuilder<T>, _ nulls: inout NullBits, _ defects: DefectList, zero: T,
    _ parse: (UnsafePointer<UInt8>, Int) -> T?
  ) {
    let first = values.count
    let out = unsafe values.appendUninitialized(run.rows)
    nulls.extend(run.rows)
    for r in 0..<run.rows {
      let text = unsafe reader.trimmed(run.base, run.start(r), run.end(r))
      if let text, let value = unsafe parse(text.start, text.count) {
        unsafe out[r] = value
      } else {
        unsafe out[r] = zero
        nulls.setNull(first &+ r)
        if text != nil { defects.add(run, r, index) }
      }
    }
  }
}

/// Dynamic columns. A field that is not JSON is a string value, as in Kusto's ingestion.
final class DynamicColumn: FieldColumn {
  private let text = StringBuilder()
  private var nulls = NullBits()
  private let reader: FieldReader
  private let parser = DynamicParser()

  init(_ reader: FieldReader) { self.reader = reader }

  var byteCount: Int { text.data.count }

  // SAFETY: a trimmed text is not empty and lives until the reader is asked again; all of it is copied.
  func append(_ run: FieldRun, _ defects: DefectList) {
    let first = text.count
    nulls.extend(run.rows)
    for r in 0..<run.rows {
      if let field = unsafe reader.trimmed(run.base, run.start(r), run.end(r)) {
        let bytes = unsafe UnsafeBufferPointer(start: field.start, count: field.count)
        let before = text.data.count
        do {
          try unsafe parser.parse(bytes, into: text.data)
        } catch {
          text.data.count = before
          let value = unsafe DynamicValue.string(String(decoding: bytes, as: UTF8.self)).binary
          unsafe value.withUnsafeBufferPointer { unsafe text.data.append(contentsOf: $0) }
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

// Role: the rows of one table under construction: JSON arrays at a cursor go straight into typed columns.

import Columnar
import JSON

/// A table whose rows are coming in. Not thread-safe.
// SAFETY: of the counters without exclusivity checks: they are numbers, and no access to one calls anything that could touch it.
final class AnswerRows {
  var table: ReceivedTable
  private let builders: [JSONColumnBuilder]
  private let takesTextsAsDynamic: Bool
  /// Rows since the last batch.
  @safe @exclusivity(unchecked) private(set) var pending = 0
  /// Rows of the table so far.
  @safe @exclusivity(unchecked) private(set) var total = 0
  /// Bytes of JSON behind the pending rows.
  @safe @exclusivity(unchecked) private(set) var pendingBytes = 0
  private let scratch = BufferBuilder<UInt8>()

  init(_ table: ReceivedTable, format: AnswerFormat) {
    self.table = table
    takesTextsAsDynamic = format == .v1
    var options = JSONValueOptions()
    options.takesNumbersAsBool = true
    builders = table.schema.fields.map { JSONColumnBuilder($0.type, options) }
  }

  /// The row at the cursor, which stands at `[`; passes it. Nothing is kept of a row that throws.
  @inline(__always) func append(_ cursor: inout JSONCursor) throws(JSONTextError) {
    let start = cursor.at
    do throws(JSONTextError) {
      try row(&cursor)
    } catch {
      for builder in builders { builder.cut(to: pending) }
      throw error
    }
    pending &+= 1
    total &+= 1
    pendingBytes &+= cursor.at &- start
  }

  private func row(_ cursor: inout JSONCursor) throws(JSONTextError) {
    cursor.at &+= 1
    var isFirst = true
    for builder in builders {
      if !isFirst {
        guard cursor.peek() == UInt8(ascii: ",") else { throw cursor.error("expected ',' and a value for each of the \(builders.count) columns") }
        cursor.at &+= 1
      }
      isFirst = false
      if takesTextsAsDynamic, builder.type == .dynamic, cursor.peek() == UInt8(ascii: "\"") {
        try text(&cursor, builder)
        continue
      }
      let at = cursor.at
      if try !builder.append(&cursor) { throw mismatch(cursor, at, builder) }
    }
    guard cursor.peek() == UInt8(ascii: "]") else { throw cursor.error("expected ']' behind \(builders.count) values") }
    cursor.at &+= 1
  }

  /// v1: dynamic values come as JSON texts from older services. The empty text is null; texts that are no array, object or number stay texts.
  private func text(_ cursor: inout JSONCursor, _ builder: JSONColumnBuilder) throws(JSONTextError) {
    let start = cursor.at
    let extent = try cursor.scanString()
    scratch.removeAll()
    cursor.appendString(extent, to: scratch)
    if scratch.count == 0 { return builder.appendNull() }
    let first = unsafe scratch.pointer[0]
    if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
      var inner = unsafe JSONCursor(UnsafePointer(scratch.pointer), scratch.count)
      if (try? inner.skipValue()) != nil, inner.peek() == nil {
        inner.at = 0
        _ = try builder.append(&inner)
        return
      }
    }
    cursor.at = start
    _ = try builder.append(&cursor)
  }

  private func mismatch(_ cursor: JSONCursor, _ start: Int, _ builder: JSONColumnBuilder) -> JSONTextError {
    let i = builders.firstIndex { $0 === builder } ?? 0
    let n = min(cursor.at - start, 80)
    let shown = unsafe String(decoding: UnsafeBufferPointer(start: cursor.base + start, count: n), as: UTF8.self)
    return cursor.error("column '\(table.schema[i].name)': found \(shown), expected \(builder.type)", at: start)
  }

  /// The pending rows.
  func finish() -> RecordBatch {
    let batch = RecordBatch(schema: table.schema, columns: builders.map { $0.finish() }, rowCount: pending)
    pending = 0
    pendingBytes = 0
    return batch
  }

  /// Forgets all rows.
  func restart() {
    for builder in builders { builder.cut(to: 0) }
    pending = 0
    pendingBytes = 0
    total = 0
  }
}

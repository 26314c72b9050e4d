// Role: an answer of a query or management endpoint, parsed as its bytes arrive: v1 data sets and v2 frames, plain, fragmented and progressive.
// Rows leave as batches; at most one batch and one unfinished row are held. What is wrong in the answer (error rows, completion errors, half an
// answer, text that is no answer) is thrown.
// Source: REST "Query V2 HTTP response", "Query/management HTTP response".

import Columnar
import DataSource

/// Reads one answer. Not thread-safe.
package final class AnswerReader {
  /// Bounds on what an answer may make the reader hold.
  package struct Limits: Sendable {
    /// Bytes of one row, one frame head or one other value.
    package var unitBytes = 256 << 20
    /// Bytes of JSON behind one batch.
    package var batchBytes = 16 << 20
    package var batchRows = RecordBatch.maxRows
    package var columns = 10_000
    package var openTables = 1_000
    package init() {}
  }

  private enum Place {
    /// Before the first byte; between frames; in a frame or table; in its rows; in v1's outer object; in v1's list of tables; behind the end.
    case start, frames, members, rows, outer, tables, done
  }

  /// The members of a frame, as far as they have come.
  private struct Frame {
    var type = ""
    var id: Int?
    var kind: String?
    var name = ""
    var schema: StructType?
    var replaces = false
    var expectedRows: Int?
    var hasErrors = false
    var isCancelled = false
    var errors: [ServiceError] = []
    var rows: AnswerRows?
  }

  private let format: AnswerFormat
  private let limits: Limits
  private let onEvent: (AnswerEvent) throws -> Void
  private let input = BufferBuilder<UInt8>()
  /// Everything before is done with.
  private var at = 0
  /// Offset of the first byte of `input` in the answer.
  private var origin = 0
  /// Parsing goes on when there are so many bytes: a long unit is not looked at again for each piece.
  private var wakesAt = 0
  private var place = Place.start
  @safe @exclusivity(unchecked) private var isFirst = true
  private var frame = Frame()
  private var open: [Int: AnswerRows] = [:]
  private var tableCount = 0
  private var isProgressive = false
  private var hasCompletion = false
  /// Failures named inside the answer; the first is thrown when the answer has ended, so that its whole text is known to be read.
  private var errors: [ServiceError] = []

  /// - Parameter onEvent: gets tables and batches; what it throws ends the reading.
  package init(_ format: AnswerFormat, limits: Limits = Limits(), onEvent: @escaping (AnswerEvent) throws -> Void) {
    self.format = format
    self.limits = limits
    self.onEvent = onEvent
  }

  /// Takes the next bytes. Throws FORMAT_CORRUPT with the byte offset, the service's error, or what `onEvent` throws.
  // SAFETY: the rest is moved to the front of the same memory, within `count`; the bytes are the caller's for the call and are copied.
  package func append(_ bytes: UnsafeRawBufferPointer) throws {
    if at > 0 {
      let rest = input.count - at
      unsafe input.pointer.update(from: input.pointer + at, count: rest)
      input.count = rest
      origin += at
      wakesAt -= at
      at = 0
    }
    unsafe input.append(contentsOf: bytes.bindMemory(to: UInt8.self))
    if input.count >= wakesAt { try parse() }
  }

  /// Ends the answer. Throws HTTP when it breaks off, or the error it names.
  // SAFETY: `input` does not change while the cursor looks at its `count` bytes.
  package func finish() throws {
    wakesAt = 0
    try parse()
    if let error = errors.first { throw error }
    if place != .done {
      throw KConnectError(
        .http, "the answer breaks off after \(origin + input.count) bytes", hint: "the connection was cut or the service failed; try again", isRetryable: true)
    }
    var cursor = unsafe JSONCursor(UnsafePointer(input.pointer), input.count, at: at)
    if cursor.peek() != nil { throw corrupt(cursor.error("expected the end of the answer")) }
    if format == .v2, !hasCompletion {
      throw KConnectError(.http, "the answer has no DataSetCompletion frame: it is not whole", hint: "try again", isRetryable: true)
    }
  }

  /// Bytes read.
  package var byteCount: Int { origin + input.count }

  // MARK: Steps

  // SAFETY: only `append` changes `input`, and nothing calls it while a cursor is in use.
  private func parse() throws {
    var cursor = unsafe JSONCursor(UnsafePointer(input.pointer), input.count, at: at)
    while true {
      let begin = cursor.at
      do {
        guard try step(&cursor) else {
          // Not enough bytes. A unit is looked at again when it has doubled.
          at = place == .rows ? cursor.at : begin
          let held = input.count - at
          if held > limits.unitBytes { throw KConnectError(.formatCorrupt, "the answer has a value of more than \(limits.unitBytes) bytes at byte \(origin + at)") }
          wakesAt = held > 1 << 16 ? at + held * 2 : 0
          return
        }
      } catch let error as JSONTextError {
        throw corrupt(error)
      }
      at = cursor.at
      if place == .done { return }
    }
  }

  /// One step on; false when it needs more bytes (the cursor is then of no use). Rows move `cursor` as far as they are complete.
  private func step(_ cursor: inout JSONCursor) throws -> Bool {
    let begin = cursor.at
    guard let next = cursor.peek() else { return false }
    switch place {
    case .done: return false
    case .start:
      cursor.at += 1
      switch (format, next) {
      case (.v2, UInt8(ascii: "[")): place = .frames
      case (.v1, UInt8(ascii: "{")): place = .outer
      default: throw cursor.error("expected the \(format == .v2 ? "'[' of a v2" : "'{' of a v1") answer", at: cursor.at - 1)
      }
      isFirst = true
      return true
    case .rows: return try rows(&cursor)
    case .frames, .tables:
      if next == UInt8(ascii: "]") {
        cursor.at += 1
        place = place == .frames ? .done : .outer
        isFirst = false
        return true
      }
      guard try separator(&cursor, next) else { return false }
      guard let brace = cursor.peek() else { return false }
      guard brace == UInt8(ascii: "{") else { throw cursor.error("expected '{' of a \(format == .v2 ? "frame" : "table")") }
      cursor.at += 1
      frame = Frame()
      place = .members
      isFirst = true
      return true
    case .members, .outer:
      if next == UInt8(ascii: "}") {
        cursor.at += 1
        if place == .outer { place = .done } else {
          try endFrame()
          place = format == .v2 ? .frames : .tables
        }
        isFirst = false
        return true
      }
      do {
        return try member(&cursor, next)
      } catch let error as JSONTextError {
        if Self.closes(cursor, from: begin) { throw error }
        return false
      }
    }
  }

  /// Passes the comma in front of every element but the first; false when there is none yet.
  private func separator(_ cursor: inout JSONCursor, _ next: UInt8) throws -> Bool {
    if isFirst { return true }
    guard next == UInt8(ascii: ",") else { throw cursor.error("expected ',' or the end") }
    cursor.at += 1
    return cursor.peek() != nil
  }

  private func member(_ cursor: inout JSONCursor, _ next: UInt8) throws -> Bool {
    guard try separator(&cursor, next) else { return false }
    guard cursor.peek() == UInt8(ascii: "\"") else { throw cursor.error("expected a key in double quotes") }
    let key = Self.text(try cursor.scanString(), cursor)
    guard let colon = cursor.peek() else { return false }
    guard colon == UInt8(ascii: ":") else { throw cursor.error("expected ':'") }
    cursor.at += 1
    guard let first = cursor.peek() else { return false }
    if first == UInt8(ascii: "["), place == .outer ? key == "Tables" : key == "Rows" {
      if place == .members { try beginRows(cursor) }
      cursor.at += 1
      place = place == .outer ? .tables : .rows
      isFirst = true
      return true
    }
    let start = cursor.at
    let extent = try cursor.skipValue()
    // A number may go on in the bytes to come.
    guard cursor.peek() != nil else { return false }
    // SAFETY: the extent lies within the cursor's bytes, for a string with its closing quote; they are copied.
    let value = unsafe UnsafeBufferPointer(start: cursor.base + start, count: extent.end + (extent.kind == .string ? 1 : 0) - start)
    try unsafe set(key, String(decoding: value, as: UTF8.self), at: start)
    isFirst = false
    return true
  }

  // SAFETY: `out` has `count` bytes and is not released before they are copied.
  private static func text(_ extent: JSONExtent, _ cursor: JSONCursor) -> String {
    let out = BufferBuilder<UInt8>()
    cursor.appendString(extent, to: out)
    return unsafe String(decoding: UnsafeBufferPointer(start: UnsafePointer(out.pointer), count: out.count), as: UTF8.self)
  }

  // MARK: Frames

  private func set(_ key: String, _ json: String, at offset: Int) throws {
    guard let value = try? DynamicValue(parsing: json) else { throw corrupt(JSONTextError(offset: offset, message: "member '\(key)' is not understood")) }
    switch (key, value) {
    case ("FrameType", .string(let text)): frame.type = text
    case ("TableId", .long(let n)): frame.id = Int(n)
    case ("TableKind", .string(let text)): frame.kind = text
    case ("TableName", .string(let text)): frame.name = text
    case ("Columns", .array(let items)): frame.schema = try schema(items, at: offset)
    case ("TableFragmentType", .string(let text)): frame.replaces = text == "DataReplace"
    case ("RowCount", .long(let n)): frame.expectedRows = Int(n)
    case ("IsProgressive", .bool(let flag)): isProgressive = flag
    case ("HasErrors", .bool(let flag)): frame.hasErrors = flag
    case ("Cancelled", .bool(let flag)): frame.isCancelled = flag
    case ("OneApiErrors", .array(let items)), ("Exceptions", .array(let items)):
      frame.errors += items.compactMap { ServiceError($0) }
      if place == .outer { errors += frame.errors }
    case ("error", _):
      // The whole answer is one error object.
      if let error = ServiceError(value) { errors.append(error) }
    default: break
    }
  }

  private func schema(_ items: [DynamicValue], at offset: Int) throws -> StructType {
    guard items.count <= limits.columns else { throw corrupt(JSONTextError(offset: offset, message: "\(items.count) columns, at most \(limits.columns) are read")) }
    var fields: [StructField] = []
    var taken: Set<String> = []
    for item in items {
      guard case .string(let name)? = item["ColumnName"] else { throw corrupt(JSONTextError(offset: offset, message: "a column has no ColumnName")) }
      var type: DataType?
      for key in ["ColumnType", "DataType"] where type == nil {
        if case .string(let text)? = item[key] { type = WireTypeName.type(text) }
      }
      guard let type else { throw corrupt(JSONTextError(offset: offset, message: "column '\(name)' has no type that is known")) }
      // Names within a schema are unique here; Kusto's own results have unique names too.
      var unique = name
      var n = 1
      while !taken.insert(unique).inserted {
        unique = "\(name)\(n)"
        n += 1
      }
      fields.append(StructField(unique, type))
    }
    return StructType(fields)
  }

  private func kind(_ name: String?) -> AnswerTableKind {
    switch name {
    case "PrimaryResult", "QueryResult": .primaryResult
    case "QueryProperties": .queryProperties
    case "QueryCompletionInformation", "QueryStatus": .completionInformation
    case "TableOfContents": .tableOfContents
    default: .other
    }
  }

  private func newTable(_ schema: StructType) throws -> AnswerRows {
    guard open.count < limits.openTables else { throw KConnectError(.formatCorrupt, "the answer has more than \(limits.openTables) tables open") }
    let table = ReceivedTable(id: frame.id ?? tableCount, kind: kind(frame.kind), name: frame.name, schema: schema)
    tableCount += 1
    let rows = AnswerRows(table, format: format)
    try onEvent(.begin(table))
    return rows
  }

  /// The rows of the frame begin.
  private func beginRows(_ cursor: JSONCursor) throws {
    if frame.type == "TableFragment" {
      guard let id = frame.id, let rows = open[id] else { throw cursor.error("a fragment of a table that has no TableHeader") }
      if frame.replaces {
        rows.restart()
        try onEvent(.restart(rows.table))
      }
      frame.rows = rows
      return
    }
    guard let schema = frame.schema else { throw cursor.error("'Rows' stands before 'Columns'") }
    frame.rows = try newTable(schema)
  }

  private func endFrame() throws {
    switch frame.type {
    case "TableHeader":
      guard let schema = frame.schema, let id = frame.id else { throw KConnectError(.formatCorrupt, "a TableHeader without TableId or Columns, before byte \(origin + at)") }
      guard open[id] == nil else { throw KConnectError(.formatCorrupt, "table \(id) has two headers, before byte \(origin + at)") }
      open[id] = try newTable(schema)
    case "TableFragment":
      // A fragment leaves its rows with the table, so that small fragments make large batches.
      break
    case "TableCompletion":
      errors += frame.errors
      guard let id = frame.id, let rows = open.removeValue(forKey: id) else { break }
      try flush(rows)
      if let expected = frame.expectedRows, expected != rows.total, frame.errors.isEmpty, errors.isEmpty {
        throw KConnectError(.http, "the answer has \(rows.total) rows of table \(id), the service counted \(expected)", hint: "try again", isRetryable: true)
      }
      try onEvent(.end(rows.table, rowCount: rows.total))
    case "DataSetCompletion":
      hasCompletion = true
      if errors.isEmpty { errors += frame.errors }
      if errors.isEmpty, frame.isCancelled { errors.append(ServiceError(code: "Cancelled", message: "the query was cancelled at the cluster")) }
      if errors.isEmpty, frame.hasErrors { errors.append(ServiceError(message: "the answer ends with HasErrors and does not say why")) }
    case "DataSetHeader", "TableProgress": break
    default:
      // DataTable, and every table of v1.
      if frame.rows == nil, let schema = frame.schema { frame.rows = try newTable(schema) }
      if let rows = frame.rows {
        try flush(rows)
        try onEvent(.end(rows.table, rowCount: rows.total))
      }
      errors += frame.errors
    }
    frame = Frame()
  }

  private func flush(_ rows: AnswerRows) throws {
    if rows.pending > 0 { try onEvent(.rows(rows.table, rows.finish())) }
  }

  // MARK: Rows

  /// As many rows as are complete; false when the list has not ended.
  private func rows(_ cursor: inout JSONCursor) throws -> Bool {
    guard let rows = frame.rows else { throw cursor.error("rows without a table") }
    while true {
      let begin = cursor.at
      guard var next = cursor.peek() else { return waits(&cursor, at: begin) }
      if next == UInt8(ascii: "]") {
        cursor.at &+= 1
        place = .members
        isFirst = false
        return true
      }
      if !isFirst {
        guard next == UInt8(ascii: ",") else { throw cursor.error("expected ',' or ']' behind a row") }
        cursor.at &+= 1
        guard let following = cursor.peek() else { return waits(&cursor, at: begin) }
        next = following
      }
      do throws(JSONTextError) {
        switch next {
        case UInt8(ascii: "["): try rows.append(&cursor)
        case UInt8(ascii: "{"):
          let extent = try cursor.skipValue()
          // SAFETY: the extent lies within the cursor's bytes, which are copied.
          noteError(unsafe String(decoding: UnsafeBufferPointer(start: cursor.base + extent.start, count: extent.end - extent.start), as: UTF8.self))
        default: throw cursor.error("expected '[' of a row")
        }
      } catch {
        if Self.closes(cursor, from: begin) { throw error }
        return waits(&cursor, at: begin)
      }
      isFirst = false
      if rows.pending >= limits.batchRows || rows.pendingBytes >= limits.batchBytes { try flush(rows) }
    }
  }

  /// Leaves the cursor at the first row that is not complete.
  private func waits(_ cursor: inout JSONCursor, at begin: Int) -> Bool {
    cursor.at = begin
    return false
  }

  /// An object among the rows: `{"OneApiErrors": […]}`, v1's `{"Exceptions": […]}`.
  private func noteError(_ json: String) {
    let value = try? DynamicValue(parsing: json)
    var found: [ServiceError] = []
    for key in ["OneApiErrors", "Exceptions"] {
      if case .array(let items)? = value?[key] { found += items.compactMap { ServiceError($0) } }
    }
    if found.isEmpty, let value, let error = ServiceError(value) { found = [error] }
    errors += found.isEmpty ? [ServiceError(message: "the answer has an object among its rows: \(json.prefix(200))")] : found
  }

  /// Whether the element at `from` (with the comma in front of it, if any) ends within the bytes at hand: if so, what is wrong in it is wrong for
  /// good; else the rest may come. Looks at quotes and brackets alone.
  private static func closes(_ cursor: JSONCursor, from: Int) -> Bool {
    var depth = 0
    var isInString = false
    var i = from
    var hasBegun = false
    // SAFETY: `i` is compared with the count before each read.
    while i < cursor.count {
      let b = unsafe cursor.base[i]
      i &+= 1
      if isInString {
        if b == UInt8(ascii: "\\") { i &+= 1 } else if b == UInt8(ascii: "\"") { isInString = false }
        continue
      }
      switch b {
      case UInt8(ascii: "\""):
        isInString = true
        hasBegun = true
      case UInt8(ascii: "["), UInt8(ascii: "{"):
        depth &+= 1
        hasBegun = true
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        depth &-= 1
        if depth < 0 { return true }
      case UInt8(ascii: ","): if depth == 0, hasBegun { return true }
      case 0x20, 0x09, 0x0A, 0x0D: break
      default: hasBegun = true
      }
    }
    return false
  }

  private func corrupt(_ error: JSONTextError) -> KConnectError {
    KConnectError(.formatCorrupt, "the answer is not understood at byte \(origin + error.offset): \(error.message)", hint: "is the address that of a Kusto cluster?")
  }
}

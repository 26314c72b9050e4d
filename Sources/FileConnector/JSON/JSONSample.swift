// Role: the first bytes of an input: how records are laid out, and what schema they suggest.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import JSON

/// How records stand in an input.
enum JSONLayout: Sendable {
  /// A record a line.
  case lines
  /// One array, or values behind each other with any white space.
  case values
}

/// The beginning of an input.
struct JSONSample {
  static let maxBytes = 16 << 20
  private static let maxLineBytes = 256 << 20

  /// Decompressed bytes from the start, without a byte order mark.
  let bytes: [UInt8]
  /// A byte order mark was there.
  let hasMark: Bool
  let isWhole: Bool
  let layout: JSONLayout

  // SAFETY: reads fill at most the room asked for. `b` is taken when the block grows no more, is read below its count, and the block is
  // not released before that.
  init(_ stream: ByteStream, maxBytes: Int, isMultiLine: Bool) throws {
    let block = ByteBlock(capacity: 256 << 10)
    // Grows in steps, so that a small input does not cost a large buffer.
    var isWhole = false
    var limit = maxBytes
    while !isWhole, block.count < limit {
      let wanted = min(max(256 << 10, block.count), limit - block.count)
      let n = try unsafe stream.read(into: block.room(wanted))
      block.count += n
      isWhole = n < wanted
      // A first line that is longer than the sample of an inference is taken whole.
      if block.count == limit, maxBytes == Self.maxBytes, !isMultiLine, unsafe JSONLines.isOpenLine(block.bytes) { limit = min(Self.maxLineBytes, 2 * limit) }
    }
    var first = 0
    let b = unsafe block.bytes
    hasMark = unsafe b.count >= 3 && b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF
    if hasMark { first = 3 }
    bytes = unsafe Array(b[first...])
    self.isWhole = isWhole
    var start = first
    while start < b.count, unsafe b[start] == 0x20 || b[start] == 0x0A || b[start] == 0x0D || b[start] == 0x09 { start += 1 }
    layout = unsafe isMultiLine || start < b.count && b[start] == UInt8(ascii: "[") ? .values : .lines
  }

  /// The whole records of the sample.
  // SAFETY: the array lives for the closure; `start` stays below its count.
  private func records(_ limit: Int) throws -> [Range<Int>] {
    try unsafe bytes.withUnsafeBufferPointer { bytes in
      var out: [Range<Int>] = []
      if case .values = layout {
        var splitter = ValueSplitter()
        var open = -1
        try unsafe splitter.scan(bytes, from: 0, open: &open, records: &out)
        if isWhole { try splitter.finish(at: bytes.count, open: &open, records: &out) }
        return Array(out.prefix(limit))
      }
      var start = 0
      while start < bytes.count, out.count < limit {
        let end = unsafe JSONLines.lineEnd(bytes, from: start)
        if end == bytes.count, !isWhole { break }
        if unsafe !JSONLines.isBlank(bytes, start..<end) { out.append(start..<end) }
        start = end + 1
      }
      return out
    }
  }

  /// The schema the records suggest, and whether a column for bad records was added.
  func infer(
    path: String, rows: Int, paths: [(String, JSONPath)], corruptColumn: String, failsFast: Bool, timestamps: Bool, primitives: Bool
  ) throws -> (StructType, Bool) {
    let records: [Range<Int>]
    do { records = try self.records(rows) } catch let error as JSONTextError { throw JSONPolicy.error(path, bytes, error.offset, error.message) }
    var inference = JSONInference(infersTimestamps: timestamps, infersPrimitives: primitives)
    let mapped = paths.isEmpty ? nil : JSONRowParser(
      schema: StructType(paths.map { StructField($0.0, .dynamic) }), paths: Dictionary(uniqueKeysWithValues: paths))
    var bad = 0
    // SAFETY: records are ranges of these bytes, which live for the closure.
    try unsafe bytes.withUnsafeBufferPointer { bytes in
      guard let base = bytes.baseAddress else { return }
      for record in records {
        var cursor = unsafe JSONCursor(base, record.upperBound, at: record.lowerBound)
        do {
          if let mapped { try mapped.parse(&cursor) } else { try inference.add(&cursor) }
          try cursor.expectEnd()
        } catch {
          bad += 1
          let (offset, message) = JSONPolicy.position(error)
          if failsFast { throw unsafe JSONPolicy.error(path, Array(bytes), offset, message) }
        }
      }
    }
    if records.isEmpty || bad == records.count {
      if bad == 0, !isWhole {
        throw KConnectError(.formatCorrupt, "'\(path)': the first JSON record does not end within \(bytes.count) bytes", hint: "give a schema to read records of that size")
      }
      if bad == 0 { throw NoRecords.error(path == "-" ? "standard input" : "'\(path)'", "JSON") }
      let message = firstFailure(records)
      throw JSONPolicy.error(path, bytes, message.0, message.1, hint: "no record of the sample is a JSON object; is it another format, or multiLine?")
    }
    var schema = mapped.map { Self.types($0.finish(), timestamps: timestamps, primitives: primitives) } ?? inference.schema
    if bad > 0, !corruptColumn.isEmpty, schema.field(corruptColumn) == nil {
      schema = StructType(schema.fields + [StructField(corruptColumn, .string)])
      return (schema, true)
    }
    return (schema, false)
  }

  private func firstFailure(_ records: [Range<Int>]) -> (Int, String) {
    // SAFETY: as in `infer`.
    unsafe bytes.withUnsafeBufferPointer { bytes in
      guard let base = bytes.baseAddress, let first = records.first else { return (0, "no record") }
      var cursor = unsafe JSONCursor(base, first.upperBound, at: first.lowerBound)
      var inference = JSONInference(infersTimestamps: false)
      do {
        try inference.add(&cursor)
        try cursor.expectEnd()
        return (first.lowerBound, "not an object")
      } catch { return JSONPolicy.position(error) }
    }
  }

  /// The types of mapped columns, from values read as dynamic.
  private static func types(_ batch: RecordBatch, timestamps: Bool, primitives: Bool) -> StructType {
    StructType(
      batch.schema.fields.enumerated().map { c, field in
        var type: DataType?
        for scalar in batch.columns[c].scalars {
          guard case .dynamic(let value) = scalar else { continue }
          let own: DataType
          switch value {
          case .null: continue
          case .bool: own = primitives ? .bool : .string
          case .long: own = primitives ? .long : .string
          case .real, .decimal: own = primitives ? .real : .string
          case .string(var text):
            // SAFETY: the text's bytes live for the call, which reads `count` of them.
            let isTime = timestamps && text.withUTF8 { bytes in
              unsafe bytes.count >= 10 && bytes.baseAddress.map { unsafe ScalarText.parseISODateTime($0, bytes.count, exact: false) != nil } ?? false
            }
            own = isTime ? .datetime : .string
          default: own = .dynamic
          }
          type = type.map { SchemaMerge.widenedGuess($0, own) } ?? own
        }
        return StructField(field.name, type ?? .string)
      })
  }
}

/// Counts line feeds up to positions that mostly ascend.
struct LineFeedCounter {
  private var at = 0
  private var feeds = 0

  /// Line feeds in front of a position.
  // SAFETY: `at` is at most `end`, and that at most `bytes.count`.
  mutating func count(_ bytes: UnsafeBufferPointer<UInt8>, before position: Int) -> Int {
    let end = min(position, bytes.count)
    if end < at { (at, feeds) = (0, 0) }
    unsafe feeds += JSONLines.count(UnsafeBufferPointer(rebasing: bytes[at..<end]))
    at = end
    return feeds
  }
}

/// Lines in memory.
enum JSONLines {
  /// The position of the next line feed, or the end.
  // SAFETY: `start < bytes.count` is checked, and what `memchr` finds lies behind it.
  static func lineEnd(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    guard let base = bytes.baseAddress, start < bytes.count else { return bytes.count }
    guard let found = unsafe memchr(base + start, 0x0A, bytes.count - start) else { return bytes.count }
    return unsafe UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - base
  }

  /// Whether the bytes are the beginning of one line that is no array.
  // SAFETY: the bytes are the caller's for the call.
  static func isOpenLine(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    let first = unsafe bytes.first { !($0 == 0x20 || $0 == 0x09 || $0 == 0xEF || $0 == 0xBB || $0 == 0xBF) }
    return unsafe first != UInt8(ascii: "[") && lineEnd(bytes, from: 0) == bytes.count
  }

  // SAFETY: the caller's range lies within the bytes.
  static func isBlank(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
    for i in range where unsafe !(bytes[i] == 0x20 || bytes[i] == 0x0D || bytes[i] == 0x09) { return false }
    return true
  }

  /// The first byte of a range that begins no character of UTF-8.
  static func firstInvalidByte(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int? {
    if unsafe isValidUTF8(UnsafeBufferPointer(rebasing: bytes[range])) { return nil }
    var at = range.lowerBound
    while at < range.upperBound {
      let lead = unsafe bytes[at]
      let end = at + (lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4)
      guard end <= range.upperBound, unsafe isValidUTF8(UnsafeBufferPointer(rebasing: bytes[at..<end])) else { return at }
      at = end
    }
    return nil
  }

  /// Line feeds in a piece of text.
  // SAFETY: the bytes are the caller's for the call.
  static func count(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var n = 0
    for unsafe byte in unsafe bytes { n &+= byte == 0x0A ? 1 : 0 }
    return n
  }
}

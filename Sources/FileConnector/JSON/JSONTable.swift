// Role: one JSON input as a table, and its scans: an uncompressed file of lines is cut into ranges that threads read side by side; everything
// else is read front to back by whoever asks for work, cut at record ends, and parsed in parallel.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import Expressions
import JSON
import Synchronization

/// An open JSON input.
final class JSONTable: BatchReadable, Sendable {
  let file: InputFile
  let schema: StructType
  let layout: JSONLayout
  let paths: [String: JSONPath]
  let corruptColumn: String
  let values: JSONValueOptions
  let policy: JSONPolicy
  /// The first byte behind a byte order mark.
  let firstByte: Int
  /// Plain lines in a regular file.
  let isSplittable: Bool
  /// The stream that the sample came from; the first sequential scan uses it up.
  private let stream: Mutex<ByteStream?>

  init(
    file: InputFile, stream: ByteStream, layout: JSONLayout, hasMark: Bool, schema: StructType, paths: [String: JSONPath], corruptColumn: String,
    values: JSONValueOptions, policy: JSONPolicy
  ) {
    self.file = file
    self.schema = schema
    self.layout = layout
    self.paths = paths
    self.corruptColumn = corruptColumn
    self.values = values
    self.policy = policy
    firstByte = hasMark ? 3 : 0
    let isLines = if case .lines = layout { true } else { false }
    isSplittable = isLines && file.size != nil && !stream.isCompressed
    self.stream = Mutex(isSplittable ? nil : stream)
  }

  var description: String { "json \(file.path)" }

  func pushdown(_ filters: [Expr]) -> [FilterPushdown] { filters.map { _ in .unsupported } }

  /// The bytes from the start; throws when a stream is read a second time.
  func takeStream() throws -> ByteStream {
    if let first = stream.withLock({ stream in
      defer { stream = nil }
      return stream
    }) {
      return first
    }
    guard file.size != nil else { throw KConnectError(.usage, "standard input can be read only once", hint: "write it to a file first") }
    let again = try ByteStream(file)
    if firstByte > 0 {
      // SAFETY: the buffer is freed at the end; what is read into it is not looked at.
      let mark = UnsafeMutableRawBufferPointer.allocate(byteCount: firstByte, alignment: 8)
      defer { unsafe mark.deallocate() }
      _ = try unsafe again.read(into: mark)
    }
    return again
  }

  func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan {
    guard let wanted = schema.selecting(request.columns) else {
      let missing = request.columns.first { schema.index(of: $0) == nil } ?? ""
      throw KConnectError(.columnNotFound, "column '\(missing)' not found in '\(file.path)'")
    }
    try policy.badRecords?.start()
    return isSplittable ? JSONRangeScan(self, wanted) : JSONStreamScan(self, wanted, try takeStream())
  }
}

/// What the scans share: parsers and blocks lent to threads, counters.
final class JSONScanPool: Sendable {
  private struct State {
    var parsers: [ParserBox] = []
    var blocks: [ByteBlock] = []
    var metrics = ScanMetrics()
    /// Records that are no rows, or have values that do not fit, and were kept.
    var defective = 0
    var firstDefect: String?
  }

  /// A parser, used by the thread that took it.
  final class ParserBox: @unchecked Sendable {
    let parser: JSONRowParser
    init(_ parser: JSONRowParser) { self.parser = parser }
  }

  let table: JSONTable
  let schema: StructType
  private let state = Mutex(State())

  init(_ table: JSONTable, _ schema: StructType) {
    self.table = table
    self.schema = schema
    state.withLock { state in
      state.metrics.files = 1
      state.metrics.bytesTotal = table.file.size ?? 0
    }
  }

  func takeParser() -> ParserBox {
    state.withLock { $0.parsers.popLast() }
      ?? ParserBox(JSONRowParser(
        schema: schema, paths: table.paths, corruptColumn: table.corruptColumn, options: table.values,
        knownMembers: table.policy.isGuessed && table.paths.isEmpty ? table.schema.names : nil))
  }

  func giveBack(_ box: ParserBox) { state.withLock { $0.parsers.append(box) } }
  func takeBlock(_ capacity: Int) -> ByteBlock { state.withLock { $0.blocks.popLast() } ?? ByteBlock(capacity: capacity) }

  func giveBack(_ block: ByteBlock) {
    block.count = 0
    if block.capacity <= 64 << 20 { state.withLock { $0.blocks.append(block) } }
  }

  /// Counts a record that does not fit; `reason` is kept of the first.
  func countDefect(isDropped: Bool, _ reason: () -> String) {
    state.withLock { state in
      if isDropped { state.metrics.recordsDropped += 1 } else { state.defective += 1 }
      if state.firstDefect == nil { state.firstDefect = reason() }
    }
  }

  func count(bytes: Int = 0, rows: Int = 0) {
    state.withLock { state in
      state.metrics.bytesRead += bytes
      state.metrics.rowsRead += rows
    }
  }

  var metrics: ScanMetrics {
    state.withLock { state in
      var out = state.metrics
      if let first = state.firstDefect {
        let name = table.file.path == "-" ? "standard input" : table.file.path
        let dropped = out.recordsDropped, kept = state.defective
        var counts: [String] = []
        if dropped > 0 { counts.append("\(dropped) malformed \(dropped == 1 ? "record was" : "records were") dropped") }
        if kept > 0 { counts.append("\(kept) \(kept == 1 ? "record has" : "records have") defects") }
        out.notes.append("\(name): \(counts.joined(separator: ", ")); the first: \(first)")
      }
      return out
    }
  }
}

/// Parses the records of a block and hands batches on.
struct JSONBlockReader {
  private static let maxBatchBytes = 64 << 20
  let pool: JSONScanPool

  /// `records` gives the next record's range, nil at the end; `offset` is the file offset of the block's first byte.
  func read(
    _ bytes: UnsafeBufferPointer<UInt8>, offset: Int, records: () -> Range<Int>?, line: (Int) throws -> Int?, _ emit: (RecordBatch) throws -> Bool
  ) throws {
    guard let base = bytes.baseAddress else { return }
    let box = pool.takeParser()
    let parser = box.parser
    var rows = 0
    defer {
      pool.count(rows: rows)
    }
    let isText = unsafe isValidUTF8(bytes)
    // SAFETY: records are ranges of `bytes`, which the caller keeps alive.
    while let record = records() {
      var cursor = unsafe JSONCursor(base, record.upperBound, at: record.lowerBound)
      do {
        try parser.parse(&cursor)
        if cursor.peek() != nil {
          parser.dropLast()
          throw cursor.error("expected the end of the record")
        }
        if !isText, let bad = unsafe JSONLines.firstInvalidByte(bytes, record) {
          throw JSONRowError(.encoding, offset: bad, message: "found byte 0x\(unsafe String(bytes[bad], radix: 16)), expected UTF-8")
        }
      } catch {
        let isDropped = try unsafe pool.table.policy.handle(
          error, parser, record: UnsafeBufferPointer(rebasing: bytes[record]), offset: offset + record.lowerBound, start: record.lowerBound,
          line: { try line(JSONPolicy.position(error).0) })
        let (at, message) = JSONPolicy.position(error)
        pool.countDefect(isDropped: isDropped) { "byte \(offset + max(0, at)): \(message)" }
      }
      let count = parser.rowCount
      if count >= RecordBatch.maxRows || count & 1023 == 0 && count > 0 && parser.byteSize > Self.maxBatchBytes {
        rows += count
        if try !emit(parser.finish()) { return }
      }
    }
    if parser.rowCount > 0 {
      rows += parser.rowCount
      _ = try emit(parser.finish())
    }
    pool.giveBack(box)
  }
}

// Role: scans an input that can only be read front to back: streams, compressed files, arrays, records over several lines. The thread that asks
// for work reads and cuts; parsing runs on all of them.

import Columnar
import DataSource
import JSON
import Synchronization

/// A running scan from front to back.
final class JSONStreamScan: Scan {
  private static let blockBytes = 4 << 20
  private static let maxRecordBytes = 256 << 20

  private struct State {
    var stream: ByteStream
    var splitter = ValueSplitter()
    /// Bytes of a record that is not complete yet, in front of the next block.
    var rest: [UInt8] = []
    /// File offset (decompressed) and line of the first of these bytes.
    var offset: Int
    var line = 1
    var isAtEnd = false
    var reported = 0
  }

  let schema: StructType
  private let pool: JSONScanPool
  private let isLines: Bool
  private let state: Mutex<State>

  init(_ table: JSONTable, _ schema: StructType, _ stream: ByteStream) {
    self.schema = schema
    pool = JSONScanPool(table, schema)
    isLines = if case .lines = table.layout { true } else { false }
    state = Mutex(State(stream: stream, offset: table.firstByte))
  }

  var metrics: ScanMetrics { pool.metrics }

  func nextMorsel() throws -> (any Morsel)? {
    try state.withLock { state in
      while !state.isAtEnd {
        let block = pool.takeBlock(Self.blockBytes + (64 << 10))
        if let morsel = try fill(block, &state) { return morsel }
        pool.giveBack(block)
      }
      return nil
    }
  }

  // SAFETY: `reserve` makes room for the rest, `room` for what is read; addresses are taken anew after either. `end` is at most
  // `block.count`.
  private func fill(_ block: ByteBlock, _ state: inout State) throws -> JSONStreamMorsel? {
    let rest = state.rest
    block.reserve(rest.count)
    unsafe rest.withUnsafeBufferPointer { if let p = $0.baseAddress { unsafe block.base.update(from: p, count: rest.count) } }
    block.count = rest.count
    let offset = state.offset, line = state.line
    let wanted = max(Self.blockBytes, rest.count)
    let n = try unsafe state.stream.read(into: block.room(wanted))
    block.count += n
    pool.count(bytes: state.stream.rawBytesRead - state.reported)
    state.reported = state.stream.rawBytesRead
    state.isAtEnd = n < wanted
    var records: [Range<Int>]?
    var end: Int
    if isLines {
      end = block.count
      if !state.isAtEnd { while end > 0, unsafe block.base[end - 1] != 0x0A { end -= 1 } }
    } else {
      (records, end) = try split(block, rest.count, &state, offset, line)
    }
    guard block.count - end <= Self.maxRecordBytes else {
      throw KConnectError(.formatCorrupt, "'\(pool.table.file.path)' byte \(offset + end): a record of more than \(Self.maxRecordBytes) bytes")
    }
    state.rest = unsafe Array(block.bytes[end...])
    state.offset += end
    let used = unsafe UnsafeBufferPointer(rebasing: block.bytes[..<end])
    unsafe state.line += JSONLines.count(used)
    block.count = end
    if end == 0 || records?.isEmpty == true { return nil }
    return JSONStreamMorsel(pool: pool, block: block, records: records, offset: offset, line: line)
  }

  /// Cuts at record ends. The splitter has seen the first `seen` bytes; a record that is open keeps all its bytes for the next block.
  // SAFETY: the block does not change during the scan; the offset of an error is cut to its bytes.
  private func split(_ block: ByteBlock, _ seen: Int, _ state: inout State, _ offset: Int, _ line: Int) throws -> ([Range<Int>], Int) {
    // What was left over begins with the open record, when there is one.
    var open = seen > 0 ? 0 : -1
    var records: [Range<Int>] = []
    do {
      try unsafe state.splitter.scan(block.bytes, from: seen, open: &open, records: &records)
      if state.isAtEnd { try state.splitter.finish(at: block.count, open: &open, records: &records) }
    } catch let error as JSONTextError {
      let before = unsafe JSONLines.count(UnsafeBufferPointer(rebasing: block.bytes[..<min(error.offset, block.count)]))
      throw JSONPolicy.located(pool.table.policy.path, line + before, offset + error.offset, error.message, .formatCorrupt, cause: .malformed, hint: nil)
    }
    return (records, open >= 0 ? open : block.count)
  }
}

/// A block of whole records.
private final class JSONStreamMorsel: Morsel, Sendable {
  private let pool: JSONScanPool
  private let block: ByteBlock
  private let records: [Range<Int>]?
  private let offset: Int
  private let line: Int

  init(pool: JSONScanPool, block: ByteBlock, records: [Range<Int>]?, offset: Int, line: Int) {
    self.pool = pool
    self.block = block
    self.records = records
    self.offset = offset
    self.line = line
  }

  func read(_ emit: (RecordBatch) throws -> Bool) throws {
    defer { pool.giveBack(block) }
    // SAFETY: the block is this morsel's until `giveBack`, and does not change; records and lines are ranges of its bytes.
    let bytes = unsafe block.bytes
    var at = 0
    var feeds = LineFeedCounter()
    try unsafe JSONBlockReader(pool: pool).read(
      bytes, offset: offset,
      records: {
        if let records {
          guard at < records.count else { return nil }
          defer { at += 1 }
          return records[at]
        }
        while at < bytes.count {
          let end = unsafe JSONLines.lineEnd(bytes, from: at)
          let line = at..<end
          at = end + 1
          if unsafe !JSONLines.isBlank(bytes, line) { return line }
        }
        return nil
      },
      line: { position in unsafe self.line + feeds.count(bytes, before: position) }, emit)
  }
}

// Role: scans an uncompressed file of JSON lines by byte ranges: a line belongs to the range in which it begins.

import Columnar
import DataSource
import Synchronization

/// A running scan by ranges.
final class JSONRangeScan: Scan {
  /// Bytes of a range; smaller for small files, so that every thread has some.
  private static let rangeBytes = 4 << 20
  private static let minRangeBytes = 256 << 10
  /// A line longer than this is refused.
  private static let maxLineBytes = 256 << 20

  let schema: StructType
  private let pool: JSONScanPool
  private let rangeBytes: Int
  private let next = Mutex(0)
  private let lines = Mutex<[Int: Int]>([:])

  init(_ table: JSONTable, _ schema: StructType) {
    self.schema = schema
    pool = JSONScanPool(table, schema)
    rangeBytes = max(Self.minRangeBytes, min(Self.rangeBytes, (table.file.size ?? 0) / 8))
  }

  var metrics: ScanMetrics { pool.metrics }

  func nextMorsel() throws -> (any Morsel)? {
    let start = next.withLock { next in
      defer { next += rangeBytes }
      return next
    }
    guard start < pool.table.file.size ?? 0 else { return nil }
    return JSONRangeMorsel(scan: self, range: start..<start + rangeBytes)
  }

  // SAFETY: the block is this call's until `giveBack`. Each read fills room behind its bytes; addresses are taken anew after it may
  // have grown, and positions compared with `block.count`. `bytes` is taken when it grows no more.
  fileprivate func read(_ range: Range<Int>, _ emit: (RecordBatch) throws -> Bool) throws {
    let file = pool.table.file
    let block = pool.takeBlock(rangeBytes + (64 << 10))
    defer { pool.giveBack(block) }
    // One byte in front tells whether a line begins at the range's start.
    let isFirst = range.lowerBound == 0
    let from = isFirst ? pool.table.firstByte : range.lowerBound - 1
    block.count = try unsafe file.pread(into: block.room(range.upperBound - from), at: from)
    var start = 0
    if !isFirst {
      start = unsafe JSONLines.lineEnd(block.bytes, from: 0) + 1
      // No line begins here.
      if start > block.count { return pool.count(bytes: block.count) }
    }
    // The last line may go on beyond the range.
    var searched = block.count
    if from + block.count == range.upperBound, block.count > 0, unsafe block.base[block.count - 1] != 0x0A, start < block.count {
      while true {
        let more = try unsafe file.pread(into: block.room(max(64 << 10, block.count / 4)), at: from + block.count)
        block.count += more
        let end = unsafe JSONLines.lineEnd(block.bytes, from: searched)
        if end < block.count {
          block.count = end
          break
        }
        searched = block.count
        if more == 0 { break }
        if block.count > Self.maxLineBytes {
          throw KConnectError(.formatCorrupt, "'\(file.path)' byte \(from + start): a line of more than \(Self.maxLineBytes) bytes", hint: "is it one JSON document? use multiLine=true")
        }
      }
    }
    pool.count(bytes: block.count)
    let bytes = unsafe block.bytes
    var at = start
    var feeds = LineFeedCounter()
    try unsafe JSONBlockReader(pool: pool).read(
      bytes, offset: from,
      records: {
        while at < bytes.count {
          let end = unsafe JSONLines.lineEnd(bytes, from: at)
          let line = at..<end
          at = end + 1
          if unsafe !JSONLines.isBlank(bytes, line) { return line }
        }
        return nil
      },
      line: { position in
        unsafe try self.lineFeeds(before: from) + feeds.count(bytes, before: position) + 1
      }, emit)
  }

  /// Line feeds in front of a file offset; counted only for messages, and remembered.
  // SAFETY: `pread` fills at most the room asked for; the block is used by the next round, so it lives through this one.
  private func lineFeeds(before offset: Int) throws -> Int {
    try lines.withLock { known in
      var total = 0, at = 0
      if let best = known.keys.filter({ $0 <= offset }).max() {
        at = best
        total = known[best] ?? 0
      }
      let block = ByteBlock(capacity: 1 << 20)
      while at < offset {
        block.count = 0
        let n = try unsafe pool.table.file.pread(into: block.room(min(1 << 20, offset - at)), at: at)
        if n == 0 { break }
        block.count = n
        unsafe total += JSONLines.count(block.bytes)
        at += n
      }
      known[offset] = total
      return total
    }
  }
}

private struct JSONRangeMorsel: Morsel {
  let scan: JSONRangeScan
  let range: Range<Int>

  func read(_ emit: (RecordBatch) throws -> Bool) throws { try scan.read(range, emit) }
}

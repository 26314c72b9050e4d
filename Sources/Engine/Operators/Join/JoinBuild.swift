// Role: the side of a join held in memory: its rows as chunks, and an index from key to rows. Rows of equal key form a chain in input order.
// One integer key of a small range addresses its chain directly; other keys go through the group table.

import Columnar
import DataSource
import Expressions

/// The build side, complete. Read by all probing threads.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe final class JoinBuild: @unchecked Sendable {  // immutable after init but for `matched`, whose bytes only ever become 1
  let rowCount: Int
  let columns: [ChunkedColumn]
  /// No key has two rows (of those that count).
  private(set) var isUniqueKeyed = true
  private let mode: JoinMode
  /// Row → position in the chunks.
  private let places: UnsafeMutablePointer<UInt64>
  /// Row → the next row of the same key, -1 at the end.
  private let next: UnsafeMutablePointer<Int32>
  private let matched: UnsafeMutablePointer<UInt8>
  private let index: Index
  /// Group or key - low → first row, -1 without.
  private let heads: UnsafeMutablePointer<Int32>

  private enum Index {
    case direct(low: Int64, count: Int)
    case table(GroupTable)
  }

  init(_ chunks: [JoinChunk], _ shape: JoinShape) throws {
    mode = shape.mode
    rowCount = chunks.reduce(0) { $0 + $1.batch.rowCount }
    guard rowCount < Int(Int32.max) else { throw KConnectError(.lowMemory, "a join holds more than 2^31 rows of one side") }
    columns = shape.buildSchema.fields.indices.map { c in ChunkedColumn(chunks.map { $0.batch.columns[c] }, type: shape.buildSchema[c].type) }
    unsafe places = .allocate(capacity: max(1, rowCount))
    unsafe next = .allocate(capacity: max(1, rowCount))
    unsafe next.update(repeating: -1, count: rowCount)
    unsafe matched = .allocate(capacity: max(1, rowCount))
    unsafe matched.update(repeating: 0, count: rowCount)
    var row = 0
    for (k, chunk) in chunks.enumerated() {
      for i in 0..<chunk.batch.rowCount { unsafe places[row + i] = UInt64(k) << 32 | UInt64(i) }
      row += chunk.batch.rowCount
    }
    if let (low, high) = Self.directRange(chunks, rowCount) {
      let n = Int(high - low) + 1
      index = .direct(low: low, count: n)
      unsafe heads = .allocate(capacity: n)
      unsafe heads.update(repeating: -1, count: n)
      linkDirect(chunks, low)
    } else {
      let table = GroupTable(types: shape.buildKeys.map(\.type))
      var groups: [Buffer<Int32>] = []
      for chunk in chunks { groups.append(table.assign(keys: chunk.keys, rowCount: chunk.batch.rowCount)) }
      index = .table(table)
      unsafe heads = .allocate(capacity: max(1, table.groupCount))
      unsafe heads.update(repeating: -1, count: table.groupCount)
      var first = rowCount
      for (k, chunk) in chunks.enumerated().reversed() {
        first -= chunk.batch.rowCount
        let g = groups[k]
        link(first, chunk) { Int(g[$0]) }
      }
    }
  }

  deinit {
    unsafe places.deallocate()
    unsafe next.deallocate()
    unsafe matched.deallocate()
    unsafe heads.deallocate()
  }

  /// Bytes of the index, beside the chunks.
  static func indexBytes(rows: Int) -> Int { rows * 32 }

  /// The range of a single integer key when it is small enough to address directly.
  private static func directRange(_ chunks: [JoinChunk], _ rowCount: Int) -> (Int64, Int64)? {
    guard let first = chunks.first, first.keys.count == 1 else { return nil }
    var low = Int64.max, high = Int64.min
    for chunk in chunks {
      switch chunk.keys[0].storage {
      case .int, .long: break
      default: return nil
      }
      if let (a, b) = integerRange(chunk.keys[0]) { (low, high) = (min(low, a), max(high, b)) }
    }
    guard low <= high else { return nil }
    let (span, overflow) = high.subtractingReportingOverflow(low)
    guard !overflow, span < 1 << 28, span <= max(1 << 16, 8 * Int64(rowCount)) else { return nil }
    return (low, high)
  }

  private func linkDirect(_ chunks: [JoinChunk], _ low: Int64) {
    var first = rowCount
    for chunk in chunks.reversed() {
      first -= chunk.batch.rowCount
      switch chunk.keys[0].storage {
      case .int(let b): link(first, chunk) { unsafe Int(Int64(b.pointer[$0]) &- low) }
      case .long(let b): link(first, chunk) { unsafe Int(b.pointer[$0] &- low) }
      default: break
      }
    }
  }

  /// Puts a chunk's rows, last first, in front of their chains. Rows with a null key stand alone.
  @inline(__always) private func link(_ first: Int, _ chunk: JoinChunk, _ slot: (Int) -> Int) {
    let nullable = chunk.keys.filter { $0.validity != nil }
    var i = chunk.batch.rowCount - 1
    while i >= 0 {
      if nullable.isEmpty || nullable.allSatisfy({ $0.isValid(i) }) {
        let s = slot(i)
        let row = Int32(truncatingIfNeeded: first + i)
        if unsafe heads[s] >= 0 {
          isUniqueKeyed = false
          // An earlier row of the key takes the place of the later ones.
          if !mode.isUnique { unsafe next[Int(row)] = unsafe heads[s] }
        }
        unsafe heads[s] = row
      }
      i -= 1
    }
    if mode.isUnique { isUniqueKeyed = true }
    withExtendedLifetime(chunk) {}
  }

  /// The first row matching each probe row, -1 without.
  func firstMatches(_ keys: [ColumnVector], rowCount n: Int) -> Buffer<Int32> {
    let builder = BufferBuilder<Int32>(capacity: n)
    let out = unsafe builder.appendUninitialized(n)
    switch index {
    case .direct(let low, let count):
      let flat = keys[0].flattened
      let limit = UInt64(count)
      @inline(__always) func look(_ value: (Int) -> Int64) {
        for i in 0..<n {
          let at = UInt64(bitPattern: value(i) &- low)
          unsafe out[i] = unsafe at < limit ? heads[Int(at)] : -1
        }
      }
      switch flat.storage {
      case .int(let b): unsafe b.withUnsafe { p in look { unsafe Int64(p[$0]) } }
      case .long(let b): unsafe b.withUnsafe { p in look { unsafe p[$0] } }
      default: unsafe out.update(repeating: -1, count: n)
      }
      if let validity = flat.validity { for i in 0..<n where !validity[i] { unsafe out[i] = -1 } }
    case .table(let table):
      unsafe table.find(keys: keys, rowCount: n, nullsMatch: false).withUnsafe { groups in
        for i in 0..<n { unsafe out[i] = unsafe groups[i] < 0 ? -1 : heads[Int(groups[i])] }
      }
    }
    return builder.finish()
  }

  @inline(__always) func nextMatch(_ row: Int32) -> Int32 { unsafe next[Int(row)] }
  @inline(__always) func place(_ row: Int32) -> UInt64 { unsafe places[Int(row)] }
  @inline(__always) func mark(_ row: Int32) { unsafe matched[Int(row)] = 1 }
  @inline(__always) func isMatched(_ row: Int) -> Bool { unsafe matched[row] != 0 }
  @inline(__always) func place(of row: Int) -> UInt64 { unsafe places[row] }

  /// Build rows in pieces: those matched, or those not.
  func positions(matched wanted: Bool, _ out: (UnsafeBufferPointer<UInt64>) throws -> Bool) rethrows {
    let buffer = UnsafeMutablePointer<UInt64>.allocate(capacity: RecordBatch.maxRows)
    defer { unsafe buffer.deallocate() }
    var n = 0
    for row in 0..<rowCount where unsafe (matched[row] != 0) == wanted {
      unsafe buffer[n] = unsafe places[row]
      n += 1
      if n == RecordBatch.maxRows {
        guard try unsafe out(UnsafeBufferPointer(start: buffer, count: n)) else { return }
        n = 0
      }
    }
    if n > 0 { _ = try unsafe out(UnsafeBufferPointer(start: buffer, count: n)) }
  }
}

/// A batch of the build side with its keys, flat.
struct JoinChunk: Sendable {
  let batch: RecordBatch
  let keys: [ColumnVector]

  init(_ batch: RecordBatch, keys: [ColumnVector]) {
    self.batch = batch
    self.keys = keys.map(\.flattened)
  }

  var byteSize: Int { batch.byteSize + keys.reduce(0) { $0 + $1.byteSize } + JoinBuild.indexBytes(rows: batch.rowCount) }
}

/// The least and greatest non-null value of an int or long column; nil without one.
func integerRange(_ vector: ColumnVector) -> (Int64, Int64)? {
  var low = Int64.max, high = Int64.min
  @inline(__always) func scan(_ n: Int, _ value: (Int) -> Int64) {
    if let validity = vector.validity {
      for i in 0..<n where validity[i] {
        low = min(low, value(i))
        high = max(high, value(i))
      }
    } else {
      for i in 0..<n {
        low = min(low, value(i))
        high = max(high, value(i))
      }
    }
  }
  switch vector.storage {
  case .int(let b): unsafe b.withUnsafe { p in scan(p.count) { unsafe Int64(p[$0]) } }
  case .long(let b): unsafe b.withUnsafe { p in scan(p.count) { unsafe p[$0] } }
  default: return nil
  }
  return low <= high ? (low, high) : nil
}

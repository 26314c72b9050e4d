// Role: merges sorted runs from disk: a heap of the runs' next rows, one block of each run in memory.

import Columnar
import DataSource
import Expressions

/// The merge of all runs of a sort.
struct RunMerge: ~Copyable {
  private final class Cursor {
    var blocks: ArraySlice<SpillBlock>
    var columns: [ColumnVector] = []
    /// The first key's ordered words, and whether they decide: no nulls in the block.
    var words: Buffer<UInt64> = .empty
    var hasNulls = false
    var row = 0
    var rowCount = 0
    /// The block's index among those the batch under construction reads.
    var chunk = 0

    init(_ blocks: [SpillBlock]) { self.blocks = blocks[...] }

    /// Reads the next block; false at the end.
    func advance(_ file: SpillFile, _ direction: SortDirection) throws -> Bool {
      guard let block = blocks.popFirst() else { return false }
      columns = try file.read(block)
      words = columns[0].sortWords(isDescending: direction.isDescending)
      hasNulls = columns[0].validity != nil
      row = 0
      rowCount = block.rowCount
      return true
    }
  }

  private let file: SpillFile
  private let directions: [SortDirection]
  private let keyCount: Int
  private let schema: StructType
  private let run: QueryRun
  private var cursors: [Cursor] = []
  /// Indices of cursors, the one with the first row on top.
  private var heap: [Int] = []
  private var chunks: [[ColumnVector]] = []

  init(_ runs: [[SpillBlock]], file: SpillFile, directions: [SortDirection], keyCount: Int, schema: StructType, _ run: QueryRun) throws {
    self.file = file
    self.directions = directions
    self.keyCount = keyCount
    self.schema = schema
    self.run = run
    for blocks in runs {
      let cursor = Cursor(blocks)
      guard try cursor.advance(file, directions[0]) else { continue }
      cursors.append(cursor)
      push(cursors.count - 1)
    }
  }

  private func isBefore(_ a: Int, _ b: Int) -> Bool {
    let x = cursors[a], y = cursors[b]
    if !x.hasNulls, !y.hasNulls {
      let v = x.words[x.row], w = y.words[y.row]
      // Words of decimals may differ by a step between scales though the values are equal.
      if v < w, w - v > 1 { return true }
      if w < v, v - w > 1 { return false }
    }
    for c in directions.indices {
      let order = KeyComparator.compare(x.columns[c], x.row, y.columns[c], y.row, directions[c])
      if order != 0 { return order < 0 }
    }
    return a < b
  }

  private mutating func push(_ cursor: Int) {
    heap.append(cursor)
    var i = heap.count - 1
    while i > 0, isBefore(heap[i], heap[(i - 1) / 2]) {
      heap.swapAt(i, (i - 1) / 2)
      i = (i - 1) / 2
    }
  }

  private mutating func siftDown() {
    var i = 0
    while true {
      var first = i
      for child in [2 * i + 1, 2 * i + 2] where child < heap.count && isBefore(heap[child], heap[first]) { first = child }
      if first == i { return }
      heap.swapAt(i, first)
      i = first
    }
  }

  /// The next rows in order; nil at the end.
  // SAFETY: the array lives for the call; its positions name chunks of this batch and rows below their counts.
  mutating func next() throws -> RecordBatch? {
    try run.check()
    if heap.isEmpty { return nil }
    chunks = []
    for i in heap {
      cursors[i].chunk = chunks.count
      chunks.append(cursors[i].columns)
    }
    var at: [UInt64] = []
    while !heap.isEmpty, at.count < min(RecordBatch.maxRows, 16_384) {
      let top = heap[0]
      at.append(UInt64(cursors[top].chunk) << 32 | UInt64(cursors[top].row))
      cursors[top].row += 1
      if cursors[top].row == cursors[top].rowCount {
        if try cursors[top].advance(file, directions[0]) {
          cursors[top].chunk = chunks.count
          chunks.append(cursors[top].columns)
        } else {
          heap.swapAt(0, heap.count - 1)
          heap.removeLast()
        }
      }
      siftDown()
    }
    let columns = (0..<schema.count).map { c in
      let gathered = ChunkedColumn(chunks.map { $0[keyCount + 1 + c] }, type: schema[c].type)
      return unsafe at.withUnsafeBufferPointer { unsafe gathered.gather($0) }
    }
    return RecordBatch(schema: schema, columns: columns, rowCount: at.count)
  }
}

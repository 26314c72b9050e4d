// One leaf of a nested column: levels and dense values of a window of rows.
import Columnar

/// Level entries of the rows read last, and the values of those whose definition level is the maximum.
final class NestedLeafCursor {
  private let pages: PageStream
  private let reader: any ValueReader
  private let leaf: LeafColumn
  private let rowCount: Int
  private let valueCount: Int
  private let offsetIndex: OffsetIndex?
  /// Rows that begin before the cursor.
  private var row = 0
  private var entriesSeen = 0
  private var page: DataPage?
  /// Levels of the current page, and the next entry.
  private var pageDefinition: [UInt8] = []
  private var pageRepetition: [UInt8] = []
  private var at = 0
  /// Data pages loaded or passed so far.
  private var ordinal = 0

  /// Levels of the window.
  private let definition = BufferBuilder<UInt8>()
  private let repetition = BufferBuilder<UInt8>()
  /// Values of the window, flat.
  private var values: ColumnVector = .nulls(.bool, count: 0)

  /// The window's entries for assembly; valid until the next `read`.
  // SAFETY: this object owns both builders, which do not grow before the next `read`; they have equally many levels.
  var state: LeafState {
    unsafe LeafState(
      definition: UnsafePointer(definition.pointer), repetition: UnsafePointer(repetition.pointer), entryCount: definition.count,
      values: LeafValues(values), valueCount: values.count, maxDefinition: leaf.maxDefinitionLevel)
  }

  init(
    _ pages: PageStream, _ reader: any ValueReader, leaf: LeafColumn, rowCount: Int, valueCount: Int, offsetIndex: OffsetIndex?
  ) {
    self.pages = pages
    self.reader = reader
    self.leaf = leaf
    self.rowCount = rowCount
    self.valueCount = valueCount
    self.offsetIndex = offsetIndex
  }

  /// Reads the entries of the rows `window`.
  func read(_ window: Range<Int>) throws(ParquetError) {
    guard window.lowerBound >= row, window.upperBound <= rowCount else {
      throw ParquetError(.invalidRequest, "rows \(window) of \(rowCount), read up to \(row)")
    }
    if window.lowerBound > row { try skip(to: window.lowerBound) }
    definition.removeAll()
    repetition.removeAll()
    reader.begin(rows: window.count)
    var rowsLeft = window.count
    while true {
      guard at < pageDefinition.count else {
        // A row may go on in the next page, so the end of the last row is known only there (or at the end of the chunk).
        if entriesSeen >= valueCount {
          guard rowsLeft == 0 else { throw .corrupt("column chunk ends at row \(row) of \(rowCount)") }
          break
        }
        if rowsLeft == 0, let header = try pages.peek(), case .dataV2 = header.body { break }
        try loadPage()
        continue
      }
      let (end, rows) = extent(rowsLeft)
      let entries = end - at
      if entries == 0 { break }
      let present = presentValues(at..<end)
      // SAFETY: the slices are checked by the arrays, and are copied.
      unsafe pageDefinition[at..<end].withUnsafeBufferPointer { unsafe definition.append(contentsOf: $0) }
      unsafe pageRepetition[at..<end].withUnsafeBufferPointer { unsafe repetition.append(contentsOf: $0) }
      try unsafe reader.append(values: present, rows: present, validity: nil, at: 0)
      rowsLeft -= rows
      row += rows
      at = end
      entriesSeen += entries
      if at < pageDefinition.count { break }
    }
    values = try reader.finish(validity: nil).flattened
  }

  /// Entries of the current page whose value is present.
  // SAFETY: `entries` ends where `extent` stops: within the levels of the page, of which both kinds are equally many.
  private func presentValues(_ entries: Range<Int>) -> Int {
    let maximum = UInt8(leaf.maxDefinitionLevel)
    return unsafe pageDefinition.withUnsafeBufferPointer { levels in
      var present = 0
      for i in entries { unsafe present &+= levels[i] == maximum ? 1 : 0 }
      return present
    }
  }

  /// Entries of the current page that belong to the next `rows` rows: their end, and how many rows begin among them.
  // SAFETY: `i` stays below `levels.count`.
  private func extent(_ rows: Int) -> (end: Int, rows: Int) {
    var begun = 0
    var i = at
    unsafe pageRepetition.withUnsafeBufferPointer { levels in
      while i < levels.count {
        if unsafe levels[i] == 0 {
          if begun == rows { break }
          begun &+= 1
        }
        i &+= 1
      }
    }
    return (i, begun)
  }

  private func skip(to target: Int) throws(ParquetError) {
    while true {
      if at == pageDefinition.count {
        if entriesSeen >= valueCount {
          guard row >= target else { throw .corrupt("column chunk ends at row \(row) of \(rowCount)") }
          return
        }
        guard let header = try pages.peek() else {
          throw .corrupt("column chunk ends after \(entriesSeen) of \(valueCount) values")
        }
        if case .dataV2(let data) = header.body {
          if row == target { return }
          if row + data.rowCount <= target {
            row += data.rowCount
            entriesSeen += data.valueCount
            pages.pass()
            ordinal += 1
            continue
          }
        } else if case .data(let data) = header.body, let offsetIndex, ordinal < offsetIndex.pages.count,
          offsetIndex.pages[ordinal].firstRow == row
        {
          // Pages that an offset index lists begin with a row.
          let end = offsetIndex.rows(ofPage: ordinal, rowCount: rowCount).upperBound
          if end <= target {
            row = end
            entriesSeen += data.valueCount
            pages.pass()
            ordinal += 1
            continue
          }
        }
        try loadPage()
        continue
      }
      let (end, rows) = extent(target - row)
      if end == at { return }
      try reader.skip(values: presentValues(at..<end))
      row += rows
      entriesSeen += end - at
      at = end
      if at < pageDefinition.count { return }
    }
  }

  private func loadPage() throws(ParquetError) {
    guard try pages.peek() != nil else {
      throw .corrupt("column chunk ends after \(entriesSeen) of \(valueCount) values")
    }
    var loaded = try pages.load(into: reader)
    let count = loaded.valueCount
    guard count <= valueCount - entriesSeen, count <= 1 << 26 else {
      throw .corrupt("page of \(count) values where \(valueCount - entriesSeen) remain in the column chunk")
    }
    pageDefinition = try Self.levels(&loaded.definition, count)
    pageRepetition = try Self.levels(&loaded.repetition, count)
    if entriesSeen == 0, let first = pageRepetition.first, first != 0 {
      throw .corrupt("column chunk begins within a row")
    }
    at = 0
    ordinal += 1
    page = loaded
  }

  // SAFETY: the buffer has `count` levels, which the decoder fills.
  private static func levels(_ decoder: inout LevelDecoder, _ count: Int) throws(ParquetError) -> [UInt8] {
    var levels = [UInt8](repeating: 0, count: count)
    var failure: ParquetError?
    unsafe levels.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      do throws(ParquetError) { try unsafe decoder.decode(base, count) } catch { failure = error }
    }
    if let failure { throw failure }
    return levels
  }
}

// A column of a row group as a forward cursor over rows.
import Columnar

/// Reads ascending windows of rows of one column.
protocol ColumnCursor: AnyObject {
  /// The rows of `window` that `selection` (as long as the window) selects; nil selects all. Windows ascend.
  func read(_ window: Range<Int>, _ selection: Bitmap?) throws(ParquetError) -> ColumnVector
}

/// A leaf without repetition: one level entry per row.
final class FlatColumnCursor: ColumnCursor {
  private let pages: PageStream
  private let reader: any ValueReader
  private let isNullable: Bool
  private let rowCount: Int
  private let offsetIndex: OffsetIndex?
  /// The row the cursor stands at.
  private var row = 0
  private var page: DataPage?
  private var pageRowsLeft = 0

  init(_ pages: PageStream, _ reader: any ValueReader, isNullable: Bool, rowCount: Int, offsetIndex: OffsetIndex?) {
    self.pages = pages
    self.reader = reader
    self.isNullable = isNullable
    self.rowCount = rowCount
    self.offsetIndex = offsetIndex
  }

  func read(_ window: Range<Int>, _ selection: Bitmap?) throws(ParquetError) -> ColumnVector {
    guard window.lowerBound >= row, window.upperBound <= rowCount else {
      throw ParquetError(.invalidRequest, "rows \(window) of \(rowCount), read up to \(row)")
    }
    guard let selection, !selection.isAllSet else {
      try skip(to: window.lowerBound)
      return try readRuns([window], count: window.count)
    }
    let runs = Self.runs(selection, offset: window.lowerBound)
    let selected = runs.reduce(0) { $0 + $1.count }
    // Many short runs: cheaper to decode everything between the first and the last and to gather. Never across much that is not wanted.
    if let first = runs.first, let last = runs.last, runs.count > 4,
      (last.upperBound - first.lowerBound) < runs.count * reader.shortestRunWorthSkipping
    {
      let span = first.lowerBound..<last.upperBound
      try skip(to: span.lowerBound)
      let whole = try readRuns([span], count: span.count)
      let start = span.lowerBound - window.lowerBound
      return whole.filter(selection.slice(start..<start + span.count))
    }
    return try readRuns(runs, count: selected)
  }

  /// The runs of set bits, as rows of the row group.
  // SAFETY: `at >> 6` is a word of the bitmap as long as `at < n`, which both loops check; the bitmap outlives them.
  private static func runs(_ selection: Bitmap, offset: Int) -> [Range<Int>] {
    var out: [Range<Int>] = []
    let words = unsafe selection.words.pointer
    let n = selection.count
    var at = 0
    while at < n {
      // To the next set bit, then to the next clear one.
      var word = unsafe words[at >> 6] >> UInt64(at & 63)
      if word == 0 {
        at = (at | 63) + 1
        continue
      }
      at += word.trailingZeroBitCount
      let start = at
      while at < n {
        word = unsafe ~words[at >> 6] >> UInt64(at & 63)
        if word == 0 {
          at = (at | 63) + 1
          continue
        }
        at += word.trailingZeroBitCount
        break
      }
      at = min(at, n)
      out.append(offset + start..<offset + at)
    }
    withExtendedLifetime(selection) {}
    return out
  }

  private func readRuns(_ runs: [Range<Int>], count: Int) throws(ParquetError) -> ColumnVector {
    reader.begin(rows: count)
    guard isNullable else {
      for run in runs {
        try skip(to: run.lowerBound)
        var left = run.count
        while left > 0 {
          try needPage()
          let n = min(left, pageRowsLeft)
          try unsafe reader.append(values: n, rows: n, validity: nil, at: 0)
          advance(n)
          left -= n
        }
      }
      return try reader.finish(validity: nil)
    }
    // SAFETY: the bitmap has a bit for each of the `count` rows of the runs, of which `done` are filled; it does not move until `finish`.
    let wordCount = Bitmap.wordCount(count)
    let words = BufferBuilder<UInt64>(capacity: wordCount)
    let bits = unsafe words.appendUninitialized(wordCount)
    unsafe bits.update(repeating: 0, count: wordCount)
    var done = 0
    var valid = 0
    for run in runs {
      try skip(to: run.lowerBound)
      var left = run.count
      while left > 0 {
        try needPage()
        let n = min(left, pageRowsLeft)
        let values = try unsafe page?.definition.decodeBits(bits, at: done, n) ?? n
        try unsafe reader.append(values: values, rows: n, validity: bits, at: done)
        valid += values
        advance(n)
        done += n
        left -= n
      }
    }
    let validity = Bitmap(words: words.finish(), count: count)
    return try reader.finish(validity: valid == count ? nil : validity)
  }

  private func advance(_ n: Int) {
    row += n
    pageRowsLeft -= n
  }

  private func needPage() throws(ParquetError) {
    while pageRowsLeft == 0 {
      guard try pages.peek() != nil else { throw .corrupt("column chunk ends at row \(row) of \(rowCount)") }
      let loaded = try pages.load(into: reader)
      guard loaded.valueCount <= rowCount - row else {
        throw .corrupt("pages hold more than the row group's \(rowCount) rows")
      }
      page = loaded
      pageRowsLeft = loaded.valueCount
    }
  }

  private func skip(to target: Int) throws(ParquetError) {
    while row < target {
      if pageRowsLeft > 0 {
        let n = min(pageRowsLeft, target - row)
        let values = isNullable ? try page?.definition.skipBits(n) ?? n : n
        // The rest of a page needs no decoding when nothing of it is wanted.
        if n < pageRowsLeft { try reader.skip(values: values) }
        advance(n)
        continue
      }
      if let offsetIndex {
        let next = pageIndex(offsetIndex, row: target)
        if offsetIndex.pages[next].firstRow > row {
          try pages.seek(to: offsetIndex.pages[next].offset)
          row = offsetIndex.pages[next].firstRow
          if row == target { return }
        }
      }
      guard let header = try pages.peek() else { throw .corrupt("column chunk ends at row \(row) of \(rowCount)") }
      let rows = header.rowCount(isRepeated: false) ?? 0
      if rows <= target - row {
        pages.pass()
        row += rows
      } else {
        try needPage()
      }
    }
  }
}

/// The page that holds `row`.
func pageIndex(_ index: OffsetIndex, row: Int) -> Int {
  var low = 0
  var high = index.pages.count
  while low < high {
    let middle = (low + high) / 2
    if index.pages[middle].firstRow <= row { low = middle + 1 } else { high = middle }
  }
  return max(low - 1, 0)
}

// One row group, column by column: the decode interface of the module.
//
// A thread reads a row group with one `RowGroupReader`. `read(column:window:selection:)` decodes a window of rows of one column, so that
// filter columns can be decoded first and the others only for the rows that survive. Every column is a forward cursor of its own: pages
// without wanted rows are neither decompressed nor (with an offset index) read. `nextBatch` is the plain loop over all columns.
package import Columnar

/// Reads the given columns of one row group. Not thread-safe; different row groups may be read in parallel.
package final class RowGroupReader {
  private let file: ParquetFile
  private let group: Int
  private let columns: [Int]
  private let context: DecodeContext
  private let rows: RowSelection?
  private var cursors: [(any ColumnCursor)?]
  private var shared: [Int: SharedBlock] = [:]
  private let windows: [Range<Int>]
  private var nextWindow = 0

  /// Small chunks that lie this close are read together.
  private static let coalescingGap = 32 << 10
  private static let coalescedBytes = 2 << 20
  private static let smallChunkBytes = 512 << 10

  /// - Parameters:
  ///   - columns: positions of the wanted fields in the file's schema; cursors open when first read.
  ///   - rows: the rows of the row group that can be wanted at all (page pruning); nil for all.
  package init(
    _ file: ParquetFile, rowGroup: Int, columns: [Int], rows: RowSelection? = nil, context: DecodeContext
  ) throws(ParquetError) {
    guard rowGroup >= 0, rowGroup < file.rowGroupCount else {
      throw ParquetError(.invalidRequest, "row group \(rowGroup) of \(file.rowGroupCount)", file: file.name)
    }
    for column in columns where column < 0 || column >= file.schema.fields.count {
      throw ParquetError(.invalidRequest, "column \(column) of \(file.schema.fields.count)", file: file.name)
    }
    self.file = file
    self.group = rowGroup
    self.columns = columns
    self.context = context
    self.rows = rows
    cursors = Array(repeating: nil, count: columns.count)
    let selection = rows ?? RowSelection(all: file.metadata.rowGroups[rowGroup].rowCount)
    windows = selection.windows(of: file.options.maxBatchRows)
    if rows == nil { coalesce() }
  }

  /// Rows of the row group.
  package var rowCount: Int { file.metadata.rowGroups[group].rowCount }

  /// The windows that `nextBatch` goes through: the selected rows in runs of at most `maxBatchRows`.
  package var batchWindows: [Range<Int>] { windows }

  /// Decodes rows of one column.
  ///
  /// - Parameters:
  ///   - column: position in the `columns` given to the initialiser.
  ///   - window: rows of the row group; the windows of one column must ascend.
  ///   - selection: which rows of the window to return, nil for all. Its length is the window's.
  /// - Returns: the selected rows; dictionary-encoded text as a dictionary vector.
  package func read(column: Int, window: Range<Int>, selection: Bitmap? = nil) throws(ParquetError) -> ColumnVector {
    precondition(selection.map { $0.count == window.count } ?? true, "a selection as long as its window")
    let field = file.schema.fields[columns[column]]
    // Empty row groups may come without any page.
    if window.isEmpty { return ColumnBuilder(field.type).finish() }
    do throws(ParquetError) {
      if let cursor = cursors[column] { return try cursor.read(window, selection) }
      let made = try makeCursor(field)
      cursors[column] = made
      return try made.read(window, selection)
    } catch {
      throw error.located(file: file.name, column: field.name)
    }
  }

  /// The next batch of all columns in row order, nil at the end.
  package func nextBatch() throws(ParquetError) -> RecordBatch? {
    guard nextWindow < windows.count else { return nil }
    let window = windows[nextWindow]
    nextWindow += 1
    var vectors: [ColumnVector] = []
    vectors.reserveCapacity(columns.count)
    for i in 0..<columns.count { vectors.append(try read(column: i, window: window)) }
    return RecordBatch(schema: schema, columns: vectors, rowCount: window.count)
  }

  /// The schema of the batches.
  package var schema: StructType {
    StructType(columns.map { file.schema.fields[$0] }.map { StructField($0.name, $0.type, nullable: $0.isNullable, hint: $0.hint) })
  }

  // MARK: - Opening columns

  private func makeCursor(_ field: ParquetField) throws(ParquetError) -> any ColumnCursor {
    switch field.decoding {
    case .unsupported(let error): throw error
    case .flat(let index, let mapping):
      let leaf = file.schema.tree.leaves[index]
      let offsetIndex = try selectedPages(index)
      let reader = makeValueReader(leaf, mapping, file.options)
      return FlatColumnCursor(
        try pages(leaf, offsetIndex), reader, isNullable: leaf.maxDefinitionLevel > 0, rowCount: rowCount, offsetIndex: offsetIndex)
    case .nested(let shape):
      var cursors: [NestedLeafCursor] = []
      var mappings: [Int: ValueMapping] = [:]
      shape.forEachLeaf { mappings[$0] = $1 }
      for index in field.leaves {
        let leaf = file.schema.tree.leaves[index]
        let chunk = try file.chunk(group, index)
        guard let mapping = mappings[index] else { throw .corrupt("leaf '\(leaf.dottedPath)' outside of its column's shape") }
        cursors.append(
          NestedLeafCursor(
            try pages(leaf, nil), makeValueReader(leaf, mapping, file.options), leaf: leaf, rowCount: rowCount,
            valueCount: chunk.valueCount, offsetIndex: try selectedPages(index)))
      }
      let firstRow = file.metadata.rowGroups[..<group].reduce(0) { $0 + $1.rowCount }
      return NestedColumnCursor(
        shape, leaves: cursors, firstLeaf: field.leaves.lowerBound, firstRow: firstRow, policy: file.options.onInexact)
    }
  }

  /// The offset index, where a selection makes it worth reading.
  private func selectedPages(_ leaf: Int) throws(ParquetError) -> OffsetIndex? {
    guard rows != nil else { return nil }
    return try file.offsetIndex(rowGroup: group, leaf: leaf)
  }

  private func pages(_ leaf: LeafColumn, _ offsetIndex: OffsetIndex?) throws(ParquetError) -> PageStream {
    let metadata = try file.chunk(group, leaf.index)
    guard metadata.type == leaf.type else {
      throw .corrupt("column chunk of \(metadata.type) values for a column of \(leaf.type)")
    }
    let range = try file.chunkRange(group, leaf.index)
    let input = ChunkInput(file.source, range: range, shared: shared[leaf.index], context: context)
    if let offsetIndex, let rows { input.wanted = wantedBytes(offsetIndex, rows, metadata) }
    return PageStream(
      input, metadata: metadata, leaf: leaf, context: context, options: file.options)
  }

  /// Byte ranges of the dictionary and of the pages with selected rows, joined over small gaps.
  private func wantedBytes(_ index: OffsetIndex, _ rows: RowSelection, _ metadata: ColumnMetadata) -> [Range<Int>] {
    var out: [Range<Int>] = []
    func add(_ range: Range<Int>) {
      if let last = out.last, range.lowerBound - last.upperBound <= Self.coalescingGap, range.lowerBound >= last.lowerBound {
        out[out.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        out.append(range)
      }
    }
    if let first = index.pages.first, first.offset > metadata.firstPageOffset { add(metadata.firstPageOffset..<first.offset) }
    for i in index.pages.indices where rows.overlaps(index.rows(ofPage: i, rowCount: rowCount)) {
      add(index.pages[i].offset..<index.pages[i].offset + index.pages[i].compressedSize)
    }
    return out
  }

  /// Joins neighbouring small chunks of the wanted columns into shared reads.
  private func coalesce() {
    var small: [(leaf: Int, range: Range<Int>)] = []
    for column in columns {
      for leaf in file.schema.fields[column].leaves {
        if let range = try? file.chunkRange(group, leaf), range.count <= Self.smallChunkBytes { small.append((leaf, range)) }
      }
    }
    small.sort { $0.range.lowerBound < $1.range.lowerBound }
    var i = 0
    while i < small.count {
      var j = i
      var end = small[i].range.upperBound
      while j + 1 < small.count, small[j + 1].range.lowerBound - end <= Self.coalescingGap,
        small[j + 1].range.upperBound - small[i].range.lowerBound <= Self.coalescedBytes
      {
        j += 1
        end = max(end, small[j].range.upperBound)
      }
      if j > i {
        let block = SharedBlock(small[i].range.lowerBound..<end)
        for k in i...j { shared[small[k].leaf] = block }
      }
      i = j + 1
    }
  }
}

// Role: parses one slice into batches: indexes a chunk of records that fits the cache, then lets every requested column read its fields,
// then deals with what was found defective.

package import Columnar

/// Reads slices, one at a time; not shared between threads.
package final class SliceReader {
  private let plan: CSVReadPlan
  private let state: CSVReadState
  private let bytes: ScanBytes
  private let index: RecordIndex
  private let columns: [(position: Int, column: any FieldColumn)]
  private let defects = DefectList()
  private var corrupt: [(row: Int, text: [UInt8])] = []
  private var badRows: [Int] = []
  private var rows = 0
  private var chunkStart = 0
  /// Where lines were counted to: at the start of the chunk, once it was asked for, and last.
  private var mark = (at: 0, line: 0)
  private var counted = (at: 0, line: 0)

  /// Text indexed at a time: half of a usual second-level cache is left to what it turns into.
  private static let chunkBytes = 64 << 10

  package init(_ plan: CSVReadPlan, _ state: CSVReadState) {
    self.plan = plan
    self.state = state
    bytes = ScanBytes(plan.dialect)
    index = RecordIndex(bytes, fieldCount: plan.fields.count)
    let reader = FieldReader(plan.dialect, plan.words)
    columns = plan.columns.filter { $0 != CSVReadPlan.corruptRecord }.map { position in
      (position, Self.makeColumn(position, plan, reader, state.hints))
    }
  }

  private static func makeColumn(_ i: Int, _ plan: CSVReadPlan, _ reader: FieldReader, _ hints: ColumnHints) -> any FieldColumn {
    let column = makeValues(i, plan, reader, hints)
    return plan.words.null.isEmpty || plan.fields[i].type == .string ? column : NullWordColumn(column, reader)
  }

  private static func makeValues(_ i: Int, _ plan: CSVReadPlan, _ reader: FieldReader, _ hints: ColumnHints) -> any FieldColumn {
    switch plan.fields[i].type {
    case .bool: BoolColumn(i, reader)
    case .int: IntColumn(i, reader)
    case .long: LongColumn(i, reader)
    case .real: RealColumn(i, reader)
    case .decimal: DecimalColumn(i, reader)
    case .string: StringColumn(i, reader, hints)
    case .datetime: DateTimeColumn(i, reader, plan.formats)
    case .timespan: TimespanColumn(i, reader)
    case .guid: GUIDColumn(i, reader)
    case .dynamic: DynamicColumn(reader)
    }
  }

  /// Emits the slice's records as batches in order; stops when `emit` returns false.
  package func read(_ slice: TextSlice, _ emit: (RecordBatch) throws -> Bool) throws {
    var at = slice.start
    mark = (0, slice.lineAtBase)
    counted = mark
    while at < slice.end {
      chunkStart = at
      at = index.fill(slice, from: at, wanted: Self.chunkBytes)
      var done = 0
      while done < index.rowCount {
        let n = min(index.rowCount - done, plan.maxRows - rows)
        try parse(slice, done, n)
        done += n
        rows += n
        if rows == plan.maxRows, try !flush(emit) { return }
      }
    }
    _ = try flush(emit)
  }

  // SAFETY: row `first + r` of the index, column `position`, lies below `rowCount * stride`, with an entry in front of the first; the
  // slice and the index live and stand still while the columns read.
  private func parse(_ slice: TextSlice, _ first: Int, _ n: Int) throws {
    let stride = index.stride
    for (position, column) in columns {
      unsafe column.append(
        FieldRun(
          base: slice.base, ends: index.ends + (first * stride + position), stride: stride, rows: n, firstRow: rows, hasEscapes: index.hasEscapes,
          hasHighBytes: slice.hasHighBytes), defects)
    }
    if let limit = plan.maxFieldBytes { try checkLengths(slice, first, n, limit) }
    if plan.mode == .failBroken { try checkShapes(slice, first, n) }
    if !defects.fields.isEmpty || !index.defects.isEmpty { try handleDefects(slice, first, n) }
  }

  /// Throws at the first record that is not as wide as the first of the text, or does not end.
  // SAFETY: `row` is one of the index's; the entry in front of row 0 exists.
  private func checkShapes(_ slice: TextSlice, _ first: Int, _ n: Int) throws {
    let width = plan.recordWidth ?? plan.fields.count
    if width == plan.fields.count, index.defects.isEmpty { return }
    var next = index.defects.firstIndex { $0.row >= first } ?? index.defects.count
    for row in first..<first + n {
      var found = plan.fields.count
      if next < index.defects.count, index.defects[next].row == row {
        if index.defects[next].kind == .unterminated { throw describe(index.defects[next], slice) }
        found = index.defects[next].fieldCount
        next += 1
      }
      if found == width { continue }
      let start = unsafe Int(index.ends[row * index.stride - 1] &+ 1)
      throw CSVError(
        .fieldCount, line: line(of: start, slice), byteOffset: slice.byteOffset + start, found: "\(found) field\(found == 1 ? "" : "s")",
        expected: "\(width) as in the first record", hint: "check the separator and the quotes of that record")
    }
  }

  private func flush(_ emit: (RecordBatch) throws -> Bool) throws -> Bool {
    defer {
      rows = 0
      corrupt.removeAll()
      badRows.removeAll()
    }
    guard rows > 0 else { return true }
    var finished = columns.makeIterator()
    let vectors = plan.columns.map { position -> ColumnVector in
      if position == CSVReadPlan.corruptRecord { return corruptColumn() }
      return finished.next()?.column.finish() ?? .nulls(.string, count: rows)
    }
    var batch = RecordBatch(schema: plan.outputSchema, columns: vectors, rowCount: rows)
    if plan.mode == .dropMalformed, !badRows.isEmpty {
      // SAFETY: the words have `rows` bits, and bad rows are among the batch's.
      let keep = unsafe Bitmap.build(count: rows) { words in
        for w in 0..<Bitmap.wordCount(rows) { unsafe words[w] = ~0 }
        for row in badRows { unsafe words[row >> 6] &= ~(1 << UInt64(row & 63)) }
      }
      batch = batch.filter(keep)
    }
    state.addRows(batch.rowCount)
    return batch.rowCount == 0 ? true : try emit(batch)
  }

  private func corruptColumn() -> ColumnVector {
    let builder = ColumnBuilder(.string, capacity: rows)
    var next = 0
    for row in 0..<rows {
      if next < corrupt.count, corrupt[next].row == row {
        builder.append(.string(String(decoding: corrupt[next].text, as: UTF8.self)))
        next += 1
      } else {
        builder.appendNull()
      }
    }
    return builder.finish()
  }

  // MARK: - Defects

  // SAFETY: rows and columns are the index's; the entry in front of the first exists.
  private func checkLengths(_ slice: TextSlice, _ first: Int, _ n: Int, _ limit: Int) throws {
    for row in first..<first + n {
      for c in 0..<plan.fields.count {
        let at = row * index.stride + c
        let length = unsafe Int(index.ends[at]) - Int(index.ends[at - 1] &+ 1)
        guard length > limit else { continue }
        let start = unsafe Int(index.ends[at - 1] &+ 1)
        throw CSVError(
          .limit, line: line(of: start, slice), byteOffset: slice.byteOffset + start, column: plan.fields[c].name, found: "a field of \(length) bytes",
          expected: "at most \(limit)", hint: "raise maxCharsPerColumn, or look for a quote that is not closed")
      }
    }
  }

  /// Physical line of a position in the chunk; positions come mostly in ascending order.
  // SAFETY: positions come from records of the chunk, and lie between its start and the end of the slice; a byte in front is readable.
  private func line(of position: Int, _ slice: TextSlice) -> Int {
    if mark.at < chunkStart {
      mark = unsafe (chunkStart, mark.line + countLineEnds(slice.base, mark.at..<chunkStart, bytes))
      counted = mark
    }
    if position < counted.at { counted = mark }
    counted = unsafe (position, counted.line + countLineEnds(slice.base, counted.at..<position, bytes))
    return counted.line
  }

  // SAFETY: `first + row - rows` is a row of the index: defects come from the rows just parsed.
  private func handleDefects(_ slice: TextSlice, _ first: Int, _ n: Int) throws {
    defer { defects.fields.removeAll(keepingCapacity: true) }
    // By row in the batch: what is wrong with it, the record's shape first.
    var found: [(row: Int, column: Int, error: CSVError)] = []
    // In mode FAILBROKEN the records' shape has been checked; what the schema has beyond it is null.
    for defect in index.defects where plan.mode != .failBroken && defect.row >= first && defect.row < first + n {
      found.append((rows + defect.row - first, -1, describe(defect, slice)))
    }
    // Lines are counted once when the fields come as they stand in the text, not column by column.
    defects.fields.sort { $0.start < $1.start }
    for defect in defects.fields { found.append((defect.row, defect.column, describe(defect, first, slice))) }
    guard !found.isEmpty else { return }
    found.sort { ($0.row, $0.column) < ($1.row, $1.column) }
    if plan.mode == .failFast { throw found[0].error }
    if plan.refusesMisfits, let misfit = found.first(where: { $0.error.kind == .value || $0.error.kind == .encoding }) { throw misfit.error }
    var bad: [CSVBadRecord] = []
    var records = 0
    var i = 0
    while i < found.count {
      let row = found[i].row
      var reasons: [String] = []
      while i < found.count, found[i].row == row {
        reasons.append(reason(found[i].error))
        i += 1
      }
      records += 1
      badRows.append(row)
      let wantsText = plan.onBadRecords != nil || plan.columns.contains(CSVReadPlan.corruptRecord)
      if wantsText {
        let start = unsafe Int(index.ends[(first + row - rows) * index.stride - 1] &+ 1)
        let text = recordText(start, slice)
        corrupt.append((row, text))
        if plan.onBadRecords != nil {
          bad.append(
            CSVBadRecord(
              line: line(of: start, slice), byteOffset: slice.byteOffset + start, reason: reasons.joined(separator: "; "), text: text))
        }
      }
    }
    let drops = plan.mode == .dropMalformed
    state.change { d in
      d.records += records
      if drops { d.dropped += records }
      for defect in index.defects where defect.row >= first && defect.row < first + n {
        if defect.kind == .tooFew { d.tooFewFields += 1 }
        if defect.kind == .tooMany { d.tooManyFields += 1 }
      }
      for (_, column, error) in found {
        if column >= 0 { d.values[plan.fields[column].name, default: 0] += 1 }
        if d.first.map({ error.line < $0.line }) ?? true { d.first = error }
        if error.kind == .unterminatedQuote { d.openQuote = error }
      }
    }
    try plan.onBadRecords?(bad)
  }

  private func reason(_ error: CSVError) -> String {
    (error.column.map { "column '\($0)': " } ?? "") + "found \(error.found), expected \(error.expected)"
  }

  // SAFETY: `at` stays below the slice's end; `start` is where a record of it starts.
  private func recordText(_ start: Int, _ slice: TextSlice) -> [UInt8] {
    var state = ScanState.recordStart
    var at = start
    while at < slice.end {
      state = unsafe bytes.next(state, slice.base[at])
      if state == .recordStart { break }
      at += 1
    }
    return unsafe Array(UnsafeBufferPointer(start: slice.base + start, count: at - start))
  }

  /// Where the last quoted field of the text opens, given the start of its record.
  private func openQuote(_ start: Int, _ slice: TextSlice) -> Int {
    var state = ScanState.recordStart
    var open = start
    for at in start..<slice.end {
      let next = unsafe bytes.next(state, slice.base[at])
      if next == .quoted, state == .recordStart || state == .fieldStart { open = at }
      state = next
    }
    return open
  }

  // SAFETY: the defect's row is one of the index's.
  private func describe(_ defect: RowDefect, _ slice: TextSlice) -> CSVError {
    let start = unsafe Int(index.ends[defect.row * index.stride - 1] &+ 1)
    let line = line(of: start, slice)
    switch defect.kind {
    case .unterminated:
      return CSVError(
        .unterminatedQuote, line: self.line(of: openQuote(start, slice), slice), byteOffset: slice.byteOffset + start,
        found: "a quote that opens here and does not end before the end of the input, which is all one field",
        expected: "a closing quote", hint: "the record starts on line \(line); check the quote and escape options")
    case .tooFew, .tooMany:
      let word = defect.kind == .tooFew ? "too few" : "too many"
      return CSVError(
        .fieldCount, line: line, byteOffset: slice.byteOffset + start, found: "\(word) fields: \(defect.fieldCount)", expected: "\(plan.fields.count)",
        hint: defect.fieldCount == plan.fields.count + 1
          ? "if every record starts with a field that the header does not name, set indexColumn=NAME"
          : "check the separator and quote options; mode=PERMISSIVE fills up and cuts, mode=DROPMALFORMED leaves such records out")
    }
  }

  // SAFETY: a field with a value that does not fit is not empty, and lies within the slice.
  private func describe(_ defect: FieldDefect, _ first: Int, _ slice: TextSlice) -> CSVError {
    let field = plan.fields[defect.column]
    let line = line(of: defect.start, slice)
    let text = unsafe UnsafeBufferPointer(start: slice.base + defect.start, count: defect.end - defect.start)
    if field.type == .string {
      return CSVError(
        .encoding, line: line, byteOffset: slice.byteOffset + defect.start, column: field.name, found: unsafe "\(CSVError.quoted(text)) with bytes that are not UTF-8",
        expected: "UTF-8", hint: "set encoding=ISO-8859-1 (or windows-1252, UTF-16LE, UTF-16BE); with mode=PERMISSIVE such bytes become U+FFFD")
    }
    return unsafe CSVError(
      .value, line: line, byteOffset: slice.byteOffset + defect.start, column: field.name, found: CSVError.quoted(text),
      expected: field.type == .datetime ? "datetime as \(plan.formatText)" : "\(field.type)",
      hint: plan.refusesMisfits
        ? "the type was inferred from a sample; raise sampleBytes, give a schema, or set mode=PERMISSIVE (null) or mode=DROPMALFORMED"
        : field.type == .datetime ? "set timestampFormat or dateFormat to the pattern of the file" : "declare the column as string, or set mode=PERMISSIVE for null")
  }
}

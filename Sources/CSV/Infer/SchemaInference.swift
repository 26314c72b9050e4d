// Role: from a sample of records to names and types: the header, and for each column the narrowest type that every sampled value has,
// with a remark wherever a later value widened it.

package import Columnar

/// How a schema is found.
package struct InferenceOptions: Sendable {
  package var hasHeader = true
  /// False: every column is a string.
  package var infersTypes = true
  /// Whether a datetime column of nothing but ISO dates is marked as dates.
  package var infersDates = true
  /// The name of a first field that the header does not name.
  package var indexColumn: String?
  package var maxColumns = 20_480
  package init() {}
}

/// What a sample tells about a file.
package struct InferredSchema: Sendable {
  package var schema: StructType
  /// The header's names as written, empty without a header.
  package var headerNames: [String]
  /// The columns as they are named without a declared schema.
  package var ownNames: [String]
  /// Bytes in front of the first data record, and its physical line.
  package var dataOffset: Int
  package var dataLine: Int
  /// Types that had to be widened, and other remarks for the user.
  package var notes: [String]
  /// Fields of the first data record, 0 when there is none.
  package var fieldsInFirstRecord: Int
}

/// Reads samples. The text starts at the beginning of the file (behind a byte order mark) and may end anywhere.
// SAFETY: everywhere here: `p` is the text of a TextBuffer with a line feed in front and 64 bytes behind, made in `infer` and not
// released before the last access through it. Positions are at most `count`, and less than it where a byte is read.
package struct SchemaInference {
  private let dialect: CSVDialect
  private let words: CSVWords
  private let formats: CSVDateFormats
  private let options: InferenceOptions
  private let bytes: ScanBytes

  package init(_ dialect: CSVDialect, _ words: CSVWords, _ formats: CSVDateFormats, _ options: InferenceOptions) {
    self.dialect = dialect
    self.words = words
    self.formats = formats
    self.options = options
    bytes = ScanBytes(dialect)
  }

  /// The schema of a text whose beginning is `sample`; `isWhole` says that nothing follows. A declared schema fixes the number of columns
  /// and no types are looked at. Throws `CSVError` when header and records do not fit.
  // SAFETY: the buffer has room for the sample and one byte more; `base[-1]` is one of the 64 in front of it.
  package func infer(_ sample: [UInt8], isWhole: Bool, declared: StructType?) throws -> InferredSchema {
    let buffer = TextBuffer(capacity: sample.count + 1)
    unsafe sample.withUnsafeBufferPointer { if let p = $0.baseAddress { unsafe buffer.base.update(from: p, count: $0.count) } }
    unsafe buffer.base[-1] = bytes.lineFeed
    buffer.seal(sample.count)
    let p = unsafe UnsafePointer(buffer.base)
    let reader = FieldReader(dialect, words)
    var at = unsafe firstRecord(p, 0, sample.count)
    var names: [String] = []
    if options.hasHeader, at < sample.count {
      let header = unsafe record(p, at, sample.count)
      guard header.isComplete || isWhole else {
        throw unsafe CSVError(.limit, line: line(p, at), byteOffset: at, found: "no line end in the first \(sample.count) bytes", expected: "a header line", hint: "raise sampleBytes, or check the quote option")
      }
      if isWhole, let open = header.openQuote {
        throw unsafe CSVError(
          .unterminatedQuote, line: line(p, open), byteOffset: open, found: "a quote in the header that does not end before the end of the input",
          expected: "a closing quote", hint: "check the quote and escape options")
      }
      for (start, end) in header.fields {
        let text = unsafe reader.text(p, start, end)
        unsafe names.append(String(decoding: UnsafeBufferPointer(start: text.start, count: text.count), as: UTF8.self))
      }
      at = header.next
    }
    let dataOffset = unsafe min(skipFeed(p, at, sample.count), sample.count)
    let dataLine = unsafe line(p, dataOffset)
    let first = unsafe firstRecord(p, dataOffset, sample.count)
    let firstFields = unsafe first < sample.count ? record(p, first, sample.count).fields.count : 0
    var notes: [String] = []
    var ownNames = names
    if let index = options.indexColumn { ownNames.insert(index, at: 0) }
    if !options.hasHeader { ownNames = (0..<max(firstFields, 1)).map { "_c\($0)" } }
    var renamed: [String] = []
    ownNames = unique(ownNames, &renamed)
    if declared == nil { notes += renamed }
    let columnNames = declared?.names ?? ownNames
    guard columnNames.count <= options.maxColumns else {
      throw CSVError(.limit, line: 1, found: "\(columnNames.count) columns", expected: "at most \(options.maxColumns)", hint: "raise maxColumns, or check the separator")
    }
    if declared == nil, options.hasHeader, options.indexColumn == nil, firstFields == names.count + 1, !names.isEmpty {
      try unsafe checkUnnamedColumn(p, first, sample.count, names)
    }
    var schema = declared ?? StructType(columnNames.map { StructField($0, .string) })
    if declared == nil, options.infersTypes, !columnNames.isEmpty {
      schema = unsafe types(p, first, sample.count, isWhole, columnNames, reader, &notes)
    }
    return InferredSchema(
      schema: schema, headerNames: names, ownNames: ownNames, dataOffset: dataOffset, dataLine: dataLine, notes: notes, fieldsInFirstRecord: firstFields)
  }

  // MARK: - Records of the sample

  // SAFETY: `at` is at most the sample's length.
  private func line(_ p: UnsafePointer<UInt8>, _ at: Int) -> Int { unsafe 1 + countLineEnds(p, 0..<at, bytes) }

  // SAFETY: `at < count` and `at > 0` are checked first.
  private func skipFeed(_ p: UnsafePointer<UInt8>, _ at: Int, _ count: Int) -> Int {
    unsafe bytes.hasReturn && at < count && at > 0 && p[at] == 0x0A && p[at - 1] == 0x0D ? at + 1 : at
  }

  /// Skips blank lines and comments.
  // SAFETY: every read stands behind `at < count`.
  private func firstRecord(_ p: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
    var at = start
    while at < count {
      if unsafe bytes.isLineEnd(p[at]) {
        at += 1
      } else if bytes.hasComment, unsafe p[at] == bytes.comment {
        while at < count, unsafe !bytes.isLineEnd(p[at]) { at += 1 }
      } else {
        break
      }
    }
    return at
  }

  private struct Record {
    var fields: [(start: Int, end: Int)] = []
    var next = 0
    var isComplete = false
    /// Where a quoted field opens that does not end.
    var openQuote: Int?
  }

  // SAFETY: reads stand behind `at < count`; fields end at most at `count`.
  private func record(_ p: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Record {
    var out = Record()
    var state = ScanState.recordStart
    var from = start
    var at = start
    var open = start
    while at < count {
      let c = unsafe p[at]
      let before = state
      state = bytes.next(state, c)
      if state == .quoted, before == .recordStart || before == .fieldStart { open = at }
      if state == .recordStart || (state == .fieldStart && c == bytes.separator) {
        out.fields.append((from, at))
        from = at + 1
      }
      at += 1
      if state == .recordStart {
        out.isComplete = true
        break
      }
    }
    if !out.isComplete { out.fields.append((from, at)) }
    if state == .quoted || state == .escaped { out.openQuote = open }
    out.next = unsafe skipFeed(p, at, count)
    return out
  }

  /// Every sampled record has one field more than the header: the columns would be shifted by one.
  // SAFETY: `at` stays below `count`.
  private func checkUnnamedColumn(_ p: UnsafePointer<UInt8>, _ first: Int, _ count: Int, _ names: [String]) throws {
    var at = first
    var seen = 0
    while at < count, seen < 100 {
      let next = unsafe record(p, at, count)
      guard next.isComplete || seen == 0 else { break }
      guard next.fields.count == names.count + 1 else { return }
      seen += 1
      at = unsafe firstRecord(p, next.next, count)
    }
    throw unsafe CSVError(
      .schema, line: line(p, first), byteOffset: first, found: "\(names.count + 1) fields in every record", expected: "\(names.count), as the header names",
      hint: "the first field has no name, as in files written with row numbers: name it with indexColumn=NAME, or give a schema of \(names.count + 1) columns")
  }

  private func unique(_ names: [String], _ notes: inout [String]) -> [String] {
    var used: Set<String> = []
    var out: [String] = []
    for (i, name) in names.enumerated() {
      var candidate = name.isEmpty ? "_c\(i)" : name
      if used.contains(candidate) {
        var n = 1
        while used.contains("\(candidate)_\(n)") || names.contains("\(candidate)_\(n)") { n += 1 }
        notes.append("column '\(name)' occurs twice; the one at position \(i + 1) is called '\(candidate)_\(n)'")
        candidate = "\(candidate)_\(n)"
      }
      used.insert(candidate)
      out.append(candidate)
    }
    return out
  }

  // MARK: - Types

  // SAFETY: fields lie within the text; a trimmed text is not empty and lives until the reader is asked again.
  private func types(
    _ p: UnsafePointer<UInt8>, _ first: Int, _ count: Int, _ isWhole: Bool, _ names: [String], _ reader: FieldReader, _ notes: inout [String]
  ) -> StructType {
    var columns = [ColumnCandidates](repeating: ColumnCandidates(), count: names.count)
    var at = first
    while at < count {
      let record = unsafe record(p, at, count)
      guard record.isComplete || isWhole || at == first else { break }
      for c in 0..<min(names.count, record.fields.count) {
        let field = record.fields[c]
        guard field.end > field.start, let text = unsafe reader.trimmed(p, field.start, field.end) else { continue }
        columns[c].look(text, words, formats) { unsafe (line(p, at), CSVError.quoted(UnsafeBufferPointer(start: text.start, count: text.count))) }
      }
      at = unsafe firstRecord(p, record.next, count)
    }
    for (c, column) in columns.enumerated() {
      if let note = column.widening { notes.append("column '\(names[c])': \(note)") }
    }
    return StructType(zip(names, columns).map { StructField($0, $1.type, hint: options.infersDates && $1.isDate ? .date : nil) })
  }
}

/// The types that all values of a column seen so far have.
struct ColumnCandidates {
  private enum Bit {
    static let long: UInt8 = 1, decimal: UInt8 = 2, real: UInt8 = 4, bool: UInt8 = 8, datetime: UInt8 = 16
  }

  private var possible: UInt8 = 31
  private var hasValue = false
  private var isAllDates = true
  private var hasNumber = false
  private var firstType: DataType?
  private(set) var widening: String?

  var type: DataType {
    guard hasValue else { return .string }
    if possible & Bit.long != 0 { return .long }
    if possible & Bit.decimal != 0 { return .decimal }
    if possible & Bit.real != 0, hasNumber { return .real }
    if possible & Bit.bool != 0 { return .bool }
    return possible & Bit.datetime != 0 ? .datetime : .string
  }

  /// True for a datetime column of nothing but ISO dates without a time.
  var isDate: Bool { type == .datetime && isAllDates }

  // SAFETY: a trimmed text has at least one byte; `n > 1` stands before the second.
  mutating func look(_ text: FieldReader.Text, _ words: CSVWords, _ formats: CSVDateFormats, _ place: () -> (line: Int, text: String)) {
    if possible == 0 { return }
    let p = unsafe text.start, n = text.count
    let before = type
    if possible & Bit.long != 0, unsafe ScalarText.parseLong(p, n) == nil { possible &= ~Bit.long }
    if possible & Bit.decimal != 0, possible & Bit.long == 0, unsafe !isWhole(p, n) || ScalarText.parseDecimal(p, n) == nil { possible &= ~Bit.decimal }
    if possible & Bit.real != 0 {
      if unsafe ScalarText.parseReal(p, n) != nil {
        if unsafe p[0] &- 0x30 < 10 || n > 1 && (p[1] &- 0x30 < 10 || p[1] == 0x2E) { hasNumber = true }
      } else if ![words.nan, words.positiveInfinity, words.negativeInfinity].contains(where: { FieldReader.equals(text, $0) }) {
        possible &= ~Bit.real
      }
    }
    // 1 and 0 are numbers here, not booleans.
    if possible & Bit.bool != 0, unsafe n < 4 || ScalarText.parseBool(p, n) == nil { possible &= ~Bit.bool }
    if possible & Bit.datetime != 0, unsafe !isDatetime(p, n, formats) { possible &= ~Bit.datetime }
    if n != 10 || !formats.patterns.isEmpty { isAllDates = false }
    if hasValue, type != before, widening == nil || type != .decimal {
      let (line, value) = place()
      widening = "\(firstType ?? before) in the first records, \(type) because of \(value) in line \(line)"
    }
    if !hasValue {
      hasValue = true
      firstType = type
    }
  }

  // SAFETY: `i` stays below `n`.
  private func isWhole(_ p: UnsafePointer<UInt8>, _ n: Int) -> Bool {
    for i in 0..<n where unsafe p[i] &- 0x30 >= 10 && !(i == 0 && (p[i] == 0x2D || p[i] == 0x2B)) { return false }
    return true
  }

  // SAFETY: parsers read the `n` bytes alone.
  private func isDatetime(_ p: UnsafePointer<UInt8>, _ n: Int, _ formats: CSVDateFormats) -> Bool {
    if formats.patterns.isEmpty { return unsafe ScalarText.parseISODateTime(p, n, exact: true) != nil }
    return formats.patterns.contains { unsafe $0.parse(p, n) != nil }
  }
}

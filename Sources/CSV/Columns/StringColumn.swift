// Role: string columns. They start as codes into a dictionary and turn into plain text once that does not pay; the verdict is remembered
// for the rest of the file.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import Synchronization

/// What the ranges of a file learn about its columns, shared by threads. Affects speed only.
final class ColumnHints: Sendable {
  private let plain = Mutex<Set<Int>>([])
  func isPlain(_ column: Int) -> Bool { plain.withLock { $0.contains(column) } }
  func setPlain(_ column: Int) { plain.withLock { _ = $0.insert(column) } }
}

final class StringColumn: FieldColumn {
  private let reader: FieldReader
  private let index: Int
  private let hints: ColumnHints
  private let quote: UInt8
  private let hasQuote: Bool
  private let isSimple: Bool
  private let hasNullWord: Bool
  private var nulls = NullBits()
  private var dictionary: StringDictionary?
  private let codes = BufferBuilder<Int32>()
  private let offsets = BufferBuilder<Int32>()
  private let data = BufferBuilder<UInt8>()
  private var rowsSeen = 0

  init(_ index: Int, _ reader: FieldReader, _ hints: ColumnHints) {
    self.index = index
    self.reader = reader
    self.hints = hints
    quote = reader.dialect.quote ?? 0
    hasQuote = reader.dialect.quote != nil
    isSimple = !reader.dialect.trimsLeading && !reader.dialect.trimsTrailing
    hasNullWord = !reader.words.null.isEmpty
    if !hints.isPlain(index) { dictionary = StringDictionary() }
    offsets.append(0)
  }

  var byteCount: Int { data.count + codes.count * 4 }

  func append(_ run: FieldRun, _ defects: DefectList) {
    rowsSeen += run.rows
    guard let dictionary else {
      appendPlain(run, defects)
      return
    }
    let first = codes.count
    let out = unsafe codes.appendUninitialized(run.rows)
    nulls.extend(run.rows)
    var view = dictionary.view
    let shape = Shape(self, run)
    for r in 0..<run.rows {
      guard let text = field(run, r, shape, defects) else {
        nulls.setNull(first &+ r)
        unsafe out[r] = 0
        continue
      }
      let hash = unsafe StringDictionary.hash(text.start, text.count)
      var code = unsafe view.find(text.start, text.count, hash)
      if code < 0 {
        code = unsafe dictionary.add(text.start, text.count, hash, code)
        view = dictionary.view
      }
      unsafe out[r] = code
    }
    let distinct = dictionary.count
    if distinct > 64, distinct * 2 > rowsSeen || distinct > StringDictionary.limit { turnPlain(dictionary) }
  }

  /// What the loop over a run needs to know, in registers.
  private struct Shape {
    let quote: UInt8
    let hasQuote: Bool
    let isSimple: Bool
    let isPlainQuoted: Bool
    let looksAtEmpty: Bool
    let hasHighBytes: Bool

    init(_ column: StringColumn, _ run: FieldRun) {
      quote = column.quote
      hasQuote = column.hasQuote
      isSimple = column.isSimple
      isPlainQuoted = column.isSimple && !run.hasEscapes
      looksAtEmpty = column.hasNullWord
      hasHighBytes = run.hasHighBytes
    }
  }

  /// The field's text, nil for null.
  @inline(__always) private func field(_ run: FieldRun, _ r: Int, _ shape: Shape, _ defects: DefectList) -> FieldReader.Text? {
    let s = run.start(r), e = run.end(r)
    let n = e &- s
    if n == 0 { return nil }
    let p = unsafe run.base + s
    var text: FieldReader.Text
    if shape.isSimple, unsafe !shape.hasQuote || p[0] != shape.quote {
      text = unsafe FieldReader.Text(start: p, count: n, isQuoted: false)
    } else if shape.isPlainQuoted, n >= 2, unsafe p[n &- 1] == shape.quote {
      text = unsafe FieldReader.Text(start: p + 1, count: n &- 2, isQuoted: true)
    } else {
      text = unsafe reader.text(run.base, s, e)
    }
    if shape.looksAtEmpty || text.count == 0 {
      if reader.isNull(text) { return nil }
      if text.count == 0, !reader.words.empty.isEmpty { return replacedEmpty() }
    }
    if shape.hasHighBytes, unsafe !isValidUTF8(UnsafeBufferPointer(start: text.start, count: text.count)) { return repaired(text, run, r, defects) }
    return text
  }

  private let spare = BufferBuilder<UInt8>(capacity: 64)

  private func replacedEmpty() -> FieldReader.Text {
    spare.removeAll()
    unsafe reader.words.empty.withUnsafeBufferPointer { unsafe spare.append(contentsOf: $0) }
    return unsafe FieldReader.Text(start: UnsafePointer(spare.pointer), count: spare.count, isQuoted: true)
  }

  /// Bytes that are not UTF-8 become U+FFFD, and the field is listed as defective.
  private func repaired(_ text: FieldReader.Text, _ run: FieldRun, _ r: Int, _ defects: DefectList) -> FieldReader.Text {
    defects.add(run, r, index)
    let whole = unsafe Array(String(decoding: UnsafeBufferPointer(start: text.start, count: text.count), as: UTF8.self).utf8)
    spare.removeAll()
    unsafe whole.withUnsafeBufferPointer { unsafe spare.append(contentsOf: $0) }
    return unsafe FieldReader.Text(start: UnsafePointer(spare.pointer), count: spare.count, isQuoted: text.isQuoted)
  }

  private func appendPlain(_ run: FieldRun, _ defects: DefectList) {
    guard run.rows > 0 else { return }
    let first = offsets.count &- 1
    let outOffsets = unsafe offsets.appendUninitialized(run.rows)
    nulls.extend(run.rows)
    // Texts are no longer than the fields, and invalid bytes take three instead of one.
    let extent = run.end(run.rows - 1) - run.start(0)
    data.reserve((run.hasHighBytes ? extent * 3 : extent) + run.rows * reader.words.empty.count + 64)
    let out = unsafe data.pointer
    var at = data.count
    let shape = Shape(self, run)
    for r in 0..<run.rows {
      if let text = field(run, r, shape, defects) {
        let n = text.count
        if n <= 32 {
          // SAFETY: 64 bytes behind the text are readable (slices and scratch buffers are padded), 64 behind `at` were reserved.
          let from = unsafe UnsafeRawPointer(text.start)
          let to = unsafe UnsafeMutableRawPointer(out + at)
          unsafe to.storeBytes(of: from.loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
          unsafe (to + 16).storeBytes(of: (from + 16).loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
        } else {
          unsafe memcpy(out + at, text.start, n)
        }
        at &+= n
      } else {
        nulls.setNull(first &+ r)
      }
      unsafe outOffsets[r] = Int32(truncatingIfNeeded: at)
    }
    data.count = at
  }

  /// Writes the rows so far out as text.
  private func turnPlain(_ dictionary: StringDictionary) {
    hints.setPlain(index)
    self.dictionary = nil
    for i in 0..<codes.count {
      if dictionary.count > 0, !nulls.isNull(i) { unsafe data.append(contentsOf: dictionary.text(codes.pointer[i])) }
      offsets.append(Int32(truncatingIfNeeded: data.count))
    }
    codes.removeAll()
  }

  func finish() -> ColumnVector {
    let bits = nulls.finish()
    if let dictionary, dictionary.count > 0 {
      return .dictionary(codes: codes.finish(), values: dictionary.values, validity: bits)
    }
    if dictionary != nil {
      let n = codes.count
      codes.removeAll()
      return .nulls(.string, count: n)
    }
    let vector = ColumnVector.bytes(.string, offsets: offsets.finish(), data: data.finish(), validity: bits)
    offsets.append(0)
    return vector
  }
}

// Role: what turns the fields of one column into a vector: the contract, the run of fields it is given, and what they share
// (null tracking, quotes, trimming, escapes).

#if canImport(Glibc)
import Glibc
#endif
import Columnar

/// The fields of one column in consecutive rows of a chunk. Positions index `base`.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct FieldRun {
  let base: UnsafePointer<UInt8>
  /// The entry of the first row; the entry in front of it ends what precedes the field.
  let ends: UnsafePointer<UInt32>
  let stride: Int
  let rows: Int
  /// The batch row of the first one.
  let firstRow: Int
  let hasEscapes: Bool
  let hasHighBytes: Bool

  @inline(__always) func start(_ r: Int) -> Int { unsafe Int(ends[r &* stride &- 1] &+ 1) }
  @inline(__always) func end(_ r: Int) -> Int { unsafe Int(ends[r &* stride]) }
}

/// A field that is not a value of its column.
struct FieldDefect {
  var row: Int
  var column: Int
  var start: Int
  var end: Int
}

/// Defects found while parsing; appended to rarely.
final class DefectList {
  var fields: [FieldDefect] = []

  /// Lists row `r` of a run.
  func add(_ run: FieldRun, _ r: Int, _ column: Int) {
    fields.append(FieldDefect(row: run.firstRow + r, column: column, start: run.start(r), end: run.end(r)))
  }
}

/// Builds one column. One instance serves one thread.
protocol FieldColumn: AnyObject {
  func append(_ run: FieldRun, _ defects: DefectList)
  /// The rows since the last call.
  func finish() -> ColumnVector
  var byteCount: Int { get }
}

/// The validity of a growing column: all valid until told otherwise.
struct NullBits: ~Copyable {
  private let words = BufferBuilder<UInt64>()
  private var count = 0
  private var nullCount = 0

  mutating func extend(_ rows: Int) {
    count += rows
    let missing = Bitmap.wordCount(count) - words.count
    if missing > 0 { unsafe words.appendUninitialized(missing).update(repeating: ~0, count: missing) }
  }

  @inline(__always) mutating func setNull(_ i: Int) {
    unsafe words.pointer[i >> 6] &= ~(1 << UInt64(i & 63))
    nullCount &+= 1
  }

  func isNull(_ i: Int) -> Bool { unsafe words.pointer[i >> 6] >> UInt64(i & 63) & 1 == 0 }

  mutating func finish() -> Bitmap? {
    let n = count
    let hasNulls = nullCount > 0
    if n & 63 != 0 { unsafe words.pointer[n >> 6] &= (1 << UInt64(n & 63)) &- 1 }
    let bits = words.finish()
    count = 0
    nullCount = 0
    return hasNulls ? Bitmap(words: bits, count: n) : nil
  }
}

/// Reads single fields with everything a field may have: spaces, quotes, escapes, null words.
final class FieldReader {
  let dialect: CSVDialect
  let words: CSVWords
  private let quote: UInt8
  private let hasQuote: Bool
  private let scratch = BufferBuilder<UInt8>(capacity: 256)

  init(_ dialect: CSVDialect, _ words: CSVWords) {
    self.dialect = dialect
    self.words = words
    quote = dialect.quote ?? 0
    hasQuote = dialect.quote != nil
  }

  // SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
  @safe struct Text {
    var start: UnsafePointer<UInt8>
    var count: Int
    var isQuoted: Bool
  }

  /// The field's text as the dialect means it. The result is valid until the next call.
  func text(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Text {
    var s = start, e = end
    if dialect.trimsLeading { while s < e, unsafe base[s] == 0x20 || base[s] == 0x09 { s &+= 1 } }
    guard hasQuote, s < e, unsafe base[s] == quote else {
      if dialect.trimsTrailing { while e > s, unsafe base[e &- 1] == 0x20 || base[e &- 1] == 0x09 { e &-= 1 } }
      return unsafe Text(start: base + s, count: e - s, isQuoted: false)
    }
    return unsafe unquoted(base, s &+ 1, e)
  }

  /// The text behind an opening quote. What follows the closing quote is kept as it stands, unless trimmed.
  private func unquoted(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Text {
    scratch.removeAll()
    scratch.reserve(end - start + 1)
    let out = unsafe scratch.pointer
    let escape = dialect.escape
    let isForeign = dialect.hasForeignEscape
    var n = 0
    var i = start
    while i < end {
      let c = unsafe base[i]
      if isForeign, c == escape, i &+ 1 < end {
        let following = unsafe base[i &+ 1]
        if following != quote, following != escape {
          unsafe out[n] = c
          n &+= 1
        }
        unsafe out[n] = following
        n &+= 1
        i &+= 2
        continue
      }
      if c == quote {
        if i &+ 1 < end, unsafe base[i &+ 1] == quote {
          unsafe out[n] = quote
          n &+= 1
          i &+= 2
          continue
        }
        i &+= 1
        break
      }
      unsafe out[n] = c
      n &+= 1
      i &+= 1
    }
    var tail = end
    if dialect.trimsTrailing { while tail > i, unsafe base[tail &- 1] == 0x20 || base[tail &- 1] == 0x09 { tail &-= 1 } }
    while i < tail {
      unsafe out[n] = unsafe base[i]
      n &+= 1
      i &+= 1
    }
    return unsafe Text(start: UnsafePointer(out), count: n, isQuoted: true)
  }

  /// The field for a column that is not text: without surrounding spaces; nil when it stands for null.
  func trimmed(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Text? {
    var text = unsafe text(base, start, end)
    while text.count > 0, unsafe text.start[0] == 0x20 || text.start[0] == 0x09 { unsafe text.start += 1; text.count -= 1 }
    while text.count > 0, unsafe text.start[text.count - 1] == 0x20 || text.start[text.count - 1] == 0x09 { text.count -= 1 }
    if text.count == 0 || Self.equals(text, words.null) { return nil }
    return text
  }

  /// True when an unquoted string field stands for null.
  @inline(__always) func isNull(_ text: Text) -> Bool { !text.isQuoted && (text.count == 0 || Self.equals(text, words.null)) }

  static func equals(_ text: Text, _ word: [UInt8]) -> Bool {
    unsafe text.count == word.count && word.withUnsafeBufferPointer { w in unsafe w.baseAddress.map { unsafe memcmp($0, text.start, w.count) == 0 } ?? true }
  }
}

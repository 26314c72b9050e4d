// Role: batches to text. Columns are written one after the other, each into the rows' slots, so that every loop knows its type; the finished
// rows are then moved together. Values of dictionaries are formatted once.
// Datetimes: a column whose values in the chunk are all midnights is written as `1996-03-13`, any other as `1996-03-13T01:02:03Z` with up to seven
// fraction digits; once a file has times in a column, later chunks of it have them too (the caller says so with `withTimes`).

#if canImport(Glibc)
import Glibc
#endif
package import Columnar

/// A chunk as text.
package struct CSVText: Sendable {
  /// The text in pieces of whole rows.
  package var pieces: [Buffer<UInt8>]
  package var rowCount: Int
  /// For each column, whether its datetimes were written with a time of day.
  package var hasTimes: [Bool]
}

/// Encodes batches of one schema. Immutable; used by many threads at once.
package final class CSVEncoder: Sendable {
  let schema: StructType
  let options: CSVWriteOptions
  private let ranges = RangeTables()

  package init(schema: StructType, options: CSVWriteOptions) {
    self.schema = schema
    self.options = options
  }

  /// For each column, whether it holds datetimes.
  package var hasDatetime: [Bool] { schema.fields.map { $0.type == .datetime } }

  /// The header line, empty when there is none.
  package func header() throws -> [UInt8] {
    guard options.hasHeader else { return [] }
    var out: [UInt8] = []
    for (i, field) in schema.fields.enumerated() {
      if i > 0 { out.append(options.separator) }
      let names = ColumnVector.of(.string, [.string(field.name)])
      let formatted = try FieldTable(names, options, hasTime: true, name: field.name)
      out.append(contentsOf: formatted.text(0))
    }
    return out + options.lineEnd
  }

  /// The text of consecutive batches. `withTimes` lists columns (by position) whose datetimes keep the time of day even at midnight. A piece
  /// ends with the row that fills `pieceBytes`: memory of a size that the allocator uses again and again needs no fresh pages from the system.
  package func encode(_ batches: [RecordBatch], withTimes: [Bool] = [], pieceBytes: Int = 1 << 20) throws -> CSVText {
    var hasTimes = withTimes.isEmpty ? [Bool](repeating: false, count: schema.count) : withTimes
    for (c, field) in schema.fields.enumerated() where field.type == .datetime && !hasTimes[c] {
      hasTimes[c] = batches.contains { !holdsMidnightsOnly($0.columns[c]) }
    }
    var text = PiecedText(pieceBytes: pieceBytes, expected: batches.reduce(0) { $0 + $1.byteSize })
    for batch in batches { try append(batch, hasTimes, to: &text) }
    return CSVText(pieces: text.finish(), rowCount: batches.reduce(0) { $0 + $1.rowCount }, hasTimes: hasTimes)
  }

  /// Bytes of slots at a time; they stay in the second-level cache.
  private static let blockBytes = 128 << 10

  private func append(_ batch: RecordBatch, _ hasTimes: [Bool], to text: inout PiecedText) throws {
    let n = batch.rowCount
    let ends = LineEnd(options.lineEnd)
    if batch.columns.isEmpty {
      let out = text.builder(for: n * options.lineEnd.count)
      for _ in 0..<n { unsafe options.lineEnd.withUnsafeBufferPointer { unsafe out.append(contentsOf: $0) } }
      return
    }
    var writers: [any FieldWriter] = []
    for (c, column) in batch.columns.enumerated() {
      let isLast = c == batch.columns.count - 1
      let end = isLast ? ends : LineEnd([options.separator])
      let name = schema[c].name
      let ranged = try ranges.writer(column, position: c, end, options, hasTime: hasTimes[c], name: name)
      writers.append(try ranged ?? makeFieldWriter(column, end, options, hasTime: hasTimes[c], name: name))
    }
    let width = (writers.reduce(0) { $0 + $1.width } + 64 + 63) & ~63
    let rows = max(1, min(n, Self.blockBytes / width))
    let slots = UnsafeMutablePointer<UInt8>.allocate(capacity: rows * width)
    defer { unsafe slots.deallocate() }
    let cursors = UnsafeMutablePointer<UnsafeMutablePointer<UInt8>>.allocate(capacity: rows)
    defer { unsafe cursors.deallocate() }
    var first = 0
    while first < n {
      let count = min(rows, n - first)
      for k in 0..<count { unsafe cursors[k] = unsafe slots + k &* width }
      for writer in writers { try unsafe writer.write(first, count, cursors) }
      var total = 0
      for k in 0..<count { unsafe total &+= cursors[k] - (slots + k &* width) }
      let out = text.builder(for: total + 64)
      var to = unsafe out.pointer + out.count
      for k in 0..<count {
        let from = unsafe slots + k &* width
        let length = unsafe cursors[k] - from
        var at = 0
        // SAFETY: slots are 64 bytes wider than their texts, and 64 bytes behind the output's total were reserved.
        while at < length {
          unsafe UnsafeMutableRawPointer(to + at).storeBytes(
            of: UnsafeRawPointer(from + at).loadUnaligned(as: SIMD32<UInt8>.self), as: SIMD32<UInt8>.self)
          at &+= 32
        }
        unsafe to += length
      }
      out.count += total
      first += count
    }
  }

  private func holdsMidnightsOnly(_ column: ColumnVector) -> Bool {
    switch column.storage {
    case .long(let values):
      for i in 0..<values.count where values[i] % CivilTime.ticksPerDay != 0 && column.isValid(i) { return false }
      return true
    case .dictionary(_, let values), .constant(let values): return holdsMidnightsOnly(values)
    default: return true
    }
  }
}

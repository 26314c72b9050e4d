// Role: datetime columns: ISO 8601, or the formats the user gave (and then only these).

package import Columnar

/// How datetime fields are written.
package struct CSVDateFormats: Sendable {
  /// Tried in order; empty means ISO 8601.
  package var patterns: [DateTimePattern] = []
  package init(_ patterns: [DateTimePattern] = []) { self.patterns = patterns }
}

final class DateTimeColumn: FieldColumn {
  private let values = BufferBuilder<Int64>()
  private var nulls = NullBits()
  private let reader: FieldReader
  private let index: Int
  private let patterns: [DateTimePattern]

  init(_ index: Int, _ reader: FieldReader, _ formats: CSVDateFormats) {
    self.index = index
    self.reader = reader
    patterns = formats.patterns
  }

  var byteCount: Int { values.count * 8 }

  // SAFETY: `out` has an element for each row of the run and does not move before the next growth. A field lies within the slice where
  // it is not empty, and nothing is read of one that is shorter than a date (or empty, with patterns).
  func append(_ run: FieldRun, _ defects: DefectList) {
    let first = values.count
    let out = unsafe values.appendUninitialized(run.rows)
    nulls.extend(run.rows)
    let base = unsafe run.base
    let isISO = patterns.isEmpty
    for r in 0..<run.rows {
      let s = run.start(r), e = run.end(r)
      if isISO {
        if e &- s == 10 {
          if let days = unsafe ScalarText.parseISODate(base + s) {
            unsafe out[r] = Int64(days) &* CivilTime.ticksPerDay
            continue
          }
        } else if e &- s > 10, let ticks = unsafe ScalarText.parseISODateTime(base + s, e &- s, exact: true) {
          unsafe out[r] = ticks
          continue
        }
      } else if s < e, let ticks = unsafe patterns[0].parse(base + s, e &- s) {
        unsafe out[r] = ticks
        continue
      }
      unsafe slow(run, r, first, out, defects)
    }
  }

  // SAFETY: `r` is a row of the run; a trimmed text is not empty and lives until the reader is asked again.
  private func slow(_ run: FieldRun, _ r: Int, _ first: Int, _ out: UnsafeMutablePointer<Int64>, _ defects: DefectList) {
    unsafe out[r] = 0
    guard let text = unsafe reader.trimmed(run.base, run.start(r), run.end(r)) else { nulls.setNull(first &+ r); return }
    if patterns.isEmpty, let ticks = unsafe ScalarText.parseISODateTime(text.start, text.count, exact: true) {
      unsafe out[r] = ticks
      return
    }
    for pattern in patterns {
      if let ticks = unsafe pattern.parse(text.start, text.count) {
        unsafe out[r] = ticks
        return
      }
    }
    nulls.setNull(first &+ r)
    defects.add(run, r, index)
  }

  func finish() -> ColumnVector {
    let buffer = values.finish()
    return .long(buffer, validity: nulls.finish(), type: .datetime)
  }
}

// Role: a null word that is also a value of the column's type, such as -999 or 9999-12-31: the columns read values without looking at words, so
// that the rows with the word are taken out behind them.

import Columnar

/// Any column but text, with the fields that spell the null word made null.
final class NullWordColumn: FieldColumn {
  private let values: any FieldColumn
  private let reader: FieldReader
  private var isOther = NullBits()
  private var rows = 0

  init(_ values: any FieldColumn, _ reader: FieldReader) {
    self.values = values
    self.reader = reader
  }

  var byteCount: Int { values.byteCount }

  func append(_ run: FieldRun, _ defects: DefectList) {
    values.append(run, defects)
    isOther.extend(run.rows)
    let length = reader.words.null.count
    for r in 0..<run.rows where run.end(r) &- run.start(r) >= length {
      // SAFETY: `r` is a row of the run, and its field is as long as the null word, so that it lies within the slice.
      if unsafe reader.trimmed(run.base, run.start(r), run.end(r)) == nil { isOther.setNull(rows &+ r) }
    }
    rows += run.rows
  }

  func finish() -> ColumnVector {
    let vector = values.finish()
    rows = 0
    guard let isOther = isOther.finish() else { return vector }
    return vector.withValidity(vector.validity.map { $0.and(isOther) } ?? isOther)
  }
}

// Role: how records are written.

package import Columnar

/// The form of written text. The defaults read back equal here and in DuckDB, Polars and PyArrow.
package struct CSVWriteOptions: Sendable {
  package var separator: UInt8 = 0x2C
  /// nil: nothing is quoted; a text that would need it is an error.
  package var quote: UInt8? = 0x22
  package var escape: UInt8 = 0x22
  package var quotesAll = false
  package var hasHeader = true
  package var lineEnd: [UInt8] = [0x0A]
  package var null: [UInt8] = []
  /// What an empty text is written as, nil for two quotes.
  package var empty: [UInt8]?
  package var nan = Array("NaN".utf8)
  package var positiveInfinity = Array("Infinity".utf8)
  package var negativeInfinity = Array("-Infinity".utf8)
  package var trimsLeading = false
  package var trimsTrailing = false
  /// For every datetime, instead of ISO 8601.
  package var timestampFormat: DateTimePattern?
  /// For columns that hold midnights only, instead of `yyyy-MM-dd`; for every datetime when there is no timestamp format.
  package var dateFormat: DateTimePattern?

  package init() {}
}

/// A text that cannot be written as asked.
package struct CSVWriteError: Error, Sendable, CustomStringConvertible {
  package var column: String
  package var text: String
  package var description: String { "column '\(column)': \(text) holds a separator, quote or line end, and quoting is switched off" }
}

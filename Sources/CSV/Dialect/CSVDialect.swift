// Role: what the bytes of a delimited file mean: separator, quotes, line ends, comments, and the words for null and special numbers.

/// How records and fields are told apart. RFC 4180 with Spark's variations.
package struct CSVDialect: Sendable, Hashable {
  package var separator: UInt8 = 0x2C
  /// The quote byte, nil when nothing is quoted.
  package var quote: UInt8? = 0x22
  /// The byte that makes a quote inside quotes literal. The quote itself (RFC 4180: `""`), or another such as `\`.
  package var escape: UInt8 = 0x22
  /// Lines that start with it are skipped.
  package var comment: UInt8?
  /// The only line end, when the user named one; nil accepts LF, CR LF and CR in any mix.
  package var lineEnd: UInt8?
  package var trimsLeading = false
  package var trimsTrailing = false

  package init() {}

  /// True when quotes are escaped by another byte than the quote.
  var hasForeignEscape: Bool { quote != nil && escape != quote }
}

/// Which texts stand for values that have no ordinary spelling.
package struct CSVWords: Sendable, Hashable {
  /// An unquoted field with this text is null, besides the empty one.
  package var null: [UInt8] = []
  /// What a quoted empty field stands for in a string column.
  package var empty: [UInt8] = []
  package var nan: [UInt8] = Array("NaN".utf8)
  package var positiveInfinity: [UInt8] = Array("Infinity".utf8)
  package var negativeInfinity: [UInt8] = Array("-Infinity".utf8)

  package init() {}
}

/// What happens to a record that cannot be read as the schema says.
package enum CSVMode: String, Sendable, CaseIterable {
  /// Bad fields are null; the record is kept, and counted.
  case permissive = "PERMISSIVE"
  /// The record is left out, and counted.
  case dropMalformed = "DROPMALFORMED"
  /// The read fails.
  case failFast = "FAILFAST"
  /// The read fails at a record that has another number of fields than the first, or a quote that does not end; bad fields are null.
  case failBroken = "FAILBROKEN"
}

// Role: what made a reader give up, as the cause of its error: for those who report it under names of their own, or can do without the file.

import DataSource

/// Why a record is none of its format.
package enum BrokenRecord: Error, Sendable {
  /// Not as many fields as the others.
  case fieldCount
  /// A quote that does not end.
  case openQuote
  /// Text that is not of the format at all.
  case malformed
}

/// A table whose types were guessed: without records its columns are names alone.
protocol GuessedTable {
  var hasRecords: Bool { get }
}

/// The file holds no records that would tell its columns; its errors read the same for all formats.
package struct NoRecords: Error, Sendable {
  /// `name` is a quoted path, with more words where they help.
  static func error(_ name: String, _ format: String) -> KConnectError {
    KConnectError(
      .formatCorrupt, "\(name) holds no \(format) records, and nothing else tells its columns", hint: "give a schema to read it as a table without rows",
      cause: NoRecords())
  }
}

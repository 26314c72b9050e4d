// Role: what made a reader give up at a record, as the cause of its error: for those who report it under names of their own.

/// Why a record is none of its format.
package enum BrokenRecord: Error, Sendable {
  /// Not as many fields as the others.
  case fieldCount
  /// A quote that does not end.
  case openQuote
  /// Text that is not of the format at all.
  case malformed
}

// Positions in query text.
// Every syntax node and every diagnostic points into the UTF-8 bytes of the text it came from with a half-open span;
// lines and columns are computed only when something is shown to a person (Diagnostics/SourceLocator).

/// A half-open range of UTF-8 byte offsets in the query text.
package struct SourceSpan: Hashable, Sendable {
  /// Offset of the first byte.
  package var start: Int32
  /// Offset after the last byte.
  package var end: Int32

  package init(start: Int, end: Int) {
    self.start = Int32(truncatingIfNeeded: start)
    self.end = Int32(truncatingIfNeeded: end)
  }

  /// The number of bytes covered.
  package var length: Int { Int(end) - Int(start) }

  /// The smallest span that covers both.
  package func union(_ other: SourceSpan) -> SourceSpan {
    SourceSpan(start: Int(min(start, other.start)), end: Int(max(end, other.end)))
  }
}

/// Where a node stands in the text. Two nodes that say the same thing are equal wherever they stand, so a position
/// takes no part in equality; compare the spans themselves to compare places.
@propertyWrapper
package struct Position: Hashable, Sendable {
  package var wrappedValue: SourceSpan
  package init(wrappedValue: SourceSpan) { self.wrappedValue = wrappedValue }
  package static func == (_: Position, _: Position) -> Bool { true }
  package func hash(into _: inout Hasher) {}
}

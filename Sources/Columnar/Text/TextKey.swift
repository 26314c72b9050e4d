// Role: texts of tables as keys of dictionaries and sets: by their bytes, as KQL, Parquet and Delta compare them. Swift's own strings are equal
// and hash alike where Unicode calls them canonically equivalent ("\u{E4}" and "a\u{308}"), which would make one value of two.

/// A text that equals another of the same bytes only.
package struct TextKey: Hashable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (a: TextKey, b: TextKey) -> Bool { a.text.hasBytes(of: b.text) }

  package func hash(into hasher: inout Hasher) {
    // SAFETY: the bytes are only read while the text is borrowed.
    let isDone: Void? = unsafe text.utf8.withContiguousStorageIfAvailable { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    if isDone == nil { for byte in text.utf8 { hasher.combine(byte) } }
  }
}

extension String {
  /// True when both have the same bytes.
  package func hasBytes(of other: String) -> Bool {
    let bytes = utf8, others = other.utf8
    return bytes.count == others.count && bytes.elementsEqual(others)
  }
}

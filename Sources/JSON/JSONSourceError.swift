// Role: what can be wrong with JSON rows, with the byte where it stands; callers add file and line.

/// Why a record is not a row.
package struct JSONRowError: Error, Sendable, CustomStringConvertible {
  package enum Kind: Sendable {
    /// The text is not JSON.
    case malformed
    /// A value is not of its column's type.
    case mismatch
    /// Some bytes are not UTF-8; U+FFFD stands for them in the row.
    case encoding
  }

  package let kind: Kind
  /// Byte offset within the bytes given to the parser.
  package let offset: Int
  package let message: String
  package var description: String { message }

  package init(_ kind: Kind, offset: Int, message: String) {
    self.kind = kind
    self.offset = offset
    self.message = message
  }
}

/// A path or mapping text that is not understood; `position` is the 1-based character.
package struct JSONPathError: Error, Sendable, CustomStringConvertible {
  package let text: String
  package let position: Int
  package let message: String
  package var description: String { "path '\(text)', character \(position): \(message)" }
}

// Role: what can be wrong with a delimited file, with the position; the words are made here, the path is added by the caller.

/// A defect of the input at a line.
package struct CSVError: Error, Sendable, CustomStringConvertible {
  /// What kind of defect.
  package enum Kind: Sendable, Hashable {
    /// The record has another number of fields than the schema.
    case fieldCount
    /// A field is not a value of its column's type.
    case value
    /// A quoted field does not end.
    case unterminatedQuote
    /// A string is not UTF-8.
    case encoding
    /// A record, field or column count beyond a limit.
    case limit
    /// Header and schema do not fit.
    case schema
  }

  package var kind: Kind
  /// 1-based physical line, 0 when the defect is not at one.
  package var line: Int
  /// Byte offset of the record (in the decoded text when the file was compressed or of another encoding).
  package var byteOffset: Int
  package var column: String?
  package var found: String
  package var expected: String
  package var hint: String?

  package init(_ kind: Kind, line: Int = 0, byteOffset: Int = 0, column: String? = nil, found: String, expected: String, hint: String? = nil) {
    self.kind = kind
    self.line = line
    self.byteOffset = byteOffset
    self.column = column
    self.found = found
    self.expected = expected
    self.hint = hint
  }

  package var description: String {
    let offset = kind == .encoding ? ", byte \(byteOffset)" : ""
    let place = line > 0 ? "line \(line)\(offset)" + (column.map { ", column '\($0)'" } ?? "") + ": " : column.map { "column '\($0)': " } ?? ""
    return place + "found \(found), expected \(expected)"
  }

  /// The bytes as quoted text for a message, cut at 80 characters, line ends and tabs as escapes.
  // SAFETY: the bytes are the caller's for the call and are copied.
  static func quoted(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
    let text = unsafe String(decoding: bytes.prefix(320), as: UTF8.self)
    var short = ""
    for scalar in text.unicodeScalars.prefix(80) {
      switch scalar {
      case "\n": short += "\\n"
      case "\r": short += "\\r"
      case "\t": short += "\\t"
      case "\0": short += "\\0"
      default: short.unicodeScalars.append(scalar)
      }
    }
    return text.unicodeScalars.count > 80 || bytes.count > 320 ? "'\(short)…'" : "'\(short)'"
  }
}

/// One defect of one record, as the bad-rows file lists it.
package struct CSVBadRecord: Sendable, Hashable {
  package var line: Int
  package var byteOffset: Int
  package var reason: String
  /// The record's text, without its line end.
  package var text: [UInt8]

  package init(line: Int, byteOffset: Int, reason: String, text: [UInt8]) {
    self.line = line
    self.byteOffset = byteOffset
    self.reason = reason
    self.text = text
  }
}

// The one error type of the Parquet module: what is wrong, where in the file, in which column.

/// A failure to read or write a Parquet file. `description` is one line: position, what was found, what was expected.
package struct ParquetError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The family of a failure; callers map it to their own codes.
  package enum Kind: String, Sendable {
    /// The bytes do not follow the format.
    case corrupt
    /// Valid Parquet that this reader or writer does not handle.
    case notSupported
    /// The operating system refused a read or write.
    case io
    /// A value does not fit the requested type exactly.
    case inexact
    /// The caller's request does not fit the file (unknown column, bad row range).
    case invalidRequest
  }

  package var kind: Kind
  package var message: String
  /// Offset in the file (or in the decompressed page, where the message says so).
  package var byteOffset: Int?
  /// Dotted path of the column concerned.
  package var column: String?
  /// Row of the file, from 1, where one value is at fault.
  package var row: Int?
  /// Path or name of the file, added where it is known.
  package var file: String?
  /// What the user can do about it.
  package var hint: String?

  package init(_ kind: Kind, _ message: String, byteOffset: Int? = nil, column: String? = nil, file: String? = nil, hint: String? = nil) {
    self.kind = kind
    self.message = message
    self.byteOffset = byteOffset
    self.column = column
    self.file = file
    self.hint = hint
  }

  /// The bytes do not follow the format.
  package static func corrupt(_ message: String, at byteOffset: Int? = nil) -> ParquetError {
    ParquetError(.corrupt, message, byteOffset: byteOffset)
  }

  /// Valid Parquet that is not handled; `message` names the feature.
  package static func notSupported(_ message: String) -> ParquetError { ParquetError(.notSupported, message) }

  /// The same error with the file, column and row filled in where they were unknown.
  package func located(file: String? = nil, column: String? = nil, row: Int? = nil) -> ParquetError {
    var copy = self
    if copy.file == nil { copy.file = file }
    if copy.column == nil { copy.column = column }
    if copy.row == nil { copy.row = row }
    return copy
  }

  package var description: String {
    var text = ""
    if let file { text += "\(file): " }
    if let column { text += "column '\(column)'\(row.map { ", row \($0)" } ?? ""): " }
    switch kind {
    case .corrupt: text += "corrupt Parquet: "
    case .notSupported: text += "not supported yet: "
    case .io, .inexact, .invalidRequest: break
    }
    text += message
    if let byteOffset { text += " (at byte \(byteOffset))" }
    return text
  }
}

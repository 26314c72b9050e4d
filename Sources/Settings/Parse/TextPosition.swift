// Role: a place in the file, and errors that name it.

package import DataSource

/// Line and column, counted from 1 in characters.
package struct TextPosition: Sendable, Hashable, Comparable, CustomStringConvertible {
  package var line: Int
  package var column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  package static func < (a: Self, b: Self) -> Bool { (a.line, a.column) < (b.line, b.column) }
  /// `12:3`.
  package var description: String { "\(line):\(column)" }
}

/// A file's name and a place in it, for messages.
package struct ConfigurationPlace: Sendable, Hashable, CustomStringConvertible {
  package var path: String
  package var position: TextPosition

  /// `kconnect.toml:12:3`.
  package var description: String { "\(path):\(position)" }

  /// CONFIGURATION with the place in front.
  package func error(_ message: String, hint: String? = nil, cause: (any Error)? = nil) -> KConnectError {
    KConnectError(.configuration, "\(self): \(message)", hint: hint, cause: cause)
  }
}

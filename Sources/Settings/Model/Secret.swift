// Role: a value that may be secret and may stand elsewhere. It prints as `…` wherever it gets to: descriptions, dumps, interpolation.

#if canImport(Glibc)
import Glibc
#endif
import DataSource

/// A text, or where it stands: `env:NAME` or `file:PATH`. Read when it is used, so that a profile that is not used needs no variables.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let reference: String

  /// The text, `env:NAME` or `file:PATH`.
  package init(_ reference: String) { self.reference = reference }

  /// True when the text itself is held, not its place.
  package var isLiteral: Bool { !reference.hasPrefix("env:") && !reference.hasPrefix("file:") }

  /// The value; a file's without the line end. Throws CONFIGURATION that names the variable or file, never the value.
  package func reveal() throws -> String {
    if reference.hasPrefix("env:") {
      let name = String(reference.dropFirst(4))
      // SAFETY: the environment is not changed while commands run; the text is copied.
      guard let value = unsafe getenv(name).map({ unsafe String(cString: $0) }) else {
        throw KConnectError(.configuration, "environment variable '\(name)' is not set", hint: "it holds the value of an option")
      }
      return value
    }
    if reference.hasPrefix("file:") {
      let path = String(reference.dropFirst(5))
      guard let bytes = try SmallFile.read(path, limit: 1 << 20, tooLarge: .configuration) else {
        throw KConnectError(.configuration, "the file '\(path)' does not exist", hint: "it holds the value of an option")
      }
      var text = Substring(decoding: bytes, as: UTF8.self)
      while let last = text.last, last.isNewline { text.removeLast() }
      return String(text)
    }
    return reference
  }

  /// `env:NAME` and `file:PATH` as they are, any other text as `…`.
  package var description: String { isLiteral ? "…" : reference }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// An option as the file gives it.
package struct ConfiguredOption: Sendable, Hashable {
  package var name: String
  package var value: Secret
  package var place: ConfigurationPlace

  /// Name and value for a reader or writer. Throws CONFIGURATION with the place.
  package func revealed() throws -> (String, String) {
    do { return (name, try value.reveal()) } catch let error as KConnectError {
      throw place.error("'\(name)': \(error.message)", hint: error.hint, cause: error)
    }
  }
}

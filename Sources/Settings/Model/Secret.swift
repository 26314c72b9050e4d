// Role: a value that may be secret and may stand elsewhere. It prints as `…` wherever it gets to: descriptions, dumps, interpolation.

#if canImport(Glibc)
import Glibc
#endif
import DataSource

/// A text, or where it stands: `env:NAME` or, for secrets, `file:PATH`. Read when it is used, so that a profile that is not used needs no variables.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private enum Place: Hashable {
    case here
    case variable(String)
    case file(String)
  }

  private let reference: String
  private let place: Place

  /// The text, `env:NAME` or `file:PATH`. Of an option that holds no secret, only the whole text `env:NAME` is a place: a path or an address
  /// may begin with `file:`.
  package init(_ reference: String, ofSecret: Bool = true) {
    self.reference = reference
    let name = reference.hasPrefix("env:") ? String(reference.dropFirst(4)) : nil
    if let name, ofSecret || Self.isVariable(name) {
      place = .variable(name)
    } else if ofSecret, reference.hasPrefix("file:") {
      place = .file(String(reference.dropFirst(5)))
    } else {
      place = .here
    }
  }

  /// Letters, digits and `_`, not a digit first.
  private static func isVariable(_ name: String) -> Bool {
    func isLetter(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "_") || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A }
    guard let first = name.utf8.first, isLetter(first) else { return false }
    return name.utf8.allSatisfy { isLetter($0) || $0 >= 0x30 && $0 <= 0x39 }
  }

  /// True when the text itself is held, not its place.
  package var isLiteral: Bool { place == .here }

  /// The value; a file's without the line end. Throws CONFIGURATION that names the variable or file, never the value.
  package func reveal() throws -> String {
    switch place {
    case .here: return reference
    case .variable(let name):
      // SAFETY: the environment is not changed while commands run; the text is copied.
      guard let value = unsafe getenv(name).map({ unsafe String(cString: $0) }) else {
        throw KConnectError(.configuration, "environment variable '\(name)' is not set", hint: "it holds the value of an option")
      }
      return value
    case .file(let path):
      guard let bytes = try SmallFile.read(path, limit: 1 << 20, tooLarge: .configuration) else {
        throw KConnectError(.configuration, "the file '\(path)' does not exist", hint: "it holds the value of an option")
      }
      var text = Substring(decoding: bytes, as: UTF8.self)
      while let last = text.last, last.isNewline { text.removeLast() }
      return String(text)
    }
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

// Role: what can be wrong with an Avro file; callers add its name.

/// Why a file, or a part of it, cannot be read.
package struct AvroError: Error, Sendable, CustomStringConvertible {
  package enum Kind: Sendable {
    /// The bytes are no Avro, or damaged.
    case damaged
    /// A value that no column of ours holds.
    case value
    /// Something of the format that is not read here.
    case notSupported
  }

  package let kind: Kind
  /// With the byte where it stands.
  package let message: String
  package var description: String { message }

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }
}

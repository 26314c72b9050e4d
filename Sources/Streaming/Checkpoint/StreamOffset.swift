// Role: a position in a source as the write-ahead log holds it, and the small JSON objects of the checkpoint.

package import Columnar
import DataSource
import Delta

/// A position in a source: one JSON value on one line. Only the source knows what it means.
package struct StreamOffset: Sendable, Hashable, CustomStringConvertible {
  package let json: String

  package init(json: String) { self.json = json }

  package init(_ value: DynamicValue) { json = value.json }

  package var description: String { json }

  /// The value; throws CHECKPOINT_CONFLICT when it is not JSON.
  package func value() throws -> DynamicValue {
    do { return try JSONTree.parse(Array(json.utf8), place: "an offset") } catch {
      throw KConnectError(.checkpointConflict, "the offset '\(json.prefix(80))' is not JSON")
    }
  }
}

extension DynamicValue {
  /// A bag in the order given.
  static func object(_ members: [(String, DynamicValue)]) -> DynamicValue { .bag(members.map { DynamicEntry($0.0, $0.1) }) }

  /// The whole number under a key.
  func integer(_ key: String) -> Int? {
    if case .long(let value)? = self[key] { return Int(value) }
    return nil
  }

  /// The text under a key.
  func text(_ key: String) -> String? {
    if case .string(let value)? = self[key] { return value }
    return nil
  }
}

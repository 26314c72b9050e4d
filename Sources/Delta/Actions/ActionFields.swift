// Role: typed access to the members of an action, with errors that say where the action stands.

package import Columnar
import DataSource

/// The members of one JSON object (or checkpoint struct). Null members count as absent.
package struct ActionFields {
  private let entries: [DynamicEntry]
  /// The action's name, and file and line, for messages.
  private let name: String
  private let place: String

  package init(_ value: DynamicValue, name: String, place: String) throws {
    guard case .bag(let entries) = value else { throw DeltaError.corrupt(place, "'\(name)' is not an object") }
    self.entries = entries
    self.name = name
    self.place = place
  }

  func wrong(_ key: String, _ expected: String, _ found: DynamicValue) -> KConnectError {
    DeltaError.corrupt(place, "\(name).\(key): expected \(expected), found \(found.json.prefix(80))")
  }

  private func missing(_ key: String) -> KConnectError { DeltaError.corrupt(place, "\(name) lacks the required member '\(key)'") }

  /// All members in order.
  package var members: [DynamicEntry] { entries }

  /// A member that is not null.
  package func value(_ key: String) -> DynamicValue? {
    guard let value = entries.first(where: { $0.key == key })?.value, value != .null else { return nil }
    return value
  }

  package func optionalString(_ key: String) throws -> String? {
    guard let value = value(key) else { return nil }
    guard case .string(let text) = value else { throw wrong(key, "a string", value) }
    return text
  }

  package func string(_ key: String) throws -> String {
    guard let text = try optionalString(key) else { throw missing(key) }
    return text
  }

  package func optionalLong(_ key: String) throws -> Int64? {
    switch value(key) {
    case nil: return nil
    case .long(let v)?: return v
    case .real(let v)?:
      guard let whole = Int64(exactly: v) else { throw wrong(key, "a whole number", .real(v)) }
      return whole
    case let other?: throw wrong(key, "a whole number", other)
    }
  }

  package func long(_ key: String) throws -> Int64 {
    guard let v = try optionalLong(key) else { throw missing(key) }
    return v
  }

  package func optionalBool(_ key: String) throws -> Bool? {
    guard let value = value(key) else { return nil }
    guard case .bool(let v) = value else { throw wrong(key, "true or false", value) }
    return v
  }

  package func bool(_ key: String) throws -> Bool {
    guard let v = try optionalBool(key) else { throw missing(key) }
    return v
  }

  package func optionalStrings(_ key: String) throws -> [String]? {
    guard let value = value(key) else { return nil }
    guard case .array(let items) = value else { throw wrong(key, "an array of strings", value) }
    var out: [String] = []
    for item in items {
      guard case .string(let text) = item else { throw wrong(key, "an array of strings", value) }
      out.append(text)
    }
    return out
  }

  /// A map to strings; other scalars are taken as their text (some writers put numbers there), nulls stay.
  package func optionalNullableMap(_ key: String) throws -> [String: String?]? {
    guard let value = value(key) else { return nil }
    guard case .bag(let members) = value else { throw wrong(key, "an object", value) }
    var out: [String: String?] = Dictionary(minimumCapacity: members.count)
    for member in members { out.updateValue(member.value == .null ? nil : member.value.text, forKey: member.key) }
    return out
  }

  /// A map to strings without its null members.
  package func optionalMap(_ key: String) throws -> [String: String]? { try optionalNullableMap(key)?.compactMapValues { $0 } }

  /// A nested object.
  package func optionalObject(_ key: String) throws -> ActionFields? {
    try value(key).map { try ActionFields($0, name: "\(name).\(key)", place: place) }
  }

  package func object(_ key: String) throws -> ActionFields {
    guard let fields = try optionalObject(key) else { throw missing(key) }
    return fields
  }
}

// Role: rows as `Decodable` Swift values: properties are matched with columns by name, conversions keep the value (a fraction: its
// decimal digits) or are an error that names row and column.

import Columnar
import DataSource

enum RowDecoder {
  /// One row as a value. `rowNumber` counts from 0, for messages.
  static func decode<Value: Decodable>(_ type: Value.Type, from row: Row, rowNumber: Int) throws -> Value {
    do {
      if let plain = type as? any RowValue.Type, row.count == 1 {
        if let value = plain.init(scalar: row.get(0)) as? Value { return value }
      }
      return try Value(from: RowSource(row: row))
    } catch let error as DecodingError {
      throw KConnectError(.typeMismatch, "row \(rowNumber + 1): \(text(error, row))", hint: "columns: \(row.schema)", cause: error)
    }
  }

  private static func text(_ error: DecodingError, _ row: Row) -> String {
    func place(_ context: DecodingError.Context) -> String { context.codingPath.map(\.stringValue).joined(separator: ".") }
    switch error {
    case .keyNotFound(let key, _):
      let near = nearestNames(to: key.stringValue, among: row.schema.names, limit: 1).first
      return "no column '\(key.stringValue)'" + (near.map { "; did you mean '\($0)'?" } ?? "")
    case .valueNotFound(let type, let context): return "column '\(place(context))' is null, expected \(type); make the property optional"
    case .typeMismatch(let type, let context): return "column '\(place(context))': \(context.debugDescription), expected \(type)"
    case .dataCorrupted(let context): return "column '\(place(context))': \(context.debugDescription)"
    @unknown default: return "\(error)"
    }
  }
}

/// A row as the source of a keyed value.
private struct RowSource: Decoder {
  let row: Row
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(KeyedValues(names: row.schema.names, codingPath: []) { name in row.schema.index(of: name).map { row.get($0) } })
  }
  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { ListValues(items: row.values, codingPath: []) }
  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    SingleValue(scalar: row.count > 0 ? row.get(0) : .null(.dynamic), codingPath: [])
  }
}

/// Any value as a source: scalars, and dynamic arrays and bags.
private struct ValueSource: Decoder {
  let scalar: Scalar
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard case .dynamic(.bag(let entries)) = scalar else { throw mismatch([String: Int].self, scalar, codingPath) }
    let bag = DynamicValue.bag(entries)
    return KeyedDecodingContainer(KeyedValues(names: entries.map(\.key), codingPath: codingPath) { bag[$0]?.unwrapped })
  }
  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard case .dynamic(.array(let items)) = scalar else { throw mismatch([Int].self, scalar, codingPath) }
    return ListValues(items: items.map(\.unwrapped), codingPath: codingPath)
  }
  func singleValueContainer() throws -> any SingleValueDecodingContainer { SingleValue(scalar: scalar, codingPath: codingPath) }
}

private func mismatch(_ type: Any.Type, _ scalar: Scalar, _ path: [any CodingKey]) -> DecodingError {
  .typeMismatch(type, .init(codingPath: path, debugDescription: "found \(scalar.type) '\(ValueText.text(scalar).prefix(80))'"))
}

/// The scalar as a Swift value; nested and custom types by their own `init(from:)`.
private func value<T: Decodable>(_ type: T.Type, _ scalar: Scalar, _ path: [any CodingKey]) throws -> T {
  if let plain = type as? any RowValue.Type {
    if scalar.isNull, type != DynamicValue.self as Any.Type {
      throw DecodingError.valueNotFound(type, .init(codingPath: path, debugDescription: "null"))
    }
    if let value = plain.init(scalar: scalar) as? T { return value }
    throw mismatch(type, scalar, path)
  }
  return try T(from: ValueSource(scalar: scalar, codingPath: path))
}

private struct KeyedValues<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let names: [String]
  let codingPath: [any CodingKey]
  let get: (String) -> Scalar?

  init(names: [String], codingPath: [any CodingKey], get: @escaping (String) -> Scalar?) {
    self.names = names
    self.codingPath = codingPath
    self.get = get
  }

  var allKeys: [Key] { names.compactMap { Key(stringValue: $0) } }
  func contains(_ key: Key) -> Bool { get(key.stringValue) != nil }

  private func scalar(_ key: Key) throws -> Scalar {
    guard let found = get(key.stringValue) else {
      throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "no column"))
    }
    return found
  }

  func decodeNil(forKey key: Key) throws -> Bool { try scalar(key).isNull }
  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try value(type, scalar(key), codingPath + [key]) }
  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
    try ValueSource(scalar: scalar(key), codingPath: codingPath + [key]).container(keyedBy: type)
  }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try ValueSource(scalar: scalar(key), codingPath: codingPath + [key]).unkeyedContainer()
  }
  func superDecoder() throws -> any Decoder { ValueSource(scalar: .null(.dynamic), codingPath: codingPath) }
  func superDecoder(forKey key: Key) throws -> any Decoder { ValueSource(scalar: try scalar(key), codingPath: codingPath + [key]) }
}

private struct ListValues: UnkeyedDecodingContainer {
  let items: [Scalar]
  let codingPath: [any CodingKey]
  var currentIndex = 0

  init(items: [Scalar], codingPath: [any CodingKey]) {
    self.items = items
    self.codingPath = codingPath
  }

  var count: Int? { items.count }
  var isAtEnd: Bool { currentIndex >= items.count }

  private mutating func next(_ type: Any.Type) throws -> Scalar {
    guard currentIndex < items.count else {
      throw DecodingError.valueNotFound(type, .init(codingPath: codingPath, debugDescription: "the array ends at \(items.count)"))
    }
    defer { currentIndex += 1 }
    return items[currentIndex]
  }

  mutating func decodeNil() throws -> Bool {
    guard currentIndex < items.count, items[currentIndex].isNull else { return false }
    currentIndex += 1
    return true
  }
  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try value(type, next(type), codingPath) }
  mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
    try ValueSource(scalar: next(type), codingPath: codingPath).container(keyedBy: type)
  }
  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try ValueSource(scalar: next([Int].self), codingPath: codingPath).unkeyedContainer()
  }
  mutating func superDecoder() throws -> any Decoder { ValueSource(scalar: try next(Any.self), codingPath: codingPath) }
}

private struct SingleValue: SingleValueDecodingContainer {
  let scalar: Scalar
  let codingPath: [any CodingKey]

  func decodeNil() -> Bool { scalar.isNull }
  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    if type is any RowValue.Type { return try value(type, scalar, codingPath) }
    return try T(from: ValueSource(scalar: scalar, codingPath: codingPath))
  }
}

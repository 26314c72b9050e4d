// Role: any `Encodable` value as a scalar: primitives and `RowValue` types as they are, arrays and keyed values as dynamic. Needs no Foundation.

import Columnar

/// A value under construction; containers fill it in place.
final class EncodedNode {
  enum Content {
    case empty
    case scalar(Scalar)
    case array([EncodedNode])
    case object([(String, EncodedNode)])
  }
  var content = Content.empty
  /// The places of an object's keys.
  private var places: [String: Int] = [:]

  /// The value as a scalar; nil for nothing or nil.
  var scalar: Scalar? {
    switch content {
    case .empty: nil
    case .scalar(let value): value.isNull ? nil : value
    case .array, .object: .dynamic(dynamic)
    }
  }

  /// The value as a dynamic value.
  var dynamic: DynamicValue {
    switch content {
    case .empty: .null
    case .scalar(let value): DynamicValue(scalar: value) ?? .null
    case .array(let items): .array(items.map(\.dynamic))
    case .object(let entries): .bag(entries.map { DynamicEntry($0.0, $0.1.dynamic) })
    }
  }

  func element() -> EncodedNode {
    let node = EncodedNode()
    var items: [EncodedNode] = []
    if case .array(let known) = content { items = known }
    // Nothing else holds the array while it grows.
    content = .empty
    items.append(node)
    content = .array(items)
    return node
  }

  func entry(_ key: String) -> EncodedNode {
    let node = EncodedNode()
    var entries: [(String, EncodedNode)] = []
    if case .object(let known) = content { entries = known }
    content = .empty
    if let place = places[key] {
      entries[place].1 = node
    } else {
      places[key] = entries.count
      entries.append((key, node))
    }
    content = .object(entries)
    return node
  }

  /// Puts a value: column values as they are, others by their `encode(to:)`.
  func put<T: Encodable>(_ value: T, path: [any CodingKey]) throws {
    if let value = value as? any RowValue {
      content = .scalar(value.scalar)
    } else {
      try value.encode(to: ValueEncoder(node: self, codingPath: path))
    }
  }
}

/// Fills one node.
struct ValueEncoder: Encoder {
  let node: EncodedNode
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    if case .empty = node.content { node.content = .object([]) }
    return KeyedEncodingContainer(KeyedNodes(node: node, codingPath: codingPath))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    if case .empty = node.content { node.content = .array([]) }
    return UnkeyedNodes(node: node, codingPath: codingPath)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { SingleNode(node: node, codingPath: codingPath) }
}

private struct KeyedNodes<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let node: EncodedNode
  let codingPath: [any CodingKey]

  mutating func encodeNil(forKey key: Key) { _ = node.entry(key.stringValue) }
  mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    try node.entry(key.stringValue).put(value, path: codingPath + [key])
  }
  mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<Nested> {
    ValueEncoder(node: node.entry(key.stringValue), codingPath: codingPath + [key]).container(keyedBy: type)
  }
  mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    ValueEncoder(node: node.entry(key.stringValue), codingPath: codingPath + [key]).unkeyedContainer()
  }
  mutating func superEncoder() -> any Encoder { ValueEncoder(node: node.entry("super"), codingPath: codingPath) }
  mutating func superEncoder(forKey key: Key) -> any Encoder {
    ValueEncoder(node: node.entry(key.stringValue), codingPath: codingPath + [key])
  }
}

private struct UnkeyedNodes: UnkeyedEncodingContainer {
  let node: EncodedNode
  let codingPath: [any CodingKey]

  var count: Int {
    if case .array(let items) = node.content { return items.count }
    return 0
  }
  mutating func encodeNil() { _ = node.element() }
  mutating func encode<T: Encodable>(_ value: T) throws { try node.element().put(value, path: codingPath) }
  mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
    ValueEncoder(node: node.element(), codingPath: codingPath).container(keyedBy: type)
  }
  mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    ValueEncoder(node: node.element(), codingPath: codingPath).unkeyedContainer()
  }
  mutating func superEncoder() -> any Encoder { ValueEncoder(node: node.element(), codingPath: codingPath) }
}

private struct SingleNode: SingleValueEncodingContainer {
  let node: EncodedNode
  let codingPath: [any CodingKey]

  mutating func encodeNil() { node.content = .empty }
  mutating func encode<T: Encodable>(_ value: T) throws { try node.put(value, path: codingPath) }
}

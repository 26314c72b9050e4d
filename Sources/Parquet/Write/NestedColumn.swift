// The schema of a file of nested rows, and how one row of dynamic values is cut into leaf values with their levels (the Dremel encoding).

import Columnar

/// A column of a nested file. Everything is optional; map keys are required.
package indirect enum NestedColumn: Sendable {
  /// How a leaf is stored.
  package enum Leaf: Sendable { case bool, int32, int64, string }

  case leaf(String, Leaf)
  case group(String, [NestedColumn])
  case list(String, element: Leaf)
  case map(String, key: Leaf, value: Leaf)

  package var name: String {
    switch self {
    case .leaf(let name, _), .group(let name, _), .list(let name, _), .map(let name, _, _): name
    }
  }
}

/// The values of one leaf column, growing: levels of every entry and the plain bytes of those that are there.
final class NestedLeaf {
  let kind: NestedColumn.Leaf
  /// Names from below the root.
  let path: [String]
  let maxDefinition: Int
  let maxRepetition: Int
  let definitions = BufferBuilder<Int32>()
  let repetitions = BufferBuilder<Int32>()
  let values = BufferBuilder<UInt8>()
  /// Booleans, packed when the chunk is written.
  let bits = BitmapBuilder()

  init(_ kind: NestedColumn.Leaf, path: [String], maxDefinition: Int, maxRepetition: Int) {
    self.kind = kind
    self.path = path
    self.maxDefinition = maxDefinition
    self.maxRepetition = maxRepetition
  }

  var physicalType: PhysicalType {
    switch kind {
    case .bool: .boolean
    case .int32: .int32
    case .int64: .int64
    case .string: .byteArray
    }
  }

  func appendNothing(definition: Int, repetition: Int) {
    definitions.append(Int32(definition))
    repetitions.append(Int32(repetition))
  }

  /// Appends a value; one of another type than the leaf's is refused.
  func append(_ value: DynamicValue, repetition: Int) throws(ParquetError) {
    switch (kind, value) {
    case (.bool, .bool(let v)): bits.append(v)
    case (.int32, .long(let v)):
      guard let small = Int32(exactly: v) else { throw ParquetError(.invalidRequest, "\(v) does not fit 32 bits", column: path.joined(separator: ".")) }
      put(small)
    case (.int64, .long(let v)): put(v)
    case (.string, .string(let text)):
      put(Int32(truncatingIfNeeded: text.utf8.count))
      for byte in text.utf8 { values.append(byte) }
    default: throw ParquetError(.invalidRequest, "found \(value.json.prefix(60)), expected \(kind)", column: path.joined(separator: "."))
    }
    definitions.append(Int32(maxDefinition))
    repetitions.append(Int32(repetition))
  }

  private func put<T: FixedWidthInteger>(_ value: T) {
    for k in 0..<MemoryLayout<T>.size { values.append(UInt8(truncatingIfNeeded: value >> T(8 * k))) }
  }

  func removeAll() {
    definitions.removeAll()
    repetitions.removeAll()
    values.removeAll()
    _ = bits.finish()
  }
}

/// A column with the leaves it is made of.
indirect enum NestedShape {
  case leaf(String, NestedLeaf, definition: Int)
  case group(String, [NestedShape], definition: Int)
  /// The leaves are the element, or key and value; `definition` is the level of the list itself.
  case repeated(String, [NestedLeaf], isMap: Bool, definition: Int)

  /// The shape of a column below `parents`, its leaves appended to `leaves`, its schema to `elements`.
  init(_ column: NestedColumn, parents: [String], definition: Int, leaves: inout [NestedLeaf], elements: inout [SchemaElement]) {
    let own = definition + 1
    let path = parents + [column.name]
    func leaf(_ name: String, _ kind: NestedColumn.Leaf, _ repetition: Repetition, _ path: [String], _ definition: Int, _ level: Int) -> NestedLeaf {
      let made = NestedLeaf(kind, path: path, maxDefinition: definition, maxRepetition: level)
      leaves.append(made)
      elements.append(SchemaElement(name: name, type: made.physicalType, repetition: repetition, logical: kind == .string ? .string : nil))
      return made
    }
    switch column {
    case .leaf(let name, let kind): self = .leaf(name, leaf(name, kind, .optional, path, own, 0), definition: own)
    case .group(let name, let children):
      elements.append(SchemaElement(name: name, repetition: .optional, childCount: children.count))
      self = .group(
        name, children.map { NestedShape($0, parents: path, definition: own, leaves: &leaves, elements: &elements) }, definition: own)
    case .list(let name, let element):
      elements.append(SchemaElement(name: name, repetition: .optional, childCount: 1, logical: .list))
      elements.append(SchemaElement(name: "list", repetition: .repeated, childCount: 1))
      self = .repeated(name, [leaf("element", element, .optional, path + ["list", "element"], own + 2, 1)], isMap: false, definition: own)
    case .map(let name, let key, let value):
      elements.append(SchemaElement(name: name, repetition: .optional, childCount: 1, logical: .map))
      elements.append(SchemaElement(name: "key_value", repetition: .repeated, childCount: 2))
      let inner = path + ["key_value"]
      let keys = leaf("key", key, .required, inner + ["key"], own + 1, 1)
      self = .repeated(name, [keys, leaf("value", value, .optional, inner + ["value"], own + 2, 1)], isMap: true, definition: own)
    }
  }

  var name: String {
    switch self {
    case .leaf(let name, _, _), .group(let name, _, _), .repeated(let name, _, _, _): name
    }
  }

  /// Appends the column's part of one row; `value` nil or null where it has none. Members that the schema lacks are left out.
  func append(_ value: DynamicValue?, depth: Int = 0) throws(ParquetError) {
    let present = value == .null ? nil : value
    switch self {
    case .leaf(_, let leaf, _):
      if let present { try leaf.append(present, repetition: 0) } else { leaf.appendNothing(definition: depth, repetition: 0) }
    case .group(_, let children, let definition):
      for child in children { try child.append(present?[child.name], depth: present == nil ? depth : definition) }
    case .repeated(let name, let leaves, let isMap, let definition):
      let items: [(DynamicValue?, DynamicValue)]
      switch present {
      case .array(let elements)? where !isMap: items = elements.map { (nil, $0) }
      case .bag(let entries)? where isMap: items = entries.map { (.string($0.key), $0.value) }
      case nil: items = []
      default: throw ParquetError(.invalidRequest, "a list or map expected", column: name)
      }
      if items.isEmpty {
        for leaf in leaves { leaf.appendNothing(definition: present == nil ? depth : definition, repetition: 0) }
      }
      for (i, item) in items.enumerated() {
        let repetition = i == 0 ? 0 : 1
        if let key = item.0 { try leaves[0].append(key, repetition: repetition) }
        let last = leaves[leaves.count - 1]
        if item.1 == .null { last.appendNothing(definition: definition + 1, repetition: repetition) } else { try last.append(item.1, repetition: repetition) }
      }
    }
  }
}

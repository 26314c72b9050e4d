// The schema as a tree with levels, built from the flattened elements of the footer.
// Source: parquet-format README ("Nested Encoding") and LogicalTypes.md (lists and maps, with their backward-compatibility rules).

/// A leaf column: what is stored in one column chunk per row group.
package struct LeafColumn: Sendable {
  /// Position among the leaves, which is the position of its chunk in a row group.
  package var index: Int
  package var element: SchemaElement
  package var type: PhysicalType
  /// Names from below the root.
  package var path: [String]
  package var maxDefinitionLevel: Int
  package var maxRepetitionLevel: Int

  /// The path with dots.
  package var dottedPath: String { path.joined(separator: ".") }

  /// Bytes per value, nil for BYTE_ARRAY and BOOLEAN.
  package var fixedWidth: Int? {
    switch type {
    case .boolean, .byteArray: return nil
    case .int32, .float: return 4
    case .int64, .double: return 8
    case .int96: return 12
    case .fixedLenByteArray: return element.typeLength ?? 0
    }
  }
}

/// A node of the schema tree with the levels it is reached at.
package struct SchemaNode: Sendable {
  package var element: SchemaElement
  /// Definition level of a present value of this node.
  package var definitionLevel: Int
  /// Repetition level of this node's further elements.
  package var repetitionLevel: Int
  package var children: [SchemaNode]
  /// Leaves below (or the leaf itself), by index.
  package var leaves: Range<Int>

  package var isLeaf: Bool { element.type != nil }
  package var name: String { element.name }
  package var repetition: Repetition { element.repetition ?? .required }
}

/// The schema of a file.
package struct SchemaTree: Sendable {
  /// Top-level fields.
  package var fields: [SchemaNode]
  package var leaves: [LeafColumn]

  /// Deepest nesting accepted; levels then fit 8 bits and recursion stays shallow.
  package static let maxDepth = 100

  /// Checks counts, depth and types while building.
  package init(_ elements: [SchemaElement]) throws(ParquetError) {
    guard let root = elements.first else { throw .corrupt("schema without a root") }
    var leaves: [LeafColumn] = []
    var position = 1
    var fields: [SchemaNode] = []
    for _ in 0..<(root.childCount ?? 0) {
      fields.append(try Self.build(elements, &position, &leaves, path: [], definition: 0, repetition: 0))
    }
    guard position == elements.count else {
      throw .corrupt("schema has \(elements.count) elements, its tree uses \(position)")
    }
    self.fields = fields
    self.leaves = leaves
  }

  private static func build(
    _ elements: [SchemaElement], _ position: inout Int, _ leaves: inout [LeafColumn], path: [String], definition: Int,
    repetition: Int
  ) throws(ParquetError) -> SchemaNode {
    guard position < elements.count else { throw .corrupt("schema tree ends early") }
    guard path.count < maxDepth else { throw .notSupported("schema nested deeper than \(maxDepth)") }
    let element = elements[position]
    position += 1
    let path = path + [element.name]
    let kind = element.repetition ?? .required
    let definition = definition + (kind == .required ? 0 : 1)
    let repetition = repetition + (kind == .repeated ? 1 : 0)
    let firstLeaf = leaves.count
    let childCount = element.childCount ?? 0
    if let type = element.type {
      guard childCount == 0 else { throw .corrupt("leaf '\(element.name)' with children") }
      if type == .fixedLenByteArray {
        guard let length = element.typeLength, length >= 0, length <= 1 << 20 else {
          throw .corrupt("fixed-length column '\(element.name)' of \(element.typeLength ?? -1) bytes")
        }
      }
      leaves.append(
        LeafColumn(
          index: firstLeaf, element: element, type: type, path: path, maxDefinitionLevel: definition,
          maxRepetitionLevel: repetition))
      return SchemaNode(
        element: element, definitionLevel: definition, repetitionLevel: repetition, children: [], leaves: firstLeaf..<firstLeaf + 1)
    }
    guard childCount <= elements.count - position else { throw .corrupt("group '\(element.name)' of \(childCount) children") }
    var children: [SchemaNode] = []
    for _ in 0..<childCount {
      children.append(try build(elements, &position, &leaves, path: path, definition: definition, repetition: repetition))
    }
    return SchemaNode(
      element: element, definitionLevel: definition, repetitionLevel: repetition, children: children,
      leaves: firstLeaf..<leaves.count)
  }
}

// The shape of a nested column: which groups are structs, lists and maps.
// Source: parquet-format LogicalTypes.md, "Nested Types", including the backward-compatibility rules for lists.

/// A node of a nested column, ready for assembly into dynamic values.
package indirect enum NestedNode: Sendable {
  /// A leaf: `column` is its index among all leaves.
  case leaf(column: Int, mapping: ValueMapping, definitionLevel: Int)
  /// A bag with one entry per child; null below `definitionLevel` when `isOptional`.
  case structure(names: [String], children: [NestedNode], definitionLevel: Int, isOptional: Bool)
  /// An array. Levels below `nullBelow` mean null (0 for lists that cannot be), levels below `definitionLevel` mean empty.
  case list(element: NestedNode, nullBelow: Int, definitionLevel: Int, repetitionLevel: Int)
  /// A bag whose keys are texts of the keys.
  case map(key: NestedNode, value: NestedNode, nullBelow: Int, definitionLevel: Int, repetitionLevel: Int)
  /// A value of any kind in its own binary encoding, parts of which may be columns.
  case variant(VariantShape)

  /// Calls `body` with each leaf below and how its values are read.
  func forEachLeaf(_ body: (Int, ValueMapping) -> Void) {
    switch self {
    case .leaf(let column, let mapping, _): body(column, mapping)
    case .structure(_, let children, _, _): for child in children { child.forEachLeaf(body) }
    case .list(let element, _, _, _): element.forEachLeaf(body)
    case .map(let key, let value, _, _, _):
      key.forEachLeaf(body)
      value.forEachLeaf(body)
    case .variant(let shape): shape.forEachLeaf(body)
    }
  }

  /// The shape of a top-level or inner node.
  static func make(_ node: SchemaNode, leaves: [LeafColumn]) throws(ParquetError) -> NestedNode {
    if node.repetition == .repeated {
      // A repeated field outside a list or map is a required list of required elements.
      let element = try present(node, leaves: leaves)
      return .list(
        element: element, nullBelow: 0, definitionLevel: node.definitionLevel, repetitionLevel: node.repetitionLevel)
    }
    return try present(node, leaves: leaves)
  }

  /// The shape of one value of `node`, its own repetition aside.
  private static func present(_ node: SchemaNode, leaves: [LeafColumn]) throws(ParquetError) -> NestedNode {
    if node.isLeaf {
      let leaf = leaves[node.leaves.lowerBound]
      return .leaf(
        column: leaf.index, mapping: try ValueMapping.make(leaf, recorded: nil), definitionLevel: node.definitionLevel)
    }
    guard !node.leaves.isEmpty else { throw .notSupported("group '\(node.name)' without columns") }
    switch node.element.annotation {
    case .list: if let list = try list(node, leaves: leaves) { return list }
    case .map: if let map = try map(node, leaves: leaves) { return map }
    case .variant(let version):
      guard version == 1 else { throw .notSupported("VARIANT of version \(version)") }
      return .variant(try VariantShape(node, leaves: leaves))
    default: break
    }
    var children: [NestedNode] = []
    for child in node.children { children.append(try make(child, leaves: leaves)) }
    return .structure(
      names: node.children.map(\.name), children: children, definitionLevel: node.definitionLevel,
      isOptional: node.repetition == .optional)
  }

  private static func nullLevel(_ node: SchemaNode) -> Int { node.repetition == .optional ? node.definitionLevel : 0 }

  /// Nil when the group is not shaped like a list; it is then read as a struct.
  private static func list(_ node: SchemaNode, leaves: [LeafColumn]) throws(ParquetError) -> NestedNode? {
    guard node.children.count == 1, let repeated = node.children.first, repeated.repetition == .repeated else { return nil }
    // The rules, in order: a leaf is the element; a group of several fields is the element; a group of one field named `array` or
    // `<list>_tuple` is the element; a group whose one field repeats is the element; otherwise the group only wraps the element.
    let isElement =
      repeated.isLeaf || repeated.children.count != 1 || repeated.name == "array" || repeated.name == "\(node.name)_tuple"
      || repeated.children[0].repetition == .repeated || repeated.element.annotation == .list
      || repeated.element.annotation == .map
    let element =
      isElement ? try present(repeated, leaves: leaves) : try make(repeated.children[0], leaves: leaves)
    return .list(
      element: element, nullBelow: nullLevel(node), definitionLevel: repeated.definitionLevel,
      repetitionLevel: repeated.repetitionLevel)
  }

  /// Nil when the group is not shaped like a map.
  private static func map(_ node: SchemaNode, leaves: [LeafColumn]) throws(ParquetError) -> NestedNode? {
    guard node.children.count == 1, let entry = node.children.first, entry.repetition == .repeated, !entry.isLeaf,
      let key = entry.children.first, entry.children.count <= 2
    else { return nil }
    guard entry.children.count == 2 else {
      // A map without values is a set of keys.
      return .list(
        element: try make(key, leaves: leaves), nullBelow: nullLevel(node), definitionLevel: entry.definitionLevel,
        repetitionLevel: entry.repetitionLevel)
    }
    guard key.isLeaf, key.repetition != .repeated else {
      // Only texts can be keys of a bag: other maps are lists of {"key":…,"value":…}.
      let pair = NestedNode.structure(
        names: ["key", "value"], children: [try make(key, leaves: leaves), try make(entry.children[1], leaves: leaves)],
        definitionLevel: entry.definitionLevel, isOptional: false)
      return .list(element: pair, nullBelow: nullLevel(node), definitionLevel: entry.definitionLevel, repetitionLevel: entry.repetitionLevel)
    }
    return .map(
      key: try make(key, leaves: leaves), value: try make(entry.children[1], leaves: leaves), nullBelow: nullLevel(node), definitionLevel: entry.definitionLevel,
      repetitionLevel: entry.repetitionLevel)
  }
}

// The columns of a VARIANT: which leaf holds the dictionary of keys, which hold encoded values, and what is shredded into columns of its own.
// Source: parquet-format VariantEncoding.md ("Variant in Parquet") and VariantShredding.md.
//
// Values become dynamic: integers long; float and double real; decimals decimal; dates and timestamps datetime (local ones keep their wall
// clock as if it were UTC), times timespan; UUIDs guid; strings string; binary string (base64); objects bags, arrays arrays; null null.

/// A group with the VARIANT annotation.
package struct VariantShape: Sendable {
  /// The leaf of the dictionary.
  let metadata: Int
  let value: VariantSlot
  /// Levels below this mean that the whole group is null; 0 where it cannot be.
  let nullBelow: Int
  let leaves: Range<Int>

  init(_ node: SchemaNode, leaves: [LeafColumn]) throws(ParquetError) {
    guard let metadata = try Self.bytesLeaf("metadata", of: node) else { throw .corrupt("VARIANT '\(node.name)' without a metadata column") }
    self.metadata = metadata
    value = try VariantSlot(node, leaves: leaves, isRoot: true)
    nullBelow = node.repetition == .optional ? node.definitionLevel : 0
    self.leaves = node.leaves
  }

  func forEachLeaf(_ body: (Int, ValueMapping) -> Void) {
    body(metadata, .bytes)
    value.forEachLeaf(body)
  }

  /// The leaf `name`, which must be a BYTE_ARRAY; nil when there is none.
  fileprivate static func bytesLeaf(_ name: String, of node: SchemaNode) throws(ParquetError) -> Int? {
    guard let leaf = node.children.first(where: { $0.name == name }) else { return nil }
    guard leaf.element.type == .byteArray, leaf.repetition != .repeated else {
      throw .corrupt("'\(name)' of VARIANT '\(node.name)' is \(VariantSlot.described(leaf)), expected a BYTE_ARRAY")
    }
    return leaf.leaves.lowerBound
  }
}

/// A place for one value: encoded bytes, a typed column, or (for objects) both.
struct VariantSlot: Sendable {
  /// The leaf of encoded values.
  let value: Int?
  let typed: VariantColumn?
  /// Levels below this mean a missing value; 0 where the group cannot be null, as the format demands.
  let nullBelow: Int
  let leaves: Range<Int>

  /// `node` is the VARIANT itself (`isRoot`), a shredded field or the element of a shredded array.
  init(_ node: SchemaNode, leaves: [LeafColumn], isRoot: Bool = false) throws(ParquetError) {
    guard !node.isLeaf, node.repetition != .repeated else {
      throw .corrupt("'\(node.name)' within a VARIANT is \(Self.described(node)), expected a group of value and typed_value")
    }
    for (i, child) in node.children.enumerated() {
      let isKnown = child.name == "value" || child.name == "typed_value" || isRoot && child.name == "metadata"
      guard isKnown, !node.children[..<i].contains(where: { $0.name == child.name }) else {
        throw .corrupt("unexpected member '\(child.name)' of '\(node.name)' within a VARIANT")
      }
    }
    value = try VariantShape.bytesLeaf("value", of: node)
    if let child = node.children.first(where: { $0.name == "typed_value" }) {
      typed = try VariantColumn(child, leaves: leaves)
    } else {
      typed = nil
    }
    guard value != nil || typed != nil else { throw .corrupt("'\(node.name)' within a VARIANT has neither value nor typed_value") }
    nullBelow = !isRoot && node.repetition == .optional ? node.definitionLevel : 0
    self.leaves = node.leaves
  }

  func forEachLeaf(_ body: (Int, ValueMapping) -> Void) {
    if let value { body(value, .bytes) }
    typed?.forEachLeaf(body)
  }

  /// What a node is, for messages.
  static func described(_ node: SchemaNode) -> String {
    let annotation = node.element.annotation.map { " \($0)" } ?? ""
    return (node.repetition == .repeated ? "repeated " : "") + (node.element.type.map { "\($0)" } ?? "group") + annotation
  }
}

/// A `typed_value`: present where the value has the column's type.
indirect enum VariantColumn: Sendable {
  case leaf(column: Int, mapping: ValueMapping, definitionLevel: Int)
  /// An object's shredded fields, by the bytes of their names.
  case fields([(name: String, slot: VariantSlot)], nullBelow: Int, leaves: Range<Int>)
  case list(VariantSlot, nullBelow: Int, definitionLevel: Int, repetitionLevel: Int)

  init(_ node: SchemaNode, leaves: [LeafColumn]) throws(ParquetError) {
    guard node.repetition != .repeated else { throw .corrupt("typed_value of a VARIANT is \(VariantSlot.described(node))") }
    if node.isLeaf {
      let leaf = leaves[node.leaves.lowerBound]
      self = .leaf(column: leaf.index, mapping: try Self.mapping(leaf, node), definitionLevel: node.definitionLevel)
      return
    }
    let nullBelow = node.repetition == .optional ? node.definitionLevel : 0
    switch node.element.annotation {
    case .list:
      guard node.children.count == 1, let repeated = node.children.first, repeated.repetition == .repeated, !repeated.isLeaf,
        repeated.children.count == 1, let element = repeated.children.first
      else { throw .corrupt("typed_value of a VARIANT is a LIST without the three levels of one") }
      self = .list(
        try VariantSlot(element, leaves: leaves), nullBelow: nullBelow, definitionLevel: repeated.definitionLevel,
        repetitionLevel: repeated.repetitionLevel)
    case nil:
      guard !node.leaves.isEmpty else { throw .notSupported("typed_value of a VARIANT without columns") }
      var fields: [(name: String, slot: VariantSlot)] = []
      for child in node.children { fields.append((child.name, try VariantSlot(child, leaves: leaves))) }
      fields.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
      for i in fields.indices.dropFirst() where fields[i].name.utf8.elementsEqual(fields[i - 1].name.utf8) {
        throw .corrupt("field '\(fields[i].name)' is shredded twice in a VARIANT")
      }
      self = .fields(fields, nullBelow: nullBelow, leaves: node.leaves)
    default: throw .notSupported("a VARIANT shredded as \(VariantSlot.described(node))")
    }
  }

  func forEachLeaf(_ body: (Int, ValueMapping) -> Void) {
    switch self {
    case .leaf(let column, let mapping, _): body(column, mapping)
    case .fields(let fields, _, _): for field in fields { field.slot.forEachLeaf(body) }
    case .list(let element, _, _, _): element.forEachLeaf(body)
    }
  }

  /// How values of a shredded primitive are read. Only the types of the format's table are taken: another one would not say which kind of
  /// VARIANT its values are.
  private static func mapping(_ leaf: LeafColumn, _ node: SchemaNode) throws(ParquetError) -> ValueMapping {
    switch (leaf.type, leaf.element.annotation) {
    case (.byteArray, nil): return .base64
    case (.boolean, nil), (.float, nil), (.double, nil), (.byteArray, .string): break
    case (.int32, nil), (.int32, .integer(_, true)), (.int32, .date), (.int64, nil), (.int64, .integer(64, true)): break
    case (.int64, .time(.micros, _)), (.int64, .timestamp(.micros, _)), (.int64, .timestamp(.nanos, _)): break
    case (.int32, .decimal), (.int64, .decimal), (.byteArray, .decimal), (.fixedLenByteArray, .decimal): break
    case (.fixedLenByteArray, .uuid) where leaf.element.typeLength == 16: break
    default: throw .notSupported("a VARIANT shredded as \(VariantSlot.described(node))")
    }
    return try ValueMapping.make(leaf, recorded: nil)
  }
}

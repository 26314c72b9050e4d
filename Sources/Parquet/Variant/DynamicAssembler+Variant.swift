// VARIANT columns: puts values together from encoded bytes and shredded columns.
//
//   value     typed_value   result (parquet-format VariantShredding.md, "Value Shredding")
//   missing   missing       missing: no field of an object; null elsewhere
//   there     missing       the encoded value
//   missing   there         the typed value
//   there     there         an object of the fields of both; shredded names win, also where they are missing. Anything but an object is refused
import Columnar
#if canImport(Glibc)
import Glibc
#endif

extension AssemblyNode {
  /// Flattens a VARIANT: a node with the leaf of its dictionary and one child, the slot of its value.
  static func flatten(_ shape: VariantShape, firstLeaf: Int, into nodes: inout [AssemblyNode]) -> Int {
    var node = AssemblyNode(kind: .variant, leaves: shift(shape.leaves, firstLeaf), nullBelow: shape.nullBelow)
    node.bytesLeaf = shape.metadata - firstLeaf
    node.children = [flatten(shape.value, firstLeaf: firstLeaf, into: &nodes)]
    nodes.append(node)
    return nodes.count - 1
  }

  /// A slot: the leaf of encoded values, and the node of its typed column as child.
  private static func flatten(_ slot: VariantSlot, firstLeaf: Int, into nodes: inout [AssemblyNode]) -> Int {
    var node = AssemblyNode(kind: .slot, leaves: shift(slot.leaves, firstLeaf), nullBelow: slot.nullBelow)
    if let value = slot.value { node.bytesLeaf = value - firstLeaf }
    if let typed = slot.typed { node.children = [flatten(typed, firstLeaf: firstLeaf, into: &nodes)] }
    nodes.append(node)
    return nodes.count - 1
  }

  private static func flatten(_ column: VariantColumn, firstLeaf: Int, into nodes: inout [AssemblyNode]) -> Int {
    var node: AssemblyNode
    switch column {
    case .leaf(let leaf, _, let definitionLevel):
      node = AssemblyNode(kind: .leaf, leaves: leaf - firstLeaf..<leaf - firstLeaf + 1, nullBelow: definitionLevel)
    case .fields(let fields, let nullBelow, let leaves):
      node = AssemblyNode(kind: .fields, leaves: shift(leaves, firstLeaf), nullBelow: nullBelow)
      node.children = fields.map { flatten($0.slot, firstLeaf: firstLeaf, into: &nodes) }
      node.append(keys: fields.map(\.name))
    case .list(let element, let nullBelow, let definitionLevel, let repetitionLevel):
      node = AssemblyNode(
        kind: .list, leaves: shift(element.leaves, firstLeaf), nullBelow: nullBelow, definitionLevel: definitionLevel,
        repetitionLevel: repetitionLevel)
      node.children = [flatten(element, firstLeaf: firstLeaf, into: &nodes)]
    }
    nodes.append(node)
    return nodes.count - 1
  }

  private static func shift(_ leaves: Range<Int>, _ firstLeaf: Int) -> Range<Int> {
    leaves.lowerBound - firstLeaf..<leaves.upperBound - firstLeaf
  }
}

extension DynamicAssembler {
  /// Writes the VARIANT at `node` and passes its entries.
  mutating func writeVariant(_ node: UnsafePointer<AssemblyNode>, _ nodes: UnsafePointer<AssemblyNode>) throws(ParquetError) {
    if try unsafe isNull(node) {
      writer.put(.null)
      return try unsafe consume(node.pointee.leaves)
    }
    unsafe metadata = try unsafe takeBytes(node.pointee.bytesLeaf)
    if try unsafe !writeSlot(node.pointee.children[0], nodes) { writer.put(.null) }
  }

  /// Writes the value of a slot and passes its entries; false when there is none, and then nothing is written.
  mutating func writeSlot(_ index: Int, _ nodes: UnsafePointer<AssemblyNode>) throws(ParquetError) -> Bool {
    let slot = unsafe nodes + index
    if try unsafe isNull(slot) {
      try unsafe consume(slot.pointee.leaves)
      return false
    }
    let value = try unsafe takeBytes(slot.pointee.bytesLeaf)
    if let typed = unsafe slot.pointee.children.first {
      let column = unsafe nodes + typed
      if try unsafe !isNull(column) {
        if unsafe column.pointee.kind == .fields {
          try unsafe writeFields(typed, value, nodes)
        } else {
          guard unsafe value == nil else { throw .corrupt("VARIANT with a value beside a typed_value that is no object") }
          try unsafe write(typed, nodes)
        }
        return true
      }
      try unsafe consume(column.pointee.leaves)
    }
    guard let value = unsafe value else { return false }
    let reader = try unsafe variantReader(value)
    try reader.write(to: &writer)
    return true
  }

  /// Writes an object of shredded fields and, where `value` is there, of the other fields it holds, by the bytes of their names.
  mutating func writeFields(
    _ index: Int, _ value: UnsafeBufferPointer<UInt8>?, _ nodes: UnsafePointer<AssemblyNode>
  ) throws(ParquetError) {
    let node = unsafe nodes + index
    let slots = unsafe node.pointee.children.count
    var n = 0
    for i in 0..<slots { if try unsafe hasValue(nodes + node.pointee.children[i], nodes) { n += 1 } }
    var others: (reader: VariantReader, object: VariantReader.Container)?
    if let value = unsafe value {
      let reader = try unsafe variantReader(value)
      let object = try reader.object()
      for i in 0..<object.count { if try unsafe !isShredded(reader.key(i, of: object), node) { n += 1 } }
      others = (reader, object)
    }
    let table = writer.open(.bag, n)
    var written = 0
    var slot = 0
    var field = 0
    while true {
      // The next of the other fields, past those whose names are shredded.
      var key: UnsafeBufferPointer<UInt8>?
      while let (reader, object) = others, field < object.count {
        let next = try unsafe reader.key(field, of: object)
        if unsafe !isShredded(next, node) {
          unsafe key = unsafe next
          break
        }
        field += 1
      }
      if slot < slots, unsafe key.map({ unsafe order(slot, of: node, $0) < 0 }) ?? true {
        let child = unsafe node.pointee.children[slot]
        if try unsafe hasValue(nodes + child, nodes) {
          unsafe putKey(slot, of: node)
          _ = try unsafe writeSlot(child, nodes)
          writer.closeChild(written, of: n, table)
          written += 1
        } else {
          _ = try unsafe writeSlot(child, nodes)
        }
        slot += 1
      } else if let key = unsafe key, case (let reader, var object)? = others {
        unsafe writer.put(key: key)
        try reader.writeChild(field, of: &object, depth: 0, to: &writer)
        others = (reader, object)
        writer.closeChild(written, of: n, table)
        written += 1
        field += 1
      } else {
        return
      }
    }
  }

  // MARK: - What is there

  /// True when the node's group or leaf is null in the current entry.
  private func isNull(_ node: UnsafePointer<AssemblyNode>) throws(ParquetError) -> Bool {
    let level = unsafe node.pointee.nullBelow
    if level == 0 { return false }
    return try unsafe definition(node.pointee.leaves.lowerBound) < level
  }

  /// True when a slot's current entry has a value of either form.
  private func hasValue(_ slot: UnsafePointer<AssemblyNode>, _ nodes: UnsafePointer<AssemblyNode>) throws(ParquetError) -> Bool {
    if try unsafe isNull(slot) { return false }
    let leaf = unsafe slot.pointee.bytesLeaf
    if leaf >= 0, try unsafe definition(leaf) >= leaves[leaf].maxDefinition { return true }
    guard let typed = unsafe slot.pointee.children.first else { return false }
    return try unsafe !isNull(nodes + typed)
  }

  /// The bytes of the current entry of a leaf, nil when it is null (or -1); passes the entry.
  private func takeBytes(_ leaf: Int) throws(ParquetError) -> UnsafeBufferPointer<UInt8>? {
    guard leaf >= 0 else { return nil }
    let isThere = try unsafe definition(leaf) >= leaves[leaf].maxDefinition
    unsafe leaves[leaf].entry &+= 1
    guard isThere else { return nil }
    let i = unsafe leaves[leaf].value
    guard unsafe i < leaves[leaf].valueCount, case .text(let offsets, let data) = unsafe leaves[leaf].values else {
      throw .corrupt("fewer values than levels say")
    }
    unsafe leaves[leaf].value = i &+ 1
    return unsafe UnsafeBufferPointer(start: data + Int(offsets[i]), count: Int(offsets[i + 1] - offsets[i]))
  }

  /// A reader of an encoded value under the current dictionary, which most rows share.
  private mutating func variantReader(_ value: UnsafeBufferPointer<UInt8>) throws(ParquetError) -> VariantReader {
    guard let bytes = unsafe metadata else { throw .corrupt("VARIANT with a value and without metadata") }
    if let dictionary, unsafe dictionary.isMade(of: bytes) { return try unsafe VariantReader(value, dictionary, policy) }
    let made = try unsafe VariantDictionary(bytes)
    dictionary = made
    return try unsafe VariantReader(value, made, policy)
  }

  // MARK: - Names

  /// Negative, zero or positive as shredded field `i` sorts before, at or behind `key`.
  private func order(_ i: Int, of node: UnsafePointer<AssemblyNode>, _ key: UnsafeBufferPointer<UInt8>) -> Int {
    let start = unsafe (i == 0 ? 0 : node.pointee.keyEnds[i - 1]) + 4
    let end = unsafe node.pointee.keyEnds[i]
    return unsafe node.pointee.keys.withUnsafeBufferPointer { unsafe compareBytes(UnsafeBufferPointer(rebasing: $0[start..<end]), key) }
  }

  private func isShredded(_ key: UnsafeBufferPointer<UInt8>, _ node: UnsafePointer<AssemblyNode>) -> Bool {
    var low = 0
    var high = unsafe node.pointee.children.count
    while low < high {
      let middle = (low + high) / 2
      let found = unsafe order(middle, of: node, key)
      if found == 0 { return true }
      if found < 0 { low = middle + 1 } else { high = middle }
    }
    return false
  }
}

/// Negative, zero or positive as `a` sorts before, at or behind `b`, byte by byte.
func compareBytes(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Int {
  let shared = min(a.count, b.count)
  if shared > 0, let x = a.baseAddress, let y = b.baseAddress {
    let found = unsafe memcmp(x, y, shared)
    if found != 0 { return Int(found) }
  }
  return a.count - b.count
}

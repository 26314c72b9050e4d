// Record assembly: walks the shape of a nested column over the level entries of its leaves and writes the engine's binary form of
// dynamic values. All state is in structs and raw memory, so that a value costs a few instructions.
import Columnar

/// The values of one leaf in a window, as pointers; valid while the vector they come from is alive.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used.
@safe enum LeafValues {
  case none
  case bool(UnsafePointer<UInt64>)
  case int(UnsafePointer<Int32>)
  case long(UnsafePointer<Int64>, DynamicTag)
  case real(UnsafePointer<Double>)
  case decimal64(UnsafePointer<Int64>, scale: Int16)
  case decimal128(UnsafePointer<Int128>, scales: UnsafePointer<Int16>)
  case guid(UnsafePointer<GUID>)
  case text(UnsafePointer<Int32>, UnsafePointer<UInt8>)
  case binary(UnsafePointer<Int32>, UnsafePointer<UInt8>)

  init(_ vector: ColumnVector) {
    switch vector.storage {
    case .bool(let bits): self = unsafe .bool(bits.words.pointer)
    case .int(let values): self = unsafe .int(values.pointer)
    case .long(let values):
      self = unsafe .long(values.pointer, vector.type == .datetime ? .datetime : vector.type == .timespan ? .timespan : .long)
    case .real(let values): self = unsafe .real(values.pointer)
    case .decimal64(let values, let scale): self = unsafe .decimal64(values.pointer, scale: Int16(clamping: scale))
    case .decimal128(let values, let scales): self = unsafe .decimal128(values.pointer, scales: scales.pointer)
    case .guid(let values): self = unsafe .guid(values.pointer)
    case .bytes(let offsets, let data):
      self = unsafe vector.type == .dynamic ? .binary(offsets.pointer, data.pointer) : .text(offsets.pointer, data.pointer)
    case .constant, .dictionary: self = .none
    }
  }
}

/// One leaf's entries of the current window, and how far they are assembled.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct LeafState {
  var definition: UnsafePointer<UInt8>
  var repetition: UnsafePointer<UInt8>
  var entryCount: Int
  var values: LeafValues
  var valueCount: Int
  /// The level of a present value.
  var maxDefinition: Int
  var entry = 0
  var value = 0
}

/// A node of the shape in a form made for walking: children are nodes too, by index; keys lie in one block of bytes.
struct AssemblyNode {
  enum Kind { case leaf, structure, list, map, variant, slot, fields }
  var kind: Kind
  /// Leaves below, counted from the column's first.
  var leaves: Range<Int>
  /// Levels below this mean null; 0 where the node cannot be null.
  var nullBelow: Int
  /// Lists and maps: levels below this (and not null) mean empty.
  var definitionLevel = 0
  var repetitionLevel = 0
  /// Indices of the children: fields of a structure, the element of a list, key and value of a map; see `VariantShape` for the other kinds.
  var children: [Int] = []
  /// Per field of a structure: length and bytes of its key, as the binary form has them.
  var keys: [UInt8] = []
  var keyEnds: [Int] = []
  /// The leaf of a VARIANT's dictionary, or of a slot's encoded value; -1 for none.
  var bytesLeaf = -1

  /// Flattens `shape` into `nodes`; returns the index of its root.
  static func flatten(_ shape: NestedNode, firstLeaf: Int, into nodes: inout [AssemblyNode]) -> Int {
    var node: AssemblyNode
    switch shape {
    case .leaf(let column, _, let definitionLevel):
      node = AssemblyNode(kind: .leaf, leaves: column - firstLeaf..<column - firstLeaf + 1, nullBelow: definitionLevel)
    case .structure(let names, let children, let definitionLevel, let isOptional):
      node = AssemblyNode(kind: .structure, leaves: 0..<0, nullBelow: isOptional ? definitionLevel : 0)
      node.children = children.map { flatten($0, firstLeaf: firstLeaf, into: &nodes) }
      node.append(keys: names)
    case .list(let element, let nullBelow, let definitionLevel, let repetitionLevel):
      node = AssemblyNode(
        kind: .list, leaves: 0..<0, nullBelow: nullBelow, definitionLevel: definitionLevel, repetitionLevel: repetitionLevel)
      node.children = [flatten(element, firstLeaf: firstLeaf, into: &nodes)]
    case .map(let key, let value, let nullBelow, let definitionLevel, let repetitionLevel):
      node = AssemblyNode(
        kind: .map, leaves: 0..<0, nullBelow: nullBelow, definitionLevel: definitionLevel, repetitionLevel: repetitionLevel)
      node.children = [flatten(key, firstLeaf: firstLeaf, into: &nodes), flatten(value, firstLeaf: firstLeaf, into: &nodes)]
    case .variant(let shape): return flatten(shape, firstLeaf: firstLeaf, into: &nodes)
    }
    if let first = node.children.first, let last = node.children.last {
      node.leaves = nodes[first].leaves.lowerBound..<nodes[last].leaves.upperBound
    }
    nodes.append(node)
    return nodes.count - 1
  }

  /// Appends keys as the binary form has them.
  mutating func append(keys names: [String]) {
    for name in names {
      unsafe withUnsafeBytes(of: UInt32(name.utf8.count)) { unsafe keys += $0 }
      keys += name.utf8
      keyEnds.append(keys.count)
    }
  }
}

/// Writes the values of one window. `leaves` has one state per leaf of the column.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct DynamicAssembler {
  let leaves: UnsafeMutablePointer<LeafState>
  let leafCount: Int
  /// What is written.
  var writer: DynamicWriter
  /// The dictionary of the VARIANT value being written (see DynamicAssembler+Variant).
  var dictionary: VariantDictionary?
  var metadata: UnsafeBufferPointer<UInt8>?
  /// What to do with times that are no whole ticks.
  let policy: InexactPolicy

  init(leaves: UnsafeMutableBufferPointer<LeafState>, builder: BufferBuilder<UInt8>, policy: InexactPolicy) throws(ParquetError) {
    guard let base = leaves.baseAddress else { throw .corrupt("nested column without leaves") }
    unsafe self.leaves = unsafe base
    leafCount = leaves.count
    writer = DynamicWriter(builder)
    self.policy = policy
  }

  /// True when the root is null in the current row; its entries are then passed.
  mutating func skipNull(_ node: AssemblyNode) throws(ParquetError) -> Bool {
    guard node.nullBelow > 0, try definition(node.leaves.lowerBound) < node.nullBelow else { return false }
    try consume(node.leaves)
    return true
  }

  /// Fails unless every leaf stands at the start of a row.
  func checkRowEnd() throws(ParquetError) {
    for i in 0..<leafCount where unsafe leaves[i].entry < leaves[i].entryCount && leaves[i].repetition[leaves[i].entry] != 0 {
      throw .corrupt("levels of the leaves disagree")
    }
  }

  @inline(__always)
  func definition(_ leaf: Int) throws(ParquetError) -> Int {
    let entry = unsafe leaves[leaf].entry
    guard unsafe entry < leaves[leaf].entryCount else { throw .corrupt("levels of the leaves disagree") }
    return unsafe Int(leaves[leaf].definition[entry])
  }

  /// Passes one entry of each leaf.
  func consume(_ range: Range<Int>) throws(ParquetError) {
    for i in range {
      if try unsafe definition(i) >= leaves[i].maxDefinition { unsafe leaves[i].value &+= 1 }
      unsafe leaves[i].entry &+= 1
    }
  }

  /// Elements of the list or map whose first element's entry is current.
  private func elementCount(_ leaf: Int, _ level: Int) -> Int {
    let repetition = unsafe leaves[leaf].repetition
    let end = unsafe leaves[leaf].entryCount
    var n = 1
    var i = unsafe leaves[leaf].entry &+ 1
    while i < end, unsafe Int(repetition[i]) >= level {
      if unsafe Int(repetition[i]) == level { n &+= 1 }
      i &+= 1
    }
    return n
  }

  /// Writes the current value of `nodes[index]` and passes its entries.
  mutating func write(_ index: Int, _ nodes: UnsafePointer<AssemblyNode>) throws(ParquetError) {
    guard writer.count <= maxVectorBytes else { throw .notSupported("more than 2 GiB of dynamic values in one batch of a column") }
    let node = unsafe nodes + index
    let first = unsafe node.pointee.leaves.lowerBound
    switch unsafe node.pointee.kind {
    case .leaf:
      if try unsafe definition(first) >= node.pointee.nullBelow { try writeValue(first) } else { writer.put(.null) }
      unsafe leaves[first].entry &+= 1
    case .structure:
      if unsafe node.pointee.nullBelow > 0, try unsafe definition(first) < node.pointee.nullBelow {
        writer.put(.null)
        return try unsafe consume(node.pointee.leaves)
      }
      let n = unsafe node.pointee.children.count
      let table = writer.open(.bag, n)
      for i in 0..<n {
        unsafe putKey(i, of: node)
        try unsafe write(node.pointee.children[i], nodes)
        writer.closeChild(i, of: n, table)
      }
    case .list, .map:
      let level = try definition(first)
      let isMap = unsafe node.pointee.kind == .map
      if unsafe level < node.pointee.definitionLevel {
        if unsafe level < node.pointee.nullBelow { writer.put(.null) } else { _ = writer.open(isMap ? .bag : .array, 0) }
        return try unsafe consume(node.pointee.leaves)
      }
      let n = unsafe elementCount(first, node.pointee.repetitionLevel)
      if isMap { return try unsafe writeMap(node.pointee.children[0], node.pointee.children[1], n, nodes) }
      let element = unsafe node.pointee.children[0]
      let table = writer.open(.array, n)
      for i in 0..<n {
        try unsafe write(element, nodes)
        writer.closeChild(i, of: n, table)
      }
    case .variant: try unsafe writeVariant(node, nodes)
    case .slot: if try unsafe !writeSlot(index, nodes) { writer.put(.null) }
    case .fields: try unsafe writeFields(index, nil, nodes)
    }
  }

  /// Writes length and bytes of key `i` of a structure.
  @inline(__always)
  mutating func putKey(_ i: Int, of node: UnsafePointer<AssemblyNode>) {
    let start = unsafe i == 0 ? 0 : node.pointee.keyEnds[i &- 1]
    let length = unsafe node.pointee.keyEnds[i] &- start
    unsafe node.pointee.keys.withUnsafeBufferPointer { keys in
      if let base = keys.baseAddress { unsafe writer.put(base + start, length) }
    }
  }

  /// Entries in order, keys being leaves (see `NestedNode.map`); of equal keys the last one stays.
  private mutating func writeMap(
    _ key: Int, _ value: Int, _ n: Int, _ nodes: UnsafePointer<AssemblyNode>
  ) throws(ParquetError) {
    let leaf = unsafe nodes[key].leaves.lowerBound
    let header = writer.count
    let table = writer.open(.bag, n)
    var spans: [Range<Int>] = []
    if n > 1 { spans.reserveCapacity(n) }
    for i in 0..<n {
      let lengthAt = writer.count
      writer.put(UInt32(0))
      if try unsafe definition(leaf) >= nodes[key].nullBelow { try writeKey(leaf) } else { putText("null") }
      unsafe leaves[leaf].entry &+= 1
      let length = UInt32(truncatingIfNeeded: writer.count &- lengthAt &- 4)
      unsafe UnsafeMutableRawPointer(writer.out + lengthAt).storeBytes(of: length, as: UInt32.self)
      if n > 1 { spans.append(lengthAt + 4..<writer.count) }
      try unsafe write(value, nodes)
      writer.closeChild(i, of: n, table)
    }
    if n > 1, hasEqualKeys(spans) { keepLast(spans, header: header, table: table) }
  }

  private func hasEqualKeys(_ spans: [Range<Int>]) -> Bool {
    func bytes(_ span: Range<Int>) -> UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: writer.out + span.lowerBound, count: span.count) }
    if spans.count <= 8 {
      for i in 1..<spans.count {
        for j in 0..<i where unsafe spans[i].count == spans[j].count && bytes(spans[i]).elementsEqual(bytes(spans[j])) { return true }
      }
      return false
    }
    var seen: Set<[UInt8]> = []
    return spans.contains { unsafe !seen.insert(Array(bytes($0))).inserted }
  }

  /// Rewrites a bag without the entries that a later one with the same key replaces.
  private mutating func keepLast(_ spans: [Range<Int>], header: Int, table: Int) {
    let n = spans.count
    // Only this bag is copied: what the window holds before it may be large.
    let bag = unsafe Array(UnsafeBufferPointer(start: UnsafePointer(writer.out + header), count: writer.count - header))
    var last: [[UInt8]: Int] = [:]
    for (i, span) in spans.enumerated() { last[Array(bag[span.lowerBound - header..<span.upperBound - header])] = i }
    let kept = last.values.sorted()
    func end(_ i: Int) -> Int {
      unsafe i < 0 ? 0 : bag.withUnsafeBytes { unsafe Int($0.loadUnaligned(fromByteOffset: table - header + 4 * i, as: UInt32.self)) }
    }
    writer.count = header
    let newTable = writer.open(.bag, kept.count)
    let base = table - header + n * 4
    for (position, i) in kept.enumerated() {
      unsafe bag[base + end(i - 1)..<base + end(i)].withUnsafeBufferPointer { entry in
        if let start = entry.baseAddress { unsafe writer.put(start, entry.count) }
      }
      writer.closeChild(position, of: kept.count, newTable)
    }
  }

  private mutating func putText(_ text: String) {
    var text = text
    text.withUTF8 { bytes in if let base = bytes.baseAddress { unsafe writer.put(base, bytes.count) } }
  }

  /// The current key of a map as text.
  private mutating func writeKey(_ leaf: Int) throws(ParquetError) {
    let i = unsafe leaves[leaf].value
    guard unsafe i < leaves[leaf].valueCount else { throw .corrupt("fewer values than levels say") }
    unsafe leaves[leaf].value = i &+ 1
    writer.reserve(ScalarText.room)
    let target = unsafe writer.out + writer.count
    let end: UnsafeMutablePointer<UInt8>
    switch unsafe leaves[leaf].values {
    case .text(let offsets, let data): return unsafe writer.put(data + Int(offsets[i]), Int(offsets[i + 1] - offsets[i]))
    case .int(let base): unsafe end = unsafe ScalarText.write(long: Int64(base[i]), to: target)
    case .long(let base, .long): unsafe end = unsafe ScalarText.write(long: base[i], to: target)
    case .long(let base, .timespan): unsafe end = unsafe ScalarText.write(timespan: base[i], to: target)
    case .long(let base, _): unsafe end = unsafe ScalarText.write(datetime: base[i], to: target)
    case .bool(let words): unsafe end = unsafe ScalarText.write(bool: words[i >> 6] >> UInt64(i & 63) & 1 != 0, to: target)
    case .real(let base): unsafe end = unsafe ScalarText.write(real: base[i], to: target)
    case .decimal64(let base, let scale):
      unsafe end = unsafe ScalarText.write(decimal: DecimalValue(Int128(base[i]), scale: Int(scale)), to: target)
    case .decimal128(let base, let scales):
      unsafe end = unsafe ScalarText.write(decimal: DecimalValue(base[i], scale: Int(scales[i])), to: target)
    case .guid(let base): unsafe end = unsafe ScalarText.write(guid: base[i], to: target)
    case .binary(let offsets, let data):
      let text = BufferBuilder<UInt8>()
      unsafe DynamicPrinter.appendText(DynamicView(data + Int(offsets[i]), Int(offsets[i + 1] - offsets[i])), to: text)
      return unsafe writer.put(UnsafePointer(text.pointer), text.count)
    case .none: return putText("null")
    }
    unsafe writer.count &+= end - target
  }

  private mutating func writeValue(_ leaf: Int) throws(ParquetError) {
    let i = unsafe leaves[leaf].value
    guard unsafe i < leaves[leaf].valueCount else { throw .corrupt("fewer values than levels say") }
    unsafe leaves[leaf].value = i &+ 1
    switch unsafe leaves[leaf].values {
    case .none: writer.put(.null)
    case .bool(let words): unsafe writer.put(words[i >> 6] >> UInt64(i & 63) & 1 != 0 ? DynamicTag.true : .false)
    case .int(let base):
      writer.put(.long)
      unsafe writer.put(Int64(base[i]))
    case .long(let base, let tag):
      writer.put(tag)
      unsafe writer.put(base[i])
    case .real(let base):
      writer.put(.real)
      unsafe writer.put(base[i].bitPattern)
    case .decimal64(let base, let scale):
      writer.put(.decimal)
      writer.put(scale)
      unsafe writer.put(Int128(base[i]))
    case .decimal128(let base, let scales):
      writer.put(.decimal)
      unsafe writer.put(scales[i])
      unsafe writer.put(base[i])
    case .guid(let base):
      writer.put(.guid)
      unsafe writer.put(base[i].high)
      unsafe writer.put(base[i].low)
    case .text(let offsets, let data):
      let length = unsafe Int(offsets[i + 1] - offsets[i])
      writer.put(.string)
      writer.put(UInt32(truncatingIfNeeded: length))
      unsafe writer.put(data + Int(offsets[i]), length)
    case .binary(let offsets, let data): unsafe writer.put(data + Int(offsets[i]), Int(offsets[i + 1] - offsets[i]))
    }
  }
}

// Nested columns to dynamic values: walks the shape of the column over the level entries of its leaves (record assembly of the
// Dremel encoding) and writes the engine's binary form directly.
import Columnar

/// The values of one leaf in a window, as pointers; valid while the vector they come from is alive.
private enum LeafValues {
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
    case .bool(let bits): self = .bool(bits.words.pointer)
    case .int(let values): self = .int(values.pointer)
    case .long(let values):
      self = .long(values.pointer, vector.type == .datetime ? .datetime : vector.type == .timespan ? .timespan : .long)
    case .real(let values): self = .real(values.pointer)
    case .decimal64(let values, let scale): self = .decimal64(values.pointer, scale: Int16(clamping: scale))
    case .decimal128(let values, let scales): self = .decimal128(values.pointer, scales: scales.pointer)
    case .guid(let values): self = .guid(values.pointer)
    case .bytes(let offsets, let data):
      self = vector.type == .dynamic ? .binary(offsets.pointer, data.pointer) : .text(offsets.pointer, data.pointer)
    case .constant, .dictionary: self = .none
    }
  }
}

/// A nested top-level column.
final class NestedColumnCursor: ColumnCursor {
  private let shape: NestedNode
  /// The leaves of the column, in order; `firstLeaf` is the index of the first among all leaves of the file.
  private let leaves: [NestedLeafCursor]
  private let firstLeaf: Int
  private let columnName: String
  private var values: [LeafValues] = []
  private var out = BufferBuilder<UInt8>()

  init(_ shape: NestedNode, leaves: [NestedLeafCursor], firstLeaf: Int, columnName: String) {
    self.shape = shape
    self.leaves = leaves
    self.firstLeaf = firstLeaf
    self.columnName = columnName
  }

  func read(_ window: Range<Int>, _ selection: Bitmap?) throws(ParquetError) -> ColumnVector {
    if let selection, selection.isAllClear { return ColumnBuilder(.dynamic).finish() }
    for leaf in leaves { try leaf.read(window) }
    values = leaves.map { LeafValues($0.values) }
    let rows = window.count
    let offsets = BufferBuilder<Int32>(capacity: rows + 1)
    offsets.append(0)
    out = BufferBuilder<UInt8>(capacity: rows * 16)
    let validity = BitmapBuilder(capacity: rows)
    for row in 0..<rows {
      let isNull = try isTopLevelNull()
      validity.append(!isNull)
      if isNull { try consume(shape) } else { try write(shape) }
      guard out.count <= maxVectorBytes else { throw .notSupported("more than 2 GiB of dynamic values in one batch of a column") }
      offsets.append(Int32(out.count))
      for leaf in leaves where leaf.entry < leaf.repetition.count && leaf.repetition[leaf.entry] != 0 {
        throw .corrupt("levels of the leaves disagree in row \(window.lowerBound + row)")
      }
    }
    let vector = ColumnVector.bytes(.dynamic, offsets: offsets.finish(), data: out.finish(), validity: validity.finishValidity())
    guard let selection, !selection.isAllSet else { return vector }
    return vector.filter(selection)
  }

  private func cursor(_ column: Int) -> NestedLeafCursor { leaves[column - firstLeaf] }

  private func currentDefinition(_ column: Int) throws(ParquetError) -> Int {
    let leaf = cursor(column)
    guard leaf.entry < leaf.definition.count else { throw .corrupt("levels of the leaves disagree") }
    return Int(leaf.definition[leaf.entry])
  }

  private func isTopLevelNull() throws(ParquetError) -> Bool {
    let level = try currentDefinition(shape.firstLeaf)
    switch shape {
    case .leaf(_, _, let definitionLevel): return level < definitionLevel
    case .structure(_, _, let definitionLevel, let isOptional): return isOptional && level < definitionLevel
    case .list(_, let nullBelow, _, _), .map(_, _, let nullBelow, _, _): return level < nullBelow
    }
  }

  /// Passes one entry of every leaf below: the node is null or empty there.
  private func consume(_ node: NestedNode) throws(ParquetError) {
    switch node {
    case .leaf(let column, _, let definitionLevel):
      if try currentDefinition(column) >= definitionLevel { cursor(column).value += 1 }
      cursor(column).entry += 1
    case .structure(_, let children, _, _): for child in children { try consume(child) }
    case .list(let element, _, _, _): try consume(element)
    case .map(let key, let value, _, _, _):
      try consume(key)
      try consume(value)
    }
  }

  private func put<T: BitwiseCopyable>(_ value: T) {
    out.reserve(MemoryLayout<T>.size)
    UnsafeMutableRawPointer(out.pointer + out.count).storeBytes(of: value, as: T.self)
    out.count += MemoryLayout<T>.size
  }

  private func put(_ tag: DynamicTag) { out.append(tag.rawValue) }

  /// Writes the header of `count` children; returns where their ends go.
  private func open(_ tag: DynamicTag, _ count: Int) -> Int {
    put(tag)
    put(UInt32(count))
    let table = out.count
    out.appendUninitialized(count * 4).update(repeating: 0, count: count * 4)
    return table
  }

  private func closeChild(_ i: Int, of count: Int, _ table: Int) {
    let end = UInt32(out.count - table - count * 4)
    UnsafeMutableRawPointer(out.pointer + table + 4 * i).storeBytes(of: end, as: UInt32.self)
  }

  private func putKey(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      put(UInt32(bytes.count))
      out.append(contentsOf: bytes)
    }
  }

  /// Elements of the list or map whose first element's entry is current.
  private func elementCount(_ column: Int, _ repetitionLevel: Int) -> Int {
    let leaf = cursor(column)
    var count = 1
    var i = leaf.entry + 1
    while i < leaf.repetition.count, Int(leaf.repetition[i]) >= repetitionLevel {
      if Int(leaf.repetition[i]) == repetitionLevel { count += 1 }
      i += 1
    }
    return count
  }

  private func write(_ node: NestedNode) throws(ParquetError) {
    guard out.count <= maxVectorBytes else { throw .notSupported("more than 2 GiB of dynamic values in one batch of a column") }
    switch node {
    case .leaf(let column, _, let definitionLevel):
      if try currentDefinition(column) >= definitionLevel { try writeValue(column) } else { put(.null) }
      cursor(column).entry += 1
    case .structure(let names, let children, let definitionLevel, let isOptional):
      if isOptional, try currentDefinition(node.firstLeaf) < definitionLevel {
        put(.null)
        return try consume(node)
      }
      let table = open(.bag, children.count)
      for i in 0..<children.count {
        putKey(names[i])
        try write(children[i])
        closeChild(i, of: children.count, table)
      }
    case .list(let element, let nullBelow, let definitionLevel, let repetitionLevel):
      guard let count = try begin(node, .array, nullBelow, definitionLevel, repetitionLevel) else { return }
      let table = open(.array, count)
      for i in 0..<count {
        try write(element)
        closeChild(i, of: count, table)
      }
    case .map(let key, let value, let nullBelow, let definitionLevel, let repetitionLevel):
      guard let count = try begin(node, .bag, nullBelow, definitionLevel, repetitionLevel) else { return }
      try writeMap(key, value, count)
    }
  }

  /// Null and empty lists and maps are written here (nil); otherwise the number of elements.
  private func begin(
    _ node: NestedNode, _ tag: DynamicTag, _ nullBelow: Int, _ definitionLevel: Int, _ repetitionLevel: Int
  ) throws(ParquetError) -> Int? {
    let column = node.firstLeaf
    let level = try currentDefinition(column)
    if level < definitionLevel {
      if level < nullBelow { put(.null) } else { _ = open(tag, 0) }
      try consume(node)
      return nil
    }
    return elementCount(column, repetitionLevel)
  }

  /// Entries in order; of equal keys the last one stays.
  private func writeMap(_ key: NestedNode, _ value: NestedNode, _ count: Int) throws(ParquetError) {
    guard case .leaf(let keyColumn, _, let keyLevel) = key else { throw .notSupported("maps with nested keys") }
    let header = out.count
    let table = open(.bag, count)
    var seen: [String: Int] = [:]
    var hasDuplicates = false
    for i in 0..<count {
      let keyText = try currentDefinition(keyColumn) >= keyLevel ? takeKey(keyColumn) : "null"
      cursor(keyColumn).entry += 1
      if seen.updateValue(i, forKey: keyText) != nil { hasDuplicates = true }
      putKey(keyText)
      try write(value)
      closeChild(i, of: count, table)
    }
    if hasDuplicates { keepLast(seen.values.sorted(), header: header, table: table, count: count) }
  }

  /// Rewrites a bag with the entries `kept` only.
  private func keepLast(_ kept: [Int], header: Int, table: Int, count: Int) {
    let whole = Array(UnsafeBufferPointer(start: out.pointer + table, count: out.count - table))
    func end(_ i: Int) -> Int {
      i < 0 ? 0 : whole.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self)) }
    }
    out.count = header
    let newTable = open(.bag, kept.count)
    for (position, i) in kept.enumerated() {
      let start = count * 4 + end(i - 1)
      whole[start..<count * 4 + end(i)].withUnsafeBufferPointer { out.append(contentsOf: $0) }
      closeChild(position, of: kept.count, newTable)
    }
  }

  /// The current key of a map as text.
  private func takeKey(_ column: Int) throws(ParquetError) -> String {
    let leaf = cursor(column)
    guard leaf.value < leaf.values.count else { throw .corrupt("fewer values than levels say") }
    defer { leaf.value += 1 }
    return ScalarText.text(leaf.values.scalar(leaf.value)) ?? "null"
  }

  private func writeValue(_ column: Int) throws(ParquetError) {
    let leaf = cursor(column)
    let i = leaf.value
    guard i < leaf.values.count else { throw .corrupt("fewer values than levels say") }
    leaf.value += 1
    switch values[column - firstLeaf] {
    case .none: put(.null)
    case .bool(let words): put(words[i >> 6] >> UInt64(i & 63) & 1 != 0 ? .true : .false)
    case .int(let base):
      put(.long)
      put(Int64(base[i]))
    case .long(let base, let tag):
      put(tag)
      put(base[i])
    case .real(let base):
      put(.real)
      put(base[i].bitPattern)
    case .decimal64(let base, let scale):
      put(.decimal)
      put(scale)
      put(Int128(base[i]))
    case .decimal128(let base, let scales):
      put(.decimal)
      put(scales[i])
      put(base[i])
    case .guid(let base):
      put(.guid)
      put(base[i].high)
      put(base[i].low)
    case .text(let offsets, let data):
      let length = Int(offsets[i + 1] - offsets[i])
      put(.string)
      put(UInt32(length))
      out.append(contentsOf: UnsafeBufferPointer(start: data + Int(offsets[i]), count: length))
    case .binary(let offsets, let data):
      out.append(
        contentsOf: UnsafeBufferPointer(start: data + Int(offsets[i]), count: Int(offsets[i + 1] - offsets[i])))
    }
  }
}

// Parquet files put together by hand from schema elements and level entries: shapes that no writer makes.
import Columnar
import Parquet

/// One leaf's entries; uncompressed, plain, one page.
struct HandmadeLeaf {
  var path: [String]
  var type: PhysicalType
  var maxDefinition: Int
  var maxRepetition = 0
  /// Levels, and the plain bytes of entries that have a value.
  var entries: [(repetition: Int, definition: Int, value: [UInt8]?)]

  /// Entries without repetition.
  init(_ path: String, _ type: PhysicalType, maxDefinition: Int, _ entries: [(Int, [UInt8]?)]) {
    self.path = path.split(separator: ".").map(String.init)
    self.type = type
    self.maxDefinition = maxDefinition
    self.entries = entries.map { (0, $0.0, $0.1) }
  }

  /// Entries of a leaf below one list.
  init(_ path: String, _ type: PhysicalType, maxDefinition: Int, repeated entries: [(Int, Int, [UInt8]?)]) {
    self.path = path.split(separator: ".").map(String.init)
    self.type = type
    self.maxDefinition = maxDefinition
    maxRepetition = 1
    self.entries = entries.map { ($0.0, $0.1, $0.2) }
  }
}

enum Handmade {
  static func little(_ value: some FixedWidthInteger, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: Int64(truncatingIfNeeded: value) >> Int64(8 * $0)) }
  }

  /// A BYTE_ARRAY value.
  static func bytes(_ value: [UInt8]) -> [UInt8] { little(value.count, 4) + value }

  /// A file of one row group.
  static func file(_ elements: [SchemaElement], rows: Int, _ leaves: [HandmadeLeaf]) -> [UInt8] {
    var out = Array("PAR1".utf8)
    var group = RowGroup()
    group.rowCount = rows
    for leaf in leaves {
      var page: [UInt8] = []
      if leaf.maxRepetition > 0 { page += levels(leaf.entries.map(\.repetition)) }
      if leaf.maxDefinition > 0 { page += levels(leaf.entries.map(\.definition)) }
      for entry in leaf.entries { page += entry.value ?? [] }
      let header = ThriftWriter.serialize(
        PageHeader(
          body: .data(DataPageHeader(valueCount: leaf.entries.count, encoding: .plain)), uncompressedSize: page.count, compressedSize: page.count))
      var column = ColumnMetadata(type: leaf.type, codec: .uncompressed)
      column.path = leaf.path
      column.encodings = [.rle, .plain]
      column.valueCount = leaf.entries.count
      column.dataPageOffset = out.count
      column.totalUncompressedSize = header.count + page.count
      column.totalCompressedSize = header.count + page.count
      out += header + page
      group.totalByteSize += column.totalUncompressedSize
      group.columns.append(ColumnChunk(metadata: column))
    }
    var metadata = FileMetadata()
    let fields = elements.isEmpty ? 0 : Self.topLevel(elements)
    metadata.schema = [SchemaElement(name: "schema", childCount: fields)] + elements
    metadata.rowGroups = [group]
    metadata.rowCount = rows
    let footer = ThriftWriter.serialize(metadata)
    return out + footer + little(footer.count, 4) + Array("PAR1".utf8)
  }

  private static func topLevel(_ elements: [SchemaElement]) -> Int {
    func end(_ at: Int) -> Int {
      var next = at + 1
      for _ in 0..<(elements[at].childCount ?? 0) { next = end(next) }
      return next
    }
    var at = 0, n = 0
    while at < elements.count { (at, n) = (end(at), n + 1) }
    return n
  }

  /// Levels of at most 8 bits as runs of one.
  private static func levels(_ values: [Int]) -> [UInt8] {
    let runs = values.flatMap { [UInt8(2), UInt8($0)] }
    return little(runs.count, 4) + runs
  }

  // MARK: VARIANT

  static func leaf(_ name: String, _ type: PhysicalType, _ repetition: Repetition = .optional, _ logical: LogicalType? = nil, length: Int? = nil) -> SchemaElement {
    SchemaElement(name: name, type: type, typeLength: length, repetition: repetition, logical: logical)
  }

  static func group(_ name: String, _ children: Int, _ repetition: Repetition = .optional, _ logical: LogicalType? = nil) -> SchemaElement {
    SchemaElement(name: name, repetition: repetition, childCount: children, logical: logical)
  }

  /// A column `v` of encoded values; nil rows are null.
  static func variants(_ rows: [(metadata: [UInt8], value: [UInt8])?]) -> [UInt8] {
    file(
      [group("v", 2, .optional, .variant(version: 1)), leaf("metadata", .byteArray, .required), leaf("value", .byteArray, .required)], rows: rows.count,
      [
        HandmadeLeaf("v.metadata", .byteArray, maxDefinition: 1, rows.map { row in row.map { (1, bytes($0.metadata)) } ?? (0, nil) }),
        HandmadeLeaf("v.value", .byteArray, maxDefinition: 1, rows.map { row in row.map { (1, bytes($0.value)) } ?? (0, nil) }),
      ])
  }

  /// The dictionary of those keys.
  static func dictionary(_ keys: [String], offsetSize: Int = 1) -> [UInt8] {
    var out = [UInt8(1 | (offsetSize - 1) << 6)] + little(keys.count, offsetSize)
    var offset = 0
    for key in [""] + keys {
      offset += key.utf8.count
      out += little(offset, offsetSize)
    }
    return out + keys.flatMap { Array($0.utf8) }
  }

  /// An object of key numbers and encoded values, in that order.
  static func object(_ fields: [(Int, [UInt8])], idSize: Int = 1, offsetSize: Int = 1, isLarge: Bool = false) -> [UInt8] {
    let header = UInt8((offsetSize - 1) | (idSize - 1) << 2 | (isLarge ? 16 : 0)) << 2 | 2
    var out = [header] + little(fields.count, isLarge ? 4 : 1) + fields.flatMap { little($0.0, idSize) }
    var offset = 0
    for value in [[]] + fields.map(\.1) {
      offset += value.count
      out += little(offset, offsetSize)
    }
    return out + fields.flatMap(\.1)
  }

  static func array(_ items: [[UInt8]], offsetSize: Int = 1, isLarge: Bool = false) -> [UInt8] {
    var out = [UInt8((offsetSize - 1) | (isLarge ? 4 : 0)) << 2 | 3] + little(items.count, isLarge ? 4 : 1)
    var offset = 0
    for item in [[]] + items {
      offset += item.count
      out += little(offset, offsetSize)
    }
    return out + items.flatMap { $0 }
  }

  static func primitive(_ type: UInt8, _ data: [UInt8] = []) -> [UInt8] { [type << 2] + data }
  static func text(_ text: String) -> [UInt8] { [UInt8(text.utf8.count) << 2 | 1] + Array(text.utf8) }
}

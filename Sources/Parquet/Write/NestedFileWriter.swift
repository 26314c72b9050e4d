// A Parquet file of nested rows given one by one, for small structured files such as table checkpoints: plain encoding, one page per chunk.
// Tables of data are written by `ParquetFileWriter`.

package import Columnar

/// Writes rows (bags of dynamic values) under a nested schema. One thread at a time.
// SAFETY: `write` is stored because it takes a borrowed buffer; every call passes bytes that live for the call.
@safe package final class NestedFileWriter {
  /// Rows and bytes buffered before a row group is written.
  private static let groupRows = 65_536
  private static let groupBytes = 32 << 20

  private let shapes: [NestedShape]
  private let leaves: [NestedLeaf]
  private let write: (UnsafeRawBufferPointer) throws -> Void
  private let compressor: PageCompressor
  private var metadata = FileMetadata()
  private var offset = 0
  /// Bytes not written yet: the chunks of small files are tiny.
  private let pending = BufferBuilder<UInt8>()
  private var rows = 0

  /// Rows given so far.
  package var rowCount: Int { metadata.rowCount + rows }

  /// Writes the magic at once. `write` receives the file's bytes in order.
  package init(_ columns: [NestedColumn], createdBy: String, write: @escaping (UnsafeRawBufferPointer) throws -> Void) throws {
    var leaves: [NestedLeaf] = []
    var elements: [SchemaElement] = []
    shapes = columns.map { NestedShape($0, parents: [], definition: 0, leaves: &leaves, elements: &elements) }
    self.leaves = leaves
    unsafe self.write = unsafe write
    compressor = PageCompressor(ParquetWriterOptions())
    metadata.schema = [SchemaElement(name: "schema", childCount: columns.count)] + elements
    metadata.createdBy = createdBy
    metadata.columnOrders = leaves.map { _ in 1 }
    try put(Array("PAR1".utf8))
  }

  /// Appends a row: a bag with some of the columns.
  package func append(_ row: DynamicValue) throws {
    for shape in shapes { try shape.append(row[shape.name]) }
    rows += 1
    if rows >= Self.groupRows || rows & 255 == 0 && leaves.reduce(0, { $0 + $1.values.count }) >= Self.groupBytes { try flush() }
  }

  /// Writes the rows left and the footer; nothing may be appended afterwards.
  package func finish() throws {
    try flush()
    let footer = ThriftWriter.serialize(metadata)
    try put(footer)
    try put(ChunkBounds.littleEndian(UInt32(footer.count)))
    try put(Array("PAR1".utf8))
    try drain()
  }

  private func flush() throws {
    guard rows > 0 else { return }
    var group = RowGroup()
    group.rowCount = rows
    group.fileOffset = offset
    for leaf in leaves {
      let column = try chunk(leaf)
      group.totalByteSize += column.totalUncompressedSize
      group.columns.append(ColumnChunk(metadata: column))
      leaf.removeAll()
    }
    group.totalCompressedSize = offset - (group.fileOffset ?? 0)
    group.ordinal = Int16(exactly: metadata.rowGroups.count)
    metadata.rowGroups.append(group)
    metadata.rowCount += rows
    rows = 0
  }

  private func chunk(_ leaf: NestedLeaf) throws -> ColumnMetadata {
    let page = BufferBuilder<UInt8>(capacity: leaf.values.count + 1024)
    let entries = leaf.definitions.count
    if leaf.maxRepetition > 0 { appendLevels(leaf.repetitions, max: leaf.maxRepetition, to: page) }
    appendLevels(leaf.definitions, max: leaf.maxDefinition, to: page)
    if leaf.kind == .bool {
      let bits = leaf.bits.finish()
      PlainEncoder.encode(bits, 0..<bits.count, into: page)
    } else {
      // SAFETY: the first `count` elements of the builder are initialised.
      unsafe page.append(contentsOf: UnsafeBufferPointer(start: UnsafePointer(leaf.values.pointer), count: leaf.values.count))
    }
    // SAFETY: as above; the compressed bytes are valid until the next call.
    let stored = try unsafe compressor.compress(UnsafeRawBufferPointer(start: page.pointer, count: page.count))
    let header = ThriftWriter.serialize(
      PageHeader(body: .data(DataPageHeader(valueCount: entries, encoding: .plain)), uncompressedSize: page.count, compressedSize: stored.count))
    var column = ColumnMetadata(type: leaf.physicalType, codec: CompressionCodec(compressor.codec))
    column.path = leaf.path
    column.encodings = [.rle, .plain]
    column.valueCount = entries
    column.dataPageOffset = offset
    column.totalUncompressedSize = header.count + page.count
    column.totalCompressedSize = header.count + stored.count
    try put(header)
    try unsafe put(stored)
    return column
  }

  private func appendLevels(_ levels: BufferBuilder<Int32>, max: Int, to page: BufferBuilder<UInt8>) {
    let encoded = BufferBuilder<UInt8>()
    // SAFETY: the first `count` elements of the builder are initialised.
    unsafe RunLengthEncoder.encode(UnsafePointer(levels.pointer), count: levels.count, bitWidth: BitPacker.width(of: max), into: encoded)
    for k in 0..<4 { page.append(UInt8(truncatingIfNeeded: encoded.count >> (8 * k))) }
    // SAFETY: as above.
    unsafe page.append(contentsOf: UnsafeBufferPointer(start: UnsafePointer(encoded.pointer), count: encoded.count))
  }

  private func put(_ bytes: [UInt8]) throws { try unsafe bytes.withUnsafeBytes { try unsafe put($0) } }

  private func put(_ bytes: UnsafeRawBufferPointer) throws {
    unsafe pending.append(contentsOf: bytes.assumingMemoryBound(to: UInt8.self))
    offset += bytes.count
    if pending.count >= 1 << 20 { try drain() }
  }

  private func drain() throws {
    // SAFETY: the first `count` elements of the builder are initialised.
    try unsafe write(UnsafeRawBufferPointer(start: pending.pointer, count: pending.count))
    pending.removeAll()
  }
}

// An open Parquet file: footer, schema, row groups, indexes. Immutable and shared by all reading threads.
package import Columnar

/// A Parquet file that has been opened: its footer is read and checked, its data is not.
package final class ParquetFile: Sendable {
  package let source: any RandomAccess
  package let metadata: FileMetadata
  package let schema: FileSchema
  package let options: ParquetReadOptions
  /// Bytes of the footer.
  package let footerByteCount: Int

  /// Reads the footer of `source`.
  package init(_ source: some RandomAccess, options: ParquetReadOptions = ParquetReadOptions()) throws(ParquetError) {
    do throws(ParquetError) {
      let (metadata, length) = try Footer.read(source)
      self.source = source
      self.metadata = metadata
      self.options = options
      footerByteCount = length
      schema = try FileSchema(metadata, options: options)
      for (i, group) in metadata.rowGroups.enumerated() where group.columns.count != schema.tree.leaves.count {
        throw .corrupt("row group \(i) has \(group.columns.count) columns, the schema \(schema.tree.leaves.count)")
      }
      // Each row has a value or a null in each column: a footer that claims rows without them would have memory made for nothing.
      for (i, group) in metadata.rowGroups.enumerated() {
        let fewest = group.columns.compactMap { $0.metadata?.valueCount }.min() ?? group.rowCount
        guard group.rowCount <= fewest, group.rowCount <= Self.maxGroupRows else {
          throw .corrupt("row group \(i) claims \(group.rowCount) rows, its shortest column has \(fewest) values")
        }
      }
    } catch {
      throw error.located(file: source.name)
    }
  }

  /// Rows of one row group at most.
  private static let maxGroupRows = 1 << 40

  /// Opens a regular file, which messages call `displayPath`.
  package convenience init(path: String, displayPath: String? = nil, options: ParquetReadOptions = ParquetReadOptions()) throws(ParquetError) {
    try self.init(try FileDescriptorSource(path: path, displayPath: displayPath), options: options)
  }

  /// The same file with nested columns assembled by other nodes (see `FileSchema.mappingNested`).
  package init(_ file: ParquetFile, mappingNested map: (String, NestedNode) -> NestedNode) {
    source = file.source
    metadata = file.metadata
    options = file.options
    footerByteCount = file.footerByteCount
    schema = file.schema.mappingNested(map)
  }

  /// Name for messages.
  package var name: String { source.name }
  package var rowGroupCount: Int { metadata.rowGroups.count }
  /// Rows of all row groups; the footer's own total is not trusted.
  package var rowCount: Int { metadata.rowGroups.reduce(0) { $0 &+ $1.rowCount } }
  /// The columns as a table schema.
  package var structType: StructType { schema.structType }

  /// Bytes of the given columns in a row group, compressed and decompressed, as the footer states them: to reserve memory and to report.
  package func byteCounts(rowGroup: Int, columns: [Int]) -> (compressed: Int, uncompressed: Int) {
    var total = (compressed: 0, uncompressed: 0)
    for column in columns {
      for leaf in schema.fields[column].leaves {
        guard let chunk = metadata.rowGroups[rowGroup].columns[leaf].metadata else { continue }
        total.compressed += chunk.totalCompressedSize
        total.uncompressed += chunk.totalUncompressedSize
      }
    }
    return total
  }

  /// The metadata of a chunk that can be read: in this file and not encrypted.
  func chunk(_ group: Int, _ leaf: Int) throws(ParquetError) -> ColumnMetadata {
    let chunk = metadata.rowGroups[group].columns[leaf]
    if chunk.isEncrypted { throw .notSupported("encrypted columns; this reader has no keys") }
    if let path = chunk.filePath, !path.isEmpty { throw .notSupported("column chunks in another file ('\(path)')") }
    guard let metadata = chunk.metadata else { throw .corrupt("column chunk without metadata") }
    return metadata
  }

  /// The bytes of a chunk, within the file.
  func chunkRange(_ group: Int, _ leaf: Int) throws(ParquetError) -> Range<Int> {
    let metadata = try chunk(group, leaf)
    let start = metadata.firstPageOffset
    let limit = source.byteCount - 8
    guard start >= 4, start <= limit else {
      throw .corrupt("column chunk starts at byte \(start) of a file of \(source.byteCount)", at: start)
    }
    let (end, overflow) = start.addingReportingOverflow(metadata.totalCompressedSize)
    guard !overflow, end <= limit else {
      throw .corrupt("column chunk of \(metadata.totalCompressedSize) bytes does not lie within the file", at: start)
    }
    // parquet-mr before 1.2.9 left the dictionary page header out of the total (PARQUET-816); other readers allow for it, too.
    let hasSizeBug = self.metadata.createdBy?.hasPrefix("parquet-mr") ?? false
    return start..<(hasSizeBug ? min(end + 100, limit) : end)
  }

  // MARK: - Indexes

  /// Where the data pages of a leaf lie, nil where the writer stored no index.
  package func offsetIndex(rowGroup: Int, leaf: Int) throws(ParquetError) -> OffsetIndex? {
    let chunk = metadata.rowGroups[rowGroup].columns[leaf]
    guard let offset = chunk.offsetIndexOffset, let length = chunk.offsetIndexLength, length > 0, !chunk.isEncrypted else { return nil }
    let index = try structure(offset, length) { (r) throws(ParquetError) in try OffsetIndex(from: &r) }
    try index.validate(rowCount: metadata.rowGroups[rowGroup].rowCount, fileByteCount: source.byteCount)
    return index.pages.isEmpty ? nil : index
  }

  /// The bounds of the data pages of a leaf, nil where the writer stored no index.
  package func columnIndex(rowGroup: Int, leaf: Int) throws(ParquetError) -> ColumnIndex? {
    let chunk = metadata.rowGroups[rowGroup].columns[leaf]
    guard let offset = chunk.columnIndexOffset, let length = chunk.columnIndexLength, length > 0, !chunk.isEncrypted else { return nil }
    return try structure(offset, length) { (r) throws(ParquetError) in try ColumnIndex(from: &r) }
  }

  /// The bloom filter of a leaf, nil where the writer stored none.
  package func bloomFilter(rowGroup: Int, leaf: Int) throws(ParquetError) -> BloomFilter? {
    guard let (offset, byteCount) = try bloomBitset(rowGroup: rowGroup, leaf: leaf) else { return nil }
    let scratch = ScratchBuffer()
    let bitset = try unsafe scratch.reserveBuffer(byteCount)
    try unsafe source.read(at: offset, into: bitset)
    return unsafe try BloomFilter(bitset: UnsafeRawBufferPointer(bitset))
  }

  /// Where the bitset of a leaf's bloom filter lies, nil where the writer stored none.
  func bloomBitset(rowGroup: Int, leaf: Int) throws(ParquetError) -> (offset: Int, byteCount: Int)? {
    guard let chunk = metadata.rowGroups[rowGroup].columns[leaf].metadata, let offset = chunk.bloomFilterOffset,
      !metadata.rowGroups[rowGroup].columns[leaf].isEncrypted
    else { return nil }
    let limit = source.byteCount - 8
    guard offset >= 4, offset < limit else { throw .corrupt("bloom filter outside the file", at: offset) }
    // The header is a few bytes; its length is only known once read.
    let scratch = ScratchBuffer()
    let peeked = try unsafe scratch.reserveBuffer(min(64, limit - offset))
    try unsafe source.read(at: offset, into: peeked)
    var reader = unsafe ThriftReader(UnsafeRawBufferPointer(peeked), baseOffset: offset)
    let header = try BloomFilterHeader(from: &reader)
    let start = offset + reader.position
    guard header.byteCount > 0, header.byteCount % 32 == 0, header.byteCount <= BloomFilter.maxByteCount, header.byteCount <= limit - start else {
      throw .corrupt("bloom filter of \(header.byteCount) bytes", at: offset)
    }
    return (start, header.byteCount)
  }

  /// Whether a filter may contain a hash; reads its block alone.
  func mayContain(_ hash: UInt64, _ filter: (offset: Int, byteCount: Int)) throws(ParquetError) -> Bool {
    let word = BloomFilter.firstWord(hash, wordCount: filter.byteCount / 4)
    let scratch = ScratchBuffer()
    // SAFETY: the scratch memory lives through the call.
    let block = unsafe try scratch.reserveBuffer(32)
    try unsafe source.read(at: filter.offset + word * 4, into: block)
    return try unsafe BloomFilter(bitset: UnsafeRawBufferPointer(block)).mayContain(hash: hash)
  }

  private func structure<T>(
    _ offset: Int, _ length: Int, _ body: (inout ThriftReader) throws(ParquetError) -> T
  ) throws(ParquetError) -> T {
    guard offset >= 4, offset <= source.byteCount, length <= source.byteCount - offset else {
      throw .corrupt("index of \(length) bytes outside the file", at: offset)
    }
    let scratch = ScratchBuffer()
    let bytes = try unsafe scratch.reserveBuffer(length)
    try unsafe source.read(at: offset, into: bytes)
    var reader = unsafe ThriftReader(UnsafeRawBufferPointer(bytes), baseOffset: offset)
    return try body(&reader)
  }
}

// A Parquet file from front to back: magic, row groups (encoded in parallel, appended in order), bloom filters, page indexes, footer.

package import Columnar

/// A row group ready to be placed in a file.
package struct EncodedRowGroup: Sendable {
  package let rowCount: Int
  let chunks: [EncodedColumnChunk]

  /// Bytes of its pages.
  package var byteCount: Int { chunks.reduce(0) { $0 + $1.bytes.count } }
}

/// Encodes row groups. Immutable; `encode` may run on many threads at once.
package struct ParquetEncoder: Sendable {
  package let schema: StructType
  package let options: ParquetWriterOptions
  let writerSchema: WriterSchema

  /// Throws `invalidRequest` when a bloom filter or sort column is not in the schema, or an option is out of range.
  package init(schema: StructType, options: ParquetWriterOptions) throws(ParquetError) {
    for name in options.bloomFilterColumns.sorted() + options.termIndexColumns.sorted() + options.sortedBy.map(\.name) where schema.index(of: name) == nil {
      throw ParquetError(.invalidRequest, "column '\(name)' is not in the schema: \(schema.names.joined(separator: ", "))")
    }
    guard schema.count > 0 else { throw ParquetError(.invalidRequest, "a Parquet file needs at least one column") }
    self.schema = schema
    self.options = options
    writerSchema = WriterSchema(schema, options: options)
  }

  /// Encodes consecutive batches of the schema as one row group; throws `inexact` or `invalidRequest`.
  package func encode(_ batches: [RecordBatch]) throws(ParquetError) -> EncodedRowGroup {
    let rowCount = batches.reduce(0) { $0 + $1.rowCount }
    let compressor = PageCompressor(options)
    var chunks: [EncodedColumnChunk] = []
    for (c, column) in writerSchema.columns.enumerated() {
      let encoder = ColumnChunkEncoder(column: column, options: options, compressor: compressor)
      chunks.append(try encoder.encode(batches.map { $0.columns[c] }, rowCount: rowCount))
    }
    return EncodedRowGroup(rowCount: rowCount, chunks: chunks)
  }
}

/// Places encoded row groups in a file. One thread at a time. `write` receives the file's bytes in order.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe package final class ParquetFileWriter {
  private let encoder: ParquetEncoder
  private let write: (UnsafeRawBufferPointer) throws -> Void
  private var offset = 0
  private var metadata = FileMetadata()
  private var groups: [[EncodedColumnChunk]] = []

  /// Rows appended so far.
  package var rowCount: Int { metadata.rowCount }

  /// Writes the magic at once.
  package init(_ encoder: ParquetEncoder, createdBy: String, write: @escaping (UnsafeRawBufferPointer) throws -> Void) throws {
    self.encoder = encoder
    unsafe self.write = unsafe write
    metadata.schema = encoder.writerSchema.elements
    metadata.createdBy = createdBy
    metadata.columnOrders = encoder.writerSchema.columns.map { _ in 1 }
    metadata.keyValues = [KeyValue(key: kustoSchemaKey, value: encoder.schema.description)]
      + encoder.options.keyValues.map { KeyValue(key: $0.key, value: $0.value) }
    try put(Array("PAR1".utf8))
  }

  /// Appends a row group; one without rows adds nothing.
  package func append(_ group: EncodedRowGroup) throws {
    guard group.rowCount > 0 else { return }
    var out = RowGroup()
    out.rowCount = group.rowCount
    out.fileOffset = offset
    out.ordinal = Int16(exactly: metadata.rowGroups.count)
    var kept: [EncodedColumnChunk] = []
    for var chunk in group.chunks {
      let start = offset
      try unsafe chunk.bytes.withUnsafe { try unsafe put(UnsafeRawBufferPointer($0)) }
      chunk.metadata.dataPageOffset += start
      if let own = chunk.metadata.dictionaryPageOffset { chunk.metadata.dictionaryPageOffset = own + start }
      for i in chunk.offsetIndex.pages.indices { chunk.offsetIndex.pages[i].offset += start }
      var column = ColumnChunk(metadata: chunk.metadata)
      column.fileOffset = 0
      out.columns.append(column)
      out.totalByteSize += chunk.metadata.totalUncompressedSize
      chunk.bytes = .empty
      kept.append(chunk)
    }
    out.totalCompressedSize = offset - (out.fileOffset ?? 0)
    let sorted = encoder.options.sortedBy
    if !sorted.isEmpty {
      out.sortingColumns = sorted.compactMap { key in
        encoder.schema.index(of: key.name).map { SortingColumn(columnIndex: $0, isDescending: key.isDescending, areNullsFirst: key.areNullsFirst) }
      }
    }
    metadata.rowGroups.append(out)
    metadata.rowCount += group.rowCount
    groups.append(kept)
  }

  /// Writes filters, indexes and the footer. Nothing may be appended afterwards.
  package func finish() throws {
    for (g, chunks) in groups.enumerated() {
      for (c, chunk) in chunks.enumerated() {
        guard let bloom = chunk.bloomFilter else { continue }
        metadata.rowGroups[g].columns[c].metadata?.bloomFilterOffset = offset
        metadata.rowGroups[g].columns[c].metadata?.bloomFilterLength = bloom.count
        try put(bloom)
      }
    }
    try writeTermIndex()
    if encoder.options.pageIndex { try writePageIndexes() }
    let footer = ThriftWriter.serialize(metadata)
    try put(footer)
    try put(ChunkBounds.littleEndian(UInt32(footer.count)))
    try put(Array("PAR1".utf8))
  }

  private func writeTermIndex() throws {
    var index = TermIndex()
    for (g, chunks) in groups.enumerated() {
      for (c, chunk) in chunks.enumerated() {
        guard let filters = chunk.termFilters else { continue }
        var blocks: [(offset: Int, byteCount: Int)] = []
        for filter in filters {
          blocks.append((offset, filter?.byteCount ?? 0))
          if let filter { try put(filter.words.flatMap(ChunkBounds.littleEndian)) }
        }
        index.add(rowGroup: g, column: c, blockRows: TermFilterBuilder.blockRows, blocks: blocks)
      }
    }
    if index.isEmpty { return }
    let start = offset
    try put(index.serialized)
    metadata.keyValues?.append(KeyValue(key: termIndexKey, value: "\(start):\(offset - start)"))
  }

  private func writePageIndexes() throws {
    for (g, chunks) in groups.enumerated() {
      for (c, chunk) in chunks.enumerated() {
        guard let index = chunk.columnIndex else { continue }
        let bytes = ThriftWriter.serialize(index)
        metadata.rowGroups[g].columns[c].columnIndexOffset = offset
        metadata.rowGroups[g].columns[c].columnIndexLength = bytes.count
        try put(bytes)
      }
    }
    for (g, chunks) in groups.enumerated() {
      for (c, chunk) in chunks.enumerated() {
        let bytes = ThriftWriter.serialize(chunk.offsetIndex)
        metadata.rowGroups[g].columns[c].offsetIndexOffset = offset
        metadata.rowGroups[g].columns[c].offsetIndexLength = bytes.count
        try put(bytes)
      }
    }
  }

  private func put(_ bytes: [UInt8]) throws { try unsafe bytes.withUnsafeBytes { try unsafe put($0) } }

  private func put(_ bytes: UnsafeRawBufferPointer) throws {
    try unsafe write(bytes)
    offset += bytes.count
  }
}

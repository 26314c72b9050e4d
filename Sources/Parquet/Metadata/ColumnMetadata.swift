// A column chunk and its metadata (parquet.thrift `ColumnChunk`, `ColumnMetaData`).

/// Where a column's part of a row group lies and how it is stored.
package struct ColumnMetadata: Sendable, Equatable {
  package var type: PhysicalType
  package var encodings: [Encoding] = []
  /// Names from below the root to the leaf.
  package var path: [String] = []
  package var codec: CompressionCodec
  /// Values including nulls: for repeated columns more than rows.
  package var valueCount = 0
  /// Bytes with page headers.
  package var totalUncompressedSize = 0
  package var totalCompressedSize = 0
  package var keyValues: [KeyValue]?
  package var dataPageOffset = 0
  package var indexPageOffset: Int?
  package var dictionaryPageOffset: Int?
  package var statistics: Statistics?
  package var encodingStats: [PageEncodingCount]?
  package var bloomFilterOffset: Int?
  package var bloomFilterLength: Int?

  package init(type: PhysicalType, codec: CompressionCodec) {
    self.type = type
    self.codec = codec
  }

  /// Offset of the first page. A dictionary offset of zero means "none" (some writers fill the field always).
  package var firstPageOffset: Int {
    if let dictionaryPageOffset, dictionaryPageOffset > 0, dictionaryPageOffset < dataPageOffset { return dictionaryPageOffset }
    return dataPageOffset
  }

  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var m = ColumnMetadata(type: .boolean, codec: .uncompressed)
    var seen: UInt64 = 0
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch (field.id, field.type) {
      case (1, .int32):
        let raw = try r.readInt32()
        guard let type = PhysicalType(rawValue: raw) else { throw r.corrupt("unknown physical type \(raw)") }
        m.type = type
      case (2, .list):
        m.encodings = try r.readList(of: .int32) { (e) throws(ParquetError) in Encoding(rawValue: try e.readInt32()) }
      case (3, .list): m.path = try r.readList(of: .binary) { (e) throws(ParquetError) in try e.readString() }
      case (4, .int32): m.codec = CompressionCodec(rawValue: try r.readInt32())
      case (5, .int64): m.valueCount = try r.readSize64("value count")
      case (6, .int64): m.totalUncompressedSize = try r.readSize64("uncompressed size")
      case (7, .int64): m.totalCompressedSize = try r.readSize64("compressed size")
      case (8, .list): m.keyValues = try r.readList(of: .structure) { (e) throws(ParquetError) in try KeyValue(from: &e) }
      case (9, .int64): m.dataPageOffset = try r.readSize64("data page offset")
      case (10, .int64): m.indexPageOffset = Int(try r.readInt64())
      case (11, .int64): m.dictionaryPageOffset = Int(try r.readInt64())
      case (12, .structure): m.statistics = try Statistics(from: &r)
      case (13, .list):
        m.encodingStats = try r.readList(of: .structure) { (e) throws(ParquetError) in try PageEncodingCount(from: &e) }
      case (14, .int64): m.bloomFilterOffset = try r.readSize64("bloom filter offset")
      case (15, .int32): m.bloomFilterLength = try r.readSize("bloom filter length")
      default: return false
      }
      seen |= 1 << UInt64(field.id & 63)
      return true
    }
    for id: Int16 in [1, 4, 5, 7, 9] where seen >> UInt64(id) & 1 == 0 {
      throw reader.corrupt("column metadata lacks required field \(id)")
    }
    self = m
  }
}

extension ColumnMetadata: ThriftWritable {
  package func writeFields(to writer: inout ThriftWriter) {
    writer.field(1, type.rawValue)
    writer.list(2, encodings, of: .int32) { $0.writeZigzag(Int64($1.rawValue)) }
    writer.list(3, path)
    writer.field(4, codec.rawValue)
    writer.field64(5, valueCount)
    writer.field64(6, totalUncompressedSize)
    writer.field64(7, totalCompressedSize)
    writer.list(8, keyValues)
    writer.field64(9, dataPageOffset)
    writer.field64(10, indexPageOffset)
    writer.field64(11, dictionaryPageOffset)
    writer.field(12, statistics)
    writer.list(13, encodingStats)
    writer.field64(14, bloomFilterOffset)
    writer.field32(15, bloomFilterLength)
  }
}

/// A column chunk: metadata plus the places of its indexes.
package struct ColumnChunk: Sendable, Equatable {
  /// Set when the chunk lives in another file.
  package var filePath: String?
  package var fileOffset = 0
  /// Nil when the metadata is encrypted.
  package var metadata: ColumnMetadata?
  package var offsetIndexOffset: Int?
  package var offsetIndexLength: Int?
  package var columnIndexOffset: Int?
  package var columnIndexLength: Int?
  /// True when the chunk carries encryption metadata.
  package var isEncrypted = false

  package init(metadata: ColumnMetadata) { self.metadata = metadata }

  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var chunk = ColumnChunk(metadata: ColumnMetadata(type: .boolean, codec: .uncompressed))
    chunk.metadata = nil
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch (field.id, field.type) {
      case (1, .binary): chunk.filePath = try r.readString()
      case (2, .int64): chunk.fileOffset = Int(try r.readInt64())
      case (3, .structure): chunk.metadata = try ColumnMetadata(from: &r)
      case (4, .int64): chunk.offsetIndexOffset = try r.readSize64("offset index offset")
      case (5, .int32): chunk.offsetIndexLength = try r.readSize("offset index length")
      case (6, .int64): chunk.columnIndexOffset = try r.readSize64("column index offset")
      case (7, .int32): chunk.columnIndexLength = try r.readSize("column index length")
      case (8, _), (9, _):
        chunk.isEncrypted = true
        return false
      default: return false
      }
      return true
    }
    self = chunk
  }
}

extension ColumnChunk: ThriftWritable {
  package func writeFields(to writer: inout ThriftWriter) {
    writer.field(1, filePath)
    writer.field64(2, fileOffset)
    writer.field(3, metadata)
    writer.field64(4, offsetIndexOffset)
    writer.field32(5, offsetIndexLength)
    writer.field64(6, columnIndexOffset)
    writer.field32(7, columnIndexLength)
  }
}

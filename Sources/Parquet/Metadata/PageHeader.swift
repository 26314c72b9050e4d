// Page headers (parquet.thrift `PageHeader` and its four kinds). Page statistics are skipped: the indexes serve pruning.

package struct DataPageHeader: Sendable, Equatable {
  /// Values including nulls.
  package var valueCount: Int
  package var encoding: Encoding
  package var definitionEncoding: Encoding = .rle
  package var repetitionEncoding: Encoding = .rle

  package init(valueCount: Int, encoding: Encoding) {
    self.valueCount = valueCount
    self.encoding = encoding
  }
}

package struct DictionaryPageHeader: Sendable, Equatable {
  package var valueCount: Int
  package var encoding: Encoding
  package var isSorted: Bool?

  package init(valueCount: Int, encoding: Encoding) {
    self.valueCount = valueCount
    self.encoding = encoding
  }
}

package struct DataPageHeaderV2: Sendable, Equatable {
  package var valueCount: Int
  package var nullCount: Int
  package var rowCount: Int
  package var encoding: Encoding
  package var definitionLevelsByteCount: Int
  package var repetitionLevelsByteCount: Int
  package var isCompressed = true

  package init(
    valueCount: Int, nullCount: Int, rowCount: Int, encoding: Encoding, definitionLevelsByteCount: Int,
    repetitionLevelsByteCount: Int, isCompressed: Bool
  ) {
    self.valueCount = valueCount
    self.nullCount = nullCount
    self.rowCount = rowCount
    self.encoding = encoding
    self.definitionLevelsByteCount = definitionLevelsByteCount
    self.repetitionLevelsByteCount = repetitionLevelsByteCount
    self.isCompressed = isCompressed
  }
}

/// The header in front of every page.
package struct PageHeader: Sendable, Equatable {
  /// The kind with its own header; `other` pages (index pages, unknown kinds) are skipped by readers.
  package enum Body: Sendable, Equatable {
    case data(DataPageHeader)
    case dataV2(DataPageHeaderV2)
    case dictionary(DictionaryPageHeader)
    case other(Int32)
  }

  package var body: Body
  package var uncompressedSize: Int
  package var compressedSize: Int
  /// CRC-32 of the compressed bytes.
  package var crc: UInt32?

  package init(body: Body, uncompressedSize: Int, compressedSize: Int, crc: UInt32? = nil) {
    self.body = body
    self.uncompressedSize = uncompressedSize
    self.compressedSize = compressedSize
    self.crc = crc
  }

  /// Rows of the page where the header tells: v2 always; v1 only for columns that do not repeat.
  package func rowCount(isRepeated: Bool) -> Int? {
    switch body {
    case .data(let header): return isRepeated ? nil : header.valueCount
    case .dataV2(let header): return header.rowCount
    case .dictionary, .other: return 0
    }
  }

  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var type: Int32?
    var uncompressed: Int?
    var compressed: Int?
    var crc: UInt32?
    var data: DataPageHeader?
    var dataV2: DataPageHeaderV2?
    var dictionary: DictionaryPageHeader?
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch (field.id, field.type) {
      case (1, .int32): type = try r.readInt32()
      case (2, .int32): uncompressed = try r.readSize("uncompressed page size")
      case (3, .int32): compressed = try r.readSize("compressed page size")
      case (4, .int32): crc = UInt32(bitPattern: try r.readInt32())
      case (5, .structure): data = try DataPageHeader(from: &r)
      case (7, .structure): dictionary = try DictionaryPageHeader(from: &r)
      case (8, .structure): dataV2 = try DataPageHeaderV2(from: &r)
      default: return false
      }
      return true
    }
    guard let type, let uncompressed, let compressed else { throw reader.corrupt("incomplete page header") }
    let body: Body
    switch PageType(rawValue: type) {
    case .data:
      guard let data else { throw reader.corrupt("data page without its header") }
      body = .data(data)
    case .dataV2:
      guard let dataV2 else { throw reader.corrupt("data page v2 without its header") }
      body = .dataV2(dataV2)
    case .dictionary:
      guard let dictionary else { throw reader.corrupt("dictionary page without its header") }
      body = .dictionary(dictionary)
    case .index, nil: body = .other(type)
    }
    self.init(body: body, uncompressedSize: uncompressed, compressedSize: compressed, crc: crc)
  }
}

extension DataPageHeader: ThriftWritable {
  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var values: Int?
    var header = DataPageHeader(valueCount: 0, encoding: .plain)
    try reader.readStruct { (r, field) throws(ParquetError) in
      guard field.type == .int32 else { return false }
      switch field.id {
      case 1: values = try r.readSize("page value count")
      case 2: header.encoding = Encoding(rawValue: try r.readInt32())
      case 3: header.definitionEncoding = Encoding(rawValue: try r.readInt32())
      case 4: header.repetitionEncoding = Encoding(rawValue: try r.readInt32())
      default: return false
      }
      return true
    }
    guard let values else { throw reader.corrupt("data page header without a value count") }
    header.valueCount = values
    self = header
  }

  package func writeFields(to writer: inout ThriftWriter) {
    writer.field32(1, valueCount)
    writer.field(2, encoding.rawValue)
    writer.field(3, definitionEncoding.rawValue)
    writer.field(4, repetitionEncoding.rawValue)
  }
}

extension DictionaryPageHeader: ThriftWritable {
  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var values: Int?
    var header = DictionaryPageHeader(valueCount: 0, encoding: .plain)
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch (field.id, field.type) {
      case (1, .int32): values = try r.readSize("dictionary value count")
      case (2, .int32): header.encoding = Encoding(rawValue: try r.readInt32())
      case (3, _): header.isSorted = try r.bool(field)
      default: return false
      }
      return true
    }
    guard let values else { throw reader.corrupt("dictionary page header without a value count") }
    header.valueCount = values
    self = header
  }

  package func writeFields(to writer: inout ThriftWriter) {
    writer.field32(1, valueCount)
    writer.field(2, encoding.rawValue)
    writer.field(3, isSorted)
  }
}

extension DataPageHeaderV2: ThriftWritable {
  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var header = DataPageHeaderV2(
      valueCount: -1, nullCount: 0, rowCount: -1, encoding: .plain, definitionLevelsByteCount: 0,
      repetitionLevelsByteCount: 0, isCompressed: true)
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch (field.id, field.type) {
      case (1, .int32): header.valueCount = try r.readSize("page value count")
      case (2, .int32): header.nullCount = try r.readSize("page null count")
      case (3, .int32): header.rowCount = try r.readSize("page row count")
      case (4, .int32): header.encoding = Encoding(rawValue: try r.readInt32())
      case (5, .int32): header.definitionLevelsByteCount = try r.readSize("definition levels size")
      case (6, .int32): header.repetitionLevelsByteCount = try r.readSize("repetition levels size")
      case (7, _): header.isCompressed = try r.bool(field)
      default: return false
      }
      return true
    }
    guard header.valueCount >= 0, header.rowCount >= 0 else { throw reader.corrupt("incomplete data page v2 header") }
    self = header
  }

  package func writeFields(to writer: inout ThriftWriter) {
    writer.field32(1, valueCount)
    writer.field32(2, nullCount)
    writer.field32(3, rowCount)
    writer.field(4, encoding.rawValue)
    writer.field32(5, definitionLevelsByteCount)
    writer.field32(6, repetitionLevelsByteCount)
    writer.field(7, isCompressed)
  }
}

extension PageHeader: ThriftWritable {
  package func writeFields(to writer: inout ThriftWriter) {
    switch body {
    case .data: writer.field(1, PageType.data.rawValue)
    case .dataV2: writer.field(1, PageType.dataV2.rawValue)
    case .dictionary: writer.field(1, PageType.dictionary.rawValue)
    case .other(let type): writer.field(1, type)
    }
    writer.field32(2, uncompressedSize)
    writer.field32(3, compressedSize)
    writer.field(4, crc.map { Int32(bitPattern: $0) })
    switch body {
    case .data(let header): writer.field(5, header)
    case .dictionary(let header): writer.field(7, header)
    case .dataV2(let header): writer.field(8, header)
    case .other: break
    }
  }
}

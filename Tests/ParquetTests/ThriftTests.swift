// The compact protocol: what is written reads back, and damaged bytes are refused.
import Parquet
import Testing

@Suite struct ThriftTests {
  static let metadata: FileMetadata = {
    var file = FileMetadata()
    file.schema = [
      SchemaElement(name: "root", childCount: 4),
      SchemaElement(name: "when", type: .int64, repetition: .optional, logical: .timestamp(unit: .nanos, isUTC: false), fieldID: 7),
      SchemaElement(name: "price", type: .fixedLenByteArray, typeLength: 9, repetition: .required, logical: .decimal(scale: 4, precision: 20)),
      SchemaElement(name: "small", type: .int32, repetition: .optional, logical: .integer(bitWidth: 8, isSigned: false)),
      SchemaElement(name: "place", type: .byteArray, repetition: .optional, logical: .geography(crs: "OGC:CRS84", algorithm: 2)),
    ]
    var column = ColumnMetadata(type: .int64, codec: .zstd)
    column.encodings = [.plain, .rleDictionary, .deltaBinaryPacked]
    column.path = ["when"]
    column.valueCount = 1 << 40
    column.totalCompressedSize = 1234
    column.totalUncompressedSize = 99_999
    column.dataPageOffset = 4
    column.dictionaryPageOffset = 44
    column.statistics = Statistics(nullCount: 3, minValue: [1, 2, 3], maxValue: [0xFF])
    column.statistics?.isMaxExact = false
    column.encodingStats = [PageEncodingCount(pageType: .dictionary, encoding: .plain, count: 1)]
    column.keyValues = [KeyValue(key: "k", value: nil), KeyValue(key: "ö", value: String(repeating: "x", count: 200))]
    column.bloomFilterOffset = 77
    var chunk = ColumnChunk(metadata: column)
    chunk.offsetIndexOffset = 5
    chunk.offsetIndexLength = 6
    var group = RowGroup()
    group.columns = Array(repeating: chunk, count: 20)
    group.rowCount = 1 << 33
    group.sortingColumns = [SortingColumn(columnIndex: 1, isDescending: true, areNullsFirst: false)]
    group.ordinal = 12
    file.rowGroups = [group]
    file.rowCount = 1 << 33
    file.createdBy = "tests"
    file.columnOrders = [1, 1, 2, 1]
    return file
  }()

  @Test func metadataReadsBackAsWritten() throws {
    let bytes = ThriftWriter.serialize(Self.metadata)
    #expect(try Self.read(bytes) == Self.metadata)
  }

  @Test func everyTruncationIsRefused() {
    let bytes = ThriftWriter.serialize(Self.metadata)
    for count in 0..<bytes.count {
      #expect(throws: ParquetError.self) { try Self.read(Array(bytes[..<count])) }
    }
  }

  @Test(arguments: [
    PageHeader(body: .data(DataPageHeader(valueCount: 5, encoding: .plain)), uncompressedSize: 10, compressedSize: 8, crc: 0xFFFF_0001),
    PageHeader(body: .dictionary(DictionaryPageHeader(valueCount: 300, encoding: .plain)), uncompressedSize: 0, compressedSize: 0),
    PageHeader(
      body: .dataV2(
        DataPageHeaderV2(
          valueCount: 9, nullCount: 1, rowCount: 4, encoding: .deltaByteArray, definitionLevelsByteCount: 3,
          repetitionLevelsByteCount: 2, isCompressed: false)), uncompressedSize: 1 << 30, compressedSize: 77),
  ])
  func pageHeadersReadBack(_ header: PageHeader) throws {
    let bytes = ThriftWriter.serialize(header)
    let back = try bytes.withUnsafeBytes { raw in
      var reader = ThriftReader(raw)
      return try PageHeader(from: &reader)
    }
    #expect(back == header)
  }

  @Test func deepNestingAndHugeCountsAreRefused() {
    // Field 99 (unknown) as structures within structures, a list of 2^60 elements, a binary of 2^60 bytes.
    let deep = [UInt8](repeating: 0x1C, count: 500)
    let list: [UInt8] = [0x19, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]
    let binary: [UInt8] = [0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]
    for bytes in [deep, list, binary] {
      #expect(throws: ParquetError.self) { try Self.read(bytes) }
    }
  }

  static func read(_ bytes: [UInt8]) throws -> FileMetadata {
    try bytes.withUnsafeBytes { raw in
      var reader = ThriftReader(raw)
      return try FileMetadata(from: &reader)
    }
  }
}

// The enumerations of parquet.thrift, by their wire numbers. Unknown numbers are kept apart so that a file with one
// unfamiliar column can still be described and its other columns read.

/// How values are stored (parquet.thrift `Type`).
package enum PhysicalType: Int32, Sendable, CaseIterable, CustomStringConvertible {
  case boolean = 0, int32, int64, int96, float, double, byteArray, fixedLenByteArray

  /// The name used by parquet.thrift and by other tools.
  package var description: String {
    switch self {
    case .boolean: return "BOOLEAN"
    case .int32: return "INT32"
    case .int64: return "INT64"
    case .int96: return "INT96"
    case .float: return "FLOAT"
    case .double: return "DOUBLE"
    case .byteArray: return "BYTE_ARRAY"
    case .fixedLenByteArray: return "FIXED_LEN_BYTE_ARRAY"
    }
  }
}

/// Whether a field may be absent or repeat (parquet.thrift `FieldRepetitionType`).
package enum Repetition: Int32, Sendable, CustomStringConvertible {
  case required = 0, optional, repeated

  package var description: String {
    switch self {
    case .required: return "required"
    case .optional: return "optional"
    case .repeated: return "repeated"
    }
  }
}

/// Page and level encodings (parquet.thrift `Encoding`).
package struct Encoding: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  package var rawValue: Int32
  package init(rawValue: Int32) { self.rawValue = rawValue }

  package static let plain = Encoding(rawValue: 0)
  package static let plainDictionary = Encoding(rawValue: 2)
  package static let rle = Encoding(rawValue: 3)
  package static let bitPacked = Encoding(rawValue: 4)
  package static let deltaBinaryPacked = Encoding(rawValue: 5)
  package static let deltaLengthByteArray = Encoding(rawValue: 6)
  package static let deltaByteArray = Encoding(rawValue: 7)
  package static let rleDictionary = Encoding(rawValue: 8)
  package static let byteStreamSplit = Encoding(rawValue: 9)

  /// True for both spellings of dictionary encoding.
  package var isDictionary: Bool { self == .plainDictionary || self == .rleDictionary }

  package var description: String {
    switch self {
    case .plain: return "PLAIN"
    case .plainDictionary: return "PLAIN_DICTIONARY"
    case .rle: return "RLE"
    case .bitPacked: return "BIT_PACKED"
    case .deltaBinaryPacked: return "DELTA_BINARY_PACKED"
    case .deltaLengthByteArray: return "DELTA_LENGTH_BYTE_ARRAY"
    case .deltaByteArray: return "DELTA_BYTE_ARRAY"
    case .rleDictionary: return "RLE_DICTIONARY"
    case .byteStreamSplit: return "BYTE_STREAM_SPLIT"
    default: return "ENCODING_\(rawValue)"
    }
  }
}

/// Page compression (parquet.thrift `CompressionCodec`).
package struct CompressionCodec: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  package var rawValue: Int32
  package init(rawValue: Int32) { self.rawValue = rawValue }

  package static let uncompressed = CompressionCodec(rawValue: 0)
  package static let snappy = CompressionCodec(rawValue: 1)
  package static let gzip = CompressionCodec(rawValue: 2)
  package static let lzo = CompressionCodec(rawValue: 3)
  package static let brotli = CompressionCodec(rawValue: 4)
  package static let lz4 = CompressionCodec(rawValue: 5)
  package static let zstd = CompressionCodec(rawValue: 6)
  package static let lz4Raw = CompressionCodec(rawValue: 7)

  package var description: String {
    switch self {
    case .uncompressed: return "UNCOMPRESSED"
    case .snappy: return "SNAPPY"
    case .gzip: return "GZIP"
    case .lzo: return "LZO"
    case .brotli: return "BROTLI"
    case .lz4: return "LZ4"
    case .zstd: return "ZSTD"
    case .lz4Raw: return "LZ4_RAW"
    default: return "CODEC_\(rawValue)"
    }
  }
}

/// The deprecated annotations (parquet.thrift `ConvertedType`), still the only ones in old files.
package enum ConvertedType: Int32, Sendable {
  case utf8 = 0, map, mapKeyValue, list, enumeration, decimal, date, timeMillis, timeMicros, timestampMillis, timestampMicros
  case uint8, uint16, uint32, uint64, int8, int16, int32, int64, json, bson, interval
}

/// The kind of a page (parquet.thrift `PageType`).
package enum PageType: Int32, Sendable {
  case data = 0, index, dictionary, dataV2
}

/// How the minima and maxima of a column index are ordered (parquet.thrift `BoundaryOrder`).
package enum BoundaryOrder: Int32, Sendable {
  case unordered = 0, ascending, descending
}

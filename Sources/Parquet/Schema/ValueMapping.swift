// Which Kusto type a leaf column has and how its stored values become that type. Decided once per file.
//
//   BOOLEAN → bool                      INT(8…32), UINT(8,16), plain INT32 → int       UINT32, INT64 → long
//   UINT64 → decimal (20 digits)        FLOAT, DOUBLE, FLOAT16 → real                  DECIMAL → decimal, with its precision and scale
//   DATE, TIMESTAMP, INT96 → datetime   TIME → timespan                                UUID → guid
//   STRING, ENUM → string               JSON → dynamic                                 INTERVAL → string (ISO 8601, months cannot be ticks)
//   BSON, GEOMETRY, GEOGRAPHY, FIXED_LEN_BYTE_ARRAY → string (base64)                  BYTE_ARRAY → string (see `BinaryForm`)
//   VARIANT → dynamic (see `VariantShape`)
// Local timestamps (isAdjustedToUTC false) keep their wall clock as if it were UTC.
package import Columnar

/// The conversion of one leaf.
package enum ValueMapping: Sendable, Equatable {
  case bool
  case int32
  case uint32
  case int64
  case uint64
  case float
  case double
  case float16
  case decimal32(scale: Int)
  case decimal64(scale: Int)
  /// Big-endian two's complement; 64-bit coefficients when `isNarrow`.
  case decimalBytes(scale: Int, isNarrow: Bool)
  case date
  /// 32-bit or 64-bit counts of `unit`, as a point in time or a duration.
  case ticks(TimeUnit, isDatetime: Bool)
  /// Int64 ticks as this project's writer stores timespans.
  case rawTicks(isDatetime: Bool)
  case int96
  case uuid
  case interval
  case text
  case json
  case binary
  case base64
  /// GUIDs as text, as this project's writer stores them.
  case guidText
  /// Bytes as they are: the parts of a VARIANT, which are never columns of their own.
  case bytes

  /// The Kusto type values come out as.
  package var type: DataType {
    switch self {
    case .bool: return .bool
    case .int32: return .int
    case .uint32, .int64: return .long
    case .float, .double, .float16: return .real
    case .uint64, .decimal32, .decimal64, .decimalBytes: return .decimal
    case .date, .int96: return .datetime
    case .ticks(_, let isDatetime), .rawTicks(let isDatetime): return isDatetime ? .datetime : .timespan
    case .uuid, .guidText: return .guid
    case .interval, .text, .binary, .base64, .bytes: return .string
    case .json: return .dynamic
    }
  }

  /// What is known of the values beyond the type.
  package func hint(_ element: SchemaElement) -> StorageHint? {
    switch self {
    case .date: return .date
    case .decimal32, .decimal64, .decimalBytes:
      guard case .decimal(let scale, let precision) = element.annotation else { return nil }
      return .decimal(precision: precision, scale: scale)
    case .uint64: return .decimal(precision: 20, scale: 0)
    default: return nil
    }
  }

  /// The mapping of a leaf; `recorded` is the Kusto type this project's writer noted for the column.
  /// Annotations that do not fit the physical type are ignored, as the format demands of readers.
  static func make(_ leaf: LeafColumn, recorded: DataType?) throws(ParquetError) -> ValueMapping {
    let annotation = leaf.element.annotation
    switch leaf.type {
    case .boolean: return .bool
    case .int32:
      switch annotation {
      case .integer(32, false): return .uint32
      case .decimal(let scale, _): return .decimal32(scale: try checkedScale(scale))
      case .date: return .date
      case .time(.millis, _): return .ticks(.millis, isDatetime: false)
      default: return .int32
      }
    case .int64:
      switch annotation {
      case .integer(64, false): return .uint64
      case .decimal(let scale, _): return .decimal64(scale: try checkedScale(scale))
      case .time(let unit, _) where unit != .millis: return .ticks(unit, isDatetime: false)
      case .timestamp(let unit, _): return .ticks(unit, isDatetime: true)
      default:
        if recorded == .timespan { return .rawTicks(isDatetime: false) }
        if recorded == .datetime { return .rawTicks(isDatetime: true) }
        return .int64
      }
    case .int96: return .int96
    case .float: return .float
    case .double: return .double
    case .byteArray:
      switch annotation {
      case .decimal(let scale, let precision):
        return .decimalBytes(scale: try checkedScale(scale), isNarrow: precision > 0 && precision <= 18)
      case .json: return .json
      case .bson, .geometry, .geography: return .base64
      case .string, .enumeration:
        if recorded == .guid { return .guidText }
        if recorded == .dynamic { return .json }
        return .text
      default: return .binary
      }
    case .fixedLenByteArray:
      let width = leaf.element.typeLength ?? 0
      switch annotation {
      case .decimal(let scale, let precision):
        return .decimalBytes(scale: try checkedScale(scale), isNarrow: precision > 0 && precision <= 18)
      case .uuid where width == 16: return .uuid
      case .float16 where width == 2: return .float16
      case .interval where width == 12: return .interval
      default: return .base64
      }
    }
  }

  private static func checkedScale(_ scale: Int) throws(ParquetError) -> Int {
    guard scale >= 0, scale <= 1000 else { throw .corrupt("decimal of scale \(scale)") }
    return scale
  }
}

// Kusto schema → Parquet schema. int INT32, long INT64, real DOUBLE, bool BOOLEAN, string, guid and dynamic BYTE_ARRAY/STRING, timespan INT64 (ticks
// of 100 ns), datetime TIMESTAMP(UTC) or DATE, decimal DECIMAL on INT64 (18 digits) or 16 bytes. The Kusto types stand in the key-value metadata.

import Columnar

/// How one column is stored.
struct WriterColumn: Sendable {
  /// The conversion from vector to physical values.
  enum Conversion: Sendable {
    case bool, int, long, real, text, guidText, dynamicText, date
    /// Ticks divided by this give the unit; 0 stands for nanoseconds (ticks × 100).
    case timestamp(ticksPerUnit: Int64)
    /// Coefficients at this scale and within this precision.
    case decimal64(scale: Int, precision: Int)
    case decimal128(scale: Int, precision: Int)
  }

  let name: String
  let isOptional: Bool
  let conversion: Conversion
  let element: SchemaElement
  let hasBloomFilter: Bool
  let hasTermIndex: Bool

  var physicalType: PhysicalType { element.type ?? .byteArray }

  init(_ field: StructField, options: ParquetWriterOptions) {
    name = field.name
    isOptional = field.nullable
    hasBloomFilter = options.bloomFilterColumns.contains(field.name)
    hasTermIndex = field.type == .string && options.termIndexColumns.contains(field.name)
    var physical = PhysicalType.byteArray
    var length: Int?
    var logical: LogicalType?
    switch field.type {
    case .bool: (physical, conversion) = (.boolean, .bool)
    case .int: (physical, conversion) = (.int32, .int)
    case .long, .timespan: (physical, conversion) = (.int64, .long)
    case .real: (physical, conversion) = (.double, .real)
    case .string: (logical, conversion) = (.string, .text)
    case .guid: (logical, conversion) = (.string, .guidText)
    case .dynamic: (logical, conversion) = (.string, .dynamicText)
    case .datetime where options.rawTickColumns.contains(field.name): (physical, conversion) = (.int64, .long)
    case .datetime:
      if field.hint == .date {
        (physical, logical, conversion) = (.int32, .date, .date)
      } else {
        let ticks: Int64 = switch options.timestampUnit { case .millis: 10_000; case .micros: 10; case .nanos: 0 }
        (physical, logical) = (.int64, .timestamp(unit: options.timestampUnit, isUTC: true))
        conversion = .timestamp(ticksPerUnit: ticks)
      }
    case .decimal:
      var precision = 38, scale = 18
      if case .decimal(let p, let s) = field.hint, p >= 1, p <= 38, s >= 0, s <= p { (precision, scale) = (p, s) }
      logical = .decimal(scale: scale, precision: precision)
      if precision <= 18 {
        (physical, conversion) = (.int64, .decimal64(scale: scale, precision: precision))
      } else {
        (physical, length, conversion) = (.fixedLenByteArray, 16, .decimal128(scale: scale, precision: precision))
      }
    }
    var element = SchemaElement(name: field.name, type: physical, repetition: field.nullable ? .optional : .required)
    element.typeLength = length
    element.logical = logical
    element.converted = logical?.converted
    if case .decimal(let scale, let precision) = logical { (element.scale, element.precision) = (scale, precision) }
    self.element = element
  }
}

/// The flat schema of a file: the root and one leaf per field.
struct WriterSchema: Sendable {
  let columns: [WriterColumn]
  let elements: [SchemaElement]

  init(_ schema: StructType, options: ParquetWriterOptions) {
    columns = schema.fields.map { WriterColumn($0, options: options) }
    var root = SchemaElement(name: "schema", type: nil, repetition: nil)
    root.childCount = columns.count
    elements = [root] + columns.map(\.element)
  }
}

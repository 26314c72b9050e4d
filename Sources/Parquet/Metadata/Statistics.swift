// Column statistics as stored (parquet.thrift `Statistics`); bounds are PLAIN-encoded values without a length prefix.

package struct Statistics: Sendable, Equatable {
  /// Deprecated bounds: signed byte order whatever the type, so only usable for some types.
  package var deprecatedMax: [UInt8]?
  package var deprecatedMin: [UInt8]?
  package var nullCount: Int?
  package var distinctCount: Int?
  /// Bounds in the column's own order.
  package var maxValue: [UInt8]?
  package var minValue: [UInt8]?
  /// False when the bound was truncated or otherwise widened; nil means unknown.
  package var isMaxExact: Bool?
  package var isMinExact: Bool?
  /// Values that are NaN, in files that count them.
  package var nanCount: Int?

  package init(nullCount: Int? = nil, minValue: [UInt8]? = nil, maxValue: [UInt8]? = nil) {
    self.nullCount = nullCount
    self.minValue = minValue
    self.maxValue = maxValue
  }

  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var statistics = Statistics()
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch (field.id, field.type) {
      case (1, .binary): statistics.deprecatedMax = try r.readBinary()
      case (2, .binary): statistics.deprecatedMin = try r.readBinary()
      case (3, .int64):
        let count = try r.readInt64()
        statistics.nullCount = count >= 0 ? Int(count) : nil
      case (4, .int64):
        let count = try r.readInt64()
        statistics.distinctCount = count >= 0 ? Int(count) : nil
      case (5, .binary): statistics.maxValue = try r.readBinary()
      case (6, .binary): statistics.minValue = try r.readBinary()
      case (7, _): statistics.isMaxExact = try r.bool(field)
      case (8, _): statistics.isMinExact = try r.bool(field)
      case (9, .int64):
        let count = try r.readInt64()
        statistics.nanCount = count >= 0 ? Int(count) : nil
      default: return false
      }
      return true
    }
    self = statistics
  }
}

extension Statistics: ThriftWritable {
  package func writeFields(to writer: inout ThriftWriter) {
    writer.field(1, deprecatedMax)
    writer.field(2, deprecatedMin)
    writer.field64(3, nullCount)
    writer.field64(4, distinctCount)
    writer.field(5, maxValue)
    writer.field(6, minValue)
    writer.field(7, isMaxExact)
    writer.field(8, isMinExact)
    writer.field64(9, nanCount)
  }
}

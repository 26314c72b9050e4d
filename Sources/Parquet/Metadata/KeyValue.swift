// Small structures shared by file, row group and column metadata.

/// Free-form metadata (parquet.thrift `KeyValue`).
package struct KeyValue: Sendable, Equatable {
  package var key: String
  package var value: String?

  package init(key: String, value: String?) {
    self.key = key
    self.value = value
  }

  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var key = ""
    var value: String?
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch (field.id, field.type) {
      case (1, .binary): key = try r.readString()
      case (2, .binary): value = try r.readString()
      default: return false
      }
      return true
    }
    self.init(key: key, value: value)
  }
}

extension KeyValue: ThriftWritable {
  package func writeFields(to writer: inout ThriftWriter) {
    writer.field(1, key)
    writer.field(2, value)
  }
}

/// A column the rows of a row group are sorted by (parquet.thrift `SortingColumn`).
package struct SortingColumn: Sendable, Equatable {
  /// Index of the leaf column.
  package var columnIndex: Int
  package var isDescending: Bool
  package var areNullsFirst: Bool

  package init(columnIndex: Int, isDescending: Bool, areNullsFirst: Bool) {
    self.columnIndex = columnIndex
    self.isDescending = isDescending
    self.areNullsFirst = areNullsFirst
  }

  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var column = SortingColumn(columnIndex: 0, isDescending: false, areNullsFirst: false)
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch field.id {
      case 1:
        try r.expect(field, .int32)
        column.columnIndex = try r.readSize("sorting column")
      case 2: column.isDescending = try r.bool(field)
      case 3: column.areNullsFirst = try r.bool(field)
      default: return false
      }
      return true
    }
    self = column
  }
}

extension SortingColumn: ThriftWritable {
  package func writeFields(to writer: inout ThriftWriter) {
    writer.field32(1, columnIndex)
    writer.field(2, isDescending)
    writer.field(3, areNullsFirst)
  }
}

/// How many pages of a kind use an encoding (parquet.thrift `PageEncodingStats`).
package struct PageEncodingCount: Sendable, Equatable {
  package var pageType: Int32
  package var encoding: Encoding
  package var count: Int

  package init(pageType: PageType, encoding: Encoding, count: Int) {
    self.pageType = pageType.rawValue
    self.encoding = encoding
    self.count = count
  }

  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var result = PageEncodingCount(pageType: .data, encoding: .plain, count: 0)
    try reader.readStruct { (r, field) throws(ParquetError) in
      guard field.type == .int32 else { return false }
      switch field.id {
      case 1: result.pageType = try r.readInt32()
      case 2: result.encoding = Encoding(rawValue: try r.readInt32())
      case 3: result.count = Int(try r.readInt32())
      default: return false
      }
      return true
    }
    self = result
  }
}

extension PageEncodingCount: ThriftWritable {
  package func writeFields(to writer: inout ThriftWriter) {
    writer.field(1, pageType)
    writer.field(2, encoding.rawValue)
    writer.field32(3, count)
  }
}

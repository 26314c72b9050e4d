// Row groups and the file footer (parquet.thrift `RowGroup`, `FileMetaData`).

package struct RowGroup: Sendable, Equatable {
  /// One chunk per leaf column, in schema order.
  package var columns: [ColumnChunk] = []
  package var totalByteSize = 0
  package var rowCount = 0
  package var sortingColumns: [SortingColumn]?
  package var fileOffset: Int?
  package var totalCompressedSize: Int?
  package var ordinal: Int16?

  package init() {}

  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var group = RowGroup()
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch (field.id, field.type) {
      case (1, .list): group.columns = try r.readList(of: .structure) { (e) throws(ParquetError) in try ColumnChunk(from: &e) }
      case (2, .int64): group.totalByteSize = Int(try r.readInt64())
      case (3, .int64): group.rowCount = try r.readSize64("row count")
      case (4, .list):
        group.sortingColumns = try r.readList(of: .structure) { (e) throws(ParquetError) in try SortingColumn(from: &e) }
      case (5, .int64): group.fileOffset = Int(try r.readInt64())
      case (6, .int64): group.totalCompressedSize = Int(try r.readInt64())
      case (7, .int16): group.ordinal = try r.readInt16()
      default: return false
      }
      return true
    }
    self = group
  }
}

extension RowGroup: ThriftWritable {
  package func writeFields(to writer: inout ThriftWriter) {
    writer.list(1, columns)
    writer.field64(2, totalByteSize)
    writer.field64(3, rowCount)
    writer.list(4, sortingColumns)
    writer.field64(5, fileOffset)
    writer.field64(6, totalCompressedSize)
    writer.field(7, ordinal)
  }
}

/// The footer of a file.
package struct FileMetadata: Sendable, Equatable {
  package var version: Int32 = 2
  /// The schema tree, flattened depth first; element 0 is the root.
  package var schema: [SchemaElement] = []
  package var rowCount = 0
  package var rowGroups: [RowGroup] = []
  package var keyValues: [KeyValue]?
  package var createdBy: String?
  /// Union member per leaf column (1 = the type's own order); nil when absent, then new-style bounds are not to be trusted.
  package var columnOrders: [Int16]?
  /// True when the footer names an encryption algorithm (columns may be encrypted although the footer is readable).
  package var isEncrypted = false

  package init() {}

  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var file = FileMetadata()
    var seen: UInt64 = 0
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch (field.id, field.type) {
      case (1, .int32): file.version = try r.readInt32()
      case (2, .list): file.schema = try r.readList(of: .structure) { (e) throws(ParquetError) in try SchemaElement(from: &e) }
      case (3, .int64): file.rowCount = try r.readSize64("row count")
      case (4, .list): file.rowGroups = try r.readList(of: .structure) { (e) throws(ParquetError) in try RowGroup(from: &e) }
      case (5, .list): file.keyValues = try r.readList(of: .structure) { (e) throws(ParquetError) in try KeyValue(from: &e) }
      case (6, .binary): file.createdBy = try r.readString()
      case (7, .list):
        file.columnOrders = try r.readList(of: .structure) { (e) throws(ParquetError) in
          var member: Int16 = 0
          try e.readStruct { (_, inner) throws(ParquetError) in
            member = inner.id
            return false
          }
          return member
        }
      case (8, _):
        file.isEncrypted = true
        return false
      default: return false
      }
      seen |= 1 << UInt64(field.id & 63)
      return true
    }
    for id: Int16 in [1, 2, 3, 4] where seen >> UInt64(id) & 1 == 0 {
      throw reader.corrupt("file metadata lacks required field \(id)")
    }
    self = file
  }
}

extension FileMetadata: ThriftWritable {
  package func writeFields(to writer: inout ThriftWriter) {
    writer.field(1, version)
    writer.list(2, schema)
    writer.field64(3, rowCount)
    writer.list(4, rowGroups)
    writer.list(5, keyValues)
    writer.field(6, createdBy)
    writer.list(7, columnOrders, of: .structure) { inner, member in
      inner.writeStruct(ColumnOrderMember(id: member))
    }
  }

  private struct ColumnOrderMember: ThriftWritable {
    var id: Int16
    func writeFields(to writer: inout ThriftWriter) { writer.emptyStruct(id) }
  }
}

// The page index (parquet.thrift `OffsetIndex`, `ColumnIndex`): where each data page is and what it can contain.

/// Where one data page lies.
package struct PageLocation: Sendable, Equatable {
  package var offset: Int
  /// Bytes with the page header.
  package var compressedSize: Int
  /// First row of the page within its row group.
  package var firstRow: Int

  package init(offset: Int, compressedSize: Int, firstRow: Int) {
    self.offset = offset
    self.compressedSize = compressedSize
    self.firstRow = firstRow
  }

  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var location = PageLocation(offset: -1, compressedSize: -1, firstRow: -1)
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch (field.id, field.type) {
      case (1, .int64): location.offset = try r.readSize64("page offset")
      case (2, .int32): location.compressedSize = try r.readSize("page size")
      case (3, .int64): location.firstRow = try r.readSize64("first row index")
      default: return false
      }
      return true
    }
    guard location.offset >= 0, location.compressedSize >= 0, location.firstRow >= 0 else {
      throw reader.corrupt("incomplete page location")
    }
    self = location
  }
}

extension PageLocation: ThriftWritable {
  package func writeFields(to writer: inout ThriftWriter) {
    writer.field64(1, offset)
    writer.field32(2, compressedSize)
    writer.field64(3, firstRow)
  }
}

/// Locations of all data pages of a column chunk, in row order.
package struct OffsetIndex: Sendable, Equatable {
  package var pages: [PageLocation] = []
  package var unencodedByteCounts: [Int64]?

  package init() {}

  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var index = OffsetIndex()
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch (field.id, field.type) {
      case (1, .list): index.pages = try r.readList(of: .structure) { (e) throws(ParquetError) in try PageLocation(from: &e) }
      case (2, .list): index.unencodedByteCounts = try r.readList(of: .int64) { (e) throws(ParquetError) in try e.readInt64() }
      default: return false
      }
      return true
    }
    self = index
  }

  /// The row range of page `i` in a row group of `rowCount` rows.
  package func rows(ofPage i: Int, rowCount: Int) -> Range<Int> {
    let start = pages[i].firstRow
    let end = i + 1 < pages.count ? pages[i + 1].firstRow : rowCount
    return start..<max(start, end)
  }

  /// Fails unless pages start at row 0, ascend, and stay within the row group and the file.
  package func validate(rowCount: Int, fileByteCount: Int) throws(ParquetError) {
    var expected = 0
    for (i, page) in pages.enumerated() {
      guard i == 0 ? page.firstRow == 0 : page.firstRow >= expected, page.firstRow <= rowCount else {
        throw .corrupt("offset index: page \(i) starts at row \(page.firstRow)")
      }
      guard page.offset <= fileByteCount, page.compressedSize <= fileByteCount - page.offset else {
        throw .corrupt("offset index: page \(i) lies outside the file", at: page.offset)
      }
      expected = page.firstRow
    }
  }
}

extension OffsetIndex: ThriftWritable {
  package func writeFields(to writer: inout ThriftWriter) {
    writer.list(1, pages)
    writer.list(2, unencodedByteCounts)
  }
}

/// Bounds and null counts per data page of a column chunk.
package struct ColumnIndex: Sendable, Equatable {
  /// True for pages without any value.
  package var nullPages: [Bool] = []
  /// PLAIN-encoded bounds; empty for null pages.
  package var minValues: [[UInt8]] = []
  package var maxValues: [[UInt8]] = []
  package var boundaryOrder: BoundaryOrder = .unordered
  package var nullCounts: [Int64]?

  package init() {}

  package init(from reader: inout ThriftReader) throws(ParquetError) {
    var index = ColumnIndex()
    try reader.readStruct { (r, field) throws(ParquetError) in
      switch (field.id, field.type) {
      case (1, .list): index.nullPages = try r.readList(of: .boolTrue) { (e) throws(ParquetError) in try e.readBoolElement() }
      case (2, .list): index.minValues = try r.readList(of: .binary) { (e) throws(ParquetError) in try e.readBinary() }
      case (3, .list): index.maxValues = try r.readList(of: .binary) { (e) throws(ParquetError) in try e.readBinary() }
      case (4, .int32): index.boundaryOrder = BoundaryOrder(rawValue: try r.readInt32()) ?? .unordered
      case (5, .list): index.nullCounts = try r.readList(of: .int64) { (e) throws(ParquetError) in try e.readInt64() }
      default: return false
      }
      return true
    }
    guard index.minValues.count == index.nullPages.count, index.maxValues.count == index.nullPages.count,
      index.nullCounts.map({ $0.count == index.nullPages.count }) ?? true
    else { throw reader.corrupt("column index lists of different lengths") }
    self = index
  }
}

extension ColumnIndex: ThriftWritable {
  package func writeFields(to writer: inout ThriftWriter) {
    writer.list(1, nullPages)
    writer.list(2, minValues)
    writer.list(3, maxValues)
    writer.field(4, boundaryOrder.rawValue)
    writer.list(5, nullCounts)
  }
}

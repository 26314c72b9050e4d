// One column of a row group → bytes and metadata: choose an encoding, cut pages, compress, collect bounds. Offsets are relative to the chunk.

import Codecs
import Columnar

/// A column chunk ready to be placed in a file.
struct EncodedColumnChunk: Sendable {
  var bytes: Buffer<UInt8>
  /// Offsets count from the first byte of `bytes`.
  var metadata: ColumnMetadata
  var offsetIndex: OffsetIndex
  var columnIndex: ColumnIndex?
  /// The bloom filter with its header, if one was asked for.
  var bloomFilter: [UInt8]?
  /// One filter per block of rows, if terms are indexed; nil where a filter would say nothing.
  var termFilters: [BloomFilter?]?
}

struct ColumnChunkEncoder {
  let column: WriterColumn
  let options: ParquetWriterOptions
  let compressor: PageCompressor

  private struct Page {
    var rows: Range<Int>
    var values: Range<Int>
  }

  func encode(_ parts: [ColumnVector], rowCount: Int) throws(ParquetError) -> EncodedColumnChunk {
    let values = try PhysicalValues(parts, column: column, inexact: options.inexact)
    let nullCount = rowCount - values.count
    if nullCount > 0, !column.isOptional {
      throw ParquetError(.invalidRequest, "\(nullCount) nulls in a column declared without nulls", column: column.name)
    }
    let levels = nullCount > 0 ? Self.levels(parts, rowCount) : nil
    var plan = try EncodingPlan.choose(values, options: options, compressor: compressor)
    if case .plain = plan, case .coded = values { plan = .deltaLength }
    let source = Self.flatten(values, for: plan)
    let pages = cut(source, plan: plan, rowCount: rowCount, levels: levels)
    var chunk = try assemble(source, plan: plan, pages: pages, levels: levels, rowCount: rowCount, nullCount: nullCount)
    if column.hasTermIndex { chunk.termFilters = TermFilterBuilder.build(parts, rowCount: rowCount) }
    return chunk
  }

  /// Texts that came coded but are not written as a dictionary become plain texts again.
  private static func flatten(_ values: PhysicalValues, for plan: EncodingPlan) -> PhysicalValues {
    guard case .coded(let codes, let offsets, let data) = values else { return values }
    if case .dictionary = plan { return values }
    let flat = ColumnVector.dictionary(codes: codes, values: .bytes(.string, offsets: offsets, data: data)).flattened
    guard case .bytes(let o, let d) = flat.storage else { return values }
    return .bytes(offsets: o, data: d)
  }

  /// 1 for a value, 0 for a null, one per row.
  // SAFETY: `out` has `part.count` elements, all of which are filled before the next growth.
  private static func levels(_ parts: [ColumnVector], _ rowCount: Int) -> Buffer<Int32> {
    let builder = BufferBuilder<Int32>(capacity: rowCount)
    for part in parts {
      let out = unsafe builder.appendUninitialized(part.count)
      if let validity = part.validity {
        for i in 0..<part.count { unsafe out[i] = validity[i] ? 1 : 0 }
      } else {
        unsafe out.update(repeating: 1, count: part.count)
      }
    }
    return builder.finish()
  }

  /// Pages of at most `pageRows` rows and `pageBytes` bytes of values: plain ones, or codes where the column is a dictionary. A value that is
  /// larger has a page of its own.
  private func cut(_ values: PhysicalValues, plan: EncodingPlan, rowCount: Int, levels: Buffer<Int32>?) -> [Page] {
    var pages: [Page] = []
    var row = 0, value = 0
    let pageRows = min(options.pageRows, max(1, options.pageBytes * 8 / max(1, Self.bitsPerValue(values, plan))))
    while row < rowCount {
      var end = min(rowCount, row + pageRows)
      var present = Self.present(row..<end, levels)
      if case .bytes(let offsets, _) = values {
        while end - row > 1, Int(offsets[value + present]) - Int(offsets[value]) > options.pageBytes {
          end = row + (end - row) / 2
          present = Self.present(row..<end, levels)
        }
      }
      pages.append(Page(rows: row..<end, values: value..<value + present))
      row = end
      value += present
    }
    return pages
  }

  /// Bits of a value of fixed width; 0 for texts.
  private static func bitsPerValue(_ values: PhysicalValues, _ plan: EncodingPlan) -> Int {
    if case .dictionary(_, let dictionary) = plan { return BitPacker.width(of: max(dictionary.count - 1, 0)) }
    switch values {
    case .bits: return 1
    case .int32: return 32
    case .int64, .double: return 64
    case .fixed16: return 128
    case .bytes, .coded: return 0
    }
  }

  /// How many rows of a range have values.
  private static func present(_ rows: Range<Int>, _ levels: Buffer<Int32>?) -> Int {
    guard let levels else { return rows.count }
    var count = 0
    for i in rows { count += Int(levels[i]) }
    return count
  }

  // SAFETY: `plain` points into `raw`, and `stored` there or into the compressor's memory; both are copied before `raw` or the
  // compressor is used again.
  private func assemble(
    _ values: PhysicalValues, plan: EncodingPlan, pages: [Page], levels: Buffer<Int32>?, rowCount: Int, nullCount: Int
  ) throws(ParquetError) -> EncodedColumnChunk {
    let raw = BufferBuilder<UInt8>(capacity: 1 << 17)
    let out = BufferBuilder<UInt8>(capacity: 1 << 18)
    // A chunk has one codec: the first page, which is kept for its place behind the dictionary, tells whether compressing pays at all.
    var compresses = options.codec != .uncompressed
    let firstPage = BufferBuilder<UInt8>()
    var firstPageSize = 0
    if let first = pages.first {
      encodePage(values, plan, first, levels, into: raw)
      firstPageSize = raw.count
      let plain = unsafe UnsafeRawBufferPointer(start: raw.pointer, count: raw.count)
      var stored = unsafe plain
      if compresses {
        unsafe stored = try unsafe compressor.compress(plain)
        compresses = stored.count * 32 < plain.count * 31
      }
      unsafe firstPage.append(contentsOf: (compresses ? stored : plain).assumingMemoryBound(to: UInt8.self))
    }
    var metadata = ColumnMetadata(type: column.physicalType, codec: compresses ? CompressionCodec(options.codec) : .uncompressed)
    metadata.path = [column.name]
    metadata.valueCount = rowCount
    metadata.encodings = [.rle, plan.encoding]
    var uncompressed = 0
    if case .dictionary(_, let dictionary) = plan {
      raw.removeAll()
      encodePlain(dictionary, 0..<dictionary.count, into: raw)
      metadata.dictionaryPageOffset = out.count
      metadata.encodings = [.plain, .rle, .rleDictionary]
      let header = PageHeader.Body.dictionary(DictionaryPageHeader(valueCount: dictionary.count, encoding: .plain))
      unsafe uncompressed += try emit(header, size: raw.count, try stored(raw, compresses), into: out)
    }
    metadata.dataPageOffset = out.count
    var offsetIndex = OffsetIndex()
    var columnIndex = ColumnIndex()
    columnIndex.nullCounts = []
    var bounds: [ValueBounds] = []
    for (i, page) in pages.enumerated() {
      let start = out.count
      let header = PageHeader.Body.data(DataPageHeader(valueCount: page.rows.count, encoding: plan.encoding))
      if i == 0 {
        unsafe uncompressed += try emit(header, size: firstPageSize, UnsafeRawBufferPointer(start: firstPage.pointer, count: firstPage.count), into: out)
      } else {
        raw.removeAll()
        encodePage(values, plan, page, levels, into: raw)
        unsafe uncompressed += try emit(header, size: raw.count, try stored(raw, compresses), into: out)
      }
      offsetIndex.pages.append(PageLocation(offset: start, compressedSize: out.count - start, firstRow: page.rows.lowerBound))
      let own = ChunkBounds.of(values, page.values)
      bounds.append(own)
      columnIndex.nullPages.append(page.values.isEmpty)
      columnIndex.minValues.append(own.min ?? [])
      columnIndex.maxValues.append(own.max ?? [])
      columnIndex.nullCounts?.append(Int64(page.rows.count - page.values.count))
    }
    metadata.totalUncompressedSize = uncompressed
    metadata.totalCompressedSize = out.count
    metadata.statistics = statistics(bounds, pages, nullCount: nullCount)
    // A page with values but without an order (only NaN, or a maximum that cannot be raised) rules out a column index.
    let isIndexable = zip(bounds, pages).allSatisfy { $0.min != nil && $0.max != nil || $1.values.isEmpty }
    columnIndex.boundaryOrder = order(bounds)
    let bloom = column.hasBloomFilter ? BloomFilterBuilder.build(values, plan: plan) : nil
    return EncodedColumnChunk(
      bytes: out.finish(), metadata: metadata, offsetIndex: offsetIndex, columnIndex: isIndexable ? columnIndex : nil, bloomFilter: bloom)
  }

  /// The bytes of a page as they go to the file, valid until the next page is encoded.
  // SAFETY: `raw` has `count` bytes, and is the caller's.
  private func stored(_ raw: BufferBuilder<UInt8>, _ compresses: Bool) throws(ParquetError) -> UnsafeRawBufferPointer {
    let plain = unsafe UnsafeRawBufferPointer(start: raw.pointer, count: raw.count)
    return unsafe compresses ? try compressor.compress(plain) : plain
  }

  /// Appends a page of `size` bytes before compression with its header; returns that size, header included.
  // SAFETY: both are copied while they live: an array's bytes, and what the caller holds.
  private func emit(
    _ body: PageHeader.Body, size: Int, _ stored: UnsafeRawBufferPointer, into out: BufferBuilder<UInt8>
  ) throws(ParquetError) -> Int {
    // Page headers hold 32-bit sizes.
    guard max(size, stored.count) <= Int(Int32.max) else {
      throw ParquetError(.notSupported, "a page of \(max(size, stored.count)) bytes", column: column.name, hint: "write fewer rows in a row group")
    }
    var header = PageHeader(body: body, uncompressedSize: size, compressedSize: stored.count)
    if options.checksums { header.crc = unsafe crc32Checksum(stored) }
    let bytes = ThriftWriter.serialize(header)
    unsafe bytes.withUnsafeBufferPointer { unsafe out.append(contentsOf: $0) }
    unsafe out.append(contentsOf: stored.assumingMemoryBound(to: UInt8.self))
    return bytes.count + size
  }

  // SAFETY: a page's values lie within the chunk's, whose buffers `values` and `plan` hold for the call.
  private func encodePage(_ values: PhysicalValues, _ plan: EncodingPlan, _ page: Page, _ levels: Buffer<Int32>?, into raw: BufferBuilder<UInt8>) {
    if column.isOptional { encodeLevels(levels, page.rows, into: raw) }
    let range = page.values
    switch plan {
    case .dictionary(let codes, let dictionary):
      let width = BitPacker.width(of: max(dictionary.count - 1, 0))
      raw.append(UInt8(width))
      unsafe RunLengthEncoder.encode(codes.pointer + range.lowerBound, count: range.count, bitWidth: width, into: raw)
    case .plain: encodePlain(values, range, into: raw)
    case .delta:
      if case .int32(let b) = values { unsafe DeltaEncoder.encode(b.pointer + range.lowerBound, count: range.count, into: raw) }
      if case .int64(let b) = values { unsafe DeltaEncoder.encode(b.pointer + range.lowerBound, count: range.count, into: raw) }
    case .split:
      if case .double(let b) = values { unsafe PlainEncoder.encodeSplit(b.pointer + range.lowerBound, count: range.count, into: raw) }
    case .deltaLength:
      if case .bytes(let offsets, let data) = values { unsafe DeltaEncoder.encodeLengths(offsets.pointer, data.pointer, range, into: raw) }
    case .deltaPrefix:
      if case .bytes(let offsets, let data) = values { unsafe DeltaEncoder.encodePrefixes(offsets.pointer, data.pointer, range, into: raw) }
    }
  }

  // SAFETY: the rows of a page are among the chunk's, with one level each. The 4 bytes at `lengthAt` were appended above.
  private func encodeLevels(_ levels: Buffer<Int32>?, _ rows: Range<Int>, into raw: BufferBuilder<UInt8>) {
    let lengthAt = raw.count
    _ = unsafe raw.appendUninitialized(4)
    if let levels {
      unsafe RunLengthEncoder.encode(levels.pointer + rows.lowerBound, count: rows.count, bitWidth: 1, into: raw)
    } else {
      appendVarint(UInt64(rows.count) << 1, to: raw)
      raw.append(1)
    }
    let length = UInt32(raw.count - lengthAt - 4)
    unsafe UnsafeMutableRawPointer(raw.pointer + lengthAt).storeBytes(of: length.littleEndian, as: UInt32.self)
  }

  // SAFETY: `range` lies within the values, which are held for the call; `target` has 16 bytes for each, stored unaligned.
  private func encodePlain(_ values: PhysicalValues, _ range: Range<Int>, into raw: BufferBuilder<UInt8>) {
    switch values {
    case .bits(let bits): PlainEncoder.encode(bits, range, into: raw)
    case .int32(let b): unsafe PlainEncoder.encode(b.pointer + range.lowerBound, count: range.count, into: raw)
    case .int64(let b): unsafe PlainEncoder.encode(b.pointer + range.lowerBound, count: range.count, into: raw)
    case .double(let b): unsafe PlainEncoder.encode(b.pointer + range.lowerBound, count: range.count, into: raw)
    case .fixed16(let b):
      let target = unsafe raw.appendUninitialized(16 * range.count)
      for (k, i) in range.enumerated() { unsafe UnsafeMutableRawPointer(target + 16 * k).storeBytes(of: b[i].bigEndian, as: Int128.self) }
    case .bytes(let offsets, let data), .coded(_, let offsets, let data): unsafe PlainEncoder.encode(offsets.pointer, data.pointer, range, into: raw)
    }
  }

  private func statistics(_ pages: [ValueBounds], _ ranges: [Page], nullCount: Int) -> Statistics {
    var out = Statistics(nullCount: nullCount)
    let ordered = pages.filter { $0.min != nil }
    // A maximum is missing where it could not be raised: then the chunk has none either.
    let isBounded = zip(pages, ranges).allSatisfy { $0.max != nil || $1.values.isEmpty || ($0.min == nil && column.physicalType == .double) }
    for page in ordered {
      if let min = page.min, out.minValue.map({ ChunkBounds.compare(min, $0, column.physicalType) < 0 }) ?? true {
        out.minValue = min
        out.isMinExact = page.isMinExact
      }
      if isBounded, let max = page.max, out.maxValue.map({ ChunkBounds.compare(max, $0, column.physicalType) > 0 }) ?? true {
        out.maxValue = max
        out.isMaxExact = page.isMaxExact
      }
    }
    return out
  }

  private func order(_ pages: [ValueBounds]) -> BoundaryOrder {
    let ordered = pages.filter { $0.min != nil && $0.max != nil }
    var ascends = true, descends = true
    for (a, b) in zip(ordered, ordered.dropFirst()) {
      guard let aMin = a.min, let aMax = a.max, let bMin = b.min, let bMax = b.max else { continue }
      let low = ChunkBounds.compare(aMin, bMin, column.physicalType), high = ChunkBounds.compare(aMax, bMax, column.physicalType)
      if low > 0 || high > 0 { ascends = false }
      if low < 0 || high < 0 { descends = false }
    }
    return ascends ? .ascending : descends ? .descending : .unordered
  }
}

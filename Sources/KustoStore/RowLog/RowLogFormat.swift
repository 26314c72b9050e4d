// Role: the bytes of a row log: a segment is a header and frames of rows, each with its length and checksums.
//
//   segment   "KCROWS01" | u32 length | u32 crc32 | JSON {table, segment, columns} | zeros up to a multiple of 64 | frame…
//   frame     "KCRF" | u32 rows | u64 number | u64 bytes | i64 ingestion time | u64 durable | u32 crc32 of the bytes | u32 crc32 of the 44 before
//             | zeros up to 64 | the columns (`ColumnCodec`) | zeros up to a multiple of 64
//
// `durable` is the number of the last frame that was on the disk before this one was written. What is torn at the end was never acknowledged and
// is left out; a damaged frame that a later one calls durable is an error.

import Codecs
import Columnar
import DataSource
import Engine

/// Rows that came together.
struct RowLogFrame: Sendable {
  var batch: RecordBatch
  /// Ticks of 100 ns since 1970: `ingestion_time()` of these rows.
  var time: Int64
}

/// What a segment's first bytes say.
struct RowLogHeader: Sendable {
  var table: String
  var segment: Int64
  var schema: StructType
}

enum RowLogFormat {
  private static let mark = Array("KCROWS01".utf8)
  private static let frameMark: UInt32 = 0x4652_434B
  /// Bytes in front of a frame's columns, and what everything begins at a multiple of.
  static let frameHeader = 64
  /// Headers are small: names and types of columns.
  private static let maxHeader = 16 << 20

  // MARK: Writing

  static func encode(_ header: RowLogHeader) -> [UInt8] {
    let columns = header.schema.fields.map { DynamicValue.array([.string($0.name), .string($0.type.rawValue)]) }
    let text = Array(
      DynamicValue.bag([
        DynamicEntry("table", .string(header.table)), DynamicEntry("segment", .string(String(header.segment))), DynamicEntry("columns", .array(columns)),
      ]).json.utf8)
    var out = mark
    put(UInt32(text.count), &out)
    put(checksum(text[...], seed: 0), &out)
    out += text
    pad(&out)
    return out
  }

  /// Appends a frame. `segment` goes into the checksum, so that a frame of another segment is none of this.
  static func encode(_ frame: RowLogFrame, number: UInt64, durable: UInt64, segment: Int64, to out: inout [UInt8]) {
    let block = ColumnCodec.encode(frame.batch.columns, rowCount: frame.batch.rowCount)
    var head: [UInt8] = []
    put(frameMark, &head)
    put(UInt32(frame.batch.rowCount), &head)
    put(number, &head)
    put(UInt64(block.count), &head)
    put(frame.time, &head)
    put(durable, &head)
    put(unsafe block.withUnsafe { unsafe crc32Checksum(UnsafeRawBufferPointer($0)) }, &head)
    put(checksum(head[...], seed: seed(segment)), &head)
    pad(&head)
    out += head
    unsafe block.withUnsafe { unsafe out.append(contentsOf: $0) }
    pad(&out)
  }

  private static func put<T: BitwiseCopyable>(_ value: T, _ out: inout [UInt8]) { unsafe withUnsafeBytes(of: value) { unsafe out.append(contentsOf: $0) } }

  private static func pad(_ out: inout [UInt8]) { out.append(contentsOf: repeatElement(0, count: (64 - out.count & 63) & 63)) }

  private static func checksum(_ bytes: ArraySlice<UInt8>, seed: UInt32) -> UInt32 {
    unsafe bytes.withUnsafeBytes { unsafe crc32Checksum($0, continuing: seed) }
  }

  private static func seed(_ segment: Int64) -> UInt32 { UInt32(truncatingIfNeeded: segment) }

  // MARK: Reading

  /// A segment's rows, as far as they were written whole; `size` bytes of the file count. A segment without a whole header has none: nil.
  /// Throws FORMAT_CORRUPT for damage that is not at the end, or not the work of a crash.
  static func read(_ file: InputFile, size: Int) throws -> (header: RowLogHeader, frames: [RowLogFrame])? {
    guard let (header, start) = try readHeader(file, size) else {
      if let later = try nextFrame(file, from: 64, size: size, segment: nil, after: 0) { throw corrupt(file, later.at, "its header is damaged, rows behind it are not") }
      return nil
    }
    var frames: [RowLogFrame] = []
    var at = start
    var number: UInt64 = 1
    while at < size {
      guard let head = try FrameHead(file, at, size, segment: header.segment), head.number == number, let batch = try rows(file, at, head, header.schema) else {
        // What was being written when the process or the machine stopped is nobody's; anything else is damage.
        if let later = try nextFrame(file, from: at + 64, size: size, segment: header.segment, after: number), later.durable >= number {
          throw corrupt(file, at, "the rows of frame \(number) are damaged")
        }
        break
      }
      frames.append(RowLogFrame(batch: batch, time: head.time))
      at += frameHeader + (head.bytes + 63) & ~63
      number += 1
    }
    return (header, frames)
  }

  private static func corrupt(_ file: InputFile, _ at: Int, _ what: String) -> KConnectError {
    KConnectError(.formatCorrupt, "the row log '\(file.path)', byte \(at): \(what)", hint: "restore the file from a backup; moved away, its rows are lost and the table is readable again")
  }

  private static func readHeader(_ file: InputFile, _ size: Int) throws -> (RowLogHeader, Int)? {
    let fixed = try bytes(file, 0, 16)
    guard fixed.count == 16, Array(fixed[0..<8]) == mark else { return nil }
    let length = Int(value(fixed, 8, UInt32.self))
    guard length <= maxHeader, 16 + length <= size else { return nil }
    let text = try bytes(file, 16, length)
    guard text.count == length, checksum(text[...], seed: 0) == value(fixed, 12, UInt32.self), let document = DynamicValue(json: String(decoding: text, as: UTF8.self)),
      let table = document["table"]?.stringValue, let segment = document["segment"]?.stringValue.flatMap({ Int64($0) })
    else { return nil }
    var fields: [StructField] = []
    for column in document["columns"]?.elements ?? [] {
      guard let parts = column.elements, parts.count == 2, let name = parts[0].stringValue, let type = parts[1].stringValue.flatMap({ DataType(rawValue: $0) }) else { return nil }
      fields.append(StructField(name, type))
    }
    return (RowLogHeader(table: table, segment: segment, schema: StructType(fields)), (16 + length + 63) & ~63)
  }

  /// The rows of a frame; nil when they are not what its checksum says.
  private static func rows(_ file: InputFile, _ at: Int, _ head: FrameHead, _ schema: StructType) throws -> RecordBatch? {
    let builder = BufferBuilder<UInt8>(capacity: head.bytes)
    // SAFETY: `appendUninitialized` gives room for as many bytes as are read; a short read is found out below.
    let n = try unsafe file.pread(into: UnsafeMutableRawBufferPointer(start: builder.appendUninitialized(head.bytes), count: head.bytes), at: at + frameHeader)
    guard n == head.bytes else { return nil }
    let block = builder.finish()
    guard unsafe block.withUnsafe({ unsafe crc32Checksum(UnsafeRawBufferPointer($0)) }) == head.checksum else { return nil }
    guard let columns = try? ColumnCodec.decodeChecked(block, rowCount: head.rows), columns.count == schema.count,
      zip(columns, schema.fields).allSatisfy({ $0.type == $1.type })
    else { throw corrupt(file, at, "the columns of the frame are not those of the segment") }
    return RecordBatch(schema: schema, columns: columns, rowCount: head.rows)
  }

  /// The first whole frame header from `from` on with a number above `number`; any segment's where `segment` is nil.
  private static func nextFrame(_ file: InputFile, from: Int, size: Int, segment: Int64?, after number: UInt64) throws -> (at: Int, durable: UInt64)? {
    var at = from
    while at + frameHeader <= size {
      let block = try bytes(file, at, min(1 << 20, size - at))
      var offset = 0
      while offset + frameHeader <= block.count {
        if value(block, offset, UInt32.self) == frameMark {
          if segment == nil { return (at + offset, 0) }
          if let segment, let head = FrameHead(block, offset, segment: segment), head.number > number { return (at + offset, head.durable) }
        }
        offset += 64
      }
      if offset == 0 { break }
      at += offset
    }
    return nil
  }

  private static func bytes(_ file: InputFile, _ at: Int, _ count: Int) throws -> [UInt8] {
    // SAFETY: the buffer has `count` bytes; what `pread` filled is declared initialised.
    try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = try unsafe file.pread(into: UnsafeMutableRawBufferPointer(buffer), at: at)
    }
  }

  private static func value<T: BitwiseCopyable>(_ bytes: [UInt8], _ at: Int, _ type: T.Type) -> T {
    // SAFETY: callers ask within the array.
    unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: at, as: T.self) }
  }

  private struct FrameHead {
    var rows: Int
    var number: UInt64
    var bytes: Int
    var time: Int64
    var durable: UInt64
    var checksum: UInt32

    /// Nil when there is no whole header, or more rows are announced than the file has.
    init?(_ file: InputFile, _ at: Int, _ size: Int, segment: Int64) throws {
      guard at + RowLogFormat.frameHeader <= size else { return nil }
      let head = try RowLogFormat.bytes(file, at, RowLogFormat.frameHeader)
      guard head.count == RowLogFormat.frameHeader, let found = FrameHead(head, 0, segment: segment), found.bytes <= size - at - RowLogFormat.frameHeader else { return nil }
      self = found
    }

    init?(_ block: [UInt8], _ at: Int, segment: Int64) {
      guard RowLogFormat.value(block, at, UInt32.self) == RowLogFormat.frameMark,
        RowLogFormat.checksum(block[at..<at + 44], seed: RowLogFormat.seed(segment)) == RowLogFormat.value(block, at + 44, UInt32.self),
        let length = Int(exactly: RowLogFormat.value(block, at + 16, UInt64.self)), length < 1 << 40
      else { return nil }
      rows = Int(RowLogFormat.value(block, at + 4, UInt32.self))
      number = RowLogFormat.value(block, at + 8, UInt64.self)
      bytes = length
      time = RowLogFormat.value(block, at + 24, Int64.self)
      durable = RowLogFormat.value(block, at + 32, UInt64.self)
      checksum = RowLogFormat.value(block, at + 40, UInt32.self)
    }
  }
}

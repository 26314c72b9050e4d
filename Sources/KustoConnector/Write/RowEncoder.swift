// Role: rows to what a cluster ingests: pieces of CSV text without a header, and finished parts of gzip CSV or Parquet.
// Source: the connector's CSV rules (quotes only where needed, no header), here with UTC datetimes to the tick.

import CSV
import Codecs
import Columnar
import DataSource
import Parquet

/// The file format of parts.
enum PartFormat: String, Sendable {
  case csv, parquet

  /// The name in `with (format=…)` and queue messages.
  var ingestionName: String { rawValue }
  var fileExtension: String { self == .csv ? ".csv.gz" : ".parquet" }
}

/// Rows encoded, not larger than a limit unless one row is.
struct EncodedRows: EncodedChunk {
  struct Piece: Sendable {
    var bytes: Buffer<UInt8>
    var rows: Int
    /// Bytes of the rows before compression.
    var rawBytes: Int
  }
  var pieces: [Piece]
  var rowCount: Int { pieces.reduce(0) { $0 + $1.rows } }
  var byteCount: Int { pieces.reduce(0) { $0 + $1.bytes.count } }
}

/// Encodes batches of one schema. Thread-safe.
struct RowEncoder: Sendable {
  let format: PartFormat
  let schema: StructType
  /// Bytes of CSV text in a piece at most.
  let pieceBytes: Int
  private let csv: CSVEncoder

  init(_ format: PartFormat, schema: StructType, pieceBytes: Int) {
    self.format = format
    self.schema = schema
    self.pieceBytes = pieceBytes
    var options = CSVWriteOptions()
    options.hasHeader = false
    csv = CSVEncoder(schema: schema, options: options)
  }

  func encode(_ batches: [RecordBatch]) throws -> EncodedRows {
    let batches = batches.filter { $0.rowCount > 0 }
    if batches.isEmpty { return EncodedRows(pieces: []) }
    guard format == .csv else { return EncodedRows(pieces: [try parquet(batches)]) }
    var out = EncodedRows(pieces: [])
    for batch in batches { try add(batch, to: &out) }
    return out
  }

  /// Halves a batch until its text fits; a row alone may be larger.
  private func add(_ batch: RecordBatch, to out: inout EncodedRows) throws {
    let text: CSVText
    do { text = try csv.encode([batch], pieceBytes: .max) } catch let error as CSVWriteError { throw KConnectError(.valueInvalid, "\(error)") }
    let bytes = text.pieces.first ?? BufferBuilder<UInt8>().finish()
    if bytes.count > pieceBytes, batch.rowCount > 1 {
      let half = batch.rowCount / 2
      try add(batch.slice(0..<half), to: &out)
      try add(batch.slice(half..<batch.rowCount), to: &out)
      return
    }
    out.pieces.append(EncodedRows.Piece(bytes: bytes, rows: batch.rowCount, rawBytes: bytes.count))
  }

  /// One file with one row group.
  private func parquet(_ batches: [RecordBatch]) throws -> EncodedRows.Piece {
    var options = ParquetWriterOptions()
    options.codec = .snappy
    // Timespans as ticks: what clusters read.
    options.rawTickColumns = Set(schema.fields.filter { $0.type == .timespan }.map(\.name))
    do {
      let encoder = try ParquetEncoder(schema: schema, options: options)
      let out = BufferBuilder<UInt8>()
      // SAFETY: the writer's bytes live for the call that copies them.
      let file = try unsafe ParquetFileWriter(encoder, createdBy: "kconnect") { bytes in unsafe out.append(contentsOf: bytes.bindMemory(to: UInt8.self)) }
      try file.append(try encoder.encode(batches))
      try file.finish()
      return EncodedRows.Piece(bytes: out.finish(), rows: batches.reduce(0) { $0 + $1.rowCount }, rawBytes: batches.reduce(0) { $0 + $1.byteSize })
    } catch let error as ParquetError { throw KConnectError(.valueInvalid, "\(error)", hint: "stagingFormat=csv keeps every value") }
  }
}

/// A part under construction: gzip members are not joined, so that every reader of gzip takes the part.
final class PartBuilder: @unchecked Sendable {  // used under the sink's lock
  private let compressor: StreamCompressor?
  private let out = BufferBuilder<UInt8>()
  private(set) var rows = 0
  private(set) var rawBytes = 0

  /// Compresses unless `isPlain`.
  init(isPlain: Bool) throws { compressor = isPlain ? nil : try StreamCompressor(.gzip, level: 1) }

  /// Bytes so far, compressed.
  var byteCount: Int { out.count }

  func append(_ piece: EncodedRows.Piece) throws {
    rows += piece.rows
    rawBytes += piece.rawBytes
    // SAFETY: the bytes live for the closure. `room` is what `out` has behind its bytes, and the compressor says how much of
    // either it used.
    try unsafe piece.bytes.withUnsafe { bytes in
      guard let compressor else { return unsafe out.append(contentsOf: bytes) }
      var rest = UnsafeRawBufferPointer(bytes)
      while rest.count > 0 {
        out.reserve(64 << 10)
        // SAFETY: `room` is what `out` has behind its bytes; the compressor fills at most as much.
        let room = unsafe UnsafeMutableRawBufferPointer(start: out.pointer + out.count, count: out.capacity - out.count)
        let progress = try unsafe compressor.feed(rest, into: room)
        out.count += progress.produced
        unsafe rest = UnsafeRawBufferPointer(rebasing: rest[progress.consumed...])
      }
    }
  }

  /// The whole part; the builder is of no use afterwards.
  func finish() throws -> [UInt8] {
    if let compressor {
      while true {
        out.reserve(64 << 10)
        let room = unsafe UnsafeMutableRawBufferPointer(start: out.pointer + out.count, count: out.capacity - out.count)
        let made = try unsafe compressor.finish(into: room)
        out.count += made.produced
        if made.isComplete { break }
      }
    }
    return out.finish().array
  }
}

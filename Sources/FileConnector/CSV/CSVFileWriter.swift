// Role: writes one delimited file: chunks are encoded and compressed in parallel (each its own gzip member or zstd frame), appended in order.

import CSV
import Codecs
import Columnar
import DataSource

final class CSVFileWriter: FileWriter, @unchecked Sendable {  // `append` and `finish` are called by one thread at a time
  private let file: OutputFile
  private let encoder: CSVEncoder
  private let compression: StreamFormat?
  private let level: Int?
  private var hasHeader = false
  /// Datetime columns that have been written with a time of day.
  private var hasTimes: [Bool]

  init(_ file: OutputFile, schema: StructType, options: DataSourceOptions) throws {
    self.file = file
    encoder = CSVEncoder(schema: schema, options: try CSVWriteOptions(options, path: file.displayPath))
    compression = CSVOptionValues.compression(options, path: file.displayPath)
    level = options.integer("compressionLevel")
    hasTimes = [Bool](repeating: false, count: schema.count)
    if let level, let codec {
      guard codec.levels?.contains(level) == true else {
        throw KConnectError(.optionInvalid, "option 'compressionLevel' of 'csv': found \(level), expected \(codec == .gzip ? "1 to 9" : "1 to 22")")
      }
    }
    if compression == .lz4 { throw KConnectError(.notSupported, "'\(file.displayPath)': not supported yet: writing .lz4", hint: "use .gz or .zst") }
  }

  private var codec: Codec? {
    switch compression {
    case .gzip: .gzip
    case .zstd: .zstd
    default: nil
    }
  }

  /// Chunks that compress well and keep memory small.
  var preferredChunkRows: Int? { RecordBatch.maxRows }

  private struct Chunk: EncodedChunk {
    var rowCount: Int
    var pieces: [Buffer<UInt8>]
    var hasTimes: [Bool]
    /// Kept for the rare case that dates have to become datetimes.
    var batches: [RecordBatch]
    var byteCount: Int { pieces.reduce(0) { $0 + $1.count } }
  }

  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk { try encode(chunk, withTimes: []) }

  private func encode(_ batches: [RecordBatch], withTimes: [Bool]) throws -> Chunk {
    do {
      // A chunk is compressed as a whole.
      let text = codec == nil ? try encoder.encode(batches, withTimes: withTimes) : try encoder.encode(batches, withTimes: withTimes, pieceBytes: .max)
      let mayChange = zip(encoder.hasDatetime, text.hasTimes).contains { $0 && !$1 }
      return Chunk(rowCount: text.rowCount, pieces: try text.pieces.map(compressed), hasTimes: text.hasTimes, batches: mayChange ? batches : [])
    } catch let error as CSVWriteError {
      throw KConnectError(.valueInvalid, "'\(file.displayPath)', \(error)", hint: "set option quote")
    }
  }

  private func compressed(_ bytes: Buffer<UInt8>) throws -> Buffer<UInt8> {
    guard let codec, bytes.count > 0 else { return bytes }
    let context = CodecContext()
    let out = BufferBuilder<UInt8>(capacity: context.maxCompressedSize(codec, bytes.count))
    // SAFETY: the codec fills at most `out.capacity` bytes and says how many; the source lives for the call.
    out.count = try unsafe bytes.withUnsafe { source in
      try unsafe context.compress(codec, UnsafeRawBufferPointer(source), into: UnsafeMutableRawBufferPointer(start: out.pointer, count: out.capacity), level: level)
    }
    return out.finish()
  }

  private func writeHeader() throws {
    guard !hasHeader else { return }
    hasHeader = true
    let header: [UInt8]
    do {
      header = try encoder.header()
    } catch let error as CSVWriteError {
      throw KConnectError(.valueInvalid, "'\(file.displayPath)', header: \(error)", hint: "set option quote")
    }
    try write(try compressed(Buffer(header)))
  }

  // SAFETY: the bytes live for the call.
  private func write(_ bytes: Buffer<UInt8>) throws { try unsafe bytes.withUnsafe { try unsafe file.write(UnsafeRawBufferPointer($0)) } }

  func append(_ chunk: any EncodedChunk) throws {
    guard var chunk = chunk as? Chunk else { throw KConnectError(.internalError, "a chunk of another format was appended to a csv file") }
    try writeHeader()
    let needsTimes = zip(hasTimes, chunk.hasTimes).contains { $0 && !$1 }
    if needsTimes, !chunk.batches.isEmpty { chunk = try encode(chunk.batches, withTimes: zip(hasTimes, chunk.hasTimes).map { $0 || $1 }) }
    hasTimes = zip(hasTimes, chunk.hasTimes).map { $0 || $1 }
    for piece in chunk.pieces { try write(piece) }
  }

  func finish() throws { try writeHeader() }
}

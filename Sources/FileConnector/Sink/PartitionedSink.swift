// Role: a write partitioned by columns. `encode` splits chunks; large pieces are encoded there, in parallel; small ones are gathered per
// partition until a file's preferred chunk is full. Bounded: bytes gathered, and files open at once.

import Columnar
import DataSource

/// Pieces of one chunk by partition directory.
private struct SplitChunk: EncodedChunk {
  enum Piece {
    case encoded(any EncodedChunk)
    case raw([RecordBatch])
  }

  var pieces: [(directory: String, rows: Int, piece: Piece)]
  var rowCount: Int
  var byteCount: Int
}

extension SplitChunk.Piece: Sendable {}

/// Writes rows to `key=value` directories.
final class PartitionedSink: TableSink, @unchecked Sendable {  // append/commit by one thread at a time; encode touches only constants
  /// Bytes of rows gathered for partitions whose chunk is not full yet.
  private static let maxGatheredBytes = 128 << 20

  /// One partition directory: rows waiting and the file being written.
  private final class Partition {
    let directory: String
    var waiting: [RecordBatch] = []
    var waitingRows = 0, waitingBytes = 0
    var part: PartWriter?
    var lastUse = 0

    init(_ directory: String) { self.directory = directory }
  }

  private var parts: PartFactory
  private let splitter: PartitionSplitter
  private let encoder: any FileWriter
  private let dataSchema: StructType
  private let maxRows: Int?
  private let maxOpen: Int
  private let chunkRows: Int
  private var partitions: [String: Partition] = [:]
  private var openCount = 0, clock = 0, gatheredBytes = 0
  private var summary = WriteSummary()

  /// `encoder` is a writer of the data columns that only encodes.
  init(
    _ parts: PartFactory, splitter: PartitionSplitter, dataSchema: StructType, encoder: any FileWriter, maxRecordsPerFile: Int?, maxOpenFiles: Int
  ) {
    self.parts = parts
    self.splitter = splitter
    self.dataSchema = dataSchema
    self.encoder = encoder
    maxRows = maxRecordsPerFile
    maxOpen = maxOpenFiles
    chunkRows = min(encoder.preferredChunkRows ?? 65_536, maxRecordsPerFile ?? Int.max)
  }

  deinit { abort() }

  var preferredChunkRows: Int? { encoder.preferredChunkRows }

  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk {
    var order: [String] = []
    var byDirectory: [String: [RecordBatch]] = [:]
    for batch in chunk {
      for (directory, piece) in splitter.split(batch) {
        if byDirectory[directory] == nil { order.append(directory) }
        byDirectory[directory, default: []].append(piece)
      }
    }
    var out = SplitChunk(pieces: [], rowCount: 0, byteCount: 0)
    for directory in order {
      let batches = byDirectory[directory] ?? []
      let rows = batches.reduce(0) { $0 + $1.rowCount }
      out.rowCount += rows
      if rows * 4 >= chunkRows {
        for group in batches.pieces(of: chunkRows) {
          let encoded = try encoder.encode(group)
          out.byteCount += encoded.byteCount
          out.pieces.append((directory, encoded.rowCount, .encoded(encoded)))
        }
      } else {
        out.byteCount += batches.reduce(0) { $0 + $1.byteSize }
        out.pieces.append((directory, rows, .raw(batches)))
      }
    }
    return out
  }

  func append(_ chunk: any EncodedChunk) throws {
    guard let chunk = chunk as? SplitChunk else { throw KConnectError(.internalError, "a chunk of another sink") }
    for (directory, rows, piece) in chunk.pieces {
      clock += 1
      let partition = partitions[directory] ?? Partition(directory)
      partitions[directory] = partition
      partition.lastUse = clock
      switch piece {
      case .encoded(let encoded):
        try flush(partition)
        try write(encoded, to: partition)
      case .raw(let batches):
        let bytes = batches.reduce(0) { $0 + $1.byteSize }
        partition.waiting += batches
        partition.waitingRows += rows
        partition.waitingBytes += bytes
        gatheredBytes += bytes
        if partition.waitingRows >= chunkRows { try flush(partition) }
      }
      summary.rows += rows
    }
    while gatheredBytes > Self.maxGatheredBytes, let largest = partitions.values.max(by: { $0.waitingBytes < $1.waitingBytes }), largest.waitingBytes > 0 {
      try flush(largest)
    }
  }

  private func flush(_ partition: Partition) throws {
    guard partition.waitingRows > 0 else { return }
    let batches = partition.waiting
    gatheredBytes -= partition.waitingBytes
    partition.waiting = []
    partition.waitingRows = 0
    partition.waitingBytes = 0
    for group in [RecordBatch.concat(batches, schema: dataSchema)].pieces(of: chunkRows) { try write(try encoder.encode(group), to: partition) }
  }

  private func write(_ encoded: any EncodedChunk, to partition: Partition) throws {
    if let maxRows, let part = partition.part, part.rowCount > 0, part.rowCount + encoded.rowCount > maxRows { try close(partition) }
    if partition.part == nil {
      if openCount >= maxOpen, let oldest = partitions.values.filter({ $0.part != nil }).min(by: { $0.lastUse < $1.lastUse }) { try close(oldest) }
      partition.part = try parts.next(in: partition.directory)
      openCount += 1
    }
    try partition.part?.append(encoded)
  }

  private func close(_ partition: Partition) throws {
    guard let part = partition.part else { return }
    partition.part = nil
    openCount -= 1
    summary.bytes += try parts.finish(part)
    summary.files += 1
  }

  func commit() throws -> WriteSummary {
    do {
      for (_, partition) in partitions.sorted(by: { $0.key < $1.key }) {
        try flush(partition)
        try close(partition)
      }
      summary.isSkipped = try !parts.commit.commit()
    } catch {
      abort()
      throw error
    }
    return summary
  }

  func abort() {
    partitions = [:]
    parts.commit.abort()
  }
}

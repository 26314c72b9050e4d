// Role: a write partitioned by columns. `encode` splits chunks; large pieces are encoded there, in parallel; small ones are gathered per
// partition until a file's preferred chunk is full and then encoded by whichever thread is free. Rows of a partition stay in order: every
// flush has a ticket, and encoded chunks are written by ticket. Bounded: bytes gathered, and files open at once.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import Synchronization

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
final class PartitionedSink: TableSink, @unchecked Sendable {  // fields behind `lock`; encoding reads constants only
  /// Bytes of rows gathered for partitions whose chunk is not full yet.
  private static let maxGatheredBytes = 128 << 20

  /// One partition directory: rows waiting, flushes on their way, and the file being written.
  private final class Partition: @unchecked Sendable {  // fields behind the sink's `lock`
    let directory: String
    var waiting: [RecordBatch] = []
    var waitingRows = 0, waitingBytes = 0
    /// The ticket of the next flush, and the first ticket not written yet.
    var nextTicket = 0, firstOpen = 0
    /// Chunks encoded ahead of their turn.
    var encoded: [Int: [any EncodedChunk]] = [:]
    var part: PartWriter?
    var lastUse = 0

    init(_ directory: String) { self.directory = directory }
  }

  /// The directory and the writer of a file without rows.
  typealias EmptyPart = (directory: String, makeWriter: (OutputFile) throws -> any FileWriter)

  private let lock = Mutex(())
  private var parts: PartFactory
  private let splitter: PartitionSplitter
  private let encoder: any FileWriter
  private let dataSchema: StructType
  private let maxRows: Int?
  private let maxOpen: Int
  private let chunkRows: Int
  private let emptyPart: EmptyPart?
  private var partitions: [TextKey: Partition] = [:]
  private var work: [SinkWork] = []
  private var openCount = 0, clock = 0, gatheredBytes = 0
  private var hasEnded = false
  private var summary = WriteSummary()

  /// `encoder` is a writer of the data columns that only encodes; `emptyPart` is written when there are no rows.
  init(
    _ parts: PartFactory, splitter: PartitionSplitter, dataSchema: StructType, encoder: any FileWriter, maxRecordsPerFile: Int?, maxOpenFiles: Int,
    emptyPart: EmptyPart?
  ) {
    self.parts = parts
    self.splitter = splitter
    self.dataSchema = dataSchema
    self.encoder = encoder
    maxRows = maxRecordsPerFile
    maxOpen = maxOpenFiles
    self.emptyPart = emptyPart
    chunkRows = min(encoder.preferredChunkRows ?? 65_536, maxRecordsPerFile ?? Int.max)
  }

  deinit { abort() }

  var preferredChunkRows: Int? { encoder.preferredChunkRows }

  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk {
    var order: [TextKey] = []
    var byDirectory: [TextKey: [RecordBatch]] = [:]
    for batch in chunk {
      for (directory, piece) in splitter.split(batch) {
        let key = TextKey(directory)
        if byDirectory[key] == nil { order.append(key) }
        byDirectory[key, default: []].append(piece)
      }
    }
    var out = SplitChunk(pieces: [], rowCount: 0, byteCount: 0)
    for key in order {
      let directory = key.text, batches = byDirectory[key] ?? []
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
    try lock.withLock { _ in
      for (directory, rows, piece) in chunk.pieces {
        clock += 1
        let partition = partitions[TextKey(directory)] ?? Partition(directory)
        partitions[TextKey(directory)] = partition
        partition.lastUse = clock
        switch piece {
        case .encoded(let encoded):
          flush(partition)
          partition.nextTicket += 1
          try write([encoded], ticket: partition.nextTicket - 1, to: partition)
        case .raw(let batches):
          let bytes = batches.reduce(0) { $0 + $1.byteSize }
          partition.waiting += batches
          partition.waitingRows += rows
          partition.waitingBytes += bytes
          gatheredBytes += bytes
          if partition.waitingRows >= chunkRows { flush(partition) }
        }
        summary.rows += rows
      }
      while gatheredBytes > Self.maxGatheredBytes, let largest = partitions.values.max(by: { $0.waitingBytes < $1.waitingBytes }), largest.waitingBytes > 0 {
        flush(largest)
      }
    }
  }

  func takeWork() -> SinkWork? { lock.withLock { _ in work.isEmpty ? nil : work.removeFirst() } }

  func endOfRows() throws {
    lock.withLock { _ in
      hasEnded = true
      for (_, partition) in partitions.sorted(by: { $0.key.text < $1.key.text }) {
        flush(partition)
        if partition.firstOpen == partition.nextTicket { work.append { [unowned self] in try closeLast(partition) } }
      }
    }
  }

  /// Leaves the rows gathered for a partition as work. Called with the lock held.
  private func flush(_ partition: Partition) {
    guard partition.waitingRows > 0 else { return }
    let batches = partition.waiting
    let ticket = partition.nextTicket
    gatheredBytes -= partition.waitingBytes
    partition.waiting = []
    partition.waitingRows = 0
    partition.waitingBytes = 0
    partition.nextTicket += 1
    work.append { [unowned self] in
      let groups = [RecordBatch.concat(batches, schema: dataSchema)].pieces(of: chunkRows)
      let encoded = try groups.map { try encoder.encode($0) }
      let isLast = try lock.withLock { _ in
        try write(encoded, ticket: ticket, to: partition)
        return hasEnded && partition.firstOpen == partition.nextTicket
      }
      if isLast { try closeLast(partition) }
    }
  }

  /// Writes the chunks of a ticket once all earlier ones are written. Called with the lock held.
  private func write(_ chunks: [any EncodedChunk], ticket: Int, to partition: Partition) throws {
    partition.encoded[ticket] = chunks
    while let ready = partition.encoded.removeValue(forKey: partition.firstOpen) {
      for chunk in ready { try write(chunk, to: partition) }
      partition.firstOpen += 1
    }
  }

  private func write(_ encoded: any EncodedChunk, to partition: Partition) throws {
    if let maxRows, let part = partition.part, part.rowCount > 0, part.rowCount + encoded.rowCount > maxRows { try close(partition) }
    if partition.part == nil {
      if openCount >= maxOpen, let oldest = partitions.values.filter({ $0.part != nil }).min(by: { $0.lastUse < $1.lastUse }) { try close(oldest) }
      do { partition.part = try parts.next(in: partition.directory) } catch let error as KConnectError where error.message.hasSuffix(SystemError.tooManyFiles) {
        var error = error
        error.hint = "\(openCount) partitions are open: lower maxOpenPartitions (now \(maxOpen)), or raise the limit of open files (ulimit -n)"
        throw error
      }
      openCount += 1
    }
    try partition.part?.append(encoded)
  }

  /// Ends the file of a partition. Called with the lock held.
  private func close(_ partition: Partition) throws {
    guard let part = partition.part else { return }
    partition.part = nil
    openCount -= 1
    summary.bytes += try parts.finish(part)
    summary.files += 1
  }

  /// Ends the last file of a partition, without holding up the others while it goes to the disk.
  private func closeLast(_ partition: Partition) throws {
    let part: PartWriter? = lock.withLock { _ in
      defer { partition.part = nil }
      if partition.part != nil { openCount -= 1 }
      return partition.part
    }
    guard let part else { return }
    let bytes = try part.finish()
    try lock.withLock { _ in
      try parts.commit.add(FinishedPart(name: part.name, path: part.file.path, rows: part.rowCount, bytes: bytes))
      summary.bytes += bytes
      summary.files += 1
    }
  }

  func commit() throws -> WriteSummary {
    do {
      if !hasEnded { try endOfRows() }
      while let piece = takeWork() { try piece() }
      if summary.rows == 0, let emptyPart {
        summary.bytes += try parts.finish(try parts.next(in: emptyPart.directory, makeWriter: emptyPart.makeWriter))
        summary.files += 1
      }
      summary.isSkipped = try !parts.commit.commit()
    } catch {
      abort()
      throw error
    }
    return summary
  }

  func abort() {
    work = []
    partitions = [:]
    parts.commit.abort()
  }
}

extension SystemError {
  /// The words of the error that no further file can be open.
  fileprivate static var tooManyFiles: String { unsafe String(cString: strerror(EMFILE)) }
}

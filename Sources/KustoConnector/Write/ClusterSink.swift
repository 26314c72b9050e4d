// Role: rows into parts and parts to the cluster: encoding on all threads, parts in row order, uploads as work for any thread, a few at a time.

import Columnar
import DataSource
import KustoStore
import Synchronization

final class ClusterSink: TableSink {
  struct Settings: Sendable {
    /// Bytes of rows in a part at most; one row may be larger.
    var partBytes: Int
    /// Parts travel as plain text.
    var isPlain: Bool
  }

  private struct State {
    var part: PartBuilder?
    var waiting: [IngestionPart] = []
    var number = 0
    var rows = 0
    var bytes = 0
    var isOver = false
  }

  private let converter: RowConverter?
  private let encoder: RowEncoder
  private let ingestor: any PartIngestor
  private let settings: Settings
  private let state = Mutex(State())
  /// Parts that wait for a thread at most; then `append` works itself.
  private static let waitingParts = 2
  /// Compressed bytes of a part at most.
  private static let heldBytes = 64 << 20

  /// - Parameter converter: nil: the rows go as they are, a mapping of the table reads them.
  init(_ converter: RowConverter?, _ encoder: RowEncoder, _ ingestor: any PartIngestor, _ settings: Settings) {
    self.converter = converter
    self.encoder = encoder
    self.ingestor = ingestor
    self.settings = settings
  }

  deinit { abort() }

  var preferredChunkRows: Int? { encoder.format == .parquet ? 1 << 20 : nil }

  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk {
    try encoder.encode(try converter.map { try chunk.map($0.convert) } ?? chunk)
  }

  func append(_ chunk: any EncodedChunk) throws {
    guard let rows = chunk as? EncodedRows else { throw KConnectError(.internalError, "a chunk of another sink") }
    for piece in rows.pieces {
      try state.withLock { state in
        if encoder.format == .parquet {
          state.rows += piece.rows
          seal(IngestionPart(bytes: piece.bytes.array, rows: piece.rows, rawBytes: piece.rawBytes, number: state.number, isLast: false), &state)
          return
        }
        if let part = state.part, part.rows > 0, part.rawBytes + piece.rawBytes > settings.partBytes || part.byteCount > Self.heldBytes { try seal(&state, isLast: false) }
        let part = try state.part ?? PartBuilder(isPlain: settings.isPlain)
        state.part = part
        try part.append(piece)
        state.rows += piece.rows
      }
    }
    while let part = state.withLock({ $0.waiting.count > Self.waitingParts ? $0.waiting.removeFirst() : nil }) { try ingestor.ingest(part) }
  }

  private func seal(_ state: inout State, isLast: Bool) throws {
    guard let part = state.part, part.rows > 0 else { return }
    state.part = nil
    seal(IngestionPart(bytes: try part.finish(), rows: part.rows, rawBytes: part.rawBytes, number: state.number, isLast: isLast), &state)
  }

  private func seal(_ part: IngestionPart, _ state: inout State) {
    state.number += 1
    state.bytes += part.bytes.count
    state.waiting.append(part)
  }

  func takeWork() -> SinkWork? {
    guard let part = state.withLock({ $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }) else { return nil }
    return { [ingestor] in try ingestor.ingest(part) }
  }

  func endOfRows() throws { try state.withLock { try seal(&$0, isLast: true) } }

  func commit() throws -> WriteSummary {
    try endOfRows()
    while let work = takeWork() { try work() }
    let (rows, bytes, parts) = state.withLock { state in
      state.isOver = true
      return (state.rows, state.bytes, state.number)
    }
    let isWritten = try ingestor.commit(rows: rows)
    return isWritten ? WriteSummary(rows: rows, bytes: bytes, files: parts) : WriteSummary(isSkipped: true, skipReason: "the rows of this write are there already")
  }

  func abort() {
    let isOver = state.withLock { state in
      defer { state.isOver = true }
      return state.isOver
    }
    if !isOver { ingestor.abort() }
  }
}

// Role: a scan over the extents of a snapshot and then the rows that are in none yet.

import Columnar
import DataSource
import Expressions
import Synchronization

/// Extents first, waiting rows behind them.
final class RowTailScan: Scan {
  let schema: StructType
  private let extents: any Scan
  private let pieces: [Piece]
  private let next = Mutex((areExtentsDone: false, piece: 0))
  private let rows = Mutex(0)

  private struct Piece: Morsel {
    var batch: RecordBatch

    func read(_ emit: (RecordBatch) throws -> Bool) throws { _ = try emit(batch) }
  }

  /// `snapshot` has the rows; `columns` are its table's and virtual ones.
  init(_ extents: any Scan, _ tail: RowTail, _ snapshot: TableSnapshot, columns: [String]) throws {
    self.extents = extents
    schema = extents.schema
    var pieces: [Piece] = []
    let wantsVersions = columns.contains(HiddenColumns.rowVersion)
    for part in try tail.parts() {
      var version: Int64?
      if wantsVersions {
        // A row's place in the history is its commit: there must be one. Rows of other processes get theirs from them.
        guard let log = part.log, let segment = part.segment else { continue }
        if log.version(of: segment) == nil { try log.seal() }
        version = log.version(of: segment)
        if version == nil { continue }
      }
      for frame in part.frames {
        for batch in try RowTail.adapted([frame.batch], from: part.schema, to: snapshot.schema) {
          let vectors = columns.map { name -> ColumnVector in
            switch name {
            case HiddenColumns.ingestionTime: .constant(.datetime(frame.time), count: batch.rowCount)
            case HiddenColumns.extentId: .constant(.guid(RowTail.extentId(part.number)), count: batch.rowCount)
            case HiddenColumns.extentTags: .constant(.dynamic(.array([])), count: batch.rowCount)
            case HiddenColumns.rowVersion: .constant(.long(version ?? 0), count: batch.rowCount)
            default: snapshot.schema.index(of: name).map { batch.columns[$0] } ?? .nulls(.string, count: batch.rowCount)
            }
          }
          pieces.append(Piece(batch: RecordBatch(schema: extents.schema, columns: vectors, rowCount: batch.rowCount)))
        }
      }
    }
    self.pieces = pieces
  }

  func nextMorsel() throws -> (any Morsel)? {
    if !next.withLock({ $0.areExtentsDone }) {
      if let morsel = try extents.nextMorsel() { return morsel }
      next.withLock { $0.areExtentsDone = true }
    }
    let piece = next.withLock { next -> Piece? in
      guard next.piece < pieces.count else { return nil }
      defer { next.piece += 1 }
      return pieces[next.piece]
    }
    if let piece { rows.withLock { $0 += piece.batch.rowCount } }
    return piece
  }

  var metrics: ScanMetrics {
    var out = extents.metrics
    out.rowsRead += rows.withLock { $0 }
    return out
  }

  func stop() { extents.stop() }
}

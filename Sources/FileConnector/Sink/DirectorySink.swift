// Role: a write to a directory without partition columns: parts `part-00000-<uuid>.<ext>`, a new one when `maxRecordsPerFile` is reached.

import Columnar
import DataSource

/// Makes the parts of one write.
struct PartFactory {
  let commit: any PartCommit
  let identifier = randomIdentifier()
  let fileExtension: String
  let target: String
  let fileSystem: FileSystem
  let makeWriter: (OutputFile) throws -> any FileWriter
  private(set) var count = 0

  init(
    commit: any PartCommit, fileExtension: String, target: String, fileSystem: FileSystem, makeWriter: @escaping (OutputFile) throws -> any FileWriter
  ) {
    self.commit = commit
    self.fileExtension = fileExtension
    self.target = target
    self.fileSystem = fileSystem
    self.makeWriter = makeWriter
  }

  /// Starts the next part in a directory relative to the target ("" for the target itself).
  mutating func next(in directory: String, makeWriter: ((OutputFile) throws -> any FileWriter)? = nil) throws -> PartWriter {
    let digits = String(count)
    let name = joinPath(directory, "part-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + "-" + identifier + fileExtension)
    count += 1
    let file = try commit.makeFile(forPart: name, target: target, fileSystem: fileSystem)
    return PartWriter(name: name, file: file, writer: try (makeWriter ?? self.makeWriter)(file))
  }

  /// Finishes a part and hands it to the commit; answers its bytes.
  func finish(_ part: PartWriter) throws -> Int {
    let bytes = try part.finish()
    try commit.add(FinishedPart(name: part.name, path: part.file.path, rows: part.rowCount, bytes: bytes))
    return bytes
  }
}

/// Writes rows to parts of one directory.
final class DirectorySink: TableSink, @unchecked Sendable {  // append/commit by one thread at a time; encode touches only the first writer
  private var parts: PartFactory
  private let maxRows: Int?
  /// Encodes for every part: writers of one write have the same schema and options.
  private let encoder: any FileWriter
  private var current: PartWriter?
  private var summary = WriteSummary()

  init(_ parts: PartFactory, maxRecordsPerFile: Int?) throws {
    self.parts = parts
    maxRows = maxRecordsPerFile
    let first = try self.parts.next(in: "")
    current = first
    encoder = first.writer
  }

  deinit { abort() }

  var preferredChunkRows: Int? {
    guard let maxRows else { return encoder.preferredChunkRows }
    return min(maxRows, encoder.preferredChunkRows ?? maxRows)
  }

  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk {
    guard let maxRows else { return try encoder.encode(chunk) }
    return EncodedPieces(pieces: try chunk.pieces(of: maxRows).map { try encoder.encode($0) })
  }

  func append(_ chunk: any EncodedChunk) throws {
    for piece in (chunk as? EncodedPieces)?.pieces ?? [chunk] {
      if let maxRows, let part = current, part.rowCount > 0, part.rowCount + piece.rowCount > maxRows { try close(part) }
      let part = try current ?? parts.next(in: "")
      current = part
      try part.append(piece)
      summary.rows += piece.rowCount
    }
  }

  private func close(_ part: PartWriter) throws {
    summary.bytes += try parts.finish(part)
    summary.files += 1
    current = nil
  }

  func commit() throws -> WriteSummary {
    do {
      if let part = current { try close(part) }
      summary.isSkipped = try !parts.commit.commit()
    } catch {
      abort()
      throw error
    }
    return summary
  }

  func abort() { parts.commit.abort() }
}

extension [RecordBatch] {
  /// The rows in groups of at most `limit`.
  func pieces(of limit: Int) -> [[RecordBatch]] {
    var out: [[RecordBatch]] = []
    var current: [RecordBatch] = []
    var rows = 0
    for batch in self {
      var start = 0
      while start < batch.rowCount {
        let n = Swift.min(batch.rowCount - start, limit - rows)
        current.append(batch.slice(start..<start + n))
        start += n
        rows += n
        if rows == limit {
          out.append(current)
          current = []
          rows = 0
        }
      }
    }
    if rows > 0 { out.append(current) }
    return out
  }
}

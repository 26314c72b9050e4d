// Role: one part under construction: its temporary file, its format writer and its row count; `finish` makes it durable.

import DataSource

/// A part file with its writer. One thread at a time appends.
final class PartWriter {
  let name: String
  let file: OutputFile
  let writer: any FileWriter
  private(set) var rowCount = 0

  init(name: String, file: OutputFile, writer: any FileWriter) {
    self.name = name
    self.file = file
    self.writer = writer
  }

  func append(_ chunk: any EncodedChunk) throws {
    try writer.append(chunk)
    rowCount += chunk.rowCount
  }

  /// Writes the end of the file, syncs and closes; answers its bytes.
  func finish() throws -> Int {
    try writer.finish()
    try file.sync()
    try file.close()
    return file.offset
  }
}

/// Pieces that one call of `encode` made, in row order, each small enough for one file.
struct EncodedPieces: EncodedChunk {
  var pieces: [any EncodedChunk]
  var rowCount: Int { pieces.reduce(0) { $0 + $1.rowCount } }
  var byteCount: Int { pieces.reduce(0) { $0 + $1.byteCount } }
}

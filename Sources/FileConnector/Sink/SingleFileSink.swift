// Role: a write to one file, standard output or a device. A file is staged beside its place and renamed at commit.

package import Columnar
package import DataSource

/// Writes rows to one file. After `commit` the target has all of them; before, it is untouched.
package final class SingleFileSink: TableSink, @unchecked Sendable {  // append/commit by one thread at a time; encode touches only the writer
  private let replaces: Bool
  /// Nil for standard output and devices.
  private let staged: StagedFile?
  private let file: OutputFile
  private let writer: any FileWriter
  private var rows = 0

  /// `makeWriter` starts the format's writer on the file. Throws before anything visible exists.
  package init(
    _ target: WriteTarget, replaces: Bool, fileSystem: FileSystem = .system, makeWriter: (OutputFile) throws -> any FileWriter
  ) throws {
    self.replaces = replaces
    switch target {
    case .standardOutput:
      staged = nil
      file = try OutputFile(creating: "-")
    case .device(let path):
      staged = nil
      file = try OutputFile(device: path)
    case .file(let path), .directory(let path):
      let place = try StagedFile(path, fileSystem: fileSystem)
      staged = place
      file = place.file
    }
    writer = try makeWriter(file)
  }

  package var preferredChunkRows: Int? { writer.preferredChunkRows }

  package func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk { try writer.encode(chunk) }

  package func append(_ chunk: any EncodedChunk) throws {
    try writer.append(chunk)
    rows += chunk.rowCount
  }

  package func commit() throws -> WriteSummary {
    do {
      try writer.finish()
      if let staged { try staged.publish(replaces: replaces) } else { try file.close() }
    } catch {
      abort()
      throw error
    }
    return WriteSummary(rows: rows, bytes: file.offset, files: 1)
  }

  package func abort() { staged?.discard() }
}

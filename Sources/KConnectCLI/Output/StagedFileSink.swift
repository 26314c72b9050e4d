// Role: a result in a file format, to one file of any name or to standard output. The file appears under its name when it is complete.

import Columnar
import DataSource
import FileConnector

#if canImport(Glibc)
import Glibc
#endif

/// A sink of one file for `--output`.
final class StagedFileSink: TableSink, @unchecked Sendable {  // append, commit and abort come from one thread at a time; encode only reads
  private let path: String
  private let staged: String?
  private let file: OutputFile
  private let writer: any FileWriter
  private var rows = 0
  private var isDone = false

  /// `-` is standard output; a device or pipe is written through; a file is replaced at the end.
  init(path: String, makeWriter: (OutputFile) throws -> any FileWriter) throws {
    let kind = path == "-" ? PathKind.special : pathKind(path)
    if kind == .directory { throw KConnectError(.usage, "--output '\(path)' is a directory, expected a file", hint: "kconnect write fills directories") }
    let target = kind == .file ? resolvedPath(path) : path
    self.path = target
    if kind == .special {
      staged = nil
      file = path == "-" ? try OutputFile(creating: "-") : try OutputFile(device: path)
    } else {
      let name = StagedName.beside(target)
      file = try OutputFile(creating: name, displayPath: path)
      staged = name
      Interrupt.registerTemporary(name)
    }
    do {
      writer = try makeWriter(file)
    } catch {
      if let staged { unsafe unlink(staged) }
      throw error
    }
  }

  /// Writes into a file that is there, by a path that leads to it.
  init(into path: String, makeWriter: (OutputFile) throws -> any FileWriter) throws {
    self.path = path
    staged = nil
    file = try OutputFile(device: path)
    writer = try makeWriter(file)
  }

  deinit { abort() }

  var preferredChunkRows: Int? { writer.preferredChunkRows }
  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk { try writer.encode(chunk) }

  func append(_ chunk: any EncodedChunk) throws {
    try writer.append(chunk)
    rows += chunk.rowCount
  }

  func commit() throws -> WriteSummary {
    do {
      try writer.finish()
      try file.close()
      if let staged, unsafe rename(staged, path) != 0 { throw SystemError.make("cannot create", path, errno) }
    } catch {
      abort()
      throw error
    }
    isDone = true
    if let staged { Interrupt.forgetTemporary(staged) }
    return WriteSummary(rows: rows, bytes: file.offset, files: 1)
  }

  func abort() {
    guard !isDone else { return }
    isDone = true
    guard let staged else { return }
    unsafe unlink(staged)
    Interrupt.forgetTemporary(staged)
  }
}

/// Hidden names beside a target.
enum StagedName {
  /// `dir/.name.PID.tmp`.
  static func beside(_ path: String) -> String { joinPath(parentPath(path), ".\(lastPathComponent(path)).\(getpid()).tmp") }
}

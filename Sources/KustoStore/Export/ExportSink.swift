// Role: the files of `.export`: written one after another under a name prefix, a new one when the size limit is reached, all given their names at
// the end. Encoding is the format's own.

import Columnar
import DataSource
import FileConnector

/// Writes rows to numbered files of one directory.
final class ExportSink: TableSink, @unchecked Sendable {  // append/commit by one thread at a time; encode touches only the first writer
  /// A finished file.
  struct Artifact {
    var path: String
    var rows: Int
    var bytes: Int
  }

  private let place: ExportPlace
  private let prefix: String
  private let format: any FileFormat
  private let options: DataSourceOptions
  private let schema: StructType
  private let sizeLimit: Int
  private let fileSystem = FileSystem.system
  private let identifier = randomIdentifier()
  private var number = 0
  private var file: OutputFile
  private var writer: any FileWriter
  private let encoder: any FileWriter
  private var rows = 0
  private var temporary: [(path: String, target: String, address: String, rows: Int, bytes: Int)] = []
  private var made: [String] = []
  private(set) var artifacts: [Artifact] = []
  private var isOver = false

  init(_ place: ExportPlace, prefix: String, format: any FileFormat, options: DataSourceOptions, schema: StructType, sizeLimit: Int) throws {
    self.place = place
    let directory = place.directory
    self.prefix = prefix
    self.format = format
    self.options = options
    self.schema = schema
    self.sizeLimit = sizeLimit
    let (_, code) = fileSystem.makeDirectories(directory)
    if code != 0 { throw SystemError.make("cannot create", directory, code) }
    let path = joinPath(directory, ".\(identifier)-1.tmp" + format.outputExtension(options))
    file = try OutputFile(creating: path, displayPath: directory)
    writer = try format.makeWriter(file, schema: schema, options: options)
    encoder = writer
  }

  deinit { abort() }

  var preferredChunkRows: Int? { encoder.preferredChunkRows }

  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk { try encoder.encode(chunk) }

  func append(_ chunk: any EncodedChunk) throws {
    if rows > 0, file.offset >= sizeLimit {
      try close()
      let path = joinPath(place.directory, ".\(identifier)-\(number + 1).tmp" + format.outputExtension(options))
      file = try OutputFile(creating: path, displayPath: place.directory)
      writer = try format.makeWriter(file, schema: schema, options: options)
      rows = 0
    }
    try writer.append(chunk)
    rows += chunk.rowCount
  }

  private func close() throws {
    number += 1
    try writer.finish()
    try file.sync()
    try file.close()
    let name = (prefix.isEmpty ? "export" : prefix) + "_\(number)_\(identifier)" + format.outputExtension(options)
    guard let target = place.file(name) else { throw KConnectError(.optionInvalid, "property 'namePrefix': '\(prefix)' gives no valid name of a file") }
    temporary.append((file.path, target.path, target.address, rows, file.offset))
  }

  func commit() throws -> WriteSummary {
    try close()
    isOver = true
    for item in temporary {
      let code = fileSystem.rename(item.path, item.target, .noReplace)
      if code != 0 {
        for path in made { _ = fileSystem.remove(path) }
        for left in temporary { _ = fileSystem.remove(left.path) }
        throw SystemError.make("cannot rename", item.target, code)
      }
      made.append(item.target)
      artifacts.append(Artifact(path: item.address, rows: item.rows, bytes: item.bytes))
    }
    let code = fileSystem.syncDirectory(place.directory)
    if code != 0 { throw SystemError.make("cannot sync", place.directory, code) }
    return WriteSummary(rows: artifacts.reduce(0) { $0 + $1.rows }, bytes: artifacts.reduce(0) { $0 + $1.bytes }, files: artifacts.count)
  }

  func abort() {
    guard !isOver else { return }
    isOver = true
    _ = fileSystem.remove(file.path)
    for item in temporary { _ = fileSystem.remove(item.path) }
  }
}

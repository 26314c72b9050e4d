// Role: the files of `.export`: written one after another under a name prefix, a new one when the size limit is reached, all given their names at
// the end. Encoding is the format's own.

import Columnar
import DataSource
import FileConnector

/// What the files of an export are like.
struct ExportFiles {
  var format: any FileFormat
  var options: DataSourceOptions
  var schema: StructType
  /// What the files behind the first are written with; nil: the same.
  var later: DataSourceOptions?
  var prefix = ""
  /// With its dot, in place of the format's own.
  var fileExtension: String?
  /// Whether a file begins with the byte order mark of UTF-8.
  var hasMark = false
  /// How many files there are already: numbers go on behind them, and none of the new ones is the first.
  var before = 0
  /// Bytes, after which a new file begins.
  var sizeLimit = Int.max

  init(format: any FileFormat, options: DataSourceOptions, schema: StructType) {
    self.format = format
    self.options = options
    self.schema = schema
  }

  /// The extension of the files, that of their compression included.
  var ending: String {
    let own = format.outputExtension(options)
    guard let fileExtension, let first = format.fileExtensions.first else { return own }
    return fileExtension + own.dropFirst(first.count)
  }

  /// Starts the file of that number, from 1.
  func start(_ number: Int, at path: String, shownAs directory: String) throws -> (file: OutputFile, writer: any FileWriter) {
    let file = try OutputFile(creating: path, displayPath: directory)
    do {
      if hasMark {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        // SAFETY: the bytes live through the call.
        try unsafe mark.withUnsafeBytes { try unsafe file.write($0) }
      }
      return (file, try format.makeWriter(file, schema: schema, options: number > 1 ? later ?? options : options))
    } catch {
      _ = FileSystem.system.remove(path)
      throw error
    }
  }
}

/// Writes rows to numbered files of one directory.
final class ExportSink: TableSink, @unchecked Sendable {  // append/commit by one thread at a time; encode touches only the first writer
  /// A finished file.
  struct Artifact {
    var path: String
    var rows: Int
    var bytes: Int
  }

  private let place: ExportPlace
  private let files: ExportFiles
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

  init(_ place: ExportPlace, _ files: ExportFiles) throws {
    self.place = place
    self.files = files
    let directory = place.directory
    let (_, code) = fileSystem.makeDirectories(directory)
    if code != 0 { throw SystemError.make("cannot create", directory, code) }
    number = files.before
    let first = try files.start(files.before + 1, at: joinPath(directory, ".\(identifier)-1.tmp" + files.ending), shownAs: directory)
    file = first.file
    writer = first.writer
    encoder = first.writer
  }

  deinit { abort() }

  var preferredChunkRows: Int? { encoder.preferredChunkRows }

  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk { try encoder.encode(chunk) }

  func append(_ chunk: any EncodedChunk) throws {
    if rows > 0, file.offset >= files.sizeLimit {
      try close()
      (file, writer) = try files.start(
        number + 1, at: joinPath(place.directory, ".\(identifier)-\(number + 1).tmp" + files.ending), shownAs: place.directory)
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
    let name = (files.prefix.isEmpty ? "export" : files.prefix) + "_\(number)_\(identifier)" + files.ending
    guard let target = try place.file(name) else { throw KConnectError(.optionInvalid, "property 'namePrefix': '\(files.prefix)' gives no valid name of a file") }
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

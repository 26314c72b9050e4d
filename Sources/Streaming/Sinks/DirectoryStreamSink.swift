// Role: batches into a directory of files that any reader may read at any time. Names say query and batch, so that a batch written again
// replaces itself; a manifest lists a batch's files once all are in place and makes it done.

package import Columnar
package import DataSource
import Delta
import Engine
package import FileConnector

package final class DirectoryStreamSink: MicroBatchSink {
  private let format: any FileFormat
  /// As it was typed, for people.
  private let label: String
  /// From the root: the same place wherever the query is started.
  private let directory: String
  private let partitionBy: [String]
  private let options: DataSourceOptions
  private let fileSystem: FileSystem
  /// The batch of the last try.
  private var tried: Int?

  package init(_ format: any FileFormat, directory typed: String, partitionBy: [String], options: DataSourceOptions, fileSystem: FileSystem = .system) throws {
    self.format = format
    guard case .local(let path) = try SourcePath(typed) else {
      throw KConnectError(.notSupported, "'\(typed)': not supported: streams into files that are not in a local directory", hint: "name a local directory")
    }
    label = trimmingSlashes(path)
    directory = absolutePath(path)
    self.partitionBy = partitionBy
    self.options = options
    self.fileSystem = fileSystem
    if pathKind(directory) == .file {
      throw KConnectError(.usage, "'\(label)' is a file; a stream writes to a directory", hint: "name a directory")
    }
  }

  package var description: String { "\(format.shortName) \(label)" }
  package var identity: String { "\(format.shortName):\(directory)" }
  package var checkpointName: String { "\(format.shortName):\(label)" }
  package var files: (directory: String, name: String)? { (directory, "part-00000000000000000000-00000-00000000\(format.fileExtensions.first ?? "")") }

  package func start(queryId: String, schema: StructType) throws {
    try fileSystem.makeDurably(manifests(queryId).directory)
    // What a run that died had begun.
    _ = fileSystem.removeTree(BatchCommit.staging(directory, queryId))
    try checkColumns(schema)
  }

  /// Refuses rows that readers could not read together with the files that are there.
  private func checkColumns(_ schema: StructType) throws {
    guard !options.bool("mergeSchema"), case .typed = format.schemaFidelity else { return }
    let existing: StructType
    do { existing = try FileProvider(format).open([directory], schema: nil, options: options).schema } catch let error as KConnectError where error.code == .pathNotFound { return }
    for field in schema.fields {
      guard let known = existing.field(field.name) else {
        throw KConnectError(.schemaMismatch, "'\(directory)' has no column '\(field.name)'", hint: "select or rename columns, or to.mergeSchema=true (mergeSchema in Swift) where new ones may come")
      }
      if known.type != field.type, !partitionBy.contains(field.name) {
        throw KConnectError(.schemaMismatch, "column '\(field.name)' is \(known.type) in '\(directory)', the stream has \(field.type)", hint: "convert it in the query, or choose another directory")
      }
    }
  }

  private func manifests(_ queryId: String) -> BatchManifests {
    BatchManifests(BatchManifests.place(in: directory, queryId: queryId), fileSystem)
  }

  package func add(_ batch: MicroBatch) throws -> WriteSummary {
    let manifests = manifests(batch.queryId)
    if manifests.has(batch.id) { return WriteSummary(isSkipped: true) }
    try Failpoint.pass("sink.before")
    // An earlier try, in this run or one that died, may have moved some of its files.
    let isAgain = batch.isReplay || tried == batch.id
    tried = batch.id
    let commit = try BatchCommit(directory: directory, manifests: manifests, batch: batch, isAgain: isAgain, fileSystem)
    let limit = options.integer("maxRecordsPerFile") ?? 0
    let sink = try PartSinks.make(
      commit, format: format, options: options, schema: batch.schema, partitionBy: partitionBy, target: directory, fileSystem: fileSystem,
      maxRecordsPerFile: limit > 0 ? limit : nil, maxOpenFiles: max(1, options.integer("maxOpenPartitions") ?? 128))
    let summary = try batch.execution.write(to: sink)
    manifests.gather(after: batch.id)
    return summary
  }
}

/// The commit of one batch: parts are made in a hidden directory, renamed to their names, then the manifest is put.
private final class BatchCommit: PartCommit {
  private let directory: String
  private let manifests: BatchManifests
  private let stagingPlace: String
  private let batchId: Int
  private let isAgain: Bool
  private let mark: String
  private let queryMark: String
  private let settle: () throws -> Void
  private let fileSystem: FileSystem
  private var parts: [FinishedPart] = []
  private var isDone = false

  static func staging(_ directory: String, _ queryId: String) -> String { joinPath(directory, "_temporary-stream-\(queryId.prefix(8))") }

  init(directory: String, manifests: BatchManifests, batch: MicroBatch, isAgain: Bool, _ fileSystem: FileSystem) throws {
    self.directory = directory
    self.manifests = manifests
    self.fileSystem = fileSystem
    batchId = batch.id
    self.isAgain = isAgain
    settle = batch.settle
    let digits = String(batch.id)
    mark = "part-" + String(repeating: "0", count: max(0, 20 - digits.count)) + digits + "-"
    stagingPlace = Self.staging(directory, batch.queryId)
    queryMark = "-" + String(batch.queryId.prefix(8))
    let made = fileSystem.makeDirectories(stagingPlace)
    if made.code != 0 { throw SystemError.make("cannot create the directory", stagingPlace, made.code) }
  }

  deinit { abort() }

  func pathForPart(_ name: String) throws -> String {
    let path = joinPath(stagingPlace, name)
    let made = fileSystem.makeDirectories(parentPath(path))
    if made.code != 0 { throw SystemError.make("cannot create the directory", parentPath(path), made.code) }
    return path
  }

  func add(_ part: FinishedPart) { parts.append(part) }

  /// `dir/part-00003-<uuid>.parquet` becomes `dir/part-<batch>-<n>-<query>.parquet`, n counted in order of the names.
  private func finalName(_ part: FinishedPart, _ n: Int) -> String {
    let name = lastPathComponent(part.name)
    let fileExtension = name.firstIndex(of: ".").map { String(name[$0...]) } ?? ""
    let digits = String(n)
    let own = mark + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + queryMark + fileExtension
    return part.name.contains("/") ? joinPath(parentPath(part.name), own) : own
  }

  func commit() throws -> Bool {
    try settle()
    try Failpoint.pass("sink.encoded")
    var moves: [(from: String, to: String, part: FinishedPart)] = []
    let order = parts.filter { $0.rows > 0 }.sorted { (parentPath($0.name), $0.name) < (parentPath($1.name), $1.name) }
    for (n, part) in order.enumerated() { moves.append((part.path, finalName(part, n), part)) }
    var touched: Set<TextKey> = []
    if isAgain { try removeStrays(directory, "", keeping: Set(moves.map { TextKey($0.to) })) }
    for move in moves {
      let target = joinPath(directory, move.to)
      let made = fileSystem.makeDirectories(parentPath(target))
      if made.code != 0 { throw SystemError.make("cannot create the directory", parentPath(target), made.code) }
      for path in made.created { touched.insert(TextKey(parentPath(path))) }
      let code = fileSystem.rename(move.from, target, .replace)
      if code != 0 { throw SystemError.make("cannot create", target, code) }
      touched.insert(TextKey(parentPath(target)))
      try Failpoint.pass("sink.moved")
    }
    for path in touched.map(\.text).sorted() {
      let code = fileSystem.syncDirectory(path)
      if code != 0 { throw SystemError.make("cannot sync", path, code) }
    }
    let files = moves.map { move in
      DynamicValue.object([("name", .string(move.to)), ("size", .long(Int64(move.part.bytes))), ("rows", .long(Int64(move.part.rows)))])
    }
    try manifests.put(batchId, .object([("batchId", .long(Int64(batchId))), ("files", .array(files))]))
    try Failpoint.pass("sink.after")
    isDone = true
    _ = fileSystem.removeTree(stagingPlace)
    return true
  }

  /// Removes files of this batch that an earlier attempt, cut into other parts, has left.
  private func removeStrays(_ path: String, _ relative: String, keeping: Set<TextKey>) throws {
    for name in try DirectoryReader.names(in: path) where !FileListing.isHidden(name) {
      let own = relative.isEmpty ? name : joinPath(relative, name)
      if pathKind(joinPath(path, name)) == .directory {
        try removeStrays(joinPath(path, name), own, keeping: keeping)
      } else if name.hasPrefix(mark), name.contains(queryMark), !keeping.contains(TextKey(own)) {
        _ = fileSystem.remove(joinPath(path, name))
      }
    }
  }

  func abort() {
    guard !isDone else { return }
    isDone = true
    _ = fileSystem.removeTree(stagingPlace)
  }
}

// Role: a table of the store: its directory, its log, and the doors to reading and ingesting. Changes of other kinds stand in
// `StoreTable+…` beside what they change.
//
//   <table>/_delta_log/                  the log: schema, extents, history
//   <table>/<extent>-<lease>.parquet     data files; the lease names the process that wrote them
//   <table>/_kconnect/commit.lock        writers queue here             merge.lock   one merger at a time
//   <table>/_kconnect/rows/              rows of streaming ingestion that are in no version yet

#if canImport(Glibc)
import Glibc
#endif
package import Columnar
import DataSource
import Delta
import Synchronization

/// An open table. It stays the same table when it is renamed; commits to a table that was dropped fail.
package final class StoreTable: Sendable {
  package let database: Database
  /// The name it was opened by.
  package let name: String
  /// `metaData.id`: what functions, policies and mappings are keyed by.
  package let id: String
  let directory: Directory
  let log: DeltaLog
  private let cache: Mutex<Cache>

  private struct Cache {
    var snapshot: DeltaSnapshot
    var files: (version: Int64, list: [ExtentFile])?
  }

  static let ownDirectory = "_kconnect"

  /// `shownAs`: the directory that messages name, where it is not `entry`.
  init(database: Database, name: String, entry: String, shownAs: String? = nil) throws {
    self.database = database
    self.name = name
    directory = try Directory(database.directory.path(entry))
    log = DeltaLog(path: directory.path, displayPath: joinPath(database.path, shownAs ?? entry), fileSystem: database.store.fileSystem)
    let first = try log.snapshot()
    id = first.metadata.id
    cache = Mutex(Cache(snapshot: first))
  }

  /// Makes the directory of an empty table; nobody sees it yet.
  static func make(at path: String, _ description: TableDescription, fileSystem: FileSystem) throws {
    let log = DeltaLog(path: path, displayPath: description.name, fileSystem: fileSystem)
    _ = try log.makeDirectories()
    try SystemError.check(fileSystem.makeDirectory(joinPath(path, ownDirectory)), "cannot create the table", path)
    var info = CommitInfo()
    info["operation"] = .string("CREATE TABLE")
    let actions: [DeltaAction] = [.commitInfo(info), .protocol(TableSchema.storeProtocol), .metadata(try TableSchema.metadata(description))]
    _ = try log.commit(actions, on: nil) { _, _ in .conflict(KConnectError(.internalError, "a new table has a log already")) }
  }

  /// The path by name, for messages.
  var displayPath: String { log.displayPath }

  /// The name the directory has now; nil when the table was dropped.
  var currentEntry: String? {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    // SAFETY: readlink fills at most the buffer's bytes.
    let n = unsafe buffer.withUnsafeMutableBytes { raw in
      guard let base = raw.baseAddress else { return -1 }
      return unsafe readlink(directory.path, base.assumingMemoryBound(to: CChar.self), raw.count)
    }
    guard n > 0 else { return nil }
    let path = String(decoding: buffer[0..<n], as: UTF8.self)
    let entry = lastPathComponent(path)
    guard !path.hasSuffix(" (deleted)"), Directory.identity(of: database.directory.path(entry)) == directory.identity else { return nil }
    guard StoreNames.decode(entry) != nil || entry.hasPrefix(Database.temporaryPrefix) else { return nil }
    return entry
  }

  /// Throws PATH_NOT_FOUND when the table was dropped.
  func checkExists() throws {
    guard currentEntry != nil else { throw KConnectError(.pathNotFound, "the table '\(name)' of database '\(database.name)' was dropped meanwhile") }
  }

  /// The name of a new data file, and with it the lease that keeps it while it is not committed.
  func newFileName(_ extent: GUID) throws -> String { "\(extent.description)-\(try database.leases.identifier()).parquet" }

  // MARK: State

  /// The newest version of the log.
  func state() throws -> DeltaSnapshot {
    // Looked at before the log: what has left the journal by then is in the log.
    let pending = try database.pendingCommits(table: id)
    let known = cache.withLock { $0.snapshot }
    let fresh = try log.update(known)
    remember(fresh)
    return try overlaid(fresh, pending)
  }

  /// The columns of the newest version, by name and type alone.
  func columns() throws -> StructType { StructType(try state().structType.fields.map { StructField($0.name, $0.type) }) }

  /// Keeps a version as the starting point of the next look.
  func remember(_ snapshot: DeltaSnapshot) { cache.withLock { if snapshot.version > $0.snapshot.version { $0.snapshot = snapshot } } }

  /// With a commit of several tables that is decided but not in this log yet.
  private func overlaid(_ snapshot: DeltaSnapshot, _ pending: [Int64: [DeltaAction]]) throws -> DeltaSnapshot {
    guard let pending = pending[snapshot.version + 1] else { return snapshot }
    // By now it may have got there.
    let newer = try log.update(snapshot)
    if newer.version > snapshot.version { return newer }
    return try snapshot.overlaid(by: pending, timestamp: StoreClock.nowMilliseconds)
  }

  /// The extents of a version; kept for the newest.
  func files(_ snapshot: DeltaSnapshot) throws -> [ExtentFile] {
    if let known = cache.withLock({ $0.files }), known.version == snapshot.version { return known.list }
    let previous = cache.withLock { $0.files?.list } ?? []
    let known = Dictionary(previous.map { ($0.add, $0) }) { a, _ in a }
    let list = try snapshot.adds.map { try known[$0] ?? ExtentFile($0) }
    cache.withLock { if $0.files.map({ $0.version < snapshot.version }) ?? true { $0.files = (snapshot.version, list) } }
    return list
  }

  /// The newest committed version, with the rows that wait behind it. Cheap when nothing was committed since the last one.
  package func snapshot() throws -> TableSnapshot {
    let lease = try database.leases.read(table: id)
    let tail = try RowTail.of(self)
    let delta = try state()
    return try TableSnapshot(table: self, delta, lease: lease, tail: tail?.behind(delta))
  }

  // MARK: Ingestion

  /// Starts an ingestion of rows of `schema`: its columns are matched with the table's by name, columns that are missing become null.
  /// Throws SCHEMA_MISMATCH for unknown columns and other types. Rows are visible after `commit`.
  package func ingest(schema: StructType, _ properties: IngestProperties = IngestProperties(), mode: IngestMode = .append) throws -> IngestSink {
    try IngestSink(self, input: schema, properties, mode)
  }

  /// Ingests batches in memory.
  @discardableResult
  package func ingest(_ batches: [RecordBatch], _ properties: IngestProperties = IngestProperties(), mode: IngestMode = .append) throws -> IngestResult {
    let sink = try ingest(schema: batches.first?.schema ?? snapshot().schema, properties, mode: mode)
    do { for batch in batches { try sink.append(try sink.encode([batch])) } } catch {
      sink.abort()
      throw error
    }
    return try sink.finish()
  }
}

// Role: the keys that a stream has seen and when each may be forgotten: in memory for the batches, and as files of the checkpoint, one
// change per batch (`N.delta`) and now and then everything (`N.snapshot`). Version N is the state before batch N.

import Columnar
import DataSource

/// What one run over a batch found.
struct DedupFindings {
  /// New keys with their expiries.
  var added: StateRows
  /// Rows older than the watermark, which were left out.
  var late = 0
  /// Rows left out because their key was known.
  var repeated = 0
}

/// The state of one operator. `find` may run on many threads while nothing is merged.
final class DedupState: @unchecked Sendable {  // changed by the query's thread between batches only
  let operation: StreamDeduplicate
  let schema: StructType
  let delayMs: Int64
  private let directory: String
  private let fileSystem: FileSystem
  private var table: GroupTable
  private var expiries: [Int64] = []
  /// The version on disk that the next changes build on.
  private var lastSnapshot = 0

  /// Batches between snapshots.
  private static let snapshotEvery = 10

  init(_ operation: StreamDeduplicate, input: StructType, directory: String, fileSystem: FileSystem = .system) throws {
    guard case .within(let delay, _) = operation.scope else { throw KConnectError(.internalError, "state for duplicates within a batch") }
    self.operation = operation
    self.directory = directory
    self.fileSystem = fileSystem
    delayMs = delay
    schema = StructType(try operation.keys.map { key in
      guard let field = input.field(key) else { throw KConnectError(.internalError, "the key '\(key)' is missing") }
      return StructField(key, field.type)
    })
    table = GroupTable(types: schema.fields.map(\.type))
    try fileSystem.makeDurably(directory)
  }

  /// What must be the same in every run.
  var pin: String { "\(operation.detail); keys \(schema)" }

  var keyCount: Int { expiries.count }
  var byteSize: Int { table.byteSize + expiries.capacity * 8 }

  /// The expiry of each row's key, `Int64.min` for keys that are not known.
  func expiries(of keys: [ColumnVector], rowCount: Int) -> [Int64] {
    let groups = table.find(keys: keys, rowCount: rowCount)
    return (0..<rowCount).map { groups[$0] < 0 ? .min : expiries[Int(groups[$0])] }
  }

  // MARK: Versions

  private func path(_ name: String) -> String { joinPath(directory, name) }

  /// The numbers of the files of a kind, ascending.
  private func versions(_ kind: String) throws -> [Int] {
    try DirectoryReader.names(in: directory).compactMap { $0.hasSuffix("." + kind) ? Int($0.dropLast(kind.count + 1)) : nil }.sorted()
  }

  private func read(_ name: String) throws -> StateRows {
    guard let bytes = try SmallFile.read(path(name)) else {
      throw KConnectError(
        .checkpointConflict, "'\(path(name))' is missing: the keys seen by then are not known", hint: "restore it from a copy, or start with a new checkpoint")
    }
    return try StateFile.rows(bytes, schema: schema, path: path(name))
  }

  /// Brings the state to a version. Changes nothing on disk.
  func load(_ version: Int) throws {
    lastSnapshot = try versions("snapshot").last { $0 <= version } ?? 0
    if lastSnapshot > 0 { merge(try read("\(lastSnapshot).snapshot")) }
    for n in lastSnapshot..<version { merge(try read("\(n + 1).delta")) }
  }

  /// Removes what was found behind a version: no commit stands behind it, and its batch runs again.
  func removeChanges(after version: Int) throws { try remove { n, _ in n > version } }

  private func remove(_ isRemoved: (_ version: Int, _ isSnapshot: Bool) -> Bool) throws {
    for kind in ["delta", "snapshot"] { for n in try versions(kind) where isRemoved(n, kind == "snapshot") { _ = fileSystem.remove(path("\(n).\(kind)")) } }
  }

  /// Makes what a batch found durable as the change to `version`.
  func save(_ findings: DedupFindings, version: Int) throws {
    try Failpoint.pass("state.before")
    let bytes = StateFile.bytes(findings.added, schema: schema)
    guard try SmallFile.putDurably(bytes, name: "\(version).delta", in: directory, fileSystem) else {
      throw Checkpoint.secondWriter(path("\(version).delta"))
    }
    try Failpoint.pass("state.after")
  }

  /// The batch behind `version` is committed: its keys join the state. Keys that expired by `watermark` go, and files that nobody needs. What
  /// a snapshot was made of stays for one batch more: the last one runs again when its commit is damaged.
  func commit(_ findings: DedupFindings, version: Int, watermark: Int64) throws {
    merge(findings.added)
    if version == lastSnapshot + 1 { try remove { n, isSnapshot in isSnapshot ? n < lastSnapshot : n <= lastSnapshot } }
    guard version - lastSnapshot >= Self.snapshotEvery else { return }
    forget(watermark)
    try Failpoint.pass("snapshot.before")
    let all = StateRows(keys: table.keyColumns(), expiries: expiries)
    guard try SmallFile.putDurably(StateFile.bytes(all, schema: schema), name: "\(version).snapshot", in: directory, fileSystem) else { return }
    try Failpoint.pass("snapshot.after")
    lastSnapshot = version
  }

  private func merge(_ rows: StateRows) {
    if rows.expiries.isEmpty { return }
    let groups = table.assign(keys: rows.keys, rowCount: rows.expiries.count)
    expiries += Array(repeating: Int64.min, count: table.groupCount - expiries.count)
    for (i, expiry) in rows.expiries.enumerated() { expiries[Int(groups[i])] = max(expiries[Int(groups[i])], expiry) }
  }

  /// Removes keys that expired.
  private func forget(_ watermark: Int64) {
    let live = expiries.indices.filter { expiries[$0] > watermark }
    if live.count == expiries.count { return }
    let rows = Buffer(live.map { Int32(truncatingIfNeeded: $0) })
    let kept = StateRows(keys: table.keyColumns().map { $0.take(rows) }, expiries: live.map { expiries[$0] })
    table = GroupTable(types: schema.fields.map(\.type))
    expiries = []
    merge(kept)
  }
}

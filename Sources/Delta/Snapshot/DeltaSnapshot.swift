// Role: one version of a table: the state that replaying the log up to it gives. A value; newer versions are made from older ones.

package import Columnar
import DataSource

/// How columns of the schema are found in files.
package enum ColumnMapping: Sendable { case none, name, id }

/// Where the log stands relative to its last checkpoint: what decides whether a new one is due.
package struct LogTail: Sendable, Hashable {
  /// The checkpoint the snapshot was built on, nil for none, and its bytes.
  package var checkpointVersion: Int64?
  package var checkpointBytes: Int64 = 0
  /// Commits and bytes behind it.
  package var commits = 0
  package var bytes: Int64 = 0
}

/// One version of a table.
package struct DeltaSnapshot: Sendable {
  /// The table's directory as messages name it.
  package let path: String
  package private(set) var version: Int64
  package private(set) var `protocol`: TableProtocol
  package private(set) var metadata: TableMetadata
  package private(set) var schema: DeltaSchema
  /// Live files, in the order of their appearance.
  package private(set) var files: FileSet
  /// Files that left and may still lie on disk.
  package private(set) var tombstones: [FileKey: RemoveFile]
  /// By application.
  package private(set) var transactions: [String: AppTransaction]
  /// By name, without removed ones.
  package private(set) var domains: [String: DomainMetadata]
  /// Of the commit: milliseconds since 1970.
  package internal(set) var timestamp: Int64
  package internal(set) var tail: LogTail
  /// Device and inode of the log's directory: another table under the same name has others.
  package internal(set) var logIdentity: [Int]

  /// The live files in a stable order.
  package var adds: [AddFile] { files.files }
  /// The schema as tables show it.
  package var structType: StructType { schema.structType }

  /// A table property that is `true`.
  package func flag(_ property: String) -> Bool { metadata.configuration[property]?.lowercased() == "true" }

  /// A table property that is a whole number.
  package func integer(_ property: String) -> Int? { metadata.configuration[property].flatMap { Int($0) } }

  package var columnMapping: ColumnMapping {
    guard self.protocol.minReaderVersion >= 2 else { return .none }
    switch metadata.configuration["delta.columnMapping.mode"]?.lowercased() {
    case "name": return .name
    case "id": return .id
    default: return .none
    }
  }

  /// True when every commit must carry a timestamp of its own.
  package var hasInCommitTimestamps: Bool { self.protocol.supports("inCommitTimestamp") && flag("delta.enableInCommitTimestamps") }
}

/// Builds snapshots by replay.
struct SnapshotState {
  var version: Int64 = -1
  var table: TableProtocol?
  var metadata: TableMetadata?
  var files = FileSet()
  var tombstones: [FileKey: RemoveFile] = [:]
  var transactions: [String: AppTransaction] = [:]
  var domains: [String: DomainMetadata] = [:]

  init() {}

  init(_ snapshot: DeltaSnapshot) {
    version = snapshot.version
    table = snapshot.protocol
    metadata = snapshot.metadata
    files = snapshot.files
    tombstones = snapshot.tombstones
    transactions = snapshot.transactions
    domains = snapshot.domains
  }

  mutating func apply(_ action: DeltaAction) {
    switch action {
    case .add(let add):
      let key = add.key
      // Asked first: a removal from a shared dictionary copies all of it.
      if tombstones[key] != nil { tombstones[key] = nil }
      files.add(add)
    case .remove(let remove):
      let key = remove.key
      files.remove(key)
      // Checkpoints hold neither, and nobody asks.
      var tombstone = remove
      tombstone.stats = nil
      tombstone.tags = nil
      tombstones[key] = tombstone
    case .metadata(let new): metadata = new
    case .protocol(let new): table = new
    case .transaction(let transaction): transactions[transaction.appId] = transaction
    case .domainMetadata(let domain): domains[domain.domain] = domain.removed ? nil : domain
    case .commitInfo, .cdc, .sidecar, .checkpointMetadata, .unknown: break
    }
  }
}

extension DeltaSnapshot {
  /// Checks a replayed state; throws FORMAT_CORRUPT without protocol or metadata, NOT_SUPPORTED for features that are not read.
  init(_ state: SnapshotState, path: String, timestamp: Int64, tail: LogTail, logIdentity: [Int], known: DeltaSnapshot?) throws {
    let place = "'\(joinPath(path, "_delta_log"))' at version \(state.version)"
    guard let table = state.table else { throw DeltaError.corrupt(place, "no protocol action") }
    guard let metadata = state.metadata else { throw DeltaError.corrupt(place, "no metaData action") }
    try TableFeatures.checkReadable(table, path: path)
    if let known, known.metadata.schemaString == metadata.schemaString {
      schema = known.schema
    } else {
      schema = try DeltaSchema(json: metadata.schemaString, place: place)
      for name in metadata.partitionColumns where schema.field(name) == nil {
        throw DeltaError.corrupt(place, "the partition column '\(name)' is not in the schema")
      }
    }
    self.path = path
    version = state.version
    self.protocol = table
    self.metadata = metadata
    files = state.files
    tombstones = state.tombstones
    transactions = state.transactions
    domains = state.domains
    self.timestamp = timestamp
    self.tail = tail
    self.logIdentity = logIdentity
  }

  /// The next version: this one with the actions of a commit applied.
  func applying(_ actions: [DeltaAction], version: Int64, timestamp: Int64, bytes: Int64) throws -> DeltaSnapshot {
    var state = SnapshotState(self)
    state.version = version
    for action in actions { state.apply(action) }
    var tail = tail
    tail.commits += 1
    tail.bytes += bytes
    return try DeltaSnapshot(state, path: path, timestamp: timestamp, tail: tail, logIdentity: logIdentity, known: self)
  }
}

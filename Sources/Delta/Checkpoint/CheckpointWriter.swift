// Role: writes classic checkpoints: one Parquet file with a row per action, durable before `_last_checkpoint` names it.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import Parquet

extension DeltaLog {
  /// Writes a checkpoint of `snapshot` and points `_last_checkpoint` at it; answers the snapshot standing on it. Readers see the checkpoint
  /// whole or not at all.
  package func writeCheckpoint(_ snapshot: DeltaSnapshot) throws -> DeltaSnapshot {
    let name = LogFileName.digits(snapshot.version) + ".checkpoint.parquet"
    var rows = 0
    let bytes = try publish(name) { rows = try CheckpointRows(snapshot, now: DeltaClock.milliseconds).write(to: $0) }
    let hint: DynamicValue = .bag([
      DynamicEntry("version", .long(snapshot.version)), DynamicEntry("size", .long(Int64(rows))), DynamicEntry("sizeInBytes", .long(Int64(bytes))),
      DynamicEntry("numOfAddFiles", .long(Int64(snapshot.files.count))),
    ])
    _ = try publish("_last_checkpoint") { file in
      var text = hint.json
      // SAFETY: the bytes live for the call.
      try text.withUTF8 { try unsafe file.write(UnsafeRawBufferPointer($0)) }
    }
    var standing = snapshot
    standing.tail = LogTail(checkpointVersion: snapshot.version, checkpointBytes: Int64(bytes))
    return standing
  }

  /// Writes a file of the log under a temporary name, syncs it and renames it into place; answers its bytes.
  private func publish(_ name: String, _ body: (OutputFile) throws -> Void) throws -> Int {
    let draft = filePath(".\(name).\(randomIdentifier()).tmp")
    let file = try OutputFile(creating: draft, displayPath: display(name), fileSystem: fileSystem)
    do {
      try body(file)
      try file.sync()
      try file.close()
      var code = fileSystem.rename(draft, filePath(name))
      if code == 0 { code = fileSystem.syncDirectory(directory) }
      if code != 0 { throw SystemError.make("cannot write", display(name), code) }
      try origin?.send("_delta_log/" + name, replaces: true)
    } catch {
      _ = fileSystem.remove(draft)
      throw error
    }
    return file.offset
  }
}

/// The rows of a checkpoint.
struct CheckpointRows {
  private let snapshot: DeltaSnapshot
  private let now: Int64

  init(_ snapshot: DeltaSnapshot, now: Int64) {
    self.snapshot = snapshot
    self.now = now
  }

  private static let vector = NestedColumn.group(
    "deletionVector",
    [.leaf("storageType", .string), .leaf("pathOrInlineDv", .string), .leaf("offset", .int32), .leaf("sizeInBytes", .int32), .leaf("cardinality", .int64)])

  static let columns: [NestedColumn] = [
    .group("txn", [.leaf("appId", .string), .leaf("version", .int64), .leaf("lastUpdated", .int64)]),
    .group(
      "add",
      [
        .leaf("path", .string), .map("partitionValues", key: .string, value: .string), .leaf("size", .int64), .leaf("modificationTime", .int64),
        .leaf("dataChange", .bool), .map("tags", key: .string, value: .string), vector, .leaf("baseRowId", .int64),
        .leaf("defaultRowCommitVersion", .int64), .leaf("clusteringProvider", .string), .leaf("stats", .string),
      ]),
    .group(
      "remove",
      [
        .leaf("path", .string), .leaf("deletionTimestamp", .int64), .leaf("dataChange", .bool), .leaf("extendedFileMetadata", .bool),
        .map("partitionValues", key: .string, value: .string), .leaf("size", .int64), vector, .leaf("baseRowId", .int64),
        .leaf("defaultRowCommitVersion", .int64),
      ]),
    .group(
      "metaData",
      [
        .leaf("id", .string), .leaf("name", .string), .leaf("description", .string),
        .group("format", [.leaf("provider", .string), .map("options", key: .string, value: .string)]), .leaf("schemaString", .string),
        .list("partitionColumns", element: .string), .map("configuration", key: .string, value: .string), .leaf("createdTime", .int64),
      ]),
    .group(
      "protocol",
      [
        .leaf("minReaderVersion", .int32), .leaf("minWriterVersion", .int32), .list("readerFeatures", element: .string),
        .list("writerFeatures", element: .string),
      ]),
    .group("domainMetadata", [.leaf("domain", .string), .leaf("configuration", .string), .leaf("removed", .bool)]),
  ]

  /// Tombstones older than this are left out: Delta's `delta.deletedFileRetentionDuration`, a week by default.
  private var retention: Int64 {
    let week: Int64 = 7 * 86_400_000
    guard let text = snapshot.metadata.configuration["delta.deletedFileRetentionDuration"] else { return week }
    let words = text.lowercased().split(separator: " ").filter { $0 != "interval" }
    guard words.count == 2, let n = Int64(words[0]) else { return week }
    let unit: Int64
    switch words[1] {
    case "second", "seconds": unit = 1_000
    case "minute", "minutes": unit = 60_000
    case "hour", "hours": unit = 3_600_000
    case "day", "days": unit = 86_400_000
    case "week", "weeks": unit = 7 * 86_400_000
    default: return week
    }
    let (span, overflow) = n.multipliedReportingOverflow(by: unit)
    return overflow ? .max : span
  }

  /// Writes the file; answers its rows.
  func write(to file: OutputFile) throws -> Int {
    // SAFETY: the writer's bytes live for each call.
    let writer = try unsafe NestedFileWriter(Self.columns, createdBy: "kconnect", write: { try unsafe file.write($0) })
    func put(_ action: DeltaAction) throws { if let row = ActionWriter.object(action) { try writer.append(row) } }
    try put(.protocol(snapshot.protocol))
    try put(.metadata(snapshot.metadata))
    for (_, transaction) in snapshot.transactions.sorted(by: { $0.key < $1.key }) { try put(.transaction(transaction)) }
    for (_, domain) in snapshot.domains.sorted(by: { $0.key < $1.key }) { try put(.domainMetadata(domain)) }
    for var file in snapshot.adds {
      file.dataChange = false
      if snapshot.metadata.configuration["delta.checkpoint.writeStatsAsJson"]?.lowercased() == "false" { file.stats = nil }
      try put(.add(file))
    }
    let oldest = now - min(retention, now)
    for (key, var file) in snapshot.tombstones.sorted(by: { ($0.key.path, $0.key.deletionVector ?? "") < ($1.key.path, $1.key.deletionVector ?? "") })
    where (file.deletionTimestamp ?? 0) > oldest {
      _ = key
      file.dataChange = false
      try put(.remove(file))
    }
    try writer.finish()
    return writer.rowCount
  }
}

// Role: from mode and options to a sink: what the write means for the table that stands there, checked before any row is taken.

import Columnar
import DataSource
import Delta
import Engine
import FileConnector

/// Starts writes to a table.
struct DeltaWriter {
  let log: DeltaLog
  let options: DataSourceOptions

  init(log: DeltaLog, options: DataSourceOptions) {
    self.log = log
    self.options = options
  }

  /// Nil when nothing is to be written: mode `ignore` finds the table, or the transaction was done.
  func sink(_ schema: StructType, mode: SaveMode, partitionBy: [String]) throws -> (any TableSink)? {
    let snapshot = log.exists ? try log.snapshot() : nil
    if snapshot != nil {
      if mode == .ignore { return nil }
      if mode == .error {
        throw KConnectError(.alreadyExists, "'\(log.displayPath)' exists already", hint: "mode append adds to it, overwrite replaces its rows, ignore leaves it alone")
      }
    } else {
      try checkFree()
    }
    let transaction = try transaction()
    if let transaction, let known = snapshot?.transactions[transaction.appId], known.version >= transaction.version { return nil }
    if let snapshot { try TableFeatures.checkWritable(snapshot) }
    if let rule = try UpsertRule(options) { return try upsertSink(rule, schema, mode: mode, partitionBy: partitionBy, snapshot) }
    if mode == .overwrite, let snapshot, snapshot.protocol.supports("appendOnly"), snapshot.flag("delta.appendOnly") {
      throw KConnectError(.usage, "'\(log.displayPath)' is append-only (delta.appendOnly)", hint: "use mode append")
    }
    let isDynamic = options.word("partitionOverwriteMode") == "dynamic"
    let replacesSchema = mode == .overwrite && options.bool("overwriteSchema")
    if replacesSchema, isDynamic { throw KConnectError(.optionInvalid, "options 'overwriteSchema' and 'partitionOverwriteMode=dynamic' exclude each other") }
    let target = try TargetSchema(schema, table: replacesSchema ? nil : snapshot, mergesSchema: options.bool("mergeSchema"), path: log.displayPath)
    let keys = try partitioning(partitionBy, replacesSchema ? nil : snapshot, schema)
    let metadata = try newMetadata(snapshot, target, keys, replacesSchema)
    var replaced = DeltaPartCommit.Replacement.nothing
    if mode == .overwrite, snapshot != nil { replaced = isDynamic && !keys.isEmpty ? .touchedPartitions : .everything }
    let inner = try partSink(target, keys, snapshot, metadata, replaced, transaction, mode)
    return target.converts ? ConvertingSink(inner, target) : inner
  }

  func partSink(
    _ target: TargetSchema, _ keys: [String], _ snapshot: DeltaSnapshot?, _ metadata: TableMetadata?, _ replaced: DeltaPartCommit.Replacement,
    _ transaction: AppTransaction?, _ mode: SaveMode
  ) throws -> any TableSink {
    let configuration = (metadata ?? snapshot?.metadata)?.configuration ?? [:]
    guard let effective = metadata ?? snapshot?.metadata else { throw KConnectError(.internalError, "a write without metadata") }
    let fields = keys.compactMap { target.table.field($0) }
    let commit = DeltaPartCommit(
      log: log, basis: snapshot, metadata: metadata, schema: target.table, partitionFields: fields,
      statisticsFields: StatisticsWriter.columns(target.table, effective), replaced: replaced, mode: mode, transaction: transaction, info: info(mode, keys))
    let format = ParquetFormat()
    var given: [(String, String)] = [("rowGroupRows", options.string("rowGroupRows") ?? "262144"), ("onInexact", options.word("onInexact") ?? "fail")]
    given.append(("compression", try compression(configuration)))
    let limit = options.integer("maxRecordsPerFile") ?? 0
    guard limit >= 0 else { throw KConnectError(.optionInvalid, "option 'maxRecordsPerFile': found \(limit), expected 0 or more") }
    return try PartSinks.make(
      commit, format: format, options: try DataSourceOptions(source: "delta", specs: format.options, given: given, use: .write), schema: target.rows,
      partitionBy: keys, target: log.displayPath, fileSystem: log.fileSystem, maxRecordsPerFile: limit == 0 ? nil : limit,
      maxOpenFiles: max(1, options.integer("maxOpenPartitions") ?? 128))
  }

  private static func occupied(_ path: String, _ first: String) -> KConnectError {
    KConnectError(
      .alreadyExists, "'\(path)' is not a Delta table, but holds files ('\(first)')",
      hint: "write to another directory; a directory of Parquet files can be read with parquet: and written to delta:")
  }

  /// A directory that holds other files does not become a table, unless an empty log says that they are what a write left that died.
  private func checkFree() throws {
    if let objects = log.objects {
      guard let first = try objects.foreignFile() else { return }
      throw Self.occupied(log.displayPath, first)
    }
    switch pathKind(log.path) {
    case .missing: return
    case .directory:
      let names = try DirectoryReader.names(in: log.path).filter { !FileListing.isHidden($0) }
      let own = joinPath(log.path, "_delta_log")
      guard let first = names.first, try pathKind(own) != .directory || DirectoryReader.names(in: own).contains(where: { !$0.hasPrefix(".") }) else { return }
      throw Self.occupied(log.displayPath, first)
    case .file, .special: throw KConnectError(.alreadyExists, "'\(log.displayPath)' is a file, expected a directory", hint: "choose another path")
    }
  }

  func transaction() throws -> AppTransaction? {
    let app = options.string("txnAppId"), version = options.integer("txnVersion")
    if app == nil, version == nil { return nil }
    guard let app, !app.isEmpty, let version else {
      throw KConnectError(.optionInvalid, "options 'txnAppId' and 'txnVersion' go together", hint: "give both, or neither")
    }
    return AppTransaction(appId: app, version: Int64(version), lastUpdated: DeltaClock.milliseconds)
  }

  func partitioning(_ given: [String], _ snapshot: DeltaSnapshot?, _ schema: StructType) throws -> [String] {
    guard let snapshot else { return given }
    let own = snapshot.metadata.partitionColumns
    if !given.isEmpty, given != own {
      func shown(_ names: [String]) -> String { names.isEmpty ? "not partitioned" : "partitioned by \(names.joined(separator: ", "))" }
      throw KConnectError(
        .schemaMismatch, "'\(log.displayPath)' is \(shown(own)), the write is \(shown(given))",
        hint: "leave partitionBy out, or overwriteSchema=true with mode overwrite")
    }
    for name in own where schema.index(of: name) == nil {
      throw KConnectError(.schemaMismatch, "the partition column '\(name)' of '\(log.displayPath)' is missing in the rows")
    }
    return own
  }

  /// The metadata to commit; nil when the table's stays.
  func newMetadata(_ snapshot: DeltaSnapshot?, _ target: TargetSchema, _ keys: [String], _ replacesSchema: Bool) throws -> TableMetadata? {
    guard var metadata = snapshot?.metadata else {
      return TableMetadata(id: randomIdentifier(), schemaString: target.table.json, partitionColumns: keys, createdTime: DeltaClock.milliseconds)
    }
    guard replacesSchema || target.addsColumns else { return nil }
    metadata.schemaString = target.table.json
    if replacesSchema { metadata.partitionColumns = keys }
    return metadata == snapshot?.metadata ? nil : metadata
  }

  private func compression(_ configuration: [String: String]) throws -> String {
    if let given = options.word("compression") { return given }
    switch configuration["delta.parquet.compression.codec"]?.lowercased() {
    case "snappy": return "snappy"
    case "gzip": return "gzip"
    case "lz4", "lz4_raw": return "lz4_raw"
    case "none", "uncompressed": return "none"
    case "zstd", nil: return "zstd"
    case let other?: throw DeltaError.notSupported("the table property delta.parquet.compression.codec='\(other)'", hint: "give the option compression")
    }
  }

  private func info(_ mode: SaveMode, _ keys: [String]) -> CommitInfo {
    let parameters: [DynamicEntry] = [
      DynamicEntry("mode", .string(mode == .overwrite ? "Overwrite" : mode == .append ? "Append" : "ErrorIfExists")),
      DynamicEntry("partitionBy", .string(DynamicValue.array(keys.map { .string($0) }).json)),
    ]
    var info = CommitInfo([DynamicEntry("operation", .string(options.isGiven("upsertKey") ? "MERGE" : "WRITE")), DynamicEntry("operationParameters", .bag(parameters))])
    if let text = options.string("userMetadata") { info["userMetadata"] = .string(text) }
    return info
  }
}

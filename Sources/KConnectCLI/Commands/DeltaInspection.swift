// Role: `kconnect inspect delta:PATH`: protocol, properties, versions and files of a Delta table.

import Columnar
import DataSource
import Delta
import DeltaConnector

/// What inspect says of a Delta table.
struct DeltaInspection {
  private let log: DeltaLog
  private let snapshot: DeltaSnapshot
  private let history: [CommitSummary]

  /// The table's path when the argument names one: `delta:PATH`, or a directory with a log.
  static func table(_ argument: String) -> String? {
    if argument.hasPrefix("delta:") { return String(argument.dropFirst(6)) }
    return pathKind(joinPath(argument, "_delta_log")) == .directory ? argument : nil
  }

  init(_ path: String) throws {
    log = DeltaLog(path: try DeltaProvider.directory(path))
    snapshot = try log.snapshot()
    history = try log.history()
  }

  /// Form `text` or `json`, ended by a newline.
  func text(form: String) throws -> String { form == "json" ? value.json + "\n" : plain }

  private static func time(_ milliseconds: Int64) -> String { ScalarText.text(.datetime(milliseconds &* 10_000)) ?? "" }

  private var plain: String {
    var out = "\(log.displayPath): Delta table, version \(snapshot.version), \(snapshot.files.count) files\n"
    out += "id \(snapshot.metadata.id)\n"
    out += "protocol: reader \(snapshot.protocol.minReaderVersion), writer \(snapshot.protocol.minWriterVersion)"
    let features = Set((snapshot.protocol.readerFeatures ?? []) + (snapshot.protocol.writerFeatures ?? [])).sorted()
    out += features.isEmpty ? "\n" : ", features \(features.joined(separator: ", "))\n"
    if !snapshot.metadata.partitionColumns.isEmpty { out += "partitioned by \(snapshot.metadata.partitionColumns.joined(separator: ", "))\n" }
    for (key, value) in snapshot.metadata.configuration.sorted(by: { $0.key < $1.key }) { out += "property \(key) = \(value)\n" }
    for (_, transaction) in snapshot.transactions.sorted(by: { $0.key < $1.key }) { out += "transaction \(transaction.appId) at \(transaction.version)\n" }
    out += "checkpoint: " + (snapshot.tail.checkpointVersion.map { "version \($0)" } ?? "none") + "\n\nschema\n"
    for field in snapshot.schema.fields { out += "  \(field.name): \(field.type.name) (\(field.dataType))\(field.nullable ? "" : ", not null")\n" }
    out += "\nversions, newest first\n"
    for commit in history {
      out += "  \(commit.version)  \(Self.time(commit.timestamp))  \(commit.info?.operation ?? "-")  +\(commit.addedFiles) -\(commit.removedFiles) files\n"
    }
    out += "\nfiles\n"
    for file in snapshot.adds {
      let rows = file.numRecords.map { "\($0) rows" } ?? "rows unknown"
      let deleted = file.deletionVector.map { ", \($0.cardinality) deleted" } ?? ""
      out += "  \(file.path)  \(file.size) bytes, \(rows)\(deleted)\n"
    }
    return out
  }

  private var value: DynamicValue {
    func strings(_ list: [String]) -> DynamicValue { .array(list.map { .string($0) }) }
    let versions = history.map { commit -> DynamicValue in
      .bag([
        DynamicEntry("version", .long(commit.version)), DynamicEntry("timestamp", .string(Self.time(commit.timestamp))),
        DynamicEntry("operation", commit.info?.operation.map { .string($0) } ?? .null), DynamicEntry("addedFiles", .long(Int64(commit.addedFiles))),
        DynamicEntry("removedFiles", .long(Int64(commit.removedFiles))),
      ])
    }
    let files = snapshot.adds.map { file -> DynamicValue in
      .bag([
        DynamicEntry("path", .string(file.path)), DynamicEntry("size", .long(file.size)), DynamicEntry("rows", file.numRecords.map { .long($0) } ?? .null),
        DynamicEntry("deletedRows", .long(file.deletionVector?.cardinality ?? 0)),
        DynamicEntry("partitionValues", .bag(file.partitionValues.sorted { $0.key < $1.key }.map { DynamicEntry($0.key, $0.value.map { .string($0) } ?? .null) })),
      ])
    }
    return .bag([
      DynamicEntry("version", .long(snapshot.version)), DynamicEntry("id", .string(snapshot.metadata.id)),
      DynamicEntry("minReaderVersion", .long(Int64(snapshot.protocol.minReaderVersion))),
      DynamicEntry("minWriterVersion", .long(Int64(snapshot.protocol.minWriterVersion))),
      DynamicEntry("readerFeatures", strings(snapshot.protocol.readerFeatures ?? [])),
      DynamicEntry("writerFeatures", strings(snapshot.protocol.writerFeatures ?? [])),
      DynamicEntry("partitionColumns", strings(snapshot.metadata.partitionColumns)),
      DynamicEntry("configuration", .bag(snapshot.metadata.configuration.sorted { $0.key < $1.key }.map { DynamicEntry($0.key, .string($0.value)) })),
      DynamicEntry("checkpointVersion", snapshot.tail.checkpointVersion.map { .long($0) } ?? .null),
      DynamicEntry("versions", .array(versions)), DynamicEntry("files", .array(files)),
    ])
  }
}

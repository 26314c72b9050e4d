// Role: a JSON object or a checkpoint row → an action. Unknown actions and members are ignored, as the protocol demands.

package import Columnar
import DataSource

package enum ActionReader {
  /// The action of a line `{"add":{…}}`; nil for an empty object. `place` names file and line.
  package static func action(_ line: DynamicValue, place: String) throws -> DeltaAction? {
    guard case .bag(let members) = line else { throw DeltaError.corrupt(place, "expected an object with one action, found \(line.json.prefix(60))") }
    // Checkpoints have a member for every kind of action, all null but one.
    guard let member = members.first(where: { $0.value != .null }) else { return nil }
    guard isKnown(member.key) else { return .unknown(member.key) }
    return try action(member.key, ActionFields(member.value, name: member.key, place: place))
  }

  private static func isKnown(_ name: String) -> Bool {
    ["add", "remove", "metaData", "protocol", "txn", "domainMetadata", "commitInfo", "cdc", "sidecar", "checkpointMetadata"].contains(name)
  }

  private static func action(_ name: String, _ fields: ActionFields) throws -> DeltaAction {
    switch name {
    case "add": return .add(try add(fields))
    case "remove": return .remove(try remove(fields))
    case "metaData": return .metadata(try metadata(fields))
    case "protocol":
      return .protocol(
        TableProtocol(
          minReaderVersion: Int(try fields.long("minReaderVersion")), minWriterVersion: Int(try fields.long("minWriterVersion")),
          readerFeatures: try fields.optionalStrings("readerFeatures"), writerFeatures: try fields.optionalStrings("writerFeatures")))
    case "txn":
      return .transaction(
        AppTransaction(appId: try fields.string("appId"), version: try fields.long("version"), lastUpdated: try fields.optionalLong("lastUpdated")))
    case "domainMetadata":
      return .domainMetadata(
        DomainMetadata(
          domain: try fields.string("domain"), configuration: try fields.string("configuration"), removed: try fields.optionalBool("removed") ?? false))
    case "commitInfo": return .commitInfo(try commitInfo(fields))
    case "cdc":
      return .cdc(
        CDCFile(
          path: try fields.string("path"), partitionValues: try fields.optionalNullableMap("partitionValues") ?? [:], size: try size(fields, "size"),
          tags: try fields.optionalMap("tags")))
    case "sidecar":
      return .sidecar(
        Sidecar(
          path: try fields.string("path"), sizeInBytes: try size(fields, "sizeInBytes"), modificationTime: try fields.long("modificationTime"),
          tags: try fields.optionalMap("tags")))
    default: return .checkpointMetadata(version: try fields.long("version"))
    }
  }

  /// Free-form, but for the time that versions are found by, which must be a datetime.
  private static func commitInfo(_ fields: ActionFields) throws -> CommitInfo {
    let info = CommitInfo(fields.members)
    if let time = info.inCommitTimestamp, !DeltaClock.times.contains(time) {
      throw fields.wrong("inCommitTimestamp", "milliseconds since 1970 of the years 1 to 9999", .long(time))
    }
    return info
  }

  /// Bytes of a file: as many as common file systems can hold, so that half a million files add up within 64 bits.
  private static func size(_ fields: ActionFields, _ key: String) throws -> Int64 { try checked(try fields.long(key), key, fields) }

  private static func checked(_ size: Int64, _ key: String, _ fields: ActionFields) throws -> Int64 {
    guard size >= 0, size < 1 << 44 else { throw fields.wrong(key, "a size in bytes of 0 to 2^44", .long(size)) }
    return size
  }

  private static func add(_ fields: ActionFields) throws -> AddFile {
    AddFile(
      path: try fields.string("path"), partitionValues: try fields.optionalNullableMap("partitionValues") ?? [:], size: try size(fields, "size"),
      modificationTime: try fields.long("modificationTime"), dataChange: try fields.bool("dataChange"), stats: try stats(fields),
      tags: try fields.optionalMap("tags"), deletionVector: try deletionVector(fields), baseRowId: try fields.optionalLong("baseRowId"),
      defaultRowCommitVersion: try fields.optionalLong("defaultRowCommitVersion"),
      clusteringProvider: try fields.optionalString("clusteringProvider"))
  }

  /// The JSON text, or where a checkpoint holds only the parsed form, that one as JSON.
  private static func stats(_ fields: ActionFields) throws -> String? {
    if let text = try fields.optionalString("stats") { return text }
    return fields.value("stats_parsed").map(\.json)
  }

  private static func remove(_ fields: ActionFields) throws -> RemoveFile {
    RemoveFile(
      path: try fields.string("path"), deletionTimestamp: try fields.optionalLong("deletionTimestamp"),
      dataChange: try fields.optionalBool("dataChange") ?? true, extendedFileMetadata: try fields.optionalBool("extendedFileMetadata"),
      partitionValues: try fields.optionalNullableMap("partitionValues"), size: try fields.optionalLong("size").map { try checked($0, "size", fields) },
      stats: try fields.optionalString("stats"), tags: try fields.optionalMap("tags"), deletionVector: try deletionVector(fields),
      baseRowId: try fields.optionalLong("baseRowId"), defaultRowCommitVersion: try fields.optionalLong("defaultRowCommitVersion"))
  }

  private static func deletionVector(_ fields: ActionFields) throws -> DeletionVectorDescriptor? {
    guard let vector = try fields.optionalObject("deletionVector") else { return nil }
    return DeletionVectorDescriptor(
      storageType: try vector.string("storageType"), pathOrInlineDv: try vector.string("pathOrInlineDv"), offset: try vector.optionalLong("offset"),
      sizeInBytes: try vector.long("sizeInBytes"), cardinality: try vector.long("cardinality"))
  }

  private static func metadata(_ fields: ActionFields) throws -> TableMetadata {
    let format = try fields.optionalObject("format")
    return TableMetadata(
      id: try fields.string("id"), name: try fields.optionalString("name"), description: try fields.optionalString("description"),
      schemaString: try fields.string("schemaString"), partitionColumns: try fields.optionalStrings("partitionColumns") ?? [],
      configuration: try fields.optionalMap("configuration") ?? [:], createdTime: try fields.optionalLong("createdTime"),
      provider: try format?.string("provider") ?? "parquet", formatOptions: try format?.optionalMap("options") ?? [:])
  }
}

// Role: an action → its JSON object. Maps are written in the order of their keys, so that equal actions give equal bytes.

package import Columnar

package enum ActionWriter {
  /// `{"add":{…}}`; nil for unknown actions, which are not ours to write.
  package static func object(_ action: DeltaAction) -> DynamicValue? {
    switch action {
    case .add(let add): one("add", members(add))
    case .remove(let remove): one("remove", members(remove))
    case .metadata(let metadata): one("metaData", members(metadata))
    case .protocol(let table): one("protocol", members(table))
    case .transaction(let t):
      one("txn", [("appId", .string(t.appId)), ("version", .long(t.version)), ("lastUpdated", long(t.lastUpdated))])
    case .domainMetadata(let d):
      one("domainMetadata", [("domain", .string(d.domain)), ("configuration", .string(d.configuration)), ("removed", .bool(d.removed))])
    case .commitInfo(let info): .bag([DynamicEntry("commitInfo", .bag(info.fields))])
    case .cdc(let file):
      one(
        "cdc",
        [
          ("path", .string(file.path)), ("partitionValues", nullableMap(file.partitionValues)), ("size", .long(file.size)), ("dataChange", .bool(false)),
          ("tags", map(file.tags)),
        ])
    case .sidecar(let s):
      one(
        "sidecar",
        [
          ("path", .string(s.path)), ("sizeInBytes", .long(s.sizeInBytes)), ("modificationTime", .long(s.modificationTime)), ("tags", map(s.tags)),
        ])
    case .checkpointMetadata(let version): one("checkpointMetadata", [("version", .long(version))])
    case .unknown: nil
    }
  }

  /// The text of a commit: one action per line, each ended by a newline.
  package static func text(_ actions: [DeltaAction]) -> String {
    var out = ""
    for action in actions {
      guard let object = object(action) else { continue }
      out += object.json
      out += "\n"
    }
    return out
  }

  private static func one(_ name: String, _ members: [(String, DynamicValue?)]) -> DynamicValue {
    .bag([DynamicEntry(name, .bag(members.compactMap { key, value in value.map { DynamicEntry(key, $0) } }))])
  }

  private static func members(_ add: AddFile) -> [(String, DynamicValue?)] {
    [
      ("path", .string(add.path)), ("partitionValues", nullableMap(add.partitionValues)), ("size", .long(add.size)),
      ("modificationTime", .long(add.modificationTime)), ("dataChange", .bool(add.dataChange)), ("stats", string(add.stats)), ("tags", map(add.tags)),
      ("deletionVector", vector(add.deletionVector)), ("baseRowId", long(add.baseRowId)),
      ("defaultRowCommitVersion", long(add.defaultRowCommitVersion)), ("clusteringProvider", string(add.clusteringProvider)),
    ]
  }

  private static func members(_ remove: RemoveFile) -> [(String, DynamicValue?)] {
    [
      ("path", .string(remove.path)), ("deletionTimestamp", long(remove.deletionTimestamp)), ("dataChange", .bool(remove.dataChange)),
      ("extendedFileMetadata", remove.extendedFileMetadata.map { .bool($0) }), ("partitionValues", nullableMap(remove.partitionValues)),
      ("size", long(remove.size)), ("stats", string(remove.stats)), ("tags", map(remove.tags)), ("deletionVector", vector(remove.deletionVector)),
      ("baseRowId", long(remove.baseRowId)), ("defaultRowCommitVersion", long(remove.defaultRowCommitVersion)),
    ]
  }

  private static func members(_ table: TableProtocol) -> [(String, DynamicValue?)] {
    [
      ("minReaderVersion", .long(Int64(table.minReaderVersion))), ("minWriterVersion", .long(Int64(table.minWriterVersion))),
      ("readerFeatures", strings(table.readerFeatures)), ("writerFeatures", strings(table.writerFeatures)),
    ]
  }

  private static func members(_ metadata: TableMetadata) -> [(String, DynamicValue?)] {
    [
      ("id", .string(metadata.id)), ("name", string(metadata.name)), ("description", string(metadata.description)),
      ("format", .bag([DynamicEntry("provider", .string(metadata.provider)), DynamicEntry("options", map(metadata.formatOptions) ?? .bag([]))])),
      ("schemaString", .string(metadata.schemaString)), ("partitionColumns", strings(metadata.partitionColumns)),
      ("configuration", map(metadata.configuration)), ("createdTime", long(metadata.createdTime)),
    ]
  }

  private static func vector(_ vector: DeletionVectorDescriptor?) -> DynamicValue? {
    guard let vector else { return nil }
    var entries = [DynamicEntry("storageType", .string(vector.storageType)), DynamicEntry("pathOrInlineDv", .string(vector.pathOrInlineDv))]
    if let offset = vector.offset { entries.append(DynamicEntry("offset", .long(offset))) }
    entries.append(DynamicEntry("sizeInBytes", .long(vector.sizeInBytes)))
    entries.append(DynamicEntry("cardinality", .long(vector.cardinality)))
    return .bag(entries)
  }

  private static func string(_ text: String?) -> DynamicValue? { text.map { .string($0) } }
  private static func long(_ value: Int64?) -> DynamicValue? { value.map { .long($0) } }
  private static func strings(_ list: [String]?) -> DynamicValue? { list.map { .array($0.map { .string($0) }) } }

  private static func map(_ map: [String: String]?) -> DynamicValue? {
    map.map { .bag($0.sorted { $0.key < $1.key }.map { DynamicEntry($0.key, .string($0.value)) }) }
  }

  private static func nullableMap(_ map: [String: String?]?) -> DynamicValue? {
    map.map { .bag($0.sorted { $0.key < $1.key }.map { DynamicEntry($0.key, $0.value.map { .string($0) } ?? .null) }) }
  }
}

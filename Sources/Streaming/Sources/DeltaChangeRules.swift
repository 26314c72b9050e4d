// Role: what a version of a Delta table means for a stream over it: the files it adds, or why the stream cannot go on.
// Source: the Delta guide, "Ignore updates and deletes" and "Schema changes".

import Columnar
import DataSource
import Delta

struct DeltaChangeRules {
  let ignoresDeletes: Bool
  let ignoresChanges: Bool
  let skipsChanges: Bool
  let path: String

  /// The files that a commit adds to the rows. Throws CHECKPOINT_CONFLICT for deletions and rewrites that no option allows, SCHEMA_MISMATCH
  /// for columns that the running query does not have.
  func additions(of actions: [DeltaAction], version: Int64, readAs schema: StructType) throws -> [AddFile] {
    try check(actions, version: version, readAs: schema)
    var adds: [AddFile] = []
    var removed: RemoveFile?
    for action in actions {
      switch action {
      case .add(let file) where file.dataChange: adds.append(file)
      case .remove(let file) where file.dataChange: removed = removed ?? file
      default: break
      }
    }
    guard let removed else { return adds }
    if skipsChanges { return [] }
    if adds.isEmpty {
      if ignoresDeletes || ignoresChanges { return [] }
      throw KConnectError(
        .checkpointConflict, "'\(path)': version \(version) deletes data ('\(removed.path)'), and a stream cannot take rows back",
        hint: "ignoreDeletes=true passes over it; another checkpoint directory reads the table as it is now")
    }
    if ignoresChanges { return adds }
    throw KConnectError(
      .checkpointConflict, "'\(path)': version \(version) changes or deletes rows in files read before ('\(removed.path)'), and a stream cannot take rows back",
      hint: "skipChangeCommits=true passes over it, ignoreChanges=true reads the rewritten files again whole; another checkpoint directory reads the table as it is now")
  }

  /// What a commit says about the table itself; with `wantsFeed` its changes have to be recorded.
  func check(_ actions: [DeltaAction], version: Int64, readAs schema: StructType, wantsFeed: Bool = false) throws {
    for action in actions {
      switch action {
      case .metadata(let metadata):
        try check(metadata, version, schema)
        if wantsFeed { try DeltaChangeFeed.check(metadata, version: version, path: path) }
      case .protocol(let table): try TableFeatures.checkReadable(table, path: path)
      default: break
      }
    }
  }

  private func check(_ metadata: TableMetadata, _ version: Int64, _ schema: StructType) throws {
    let now = try DeltaSchema(json: metadata.schemaString, place: "'\(path)' at version \(version)").structType
    for field in now.fields {
      guard let ours = schema.field(field.name) else {
        throw KConnectError(
          .schemaMismatch, "'\(path)': version \(version) has the column '\(field.name)', which the running query does not know",
          hint: "start the query again with the same checkpoint: it then reads with the new columns; their values are null in older rows")
      }
      guard ours.type == field.type else {
        throw KConnectError(
          .schemaMismatch, "'\(path)': version \(version) changes the column '\(field.name)' to \(field.type), it was \(ours.type)", hint: "use another checkpoint directory for the table as it is now")
      }
    }
  }
}

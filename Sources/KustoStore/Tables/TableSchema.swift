// Role: Kusto's view of a table ⇄ Delta's `metaData`. Types follow `DeltaSchema`; docstrings stand where other readers look for them
// (`description`, the field's `comment`), the folder in the table's properties.

import Columnar
import DataSource
import Delta

enum TableSchema {
  private static let folderKey = "kusto.folder"
  private static let docstringKey = "comment"
  /// Writers that do not know these features refuse the table; readers are not concerned.
  static let storeProtocol = TableProtocol(minReaderVersion: 1, minWriterVersion: 7, readerFeatures: nil, writerFeatures: ["domainMetadata", "rowTracking"])

  /// The metadata of a new table, or of a changed one.
  static func metadata(_ description: TableDescription, keeping old: TableMetadata? = nil) throws -> TableMetadata {
    var schema = try DeltaSchema(description.schema)
    for i in schema.fields.indices {
      guard let text = description.columnDocstrings[schema.fields[i].name], !text.isEmpty else { continue }
      schema.fields[i].metadata.append(DynamicEntry(docstringKey, .string(text)))
    }
    var configuration = old?.configuration ?? [:]
    configuration[folderKey] = description.folder
    return TableMetadata(
      id: description.id, name: nil, description: description.docstring, schemaString: schema.json, configuration: configuration,
      createdTime: old?.createdTime ?? description.createdOn / 10_000)
  }

  /// What the metadata says; `name` is the directory's.
  static func description(_ snapshot: DeltaSnapshot, name: String) -> TableDescription {
    var docstrings: [String: String] = [:]
    for field in snapshot.schema.fields {
      if case .string(let text)? = field.metadataValue(docstringKey) { docstrings[field.name] = text }
    }
    let metadata = snapshot.metadata
    return TableDescription(
      name, schema: snapshot.structType, docstring: metadata.description, folder: metadata.configuration[folderKey], columnDocstrings: docstrings,
      id: metadata.id, createdOn: (metadata.createdTime ?? 0) &* 10_000)
  }

  /// True when files written for `old` are right for `new`: no column went or changed its type.
  static func onlyAdds(_ new: TableMetadata, to old: TableMetadata) -> Bool {
    guard new.id == old.id, let a = try? DeltaSchema(json: old.schemaString, place: "the log"), let b = try? DeltaSchema(json: new.schemaString, place: "the log")
    else { return false }
    return a.fields.allSatisfy { field in b.field(field.name).map { $0.type == field.type && $0.dataType == field.dataType } ?? false }
  }
}

// Role: external tables: files outside the store with a schema, a format, and partition columns that stand in their paths.

import Columnar
import DataSource
import FileConnector
import KQL

/// An external table as stored.
struct ExternalTable: Sendable {
  var name: String
  /// Empty: the files' own schema.
  var schema: StructType
  /// A format word of ingestion, or `delta`.
  var format: String
  var paths: [String]
  /// Partition columns in path order.
  var partitions: StructType
  var partitionText = ""
  var pathFormat = ""
  var hasHeader = false
  var compressed = false
  /// What the names of files begin and end with; others are none of the table's.
  var namePrefix = ""
  var fileExtension = ""
  var folder = ""
  var docstring = ""

  init(name: String, schema: StructType, format: String, paths: [String], partitions: StructType) {
    self.name = name
    self.schema = schema
    self.format = format
    self.paths = paths
    self.partitions = partitions
  }

  init(_ entry: MetadataEntry) throws {
    let document = entry.document
    func text(_ key: String) -> String { document[key]?.stringValue ?? "" }
    func flag(_ key: String) -> Bool { if case .bool(true)? = document[key] { true } else { false } }
    func schema(_ key: String) throws -> StructType { text(key).isEmpty ? StructType() : try StructType(ddl: text(key)) }
    name = entry.name
    self.schema = try schema("Schema")
    format = text("Format")
    paths = (document["Paths"]?.elements ?? []).compactMap(\.stringValue)
    partitions = try schema("Partitions")
    partitionText = text("PartitionText")
    pathFormat = text("PathFormat")
    hasHeader = flag("Header")
    compressed = flag("Compressed")
    namePrefix = text("NamePrefix")
    fileExtension = text("FileExtension")
    folder = text("Folder")
    docstring = text("DocString")
  }

  var document: DynamicValue {
    .bag([
      DynamicEntry("Schema", .string(schema.description)), DynamicEntry("Format", .string(format)), DynamicEntry("Paths", .array(paths.map { .string($0) })),
      DynamicEntry("Partitions", .string(partitions.description)), DynamicEntry("PartitionText", .string(partitionText)), DynamicEntry("PathFormat", .string(pathFormat)),
      DynamicEntry("Header", .bool(hasHeader)), DynamicEntry("Compressed", .bool(compressed)), DynamicEntry("NamePrefix", .string(namePrefix)),
      DynamicEntry("FileExtension", .string(fileExtension)), DynamicEntry("Folder", .string(folder)), DynamicEntry("DocString", .string(docstring)),
    ])
  }

  var script: String {
    let partition = partitionText.isEmpty ? "" : " partition by (\(partitionText))"
    let path = pathFormat.isEmpty ? "" : " pathformat = (\(pathFormat))"
    let texts = [("namePrefix", namePrefix), ("fileExtension", fileExtension), ("folder", folder), ("docstring", docstring)]
    let properties =
      (hasHeader ? ["includeHeaders = \"FirstFile\"", "ignoreFirstRecord = true"] : []) + (compressed ? ["compressed = true"] : [])
      + texts.filter { !$0.1.isEmpty }.map { "\($0.0) = \(SchemaText.quoted($0.1))" }
    return ".create-or-alter external table \(quotedName(name)) (\(SchemaText.csl(schema))) kind = storage\(partition)\(path) dataformat = \(format) "
      + "(\(paths.map { "h" + SchemaText.quoted($0) }.joined(separator: ", ")))" + (properties.isEmpty ? "" : " with (\(properties.joined(separator: ", ")))")
  }

  /// What matches the names of the table's files; nil: all names do.
  var namePattern: String? {
    if namePrefix.isEmpty, fileExtension.isEmpty { return nil }
    func exact(_ text: String) -> String { String(text.flatMap { "*?[]{}\\".contains($0) ? ["\\", $0] : [$0] }) }
    return exact(namePrefix) + "*" + exact(fileExtension) + (compressed && !fileExtension.isEmpty ? "*" : "")
  }

  static func find(_ name: String, in database: String, _ metadata: MetadataStore) throws -> ExternalTable? {
    try metadata.entry(.externalTable, name, in: .database(database)).map { try ExternalTable($0) }
  }

  static func all(in database: String, _ metadata: MetadataStore) throws -> [ExternalTable] {
    try metadata.entries(.externalTable, in: .database(database)).map { try ExternalTable($0) }
  }

  static func names(in database: String, _ metadata: MetadataStore) -> [String] { ((try? all(in: database, metadata)) ?? []).map(\.name) }

  /// The files as a table. Partition columns come from directories `name=value`.
  func open(_ executor: CommandExecutor) throws -> any BatchReadable {
    for path in paths { try executor.pathGuard?(path) }
    let reader = try IngestFormat(format)
    var fields = schema.fields
    for field in partitions.fields where schema.field(field.name) == nil { fields.append(field) }
    let options: [(String, String)] = reader.kind == "csv" ? [("header", hasHeader ? "true" : "false"), ("mode", "PERMISSIVE")] : []
    // Where an address that was allowed leads to is not checked.
    let names = namePattern.map { [("pathGlobFilter", $0)] } ?? []
    let http: [(String, String)] = executor.pathGuard == nil ? [] : [("httpRedirects", "false")]
    return try reader.open(paths, schema: fields.isEmpty ? nil : StructType(fields), options + names + http)
  }
}

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
  /// For each partition the expression over the table's columns that gives it; empty: its values stand in the path only.
  var expressions: [String] = []
  /// Where the partition columns stand in the path; nil: in directories `column=value`.
  var path: PartitionPath?
  var hasHeader = false
  /// `All`, `FirstFile` or `None`; empty: nothing was said of headers.
  var headers = ""
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
    expressions = (document["Expressions"]?.elements ?? []).map { $0.stringValue ?? "" }
    if let form = document["Path"], form != .null { path = try PartitionPath(form) }
    hasHeader = flag("Header")
    headers = text("Headers")
    compressed = flag("Compressed")
    namePrefix = text("NamePrefix")
    fileExtension = text("FileExtension")
    folder = text("Folder")
    docstring = text("DocString")
  }

  var document: DynamicValue {
    .bag([
      DynamicEntry("Schema", .string(schema.description)), DynamicEntry("Format", .string(format)), DynamicEntry("Paths", .array(paths.map { .string($0) })),
      DynamicEntry("Partitions", .string(partitions.description)), DynamicEntry("PartitionText", .string(partitionText)),
      DynamicEntry("Expressions", .array(expressions.map { .string($0) })), DynamicEntry("Path", path?.document ?? .null),
      DynamicEntry("Header", .bool(hasHeader)), DynamicEntry("Headers", .string(headers)), DynamicEntry("Compressed", .bool(compressed)), DynamicEntry("NamePrefix", .string(namePrefix)),
      DynamicEntry("FileExtension", .string(fileExtension)), DynamicEntry("Folder", .string(folder)), DynamicEntry("DocString", .string(docstring)),
    ])
  }

  /// The command that makes it; without `showsSecrets` there are stars for the keys of its addresses.
  func script(showsSecrets: Bool) -> String {
    let partition = partitionText.isEmpty ? "" : " partition by (\(partitionText))"
    let path = self.path.map { " pathformat = (\($0.shown))" } ?? ""
    let texts = [("namePrefix", namePrefix), ("fileExtension", fileExtension), ("folder", folder), ("docstring", docstring)]
    var properties: [String] = []
    if shownHeaders != "None" { properties.append("includeHeaders = \"\(shownHeaders)\"") }
    if compressed { properties.append("compressed = true") }
    for (name, text) in texts where !text.isEmpty { properties.append("\(name) = \(SchemaText.quoted(text))") }
    return ".create-or-alter external table \(quotedName(name)) (\(SchemaText.csl(schema))) kind = storage\(partition)\(path) dataformat = \(format) "
      + "(\(paths.map { "h" + SchemaText.quoted(showsSecrets ? $0 : LoggedText.hidingSecrets($0)) }.joined(separator: ", ")))" + (properties.isEmpty ? "" : " with (\(properties.joined(separator: ", ")))")
  }

  var shownHeaders: String { !headers.isEmpty ? headers : hasHeader ? "All" : "None" }

  /// The expression of the partition at a place; nil: it has none.
  func expression(_ i: Int) -> String? { i < expressions.count && !expressions[i].isEmpty ? expressions[i] : nil }

  /// The partitions whose values stand in paths only.
  var virtual: [StructField] { partitions.fields.enumerated().filter { expression($0.offset) == nil }.map(\.element) }

  /// The columns with those of the partitions; nil where the files have the say.
  var columns: StructType? {
    schema.count == 0 ? nil : StructType(schema.fields + virtual.filter { schema.field($0.name) == nil })
  }

  /// What matches the names of the table's files. Without `namePrefix` and `fileExtension` all names do, whatever they end with. Source: Kusto,
  /// "File filtering logic".
  var namePattern: String {
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

  /// The paths without directories of this machine that are not there: nothing was exported to them yet.
  var presentPaths: [String] {
    paths.filter { $0.contains("://") || pathKind($0) != .missing || GlobPattern.isPattern($0) || lastPathComponent($0).contains(".") }
  }

  /// The table's files. Those whose path has no place for the partitions are none of them; what the others stand in reads `column=value`.
  func files() throws -> [FileEntry] {
    var wanted = ListingOptions()
    wanted.fileNamePattern = namePattern
    let found = try presentPaths.isEmpty ? [] : FileListing.files(presentPaths, wanted)
    if partitions.count == 0 { return found }
    return found.compactMap { file in
      guard let directories = hive(file.directories) else { return nil }
      var file = file
      file.directories = directories
      return file
    }
  }

  private func hive(_ directories: [String]) -> [String]? {
    if let path { return path.hive(directories) }
    return partitions.names.allSatisfy { name in directories.contains { $0.hasPrefix(name + "=") } } ? directories : nil
  }

  /// The files as a table; `chosen`: some of them, all with or all without headers.
  func open(_ executor: CommandExecutor, _ chosen: (files: [FileEntry], hasHeader: Bool)? = nil) throws -> any BatchReadable {
    for path in paths { try executor.pathGuard?(path) }
    let reader = try IngestFormat(format)
    let options: [(String, String)] = reader.kind == "csv" ? [("header", (chosen?.hasHeader ?? hasHeader) ? "true" : "false"), ("mode", "PERMISSIVE")] : []
    // Where an address that was allowed leads to is not checked.
    let http: [(String, String)] = executor.pathGuard == nil ? [] : [("httpRedirects", "false")]
    guard partitions.count > 0 || chosen != nil else {
      return try reader.open(presentPaths.isEmpty ? paths : presentPaths, schema: columns, options + [("pathGlobFilter", namePattern)] + http)
    }
    let checked = try reader.checked(options + http, for: reader.reader)
    // What files say of partitions with an expression is in their rows as well.
    let computed = Set(partitions.fields.indices.filter { expression($0) != nil }.map { partitions[$0].name })
    let listed = try (chosen?.files ?? files()).map { file -> FileEntry in
      var file = file
      file.directories.removeAll { directory in computed.contains(percentDecoded(directory.prefix { $0 != "=" })) }
      return file
    }
    return try reader.provider.open(files: listed, label: name, schema: columns, options: checked)
  }
}

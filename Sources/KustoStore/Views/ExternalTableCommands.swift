// Role: commands about external tables.

import Columnar
import DataSource
import FileConnector
import KQL

extension CommandRun {
  private static let externalProperties = [
    "folder", "docstring", "compressed", "compressionType", "includeHeaders", "ignoreFirstRecord", "namePrefix", "fileExtension", "encoding", "sampleUris",
    "filesPreview", "validateNotEmpty", "dryRun", "skipValidation", "format", "dateTimeFormat",
  ]

  func externalTable(_ name: String) throws -> ExternalTable {
    let database = try database()
    if let found = try ExternalTable.find(name, in: database.name, metadata) { return found }
    let names = ExternalTable.names(in: database.name, metadata)
    throw KConnectError(
      .pathNotFound, "there is no external table '\(name)' in the database '\(database.name)'",
      hint: nearestNames(to: name, among: names, limit: 1).first.map { "did you mean '\($0)'?" } ?? (names.isEmpty ? "the database has no external tables" : "external tables: \(names.joined(separator: ", "))"))
  }

  private func namedExternal() throws -> ExternalTable { try externalTable(command.name("table")?.text ?? "") }

  func externalTableWrite() throws -> CommandOutput {
    guard let name = command.name("table")?.text else { throw KConnectError(.internalError, "no table name") }
    let database = try database()
    let kind = command.text("kind") ?? "storage"
    guard kind != "sql", kind != "delta" else {
      throw KConnectError(.notSupported, "not supported: external tables of kind \(kind)", hint: "kind = storage with dataformat csv, json or parquet")
    }
    let properties = try properties(Self.externalProperties)
    guard let format = command.text("format") else { throw KConnectError(.usage, "an external table needs dataformat = …", hint: "formats: \(IngestFormat.words.joined(separator: ", "))") }
    _ = try IngestFormat(format)
    let old = try ExternalTable.find(name, in: database.name, metadata)
    switch command.kind {
    case .externalTableCreate where old != nil:
      throw KConnectError(.alreadyExists, "the external table '\(name)' exists already in the database '\(database.name)'", hint: "use .create-or-alter external table")
    case .externalTableAlter: _ = try namedExternal()
    default: break
    }
    var partitions: [StructField] = []
    var texts: [String] = []
    if case .partitions(let declared)? = command.arguments["partitions"] {
      for partition in declared {
        partitions.append(StructField(partition.name.text, DataType(rawValue: partition.type.type.rawValue) ?? .string))
        texts.append("\(quotedName(partition.name.text)): \(partition.type.type.rawValue)" + (partition.expression.map { " = \($0)" } ?? ""))
      }
    }
    var pathFormat = ""
    if case .paths(let parts)? = command.arguments["pathformat"] { pathFormat = try Self.text(of: parts, partitions: partitions.map(\.name)) }
    let paths = try command.texts("paths").map(localPath)
    var table = ExternalTable(
      name: name, schema: command.schema().map(schema) ?? StructType(), format: format.lowercased(), paths: paths, partitions: StructType(partitions))
    if table.schema.count == 0, format.lowercased() != "parquet" { throw KConnectError(.usage, "an external table of \(format) needs its columns", hint: ".create external table \(name) (a: string, …) kind = storage …") }
    table.partitionText = texts.joined(separator: ", ")
    table.pathFormat = pathFormat
    table.hasHeader = try properties.bool("ignoreFirstRecord") ?? (properties.text("includeHeaders").map { $0.lowercased() != "none" } ?? false)
    table.compressed = try properties.bool("compressed") ?? false
    table.namePrefix = properties.text("namePrefix") ?? ""
    table.fileExtension = try fileExtension(properties) ?? ""
    for property in ["compressionType", "encoding"] where properties[property] != nil {
      throw KConnectError(.notSupported, "not supported: the property '\(property)' of an external table", hint: "give it to .export, or leave it out: compressed=true is gzip, and texts are UTF-8")
    }
    table.folder = properties.text("folder") ?? old?.folder ?? ""
    table.docstring = properties.text("docstring") ?? old?.docstring ?? ""
    if try properties.bool("dryRun") != true {
      try metadata.put(.externalTable, name, in: .database(database.name), table.document)
      if old == nil { try grantCreator(.external(database: database.name, name)) }
      journal(old == nil ? "ADD-EXTERNAL-TABLE" : "ALTER-EXTERNAL-TABLE", name)
    }
    return output([table])
  }

  /// Only directories `column=value` can be read back; other path formats are refused by name.
  private static func text(of parts: [PathFormatPart], partitions: [String]) throws -> String {
    var shown: [String] = []
    var text = ""
    for part in parts {
      switch part {
      case .text(let piece):
        text += piece
        shown.append(SchemaText.quoted(piece))
      case .column(let name):
        guard partitions.contains(name.text) else { throw KConnectError(.columnNotFound, "pathformat: '\(name.text)' is no partition column") }
        text += "\u{1}" + name.text + "\u{1}"
        shown.append(name.text)
      case .pattern(let pattern, _):
        throw KConnectError(.notSupported, "not supported: pathformat with datetime_pattern(\"\(pattern)\", …)", hint: "directories named column=value are read")
      }
    }
    for segment in text.split(separator: "/") where segment.contains("\u{1}") {
      let isHive = partitions.contains { segment == "\($0)=\u{1}\($0)\u{1}" }
      guard isHive else {
        throw KConnectError(.notSupported, "not supported: the pathformat '\(shown.joined(separator: " "))'", hint: "directories named column=value are read: pathformat = (\"a=\" a \"/b=\" b)")
      }
    }
    return shown.joined(separator: " ")
  }

  func externalTextAlter(docstring: Bool) throws -> CommandOutput {
    var table = try namedExternal()
    if docstring { table.docstring = command.text("text") ?? "" } else { table.folder = command.text("text") ?? "" }
    try metadata.put(.externalTable, table.name, in: .database(try database().name), table.document)
    return output([table])
  }

  func externalTableDrop() throws -> CommandOutput {
    let database = try database()
    if command.says("ifexists"), try ExternalTable.find(command.name("table")?.text ?? "", in: database.name, metadata) == nil { return output(try ExternalTable.all(in: database.name, metadata)) }
    let table = try namedExternal()
    try metadata.remove(.externalTable, table.name, in: .database(database.name), with: .external(database: database.name, table.name))
    journal("DROP-EXTERNAL-TABLE", table.name)
    return output(try ExternalTable.all(in: database.name, metadata))
  }

  func externalTablesShow() throws -> CommandOutput { output(try ExternalTable.all(in: try database().name, metadata)) }
  func externalTableShow() throws -> CommandOutput { output([try namedExternal()]) }

  private func output(_ tables: [ExternalTable]) -> CommandOutput {
    CommandOutput(
      Shapes.externalTables,
      tables.map { table in
        let properties = DynamicValue.bag([
          DynamicEntry("Format", .string(table.format)), DynamicEntry("Compressed", .bool(table.compressed)),
          DynamicEntry("IncludeHeaders", .string(table.hasHeader ? "FirstFile" : "None")), DynamicEntry("NamePrefix", .string(table.namePrefix)),
          DynamicEntry("FileExtension", .string(table.fileExtension)),
        ])
        let partitions = DynamicValue.array(table.partitions.fields.enumerated().map { i, field in
          .bag([DynamicEntry("Name", .string(field.name)), DynamicEntry("Type", .string(field.type.rawValue)), DynamicEntry("Ordinal", .long(Int64(i)))])
        })
        return [
          .string(table.name), .string("Blob"), .string(table.folder), .string(table.docstring), .string(properties.json), .dynamic(.array(table.paths.map { .string($0) })),
          .dynamic(partitions), .string(table.pathFormat),
        ]
      })
  }

  func externalSchemaShow(asJSON: Bool) throws -> CommandOutput {
    let table = try namedExternal()
    let schema = try table.open(executor).schema
    let text = asJSON ? SchemaText.table(TableDescription(table.name, schema: schema, docstring: table.docstring, folder: table.folder, id: "", createdOn: 0)).json : SchemaText.csl(schema)
    return CommandOutput(Shapes.tableSchema, [[.string(table.name), .string(text), .string(try database().name), .string(table.folder), .string(table.docstring)]])
  }

  func externalArtifactsShow() throws -> CommandOutput {
    let table = try namedExternal()
    for path in table.paths { try executor.pathGuard?(path) }
    var wanted = ListingOptions()
    wanted.fileNamePattern = table.namePattern
    var entries = try FileListing.files(table.paths, wanted)
    if let limit = try limit() { entries = Array(entries.prefix(limit)) }
    return CommandOutput(Shapes.externalArtifacts, entries.map { [.string($0.path), .dynamic(.bag([])), .count($0.size ?? 0)] })
  }
}

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
    guard try IngestFormat(format).kind != "w3clogfile" else { throw KConnectError(.notSupported, "not supported: external tables of the format '\(format)'") }
    let old = try ExternalTable.find(name, in: database.name, metadata)
    switch command.kind {
    case .externalTableCreate where old != nil:
      throw KConnectError(.alreadyExists, "the external table '\(name)' exists already in the database '\(database.name)'", hint: "use .create-or-alter external table")
    case .externalTableAlter: _ = try namedExternal()
    default: break
    }
    if old == nil { try requireFree(name, for: .external, in: database) }
    var partitions: [StructField] = []
    var texts: [String] = []
    var expressions: [String] = []
    if case .partitions(let declared)? = command.arguments["partitions"] {
      for partition in declared {
        partitions.append(StructField(partition.name.text, DataType(rawValue: partition.type.type.rawValue) ?? .string))
        expressions.append(partition.expression ?? "")
        texts.append("\(quotedName(partition.name.text)): \(partition.type.type.rawValue)" + (partition.expression.map { " = \($0)" } ?? ""))
      }
    }
    let paths = try command.texts("paths").map(localPath)
    var table = ExternalTable(
      name: name, schema: command.schema().map(schema) ?? StructType(), format: format.lowercased(), paths: paths, partitions: StructType(partitions))
    if table.schema.count == 0, format.lowercased() != "parquet" { throw KConnectError(.usage, "an external table of \(format) needs its columns", hint: ".create external table \(name) (a: string, …) kind = storage …") }
    table.partitionText = texts.joined(separator: ", ")
    table.expressions = expressions
    try checkExpressions(of: table)
    if case .paths(let parts)? = command.arguments["pathformat"] {
      table.path = try Self.path(parts, table)
    } else if expressions.contains(where: { !$0.isEmpty }) {
      table.path = try PartitionPath(table.partitions.fields.indices.flatMap { i -> [PartitionPath.Part] in (i == 0 ? [] : [PartitionPath.Part.text("/")]) + [Self.part(i, of: table)] })
    }
    let included = try includedHeaders(properties) ?? ""
    table.headers = try properties.bool("ignoreFirstRecord").map { $0 ? "All" : "None" } ?? included
    table.hasHeader = !table.headers.isEmpty && table.headers != "None"
    table.compressed = try properties.bool("compressed") ?? false
    table.namePrefix = properties.text("namePrefix") ?? ""
    table.fileExtension = try fileExtension(properties) ?? ""
    if let encoding = properties.text("encoding"), encoding.lowercased() != "utf8nobom" {
      throw KConnectError(.notSupported, "not supported: encoding=\(encoding.prefix(80)) of an external table", hint: "texts are UTF8NoBOM")
    }
    for property in ["sampleUris", "filesPreview", "skipValidation", "format", "dateTimeFormat"] where properties[property] != nil {
      notes.add("'\(property)' changes nothing here; .show external table \(quotedName(name)) artifacts lists the files")
    }
    if try properties.bool("validateNotEmpty") == true {
      for path in table.paths { try executor.pathGuard?(path) }
      guard try !table.files().isEmpty else { throw KConnectError(.pathNotFound, "there are no files of the external table '\(name)' under its paths") }
    }
    for property in ["compressionType"] where properties[property] != nil {
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

  private func includedHeaders(_ properties: CommandProperties) throws -> String? {
    guard let given = properties.text("includeHeaders") else { return nil }
    let words = ["All", "FirstFile", "None"]
    guard let word = words.first(where: { $0.lowercased() == given.lowercased() }) else {
      throw KConnectError(.optionInvalid, "property 'includeHeaders': found '\(given.prefix(80))', expected one of \(words.joined(separator: ", "))")
    }
    return word
  }

  /// Throws where the expression of a partition does not bind over the table's columns, or gives another type.
  private func checkExpressions(of table: ExternalTable) throws {
    for (i, field) in table.partitions.fields.enumerated() {
      guard let expression = table.expression(i) else { continue }
      let (_, type) = try KQL.bindExpression(expression, schema: table.schema, options: request.bindOptions(executor, catalog()))
      guard type == field.type else {
        throw KConnectError(.typeMismatch, "the partition '\(field.name)' is \(field.type), its expression '\(expression)' gives \(type)")
      }
    }
  }

  /// The place of a partition in a path that gives no pattern for it.
  private static func part(_ i: Int, of table: ExternalTable) -> PartitionPath.Part {
    let field = table.partitions[i]
    guard field.type == .datetime, let expression = table.expression(i) else { return .column(field.name) }
    return .datetime(pattern: defaultPattern(expression), column: field.name)
  }

  /// How datetimes of an expression stand in paths. Source: Kusto reference, "Path format".
  private static func defaultPattern(_ expression: String) -> String {
    let text = expression.lowercased().filter { !$0.isWhitespace }
    if text.hasPrefix("startofyear(") { return "yyyy" }
    if text.hasPrefix("startofmonth(") { return "yyyy/MM" }
    guard text.hasPrefix("bin("), let comma = text.lastIndex(of: ","),
      case .timespan(let ticks)? = ScalarText.parse(String(text[text.index(after: comma)...].dropLast()), as: .timespan), ticks > 0
    else { return "yyyy/MM/dd" }
    return ticks % 864_000_000_000 == 0 ? "yyyy/MM/dd" : ticks % 36_000_000_000 == 0 ? "yyyy/MM/dd/HH" : "yyyy/MM/dd/HH/mm"
  }

  /// Every partition has its place, those of a pattern are datetimes.
  private static func path(_ parts: [PathFormatPart], _ table: ExternalTable) throws -> PartitionPath {
    let partitions = table.partitions
    func column(_ name: Name) throws -> StructField {
      guard let field = partitions.field(name.text) else {
        throw KConnectError(.columnNotFound, "pathformat: '\(name.text)' is no partition column", hint: "partitions: \(partitions.names.joined(separator: ", "))")
      }
      return field
    }
    let path = try PartitionPath(
      try parts.map { part -> PartitionPath.Part in
        switch part {
        case .text(let text): return .text(text)
        case .column(let name):
          let field = try column(name)
          return Self.part(partitions.index(of: field.name) ?? 0, of: table)
        case .pattern(let pattern, let name):
          let field = try column(name)
          guard field.type == .datetime else { throw KConnectError(.typeMismatch, "pathformat: datetime_pattern of '\(field.name)', which is \(field.type)") }
          return .datetime(pattern: pattern, column: field.name)
        }
      })
    if let missing = partitions.names.first(where: { !path.columns.contains($0) }) {
      throw KConnectError(.usage, "pathformat: the partition '\(missing)' does not stand in it")
    }
    return path
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
          DynamicEntry("IncludeHeaders", .string(table.shownHeaders)), DynamicEntry("NamePrefix", .string(table.namePrefix)),
          DynamicEntry("FileExtension", .string(table.fileExtension)),
        ])
        let partitions = DynamicValue.array(table.partitions.fields.enumerated().map { i, field in
          .bag([DynamicEntry("Name", .string(field.name)), DynamicEntry("Type", .string(field.type.rawValue)), DynamicEntry("Ordinal", .long(Int64(i)))])
        })
        return [
          .string(table.name), .string("Blob"), .string(table.folder), .string(table.docstring), .string(properties.json), .dynamic(.array(table.paths.map { .string($0) })),
          .dynamic(partitions), .string(table.path?.shown ?? ""),
        ]
      })
  }

  func externalSchemaShow(asJSON: Bool) throws -> CommandOutput {
    let table = try namedExternal()
    let schema = try table.columns ?? table.open(executor).schema
    let text = asJSON ? SchemaText.table(TableDescription(table.name, schema: schema, docstring: table.docstring, folder: table.folder, id: "", createdOn: 0)).json : SchemaText.csl(schema)
    return CommandOutput(Shapes.tableSchema, [[.string(table.name), .string(text), .string(try database().name), .string(table.folder), .string(table.docstring)]])
  }

  func externalArtifactsShow() throws -> CommandOutput {
    let table = try namedExternal()
    for path in table.paths { try executor.pathGuard?(path) }
    var entries = try table.files()
    if let limit = try limit() { entries = Array(entries.prefix(limit)) }
    return CommandOutput(Shapes.externalArtifacts, entries.map { [.string($0.path), .count($0.size ?? 0), .dynamic(partition(of: $0, table))] })
  }

  /// The partition values that stand in a file's path, as texts.
  private func partition(of file: FileEntry, _ table: ExternalTable) -> DynamicValue {
    .bag(
      file.directories.compactMap { directory -> DynamicEntry? in
        let parts = directory.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let field = table.partitions.field(percentDecoded(parts[0])) else { return nil }
        let text = percentDecoded(parts[1])
        if text == PartitionText.null { return DynamicEntry(field.name, .null) }
        let value = field.type == .datetime ? ScalarText.parse(text, as: .datetime).flatMap { ScalarText.text($0) } : nil
        return DynamicEntry(field.name, .string(value ?? text))
      })
  }
}

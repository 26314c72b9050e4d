// Role: commands that bring rows into tables: `.ingest inline`, `.ingest into`, `.set`, `.append`, `.set-or-append`, `.set-or-replace`.

import Columnar
import DataSource
import Engine
import Expressions
import KQL

extension CommandRun {
  static let ingestionProperties = [
    "format", "ignoreFirstRecord", "ingestionMapping", "ingestionMappingType", "ingestionMappingReference", "mappingReference", "tags", "ingestIfNotExists",
    "creationTime", "validationPolicy", "zipPattern", "folder", "docstring", "extend_schema", "recreate_schema", "distributed", "persistDetails",
    "policy_ingestiontime", "rawDataSize", "skipBatching", "enableTracking", "kustoDatabase",
    "treatGzAsUncompressed", "csvMapping", "jsonMapping", "avroMapping", "csvMappingReference", "jsonMappingReference", "avroMappingReference",
  ]

  /// Those of them that tell a cluster how to do the work.
  private static let ingestionHints = ["zipPattern", "distributed", "rawDataSize", "skipBatching", "enableTracking", "kustoDatabase"]

  /// The properties of an ingestion; what changes nothing is told of.
  private func givenProperties() throws -> CommandProperties {
    let properties = try properties(Self.ingestionProperties)
    for name in Self.ingestionHints where properties[name] != nil { notes.add("'\(name)' changes nothing in an embedded store") }
    return properties
  }

  // MARK: Files and inline data

  func dataIngestPull() throws -> CommandOutput {
    let table = try table()
    let properties = try givenProperties()
    let places = command.texts("paths")
    let served = try places.map { try executor.ingestionService?.ownFile(of: $0) }
    defer { withExtendedLifetime(served) {} }
    let paths = try zip(places, served).map { place, own in try own?.path ?? ingestPath(place) }
    guard !paths.isEmpty else { throw KConnectError(.usage, "no path is given") }
    let format = try properties.text("format").map { try IngestFormat($0) } ?? IngestFormat.guess(served[0] == nil ? paths[0] : String(places[0].prefix { $0 != "?" }))
    let names = try zip(places, served).map { place, own in try own == nil ? localPath(place) : place }
    let result = try ingestFiles(paths, named: names, format, into: table, properties)
    let duration = TimespanForm.text(StoreClock.nowTicks - request.startedOn)
    let rows = zip(paths, zip(places, served)).enumerated().map { i, item -> [Scalar] in
      let path = item.1.1 == nil ? item.0 : item.1.0
      let extent = result.extents.isEmpty ? GUID(high: 0, low: 0) : result.extents[min(i, result.extents.count - 1)].id
      return [.guid(extent), .string(LoggedText.hidingSecrets(path)), .string(duration), .string("False"), .guid(operationId)]
    }
    if result.isSkipped { notes.add("nothing was ingested: the table has an extent with one of the ingest-by tags already") }
    return CommandOutput(Shapes.ingest, rows)
  }

  /// A file to read: no pattern, and nothing of the store itself.
  private func ingestPath(_ text: String) throws -> String {
    let path = try localPath(text)
    guard !path.contains("://") else { return path }
    let isThere = pathExists(path)
    let marks: [Character] = ["*", "?", "[", "{", "\\"]
    if !isThere, let mark = path.first(where: { marks.contains($0) }) {
      throw KConnectError(
        .pathNotFound, "'\(path)' does not exist; '\(mark)' is no wildcard here", hint: "list the files, or read them with .set-or-append T <| externaldata(…)[@'…']")
    }
    let place = resolvedPath(path), own = resolvedPath(store.path)
    if isThere, place == own || place.hasPrefix(own + "/") || own.hasPrefix(place + "/") {
      throw KConnectError(.usage, "'\(path)' belongs to the store itself", hint: ".append T <| Other takes the rows of another table")
    }
    return path.reduce(into: "") { $0 += marks.contains($1) ? "\\\($1)" : String($1) }
  }

  /// The path without the scheme `file://` and without the credentials behind `;` of a URL.
  func localPath(_ text: String) throws -> String {
    var path = text
    if path.contains("://"), let semicolon = path.firstIndex(of: ";") { path = String(path[..<semicolon]) }
    if path.hasPrefix("file://") { path = String(path.dropFirst(7)) }
    guard !path.isEmpty else { throw KConnectError(.usage, "the path is empty") }
    if path.lowercased().hasSuffix(".zip") { throw KConnectError(.notSupported, "not supported: zip archives ('\(path)')", hint: "gzip and zstd files are read as they are") }
    try executor.pathGuard?(path)
    return path
  }

  func dataIngestInline() throws -> CommandOutput {
    let table = try table()
    let properties = try givenProperties()
    guard let (data, _) = command.source("data") else { throw KConnectError(.internalError, "no data") }
    let format = try IngestFormat(properties.text("format") ?? "csv")
    guard format.kind != "parquet", format.kind != "avro" else { throw KConnectError(.usage, "inline data is text, the format is \(format.kind)") }
    let file = try TemporaryText(data, extension: format.kind == "json" ? "json" : "csv", directory: executor.options.spillDirectory)
    defer { file.remove() }
    let result = try ingestFiles([file.path], named: ["inline"], format, into: table, properties)
    if result.isSkipped { notes.add("nothing was ingested: the table has an extent with one of the ingest-by tags already") }
    return CommandOutput(Shapes.extentId, result.extents.isEmpty ? [[.guid(GUID(high: 0, low: 0))]] : result.extents.map { [.guid($0.id)] })
  }

  /// `names` are what mappings with `SourceLocation` call the paths.
  private func ingestFiles(_ paths: [String], named names: [String], _ format: IngestFormat, into table: StoreTable, _ properties: CommandProperties) throws -> IngestResult {
    var ingestion = FileIngestion(executor: executor, request: request, operationId: operationId, kind: command.kind.typeName)
    ingestion.locations = names
    let result = try ingestion.ingest(.files(paths), format, into: table, properties)
    for note in result.dropped.notes { notes.add(note) }
    return result
  }

  // MARK: From queries

  func ingestFromQuery() throws -> CommandOutput {
    let properties = try givenProperties()
    let database = try database()
    guard let name = command.name("table")?.text else { throw KConnectError(.internalError, "no table name") }
    let found = try database.tableIfExists(name)
    if command.kind == .tableSet, found != nil {
      throw KConnectError(.alreadyExists, "the table '\(name)' exists already in the database '\(database.name)'", hint: "use .append, .set-or-append or .set-or-replace")
    }
    if command.kind == .tableAppend, found == nil { _ = try database.table(name) }
    if found == nil { try requireFree(name, for: .table, in: database) }
    var plan = try query()
    if let name = plan.schema.names.first(where: { $0.contains("$") }) {
      throw KConnectError(.schemaMismatch, "the query gives a column '\(name)': names of a table's columns hold no '$'", hint: "| project-rename name = \(quotedName(name))")
    }
    let table: StoreTable
    let replaces = command.kind == .tableSetOrReplace
    // A table that appends share is there at once; otherwise nobody sees it before it has its rows.
    let isDraft = try found == nil && command.kind != .tableSetOrAppend && !UpdatePolicies.feed(from: name, metadata)
    var isNew = false
    let recreates = try found != nil && replaces && properties.bool("recreate_schema") == true
    if recreates, try UpdatePolicies.feed(from: name, metadata) {
      throw KConnectError(
        .notSupported, "not supported: recreate_schema on the table '\(name)', which feeds update policies", hint: ".alter table, or .drop table first")
    }
    if let found {
      table = found
      if !recreates { plan = try arrange(plan, for: found, properties) }
    } else {
      let description = TableDescription(name, schema: plan.schema, docstring: properties.text("docstring"), folder: properties.text("folder"))
      if isDraft { table = try database.draftTable(description) } else { (table, isNew) = try database.makeTable(description, ifNotExists: true) }
    }
    let result: IngestResult
    do {
      if isNew || isDraft {
        try grantCreator(.table(table.id))
        if try properties.bool("policy_ingestiontime") == false { try Policies(metadata).withoutIngestionTime(table.id) }
      }
      let wanted = try properties.ingestProperties(operation: command.kind.typeName.uppercased())
      result = recreates ? try recreate(table, of: plan, wanted) : try UpdatePolicies(executor, request).ingest(plan, into: table, wanted, mode: replaces ? .replace : .append)
      if isDraft { try database.publish(table) }
    } catch {
      // A table made for rows that never came is taken back.
      if isDraft { database.discard(table) } else if isNew { database.dropUnused(table) }
      throw error
    }
    // The rows are there: nothing behind this makes the command a failure, which somebody would repeat.
    do {
      if isNew || isDraft { journal("ADD-TABLE", name, after: SchemaText.csl(plan.schema)) }
      if found != nil, properties["folder"] != nil || properties["docstring"] != nil { try alter(table, properties) { _ in } }
    } catch { notes.add("the rows are ingested; what follows failed: \(CommandRun.message(error))") }
    Retention(executor).sweep(behind: table)
    if result.isSkipped { notes.add("nothing was ingested: the table has an extent with one of the ingest-by tags already") }
    return CommandOutput(
      Shapes.ingestQuery,
      result.extents.map { [.guid($0.id), .count($0.originalSize), .count($0.byteSize), .count($0.byteSize), .count(0), .count($0.rowCount)] })
  }

  /// Columns and rows of a query in place of a table's own, which stay until the new ones are all there.
  private func recreate(_ table: StoreTable, of plan: LogicalPlan, _ wanted: IngestProperties) throws -> IngestResult {
    let basis = try table.snapshot()
    if table.isIngested(wanted, in: basis.delta, files: basis.files) {
      var skipped = IngestResult()
      skipped.isSkipped = true
      return skipped
    }
    let draft = try table.database.draftTable(TableDescription(table.name, schema: plan.schema))
    defer { table.database.discard(draft) }
    _ = try UpdatePolicies(executor, request).ingest(plan, into: draft, wanted, mode: .append)
    let result = try table.replace(with: try draft.snapshot(), ingestIfNotExists: wanted.ingestIfNotExists.map { ExtentTags.ingestByPrefix + $0 }, before: keepForViews)
    try disableUnfitViews(over: table)
    return result
  }

  /// The query's columns as the table's: by position, with the table extended where the properties ask for it.
  private func arrange(_ plan: LogicalPlan, for table: StoreTable, _ properties: CommandProperties) throws -> LogicalPlan {
    let schema = try table.snapshot().schema
    if try properties.bool("extend_schema") == true, plan.schema.count > schema.count {
      let head = StructType(Array(plan.schema.fields.prefix(schema.count)))
      guard head.fields.map(\.type) == schema.fields.map(\.type) else {
        return try TableColumns.fit(plan, to: table, what: "the query")
      }
      try alter(table) { try $0.merge(StructType(Array(plan.schema.fields.dropFirst(schema.count)))) }
    }
    return try TableColumns.fit(plan, to: table, what: "the query")
  }
}

/// A text in a temporary file.
struct TemporaryText {
  let path: String

  init(_ text: String, extension ending: String, directory: String?) throws {
    path = joinPath(directory ?? "/tmp", "kconnect-\(randomIdentifier()).\(ending)")
    let file = try OutputFile(creating: path)
    var text = text
    // SAFETY: the bytes live through the call.
    try text.withUTF8 { try unsafe file.write(UnsafeRawBufferPointer($0)) }
    try file.close()
  }

  func remove() { _ = FileSystem.system.remove(path) }
}

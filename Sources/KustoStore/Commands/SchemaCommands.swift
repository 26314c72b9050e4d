// Role: the schema of databases, as rows, as one JSON document, and as a script.

import Columnar
import DataSource
import Engine
import KQL

extension CommandRun {
  private static let version = "v1.1"

  /// The kinds of entities that the JSON document can be narrowed to.
  private static let kinds = ["Tables", "ExternalTables", "MaterializedViews", "Functions", "EntityGroups"]

  /// One row for the database, one per table, one per column.
  func schemaShow(_ databases: [Database]) throws -> CommandOutput {
    var rows: [[Scalar]] = []
    for database in databases {
      let pretty = try prettyName(database)
      func row(_ table: String, _ column: String, _ type: String, isColumn: Bool, version: String, _ folder: String?, _ docstring: String?) {
        rows.append([
          .string(database.name), .string(table), .string(column), .string(type), .bool(false), .bool(false), .string(pretty), .string(version), .text(folder),
          .text(docstring),
        ])
      }
      row("", "", "", isColumn: false, version: Self.version, nil, nil)
      for table in try database.tables() {
        let description = try table.snapshot().description
        row(table.name, "", "", isColumn: false, version: "", description.folder, description.docstring)
        for field in description.schema.fields {
          row(table.name, field.name, field.type.systemTypeName, isColumn: true, version: "", nil, description.columnDocstrings[field.name])
        }
      }
    }
    return CommandOutput(Shapes.schema, rows)
  }

  func schemaAsJsonShow(_ databases: [Database]) throws -> CommandOutput {
    let properties = try properties(Self.kinds + ["IncludeHiddenTables"])
    if properties["IncludeHiddenTables"] != nil { notes.add("'IncludeHiddenTables' changes nothing in an embedded store, which hides no tables") }
    let entries = try databases.map { DynamicEntry($0.name, try document($0, properties)) }
    return CommandOutput(Shapes.schemaJSON, [[.string(DynamicValue.bag([DynamicEntry("Databases", .bag(entries))]).json)]])
  }

  private func document(_ database: Database, _ properties: CommandProperties) throws -> DynamicValue {
    // Once something is asked for by name, the rest is left out.
    let isChosen = try Self.kinds.contains { try properties.bool($0) == true }
    func wants(_ name: String) throws -> Bool { try properties.bool(name) ?? !isChosen }
    var tables: [DynamicEntry] = []
    if try wants("Tables") { tables = try database.tables().map { DynamicEntry($0.name, SchemaText.table(try $0.snapshot().description)) } }
    var external: [DynamicEntry] = []
    if try wants("ExternalTables") {
      external = try ExternalTable.all(in: database.name, metadata).map {
        DynamicEntry($0.name, SchemaText.table(TableDescription($0.name, schema: $0.schema, docstring: $0.docstring, folder: $0.folder, id: "", createdOn: 0)))
      }
    }
    var views: [DynamicEntry] = []
    if try wants("MaterializedViews") {
      let catalog = SessionCatalog(executor, Request(request, in: database.name), for: .metadata)
      views = try MaterializedView.all(in: database.name, metadata).map { view in
        // Of a view that does not fit what it reads no columns are known; the others are shown all the same.
        let schema = try view.misfit(catalog) == nil ? view.plan(catalog).schema : StructType()
        return DynamicEntry(
          view.name,
          .bag([
            DynamicEntry("Name", .string(view.name)), DynamicEntry("Folder", .string(view.folder)), DynamicEntry("DocString", .string(view.docstring)),
            DynamicEntry("OrderedColumns", SchemaText.columns(schema)), DynamicEntry("Query", .string(view.query)),
            DynamicEntry("SourceTableName", .string(view.source)),
          ]))
      }
    }
    var functions: [DynamicEntry] = []
    if try wants("Functions") { functions = try StoredFunction.all(in: database.name, metadata).map { DynamicEntry($0.name, SchemaText.function($0)) } }
    let pretty = try prettyName(database)
    return .bag([
      DynamicEntry("Name", .string(database.name)), DynamicEntry("Tables", .bag(tables)), DynamicEntry("ExternalTables", .bag(external)),
      DynamicEntry("MaterializedViews", .bag(views)), DynamicEntry("EntityGroups", .bag([])), DynamicEntry("PrettyName", pretty.isEmpty ? .null : .string(pretty)),
      DynamicEntry("MajorVersion", .long(1)), DynamicEntry("MinorVersion", .long(1)), DynamicEntry("Functions", .bag(functions)),
      DynamicEntry("DatabaseAccessMode", .string("ReadWrite")),
    ])
  }

  /// The commands that make the database's entities again, as one text.
  func schemaScriptShow() throws -> CommandOutput {
    let database = try database("database")
    let properties = try properties(["IncludeEncodingPolicies", "IncludeSecuritySettings", "IncludeIngestionMappings", "ShowObfuscatedStrings"])
    var script = SchemaScript(database, SessionCatalog(executor, Request(request, in: database.name), for: .metadata))
    script.hasEncoding = try properties.bool("IncludeEncodingPolicies") ?? true
    script.hasSecurity = try properties.bool("IncludeSecuritySettings") ?? true
    script.hasMappings = try properties.bool("IncludeIngestionMappings") ?? true
    if try properties.bool("ShowObfuscatedStrings") == true {
      try executor.requestAccess(request.properties)?.require(.administer, on: database.name, to: "show obfuscated strings")
      script.showsSecrets = true
    }
    return CommandOutput(Shapes.schemaScript, [[.string(try script.commands().joined(separator: "\n\n"))]])
  }

  func cslSchemaShow() throws -> CommandOutput {
    let database = try database("database")
    let rows = try database.tables().map { table -> [Scalar] in
      let description = try table.snapshot().description
      let text = command.says("script") ? SchemaText.script(description) : SchemaText.csl(description.schema)
      return [.string(table.name), .string(text), .string(database.name), .text(description.folder), .text(description.docstring)]
    }
    return CommandOutput(Shapes.tableSchema, rows)
  }
}

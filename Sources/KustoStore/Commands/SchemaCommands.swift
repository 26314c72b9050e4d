// Role: the schema of databases, as rows, as one JSON document, and as a script.

import Columnar
import DataSource
import Engine
import KQL

extension CommandRun {
  private static let version = "v1.1"

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
    let properties = try properties(["Tables", "ExternalTables", "MaterializedViews", "Functions", "EntityGroups", "IncludeHiddenTables"])
    let entries = try databases.map { DynamicEntry($0.name, try document($0, properties)) }
    return CommandOutput(Shapes.schemaJSON, [[.string(DynamicValue.bag([DynamicEntry("Databases", .bag(entries))]).json)]])
  }

  private func document(_ database: Database, _ properties: CommandProperties) throws -> DynamicValue {
    func wants(_ name: String) throws -> Bool { try properties.bool(name) ?? true }
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
      let catalog = catalog(for: .metadata)
      views = try MaterializedView.all(in: database.name, metadata).map { view in
        let schema = database.name == request.database ? try view.plan(catalog).schema : StructType()
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

  /// Commands that make the database's entities again, one a row of text.
  func schemaScriptShow() throws -> CommandOutput {
    let database = try database("database")
    var lines = try database.tables().map { SchemaText.script(try $0.snapshot().description) }
    for table in try database.tables() {
      for mapping in try IngestionMapping.all(in: .table(table.id), metadata) {
        lines.append(".create-or-alter table \(quotedName(table.name)) ingestion \(mapping.kind) mapping \(SchemaText.quoted(mapping.name)) \(SchemaText.quoted(mapping.text))")
      }
      for entry in try metadata.entries(.policy, in: .table(table.id)) {
        lines.append(Self.policyScript(table.name, entry))
      }
    }
    lines += try StoredFunction.all(in: database.name, metadata).map(SchemaText.script)
    lines += try ExternalTable.all(in: database.name, metadata).map(\.script)
    lines += try MaterializedView.all(in: database.name, metadata).map(\.script)
    return CommandOutput(Shapes.schemaScript, [[.string(lines.joined(separator: "\n\n"))]])
  }

  private static func policyScript(_ table: String, _ entry: MetadataEntry) -> String {
    let start = ".alter table \(quotedName(table)) policy \(entry.name) "
    if entry.name == PolicyName.rowLevelSecurity.rawValue {
      return start + (Policies.isOn(entry.document) == true ? "enable " : "disable ") + SchemaText.quoted(entry.document["Query"]?.stringValue ?? "")
    }
    return start + SchemaText.quoted(entry.document.json)
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

// Role: the script that makes the entities of a database again: commands in an order in which each finds what it needs. They name no database, so
// that the script makes a copy in whichever database it is carried out. Source: Kusto reference, ".show database schema as csl script".

import Columnar
import DataSource

/// The commands that make a copy of a database's entities, without their rows.
struct SchemaScript {
  let database: Database
  let metadata: MetadataStore
  /// The names of the database, unguarded.
  let catalog: SessionCatalog
  /// Whether encoding policies are in it.
  var hasEncoding = true
  /// Whether principals are in it, and the policies of row level security and restricted views.
  var hasSecurity = true
  var hasMappings = true
  /// Whether secrets stand in it; else stars do.
  var showsSecrets = false

  init(_ database: Database, _ catalog: SessionCatalog) {
    self.database = database
    self.catalog = catalog
    metadata = catalog.executor.metadata
  }

  /// Tables, then what reads them, then what holds for them: policies run queries, those of views come before those of their sources.
  func commands() throws -> [String] {
    let name = database.name
    let tables = try database.tables()
    let functions = try StoredFunction.all(in: name, metadata)
    let external = try ExternalTable.all(in: name, metadata)
    let views = try Self.ordered(MaterializedView.all(in: name, metadata))
    let models = try GraphModel.all(in: name, metadata)
    var out: [String] = []
    for table in tables { out += Self.commands(for: try table.snapshot().description) }
    // They may call each other in any order.
    out += functions.map { shown(SchemaText.script($0, isValidated: false)) }
    out += external.map { $0.script(showsSecrets: showsSecrets) }
    let sources = Set(tables.map(\.name))
    for view in views { out += try commands(for: view, isOverTable: sources.contains(view.source)) }
    out += models.map { ".create-or-alter graph_model \(quotedName($0.name)) \(SchemaText.quoted(definition($0.versions.last?.text ?? "")))" }
    if hasMappings {
      out += try mappings(of: .database(name), "database")
      for table in tables { out += try mappings(of: .table(table.id), "table \(quotedName(table.name))") }
    }
    var scopes = [(EntryScope.database(name), "database")]
    scopes += views.map { (EntryScope.view(database: name, $0.name), "materialized-view \(quotedName($0.name))") }
    scopes += tables.map { (EntryScope.table($0.id), "table \(quotedName($0.name))") }
    scopes += external.map { (EntryScope.external(database: name, $0.name), "external table \(quotedName($0.name))") }
    for (scope, entity) in scopes { out += try policies(of: scope, entity) }
    for table in tables {
      for column in try table.columns().names {
        out += try policies(of: .column(table: table.id, column), "column \(quotedName(table.name)).\(quotedName(column))")
      }
    }
    guard hasSecurity else { return out }
    scopes += functions.map { (EntryScope.function(database: name, $0.name), "function \(quotedName($0.name))") }
    for (scope, entity) in scopes { out += try principals(of: scope, entity) }
    return out
  }

  /// Queries in it stand within texts.
  private func definition(_ text: String) -> String {
    guard !showsSecrets, let document = try? DynamicValue(parsing: text) else { return text }
    return document.hidingSecrets.json
  }

  private func shown(_ command: String) -> String { showsSecrets ? command : LoggedText.hidingSecrets(command) }

  private static func commands(for table: TableDescription) -> [String] {
    let texts = table.schema.names.compactMap { name -> String? in
      guard let text = table.columnDocstrings[name], !text.isEmpty else { return nil }
      return "\(quotedName(name)):\(SchemaText.quoted(text))"
    }
    let made = [SchemaText.script(table)]
    return texts.isEmpty ? made : made + [".alter table \(quotedName(table.name)) column-docstrings (\(texts.joined(separator: ", ")))"]
  }

  // MARK: Views

  /// Sources before the views that read them.
  private static func ordered(_ views: [MaterializedView]) -> [MaterializedView] {
    var left = views
    var out: [MaterializedView] = []
    while !left.isEmpty {
      let names = Set(left.map(\.name))
      let ready = left.filter { !names.contains($0.source) }
      if ready.isEmpty { return out + left }
      out += ready
      left = left.filter { names.contains($0.source) }
    }
    return out
  }

  /// A view that does not fit what it reads could not be made: it is told of in a comment.
  private func commands(for view: MaterializedView, isOverTable: Bool) throws -> [String] {
    if let failure = try view.failure ?? view.misfit(catalog)?.message {
      let reason = failure.map { $0.isNewline ? " " : String($0) }.joined()
      return ["// The materialized view '\(view.name)' is left out: \(reason)"]
    }
    var properties: [String] = []
    if view.cursor.isEmpty { properties.append("backfill = true") }
    if view.cursor.isEmpty, let ticks = view.effectiveOn { properties.append("effectiveDateTime = datetime(\(ScalarText.text(.datetime(ticks)) ?? ""))") }
    if let ticks = view.lookback { properties.append("lookback = \(SchemaText.quoted(TimespanForm.text(ticks)))") }
    for (name, text) in [("lookback_column", view.lookbackColumn), ("folder", view.folder), ("docString", view.docstring)] where !text.isEmpty {
      properties.append("\(name) = \(SchemaText.quoted(text))")
    }
    if view.autoUpdatesSchema { properties.append("autoUpdateSchema = true") }
    if view.isOpen { properties.append("\(CommandRun.opensViews) = true") }
    let with = properties.isEmpty ? "" : "with (\(properties.joined(separator: ", "))) "
    let source = "\(isOverTable ? "table" : "materialized-view") \(quotedName(view.source))"
    let made = ".create-or-alter materialized-view \(with)\(quotedName(view.name)) on \(source) { \(shown(view.query)) }"
    return view.isEnabled ? [made] : [made, ".disable materialized-view \(quotedName(view.name))"]
  }

  // MARK: What belongs to entities

  private func mappings(of scope: EntryScope, _ entity: String) throws -> [String] {
    try IngestionMapping.all(in: scope, metadata).map { mapping in
      ".create-or-alter \(entity) ingestion \(mapping.kind) mapping \(SchemaText.quoted(mapping.name)) \(SchemaText.quoted(mapping.text))"
    }
  }

  private func policies(of scope: EntryScope, _ entity: String) throws -> [String] {
    try metadata.entries(.policy, in: scope).compactMap { entry -> String? in
      guard let policy = PolicyName(rawValue: entry.name), entry.document != .null, isWanted(policy) else { return nil }
      let document = showsSecrets ? entry.document : entry.document.hidingSecrets
      let start = ".alter \(entity) policy \(policy.rawValue) "
      guard policy == .rowLevelSecurity else { return start + SchemaText.quoted(document.json) }
      let query = SchemaText.quoted(document["Query"]?.stringValue ?? "")
      return start + (Policies.isOn(entry.document) == true ? "enable " : "disable ") + query
    }
  }

  private func isWanted(_ policy: PolicyName) -> Bool {
    switch policy {
    case .encoding: hasEncoding
    case .rowLevelSecurity, .restrictedViewAccess: hasSecurity
    default: true
    }
  }

  private func principals(of scope: EntryScope, _ entity: String) throws -> [String] {
    try Principals(metadata).all(in: scope).compactMap { assignment -> String? in
      guard let role = assignment.knownRole else { return nil }
      let notes = assignment.notes.isEmpty ? "" : " " + SchemaText.quoted(assignment.notes)
      return ".add \(entity) \(role.commandName) (\(SchemaText.quoted(assignment.principal)))\(notes)"
    }
  }
}

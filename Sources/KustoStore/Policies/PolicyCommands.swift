// Role: `.show`, `.alter`, `.alter-merge` and `.delete` of policies for every entity.

import Columnar
import DataSource
import Engine
import KQL

extension CommandRun {
  /// An entity that policies can belong to.
  private struct PolicyEntity {
    var scope: EntryScope
    /// `[db].[T]`
    var shown: String
    var type: String
    var table: StoreTable?
    var database: String?
  }

  private func policyName() throws -> PolicyName {
    guard let name = command.text("policy").flatMap({ PolicyName(rawValue: $0) }) else {
      throw KConnectError(.notSupported, "not supported: the policy '\(command.text("policy") ?? "")'")
    }
    return name
  }

  /// The entities a policy command names; `*` stands for all tables or databases.
  private func policyEntities() throws -> [PolicyEntity] {
    func entity(_ table: StoreTable) -> PolicyEntity {
      PolicyEntity(scope: .table(table.id), shown: "[\(table.database.name)].[\(table.name)]", type: "Table", table: table, database: table.database.name)
    }
    func entity(_ database: Database) -> PolicyEntity {
      PolicyEntity(scope: .database(database.name), shown: "[\(database.name)]", type: "Database", database: database.name)
    }
    if command.arguments["tables"] != nil { return try tables().map(entity) }
    if command.arguments["table"] != nil {
      if command.name("table")?.text == "*" { return try database().tables().map(entity) }
      return [entity(try table())]
    }
    if command.arguments["column"] != nil {
      let parts = command.path("column").map(\.text)
      guard parts.count >= 2 else { throw KConnectError(.usage, "'\(parts.joined(separator: "."))' is no column of a table", hint: "write Table.Column") }
      let table = try (parts.count > 2 ? namedDatabase(parts[parts.count - 3]) : database()).table(parts[parts.count - 2])
      let names = try table.snapshot().schema.names
      guard names.contains(parts[parts.count - 1]) else { throw missingColumn(parts[parts.count - 1], table, names) }
      return [
        PolicyEntity(
          scope: .column(table: table.id, parts[parts.count - 1]), shown: "[\(table.database.name)].[\(table.name)].[\(parts[parts.count - 1])]", type: "Column",
          database: table.database.name)
      ]
    }
    if command.arguments["view"] != nil {
      let view = try materializedView(command.name("view")?.text ?? "")
      let name = try database().name
      return [PolicyEntity(scope: .view(database: name, view.name), shown: "[\(name)].[\(view.name)]", type: "MaterializedView", database: name)]
    }
    if command.arguments["external"] != nil {
      let external = try externalTable(command.name("external")?.text ?? "")
      let name = try database().name
      return [PolicyEntity(scope: .external(database: name, external.name), shown: "[\(name)].[\(external.name)]", type: "ExternalTable", database: name)]
    }
    if command.says("database") {
      if command.name("database")?.text == "*" { return try databases("none").map(entity) }
      return [entity(try database("database"))]
    }
    return [PolicyEntity(scope: .cluster, shown: "[local]", type: "Cluster")]
  }

  private func row(_ policy: PolicyName, _ entity: PolicyEntity) throws -> [Scalar] {
    let document = try metadata.entry(.policy, policy.rawValue, in: entity.scope)?.document
    let shown = try document.map { try visible($0, in: entity.table?.database.name ?? entity.database).json } ?? "null"
    return [.string(policy.shownName), .string(entity.shown), .string(shown), .string("[]"), .string(entity.type)]
  }

  func policyShow() throws -> CommandOutput {
    let policy = try policyName()
    return CommandOutput(Shapes.policies, try policyEntities().map { try row(policy, $0) })
  }

  func policyAlter(merging: Bool) throws -> CommandOutput {
    let policy = try policyName()
    guard case .policy(let value)? = command.arguments["value"] else { throw KConnectError(.internalError, "no policy") }
    let entities = try policyEntities()
    func change(of entity: PolicyEntity) throws -> (old: DynamicValue?, new: DynamicValue) {
      let old = try metadata.entry(.policy, policy.rawValue, in: entity.scope)?.document
      let new = try merging ? PolicyDocument.merge(policy, value, into: old) : PolicyDocument.make(policy, value)
      try check(policy, new, replacing: old, entity)
      return (old, new)
    }
    let changes = try entities.map { entity in
      try checkFits(policy, entity)
      return (entity, try change(of: entity))
    }
    if policy == .rowLevelSecurity {
      let properties = try CommandProperties(value.properties, allowed: [Self.opensViews], command: command)
      for (entity, change) in changes where Policies.isOn(change.new) == true {
        if let table = entity.table { try settle(exposingViews(over: table), over: table, properties) }
      }
    }
    for (entity, first) in changes {
      var (old, document) = first
      // What others made of the policy meanwhile is not lost.
      while try !exchange(policy, of: entity, old, for: document) { (old, document) = try change(of: entity) }
      journal(
        "ALTER-\(entity.type.uppercased())-POLICY-\(policy.rawValue.uppercased())", entity.shown, before: old?.json ?? "", after: document.json,
        database: entity.database ?? "")
    }
    if !policy.isHonoured { notes.add("the policy '\(policy.rawValue)' is stored and shown; it changes nothing in an embedded store") }
    if policy == .retention || policy == .autoDelete { Retention(executor).sweep(request) }
    return CommandOutput(Shapes.policies, try entities.map { try row(policy, $0) })
  }

  /// Puts a policy where `old` stands, nil for nothing; false when something else stands there by now.
  private func exchange(_ policy: PolicyName, of entity: PolicyEntity, _ old: DynamicValue?, for document: DynamicValue) throws -> Bool {
    guard policy == .ingestionTime, let table = entity.table else { return try metadata.exchange(.policy, policy.rawValue, in: entity.scope, old, for: document) }
    return try Policies(metadata).exchangeIngestionTime(of: table.id, old, for: document)
  }

  func policyDelete() throws -> CommandOutput {
    let policy = try policyName()
    let entities = try policyEntities()
    for entity in entities {
      try checkFits(policy, entity)
      // Without its entry a table would have ingestion times again, which is the default here.
      if policy == .ingestionTime {
        let off = DynamicValue.bag([DynamicEntry("IsEnabled", .bool(false))])
        while try !exchange(policy, of: entity, metadata.entry(.policy, policy.rawValue, in: entity.scope)?.document, for: off) {}
      } else {
        try metadata.remove(.policy, policy.rawValue, in: entity.scope)
      }
      journal("DELETE-\(entity.type.uppercased())-POLICY-\(policy.rawValue.uppercased())", entity.shown, database: entity.database ?? "")
    }
    return CommandOutput(Shapes.policies, try entities.map { try row(policy, $0) })
  }

  private func checkFits(_ policy: PolicyName, _ entity: PolicyEntity) throws {
    let tableOnly: Set<PolicyName> = [.rowLevelSecurity, .restrictedViewAccess, .ingestionTime, .update, .autoDelete, .roworder]
    let isFit =
      tableOnly.contains(policy) ? ["Table", "MaterializedView", "ExternalTable"].contains(entity.type) : policy == .capacity || policy == .callout ? entity.type == "Cluster" : true
    guard isFit else { throw KConnectError(.usage, "a \(entity.type.lowercased()) has no policy '\(policy.rawValue)'", hint: tableOnly.contains(policy) ? "it belongs to a table" : nil) }
    if policy == .rowLevelSecurity, entity.type == "ExternalTable" {
      throw KConnectError(.usage, "an external table has no policy 'row_level_security'", hint: "read it through a function, or ingest it into a table")
    }
    let isApplied = entity.type == "Table" || (entity.type == "MaterializedView" && (policy == .rowLevelSecurity || policy == .restrictedViewAccess))
    if !isApplied, tableOnly.contains(policy) {
      notes.add("the policy '\(policy.rawValue)' of a \(entity.type) is stored and shown; it is applied to tables only")
    }
  }

  /// Policies that run queries are checked with the query.
  private func check(_ policy: PolicyName, _ document: DynamicValue, replacing old: DynamicValue?, _ entity: PolicyEntity) throws {
    let exclusive: [PolicyName: PolicyName] = [.rowLevelSecurity: .restrictedViewAccess, .restrictedViewAccess: .rowLevelSecurity]
    if Policies.isOn(document) == true, let other = exclusive[policy], try Policies(metadata).isEnabled(other, in: entity.scope) {
      throw KConnectError(.usage, "\(entity.shown) has the policy '\(other.rawValue)'; a table has only one of the two", hint: ".delete table … policy \(other.rawValue)")
    }
    if policy == .rowLevelSecurity, entity.type == "MaterializedView" {
      let view = try materializedView(command.name("view")?.text ?? "")
      return try checkSecurity(document, "'\(view.name)'", try view.plan(catalog(for: .metadata)).schema)
    }
    guard let table = entity.table else { return }
    switch policy {
    case .update:
      try checkIdentities(document, replacing: old, of: table)
      for update in (document.elements ?? []).compactMap(UpdatePolicy.init) where update.isEnabled {
        let source = try table.database.table(update.source)
        guard source.id != table.id else { throw KConnectError(.valueInvalid, "the update policy of '\(table.name)' has the table itself as its source") }
        try UpdatePolicies(executor, request).check(update, source: source, target: table)
      }
    case .rowLevelSecurity:
      try checkSecurity(document, "'\(table.name)'", try table.snapshot().schema)
      try checkReaders(of: table, policy, document, replacing: old)
    case .restrictedViewAccess: try checkReaders(of: table, policy, document, replacing: old)
    default: break
    }
  }

  /// Throws PERMISSION where update policies with a managed identity are added by somebody else than an administrator of the database: they read
  /// what is hidden from others.
  private func checkIdentities(_ document: DynamicValue, replacing old: DynamicValue?, of table: StoreTable) throws {
    guard let access = try executor.requestAccess(request.properties) else { return }
    let known = Set((old?.elements ?? []).map(\.json))
    for item in document.elements ?? [] where UpdatePolicy(item)?.hasIdentity == true && !known.contains(item.json) {
      try access.require(.administer, on: table.database.name, to: "set an update policy with a managed identity")
    }
  }

  /// Throws PERMISSION for a policy that would hide rows of a table which update policies pass on.
  private func checkReaders(of table: StoreTable, _ policy: PolicyName, _ document: DynamicValue, replacing old: DynamicValue?) throws {
    guard executor.access != nil, Policies.isOn(document) == true, Policies.isOn(old) != true else { return }
    let readers = try UpdatePolicies(executor, request).readers(of: table)
    guard let first = readers.first else { return }
    throw KConnectError(
      .permission,
      "the policy '\(policy.rawValue)' of '\(table.name)' would hide rows that update policies without a managed identity pass on to \(readers.map { "'\($0.name)'" }.joined(separator: ", "))",
      hint: ".delete table \(quotedName(first.name)) policy update, or set \"ManagedIdentity\":\"system\" in it")
  }

  /// A row level security query gives the columns of what it stands for.
  func checkSecurity(_ document: DynamicValue, _ shown: String, _ wanted: StructType) throws {
    guard Policies.isOn(document) == true, let query = document["Query"]?.stringValue else { return }
    let catalog = catalog(for: .metadata)
    let bound = try KQL.bind(query, catalog: catalog, options: request.definitionOptions(executor, catalog))
    guard bound.results.count == 1, let schema = bound.results.first?.plan.schema, schema.names == wanted.names,
      schema.fields.map(\.type) == wanted.fields.map(\.type)
    else {
      throw KConnectError(
        .schemaMismatch, "the row level security query of \(shown) gives other columns than it has: (\(bound.results.first?.plan.schema.description ?? "")), expected (\(wanted))")
    }
  }
}

// Role: tables: making, changing, renaming, dropping and showing them.

import Columnar
import DataSource
import Engine
import KQL

extension CommandRun {
  static let tableProperties = ["docstring", "folder", "hidden"]

  /// What is said of a table besides its columns; `hidden` changes nothing.
  private func describingProperties(_ more: [String] = []) throws -> CommandProperties {
    let properties = try properties(Self.tableProperties + more)
    if properties["hidden"] != nil { notes.add("'hidden' changes nothing in an embedded store, which hides no tables") }
    return properties
  }

  // MARK: Making and changing

  func tableCreate() throws -> CommandOutput {
    guard let name = command.name("table") else { throw KConnectError(.internalError, "no table name") }
    let table = try makeTable(name.text, try declaredSchema(), try describingProperties(["ifnotexists"]))
    return CommandOutput(Shapes.tableSchema, [try schemaRow(table)])
  }

  /// An existing table stays as it is.
  private func makeTable(_ name: String, _ schema: StructType, _ properties: CommandProperties) throws -> StoreTable {
    let database = try database()
    if let found = try database.tableIfExists(name) { return found }
    return try makeTable(TableDescription(name, schema: schema, docstring: properties.text("docstring"), folder: properties.text("folder")), in: database)
  }

  /// The same, with the policies of another table, which it has from the first moment.
  private func makeTable(_ description: TableDescription, in database: Database, like source: StoreTable? = nil) throws -> StoreTable {
    try requireFree(description.name, for: .table, in: database)
    try metadata.forgetTable(description.id)
    if let source { try metadata.copyPolicies(ofTable: source.id, to: description.id) }
    let table: StoreTable
    do { table = try database.createTable(description, ifNotExists: true) } catch {
      try? metadata.forgetTable(description.id)
      throw error
    }
    // Somebody else made it at the same time.
    if table.id != description.id {
      try metadata.forgetTable(description.id)
      return table
    }
    try grantCreator(.table(table.id))
    journal("ADD-TABLE", description.name, after: SchemaText.csl(description.schema))
    return table
  }

  func tableCreateBasedOn() throws -> CommandOutput {
    guard let name = command.name("table") else { throw KConnectError(.internalError, "no table name") }
    let original = try table("source")
    let source = try original.snapshot().description
    let properties = try describingProperties()
    let database = try database()
    if let found = try database.tableIfExists(name.text) {
      if command.says("ifnotexists") { return CommandOutput(Shapes.tableSchema, [try schemaRow(found)]) }
      throw KConnectError(.alreadyExists, "the table '\(name.text)' exists already in the database '\(database.name)'", hint: "say ifnotexists to leave it as it is")
    }
    let table = try makeTable(
      TableDescription(
        name.text, schema: source.schema, docstring: properties.text("docstring") ?? "Created based on \(original.name)", folder: properties.text("folder") ?? source.folder,
        columnDocstrings: source.columnDocstrings), in: database, like: original)
    return CommandOutput(Shapes.tableSchema, [try schemaRow(table)])
  }

  func tableCreateMerge() throws -> CommandOutput {
    guard let name = command.name("table") else { throw KConnectError(.internalError, "no table name") }
    let table = try mergeTable(name.text, try declaredSchema(), try describingProperties())
    return CommandOutput(Shapes.tableSchema, [try schemaRow(table)])
  }

  private func mergeTable(_ name: String, _ schema: StructType, _ properties: CommandProperties) throws -> StoreTable {
    guard let table = try database().tableIfExists(name) else { return try makeTable(name, schema, properties) }
    try alter(table, properties) { try $0.merge(schema) }
    return table
  }

  func tableCreateOrAlter() throws -> CommandOutput {
    guard let name = command.name("table") else { throw KConnectError(.internalError, "no table name") }
    let schema = try declaredSchema()
    let properties = try describingProperties()
    let found = try database().tableIfExists(name.text)
    if let found { try alter(found, properties) { try $0.replace(with: schema) } }
    return CommandOutput(Shapes.tableSchema, [try schemaRow(try found ?? makeTable(name.text, schema, properties))])
  }

  func tablesCreate(merging: Bool) throws -> CommandOutput {
    guard case .tables(let declarations)? = command.arguments["tables"] else { throw KConnectError(.internalError, "no tables") }
    let properties = try describingProperties()
    let database = try database()
    // All names must be free before the first table is made.
    for declaration in declarations {
      let name = declaration.name.text
      if Database.isHidden(name) { throw Database.ownName(name) }
      if try database.tableIfExists(name) == nil { try requireFree(name, for: .table, in: database) }
    }
    let made = try declarations.map { declaration in
      let schema = self.schema(declaration.schema)
      return try merging ? mergeTable(declaration.name.text, schema, properties) : makeTable(declaration.name.text, schema, properties)
    }
    return CommandOutput(Shapes.tables, try made.map(tableRow))
  }

  func tableAlter(merging: Bool) throws -> CommandOutput {
    let table = try table()
    let schema = try declaredSchema()
    try alter(table, try describingProperties()) { change in
      if merging { try change.merge(schema) } else { try change.replace(with: schema) }
    }
    return CommandOutput(Shapes.tableSchema, [try schemaRow(table)])
  }

  /// Changes a table's definition in one commit; nothing is committed when nothing changes.
  func alter(_ table: StoreTable, _ properties: CommandProperties? = nil, _ change: (inout TableAlteration) throws -> Void) throws {
    let before = try table.snapshot().description
    try table.alter { alteration in
      try change(&alteration)
      if let text = properties?.text("docstring") { alteration.docstring = text }
      if let text = properties?.text("folder") { alteration.folder = text }
    }
    let after = try table.snapshot().description
    journal("ALTER-TABLE", table.name, before: SchemaText.csl(before.schema), after: SchemaText.csl(after.schema), database: table.database.name)
    if before.schema != after.schema { try disableUnfitViews(over: table) }
  }

  func tableTextAlter(docstring: Bool) throws -> CommandOutput {
    let table = try table()
    let text = command.text("text")
    try alter(table) { if docstring { $0.docstring = text } else { $0.folder = text } }
    return CommandOutput(Shapes.tableSchema, [try schemaRow(table)])
  }

  func columnDocStringsAlter(merging: Bool) throws -> CommandOutput {
    let table = try table()
    let texts = command.properties("texts")
    try alter(table) { change in
      if !merging { for i in change.columns.indices { change.columns[i].docstring = nil } }
      for text in texts {
        guard let i = change.columns.firstIndex(where: { $0.field.name == text.name.text }) else {
          throw missingColumn(text.name.text, table, change.columns.map(\.field.name))
        }
        change.columns[i].docstring = text.text
      }
    }
    return CommandOutput(Shapes.tableSchema, [try schemaRow(table)])
  }

  func missingColumn(_ name: String, _ table: StoreTable, _ names: [String]) -> KConnectError {
    KConnectError(
      .columnNotFound, "there is no column '\(name)' in the table '\(table.name)'",
      hint: nearestNames(to: name, among: names, limit: 1).first.map { "did you mean '\($0)'?" } ?? "columns: \(names.prefix(12).joined(separator: ", "))")
  }

  // MARK: Renaming and dropping

  func tableRename() throws -> CommandOutput {
    guard let new = command.name("name") else { throw KConnectError(.internalError, "no new name") }
    let table = try table()
    guard try properties(["updateMaterializedViews"]).bool("updateMaterializedViews") == true else { return try rename([(table.name, new.text)], table.database) }
    let lock = try table.database.lockViews()
    defer { withExtendedLifetime(lock) {} }
    let views = try MaterializedView.all(in: table.database.name, metadata).filter { $0.source == table.name }.map { try renamed($0, table, new.text) }
    let output = try rename([(table.name, new.text)], table.database)
    for view in views { try view.put(in: table.database.name, metadata) }
    return output
  }

  /// The view over a table that gets another name. Throws NOT_SUPPORTED where its query names the table elsewhere than at its beginning.
  private func renamed(_ view: MaterializedView, _ table: StoreTable, _ new: String) throws -> MaterializedView {
    guard let span = ViewQuery.source(of: view.query, named: table.name) else {
      throw KConnectError(
        .notSupported, "the materialized view '\(view.name)' does not read '\(table.name)' at the beginning of its query, which cannot be changed by itself",
        hint: ".rename the table without updateMaterializedViews, then .alter materialized-view \(quotedName(view.name))")
    }
    var out = view
    let bytes = Array(view.query.utf8)
    out.source = new
    out.query = String(decoding: bytes[..<Int(span.start)], as: UTF8.self) + quotedName(new) + String(decoding: bytes[Int(span.end)...], as: UTF8.self)
    let catalog = catalog(for: .metadata)
    // Another look at the old name finds none of its columns.
    let gone = LogicalPlan.values(StructType([StructField("$renamed", .long)]), [])
    do { _ = try out.bound(catalog.adding(new, withOrigin: try catalog.raw(try table.snapshot(), withOrigin: true)).adding(table.name, gone)) } catch {
      throw KConnectError(.notSupported, "the materialized view '\(view.name)' also reads '\(table.name)' elsewhere than at the beginning of its query", cause: error)
    }
    return out
  }

  func tablesRename() throws -> CommandOutput {
    let database = try database()
    // What says `ifexists` has a literal.
    let present = try command.properties("renames").filter { try $0.literal == nil || database.tableIfExists($0.text) != nil }
    return try rename(present.map { (from: $0.text, to: $0.name.text) }, database)
  }

  private func rename(_ renames: [(from: String, to: String)], _ database: Database) throws -> CommandOutput {
    for (from, to) in renames where from != to { try requireFree(to, for: .table, in: database) }
    try database.renameTables(renames)
    for (from, to) in renames { journal("RENAME-TABLE", from, to: to, database: database.name) }
    return CommandOutput(Shapes.tables, try renames.map { try tableRow(try database.table($0.to)) })
  }

  func tablesDrop(_ names: [String], _ database: Database) throws -> CommandOutput {
    let isLenient = command.says("ifexists")
    // All must exist before the first goes.
    let found = try names.compactMap { try isLenient ? database.tableIfExists($0) : database.table($0) }
    for table in found {
      try database.dropTable(table.name, ifExists: isLenient)
      afterwards { try metadata.forgetTable(table.id) }
      journal("DROP-TABLE", table.name, database: database.name)
    }
    return CommandOutput(Shapes.tableDrop, try database.tableNames().map { [.string($0), .string(database.name)] })
  }

  func tableDrop() throws -> CommandOutput {
    guard let name = command.name("table") else { throw KConnectError(.internalError, "no table name") }
    return try tablesDrop([name.text], try database())
  }

  func tableDataClear() throws -> CommandOutput {
    let table = try table()
    try table.clearData(before: keepForViews)
    return CommandOutput(Shapes.status, [[.string("Completed")]])
  }

  // MARK: Showing

  func tablesShow() throws -> CommandOutput { CommandOutput(Shapes.tables, try tables().map(tableRow)) }

  func tableRow(_ table: StoreTable) throws -> [Scalar] {
    let description = try table.snapshot().description
    return [.string(table.name), .string(table.database.name), .text(description.folder), .text(description.docstring)]
  }

  func schemaRow(_ table: StoreTable) throws -> [Scalar] {
    let description = try table.snapshot().description
    return [
      .string(table.name), .string(SchemaText.table(description).json), .string(table.database.name), .text(description.folder), .text(description.docstring),
    ]
  }

  func tableCslSchemaShow() throws -> CommandOutput {
    let table = try table()
    let description = try table.snapshot().description
    return CommandOutput(
      Shapes.tableSchema,
      [[.string(table.name), .string(SchemaText.csl(description.schema)), .string(table.database.name), .text(description.folder), .text(description.docstring)]])
  }

  func tableSchemaAsJsonShow() throws -> CommandOutput { CommandOutput(Shapes.tableSchema, [try schemaRow(try table())]) }

  func tableDetailsShow(_ tables: [StoreTable]) throws -> CommandOutput { CommandOutput(Shapes.tablesDetails, try tables.map(detailsRow)) }

  private func detailsRow(_ table: StoreTable) throws -> [Scalar] {
    let snapshot = try table.snapshot()
    let description = snapshot.description
    let policies = Policies(metadata)
    func policy(_ name: PolicyName) throws -> Scalar { .string(try policies.effective(name, of: table)?.json ?? "null") }
    let sizes: [Scalar] = [.count(snapshot.extents.count), .size(snapshot.byteSize), .size(snapshot.originalSize), .count(snapshot.rowCount)]
    var row: [Scalar] = [.string(table.name), .string(table.database.name), .text(description.folder), .text(description.docstring)] + sizes + sizes
    row.append(.string(try authorizedPrincipals(.table(table.id))))
    for name in [PolicyName.retention, .caching, .sharding, .merge, .streamingIngestion, .ingestionBatching] { row.append(try policy(name)) }
    row.append(.ticks(snapshot.extents.map(\.minCreatedOn).min()))
    row.append(.ticks(snapshot.extents.map(\.maxCreatedOn).max()))
    row.append(try policy(.roworder))
    row.append(.guid(GUID(table.id) ?? StableGUID.make(table.id)))
    return row
  }

  /// A JSON list of the principals with a role.
  func authorizedPrincipals(_ scope: EntryScope) throws -> String {
    let list = try Principals(metadata).all(in: scope).map { assignment in
      DynamicValue.bag([
        DynamicEntry("Type", .string(assignment.type)), DynamicEntry("DisplayName", .string(assignment.displayName)),
        DynamicEntry("ObjectId", .string(assignment.objectId)), DynamicEntry("FQN", .string(assignment.principal)), DynamicEntry("Notes", .string(assignment.notes)),
        DynamicEntry("RoleAssignmentIdentifier", .string(StableGUID.make(scope.text + assignment.role + assignment.principal).description)),
      ])
    }
    return DynamicValue.array(list).json
  }
}

/// Identifiers made from names, for what has none of its own.
enum StableGUID {
  /// The same text always gives the same id. FNV-1a of the bytes from two starting points.
  static func make(_ text: String) -> GUID {
    var high: UInt64 = 0xCBF2_9CE4_8422_2325
    var low: UInt64 = 0x8422_2325_CBF2_9CE4
    for byte in text.utf8 {
      high = (high ^ UInt64(byte)) &* 0x100_0000_01B3
      low = (low ^ UInt64(byte) ^ (high >> 32)) &* 0x100_0000_01B3
    }
    return GUID(high: high, low: low)
  }
}

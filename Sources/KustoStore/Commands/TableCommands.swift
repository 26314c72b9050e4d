// Role: tables: making, changing, renaming, dropping and showing them.

import Columnar
import DataSource
import KQL

extension CommandRun {
  static let tableProperties = ["docstring", "folder", "hidden"]

  // MARK: Making and changing

  func tableCreate() throws -> CommandOutput {
    guard let name = command.name("table") else { throw KConnectError(.internalError, "no table name") }
    let table = try makeTable(name.text, try declaredSchema(), try properties(Self.tableProperties + ["ifnotexists"]))
    return CommandOutput(Shapes.tableSchema, [try schemaRow(table)])
  }

  /// An existing table stays as it is.
  private func makeTable(_ name: String, _ schema: StructType, _ properties: CommandProperties) throws -> StoreTable {
    let database = try database()
    if let found = try database.tableIfExists(name) { return found }
    let description = TableDescription(name, schema: schema, docstring: properties.text("docstring"), folder: properties.text("folder"))
    let table = try database.createTable(description, ifNotExists: true)
    try metadata.forgetTable(table.id)
    try grantCreator(.table(table.id))
    journal("ADD-TABLE", name, after: SchemaText.csl(schema))
    return table
  }

  func tableCreateBasedOn() throws -> CommandOutput {
    guard let name = command.name("table") else { throw KConnectError(.internalError, "no table name") }
    let source = try table("source").snapshot().description
    let properties = try properties(Self.tableProperties)
    let database = try database()
    if try database.tableIfExists(name.text) != nil, !command.says("ifnotexists") {
      throw KConnectError(.alreadyExists, "the table '\(name.text)' exists already in the database '\(database.name)'", hint: "say ifnotexists to leave it as it is")
    }
    let table = try makeTable(name.text, source.schema, properties)
    return CommandOutput(Shapes.tableSchema, [try schemaRow(table)])
  }

  func tableCreateMerge() throws -> CommandOutput {
    guard let name = command.name("table") else { throw KConnectError(.internalError, "no table name") }
    let table = try mergeTable(name.text, try declaredSchema(), try properties(Self.tableProperties))
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
    let properties = try properties(Self.tableProperties)
    let found = try database().tableIfExists(name.text)
    if let found { try alter(found, properties) { try $0.replace(with: schema) } }
    return CommandOutput(Shapes.tableSchema, [try schemaRow(try found ?? makeTable(name.text, schema, properties))])
  }

  func tablesCreate(merging: Bool) throws -> CommandOutput {
    guard case .tables(let declarations)? = command.arguments["tables"] else { throw KConnectError(.internalError, "no tables") }
    let properties = try properties(Self.tableProperties)
    let made = try declarations.map { declaration in
      let schema = self.schema(declaration.schema)
      return try merging ? mergeTable(declaration.name.text, schema, properties) : makeTable(declaration.name.text, schema, properties)
    }
    return CommandOutput(Shapes.tables, try made.map(tableRow))
  }

  func tableAlter(merging: Bool) throws -> CommandOutput {
    let table = try table()
    let schema = try declaredSchema()
    try alter(table, try properties(Self.tableProperties)) { change in
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
    return try rename([(table.name, new.text)], table.database)
  }

  func tablesRename() throws -> CommandOutput {
    let renames = command.properties("renames").map { (from: $0.text, to: $0.name.text) }
    let database = try database()
    let present = command.says("ifexists") ? try renames.filter { try database.tableIfExists($0.from) != nil } : renames
    return try rename(present, database)
  }

  private func rename(_ renames: [(from: String, to: String)], _ database: Database) throws -> CommandOutput {
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

  func tableShow() throws -> CommandOutput {
    let snapshot = try table().snapshot()
    let rows = snapshot.schema.fields.map { field -> [Scalar] in
      [
        .string(field.name), .string(field.type.systemTypeName), .count(0), .real(0), .count(0), .real(0), .count(0),
        .guid(StableGUID.make("\(snapshot.table.id)/\(field.name)")), .count(0), .string("4"),
      ]
    }
    return CommandOutput(Shapes.tableColumns, rows)
  }

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

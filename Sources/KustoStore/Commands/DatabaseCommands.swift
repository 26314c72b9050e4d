// Role: databases: making, attaching, dropping and showing them.

import Columnar
import DataSource
import KQL

extension CommandRun {
  // MARK: Making and dropping

  func databaseCreate() throws -> CommandOutput {
    guard let name = command.name("database") else { throw KConnectError(.internalError, "no database name") }
    let paths = command.texts("paths")
    for path in paths { try executor.pathGuard?(path) }
    let existed = try store.databaseIfExists(name.text) != nil
    // The first path holds all: tables are directories with their own log, so there is no container for metadata apart from them.
    if paths.count > 0, command.texts("data").isEmpty == false { notes.add("tables and their logs stand in '\(paths[0])'; a second path for data is not needed") }
    let database = try store.createDatabase(name.text, ifNotExists: command.says("ifnotexists"), at: paths.first)
    if !existed {
      try metadata.forgetDatabase(database.name)
      try grantCreator(.database(database.name))
      journal("ADD-DATABASE", database.name, database: database.name)
    }
    return CommandOutput(Shapes.databaseCreate, [[.string(database.name), .string(resolvedPath(database.path)), .string(existed ? "False" : "True"), .bool(true), .bool(true)]])
  }

  func databaseCreateVolatile() throws -> CommandOutput {
    throw KConnectError(.notSupported, "not supported: volatile databases; the store keeps everything on disk", hint: ".create database NAME")
  }

  func databaseAttach() throws -> CommandOutput {
    guard let name = command.name("database"), let path = command.texts("path").first else { throw KConnectError(.internalError, "no database name") }
    try executor.pathGuard?(path)
    guard pathKind(path) == .directory else {
      throw KConnectError(.pathNotFound, "there is no database at '\(path)'", hint: "to make one there: .create database \(name.text) persist (@\"\(path)\")")
    }
    let began = StoreClock.nowTicks
    let database = try store.createDatabase(name.text, at: path)
    let tables = try database.tables()
    let ended = StoreClock.nowTicks
    journal("ATTACH-DATABASE", database.name, database: database.name)
    return CommandOutput(
      Shapes.databaseAttach,
      [
        [.string("Link directory"), .string(TimespanForm.text(ended - began))],
        [.string("Read \(tables.count) tables"), .string(TimespanForm.text(StoreClock.nowTicks - ended))],
      ])
  }

  func databaseDrop() throws -> CommandOutput {
    guard let name = command.name("database") else { throw KConnectError(.internalError, "no database name") }
    let spelled = try executor.resolve(name.text) ?? name.text
    guard let database = try store.databaseIfExists(spelled) else {
      try store.dropDatabase(spelled, ifExists: command.says("ifexists"))
      return CommandOutput(Shapes.databaseDrop, [])
    }
    let tables = try database.tables()
    let rows = try tables.map { [.string($0.name), .string(String(try $0.snapshot().extents.count))] as [Scalar] }
    try store.dropDatabase(spelled)
    afterwards {
      for table in tables { try metadata.forgetTable(table.id) }
      try metadata.forgetDatabase(spelled)
    }
    journal("DROP-DATABASE", spelled, database: spelled)
    return CommandOutput(Shapes.databaseDrop, rows)
  }

  func databaseDetach() throws -> CommandOutput {
    guard let name = command.name("database") else { throw KConnectError(.internalError, "no database name") }
    let spelled = try executor.resolve(name.text) ?? name.text
    guard let database = try store.databaseIfExists(spelled) else {
      try store.dropDatabase(spelled, ifExists: command.says("ifexists"))
      return CommandOutput(Shapes.databaseDrop, [])
    }
    guard resolvedPath(database.path) != database.path else {
      throw KConnectError(
        .notSupported, "the database '\(spelled)' stands in the store's own directory; detaching it would be dropping it",
        hint: "only databases made with persist (…) or attached can be detached; .drop database removes one")
    }
    try store.dropDatabase(spelled)
    journal("DETACH-DATABASE", spelled, database: spelled)
    return CommandOutput(Shapes.databaseDrop, [])
  }

  func prettyNameAlter(dropping: Bool) throws -> CommandOutput {
    let database = try database("database")
    let text = dropping ? "" : command.text("name") ?? ""
    try metadata.put(.database, "prettyname", in: .database(database.name), .string(text))
    return CommandOutput(Shapes.prettyName, [[.string(database.name), .string(text)]])
  }

  func databaseCacheClear() throws -> CommandOutput { CommandOutput(Shapes.cache, [[.string("local"), .string("Succeeded")]]) }

  // MARK: Showing

  func prettyName(_ database: Database) throws -> String {
    try metadata.entry(.database, "prettyname", in: .database(database.name))?.document.stringValue ?? ""
  }

  /// DatabaseName … PrettyName.
  private func head(_ database: Database) throws -> [Scalar] {
    [
      .string(database.name), .string(resolvedPath(database.path)), .string("v1.0"), .bool(database.name == request.database), .string("ReadWrite"),
      .string(try prettyName(database)),
    ]
  }

  private func id(_ database: Database) -> Scalar { .guid(StableGUID.make(store.format.id + "/" + database.name)) }

  func databasesShow(_ databases: [Database]) throws -> CommandOutput {
    CommandOutput(Shapes.databases, try databases.map { try head($0) + [.null(.bool), id($0), .string(""), .string("")] })
  }

  private func policy(_ name: PolicyName, _ database: Database) throws -> Scalar {
    .string(try Policies(metadata).document(name, in: .database(database.name))?.json ?? "null")
  }

  func databasesDetailsShow(_ databases: [Database]) throws -> CommandOutput {
    let rows = try databases.map { database -> [Scalar] in
      let size = try database.tables().reduce(0) { try $0 + $1.snapshot().byteSize }
      return try head(database) + [
        .string(try authorizedPrincipals(.database(database.name))), policy(.retention, database), policy(.merge, database), .string(""), policy(.caching, database),
        policy(.sharding, database), policy(.streamingIngestion, database), policy(.ingestionBatching, database), .size(size), id(database), .string(""),
      ]
    }
    return CommandOutput(Shapes.databasesDetails, rows)
  }

  func databasesIdentityShow(_ databases: [Database]) throws -> CommandOutput {
    return CommandOutput(
      Shapes.databasesIdentity,
      try databases.map { try head($0) + [.bool(try isUnrestrictedViewer($0)), id($0), .string("")] })
  }

  func databasesPoliciesShow(_ databases: [Database]) throws -> CommandOutput {
    let names: [PolicyName] = [.retention, .merge, .caching, .sharding, .streamingIngestion, .ingestionBatching]
    return CommandOutput(
      Shapes.databasesPolicies,
      try databases.map { database in try head(database) + [id(database), .string(try authorizedPrincipals(.database(database.name)))] + names.map { try policy($0, database) } })
  }

  private func isUnrestrictedViewer(_ database: Database) throws -> Bool {
    try Principals(metadata).isUnrestrictedViewer(request.caller, database: database.name, homeTenant: executor.access?.homeTenant)
  }

  func databasesDataStatsShow(_ databases: [Database]) throws -> CommandOutput {
    let rows = try databases.map { database -> [Scalar] in
      var original = 0, bytes = 0, count = 0, extents = 0
      for table in try database.tables() {
        let snapshot = try table.snapshot()
        original += snapshot.originalSize
        bytes += snapshot.byteSize
        count += snapshot.rowCount
        extents += snapshot.extents.count
      }
      let sizes: [Scalar] = [.size(original), .size(bytes), .size(bytes), .real(0), .count(count)]
      return try head(database) + [.bool(try isUnrestrictedViewer(database)), id(database)] + sizes + sizes + [.count(extents), .count(extents)]
    }
    return CommandOutput(Shapes.databasesDataStats, rows)
  }

  func databasesEntitiesShow() throws -> CommandOutput {
    var rows: [[Scalar]] = []
    for database in try databases() {
      func add(_ type: String, _ name: String, _ docstring: String, _ folder: String, input: String = "", content: String = "", output: String = "", _ properties: DynamicValue = .bag([])) {
        rows.append([
          .string(database.name), .string(type), .string(name), .string(docstring), .string(folder), .string(input), .string(content), .string(output), .dynamic(properties),
        ])
      }
      for table in try database.tables() {
        let description = try table.snapshot().description
        add("Table", table.name, description.docstring ?? "", description.folder ?? "", output: SchemaText.csl(description.schema))
      }
      for view in try MaterializedView.all(in: database.name, metadata) { add("MaterializedView", view.name, view.docstring, view.folder, content: try visible(view.query, in: database.name)) }
      for table in try ExternalTable.all(in: database.name, metadata) {
        add("ExternalTable", table.name, table.docstring, table.folder, output: SchemaText.csl(table.schema))
      }
      for function in try StoredFunction.all(in: database.name, metadata) {
        add("Function", function.name, function.docstring, function.folder, input: function.parameters, content: try body(function, in: database.name))
      }
    }
    return CommandOutput(Shapes.entities, rows)
  }
}

// Role: the one point where commands are refused: what a command needs, applied to the entities it names.

import Columnar
import DataSource
import KQL

extension CommandRun {
  /// Throws PERMISSION unless the request's principal may carry the command out. Without access control everything may be done.
  func authorize() throws {
    guard let access = try executor.requestAccess(request.properties) else { return }
    for need in command.kind.needs { try check(need, access) }
  }

  /// `perform operation TableDrop`.
  private var doing: String { "perform operation \(command.kind.typeName)" }

  private func check(_ need: CommandNeed, _ access: RequestAccess) throws {
    switch need {
    case .nothing: return
    case .cluster(let roles): try access.requireCluster(roles, to: doing)
    case .current(let rights): try access.require(rights, on: try currentName(), to: doing)
    case .named(let rights):
      try access.require(rights, on: try command.name("database").map { try executor.resolve($0.text) ?? $0.text } ?? currentName(), to: doing)
    case .listed(let rights):
      for name in command.names("databases") { try access.require(rights, on: try executor.resolve(name.text) ?? name.text, to: doing) }
    case .entity(let kind, let key, let role): try check(kind, key, role, access)
    case .tables(let key, let role): for path in tablePaths(key) { try check(path, role, access) }
    case .made(let kind, let key, let role): try checkMade(kind, key, role, access)
    case .madeTables(let changing):
      var names = command.name("table").map { [$0.text] } ?? []
      if case .tables(let declared)? = command.arguments["tables"] { names = declared.map(\.name.text) }
      for name in names { try checkNew(name, role: changing ? .admins : nil, access) }
    case .ingestion: try access.requireIngestion(into: store)
    case .policy: try checkPolicy(access)
    case .principals: try checkPrincipals(access)
    case .mapping: try checkMapping(access)
    }
  }

  /// The current database's name; throws USAGE where none is chosen.
  private func currentName() throws -> String {
    guard let name = request.database else { return try database().name }
    return name
  }

  // MARK: Tables

  /// A table by the parts of its name; one that is not there is the database's business.
  private func check(_ path: [String], _ role: Role, _ access: RequestAccess) throws {
    let home = try path.count > 1 ? executor.resolve(path[path.count - 2]) ?? path[path.count - 2] : currentName()
    guard let name = path.last, name != "*", let table = try store.databaseIfExists(home)?.tableIfExists(name) else {
      return try access.require(role == .ingestors ? .ingest : .administer, on: home, to: doing)
    }
    try access.require(role, of: table, to: doing)
  }

  /// The tables a capture names, each by the parts of its name.
  private func tablePaths(_ key: String) -> [[String]] {
    switch key {
    case "renames": command.properties("renames").map { [$0.text] }
    case "columns": command.properties("renames").map { $0.text.split(separator: ".").map(String.init).dropLast() }
    case "column": [command.path("column").map(\.text).dropLast()]
    default: command.names(key).map { [$0.text] }
    }
  }

  /// A table to be made, or one that is there: then `role` is needed to change it; nil: it stays as it is.
  private func checkNew(_ name: String, role: Role?, _ access: RequestAccess) throws {
    let home = try currentName()
    if let table = try store.databaseIfExists(home)?.tableIfExists(name) {
      if let role { try access.require(role, of: table, to: doing) } else { try access.require(.create, on: home, to: doing) }
      return
    }
    try access.require(.create, on: home, to: doing)
    // What has the name of a view or function could stand in for what row level security relies on.
    if try isTaken(name, home) { try access.require(.administer, on: home, to: doing + " (the name '\(name)' is that of a function or view)") }
  }

  private func isTaken(_ name: String, _ database: String) throws -> Bool {
    if try StoredFunction.find(name, in: database, metadata) != nil { return true }
    return try MaterializedView.find(name, in: database, metadata) != nil
  }

  // MARK: Other entities

  private func check(_ kind: CommandEntity, _ key: String, _ role: Role, _ access: RequestAccess) throws {
    if kind == .table {
      let path = command.path(key).map(\.text)
      if path.isEmpty { return try access.require(role == .ingestors ? .ingest : .administer, on: try currentName(), to: doing) }
      try check(path, role, access)
      if command.kind == .tableRename, let new = command.name("name")?.text { try checkNew(new, role: .admins, access) }
      return
    }
    let home = try currentName()
    for name in command.names(key).isEmpty ? [command.name(key)?.text ?? ""] : command.names(key).map(\.text) {
      try access.require(role, of: scope(kind, name, home), named: "\(kind.shown) '\(name)'", "\(kind.shown) \(quotedName(name))", in: home, to: doing)
    }
  }

  private func checkMade(_ kind: CommandEntity, _ key: String, _ role: Role, _ access: RequestAccess) throws {
    let home = try currentName()
    guard let name = command.name(key)?.text else { return try access.require(.administer, on: home, to: doing) }
    let isThere: Bool
    switch kind {
    case .table: return try checkNew(name, role: role, access)
    case .function: isThere = try StoredFunction.find(name, in: home, metadata) != nil
    case .external: isThere = try ExternalTable.find(name, in: home, metadata) != nil
    case .view: isThere = try MaterializedView.find(name, in: home, metadata) != nil
    }
    if isThere { return try check(kind, key, role, access) }
    try access.require(kind == .view ? .administer : .create, on: home, to: doing)
    // A function stands before a table of its name, also where row level security relies on the table.
    guard kind == .function, try store.databaseIfExists(home)?.tableIfExists(name) != nil || MaterializedView.find(name, in: home, metadata) != nil else { return }
    try access.require(.administer, on: home, to: doing + " (the name '\(name)' is that of a table or view)")
  }

  private func scope(_ kind: CommandEntity, _ name: String, _ home: String) -> EntryScope {
    switch kind {
    case .table, .function: .function(database: home, name)
    case .view: .view(database: home, name)
    case .external: .external(database: home, name)
    }
  }

  // MARK: Policies, principals, mappings

  private func checkPolicy(_ access: RequestAccess) throws {
    let shows = command.kind == .policyShow
    let policy = command.text("policy").flatMap { PolicyName(rawValue: $0) }
    let home = try request.database ?? executor.resolve(nil) ?? ""
    if command.arguments["tables"] != nil || command.arguments["table"] != nil || command.arguments["column"] != nil {
      var paths = command.arguments["tables"] == nil ? [command.path(command.arguments["table"] == nil ? "column" : "table").map(\.text)] : command.names("tables").map { [$0.text] }
      if command.arguments["column"] != nil { paths = paths.map { $0.dropLast() } }
      for path in paths {
        if shows || policy == .partitioning {
          try access.require(shows ? .show : .administer, on: path.count > 1 ? try executor.resolve(path[path.count - 2]) ?? path[path.count - 2] : home, to: doing)
        } else {
          try check(path, policy == .ingestionTime ? .ingestors : .admins, access)
        }
      }
      return
    }
    if let name = (command.name("view") ?? command.name("external"))?.text {
      let kind: CommandEntity = command.name("view") == nil ? .external : .view
      if shows || policy == .rowLevelSecurity { return try access.require(shows ? .show : .administer, on: home, to: doing) }
      return try access.require(.admins, of: scope(kind, name, home), named: "\(kind.shown) '\(name)'", "\(kind.shown) \(quotedName(name))", in: home, to: doing)
    }
    if command.says("database"), policy != .managedIdentity || shows {
      let name = command.name("database")?.text
      if name != "*" { return try access.require(shows ? .show : .administer, on: try name.flatMap { try executor.resolve($0) ?? $0 } ?? currentName(), to: doing) }
    }
    try access.requireCluster(shows ? [.allDatabasesMonitor, .allDatabasesAdmin] : [.allDatabasesAdmin], to: doing)
  }

  private func checkPrincipals(_ access: RequestAccess) throws {
    let shows = command.kind == .principalsShow
    for kind in [CommandEntity.table, .function, .view, .external] where command.arguments[kind.rawValue] != nil {
      return shows ? try access.require(.show, on: try currentName(), to: doing) : try check(kind, kind.rawValue, .admins, access)
    }
    if command.says("database") { return try check(.named(shows ? .show : .administer), access) }
    try access.requireCluster(shows ? [.allDatabasesMonitor, .allDatabasesAdmin] : [.allDatabasesAdmin], to: doing)
  }

  private func checkMapping(_ access: RequestAccess) throws {
    let shows = command.kind.isReadOnly
    let home = try command.name("database").map { try executor.resolve($0.text) ?? $0.text } ?? currentName()
    if shows, try access.rights(on: home).contains(.show) { return }
    if command.arguments["table"] != nil { return try check(.table, "table", .ingestors, access) }
    try access.require(.ingest, on: home, to: doing)
  }

  // MARK: Creators and others

  /// Makes the caller the admin of what it has just made.
  func grantCreator(_ scope: EntryScope) throws {
    guard executor.access != nil, let principal = request.properties.principal, principal.kind != .localUser,
      let reference = PrincipalReference(principal.fullyQualifiedName)
    else { return }
    try Principals(metadata).add(reference, displayName: principal.displayName, role: .admins, notes: "", in: scope)
  }

  /// Whether the caller may see what another principal did: in databases it monitors, and its own always.
  func mayKnow(of principal: String, database name: String) throws -> Bool {
    guard let access = try executor.requestAccess(request.properties), principal != access.principal.fullyQualifiedName else { return true }
    return try access.rights(on: name).contains(.monitor)
  }
}

extension CommandEntity {
  /// As messages and commands call it.
  var shown: String {
    switch self {
    case .table: "table"
    case .function: "function"
    case .view: "materialized-view"
    case .external: "external table"
    }
  }
}

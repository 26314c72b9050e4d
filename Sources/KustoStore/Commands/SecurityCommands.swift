// Role: `.show`, `.add`, `.drop` and `.set` of principals and their roles.

import Columnar
import DataSource
import KQL

extension CommandRun {
  /// The entity a role command is about: its scope, and how it is shown in role names.
  private func roleScope() throws -> (scope: EntryScope, shown: String) {
    if command.arguments["table"] != nil {
      let table = try table()
      return (.table(table.id), "Table \(table.name)")
    }
    if command.arguments["function"] != nil {
      let function = try function()
      return (.function(database: try database().name, function.name), "Function \(function.name)")
    }
    if let name = command.name("view")?.text { return (.view(database: try database().name, name), "Materialized View \(name)") }
    if let name = command.name("external")?.text { return (.external(database: try database().name, name), "External Table \(name)") }
    if command.says("database") {
      let database = try database("database")
      return (.database(database.name), "Database \(database.name)")
    }
    return (.cluster, "")
  }

  func principalsShow() throws -> CommandOutput {
    let (scope, shown) = try roleScope()
    return CommandOutput(Shapes.principals, try principalRows(scope, shown))
  }

  private func principalRows(_ scope: EntryScope, _ shown: String) throws -> [[Scalar]] {
    try assignments(in: scope).map { assignment in
      [
        .string(Self.roleName(assignment.role, shown)), .string(assignment.type), .string(assignment.displayName), .string(assignment.objectId),
        .string(assignment.principal), .string(assignment.notes), .string(StableGUID.make(scope.text + assignment.role + assignment.principal).description),
      ]
    }
  }

  /// What is stored, and on the cluster the administrators of the configuration.
  private func assignments(in scope: EntryScope) throws -> [Principals.Assignment] {
    let stored = try Principals(metadata).all(in: scope)
    guard scope == .cluster, let access = executor.access else { return stored }
    return access.admins.map {
      Principals.Assignment(principal: $0.canonical, role: Role.allDatabasesAdmin.rawValue, notes: "by configuration", displayName: $0.name)
    } + stored
  }

  /// `Database telemetry Admin`; roles of the cluster stand alone.
  private static func roleName(_ role: String, _ shown: String) -> String { (shown.isEmpty ? "" : shown + " ") + (Role(role)?.shownName ?? role) }

  func principalsChange() throws -> CommandOutput {
    let (scope, shown) = try roleScope()
    let principals = Principals(metadata)
    let word = command.text("role") ?? ""
    guard let role = Role(word), Role.fitting(scope).contains(role) else {
      throw KConnectError(
        .usage, "the role '\(word)' cannot be given on \(shown.isEmpty ? "the cluster" : shown)",
        hint: "roles: \(Role.fitting(scope).map(\.commandName).joined(separator: ", "))")
    }
    let references = try command.texts("principals").map { name in
      guard let reference = PrincipalReference(name) else {
        throw KConnectError(
          .valueInvalid, "'\(name.prefix(200))' is no principal",
          hint: "as in aaduser=user@domain.com, aadapp=<id>;<tenant>, aadgroup=<name>;<tenant> or localuser=\(Request.userName)")
      }
      return reference
    }
    let notes = command.text("notes") ?? ""
    switch command.kind {
    case .principalsSet: try principals.set(references, role: role, notes: notes, in: scope)
    case .principalsDrop: for reference in references { try principals.drop(reference, role: role, in: scope) }
    default: for reference in references { try principals.add(reference, displayName: reference.name, role: role, notes: notes, in: scope) }
    }
    return CommandOutput(Shapes.principals, command.says("skip-results") ? [] : try principalRows(scope, shown))
  }

  /// The caller's roles, or those given to the principal of that very text; on the entity named and what contains it, else everywhere.
  func principalRolesShow() throws -> CommandOutput {
    let named = try command.text("principal").map { text in
      guard let reference = PrincipalReference(text) else { throw KConnectError(.valueInvalid, "'\(text.prefix(200))' is no principal", hint: "as in aaduser=user@domain.com") }
      return reference
    }
    if let named, let access = try executor.requestAccess(request.properties), !access.principal.isMeant(by: named, homeTenant: access.control.homeTenant) {
      try access.requireCluster([.allDatabasesMonitor, .allDatabasesAdmin], to: "see the roles of another principal")
    }
    let homeTenant = executor.access?.homeTenant
    var rows: [[Scalar]] = []
    func add(_ scope: EntryScope, _ shown: String) throws {
      for assignment in try assignments(in: scope)
      where named.map({ $0.canonical == assignment.principal }) ?? assignment.means(request.caller, homeTenant: homeTenant) {
        rows.append([.string(shown.isEmpty ? "Cluster" : shown), .string(assignment.displayName), .string(assignment.objectId), .string(Self.roleName(assignment.role, shown))])
      }
    }
    try add(.cluster, "")
    let (scope, shown) = try roleScope()
    if case .cluster = scope {
      for name in try store.databaseNames() { try add(.database(name), "Database \(name)") }
      if !command.says("cluster"), let database = try? database() { for table in try database.tables() { try add(.table(table.id), "Table \(table.name)") } }
    } else {
      if case .database = scope {} else { try add(.database(try database().name), "Database \(try database().name)") }
      try add(scope, shown)
    }
    return CommandOutput(Shapes.principalRoles, rows)
  }
}

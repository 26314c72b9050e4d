// Role: principals and their roles, as stored.

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
    if let name = command.name("view")?.text { return (.view(database: try database().name, name), "MaterializedView \(name)") }
    if let name = command.name("external")?.text { return (.external(database: try database().name, name), "ExternalTable \(name)") }
    if command.says("database") {
      let database = try database("database")
      return (.database(database.name), "Database \(database.name)")
    }
    return (.cluster, "All databases")
  }

  func principalsShow() throws -> CommandOutput {
    let (scope, shown) = try roleScope()
    return CommandOutput(Shapes.principals, try principalRows(scope, shown))
  }

  private func principalRows(_ scope: EntryScope, _ shown: String) throws -> [[Scalar]] {
    try Principals(metadata).all(in: scope).map { assignment in
      [
        .string(Self.roleName(assignment.role, shown)), .string(assignment.type), .string(assignment.displayName), .string(""), .string(assignment.principal),
        .string(assignment.notes), .string(StableGUID.make(scope.text + assignment.role + assignment.principal).description),
      ]
    }
  }

  /// `Database telemetry Admin`.
  private static func roleName(_ role: String, _ shown: String) -> String {
    let words = [
      "admins": "Admin", "users": "User", "viewers": "Viewer", "unrestrictedviewers": "UnrestrictedViewer", "ingestors": "Ingestor", "monitors": "Monitor",
      "databasecreators": "DatabaseCreator",
    ]
    return "\(shown) \(words[role] ?? role)"
  }

  func principalsChange() throws -> CommandOutput {
    let (scope, shown) = try roleScope()
    let principals = Principals(metadata)
    let role = command.text("role") ?? ""
    let names = command.texts("principals")
    for name in names where !name.contains("=") {
      throw KConnectError(.valueInvalid, "'\(name)' is no principal", hint: "as in aaduser=user@domain.com, aadapp=<id>;<tenant> or localuser=\(Request.userName)")
    }
    if command.kind == .principalsSet {
      for old in try principals.all(in: scope) where old.role == role { try principals.drop(old.principal, role: role, in: scope) }
    }
    for name in names {
      if command.kind == .principalsDrop {
        try principals.drop(name, role: role, in: scope)
      } else {
        try principals.add(name, role: role, notes: command.text("notes") ?? "", in: scope)
      }
    }
    return CommandOutput(Shapes.principals, command.says("skip-results") ? [] : try principalRows(scope, shown))
  }

  func principalRolesShow() throws -> CommandOutput {
    let principal = command.text("principal") ?? request.principal
    var rows: [[Scalar]] = []
    func add(_ scope: EntryScope, _ shown: String) throws {
      for assignment in try Principals(metadata).all(in: scope) where assignment.principal == principal {
        rows.append([.string(shown), .string(assignment.displayName), .string(""), .string(Self.roleName(assignment.role, shown))])
      }
    }
    try add(.cluster, "All databases")
    for name in try store.databaseNames() { try add(.database(name), "Database \(name)") }
    if let database = try? database() { for table in try database.tables() { try add(.table(table.id), "Table \(table.name)") } }
    return CommandOutput(Shapes.principalRoles, rows)
  }
}

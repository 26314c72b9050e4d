// Role: which rights a write needs, and which of them the caller lacks, asked of the cluster without changing anything.
// Source: the connector's table of privileges; ".show principal roles".

import Columnar
import DataSource

/// The rights of one write.
struct WriteRights: Sendable {
  let tables: ClusterTables
  let table: String
  /// Rows are staged in a table of their own and moved.
  let moves: Bool
  /// The table is made when it is missing.
  let makesTable: Bool

  /// Roles by where they are held.
  private struct Held {
    var cluster: Set<String> = [], database: Set<String> = [], table: Set<String> = []

    /// Admins of databases may do everything in them.
    func allows(database wanted: Set<String>, table own: Set<String> = []) -> Bool {
      if cluster.contains("AllDatabasesAdmin") || database.contains("Admin") { return true }
      return !database.isDisjoint(with: wanted) || !table.isDisjoint(with: own) || wanted.contains("Viewer") && cluster.contains("AllDatabasesViewer")
    }
  }

  /// Lines such as `admin on the table 'T', to move rows into it`; empty when the write may go on. Throws what the cluster says.
  func missing() throws -> [String] {
    let place = ".show database \(ClusterTables.quoted(tables.database)) principal roles"
    var held = Held()
    try add(try tables.client.command(place, database: tables.database, activity: "rolesShow"), to: &held)
    guard held.allows(database: ["Viewer", "User", "Monitor"]) else {
      // Whether the table is there cannot be seen.
      return ["viewer on the database '\(tables.database)', to see the table"] + lacking(held, exists: true)
    }
    let exists = try tables.schema(table) != nil
    if exists {
      try add(try tables.client.command(".show table \(ClusterTables.quoted(table)) principal roles", database: tables.database, activity: "rolesShow"), to: &held)
    }
    return lacking(held, exists: exists)
  }

  private func lacking(_ held: Held, exists: Bool) -> [String] {
    var out: [String] = []
    let makes = !exists && makesTable
    if makes || moves, !held.allows(database: ["User"]) {
      out.append("user on the database '\(tables.database)', to make \(makes ? "the table" : "a staging table")")
    }
    if exists, moves, !held.allows(database: [], table: ["Admin"]) { out.append("admin on the table '\(table)', to move rows into it") }
    if exists, !moves, !held.allows(database: ["Ingestor"], table: ["Ingestor", "Admin"]) { out.append("ingestor on the table '\(table)', to bring rows into it") }
    return out
  }

  /// `Database db Admin`, `Table t Ingestor`, `AllDatabasesViewer`.
  private func add(_ answer: CommandAnswer, to held: inout Held) throws {
    for (scope, role) in zip(answer.texts("Scope"), answer.texts("Role")) {
      let word = String(role.split(separator: " ").last ?? "")
      if word.hasPrefix("AllDatabases") || scope == "Cluster" { held.cluster.insert(word) } else if scope.hasPrefix("Table ") || role.hasPrefix("Table ") {
        held.table.insert(word)
      } else { held.database.insert(word) }
    }
  }

  /// The error that names what is missing; nil when nothing is. `cause`: what the cluster refused.
  func error(_ missing: [String], after cause: KConnectError? = nil) -> KConnectError? {
    guard !missing.isEmpty else { return nil }
    return KConnectError(
      .permission, "rights are missing to write to '\(table)' of '\(tables.client.address.engine)': " + missing.joined(separator: "; ") + (cause.map { " (\($0.message))" } ?? ""),
      hint: "an administrator gives them: .add database … users ('…'), .add table … admins ('…')", cause: cause)
  }
}

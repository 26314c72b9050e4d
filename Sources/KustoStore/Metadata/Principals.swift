// Role: roles of principals, as stored. The embedded store has no identities of its own: roles are kept and shown, and the role of
// unrestricted viewers is asked for where a table restricts its view.

import Columnar
import DataSource

struct Principals: Sendable {
  let metadata: MetadataStore

  init(_ metadata: MetadataStore) { self.metadata = metadata }

  struct Assignment: Sendable {
    var principal: String
    var role: String
    var notes: String

    var type: String {
      if principal.hasPrefix("aadgroup") { return "AAD Group" }
      if principal.hasPrefix("aadapp") { return "AAD Application" }
      return principal.hasPrefix("aaduser") ? "AAD User" : "Local User"
    }

    var displayName: String { principal.split(separator: "=", maxSplits: 1).last.map(String.init) ?? principal }
  }

  func all(in scope: EntryScope) throws -> [Assignment] {
    try metadata.entries(.principal, in: scope).map { entry in
      Assignment(
        principal: entry.document["Principal"]?.stringValue ?? "", role: entry.document["Role"]?.stringValue ?? "", notes: entry.document["Notes"]?.stringValue ?? "")
    }
  }

  func add(_ principal: String, role: String, notes: String, in scope: EntryScope) throws {
    try metadata.put(
      .principal, role + "|" + principal, in: scope,
      .bag([DynamicEntry("Principal", .string(principal)), DynamicEntry("Role", .string(role)), DynamicEntry("Notes", .string(notes))]))
  }

  func drop(_ principal: String, role: String, in scope: EntryScope) throws { try metadata.remove(.principal, role + "|" + principal, in: scope) }

  func isUnrestrictedViewer(_ principal: String, database: String) throws -> Bool {
    try all(in: .database(database)).contains { $0.role == "unrestrictedviewers" && $0.principal == principal }
  }
}

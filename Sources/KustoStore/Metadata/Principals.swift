// Role: roles of principals, as stored: one entry per role and principal in each scope.

import Columnar
import DataSource

struct Principals: Sendable {
  let metadata: MetadataStore

  init(_ metadata: MetadataStore) { self.metadata = metadata }

  struct Assignment: Sendable {
    /// The reference in its stored spelling.
    var principal: String
    var role: String
    var notes: String
    var displayName: String

    var reference: PrincipalReference? { PrincipalReference(principal) }
    var knownRole: Role? { Role(role) }

    /// The column PrincipalType.
    var type: String { reference?.kind.shownName ?? "" }

    /// The column PrincipalObjectId: the id, where the reference names it.
    var objectId: String { reference.flatMap { GUID($0.name) == nil ? nil : $0.name } ?? "" }

    /// Whether the role is this principal's, by itself or through a group.
    func means(_ principal: Principal, homeTenant: String?) -> Bool { reference.map { principal.isMeant(by: $0, homeTenant: homeTenant) } ?? false }
  }

  func all(in scope: EntryScope) throws -> [Assignment] {
    try metadata.entries(.principal, in: scope).map { entry in
      func text(_ key: String) -> String { entry.document[key]?.stringValue ?? "" }
      let principal = text("Principal")
      let shown = text("DisplayName")
      return Assignment(
        principal: principal, role: text("Role"), notes: text("Notes"), displayName: shown.isEmpty ? PrincipalReference(principal)?.name ?? principal : shown)
    }
  }

  func add(_ principal: PrincipalReference, displayName: String, role: Role, notes: String, in scope: EntryScope) throws {
    try metadata.put(.principal, Self.key(principal, role), in: scope, Self.document(principal, displayName, role, notes))
  }

  func drop(_ principal: PrincipalReference, role: Role, in scope: EntryScope) throws {
    try metadata.remove(.principal, Self.key(principal, role), in: scope)
  }

  /// Gives the role to these and to nobody else, in one transaction.
  func set(_ principals: [PrincipalReference], role: Role, notes: String, in scope: EntryScope) throws {
    try metadata.replace(
      .principal, withPrefix: role.rawValue + "|", in: scope, by: principals.map { (Self.key($0, role), Self.document($0, $0.name, role, notes)) })
  }

  private static func key(_ principal: PrincipalReference, _ role: Role) -> String { role.rawValue + "|" + principal.canonical }

  private static func document(_ principal: PrincipalReference, _ displayName: String, _ role: Role, _ notes: String) -> DynamicValue {
    .bag([
      DynamicEntry("Principal", .string(principal.canonical)), DynamicEntry("Role", .string(role.rawValue)), DynamicEntry("Notes", .string(notes)),
      DynamicEntry("DisplayName", .string(displayName.isEmpty ? principal.name : displayName)),
    ])
  }

  /// Whether restricted views of the database are open to the principal.
  func isUnrestrictedViewer(_ principal: Principal, database: String, homeTenant: String?) throws -> Bool {
    try all(in: .database(database)).contains { $0.knownRole == .unrestrictedviewers && $0.means(principal, homeTenant: homeTenant) }
  }
}

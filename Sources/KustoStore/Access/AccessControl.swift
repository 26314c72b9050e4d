// Role: whether requests are checked at all, and the answers about one principal: its roles in a scope, its rights on a database. Roles are read
// from the store at each question, so that a change counts at once.

import Columnar
import DataSource
import KQL

/// Access control of an executor: without it every request may do everything, as the user of the process can.
package struct AccessControl: Sendable {
  /// Administrators of all databases besides those the store knows: how a new store gets its first one.
  package var admins: [PrincipalReference]
  /// The tenant of references that name none; nil: such a reference means identities of every tenant.
  package var homeTenant: String?

  package init(admins: [PrincipalReference] = [], homeTenant: String? = nil) {
    self.admins = admins
    self.homeTenant = homeTenant
  }
}

/// What the principal of a request may do.
struct RequestAccess: Sendable {
  let control: AccessControl
  let metadata: MetadataStore
  let principal: Principal

  /// The roles given in exactly this scope.
  func roles(in scope: EntryScope) throws -> Set<Role> {
    var found: Set<Role> = []
    for assignment in try Principals(metadata).all(in: scope) where assignment.means(principal, homeTenant: control.homeTenant) {
      if let role = assignment.knownRole { found.insert(role) }
    }
    if scope == .cluster, control.admins.contains(where: { principal.isMeant(by: $0, homeTenant: control.homeTenant) }) { found.insert(.allDatabasesAdmin) }
    return found
  }

  /// Whether the principal owns the store's files: the process itself.
  private var isOwner: Bool { principal.kind == .localUser }

  /// The rights that hold in every database.
  private func clusterRights() throws -> DatabaseRights {
    if isOwner { return .all }
    return try roles(in: .cluster).reduce(into: []) { $0.formUnion(DatabaseRights($1)) }
  }

  /// The rights on a database; it need not exist.
  func rights(on database: String) throws -> DatabaseRights {
    try roles(in: .database(database)).reduce(into: clusterRights()) { $0.formUnion(DatabaseRights($1)) }
  }

  /// Whether the database is among those the principal has to do with.
  func knows(_ database: Database) throws -> Bool {
    if !(try rights(on: database.name)).isEmpty { return true }
    return try database.tables().contains { !(try roles(in: .table($0.id))).isEmpty }
  }

  /// Whether there is a table that the principal may bring rows into, or make.
  func mayIngest(_ store: Store) throws -> Bool {
    for name in try store.databaseNames() {
      if !(try rights(on: name)).isDisjoint(with: [.ingest, .create]) { return true }
      for table in try store.database(name).tables() where !(try roles(in: .table(table.id))).isEmpty { return true }
    }
    return false
  }

  // MARK: Checks

  /// Throws PERMISSION unless there is a table that the principal may bring rows into, or make.
  func requireIngestion(into store: Store) throws {
    guard try !mayIngest(store) else { return }
    throw KConnectError(.permission, "Principal '\(principal)' is not authorized to ingest into any table")
  }

  /// Throws PERMISSION unless the principal has the rights. `doing` completes "is not authorized to".
  func require(_ wanted: DatabaseRights, on database: String, to doing: String) throws {
    if try rights(on: database).isSuperset(of: wanted) { return }
    throw denied(doing, "database '\(database)'", role: wanted.leastRole, scope: "database \(quotedName(database))")
  }

  /// Throws PERMISSION unless the principal has the role in the scope, or administers its database. `shown` and `place` are the scope as
  /// messages and commands say it.
  func require(_ role: Role, of scope: EntryScope, named shown: String, _ place: String, in database: String, to doing: String) throws {
    let rights = try rights(on: database)
    if rights.contains(.administer) || (role == .ingestors && rights.contains(.ingest)) { return }
    let own = try roles(in: scope)
    if own.contains(role) || own.contains(.admins) { return }
    throw denied(doing, shown, role: role, scope: place)
  }

  /// Throws PERMISSION unless the principal may do what the table's admin (or ingestor) may.
  func require(_ role: Role, of table: StoreTable, to doing: String) throws {
    try require(role, of: .table(table.id), named: "table '\(table.name)'", "table \(quotedName(table.name))", in: table.database.name, to: doing)
  }

  /// Throws PERMISSION unless the principal has one of the cluster's roles.
  func requireCluster(_ wanted: [Role], to doing: String) throws {
    if isOwner { return }
    let own = try roles(in: .cluster)
    if wanted.contains(where: own.contains) { return }
    throw denied(doing, "the cluster", role: wanted[0], scope: "cluster")
  }

  private func denied(_ doing: String, _ place: String, role: Role, scope: String) -> KConnectError {
    KConnectError(
      .permission, "Principal '\(principal.fullyQualifiedName)' is not authorized to \(doing) on \(place)",
      hint: "an administrator gives the right: .add \(scope) \(role.commandName) ('\(principal.fullyQualifiedName)')")
  }
}

extension CommandExecutor {
  /// The checks for a request; nil without access control. Throws PERMISSION for a request that nobody stands for.
  func requestAccess(_ properties: RequestProperties) throws -> RequestAccess? {
    guard let access else { return nil }
    guard let principal = properties.principal else {
      throw KConnectError(.permission, "the request has no principal and access control is on", hint: "send a token: Authorization: Bearer …")
    }
    return RequestAccess(control: access, metadata: metadata, principal: principal)
  }

  /// The same before it is known whether the table is there: who may not ingest is not told.
  package func requireIngestion(database name: String, table: String, _ properties: RequestProperties) throws {
    guard let access = try requestAccess(properties) else { return }
    let home = try resolve(name) ?? name
    guard let found = try store.databaseIfExists(home)?.tableIfExists(table) else { return try access.require(.ingest, on: home, to: "ingest") }
    try access.require(.ingestors, of: found, to: "ingest")
  }

  /// Throws PERMISSION unless the request's principal may bring rows into some table.
  package func requireIngestion(_ properties: RequestProperties) throws { try requestAccess(properties)?.requireIngestion(into: store) }

  /// Throws PERMISSION unless the request's principal may bring rows into the table: for ingestion that does not come as a command.
  package func requireIngestion(into table: StoreTable, _ properties: RequestProperties) throws {
    try requestAccess(properties)?.require(.ingestors, of: table, to: "ingest")
  }
}

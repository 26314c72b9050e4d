// Role: the names one request can use: tables behind their policies, functions, views, external tables, and who asks.

import Columnar
import DataSource
import Engine
import Expressions
import KQL

/// The catalog of a request. Every table is read at the snapshot taken when it is first named.
final class SessionCatalog: KQLCatalog {
  let executor: CommandExecutor
  let request: Request
  private let base: StoreCatalog
  /// Plans that stand for tables of the current database: the rows just ingested, for update policies; results of commands.
  private let standIns: [String: LogicalPlan]
  /// Tables whose row level security query is being bound: inside it they are themselves.
  private let unguarded: Set<String>

  convenience init(_ executor: CommandExecutor, _ request: Request) {
    let metadata = executor.metadata
    let base = StoreCatalog(executor.store, database: request.database) { name, database in
      try StoredFunction.find(name, in: database, metadata)?.lambdaText
    }
    self.init(executor, request, base, standIns: [:], unguarded: [])
  }

  private init(_ executor: CommandExecutor, _ request: Request, _ base: StoreCatalog, standIns: [String: LogicalPlan], unguarded: Set<String>) {
    self.executor = executor
    self.request = request
    self.base = base
    self.standIns = standIns
    self.unguarded = unguarded
  }

  /// The same names, and one more that hides what had it.
  func adding(_ name: String, _ plan: LogicalPlan) -> SessionCatalog {
    SessionCatalog(executor, request, base, standIns: standIns.merging([name: plan]) { $1 }, unguarded: unguarded)
  }

  private func without(guard id: String) -> SessionCatalog {
    SessionCatalog(executor, request, base, standIns: standIns, unguarded: unguarded.union([id]))
  }

  // MARK: Tables

  func table(_ name: String, database: String?) throws -> LogicalPlan? { try plan(name, database: database, withOrigin: false) }

  func tableWithOrigin(_ name: String, database: String?) throws -> LogicalPlan? { try plan(name, database: database, withOrigin: true) }

  func tableNames(database: String?) -> [String] {
    let home = resolve(database)
    return base.tableNames(database: home) + (home.map { MaterializedView.names(in: $0, executor.metadata) } ?? []) + (database == nil ? standIns.keys.sorted() + (request.properties.surroundings?.tableNames(database: nil) ?? []) : [])
  }

  func externalData(_ request: ExternalDataRequest) throws -> LogicalPlan? { try self.request.properties.surroundings?.externalData(request) }
  func externalSchema(_ request: ExternalDataRequest) throws -> StructType? { try self.request.properties.surroundings?.externalSchema(request) }

  func functionText(_ name: String, database: String?) throws -> String? { try base.functionText(name, database: resolve(database)) }

  var databaseNames: [String] { base.databaseNames }

  /// The snapshot this request reads.
  func snapshot(_ name: String, database: String? = nil) throws -> TableSnapshot? { try base.snapshot(name, database: resolve(database)) }

  private func resolve(_ database: String?) -> String? {
    guard let database, !database.isEmpty else { return request.database }
    return (try? executor.resolve(database)) ?? database
  }

  private func plan(_ name: String, database: String?, withOrigin: Bool) throws -> LogicalPlan? {
    let home = resolve(database)
    if home == request.database, let plan = standIns[name] { return plan }
    if database == nil, let plan = try request.properties.surroundings?.table(name, database: nil) { return plan }
    guard let home else { return nil }
    guard let snapshot = try base.snapshot(name, database: home) else {
      return home == request.database ? try materializedView(name) : nil
    }
    return try guarded(snapshot, withOrigin: withOrigin)
  }

  /// The table as this principal may see it.
  private func guarded(_ snapshot: TableSnapshot, withOrigin: Bool) throws -> LogicalPlan {
    let id = snapshot.table.id
    if unguarded.contains(id) { return try raw(snapshot, withOrigin: withOrigin) }
    let policies = Policies(executor.metadata)
    if try policies.isEnabled(.restrictedViewAccess, of: id), try !Principals(executor.metadata).isUnrestrictedViewer(request.principal, database: snapshot.table.database.name) {
      throw KConnectError(
        .permission, "the table '\(snapshot.table.name)' has restricted view access and '\(request.principal)' is no unrestricted viewer",
        hint: ".add database \(quotedName(snapshot.table.database.name)) unrestrictedviewers ('\(request.principal)')")
    }
    guard let security = try policies.rowLevelSecurity(of: id) else { return try raw(snapshot, withOrigin: withOrigin) }
    let catalog = without(guard: id)
    let bound = try KQL.bind(security, catalog: catalog, options: request.bindOptions(executor, catalog))
    guard bound.results.count == 1, let result = bound.results.first else {
      throw KConnectError(.kqlSemantic, "the row level security query of '\(snapshot.table.name)' gives \(bound.results.count) results, expected one")
    }
    return result.plan
  }

  /// The rows as they are, with columns of row origin when the query asks for them.
  func raw(_ snapshot: TableSnapshot, withOrigin: Bool, extents: Set<GUID>? = nil) throws -> LogicalPlan {
    let rows = snapshot.rows(extents: extents)
    guard withOrigin else { return .scan(rows) }
    let hidden = HiddenColumns.virtual.fields
    let scan = LogicalPlan(
      node: .scan(ScanNode(table: rows, columns: rows.schema.names + hidden.map(\.name))), schema: StructType(rows.schema.fields + hidden))
    let hasTime = try Policies(executor.metadata).hasIngestionTime(snapshot.table.id)
    return try scan.project(
      rows.schema.names.map { NamedExpr($0, .column($0)) } + [
        NamedExpr(RowOrigin.ingestionTime, hasTime ? .column(HiddenColumns.ingestionTime) : .literal(.null(.datetime))),
        NamedExpr(RowOrigin.extentId, .column(HiddenColumns.extentId)), NamedExpr(RowOrigin.extentTags, .column(HiddenColumns.extentTags)),
        NamedExpr(RowOrigin.rowVersion(table: snapshot.table.id), .column(HiddenColumns.rowVersion)),
      ])
  }

  // MARK: Other names

  func externalTable(_ name: String) throws -> LogicalPlan? {
    guard let database = request.database, let table = try ExternalTable.find(name, in: database, executor.metadata) else { return nil }
    return .scan(try table.open(executor))
  }

  var externalTableNames: [String] { request.database.map { ExternalTable.names(in: $0, executor.metadata) } ?? [] }

  func materializedView(_ name: String) throws -> LogicalPlan? {
    guard let database = request.database, let view = try MaterializedView.find(name, in: database, executor.metadata) else { return nil }
    return try view.plan(self)
  }

  var materializedViewNames: [String] { request.database.map { MaterializedView.names(in: $0, executor.metadata) } ?? [] }

  func sessionValue(_ function: String) throws -> Scalar? {
    switch function {
    case "current_database": return .string(request.database ?? "")
    case "current_principal", "current_user": return .string(request.principal)
    case "current_cluster_endpoint": return .string("local")
    case "current_principal_details":
      let parts = request.principal.split(separator: "=", maxSplits: 1)
      let name = parts.last.map(String.init) ?? request.principal
      return .dynamic(.bag([
        DynamicEntry("UserPrincipalName", .string(name)), DynamicEntry("IdentityProvider", .string(parts.count > 1 ? String(parts[0]) : "")),
        DynamicEntry("Authority", .string("")), DynamicEntry("Mfa", .string("False")), DynamicEntry("Type", .string("User")),
        DynamicEntry("DisplayName", .string(name)), DynamicEntry("ObjectId", .string("")), DynamicEntry("FQN", .string(request.principal)),
        DynamicEntry("Notes", .null),
      ]))
    case "cursor_current", "current_cursor":
      guard let database = request.database else { return .string("") }
      return .string(try executor.store.database(database).currentCursor().text)
    default: return nil
    }
  }

  func cursorVersion(_ cursor: String, table id: String) throws -> Int64? { try DatabaseCursor(cursor).version(of: id) }
}

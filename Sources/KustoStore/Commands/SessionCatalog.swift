// Role: the names one request can use: tables behind their policies, functions, views, external tables, and who asks.

import Columnar
import DataSource
import Engine
import Expressions
import KQL
import Synchronization

/// A plan that stands for a table.
private struct StandIn {
  var rows: LogicalPlan
  /// The same with columns of row origin, where that is something else.
  var withOrigin: LogicalPlan?
}

/// The catalog of a request. Every table is read at the snapshot taken when it is first named, and as its caller may see it.
final class SessionCatalog: KQLCatalog {
  /// What names are looked up for.
  enum Purpose: Sendable, Equatable {
    /// Rows for the caller.
    case query
    /// An update policy, which reads the tables of its database for whoever made it. Under access control it reads other databases, and tables
    /// that hide rows, only with a managed identity; row level security holds for the caller all the same.
    case policy(hasIdentity: Bool)
    /// Columns, and counts that `.show` commands give: nothing is guarded.
    case metadata
  }

  let executor: CommandExecutor
  let request: Request
  private let purpose: Purpose
  private let base: StoreCatalog
  /// Plans that stand for tables of the current database: the rows just ingested, for update policies; results of commands.
  private let standIns: [String: StandIn]
  /// Tables and views whose row level security query is being bound: inside it they are themselves.
  private let unguarded: Set<String>
  /// Views and graph models whose queries are being bound.
  private let open: Set<String>
  /// The options of the request, with those of `set` statements.
  private let settings: SessionSettings

  convenience init(_ executor: CommandExecutor, _ request: Request, for purpose: Purpose = .query) {
    let metadata = executor.metadata
    let base = StoreCatalog(executor.store, database: request.database) { name, database in
      try StoredFunction.find(name, in: database, metadata)?.lambdaText
    }
    self.init(executor, request, purpose, base, standIns: [:], unguarded: [], open: [], SessionSettings(request.properties.options))
  }

  private init(
    _ executor: CommandExecutor, _ request: Request, _ purpose: Purpose, _ base: StoreCatalog, standIns: [String: StandIn], unguarded: Set<String>,
    open: Set<String>, _ settings: SessionSettings
  ) {
    self.executor = executor
    self.request = request
    self.purpose = purpose
    self.base = base
    self.standIns = standIns
    self.unguarded = unguarded
    self.open = open
    self.settings = settings
  }

  /// The same names, and one more that hides what had it.
  func adding(_ name: String, _ plan: LogicalPlan) -> SessionCatalog { adding(name, StandIn(rows: plan)) }

  /// The same for rows with columns of row origin, which only those see who ask for them.
  func adding(_ name: String, withOrigin plan: LogicalPlan) throws -> SessionCatalog {
    adding(name, StandIn(rows: try plan.select(plan.schema.names.filter { !RowOrigin.isOrigin($0) }), withOrigin: plan))
  }

  private func adding(_ name: String, _ standIn: StandIn) -> SessionCatalog {
    SessionCatalog(executor, request, purpose, base, standIns: standIns.merging([name: standIn]) { $1 }, unguarded: unguarded, open: open, settings)
  }

  /// The names as they are seen in a database, without what stands in for tables here. Names in front of the store's stay out too.
  private func inside(_ database: String, standIns: [String: StandIn] = [:], without guarded: String? = nil) -> SessionCatalog {
    SessionCatalog(
      executor, Request(request, in: database), purpose, base, standIns: standIns, unguarded: guarded.map { unguarded.union([$0]) } ?? unguarded,
      open: open, settings)
  }

  /// The names as the queries of a view or a graph model see them. Throws KQL_SEMANTIC for one that reads itself, or others that read it.
  private func reading(_ what: String, in database: String, of key: String) throws -> SessionCatalog {
    guard !open.contains(key) else { throw KConnectError(.kqlSemantic, "\(what) reads itself", hint: "change its query, or that of what it reads") }
    let own = database == request.database ? self : inside(database)
    return SessionCatalog(executor, own.request, purpose, base, standIns: own.standIns, unguarded: unguarded, open: open.union([key]), settings)
  }

  func apply(setting name: String, _ value: Scalar) -> Bool { settings.set(name, value) }

  /// Whether the tables that were named so far were read as of one moment.
  func isOfOneMoment() throws -> Bool { try base.isOfOneMoment() }

  /// Whether the table was named so far, through functions and views too.
  func hasRead(_ table: StoreTable) -> Bool { base.hasRead(table) }

  /// Whether no commit of several tables came since the first table was looked for.
  func isQuiet() throws -> Bool { try base.isQuiet() }

  // MARK: Rights

  /// Throws PERMISSION unless the caller may read the current database, where there is one.
  func authorize() throws {
    guard let database = request.database, try executor.store.databaseIfExists(database) != nil else {
      _ = try executor.requestAccess(request.properties)
      return
    }
    try requireRead(database)
  }

  private func requireRead(_ database: String) throws {
    if purpose == .query, database != request.database, settings.isOn("request_remote_entities_disabled") {
      throw forbidden("reach the database '\(database)'", by: "request_remote_entities_disabled")
    }
    guard purpose != .metadata else { return }
    if case .policy(let hasIdentity) = purpose {
      if database == request.database { return }
      if !hasIdentity, executor.access != nil { throw needsIdentity("the database '\(database)'") }
    }
    try executor.requestAccess(request.properties)?.require(.read, on: database, to: "read")
  }

  /// Throws PERMISSION for a table or view that hides rows where an update policy without a managed identity reads it.
  func requireOpen(_ scope: EntryScope, _ name: String) throws {
    guard purpose == .policy(hasIdentity: false), executor.access != nil, let policy = try Policies(executor.metadata).hiding(in: scope) else { return }
    throw needsIdentity("'\(name)', which has the policy '\(policy.rawValue)'")
  }

  private func needsIdentity(_ what: String) -> KConnectError {
    KConnectError(
      .permission, "an update policy without a managed identity may not read \(what)",
      hint: "an administrator of the database sets \"ManagedIdentity\":\"system\" in the update policy")
  }

  private func forbidden(_ what: String, by option: String) -> KConnectError {
    KConnectError(.permission, "the request may not \(what): its option '\(option)' is set")
  }

  /// Throws PERMISSION where options keep the request from data outside of the store, and from addresses that lead to other services.
  private func checkExternal(_ addresses: [String], isTable: Bool) throws {
    let options = ["request_external_data_disabled"] + (isTable ? ["request_external_table_disabled"] : [])
    if let option = options.first(where: settings.isOn) { throw forbidden("read \(isTable ? "external tables" : "external data")", by: option) }
    let isCallout = addresses.contains { $0.contains("://") && !$0.lowercased().hasPrefix("file://") }
    if isCallout, settings.isOn("request_callout_disabled") { throw forbidden("fetch from other services", by: "request_callout_disabled") }
  }

  /// Whether the request asks for its rights alone, and runs nothing.
  var validatesPermissions: Bool { settings.isOn("validatepermissions") || settings.isOn("validate_permissions") }

  // MARK: Tables

  func table(_ name: String, database: String?) throws -> LogicalPlan? { try plan(name, database: database, withOrigin: false) }

  func tableWithOrigin(_ name: String, database: String?) throws -> LogicalPlan? { try plan(name, database: database, withOrigin: true) }

  func tableNames(database: String?) -> [String] {
    let home = resolve(database)
    let own = database == nil ? standIns.keys.sorted() + (request.properties.surroundings?.tableNames(database: nil) ?? []) : []
    if let home, (try? requireRead(home)) == nil { return own }
    let tables = base.tableNames(database: home)
    // A view that does not fit its source, or whose source is gone, is named by those who want it alone.
    let views = home.map { (try? MaterializedView.all(in: $0, executor.metadata)) ?? [] } ?? []
    let names = Set(tables + views.map(\.name))
    return tables + views.filter { $0.failure == nil && names.contains($0.source) }.map(\.name) + own
  }

  func viewNames(database: String?) -> [String] {
    guard let home = resolve(database), (try? requireRead(home)) != nil else { return [] }
    return ((try? StoredFunction.all(in: home, executor.metadata)) ?? []).filter { $0.isView && !$0.takesArguments }.map(\.name)
  }

  func externalData(_ request: ExternalDataRequest) throws -> LogicalPlan? {
    try checkExternal(request.sources, isTable: false)
    return try self.request.properties.surroundings?.externalData(request)
  }

  func externalSchema(_ request: ExternalDataRequest) throws -> StructType? {
    try checkExternal(request.sources, isTable: false)
    return try self.request.properties.surroundings?.externalSchema(request)
  }

  func functionText(_ name: String, database: String?) throws -> String? {
    guard let home = resolve(database) else { return nil }
    guard let text = try base.functionText(name, database: home) else { return nil }
    try requireRead(home)
    return text
  }

  func storedFunctions(database: String?) -> [(name: String, parameters: String)] {
    guard let home = resolve(database), (try? requireRead(home)) != nil else { return [] }
    return ((try? StoredFunction.all(in: home, executor.metadata)) ?? []).map { ($0.name, $0.parameters) }
  }

  func bringsTable(_ name: String) -> Bool {
    standIns[name] != nil || unguarded.isEmpty && request.properties.surroundings?.tableNames(database: nil).contains(name) ?? false
  }

  var databaseNames: [String] { base.databaseNames.filter { (try? requireRead($0)) != nil } }

  func checkDatabase() throws {
    guard let name = request.database, try executor.store.databaseIfExists(name) == nil else { return }
    let names = databaseNames
    throw KConnectError(
      .pathNotFound, "there is no database '\(name)'",
      hint: nearestNames(to: name, among: names, limit: 1).first.map { "did you mean '\($0)'?" } ?? (names.isEmpty ? nil : "databases: \(names.prefix(12).joined(separator: ", "))"))
  }

  /// The snapshot this request reads.
  func snapshot(_ name: String, database: String? = nil) throws -> TableSnapshot? { try base.snapshot(name, database: resolve(database)) }

  private func resolve(_ database: String?) -> String? {
    guard let database, !database.isEmpty else { return request.database }
    return (try? executor.resolve(database)) ?? database
  }

  private func plan(_ name: String, database: String?, withOrigin: Bool) throws -> LogicalPlan? {
    let home = resolve(database)
    if home == request.database, let standIn = standIns[name] { return withOrigin ? standIn.withOrigin ?? standIn.rows : standIn.rows }
    if database == nil, unguarded.isEmpty, let plan = try request.properties.surroundings?.table(name, database: nil) { return plan }
    guard let home else { return nil }
    // A database that is not there has no tables; that it is not there is told to those who named it only if they may read it.
    if try database != nil || executor.store.databaseIfExists(home) != nil { try requireRead(home) }
    // Rows have a place in the history once they are committed: those of dead processes are now.
    if withOrigin || isScopedByCursors(name, in: home) { try executor.store.databaseIfExists(home)?.tableIfExists(name)?.sealAbandonedRowsIfWritable() }
    guard let snapshot = try base.snapshot(name, database: home) else { return try view(name, in: home).map(scoped) }
    return try scoped(guarded(snapshot, rows: { try betweenCursors(snapshot, withOrigin: $0) ?? raw(snapshot, withOrigin: $0) }, withOrigin: withOrigin))
  }

  /// The rows of a table that `query_cursor_scoped_tables` names: those behind `query_cursor_after_default`, up to
  /// `query_cursor_before_or_at_default`. Nil for other tables.
  private func betweenCursors(_ snapshot: TableSnapshot, withOrigin: Bool) throws -> LogicalPlan? {
    let table = snapshot.table
    guard isScopedByCursors(table.name, in: table.database.name) else { return nil }
    let version = Expr.column(RowOrigin.rowVersion(table: table.id))
    var terms: [Expr] = []
    for (option, comparison) in [("query_cursor_after_default", FunctionName.greater), ("query_cursor_before_or_at_default", FunctionName.lessOrEqual)] {
      guard case .string(let cursor)? = settings.all[option], let bound = try cursorVersion(cursor, table: table.id), !cursor.isEmpty || option.hasSuffix("after_default") else { continue }
      terms.append(.call(comparison, [version, .literal(.long(bound))]))
    }
    guard let condition = Expr.conjunction(terms) else { return nil }
    let rows = try raw(snapshot, withOrigin: true).filter(condition)
    return withOrigin ? rows : try rows.select(snapshot.schema.names)
  }

  private func isScopedByCursors(_ name: String, in database: String) -> Bool {
    purpose == .query && unguarded.isEmpty && database == request.database && settings.texts("query_cursor_scoped_tables").contains(name)
  }

  /// The rows within the request's scope in time (`query_datetimescope_column`, `_from`, `_to`); all rows of tables without that column.
  private func scoped(_ plan: LogicalPlan) throws -> LogicalPlan {
    let options = settings.all
    guard purpose == .query, unguarded.isEmpty, case .string(let column)? = options["query_datetimescope_column"], plan.schema.field(column)?.type == .datetime else { return plan }
    var terms: [Expr] = []
    for (option, comparison) in [("query_datetimescope_from", ">="), ("query_datetimescope_to", "<=")] {
      if case .datetime(let bound)? = options[option] { terms.append(.call(comparison, [.column(column), .literal(.datetime(bound))])) }
    }
    return try Expr.conjunction(terms).map { try plan.filter($0) } ?? plan
  }

  /// The table as this principal may see it; `rows` gives those of its rows that are meant, with their origin or without.
  func guarded(_ snapshot: TableSnapshot, rows: (_ withOrigin: Bool) throws -> LogicalPlan, withOrigin: Bool) throws -> LogicalPlan {
    let table = snapshot.table
    guard purpose != .metadata, !unguarded.contains(table.id) else { return try rows(withOrigin) }
    return try guarded(rows, .table(table.id), key: table.id, name: table.name, in: table.database.name, withOrigin: withOrigin)
  }

  /// Rows behind the policies of the entity they belong to. The policy's query is bound in the entity's own database: names of the caller's
  /// database, and what stands in for tables, mean nothing in it. It sees the origin of rows, whether the caller asks for that or not.
  private func guarded(_ rows: (_ withOrigin: Bool) throws -> LogicalPlan, _ scope: EntryScope, key: String, name: String, in database: String, withOrigin: Bool) throws -> LogicalPlan {
    try requireOpen(scope, name)
    let policies = Policies(executor.metadata)
    if try policies.isEnabled(.restrictedViewAccess, in: scope),
      try !Principals(executor.metadata).isUnrestrictedViewer(request.caller, database: database, homeTenant: executor.access?.homeTenant)
    {
      throw KConnectError(
        .permission, "the table '\(name)' has restricted view access and '\(request.principal)' is no unrestricted viewer",
        hint: ".add database \(quotedName(database)) unrestrictedviewers ('\(request.principal)')")
    }
    if settings.isOn("request_block_row_level_security"), try policies.rowLevelSecurity(in: scope) != nil {
      throw forbidden("read '\(name)', which has a row level security policy", by: "request_block_row_level_security")
    }
    guard let security = try policies.rowLevelSecurity(in: scope, evenDisabled: settings.isOn("query_force_row_level_security")) else { return try rows(withOrigin) }
    let catalog = inside(database, standIns: [name: StandIn(rows: try rows(withOrigin), withOrigin: try rows(true))], without: key)
    var options = catalog.request.bindOptions(executor, catalog)
    options.givesRowOrigin = withOrigin
    options.parameters = [:]
    options.parameterTexts = [:]
    let bound = try KQL.bind(security, catalog: catalog, options: options)
    guard bound.results.count == 1, let result = bound.results.first else {
      throw KConnectError(.kqlSemantic, "the row level security query of '\(name)' gives \(bound.results.count) results, expected one")
    }
    return try .custom(RowSecurityOperator(entity: key), [result.plan])
  }

  /// Throws PERMISSION where rows of a view's source are hidden from some: what is stored of a view is of all rows, so that the view needs a policy
  /// of its own.
  func checkHistory(of view: MaterializedView, over table: StoreTable) throws {
    let policies = Policies(executor.metadata)
    let own = EntryScope.view(database: table.database.name, view.name)
    guard purpose != .metadata, !view.isOpen, !unguarded.contains(table.id), try policies.rowLevelSecurity(in: .table(table.id)) != nil,
      try policies.rowLevelSecurity(in: own) == nil
    else { return }
    throw KConnectError(
      .permission, "the materialized view '\(view.name)' holds results of rows of '\(table.name)', which has a row level security policy, and has none itself",
      hint: ".alter materialized-view \(quotedName(view.name)) policy row_level_security enable \"…\"")
  }

  /// The rows as they are, with columns of row origin when the query asks for them.
  func raw(_ snapshot: TableSnapshot, withOrigin: Bool, extents: Set<GUID>? = nil) throws -> LogicalPlan {
    let rows = snapshot.rows(extents: extents)
    guard withOrigin else { return .scan(rows) }
    let hidden = HiddenColumns.virtual.fields
    let scan = LogicalPlan(
      node: .scan(ScanNode(table: rows, columns: rows.schema.names + hidden.map(\.name))), schema: StructType(rows.schema.fields + hidden))
    let time = try Policies(executor.metadata).ingestionTime(of: snapshot.table.id, .column(HiddenColumns.ingestionTime))
    return try scan.project(
      rows.schema.names.map { NamedExpr($0, .column($0)) } + [
        NamedExpr(RowOrigin.ingestionTime, time),
        NamedExpr(RowOrigin.extentId, .column(HiddenColumns.extentId)), NamedExpr(RowOrigin.extentTags, .column(HiddenColumns.extentTags)),
        NamedExpr(RowOrigin.rowVersion(table: snapshot.table.id), .column(HiddenColumns.rowVersion)),
      ])
  }

  // MARK: Other names

  func externalTable(_ name: String, database: String?) throws -> LogicalPlan? {
    guard let database = resolve(database), let table = try ExternalTable.find(name, in: database, executor.metadata) else { return nil }
    try requireRead(database)
    try checkExternal(table.paths, isTable: true)
    return try table.plan(executor)
  }

  var externalTableNames: [String] { request.database.map { ExternalTable.names(in: $0, executor.metadata) } ?? [] }

  func materializedView(_ name: String, database: String?) throws -> LogicalPlan? { try resolve(database).flatMap { try view(name, in: $0) } }

  /// Only of the caller's own: others' rows may be hidden from it.
  func storedQueryResult(_ name: String, database: String?) throws -> LogicalPlan? {
    guard let home = resolve(database), let result = try StoredQueryResult.find(name, in: home, executor.metadata), result.principal == request.principal,
      let table = try executor.store.databaseIfExists(home)?.anyTable(result.table)
    else { return nil }
    try requireRead(home)
    return .scan(try table.snapshot().rows())
  }

  var graphModelNames: [String] { request.database.flatMap { try? GraphModel.all(in: $0, executor.metadata).map(\.name) } ?? [] }

  /// The queries of a model see what this principal sees; a snapshot shows all that it holds to all who read the database.
  func graph(_ name: String, _ version: GraphVersion, database: String?) throws -> GraphValue? {
    guard let home = resolve(database), let model = try GraphModel.find(name, in: home, executor.metadata), let newest = model.versions.last else { return nil }
    try requireRead(home)
    var snapshot: GraphSnapshot?
    switch version {
    case .transient: break
    case .latest: snapshot = try GraphSnapshot.all(of: name, in: home, executor.metadata).max { $0.createdOn < $1.createdOn }
    case .snapshot(let wanted):
      snapshot = try GraphSnapshot.find(wanted, of: name, in: home, executor.metadata)
      if snapshot == nil { throw KConnectError(.pathNotFound, "the graph model '\(name)' has no snapshot '\(wanted)'", hint: ".show graph_snapshots \(quotedName(name))") }
    }
    if let snapshot { return try snapshot.graph(in: executor.store.database(home)) }
    let catalog = try reading("the graph model '\(name)'", in: home, of: EntryScope.graph(database: home, name).text)
    return try GraphModelDefinition(newest.text).graph { query in
      let bound = try KQL.bind(query, catalog: catalog, options: catalog.request.bindOptions(executor, catalog))
      guard bound.results.count == 1, let result = bound.results.first else {
        throw KConnectError(.kqlSemantic, "a query of the graph model '\(name)' gives \(bound.results.count) results, expected one")
      }
      return result.plan
    }
  }

  /// The view as this principal may see it: what its source shows this principal, behind the view's own policies.
  private func view(_ name: String, in database: String) throws -> LogicalPlan? {
    guard let view = try MaterializedView.find(name, in: database, executor.metadata) else { return nil }
    try requireRead(database)
    let scope = EntryScope.view(database: database, view.name)
    let rows = try view.plan(reading("the materialized view '\(view.name)'", in: database, of: scope.text))
    guard purpose != .metadata, !unguarded.contains(scope.text) else { return rows }
    return try guarded({ _ in rows }, scope, key: scope.text, name: view.name, in: database, withOrigin: false)
  }

  var materializedViewNames: [String] { request.database.map { MaterializedView.names(in: $0, executor.metadata) } ?? [] }

  func sessionValue(_ function: String) throws -> Scalar? {
    switch function {
    case "current_database": return .string(request.database ?? "")
    case "current_principal", "current_user": return .string(request.principal)
    case "current_cluster_endpoint": return .string("local")
    case "current_principal_details": return .dynamic(request.caller.details)
    case "cursor_current", "current_cursor":
      try checkCursors()
      if case .string(let given)? = settings.all["query_cursor_current"] { return .string(given) }
      guard let database = request.database else { return .string("") }
      return .string(try executor.store.database(database).currentCursor().text)
    default: return nil
    }
  }

  func isPrincipal(amongOrIn names: [String]) throws -> Bool? {
    names.contains { name in
      PrincipalReference(name).map { request.caller.isMeant(by: $0, homeTenant: executor.access?.homeTenant) } ?? false
    }
  }

  func cursorVersion(_ cursor: String, table id: String) throws -> Int64? {
    try checkCursors()
    return try DatabaseCursor(cursor).version(of: id)
  }

  private func checkCursors() throws {
    guard settings.isOn("query_cursor_disabled") else { return }
    throw KConnectError(.kqlSemantic, "the functions of cursors are disabled in this query: its option 'query_cursor_disabled' is set")
  }
}

/// Options by name, shared by the catalogs of one request.
final class SessionSettings: Sendable {
  private let options: Mutex<[String: Scalar]>

  init(_ options: [String: Scalar]) { self.options = Mutex(Dictionary(options.map { ($0.key.lowercased(), $0.value) }) { $1 }) }

  var all: [String: Scalar] { options.withLock { $0 } }

  /// Whether an option is set to something else than false.
  func isOn(_ name: String) -> Bool { all[name].map { !RequestSettings.isOff($0) } ?? false }

  /// An option that is a list of texts, as a value or as JSON.
  func texts(_ name: String) -> [String] {
    let list: DynamicValue? = switch all[name] {
    case .dynamic(let value)?: value
    case .string(let text)?: DynamicValue(json: text)
    default: nil
    }
    return (list?.elements ?? []).compactMap(\.stringValue)
  }

  /// False for a moment that is none.
  func set(_ name: String, _ value: Scalar) -> Bool {
    let name = name.lowercased()
    var value = value
    if name == "query_datetimescope_from" || name == "query_datetimescope_to", case .string(let text) = value {
      guard let moment = ScalarText.parse(text, as: .datetime) else { return false }
      value = moment
    }
    options.withLock { $0[name] = value }
    return true
  }
}

// Role: commands about materialized views.

import Columnar
import DataSource
import Engine
import KQL

extension CommandRun {
  private static let viewProperties = [
    "backfill", "effectiveDateTime", "updateExtentsCreationTime", "lookback", "lookback_column", "autoUpdateSchema", "dimensionTables", "dimensionMaterializedViews",
    "folder", "docString", "allowMaterializedViewsWithoutRowLevelSecurity", "concurrency", "MaxSourceRecordsForSingleIngest", "enabled",
  ]

  /// Those of them that tell a cluster how to materialize.
  private static let viewHints = [
    "lookback", "lookback_column", "dimensionTables", "dimensionMaterializedViews", "concurrency", "MaxSourceRecordsForSingleIngest", "updateExtentsCreationTime",
  ]

  func materializedView(_ name: String) throws -> MaterializedView {
    let database = try database()
    if let found = try MaterializedView.find(name, in: database.name, metadata) { return found }
    let names = MaterializedView.names(in: database.name, metadata)
    throw KConnectError(
      .pathNotFound, "there is no materialized view '\(name)' in the database '\(database.name)'",
      hint: nearestNames(to: name, among: names, limit: 1).first.map { "did you mean '\($0)'?" } ?? (names.isEmpty ? "the database has no materialized views" : "views: \(names.joined(separator: ", "))"))
  }

  private func namedView() throws -> MaterializedView { try materializedView(command.name("view")?.text ?? "") }

  func viewCreate() throws -> CommandOutput {
    guard let name = command.name("view")?.text, let source = command.name("source")?.text, let (body, _) = command.source("body") else {
      throw KConnectError(.internalError, "no view")
    }
    let database = try database()
    let properties = try properties(Self.viewProperties)
    let lock = try database.lockViews()
    defer { withExtendedLifetime(lock) {} }
    let old = try MaterializedView.find(name, in: database.name, metadata)
    if command.kind == .viewCreate, let old {
      if command.says("ifnotexists") { return try viewsOutput([old]) }
      throw KConnectError(.alreadyExists, "the materialized view '\(name)' exists already in the database '\(database.name)'", hint: "use .create-or-alter materialized-view")
    }
    if command.kind == .viewAlter { _ = try namedView() }
    if let old, old.source != source {
      throw KConnectError(
        .usage, "the materialized view '\(name)' is one of '\(old.source)', and what it holds is made of its rows: it cannot become one of '\(source)'",
        hint: ".drop materialized-view \(quotedName(name)), then create it anew")
    }
    if old == nil { try requireFree(name, for: .view, in: database) }
    if command.says("table") { _ = try database.table(source) } else { _ = try materializedView(source) }
    var view = old ?? MaterializedView(name: name, source: source, query: "")
    view.source = source
    view.query = String(body.dropFirst().dropLast()).trimmingSpaces()
    if let text = properties.text("folder") { view.folder = text }
    if let text = properties.text("docString") { view.docstring = text }
    if let flag = try properties.bool("autoUpdateSchema") { view.autoUpdatesSchema = flag }
    if let ticks = try properties.timespan("lookback") { view.lookback = ticks }
    if let flag = try properties.bool("enabled") { view.isEnabled = flag }
    if let text = properties.text("lookback_column") { view.lookbackColumn = text }
    if let flag = try properties.bool("allowMaterializedViewsWithoutRowLevelSecurity") { view.isOpen = flag }
    if old == nil, !view.isOpen, let table = try database.tableIfExists(source), try Policies(metadata).rowLevelSecurity(in: .table(table.id)) != nil {
      throw KConnectError(
        .permission, "the table '\(source)' has a row level security policy, and a materialized view over it shows what comes of all of its rows",
        hint: "with (allowMaterializedViewsWithoutRowLevelSecurity=true) says that it may")
    }
    if old == nil {
      let isBackfilled = try properties.bool("backfill") ?? false
      view.cursor = isBackfilled ? "" : try database.currentCursor().text
      view.effectiveOn = try properties.datetime("effectiveDateTime")
      if view.effectiveOn != nil, !isBackfilled { throw KConnectError(.optionInvalid, "property 'effectiveDateTime' needs backfill=true") }
      view.createdOn = StoreClock.nowTicks
    }
    let plan = try view.plan(catalog())
    // What did not fit does now.
    if view.failure != nil { view.isEnabled = try properties.bool("enabled") ?? true }
    (view.failure, view.failedOn) = (nil, nil)
    guard Self.isAggregation(plan), Self.endsInSummarize(view.query) else {
      throw KConnectError(.kqlSemantic, "the query of a materialized view ends in one summarize over its source", hint: "\(quotedName(source)) | summarize count() by …")
    }
    if let composite = ViewQuery.composite(in: view.query) {
      throw KConnectError(
        .notSupported, "not supported: the composite aggregate '\(composite)' in the query of the materialized view '\(name)'",
        hint: "make each aggregate a result of its own; a query or a stored function over the view works out the rest")
    }
    try checkDeduplication(old, view, in: database)
    let table = try database.tableIfExists(source)
    if table == nil, RowOrigin.isNamed(in: view.query) {
      let read = try materializedView(source).source
      throw KConnectError(
        .notSupported, "not supported: ingestion_time(), extent_id(), extent_tags() and cursors in the query of the materialized view '\(name)', which reads another view",
        hint: "the rows of a view have none of these; a view over the table '\(read)' can ask for them")
    }
    let obstacles = ViewObstacles(table)
    let query = try own(view, in: database)
    if let obstacle = obstacles.toCreation(query) {
      throw KConnectError(
        .notSupported, "not supported: \(obstacle) in the query of the materialized view '\(name)': its results are kept and continued with rows that come later",
        hint: "a retention policy limits how far back a view goes; sort and filter where the view is read")
    }
    if !view.lookbackColumn.isEmpty {
      guard let field = plan.schema.field(view.lookbackColumn) else {
        throw KConnectError(.columnNotFound, "lookback_column: the materialized view '\(name)' has no column '\(view.lookbackColumn)'", hint: "columns: \(plan.schema.names.joined(separator: ", "))")
      }
      guard field.type == .datetime else { throw KConnectError(.typeMismatch, "lookback_column: '\(field.name)' is \(field.type), expected datetime") }
    }
    if let obstacle = try obstacles.toContinuing(query) ?? (view.history(in: database) == nil ? ViewAggregation.of(plan).obstacle : nil) {
      notes.add("the view forgets what '\(source)' forgets: '\(obstacle)' cannot be continued from stored results")
    }
    noteHints(Self.viewHints.filter { properties[$0] != nil })
    try view.put(in: database.name, metadata)
    if old == nil { try grantCreator(.view(database: database.name, view.name)) }
    journal(old == nil ? "ADD-MATERIALIZED-VIEW" : "ALTER-MATERIALIZED-VIEW", view.name, before: old?.query ?? "", after: view.query)
    return try viewsOutput([view])
  }

  /// A view is the source of others only while it removes duplicates. Source: Kusto reference, "Materialized view over materialized view".
  private func checkDeduplication(_ old: MaterializedView?, _ view: MaterializedView, in database: Database) throws {
    let hint = "only a view that ends in 'summarize take_any(*) by …' can be the source of another"
    if let source = try MaterializedView.find(view.source, in: database.name, metadata), !ViewQuery.isDeduplication(source.query) {
      throw KConnectError(.notSupported, "not supported: a materialized view over '\(source.name)', which is not made by take_any(*)", hint: hint)
    }
    guard let old, ViewQuery.isDeduplication(old.query), !ViewQuery.isDeduplication(view.query) else { return }
    if let other = try MaterializedView.all(in: database.name, metadata).first(where: { $0.source == view.name }) {
      throw KConnectError(.notSupported, "not supported: the materialized view '\(other.name)' reads '\(view.name)', which would not be made by take_any(*) any more", hint: hint)
    }
  }

  /// What the view's query says by itself, over the rows of its source as they are.
  private func own(_ view: MaterializedView, in database: Database) throws -> BoundView {
    let catalog = catalog()
    guard let table = try database.tableIfExists(view.source) else { return try view.bound(catalog) }
    return try view.bound(catalog.adding(view.source, withOrigin: try catalog.raw(try table.snapshot(), withOrigin: true)))
  }

  /// Whether no operator stands behind the aggregation; that of a function is within it.
  private static func endsInSummarize(_ query: String) -> Bool {
    return switch ViewQuery.lastOperator(of: query) {
    case nil, .summarize, .distinct, .invoke: true
    default: false
    }
  }

  private static func isAggregation(_ plan: LogicalPlan) -> Bool {
    switch plan.node {
    case .aggregate, .distinct: true
    case .project(_, let input), .filter(_, let input): isAggregation(input)
    default: false
    }
  }

  private func save(_ change: (inout MaterializedView) throws -> Void) throws -> CommandOutput {
    let database = try database()
    let lock = try database.lockViews()
    defer { withExtendedLifetime(lock) {} }
    var view = try namedView()
    try change(&view)
    try view.put(in: database.name, metadata)
    return try viewsOutput([view])
  }

  func viewChange() throws -> CommandOutput {
    switch command.kind {
    case .viewDocStringAlter: return try save { $0.docstring = command.text("text") ?? "" }
    case .viewFolderAlter: return try save { $0.folder = command.text("text") ?? "" }
    case .viewEnable, .viewDisable: return try enable(command.kind == .viewEnable)
    case .viewLookbackAlter:
      let ticks: Int64?
      switch command.arguments["value"] {
      case .literal(.timespan(let given), _)?: ticks = given
      case .literal(.typed(_, "null"), _)?: ticks = nil
      default: throw KConnectError(.valueInvalid, "lookback is a timespan, such as 6h, or timespan(null)")
      }
      noteHints(["lookback"])
      return try save { $0.lookback = ticks }
    case .viewAutoUpdateSchemaAlter:
      guard case .literal(.bool(let flag), _)? = command.arguments["value"] else { throw KConnectError(.valueInvalid, "autoUpdateSchema is true or false") }
      return try save { $0.autoUpdatesSchema = flag }
    case .viewDataClear:
      let database = try database()
      let cursor = try database.currentCursor().text
      var stored = ""
      let output = try save { view in
        stored = view.state
        view.cursor = cursor
        view.state = ""
      }
      if !stored.isEmpty { try database.dropTable(stored, ifExists: true) }
      return output
    default: throw KConnectError(.internalError, "no view command")
    }
  }

  /// A view that is disabled takes nothing in any more when rows leave its source; what it has, and what the source has, it shows.
  private func enable(_ isEnabled: Bool) throws -> CommandOutput {
    let view = try namedView()
    if view.isEnabled == isEnabled {
      throw KConnectError(.alreadyExists, "the materialized view '\(view.name)' is \(isEnabled ? "enabled" : "disabled") already")
    }
    if isEnabled { try checkExposure(of: view, properties([Self.opensViews])) }
    // What came before stays in the view.
    if !isEnabled, let source = try database().tableIfExists(view.source) { try keepForViews(source.sealedSnapshot(), in: view) }
    return try save { view in
      if isEnabled, let error = try view.misfit(catalog(for: .metadata)) { throw error }
      view.isEnabled = isEnabled
      (view.failure, view.failedOn) = (nil, nil)
    }
  }

  private func keepForViews(_ snapshot: TableSnapshot, in view: MaterializedView) throws {
    if let note = try ViewMaterialization(executor, request).materialize(view.name, snapshot) { notes.add(note) }
  }

  /// Says of properties that they change nothing here.
  private func noteHints(_ given: [String]) {
    for name in given { notes.add("'\(name)' is kept and shown; it speeds up a cluster and changes nothing in an embedded store") }
  }

  func viewRename() throws -> CommandOutput {
    guard let new = command.name("name")?.text else { throw KConnectError(.internalError, "no new name") }
    let database = try database()
    let lock = try database.lockViews()
    defer { withExtendedLifetime(lock) {} }
    var view = try namedView()
    if try MaterializedView.find(new, in: database.name, metadata) != nil {
      throw KConnectError(.alreadyExists, "the materialized view '\(new)' exists already in the database '\(database.name)'")
    }
    try requireFree(new, for: .view, in: database)
    try metadata.rename(
      .view, view.name, to: new, in: .database(database.name), own: .view(database: database.name, view.name), to: .view(database: database.name, new))
    view.name = new
    return try viewsOutput([view])
  }

  func viewDrop() throws -> CommandOutput {
    let database = try database()
    let lock = try database.lockViews()
    defer { withExtendedLifetime(lock) {} }
    if command.says("ifexists"), try MaterializedView.find(command.name("view")?.text ?? "", in: database.name, metadata) == nil { return try viewsOutput([]) }
    let view = try namedView()
    try metadata.remove(.view, view.name, in: .database(database.name), with: .view(database: database.name, view.name))
    if !view.state.isEmpty { try database.dropTable(view.state, ifExists: true) }
    journal("DROP-MATERIALIZED-VIEW", view.name)
    return try viewsOutput(try MaterializedView.all(in: database.name, metadata))
  }

  // MARK: Showing

  private func listedViews() throws -> [MaterializedView] {
    let names = command.names("views")
    return try names.isEmpty ? MaterializedView.all(in: database().name, metadata) : names.map { try materializedView($0.text) }
  }

  func viewsShow() throws -> CommandOutput { try viewsOutput(try listedViews()) }
  func viewShow() throws -> CommandOutput { try viewsOutput([try namedView()]) }

  /// A view that can be read is as new as the request; another one is as new as what is stored of it.
  private func viewsOutput(_ views: [MaterializedView]) throws -> CommandOutput {
    let database = try database()
    let catalog = catalog(for: .metadata)
    return CommandOutput(
      Shapes.views,
      try views.map { view in
        let isHealthy = try view.failure == nil && view.misfit(catalog) == nil
        let readTo = try isHealthy ? request.startedOn : view.history(in: database)?.snapshot.committedOn ?? view.createdOn
        return [
          .string(view.name), .string(view.source), .string(try visible(view.query, in: database.name)), .datetime(readTo), .datetime(view.failedOn ?? request.startedOn),
          .string(isHealthy ? "Completed" : "Failed"), .bool(isHealthy), .bool(view.isEnabled), .string(view.folder), .string(view.docstring), .bool(view.autoUpdatesSchema), .ticks(view.effectiveOn ?? view.createdOn),
          view.lookback.map { .timespan($0) } ?? .null(.timespan), .string(view.lookbackColumn),
        ]
      })
  }

  /// The extents of what is stored of the view; what its source has is not among them.
  func viewExtentsShow() throws -> CommandOutput {
    let view = try namedView()
    return try extentsShow(view.history(in: database()).map { [$0.snapshot.table] } ?? [], under: view.name)
  }

  /// Why the view cannot be read, or takes in no more rows: the last failure, as it stays until the view is mended.
  func viewFailuresShow() throws -> CommandOutput {
    let view = try namedView()
    guard let failure = try view.failure ?? view.misfit(catalog(for: .metadata))?.message else { return CommandOutput(Shapes.viewFailures, []) }
    let last = try view.history(in: database())?.snapshot.committedOn ?? view.createdOn
    return CommandOutput(
      Shapes.viewFailures,
      [[
        .datetime(view.failedOn ?? request.startedOn), .guid(GUID(high: 0, low: 0)), .string(view.name), .datetime(last), .string("Permanent"), .string(failure),
      ]])
  }

  func viewsDetailsShow(_ views: [MaterializedView]) throws -> CommandOutput {
    let database = try database()
    let catalog = catalog(for: .metadata)
    return CommandOutput(
      Shapes.viewsDetails,
      try views.map { view in
        // A view that cannot be read has no figures, and does not keep the others from being shown.
        let isReadable = try view.misfit(catalog) == nil
        let count = try isReadable ? rows(of: try view.plan(catalog).count()).rows.first?.first ?? .long(0) : .null(.long)
        let sizes: [Scalar] = isReadable ? [.long(0), .real(0), .real(0), count] : [.null(.long), .null(.real), .null(.real), count]
        return [.string(view.name), .string(database.name), .string(view.folder), .string(view.docstring)] + sizes + sizes
          + [.string("[]"), .string("null"), .string("null"), .string("null"), .string("null"), .null(.datetime), .null(.datetime), .string("null")]
          + [.guid(StableGUID.make(database.name + "/" + view.name))]
      })
  }

  func viewDetailsShow() throws -> CommandOutput { try viewsDetailsShow([try namedView()]) }
  func viewsDetailsShow() throws -> CommandOutput { try viewsDetailsShow(try listedViews()) }

  func viewSchemaShow(asJSON: Bool) throws -> CommandOutput {
    let view = try namedView()
    let catalog = catalog(for: .metadata)
    if let error = try view.misfit(catalog) {
      notes.add("the columns are not known: \(error.message)")
      return CommandOutput(Shapes.viewSchema, [[.string(view.name), .string(""), .string(try database().name), .string(view.folder), .string(view.docstring)]])
    }
    let schema = try view.plan(catalog).schema
    let text = asJSON ? SchemaText.table(TableDescription(view.name, schema: schema, docstring: view.docstring, folder: view.folder, id: "", createdOn: 0)).json : SchemaText.csl(schema)
    return CommandOutput(Shapes.viewSchema, [[.string(view.name), .string(text), .string(try database().name), .string(view.folder), .string(view.docstring)]])
  }

  func viewStatisticsShow() throws -> CommandOutput {
    let view = try namedView()
    let count = try rows(of: try view.plan(catalog(for: .metadata)).count()).rows.first?.first ?? .long(0)
    return CommandOutput(Shapes.viewStatistics, [[.string(view.name), .datetime(request.startedOn), .datetime(request.startedOn), count]])
  }
}

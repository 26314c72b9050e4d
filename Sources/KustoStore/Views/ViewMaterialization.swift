// Role: the materialized part of views: a Delta table of aggregation states per view, which no command lists, with the source's commit version up to
// which it is complete. It is brought up to date before rows leave the source, so that a view keeps what its source forgets.

import Columnar
import DataSource
import Delta
import Engine
import Expressions
import KQL

/// The stored part of a view at one version.
struct ViewHistory {
  let snapshot: TableSnapshot

  /// The name under which the source's version is recorded.
  static func application(_ source: StoreTable) -> String { "view:" + source.id }

  /// Rows of the source up to this version are in it; nil: none are.
  func version(of source: StoreTable) -> Int64? { snapshot.delta.transactions[Self.application(source)]?.version }
}

extension MaterializedView {
  /// What is stored of the view.
  func history(in database: Database) throws -> ViewHistory? {
    guard !state.isEmpty, let table = try database.anyTable(state) else { return nil }
    return ViewHistory(snapshot: try table.snapshot())
  }
}

struct ViewMaterialization {
  let executor: CommandExecutor
  let request: Request

  init(_ executor: CommandExecutor, _ request: Request) {
    self.executor = executor
    self.request = request
  }

  /// Called before rows leave a table: every enabled view over it takes in what it has not yet. Answers what cannot be kept, as sentences.
  @discardableResult
  func keep(rowsOf table: StoreTable) throws -> [String] {
    let views = try MaterializedView.all(in: table.database.name, executor.metadata).filter { $0.source == table.name && $0.isEnabled }
    return try views.compactMap { try materialize($0.name, table) }
  }

  /// Brings the stored part of one view up to date. Answers why it cannot, as a sentence, where its query has no states that can be stored.
  func materialize(_ name: String, _ table: StoreTable) throws -> String? {
    let database = table.database
    let lock = try database.lockViews()
    defer { withExtendedLifetime(lock) {} }
    guard let view = try MaterializedView.find(name, in: database.name, executor.metadata) else { return nil }
    try table.sealRows()
    let snapshot = try table.snapshot()
    let history = try view.history(in: database)
    if let known = history?.version(of: table), known >= snapshot.version { return nil }
    if history == nil, snapshot.rowCount == 0 { return nil }
    let inner = Request(text: view.query, database: database.name, properties: request.properties)
    let catalog = SessionCatalog(executor, inner, for: .metadata)
    let rows = try view.covered(snapshot, catalog, after: history?.version(of: table), through: snapshot.version)
    let (found, obstacle) = ViewAggregation.of(try view.bound(catalog.adding(view.source, rows)))
    guard let aggregation = found else {
      return "the materialized view '\(name)' keeps nothing of what leaves '\(table.name)': '\(obstacle ?? "")' cannot be continued from stored results"
    }
    var plan = try aggregation.partial()
    if let history {
      guard let stored = try aggregation.arranged(.scan(history.snapshot.rows()), history.snapshot.description) else { throw view.otherColumns() }
      plan = try aggregation.combined(with: stored)
    }
    var properties = IngestProperties()
    properties.operation = "MATERIALIZE"
    properties.transaction = (ViewHistory.application(table), snapshot.version)
    let policies = UpdatePolicies(executor, inner)
    if let history, try aggregation.fits(history.snapshot.description) {
      _ = try policies.ingest(plan, into: history.snapshot.table, properties, mode: .replace)
      return nil
    }
    let draft = try database.draftTable(try aggregation.description(Database.viewPrefix + randomIdentifier()), isHidden: true)
    do {
      _ = try policies.ingest(plan, into: draft, properties, mode: .append)
      try database.publish(draft)
      try executor.metadata.update(view, in: database.name) { $0.state = draft.name }
    } catch {
      database.discard(draft)
      throw error
    }
    if let history { try database.dropTable(history.snapshot.table.name, ifExists: true) }
    return nil
  }
}

extension MetadataStore {
  /// Changes a view that is stored.
  func update(_ view: MaterializedView, in database: String, _ change: (inout MaterializedView) throws -> Void) throws {
    guard var view = try MaterializedView.find(view.name, in: database, self) else { return }
    try change(&view)
    try put(.view, view.name, in: .database(database), view.document)
  }
}

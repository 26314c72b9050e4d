// Role: the materialized part of views: a Delta table of aggregation states per view, which no command lists, with the source's commit version up to
// which it is complete. It is brought up to date with the version that rows are about to leave, so that a view keeps what its source forgets.

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

  /// Called with the version of a table that rows are about to leave: every enabled view over it takes in what it has not yet of that version. Rows
  /// that come later are not in it: what leaves is chosen from this very version. A view whose query does not fit its source any more is
  /// disabled, and is no obstacle. Answers what is not kept, as sentences.
  @discardableResult
  func keep(rowsOf snapshot: TableSnapshot) throws -> [String] {
    let table = snapshot.table
    let views = try MaterializedView.all(in: table.database.name, executor.metadata).filter { $0.source == table.name && $0.isEnabled }
    return try views.compactMap { try materialize($0.name, snapshot) }
  }

  /// Brings the stored part of one view up to date with a version of its source. Answers why it cannot, as a sentence: its query has no states that
  /// can be stored, or fits the source no more.
  func materialize(_ name: String, _ snapshot: TableSnapshot) throws -> String? {
    let table = snapshot.table, database = table.database
    let lock = try database.lockViews()
    defer { withExtendedLifetime(lock) {} }
    guard let view = try MaterializedView.find(name, in: database.name, executor.metadata), view.isEnabled else { return nil }
    let history = try view.history(in: database)
    if let known = history?.version(of: snapshot.table), known >= snapshot.version { return nil }
    if history == nil, snapshot.extents.isEmpty { return nil }
    let inner = Request(text: view.query, database: database.name, properties: request.properties)
    let aggregation: ViewAggregation, plan: LogicalPlan
    do {
      let catalog = SessionCatalog(executor, inner, for: .metadata)
      let rows = try view.covered(snapshot, catalog, after: history?.version(of: snapshot.table), through: snapshot.version)
      let bound = try view.bound(catalog.adding(view.source, withOrigin: rows))
      let (found, obstacle) = ViewAggregation.of(bound.plan)
      let unfit = ViewObstacles(table).toContinuing(bound)
      guard unfit == nil, let found else {
        return "the materialized view '\(name)' keeps nothing of what leaves '\(view.source)': '\(unfit ?? obstacle ?? "")' cannot be continued from stored results"
      }
      aggregation = found
      plan = try view.materialization(found, history)
    } catch let error as KConnectError where error.isOfQuery {
      return try disable(view, in: database, error.message)
    }
    var properties = IngestProperties()
    properties.operation = "MATERIALIZE"
    properties.transaction = (ViewHistory.application(snapshot.table), snapshot.version)
    do {
      try store(plan, aggregation, view, history, UpdatePolicies(executor, inner), properties, database)
    } catch where error is ExpressionError || (error as? KConnectError)?.isOfQuery == true {
      // Rows that its query cannot take in would never leave.
      return try disable(view, in: database, CommandRun.message(error))
    } catch let error as KConnectError {
      throw KConnectError(
        error.code, "the materialized view '\(name)' could not take in the rows that leave '\(view.source)': \(error.message)", hint: error.hint, cause: error,
        isRetryable: error.isRetryable)
    }
    return nil
  }

  private func store(
    _ plan: LogicalPlan, _ aggregation: ViewAggregation, _ view: MaterializedView, _ history: ViewHistory?, _ policies: UpdatePolicies, _ properties: IngestProperties,
    _ database: Database
  ) throws {
    if let history, try aggregation.fits(history.snapshot.description) {
      _ = try policies.ingest(plan, into: history.snapshot.table, properties, mode: .replace)
      return
    }
    var description = try aggregation.description(Database.viewPrefix + randomIdentifier())
    description.folder = executor.store.format.id
    let draft = try database.draftTable(description, isHidden: true)
    do {
      _ = try policies.ingest(plan, into: draft, properties, mode: .append)
      try database.publish(draft)
      var changed = view
      changed.state = draft.name
      try changed.put(in: database.name, executor.metadata)
    } catch {
      database.discard(draft)
      throw error
    }
    if let history { try database.dropTable(history.snapshot.table.name, ifExists: true) }
  }

  // MARK: Views that do not fit

  /// Called when a table's columns were changed: views whose query does not fit them are disabled. Answers them, as sentences.
  func disableUnfit(over table: StoreTable) throws -> [String] {
    let database = table.database
    guard try MaterializedView.all(in: database.name, executor.metadata).contains(where: { $0.source == table.name && $0.isEnabled }) else { return [] }
    let lock = try database.lockViews()
    defer { withExtendedLifetime(lock) {} }
    return try MaterializedView.all(in: database.name, executor.metadata).filter { $0.source == table.name && $0.isEnabled }.compactMap { view in
      guard let error = try view.misfit(SessionCatalog(executor, Request(text: view.query, database: database.name, properties: request.properties), for: .metadata)) else { return nil }
      return try disable(view, in: database, error.message)
    }
  }

  /// The views' lock is held.
  private func disable(_ view: MaterializedView, in database: Database, _ reason: String) throws -> String {
    var changed = view
    changed.isEnabled = false
    changed.failure = reason
    changed.failedOn = StoreClock.nowTicks
    try changed.put(in: database.name, executor.metadata)
    let sentence = "the materialized view '\(view.name)' is disabled and takes in no more rows: its query does not fit '\(view.source)': \(reason)"
    try executor.metadata.add(
      JournalRecord(
        event: "DISABLE-MATERIALIZED-VIEW", time: changed.failedOn ?? 0, database: database.name, entity: view.name, updatedEntity: view.name, before: view.query, after: reason,
        command: RedactedText.redacted(request.text), principal: request.principal, requestId: request.properties.requestId))
    return sentence
  }
}

extension MaterializedView {
  /// The states to store: those of the rows that are new, merged with what is stored. Throws SCHEMA_MISMATCH where the query makes others now.
  fileprivate func materialization(_ aggregation: ViewAggregation, _ history: ViewHistory?) throws -> LogicalPlan {
    guard let history else { return try aggregation.partial() }
    guard let stored = try aggregation.arranged(.scan(history.snapshot.rows()), history.snapshot.description) else { throw otherColumns() }
    return try aggregation.combined(with: stored)
  }

  /// Why the view cannot be read; nil when it can. Throws what has nothing to do with its query.
  func misfit(_ catalog: SessionCatalog) throws -> KConnectError? {
    do {
      _ = try plan(catalog)
      return nil
    } catch let error as KConnectError where error.isOfQuery { return error }
  }

  /// Makes this the view's document. Whoever changes one holds the database's lock of views from before it was read.
  func put(in database: String, _ metadata: MetadataStore) throws { try metadata.put(.view, name, in: .database(database), document) }
}

extension KConnectError {
  /// Errors that the text of a query gives where it meets other columns and names than it was written for.
  fileprivate var isOfQuery: Bool {
    let codes: [Code] = [
      .kqlSyntax, .kqlSemantic, .columnNotFound, .functionNotFound, .typeMismatch, .schemaMismatch, .pathNotFound, .valueInvalid, .notSupported, .usage,
    ]
    return codes.contains(code) && !isRetryable
  }
}

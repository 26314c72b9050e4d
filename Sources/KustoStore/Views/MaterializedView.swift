// Role: materialized views. The view's query runs over its source when the view is read, together with what is stored of rows that the source
// may have no more (`ViewMaterialization`): answers are always complete and up to date, at the cost of the aggregation. Without `backfill` a view
// covers the rows ingested after it was made.

import Columnar
import DataSource
import Engine
import Expressions
import KQL
import Synchronization

/// The query of a view as a plan.
struct BoundView {
  let plan: LogicalPlan
  /// What had to be answered before the plan was known: the queries of `toscalar`, `in` and `materialize`, and those that give plugins their columns.
  let answered: [LogicalPlan]
}

private final class AnsweredQueries: Sendable {
  private let plans = Mutex<[LogicalPlan]>([])
  var all: [LogicalPlan] { plans.withLock { $0 } }
  func add(_ plan: LogicalPlan) { plans.withLock { $0.append(plan) } }
}

/// A view as stored.
struct MaterializedView: Sendable {
  var name: String
  /// The table or view it reads.
  var source: String
  /// The body without its braces.
  var query: String
  var folder = ""
  var docstring = ""
  var isEnabled = true
  var autoUpdatesSchema = false
  /// Ticks; rows of older extents are not covered; nil: all of those after `cursor`.
  var effectiveOn: Int64?
  /// Ticks; nil: none.
  var lookback: Int64?
  var lookbackColumn = ""
  /// Rows up to this cursor are not covered; empty: all rows are.
  var cursor = ""
  var createdOn: Int64 = 0
  /// The table of its stored part; empty: nothing is stored.
  var state = ""
  /// What it shows may come of rows that its source hides from some.
  var isOpen = false
  /// Why it was disabled, where that was nobody's wish.
  var failure: String?
  /// Ticks.
  var failedOn: Int64?

  init(name: String, source: String, query: String) {
    self.name = name
    self.source = source
    self.query = query
  }

  init(_ entry: MetadataEntry) {
    let document = entry.document
    func text(_ key: String) -> String { document[key]?.stringValue ?? "" }
    func flag(_ key: String) -> Bool { if case .bool(true)? = document[key] { true } else { false } }
    name = entry.name
    source = text("SourceTable")
    query = text("Query")
    folder = text("Folder")
    docstring = text("DocString")
    isEnabled = flag("IsEnabled")
    autoUpdatesSchema = flag("AutoUpdateSchema")
    effectiveOn = document["EffectiveOn"]?.longValue
    lookback = document["Lookback"]?.longValue
    lookbackColumn = text("LookbackColumn")
    cursor = text("Cursor")
    createdOn = document["CreatedOn"]?.longValue ?? 0
    state = text("State")
    isOpen = flag("IsOpen")
    failure = document["Failure"]?.stringValue
    failedOn = document["FailedOn"]?.longValue
  }

  var document: DynamicValue {
    .bag([
      DynamicEntry("SourceTable", .string(source)), DynamicEntry("Query", .string(query)), DynamicEntry("Folder", .string(folder)),
      DynamicEntry("DocString", .string(docstring)), DynamicEntry("IsEnabled", .bool(isEnabled)), DynamicEntry("AutoUpdateSchema", .bool(autoUpdatesSchema)),
      DynamicEntry("EffectiveOn", effectiveOn.map { .long($0) } ?? .null), DynamicEntry("Lookback", lookback.map { .long($0) } ?? .null),
      DynamicEntry("LookbackColumn", .string(lookbackColumn)), DynamicEntry("Cursor", .string(cursor)), DynamicEntry("CreatedOn", .long(createdOn)),
      DynamicEntry("State", .string(state)), DynamicEntry("IsOpen", .bool(isOpen)),
    ] + (failure.map { [DynamicEntry("Failure", .string($0)), DynamicEntry("FailedOn", .long(failedOn ?? 0))] } ?? []))
  }

  // MARK: Finding

  static func find(_ name: String, in database: String, _ metadata: MetadataStore) throws -> MaterializedView? {
    try metadata.entry(.view, name, in: .database(database)).map(MaterializedView.init)
  }

  static func all(in database: String, _ metadata: MetadataStore) throws -> [MaterializedView] {
    try metadata.entries(.view, in: .database(database)).map(MaterializedView.init)
  }

  static func names(in database: String, _ metadata: MetadataStore) -> [String] { ((try? all(in: database, metadata)) ?? []).map(\.name) }

  // MARK: Reading

  /// The view's rows: those its query makes of what the catalog's principal sees of the source, and of what is stored of it.
  func plan(_ catalog: SessionCatalog) throws -> LogicalPlan {
    guard let first = try catalog.snapshot(source) else { return try bound(catalog).plan }
    let (snapshot, history) = try both(first, catalog)
    func boundRows(after version: Int64?) throws -> BoundView {
      let rows = try covered(snapshot, catalog, after: version, through: nil)
      return try bound(catalog.adding(source, withOrigin: try catalog.guarded(snapshot, rows: { _ in rows }, withOrigin: true)))
    }
    let query = try boundRows(after: history?.version(of: snapshot.table))
    guard let history else { return query.plan }
    // What was stored of such a query is no part of its result.
    if ViewObstacles(snapshot.table).toContinuing(query) != nil { return try boundRows(after: nil).plan }
    try catalog.checkHistory(of: self, over: snapshot.table)
    guard let aggregation = ViewAggregation.of(query.plan).aggregation,
      let stored = try aggregation.arranged(.scan(history.snapshot.rows()), history.snapshot.description)
    else { throw otherColumns() }
    return try aggregation.result(with: stored)
  }

  /// The source and what is stored of it, fit for each other. The source comes first: what leaves it after that is stored already, and left out by
  /// its version. Where what is stored is newer than the source, rows without a version may be in both: then the source is read once more.
  private func both(_ first: TableSnapshot, _ catalog: SessionCatalog) throws -> (TableSnapshot, ViewHistory?) {
    let table = first.table
    var snapshot = first
    for _ in 0..<20 {
      let view = try MaterializedView.find(name, in: table.database.name, catalog.executor.metadata) ?? self
      let history = try view.history(in: table.database)
      if snapshot.tail == nil || history?.version(of: table) ?? -1 <= snapshot.version { return (snapshot, history) }
      snapshot = try table.snapshot()
    }
    throw KConnectError(.locked, "rows leave '\(table.name)' faster than the materialized view '\(name)' can be read", isRetryable: true)
  }

  /// The view's query.
  func bound(_ catalog: SessionCatalog) throws -> BoundView {
    let answered = AnsweredQueries()
    var options = catalog.request.bindOptions(catalog.executor, catalog)
    let supervise = options.supervise
    options.supervise = { execution, body in
      answered.add(execution.plan)
      try supervise(execution, body)
    }
    let bound: BoundQuery
    do {
      bound = try KQL.bind(query, catalog: catalog, options: options)
    } catch let error as KConnectError {
      throw KConnectError(
        error.code, "the query of the materialized view '\(name)': \(error.message)", hint: error.hint, excerpt: error.excerpt, cause: error, isRetryable: error.isRetryable)
    }
    guard bound.results.count == 1, let result = bound.results.first else {
      throw KConnectError(.kqlSemantic, "the query of the materialized view '\(name)' gives \(bound.results.count) results, expected one")
    }
    return BoundView(plan: result.plan, answered: answered.all)
  }

  /// What is said when the stored part does not fit what the query makes.
  func otherColumns() -> KConnectError {
    KConnectError(
      .schemaMismatch, "the results that the materialized view '\(name)' has stored are of other groups, or of other types, than those its query makes now",
      hint: ".clear materialized-view \(quotedName(name)) data forgets them")
  }

  /// The source's rows that the view covers, with columns of row origin: those behind `version` and up to `last`, where they are given.
  func covered(_ snapshot: TableSnapshot, _ catalog: SessionCatalog, after version: Int64?, through last: Int64?) throws -> LogicalPlan {
    var extents: Set<GUID>?
    if let effectiveOn { extents = Set(snapshot.extents.filter { $0.maxCreatedOn >= effectiveOn }.map(\.id)) }
    let first = try max(version ?? -1, cursor.isEmpty ? -1 : DatabaseCursor(cursor).version(of: snapshot.table.id))
    let rows = try catalog.raw(snapshot, withOrigin: true, extents: extents)
    if first < 0, last == nil { return rows }
    let column = Expr.column(RowOrigin.rowVersion(table: snapshot.table.id))
    var conditions: [Expr] = []
    if let last {
      // Rows that wait for their commit have no version: their turn is later.
      conditions += [.call(FunctionName.greater, [column, .literal(.long(max(first, 0)))]), .call(FunctionName.lessOrEqual, [column, .literal(.long(last))])]
    } else {
      conditions.append(
        .call(FunctionName.or, [.call(FunctionName.greater, [column, .literal(.long(first))]), .call(FunctionName.equal, [column, .literal(.long(0))])]))
    }
    guard let condition = Expr.conjunction(conditions) else { return rows }
    return try rows.filter(condition)
  }
}

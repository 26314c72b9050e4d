// Role: materialized views. The view's query runs over its source when the view is read: answers are always complete and up to date, at the cost
// of the aggregation. Without `backfill` a view covers the rows ingested after it was made.

import Columnar
import DataSource
import Engine
import Expressions
import KQL

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
  }

  var document: DynamicValue {
    .bag([
      DynamicEntry("SourceTable", .string(source)), DynamicEntry("Query", .string(query)), DynamicEntry("Folder", .string(folder)),
      DynamicEntry("DocString", .string(docstring)), DynamicEntry("IsEnabled", .bool(isEnabled)), DynamicEntry("AutoUpdateSchema", .bool(autoUpdatesSchema)),
      DynamicEntry("EffectiveOn", effectiveOn.map { .long($0) } ?? .null), DynamicEntry("Lookback", lookback.map { .long($0) } ?? .null),
      DynamicEntry("LookbackColumn", .string(lookbackColumn)), DynamicEntry("Cursor", .string(cursor)), DynamicEntry("CreatedOn", .long(createdOn)),
    ])
  }

  var script: String {
    let properties = (cursor.isEmpty ? ["backfill = true"] : []) + (folder.isEmpty ? [] : ["folder = \(SchemaText.quoted(folder))"])
      + (docstring.isEmpty ? [] : ["docString = \(SchemaText.quoted(docstring))"])
    let with = properties.isEmpty ? "" : "with (\(properties.joined(separator: ", "))) "
    return ".create materialized-view \(with)\(quotedName(name)) on table \(quotedName(source)) { \(query) }"
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

  /// The view's rows: those its query makes of what the catalog's principal sees of the source.
  func plan(_ catalog: SessionCatalog) throws -> LogicalPlan {
    var scope = catalog
    if let snapshot = try catalog.snapshot(source) { scope = catalog.adding(source, try catalog.guarded(snapshot, rows: try covered(snapshot, catalog), withOrigin: false)) }
    let bound = try KQL.bind(query, catalog: scope, options: catalog.request.bindOptions(catalog.executor, scope))
    guard bound.results.count == 1, let result = bound.results.first else {
      throw KConnectError(.kqlSemantic, "the query of the materialized view '\(name)' gives \(bound.results.count) results, expected one")
    }
    return result.plan
  }

  /// The source's rows that the view covers.
  private func covered(_ snapshot: TableSnapshot, _ catalog: SessionCatalog) throws -> LogicalPlan {
    var extents: Set<GUID>?
    if let effectiveOn { extents = Set(snapshot.extents.filter { $0.maxCreatedOn >= effectiveOn }.map(\.id)) }
    guard !cursor.isEmpty else { return try catalog.raw(snapshot, withOrigin: false, extents: extents) }
    let rows = try catalog.raw(snapshot, withOrigin: true, extents: extents)
    let version = try DatabaseCursor(cursor).version(of: snapshot.table.id)
    let column = Expr.column(RowOrigin.rowVersion(table: snapshot.table.id))
    return try rows.filter(.call(">", [column, .literal(.long(version))])).select(snapshot.schema.names)
  }
}

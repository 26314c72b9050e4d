// Role: stored query results: the rows of a query kept for its author for up to a day, in a table that no command lists, read with
// stored_query_result("name").
// Source: Kusto reference, "Stored query results".

import Columnar
import DataSource
import Engine
import KQL

/// A result as stored.
struct StoredQueryResult: Sendable {
  var name: String
  /// The table that holds the rows.
  var table: String
  var principal: String
  /// Ticks.
  var createdOn: Int64
  var expiresOn: Int64

  init(name: String, table: String, principal: String, createdOn: Int64, expiresOn: Int64) {
    (self.name, self.table, self.principal, self.createdOn, self.expiresOn) = (name, table, principal, createdOn, expiresOn)
  }

  private init(_ entry: MetadataEntry) {
    name = entry.name
    table = entry.document["Table"]?.stringValue ?? ""
    principal = entry.document["Principal"]?.stringValue ?? ""
    createdOn = entry.document["CreatedOn"]?.longValue ?? 0
    expiresOn = entry.document["ExpiresOn"]?.longValue ?? 0
  }

  var document: DynamicValue {
    .bag([
      DynamicEntry("Table", .string(table)), DynamicEntry("Principal", .string(principal)), DynamicEntry("CreatedOn", .long(createdOn)),
      DynamicEntry("ExpiresOn", .long(expiresOn)),
    ])
  }

  /// Those that have not expired.
  static func all(in database: String, _ metadata: MetadataStore) throws -> [StoredQueryResult] {
    try metadata.entries(.storedResult, in: .database(database)).map(StoredQueryResult.init).filter { $0.expiresOn > StoreClock.nowTicks }
  }

  static func find(_ name: String, in database: String, _ metadata: MetadataStore) throws -> StoredQueryResult? {
    try metadata.entry(.storedResult, name, in: .database(database)).map(StoredQueryResult.init).flatMap { $0.expiresOn > StoreClock.nowTicks ? $0 : nil }
  }

  /// Removes those that have expired.
  static func sweep(_ database: Database, _ metadata: MetadataStore) throws {
    for entry in try metadata.entries(.storedResult, in: .database(database.name)).map(StoredQueryResult.init) where entry.expiresOn <= StoreClock.nowTicks {
      try entry.remove(from: database, metadata)
    }
  }

  func remove(from database: Database, _ metadata: MetadataStore) throws {
    try metadata.remove(.storedResult, name, in: .database(database.name))
    try database.dropTable(table, ifExists: true)
  }
}

extension CommandRun {
  private static let day: Int64 = 864_000_000_000

  /// The stored result of that name that the caller made.
  private func storedResult(_ name: String) throws -> StoredQueryResult {
    let database = try database()
    let mine = try StoredQueryResult.all(in: database.name, metadata).filter { $0.principal == request.principal }
    if let found = mine.first(where: { $0.name == name }) { return found }
    throw KConnectError(
      .pathNotFound, "there is no stored query result '\(name)' in the database '\(database.name)'",
      hint: nearestNames(to: name, among: mine.map(\.name), limit: 1).first.map { "did you mean '\($0)'?" })
  }

  func storedResultSet(replacing: Bool) throws -> CommandOutput {
    let database = try database()
    guard let name = command.name("result")?.text else { throw KConnectError(.internalError, "no name") }
    let properties = try properties(["expiresAfter", "previewCount"])
    let life = try properties.timespan("expiresAfter") ?? Self.day
    guard life > 0, life <= Self.day else { throw KConnectError(.optionInvalid, "property 'expiresAfter': expected a time of at most 24 hours") }
    let preview = try properties.integer("previewCount") ?? 10_000
    guard preview >= 0 else { throw KConnectError(.optionInvalid, "property 'previewCount': found \(preview), expected 0 or more") }
    try StoredQueryResult.sweep(database, metadata)
    let old = try StoredQueryResult.find(name, in: database.name, metadata)
    if let old, !replacing || old.principal != request.principal {
      throw KConnectError(.alreadyExists, "the stored query result '\(name)' exists already in the database '\(database.name)'", hint: ".set-or-replace stored_query_result replaces one's own")
    }
    let plan = try query()
    guard plan.schema.count <= 500 else { throw KConnectError(.notSupported, "the result has \(plan.schema.count) columns, a stored query result at most 500") }
    let description = TableDescription(Database.resultPrefix + randomIdentifier(), schema: plan.schema, folder: store.format.id)
    let draft = try database.draftTable(description, isHidden: true)
    do {
      var wanted = IngestProperties()
      wanted.operation = "SET-STORED-QUERY-RESULT"
      _ = try UpdatePolicies(executor, request).ingest(plan, into: draft, wanted, mode: .append)
      // Between its name and its entry nobody takes it for one that belongs to nothing.
      let lock = try database.lockViews()
      defer { withExtendedLifetime(lock) {} }
      try database.publish(draft)
      let now = StoreClock.nowTicks
      let made = StoredQueryResult(name: name, table: draft.name, principal: request.principal, createdOn: now, expiresOn: now + life)
      try metadata.put(.storedResult, name, in: .database(database.name), made.document)
    } catch {
      database.discard(draft)
      throw error
    }
    if let old { try database.dropTable(old.table, ifExists: true) }
    guard let stored = try database.anyTable(draft.name) else { throw KConnectError(.internalError, "a stored result without a table") }
    let rows = LogicalPlan.scan(try stored.snapshot().rows())
    return try self.rows(of: preview == 0 ? rows : rows.limit(preview))
  }

  func storedResultsShow() throws -> CommandOutput {
    if let name = command.name("result")?.text { return try output([try storedResult(name)]) }
    return try output(try StoredQueryResult.all(in: database().name, metadata).filter { $0.principal == request.principal })
  }

  func storedResultSchemaShow() throws -> CommandOutput {
    let result = try storedResult(command.name("result")?.text ?? "")
    let schema = try database().anyTable(result.table)?.snapshot().schema ?? StructType()
    let columns = schema.fields.map { DynamicValue.bag([DynamicEntry("Column", .string($0.name)), DynamicEntry("Type", .string($0.type.rawValue))]) }
    return CommandOutput(Shapes.storedResultSchema, [[.string(result.name), .string(DynamicValue.array(columns).json)]])
  }

  func storedResultsDrop() throws -> CommandOutput {
    let database = try database()
    let gone: [StoredQueryResult]
    if let principal = command.text("principal") {
      gone = try StoredQueryResult.all(in: database.name, metadata).filter { $0.principal == principal }
    } else {
      gone = [try storedResult(command.name("result")?.text ?? "")]
    }
    let output = try output(gone)
    for result in gone { try result.remove(from: database, metadata) }
    try StoredQueryResult.sweep(database, metadata)
    return output
  }

  private func output(_ results: [StoredQueryResult]) throws -> CommandOutput {
    let database = try database()
    return CommandOutput(
      Shapes.storedResults,
      try results.map { result in
        let snapshot = try database.anyTable(result.table)?.snapshot()
        return [
          .string(GUID(String(result.table.dropFirst(Database.resultPrefix.count)))?.description ?? ""), .string(result.name), .string(database.name), .string(result.principal),
          .count(snapshot?.byteSize ?? 0), .count(snapshot?.rowCount ?? 0), .datetime(result.createdOn), .datetime(result.expiresOn),
        ]
      })
  }
}

// Role: update policies: rows ingested into a table are put through queries into other tables, in the same commit where the policy is
// transactional.

import Columnar
import DataSource
import Engine
import Expressions
import KQL

struct UpdatePolicies: Sendable {
  let executor: CommandExecutor
  let request: Request
  /// The tables, by id, through which the rows have come: policies that feed each other in a circle end where it closes.
  private var reached: Set<String> = []

  init(_ executor: CommandExecutor, _ request: Request) {
    self.executor = executor
    self.request = request
  }

  /// Whether any table has a policy that reads a table of this name; it need not exist yet.
  static func feed(from name: String, _ metadata: MetadataStore) throws -> Bool {
    let policies = Policies(metadata)
    return try metadata.scopes(.policy, named: PolicyName.update.rawValue).keys.contains { scope in
      guard scope.hasPrefix("table:") else { return false }
      return try policies.updates(of: String(scope.dropFirst("table:".count))).contains { $0.source == name }
    }
  }

  /// The policies with this table as their source, with their targets.
  func from(_ source: StoreTable) throws -> [(policy: UpdatePolicy, target: StoreTable)] {
    let fed = try executor.metadata.scopes(.policy, named: PolicyName.update.rawValue).compactMapValues { entry -> [UpdatePolicy]? in
      let own = (entry.document.elements ?? []).compactMap(UpdatePolicy.init).filter { $0.isEnabled && $0.source == source.name }
      return own.isEmpty ? nil : own
    }
    // Tables are opened only where one of them is fed from here.
    if fed.isEmpty { return [] }
    return try source.database.tables().flatMap { target in (fed[EntryScope.table(target.id).text] ?? []).map { (policy: $0, target: target) } }
  }

  /// The rows a policy makes of `rows`, with the target's columns.
  private func plan(
    _ policy: UpdatePolicy, source: StoreTable, rows: LogicalPlan, target: StoreTable, for purpose: SessionCatalog.Purpose? = nil
  ) throws -> LogicalPlan {
    let scoped = Request(text: policy.query, database: source.database.name, properties: request.properties)
    let catalog = SessionCatalog(executor, scoped, for: purpose ?? .policy(hasIdentity: policy.hasIdentity)).adding(source.name, rows)
    try catalog.requireOpen(.table(source.id), source.name)
    let bound = try KQL.bind(policy.query, catalog: catalog, options: scoped.bindOptions(executor, catalog))
    guard bound.results.count == 1, let result = bound.results.first else {
      throw KConnectError(.kqlSemantic, "the update policy of '\(target.name)' gives \(bound.results.count) results, expected one")
    }
    return try TableColumns.fit(result.plan, to: target, what: "the update policy of '\(target.name)'")
  }

  /// Throws where the policy's query does not bind or gives other columns than the target has.
  func check(_ policy: UpdatePolicy, source: StoreTable, target: StoreTable) throws {
    let rows = LogicalPlan.values(try source.snapshot().schema, [])
    // Whoever makes the policy must be able to read what it reads, and so must the policy.
    _ = try plan(policy, source: source, rows: rows, target: target, for: .query)
    _ = try plan(policy, source: source, rows: rows, target: target)
  }

  /// The tables with policies that could not read the table any more if it hid rows: those without a managed identity that read it, be it as
  /// their source or through functions and views.
  func readers(of table: StoreTable) throws -> [StoreTable] {
    try table.database.tables().filter { target in
      try Policies(executor.metadata).updates(of: target.id).contains { try !$0.hasIdentity && reads($0, table) }
    }
  }

  private func reads(_ policy: UpdatePolicy, _ table: StoreTable) throws -> Bool {
    if policy.source == table.name { return true }
    guard let source = try table.database.tableIfExists(policy.source) else { return false }
    let scoped = Request(text: policy.query, database: table.database.name, properties: request.properties)
    let catalog = SessionCatalog(executor, scoped, for: .metadata).adding(source.name, .values(try source.snapshot().schema, []))
    // One that does not bind any more has read what it names up to there.
    _ = try? KQL.bind(policy.query, catalog: catalog, options: scoped.definitionOptions(executor, catalog))
    return catalog.hasRead(table)
  }

  /// Ingests a plan's rows with everything that follows from it. `check` may throw before anything is committed.
  func ingest(
    _ plan: LogicalPlan, into table: StoreTable, _ properties: IngestProperties, mode: IngestMode, check: (DroppedRecords, _ rows: Int) throws -> Void = { _, _ in }
  ) throws -> IngestResult {
    let sink = try table.ingest(schema: plan.schema, properties, mode: mode)
    var dropped = DroppedRecords()
    if !sink.isDone {
      dropped = try write(plan, to: sink)
      try check(dropped, sink.rowCount)
    }
    var result = try finish(sink)
    result.dropped = dropped
    return result
  }

  /// Commits the rows a sink was given, with everything that follows from them.
  func finish(_ sink: IngestSink) throws -> IngestResult {
    let table = sink.table
    let properties = sink.properties
    if sink.mode == .replace, !sink.isDone { try ViewMaterialization(executor, request).keep(rowsOf: sink.basis) }
    if try sink.isDone || from(table).isEmpty { return try sink.finish() }
    let staged = try sink.stage()
    let transaction = StoreTransaction(table.database, operation: properties.operation)
    try transaction.append(staged, ingestIfNotExists: properties.ingestIfNotExists)
    if let (application, version) = properties.transaction { try transaction.record(application, version, in: table) }
    if sink.mode == .replace { try transaction.replaceAll(of: sink.basis) }
    let derived = try derived(of: staged, properties)
    for staged in derived.staged { try transaction.append(staged) }
    let results = try transaction.commit()
    for (table, result) in results where !result.isSkipped { table.mergeSmallExtentsIfMany() }
    try run(derived.later, behind: results, properties)
    return results.first { $0.table.id == table.id }?.result ?? IngestResult()
  }

  /// Writes rows by key with everything that follows from them: policies see the rows written, as those of `.update table` do. What was made
  /// of the rows they replace stays.
  func upsert(_ rows: UpsertRows, schema: StructType, into table: StoreTable, _ properties: IngestProperties) throws -> WriteSummary {
    if try from(table).isEmpty { return try table.upsert(rows, schema: schema, properties) }
    var later: [Follower] = []
    let (summary, results) = try table.upsert(rows, schema: schema, properties) { staged in
      let derived = try derived(of: staged, properties)
      later = derived.later
      return derived.staged
    }
    if !summary.isSkipped { try run(later, behind: results, properties) }
    return summary
  }

  // MARK: What follows

  /// A policy that runs once the rows of its source are committed; `reached`: up to its source.
  private typealias Follower = (policy: UpdatePolicy, source: StoreTable, target: StoreTable, reached: Set<String>)

  /// What follows from rows that are not committed yet: those of transactional policies, to be committed with them, and the other policies.
  private struct Derived {
    var staged: [StagedExtents] = []
    var later: [Follower] = []
  }

  private func derived(of staged: StagedExtents, _ properties: IngestProperties) throws -> Derived {
    var out = Derived()
    try cascade(from: staged, properties, reached, &out)
    return out
  }

  /// Stages what transactional policies make of the rows, and what further ones make of that.
  private func cascade(from staged: StagedExtents, _ properties: IngestProperties, _ before: Set<String>, _ out: inout Derived) throws {
    let reached = before.union([staged.table.id])
    for (policy, target) in try from(staged.table) where !reached.contains(target.id) {
      guard policy.isTransactional else {
        out.later.append((policy, staged.table, target, reached))
        continue
      }
      let made: StagedExtents
      do {
        made = try stage(try plan(policy, source: staged.table, rows: .scan(try staged.rows), target: target), into: target, derivedProperties(policy, properties))
      } catch {
        throw KConnectError(
          .valueInvalid, "the update policy of '\(target.name)' failed, nothing was ingested: \(CommandRun.message(error))", cause: PolicyFailure(reason: error),
          isRetryable: CommandRun.isRetryable(error))
      }
      out.staged.append(made)
      try cascade(from: made, properties, reached, &out)
    }
  }

  private func stage(_ plan: LogicalPlan, into table: StoreTable, _ properties: IngestProperties) throws -> StagedExtents {
    let sink = try table.ingest(schema: plan.schema, properties)
    do { try write(plan, to: sink) } catch {
      sink.abort()
      throw error
    }
    return try sink.stage()
  }

  /// Runs the policies that see the rows that were committed; their failures do not undo the ingestion.
  private func run(_ later: [Follower], behind results: [(table: StoreTable, result: IngestResult)], _ properties: IngestProperties) throws {
    for (policy, source, target, reached) in later {
      do {
        let ids = Set(results.filter { $0.table.id == source.id }.flatMap { $0.result.extents.map(\.id) })
        let rows = LogicalPlan.scan(try source.snapshot().rows(extents: ids))
        let derived = try self.plan(policy, source: source, rows: rows, target: target)
        var next = self
        next.reached = reached
        _ = try next.ingest(derived, into: target, derivedProperties(policy, properties), mode: .append)
      } catch {
        try executor.metadata.add(
          FailureRecord(
            operation: request.activityId, database: source.database.name, table: target.name, failedOn: StoreClock.nowTicks, path: "", details: CommandRun.message(error),
            isPermanent: !CommandRun.isRetryable(error), kind: "UpdatePolicy", comesFromPolicy: true, code: IngestFailure.policyCode(error),
            principal: request.principal, properties: "{}", isStreaming: false))
      }
    }
  }

  private func derivedProperties(_ policy: UpdatePolicy, _ properties: IngestProperties) -> IngestProperties {
    var derived = policy.propagatesProperties ? properties : IngestProperties()
    derived.ingestIfNotExists = []
    derived.operation = "UPDATE-POLICY"
    return derived
  }

  /// Runs a plan into a sink without committing it.
  @discardableResult
  private func write(_ plan: LogicalPlan, to sink: IngestSink) throws -> DroppedRecords {
    let execution = try QueryExecution(plan, options: executor.options, context: request.context)
    try request.properties.cancellation.running(execution) { _ = try $0.write(to: UncommittedSink(sink)) }
    return DroppedRecords(execution.progress)
  }
}

/// A sink whose commit is left to somebody else.
private final class UncommittedSink: TableSink {
  private let sink: IngestSink

  init(_ sink: IngestSink) { self.sink = sink }

  var preferredChunkRows: Int? { sink.preferredChunkRows }
  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk { try sink.encode(chunk) }
  func append(_ chunk: any EncodedChunk) throws { try sink.append(chunk) }
  func commit() throws -> WriteSummary { WriteSummary() }
  func abort() { sink.abort() }
}

/// Result columns as the columns of a table.
enum TableColumns {
  /// Columns go by position; their types must be the table's. Names may differ.
  static func fit(_ plan: LogicalPlan, to table: StoreTable, what: String) throws -> LogicalPlan {
    let wanted = try table.snapshot().schema
    let found = plan.schema
    guard found.count == wanted.count else {
      throw KConnectError(.schemaMismatch, "\(what) gives \(found.count) columns (\(found)), the table '\(table.name)' has \(wanted.count) (\(wanted))")
    }
    for (i, field) in found.fields.enumerated() where field.type != wanted[i].type {
      throw KConnectError(
        .schemaMismatch, "\(what), column \(i + 1): '\(field.name)' is \(field.type), column '\(wanted[i].name)' of the table '\(table.name)' is \(wanted[i].type)",
        hint: "columns go by position; convert it, for instance with to\(wanted[i].type)(…)")
    }
    if found.names == wanted.names { return plan }
    return try plan.project(zip(wanted.fields, found.fields).map { NamedExpr($0.0.name, .column($0.1.name)) })
  }
}

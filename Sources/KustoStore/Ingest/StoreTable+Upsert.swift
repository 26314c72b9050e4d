// Role: writes by key into a table of the store: one commit takes out the rows that have these keys, or are too old, and brings the new ones.

package import Columnar
package import DataSource
import Delta
package import Engine
import Expressions

extension StoreTable {
  /// Writes rows by key. `schema` is that of the rows. Rows of the table keep their commit version and ingestion time where they stay; rows
  /// that replace others are new ones. Repeats itself while others commit in between. Throws LOCKED (retryable) when that does not end.
  package func upsert(_ rows: UpsertRows, schema: StructType, _ properties: IngestProperties) throws -> WriteSummary {
    try upsert(rows, schema: schema, properties) { _ in [] }.summary
  }

  /// As `upsert`, with rows of other tables that `following` makes of the staged rows, in the same commit. The results are those of all tables.
  func upsert(
    _ rows: UpsertRows, schema: StructType, _ properties: IngestProperties, following: (StagedExtents) throws -> [StagedExtents]
  ) throws -> (summary: WriteSummary, results: [(table: StoreTable, result: IngestResult)]) {
    let sink = try ingest(schema: schema, properties)
    let context = EvaluationContext(nowTicks: StoreClock.nowTicks, seed: 0)
    let staged: StagedExtents
    do {
      _ = try QueryExecution(.values(schema, rows.batches), options: ExecutionOptions(), context: context).write(to: StagingSink(sink))
      staged = try sink.stage()
    } catch {
      sink.abort()
      throw error
    }
    let derived = try following(staged)
    try sealRows()
    let results = try retrying { _ -> [(table: StoreTable, result: IngestResult)] in
      let snapshot = try snapshot()
      if isIngested(properties, in: snapshot.delta, files: snapshot.files) {
        var done = IngestResult()
        done.isSkipped = true
        return [(self, done)]
      }
      var change = TableChange(self, basis: snapshot.delta, operation: "UPSERT")
      change.forbidsOtherExtents = true
      let expired = rows.rule.expired(at: context.nowTicks, ingested: HiddenColumns.ingestionTime)
      let touched = try snapshot.filesTouched(by: rows, expired: expired, context)
      change.remove(touched)
      for file in touched {
        var rewrite = ExtentRewrite(snapshot, [file])
        rewrite.filter = expired.map { .call("iff", [$0, .literal(.bool(false)), .literal(.bool(true))]) }
        rewrite.narrowing = { try rows.missing($0) }
        rewrite.isDataChange = true
        change.append(try rewrite.run(context: context))
      }
      change.append(staged)
      if let (application, version) = properties.transaction { change.transaction(application, version) }
      if derived.isEmpty { return [(self, change.actions.isEmpty ? IngestResult() : try commit(change))] }
      let transaction = StoreTransaction(database, operation: "UPSERT")
      transaction.add(change)
      for staged in derived { try transaction.append(staged) }
      return try transaction.commit()
    }
    if results.contains(where: \.result.isSkipped) { return (WriteSummary(isSkipped: true), []) }
    for (table, _) in results { table.mergeSmallExtentsIfMany() }
    return (WriteSummary(rows: rows.rowCount, bytes: staged.adds.reduce(0) { $0 + Int($1.size) }, files: staged.adds.count), results)
  }
}

extension TableSnapshot {
  /// Extents that hold rows with the keys of a write, or expired ones.
  func filesTouched(by rows: UpsertRows, expired: Expr?, _ context: EvaluationContext) throws -> [ExtentFile] {
    let id = HiddenColumns.extentId
    var found: Set<GUID> = []
    func look(_ plan: LogicalPlan) throws {
      try QueryExecution(plan.select([id]).distinct(), options: ExecutionOptions(), context: context).run { batch in
        for i in 0..<batch.rowCount { if case .guid(let extent) = batch.columns[0].scalar(i) { found.insert(extent) } }
        return true
      }
    }
    let table = StoreScanTable(self, files: files)
    if rows.rowCount > 0 { try look(rows.matching(.scan(table, columns: Set(rows.rule.keys + [id])))) }
    if let expired { try look(LogicalPlan.scan(table, columns: expired.columns.union([id])).filter(expired)) }
    return files.filter { found.contains($0.extent.id) }
  }
}

/// Rows into an ingestion that somebody else commits.
private final class StagingSink: TableSink {
  private let inner: IngestSink

  init(_ inner: IngestSink) { self.inner = inner }

  var preferredChunkRows: Int? { inner.preferredChunkRows }
  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk { try inner.encode(chunk) }
  func append(_ chunk: any EncodedChunk) throws { try inner.append(chunk) }
  func commit() throws -> WriteSummary { WriteSummary() }
  func abort() { inner.abort() }
}

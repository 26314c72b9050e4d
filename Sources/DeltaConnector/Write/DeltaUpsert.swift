// Role: writes by key into a Delta table: files that hold rows with these keys, or rows that are too old, are written anew without them,
// together with the new rows, in one commit.

import Columnar
import DataSource
import Delta
import Engine
import Expressions
import FileConnector

extension DeltaWriter {
  /// Tries while others commit rows in between.
  private static let maxAttempts = 20

  func upsertSink(_ rule: UpsertRule, _ schema: StructType, mode: SaveMode, partitionBy: [String], _ snapshot: DeltaSnapshot?) throws -> any TableSink {
    if mode == .overwrite { throw KConnectError(.usage, "option 'upsertKey' with mode overwrite: rows are either replaced by key or all at once", hint: "use mode append") }
    if let snapshot, snapshot.protocol.supports("appendOnly"), snapshot.flag("delta.appendOnly") {
      throw KConnectError(.usage, "'\(log.displayPath)' is append-only (delta.appendOnly): rows cannot be replaced", hint: "write without upsertKey")
    }
    let whole = try TargetSchema(schema, table: snapshot, mergesSchema: options.bool("mergeSchema"), path: log.displayPath).table.structType
    try rule.check(rows: schema, table: whole, knowsIngestion: false)
    let positions = whole.fields.map { schema.index(of: $0.name) }
    return UpsertSink(
      rule, schema: whole,
      convert: { batch in
        let columns = zip(whole.fields, positions).map { field, at in
          guard let at else { return ColumnVector.nulls(field.type, count: batch.rowCount) }
          let column = batch.columns[at]
          // A null stays one: cast makes empty texts of nulls.
          return column.type == field.type ? column : column.cast(to: field.type).withValidity(column.validity)
        }
        return RecordBatch(schema: whole, columns: columns, rowCount: batch.rowCount)
      },
      finish: { rows in
        var attempt = 1
        while true {
          do { return try write(rows, whole, mode, partitionBy) } catch let error as KConnectError where error.isRetryable && attempt < Self.maxAttempts { attempt += 1 }
        }
      })
  }

  /// One attempt from the newest version.
  private func write(_ rows: UpsertRows, _ whole: StructType, _ mode: SaveMode, _ partitionBy: [String]) throws -> WriteSummary {
    let snapshot = log.exists ? try log.snapshot() : nil
    let transaction = try transaction()
    if let transaction, let known = snapshot?.transactions[transaction.appId], known.version >= transaction.version { return WriteSummary(isSkipped: true) }
    let target = try TargetSchema(whole, table: snapshot, mergesSchema: options.bool("mergeSchema"), path: log.displayPath)
    let keys = try partitioning(partitionBy, snapshot, whole)
    let metadata = try newMetadata(snapshot, target, keys, false)
    let now = DeltaClock.milliseconds * 10_000
    let context = EvaluationContext(nowTicks: now, seed: 0)
    let expired = rows.rule.expired(at: now, ingested: "")
    var touched: [AddFile] = []
    var plans: [LogicalPlan] = []
    if let snapshot {
      touched = try snapshot.adds.filter { try isTouched($0, of: snapshot, by: rows, expired, context) }
      if !touched.isEmpty { plans.append(try remaining(touched, of: snapshot, without: rows, expired, as: whole)) }
    }
    plans.append(.values(whole, rows.batches))
    let sink = try partSink(target, keys, snapshot, metadata, .files(touched), transaction, mode)
    var summary = try QueryExecution(.union(plans), options: ExecutionOptions(), context: context).write(to: sink)
    if !summary.isSkipped { summary.rows = rows.rowCount }
    return summary
  }

  private func table(_ files: [AddFile], of snapshot: DeltaSnapshot) throws -> LogicalPlan {
    .scan(try DeltaReader.table(snapshot, in: log.path, objects: log.objects, files: files, parquet: [("onInexact", options.word("onInexact") ?? "fail")]))
  }

  /// True for files that hold rows with the keys of the write, or expired ones.
  private func isTouched(_ file: AddFile, of snapshot: DeltaSnapshot, by rows: UpsertRows, _ expired: Expr?, _ context: EvaluationContext) throws -> Bool {
    let plan = try table([file], of: snapshot)
    if try rows.hasMatch(in: plan, options: ExecutionOptions(), context: context) { return true }
    guard let expired else { return false }
    var isFound = false
    try QueryExecution(plan.filter(expired).limit(1), options: ExecutionOptions(), context: context).run { batch in
      isFound = isFound || batch.rowCount > 0
      return !isFound
    }
    return isFound
  }

  /// The rows of files that stay, under the columns that the table has after the write.
  private func remaining(_ files: [AddFile], of snapshot: DeltaSnapshot, without rows: UpsertRows, _ expired: Expr?, as whole: StructType) throws -> LogicalPlan {
    var plan = try rows.missing(try table(files, of: snapshot))
    if let expired { plan = try plan.filter(.call("iff", [expired, .literal(.bool(false)), .literal(.bool(true))])) }
    return try plan.project(
      whole.fields.map { field in NamedExpr(field.name, plan.schema.index(of: field.name) == nil ? .literal(.null(field.type)) : .column(field.name)) })
  }
}

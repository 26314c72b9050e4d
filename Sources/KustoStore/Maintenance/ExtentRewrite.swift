// Role: extents → other extents of the same rows, or of some of them, or of other columns: the one way in which merges, deletions and
// alterations write. Rows keep their ingestion time and their commit version in hidden columns.

import Columnar
import DataSource
import Delta
import Engine
import Expressions
import KQL

/// A rewrite of files of one snapshot.
struct ExtentRewrite {
  let snapshot: TableSnapshot
  let files: [ExtentFile]
  /// The columns of the new extents over those of the table.
  var columns: [NamedExpr]
  var schema: StructType
  /// Rows that stay; nil: all.
  var filter: Expr?
  /// Takes more rows out, by joining with others; gets and gives at least the columns it gets.
  var narrowing: ((LogicalPlan) throws -> LogicalPlan)?
  /// False when the rows stay as they are.
  var isDataChange = false

  /// The same rows and columns.
  init(_ snapshot: TableSnapshot, _ files: [ExtentFile]) {
    self.snapshot = snapshot
    self.files = files
    schema = snapshot.schema
    columns = schema.names.map { NamedExpr($0, .column($0)) }
  }

  /// Writes the new extents; they are not committed.
  func run(context: EvaluationContext, targetRows: Int = ExtentSize.targetRows) throws -> StagedExtents {
    let times = Set(files.map(\.ingestionTime))
    let hasTimes = times.count != 1 || times.contains(nil)
    let versionColumn = HiddenColumns.storedRowVersion(table: snapshot.table.id)
    var layout = StorageLayout()
    layout.hasIngestionTimes = hasTimes
    layout.versionColumn = versionColumn
    let facts = ExtentFacts(
      tags: files.dropFirst().reduce(files.first?.extent.tags ?? ExtentTags()) { $0.union($1.extent.tags) },
      minCreatedOn: files.map(\.extent.minCreatedOn).min() ?? 0, maxCreatedOn: files.map(\.extent.maxCreatedOn).max() ?? 0,
      ingestionTime: times.first.flatMap { $0 } ?? 0, isDataChange: isDataChange)
    let sequence = ExtentSequence(snapshot.table, schema: schema, facts: facts, base: layout, targetRows: targetRows)
    var outputs = columns
    if hasTimes { outputs.append(NamedExpr(HiddenColumns.storedIngestionTime, .column(HiddenColumns.ingestionTime))) }
    outputs.append(NamedExpr(versionColumn, .column(HiddenColumns.rowVersion)))
    let read = outputs.reduce(into: filter?.columns ?? []) { $0.formUnion($1.expr.columns) }
    var plan = LogicalPlan.scan(StoreScanTable(snapshot, files: files), columns: read)
    if let filter { plan = try plan.filter(filter) }
    if let narrowing { plan = try narrowing(plan) }
    plan = try plan.project(outputs)
    let sink = RewriteSink(sequence)
    _ = try QueryExecution(plan, options: ExecutionOptions(), context: context).write(to: sink)
    return try sequence.finish()
  }
}

extension LogicalPlan {
  /// Columns of a store table, virtual ones included.
  static func scan(_ table: StoreScanTable, columns: Set<String>) -> LogicalPlan {
    let fields = (table.schema.fields + HiddenColumns.virtual.fields).filter { columns.contains($0.name) }
    return LogicalPlan(node: .scan(ScanNode(table: table, columns: fields.map(\.name))), schema: StructType(fields))
  }
}

/// Rows of a rewrite; the sequence is finished by who began it.
private final class RewriteSink: TableSink {
  private let sequence: ExtentSequence

  init(_ sequence: ExtentSequence) { self.sequence = sequence }

  var preferredChunkRows: Int? { min(ExtentSize.rowGroupRows, ExtentSize.targetRows) }
  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk { try sequence.encode(chunk) }

  func append(_ chunk: any EncodedChunk) throws {
    guard let chunk = chunk as? ExtentChunk else { throw KConnectError(.internalError, "a chunk of another format") }
    try sequence.append(chunk)
  }

  func commit() throws -> WriteSummary { WriteSummary() }
  func abort() { sequence.abort() }
}

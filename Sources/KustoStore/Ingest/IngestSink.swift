// Role: rows on their way into a table: encoded in parallel, appended in order to extents, visible after the commit.

package import Columnar
package import DataSource
import Delta

/// An ingestion under construction.
package final class IngestSink: TableSink, @unchecked Sendable {  // append/commit by one thread at a time; encode reads constants
  package let table: StoreTable
  let properties: IngestProperties
  let mode: IngestMode
  /// The version that decides about columns and about what a replacement replaces.
  let basis: TableSnapshot
  /// For each column of the table its position in the rows that come; nil: null.
  private let positions: [Int?]
  private let isIdentity: Bool
  /// True when the table has the rows already.
  let isDone: Bool
  private var sequence: ExtentSequence?
  private var staged: StagedExtents?

  init(_ table: StoreTable, input: StructType, _ properties: IngestProperties, _ mode: IngestMode) throws {
    self.table = table
    self.properties = properties
    self.mode = mode
    if mode == .replace { try table.sealRows() }
    let basis = try table.snapshot()
    self.basis = basis
    let schema = basis.schema
    for field in input.fields where schema.field(field.name) == nil {
      throw KConnectError(
        .schemaMismatch, "the table '\(table.name)' has no column '\(field.name)'",
        hint: nearestNames(to: field.name, among: schema.names, limit: 1).first.map { "did you mean '\($0)'?" } ?? "columns: \(schema.names.prefix(12).joined(separator: ", "))")
    }
    positions = try schema.fields.map { field in
      guard let i = input.index(of: field.name) else { return nil }
      guard input[i].type == field.type else {
        throw KConnectError(.schemaMismatch, "column '\(field.name)' of table '\(table.name)' is \(field.type), the rows have \(input[i].type)")
      }
      return i
    }
    isIdentity = positions.elementsEqual(schema.fields.indices.map { Optional($0) })
    isDone = table.isIngested(properties, in: basis.delta, files: basis.files)
    let now = StoreClock.nowTicks
    let facts = ExtentFacts(
      tags: properties.extentTags, minCreatedOn: properties.creationTime ?? now, maxCreatedOn: properties.creationTime ?? now,
      ingestionTime: properties.ingestionTime ?? now)
    sequence = ExtentSequence(table, schema: schema, facts: facts)
  }

  deinit { abort() }

  package var preferredChunkRows: Int? { min(ExtentSize.rowGroupRows, ExtentSize.targetRows) }

  package func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk {
    guard let sequence else { throw KConnectError(.internalError, "rows for an ingestion that has ended") }
    if isDone { return SkippedChunk(rowCount: chunk.reduce(0) { $0 + $1.rowCount }) }
    return try sequence.encode(chunk.map(arranged))
  }

  /// The table's columns of a batch.
  private func arranged(_ batch: RecordBatch) -> RecordBatch {
    let schema = basis.schema
    let columns = schema.fields.indices.map { c in
      positions[c].map { batch.columns[$0] } ?? .nulls(schema[c].type, count: batch.rowCount)
    }
    return RecordBatch(schema: schema, columns: columns, rowCount: batch.rowCount)
  }

  package func append(_ chunk: any EncodedChunk) throws {
    if chunk is SkippedChunk { return }
    guard let chunk = chunk as? ExtentChunk else { throw KConnectError(.internalError, "a chunk of another format") }
    try sequence?.append(chunk)
  }

  /// Ends the extents without committing them, for a `StoreTransaction`.
  package func stage() throws -> StagedExtents {
    guard let sequence else { throw KConnectError(.internalError, "an ingestion that has ended") }
    defer { self.sequence = nil }
    return try sequence.finish(at: StoreClock.nowTicks, keepsCreationTime: properties.creationTime != nil, keepsIngestionTime: properties.ingestionTime != nil)
  }

  /// As `commit`, with the extents made.
  package func finish() throws -> IngestResult {
    if isDone {
      abort()
      var result = IngestResult()
      result.isSkipped = true
      result.version = basis.version
      return result
    }
    let staged = try stage()
    var change = TableChange(table, basis: basis.delta, operation: properties.operation)
    change.append(staged)
    change.ingestIfNotExists = properties.ingestIfNotExists.map { ExtentTags.ingestByPrefix + $0 }
    if mode == .replace { change.replaceAll(basis.files) }
    if let (application, version) = properties.transaction { change.transaction(application, version) }
    if change.actions.isEmpty {
      var result = IngestResult()
      result.version = basis.version
      return result
    }
    let result = try table.commit(change)
    if !result.isSkipped { table.mergeSmallExtentsIfMany() }
    return result
  }

  /// Rows so far.
  var rowCount: Int { sequence?.rowCount ?? 0 }

  package func commit() throws -> WriteSummary { WriteSummary(try finish()) }

  package func abort() {
    sequence?.abort()
    sequence = nil
  }
}

extension WriteSummary {
  init(_ result: IngestResult) { self.init(rows: result.rowCount, bytes: result.byteCount, files: result.extents.count, isSkipped: result.isSkipped) }
}

/// Rows that are there already.
private struct SkippedChunk: EncodedChunk {
  var rowCount: Int
  var byteCount: Int { 0 }
}

extension StoreTable {
  /// The newest sequence number that a writer recorded with its rows; nil when it wrote none.
  package func recordedTransaction(_ application: String) throws -> Int64? { try state().transactions[application]?.version }

  /// True when a version has the rows of an ingestion already, by tag or by transaction number.
  func isIngested(_ properties: IngestProperties, in snapshot: DeltaSnapshot, files: [ExtentFile]) -> Bool {
    if let (application, version) = properties.transaction, let known = snapshot.transactions[application], known.version >= version { return true }
    if properties.ingestIfNotExists.isEmpty { return false }
    let wanted = Set(properties.ingestIfNotExists.map { ExtentTags.ingestByPrefix + $0 })
    return files.contains { file in file.extent.tags.ingestBy.contains { wanted.contains($0) } }
  }
}

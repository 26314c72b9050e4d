// Role: rows of one table → data files of about a million rows: chunks are encoded on any thread under the layout their values need,
// appended in order, and a new file begins where one is full or the layout changes. Used by ingestion and by rewrites alike.

import Columnar
import DataSource
import Delta
import Parquet
import Synchronization

/// Data files under construction.
final class ExtentSequence: @unchecked Sendable {  // append/finish by one thread at a time; encode touches `shared` only
  let table: StoreTable
  let schema: StructType
  private let facts: ExtentFacts
  private let base: StorageLayout
  private let targetRows: Int
  private var writer: ExtentWriter?
  private(set) var adds: [AddFile] = []
  private(set) var rowCount = 0

  private struct Shared {
    /// What chunks so far needed, so that later ones need the same.
    var layout: StorageLayout
    var encoders: [StorageLayout: ParquetEncoder] = [:]
  }
  private let shared: Mutex<Shared>

  /// `base` says which hidden columns the batches bring behind the table's.
  init(_ table: StoreTable, schema: StructType, facts: ExtentFacts, base: StorageLayout = StorageLayout(), targetRows: Int = ExtentSize.targetRows) {
    self.table = table
    self.schema = schema
    self.facts = facts
    self.base = base
    self.targetRows = targetRows
    shared = Mutex(Shared(layout: base))
  }

  deinit { abort() }

  /// Encodes consecutive batches as one row group; on many threads at once.
  func encode(_ batches: [RecordBatch]) throws -> ExtentChunk {
    let needed = base.joined(StorageEncoder.layout(batches, table: schema))
    let joined = shared.withLock { shared in
      shared.layout = shared.layout.joined(needed)
      return shared.layout
    }
    let layout = StorageEncoder.fits(batches, table: schema, joined) ? joined : needed
    let known = shared.withLock { $0.encoders[layout] }
    let encoder = try known ?? layout.encoder(schema)
    if known == nil { shared.withLock { $0.encoders[layout] = encoder } }
    let physical = try batches.map { try StorageEncoder.encode($0, table: schema, layout) }
    let group = try StoreErrors.parquet { try encoder.encode(physical) }
    return ExtentChunk(group: group, layout: layout, originalSize: batches.reduce(0) { $0 + $1.byteSize })
  }

  func append(_ chunk: ExtentChunk) throws {
    if chunk.rowCount == 0 { return }
    if let writer, writer.layout != chunk.layout || writer.rowCount + chunk.rowCount > targetRows { try close(writer) }
    let writer = try self.writer ?? start(chunk.layout)
    self.writer = writer
    try writer.append(chunk)
    rowCount += chunk.rowCount
  }

  private func start(_ layout: StorageLayout) throws -> ExtentWriter {
    let known = shared.withLock { $0.encoders[layout] }
    return try ExtentWriter(table, schema: schema, layout: layout, encoder: try known ?? layout.encoder(schema))
  }

  private func close(_ writer: ExtentWriter) throws {
    self.writer = nil
    do { adds.append(try writer.finish(facts)) } catch {
      writer.abort()
      throw error
    }
  }

  /// Ends the last file; all files are durable then. Times that nobody chose become `now`: those of the commit.
  func finish(at now: Int64? = nil, keepsCreationTime: Bool = true, keepsIngestionTime: Bool = true) throws -> StagedExtents {
    if let writer { try close(writer) }
    if !adds.isEmpty {
      try SystemError.check(table.database.store.fileSystem.syncDirectory(table.directory.path), "cannot sync", table.displayPath)
    }
    if let now {
      for i in adds.indices {
        if !keepsCreationTime {
          adds[i].tags?[ExtentKey.minCreatedOn] = String(now)
          adds[i].tags?[ExtentKey.maxCreatedOn] = String(now)
        }
        if !keepsIngestionTime { adds[i].tags?[ExtentKey.ingestionTime] = String(now) }
      }
    }
    let staged = StagedExtents(table, adds: adds)
    adds = []
    return staged
  }

  /// Removes every file.
  func abort() {
    writer?.abort()
    writer = nil
    for add in adds { _ = table.database.store.fileSystem.remove(table.directory.path(DeltaPath.canonical(add.path))) }
    adds = []
  }
}

// Role: one data file under construction: row groups in, an `add` action out. The file is durable and closed when its action is made; nobody
// sees it before the action is committed.

import Columnar
import DataSource
import Delta
import Parquet

/// Rows of one row group, encoded.
struct ExtentChunk: EncodedChunk {
  var group: EncodedRowGroup
  var layout: StorageLayout
  /// Bytes of the values in memory, for `OriginalSize`.
  var originalSize: Int
  var rowCount: Int { group.rowCount }
  var byteCount: Int { group.byteCount }
}

/// A data file being written. One thread at a time.
final class ExtentWriter {
  let id: GUID
  let layout: StorageLayout
  private(set) var rowCount = 0
  private var originalSize = 0
  /// As many columns as Delta keeps statistics of by default.
  private static let fieldsWithStatistics = 32
  private let table: StoreTable
  private let schema: StructType
  private let fileName: String
  private let file: OutputFile
  private let writer: ParquetFileWriter

  init(_ table: StoreTable, schema: StructType, layout: StorageLayout, encoder: ParquetEncoder) throws {
    self.table = table
    self.schema = schema
    self.layout = layout
    id = ExtentFile.newId()
    fileName = try table.newFileName(id)
    let file = try OutputFile(
      creating: table.directory.path(fileName), displayPath: joinPath(table.displayPath, fileName), fileSystem: table.database.store.fileSystem)
    self.file = file
    // SAFETY: the writer's bytes live for the call that writes them.
    writer = try StoreErrors.parquet { unsafe try ParquetFileWriter(encoder, createdBy: "kconnect", write: { try unsafe file.write($0) }) }
  }

  func append(_ chunk: ExtentChunk) throws {
    try StoreErrors.parquet { try writer.append(chunk.group) }
    rowCount += chunk.rowCount
    originalSize += chunk.originalSize
  }

  /// Ends the file. `ingestionTime` is that of all rows, nil where the layout has a column of them.
  func finish(_ facts: ExtentFacts) throws -> AddFile {
    try StoreErrors.parquet { try writer.finish() }
    try file.sync()
    try file.close()
    // Where visible decimals are rounded or null, their bounds say nothing of the exact ones.
    let fields = try DeltaSchema(schema).fields.prefix(Self.fieldsWithStatistics).filter { layout.exact[$0.name] != .text }
    let stats = try StatisticsWriter.json(file: table.directory.path(fileName), displayPath: joinPath(table.displayPath, fileName), fields: fields)
    return AddFile(
      path: DeltaPath.encoded(fileName), size: Int64(file.offset), modificationTime: StoreClock.nowMilliseconds, dataChange: facts.isDataChange, stats: stats,
      tags: ExtentFile.tags(
        id: id, tags: facts.tags, minCreatedOn: facts.minCreatedOn, maxCreatedOn: facts.maxCreatedOn,
        ingestionTime: layout.hasIngestionTimes ? nil : facts.ingestionTime, hasStoredVersions: layout.versionColumn != nil, originalSize: originalSize))
  }

  /// Removes the file.
  func abort() {
    try? file.close()
    _ = table.database.store.fileSystem.remove(table.directory.path(fileName))
  }
}

/// What is said of an extent apart from its rows.
struct ExtentFacts: Sendable {
  var tags = ExtentTags()
  var minCreatedOn: Int64
  var maxCreatedOn: Int64
  var ingestionTime: Int64
  /// False for rewrites that leave the rows as they are.
  var isDataChange = true
}

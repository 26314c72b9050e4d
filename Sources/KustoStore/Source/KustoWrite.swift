// Role: a write into a table of the store, from options to sink: makes the table where that is asked for, brings columns to the table's.
// Source: the connector's tableCreateOptions, adjustSchema and save modes.

import Columnar
import DataSource
import Expressions

struct KustoWrite {
  let target: KustoTarget
  let tableName: String
  let schema: StructType
  let mode: SaveMode
  let options: DataSourceOptions

  /// Nil when save mode `ignore` finds the table.
  func sink() throws -> (any TableSink)? {
    var ingestion = try SparkIngestionProperties(options.string("sparkIngestionPropertiesJson"))
    if ingestion.mappingReference != nil {
      throw KConnectError(.notSupported, "sparkIngestionPropertiesJson: not supported yet: csvMappingNameReference", hint: "write the mapping as csvMapping")
    }
    let adjustment = RowAdjustment(schema: schema, tableName: tableName, options: options)
    ingestion.properties.operation = mode == .overwrite ? "SET-OR-REPLACE" : "INGEST"
    let failsIfMissing = options.word("tableCreateOptions") == "FailIfNotExist" && (mode == .append || options.isGiven("tableCreateOptions"))
    let store = try OpenStores.executor(target.store, create: !failsIfMissing).store
    var database: Database?
    if let name = target.name.database { database = try store.databaseIfExists(name) } else { database = try store.database(try target.existingDatabase(store)) }
    var table = try database?.tableIfExists(tableName)
    switch mode {
    case .ignore where table != nil: return nil
    case .error where table != nil:
      throw KConnectError(
        .alreadyExists, "the table '\(tableName)' exists already in the database '\(database?.name ?? "")'", hint: "choose --mode append, overwrite or ignore")
    default: break
    }
    var isMade = false
    if table == nil {
      if failsIfMissing {
        throw KConnectError(
          .pathNotFound, "there is no table '\(tableName)' in the database '\(target.name.database ?? "")' of the store '\(store.path)'",
          hint: "tableCreateOptions=CreateIfNotExist makes it")
      }
      let made = try database ?? store.createDatabase(target.name.database ?? "", ifNotExists: true)
      database = made
      table = try made.createTable(TableDescription(tableName, schema: try adjustment.newSchema(ingestion)), ifNotExists: true)
      isMade = true
    }
    guard let home = database, let table else { throw KConnectError(.internalError, "a table that is neither there nor made") }
    do {
      if options.bool("mergeSchema"), ingestion.mapping == nil {
        let missing = adjustment.missing(in: try table.snapshot().schema)
        if missing.count > 0 { try table.alter { try $0.merge(missing) } }
      }
      let converter = try adjustment.converter(into: try table.snapshot().schema, ingestion)
      let inner = try table.ingest(schema: converter.schema, ingestion.properties, mode: mode == .overwrite ? .replace : .append)
      let drops = isMade
      return KustoSink(inner, converter) {
        if drops { _ = try? home.dropTable(tableName, ifExists: true) }
      }
    } catch {
      if isMade { _ = try? home.dropTable(tableName, ifExists: true) }
      throw error
    }
  }
}

/// Rows converted to the table's columns, then ingested. A value that its column cannot take fails the write.
final class KustoSink: TableSink {
  private let inner: IngestSink
  private let converter: RowConverter
  private let onAbort: @Sendable () -> Void

  init(_ inner: IngestSink, _ converter: RowConverter, onAbort: @escaping @Sendable () -> Void) {
    self.inner = inner
    self.converter = converter
    self.onAbort = onAbort
  }

  var preferredChunkRows: Int? { inner.preferredChunkRows }

  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk { try inner.encode(try chunk.map(converter.convert)) }

  func append(_ chunk: any EncodedChunk) throws { try inner.append(chunk) }

  func commit() throws -> WriteSummary {
    do { return try inner.commit() } catch {
      onAbort()
      throw error
    }
  }

  func abort() {
    inner.abort()
    onAbort()
  }
}

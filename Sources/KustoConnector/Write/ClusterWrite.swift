// Role: a write into a table of a cluster, from options to sink: makes the table where that is asked for, brings columns to the table's, chooses how
// parts travel.
// Source: the connector's KustoSinkOptions; save modes other than append are done here.

package import Columnar
package import DataSource
import KustoStore

/// A write of rows of one schema.
package struct ClusterWrite {
  let client: ClusterClient
  let database: String
  let table: String
  let schema: StructType
  let mode: SaveMode
  let options: DataSourceOptions

  package init(client: ClusterClient, database: String, table: String, schema: StructType, mode: SaveMode, options: DataSourceOptions) {
    self.client = client
    self.database = database
    self.table = table
    self.schema = schema
    self.mode = mode
    self.options = options
  }

  private enum Way: String { case transactional = "Transactional", queued = "Queued", streaming = "KustoStreaming" }

  /// Nil when save mode `ignore` finds the table, or `ingestIfNotExists` the rows. Throws PERMISSION with all rights that are missing.
  package func sink() throws -> (any TableSink)? {
    let way = Way(rawValue: options.word("writeMode") ?? "") ?? .transactional
    let makesTable = mode != .append || options.word("tableCreateOptions") == "CreateIfNotExist"
    let rights = WriteRights(tables: ClusterTables(client: client, database: database), table: table, moves: way == .transactional, makesTable: makesTable)
    if options.bool("preflight"), let error = rights.error(try rights.missing()) { throw error }
    do { return try open(way) } catch let error as KConnectError where error.code == .permission {
      throw (try? rights.missing()).flatMap { rights.error($0, after: error) } ?? error
    }
  }

  private func open(_ way: Way) throws -> (any TableSink)? {
    var ingestion = try SparkIngestionProperties(options.string("sparkIngestionPropertiesJson"))
    let transaction = try WriteTransaction(options)
    try check(way, ingestion, transaction)
    if let transaction { ingestion.properties.ingestByTags.append(transaction.tag) }
    let tables = ClusterTables(client: client, database: database)
    let adjustment = RowAdjustment(schema: schema, tableName: table, options: options)
    guard let (target, isNew) = try settledSchema(tables, adjustment, ingestion) else { return nil }
    if !ingestion.properties.ingestIfNotExists.isEmpty, try !tables.ingestByTags(table).isDisjoint(with: ingestion.properties.ingestIfNotExists) { return nil }
    let converter = ingestion.mappingReference == nil ? try adjustment.converter(into: target, ingestion, fillsMissing: true) : nil

    let resources = try IngestionResources(client, own: options.string("kustoIngestionStorageContainer"))
    var format = PartFormat(rawValue: options.word("stagingFormat") ?? "csv") ?? .csv
    if ingestion.mappingReference != nil { format = .csv }
    let properties = PartProperties(
      format: format, ingestion: ingestion.properties, mappingReference: ingestion.mappingReference, flushImmediately: ingestion.flushImmediately)
    let batching = try options.integer("clientBatchingLimit", in: 1...65_536, else: 300) << 20
    let newTable = isNew && way != .transactional ? NewTable(tables, table, target, takesStreams: way == .streaming) : nil
    let queued = QueuedIngestor(
      client, database: database, table: table, properties, flushesFull: !options.bool("disableFlushImmediately"),
      marksParts: options.bool("ensureNoDuplicatedBlobs"), resources: resources, newTable: newTable)
    switch way {
    case .queued:
      return try sink(converter, format, queued, partBytes: batching)
    case .streaming:
      let chunk = try options.integer("streamingIngestSizeInMB", in: 1...65_536, else: 4) << 20
      return try sink(converter, .csv, StreamingIngestor(client, database: database, table: table, properties, fallBack: queued, newTable: newTable), partBytes: chunk)
    case .transactional:
      let storage = try reachable(resources)
      var properties = properties
      if storage == nil { properties.format = .csv }
      let ingestor = TransactionalIngestor(
        tables,
        TransactionalIngestor.Settings(
          target: table, outcome: mode == .overwrite ? .replace : .append, properties: properties, ownTable: options.string("tempTableName"),
          cleanupSeconds: try options.integer("stagingResourcesAutoCleanupTimeout", in: 1...Self.mostSeconds, else: 604_800),
          timeoutSeconds: try options.integer("timeoutLimit", in: -1...Self.mostSeconds, else: 172_800),
          moveRetries: try options.integer("maxRetriesOnMoveExtents", in: 0...10_000, else: 10), marksParts: options.bool("ensureNoDuplicatedBlobs") || transaction != nil,
          transaction: transaction, newTable: isNew ? target : nil),
        resources: storage)
      if try ingestor.isThere() { return nil }
      do {
        try ingestor.prepare(target)
        return try sink(converter, properties.format, ingestor, partBytes: storage == nil ? min(batching, 2 << 20) : batching, isPlain: storage == nil)
      } catch {
        ingestor.abort()
        throw error
      }
    }
  }

  /// A hundred years.
  static let mostSeconds = 3_153_600_000

  private func sink(_ converter: RowConverter?, _ format: PartFormat, _ ingestor: any PartIngestor, partBytes: Int, isPlain: Bool = false) throws -> ClusterSink {
    let encoder = RowEncoder(format, schema: converter?.schema ?? schema, pieceBytes: min(partBytes, 8 << 20))
    return ClusterSink(converter, encoder, ingestor, ClusterSink.Settings(partBytes: partBytes, isPlain: isPlain))
  }

  /// The storage, or nil where the cluster has no ingestion endpoint (the emulator).
  private func reachable(_ resources: IngestionResources) throws -> IngestionResources? {
    do {
      _ = try resources.container()
      return resources
    } catch let error as KConnectError where RequestFailure.of(error)?.status == 400 || RequestFailure.of(error)?.status == 404 || error.code == .notSupported {
      return nil
    }
  }

  private func check(_ way: Way, _ ingestion: SparkIngestionProperties, _ transaction: WriteTransaction?) throws {
    let properties = ingestion.properties
    if transaction != nil {
      if way != .transactional { throw KConnectError(.optionInvalid, "txnAppId with writeMode=\(way.rawValue): only Transactional writes can be told from repeated ones", hint: "writeMode=Transactional") }
      if !properties.ingestIfNotExists.isEmpty {
        throw KConnectError(.optionInvalid, "txnAppId and ingestIfNotExists: a fixed tag would skip every write after the first", hint: "leave ingestIfNotExists out")
      }
    }
    if way == .streaming {
      let refused = [
        (!properties.ingestByTags.isEmpty, "ingestByTags"), (!properties.dropByTags.isEmpty, "dropByTags"), (!properties.additionalTags.isEmpty, "additionalTags"),
        (properties.creationTime != nil, "creationTime"), (options.word("stagingFormat") == "parquet", "stagingFormat=parquet"),
      ].filter(\.0).map(\.1)
      if let first = refused.first { throw KConnectError(.optionInvalid, "writeMode=KustoStreaming does not take \(first)", hint: "Queued and Transactional do") }
    }
    if mode == .overwrite, way != .transactional {
      throw KConnectError(.notSupported, "save mode overwrite with writeMode=\(way.rawValue)", hint: "writeMode=Transactional replaces the rows at once")
    }
    if options.isGiven("tempTableName"), way != .transactional || options.word("tableCreateOptions") == "CreateIfNotExist" {
      throw KConnectError(.optionInvalid, "tempTableName goes with writeMode=Transactional and tableCreateOptions=FailIfNotExist only")
    }
    if ingestion.mappingReference != nil, options.word("adjustSchema") == "GenerateDynamicCsvMapping" || ingestion.mapping != nil {
      throw KConnectError(.optionInvalid, "csvMappingNameReference and \(ingestion.mapping != nil ? "csvMapping" : "adjustSchema=GenerateDynamicCsvMapping") are not compatible", hint: "use only one")
    }
    if options.bool("addSourceLocationTransform") { throw KConnectError(.notSupported, "option 'addSourceLocationTransform': not supported yet") }
  }

  /// The columns of the table, widened as asked; nil: save mode `ignore` found it. `isNew`: the write is to make it, when rows are on their way.
  private func settledSchema(
    _ tables: ClusterTables, _ adjustment: RowAdjustment, _ ingestion: SparkIngestionProperties
  ) throws -> (schema: StructType, isNew: Bool)? {
    let failsIfMissing = options.word("tableCreateOptions") == "FailIfNotExist" && (mode == .append || options.isGiven("tableCreateOptions"))
    guard let found = try tables.schema(table) else {
      if failsIfMissing {
        throw KConnectError(
          .pathNotFound, "there is no table '\(table)' in the database '\(database)' of '\(client.address.engine)'", hint: "tableCreateOptions=CreateIfNotExist makes it")
      }
      return (try adjustment.newSchema(ingestion), true)
    }
    switch mode {
    case .ignore: return nil
    case .error:
      throw KConnectError(.alreadyExists, "the table '\(table)' exists already in the database '\(database)'", hint: "choose --mode append, overwrite or ignore")
    case .append, .overwrite: break
    }
    guard options.bool("mergeSchema"), ingestion.mapping == nil, adjustment.missing(in: found).count > 0 else { return (found, false) }
    try tables.createMerge(table, adjustment.missing(in: found))
    return (try tables.schema(table) ?? found, false)
  }
}

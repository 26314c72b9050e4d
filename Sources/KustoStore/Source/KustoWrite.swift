// Role: a write into a table of the store, from options to sink: makes the table where that is asked for, brings columns to the table's.
// Source: the connector's tableCreateOptions, adjustSchema and save modes.

import Columnar
import DataSource
import Engine
import Expressions
import Synchronization

struct KustoWrite {
  let target: KustoTarget
  let tableName: String
  let schema: StructType
  let mode: SaveMode
  let options: DataSourceOptions

  /// Nil when save mode `ignore` finds the table, or the table has the transaction already.
  func sink() throws -> (any TableSink)? {
    var ingestion = try SparkIngestionProperties(options.string("sparkIngestionPropertiesJson"))
    ingestion.properties.transaction = try transaction()
    if ingestion.mappingReference != nil {
      throw KConnectError(.notSupported, "sparkIngestionPropertiesJson: not supported yet: csvMappingNameReference", hint: "write the mapping as csvMapping")
    }
    let adjustment = RowAdjustment(schema: schema, tableName: tableName, options: options)
    ingestion.properties.operation = mode == .overwrite ? "SET-OR-REPLACE" : "INGEST"
    let failsIfMissing = options.word("tableCreateOptions") == "FailIfNotExist" && (mode == .append || options.isGiven("tableCreateOptions"))
    let executor: CommandExecutor
    do { executor = try OpenStores.executor(target.store, create: !failsIfMissing) } catch let error as KConnectError where failsIfMissing && error.code == .pathNotFound {
      throw KConnectError(.pathNotFound, "there is no table '\(tableName)': \(error.message)", hint: "tableCreateOptions=CreateIfNotExist makes the table and its store")
    }
    let store = executor.store
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
    if let table, let (application, version) = ingestion.properties.transaction, try table.recordedTransaction(application) ?? -1 >= version { return nil }
    // A table that appends share is there at once; otherwise nobody sees it before it has its rows.
    var isNew = false, isDraft = false
    if table == nil {
      if failsIfMissing {
        throw KConnectError(
          .pathNotFound, "there is no table '\(tableName)' in the database '\(target.name.database ?? "")' of the store '\(store.path)'",
          hint: "tableCreateOptions=CreateIfNotExist makes it")
      }
      let made = try database ?? store.createDatabase(target.name.database ?? "", ifNotExists: true)
      database = made
      let description = TableDescription(tableName, schema: try adjustment.newSchema(ingestion))
      isDraft = try mode != .append && !UpdatePolicies.feed(from: tableName, executor.metadata)
      if isDraft {
        table = try made.draftTable(description)
      } else {
        let (there, wasMade) = try made.makeTable(description, ifNotExists: true)
        (table, isNew) = (there, wasMade)
      }
    }
    guard let home = database, let table else { throw KConnectError(.internalError, "a table that is neither there nor made") }
    let operation = SinkOperation(executor.metadata, database: home.name, table: tableName, mode: mode, requestId: options.string("requestId"))
    let (drops, publishes) = (isNew, isDraft)
    let takeBack: @Sendable () -> Void = {
      if publishes { home.discard(table) } else if drops { home.dropUnused(table) }
    }
    do {
      if options.bool("mergeSchema"), ingestion.mapping == nil {
        let missing = adjustment.missing(in: try table.snapshot().schema)
        if missing.count > 0 { try table.alter { try $0.merge(missing) } }
      }
      let converter = try adjustment.converter(into: try table.snapshot().schema, ingestion)
      let inner: any TableSink
      let finish: @Sendable () throws -> WriteSummary
      let policies = UpdatePolicies(executor, Request(text: "", database: home.name, properties: RequestProperties()))
      if let rule = try UpsertRule(options) {
        let upsert = try upsert(rule, into: table, converter.schema, ingestion.properties, policies)
        (inner, finish) = (upsert, { try upsert.commit() })
      } else {
        let ingest = try table.ingest(schema: converter.schema, ingestion.properties, mode: mode == .overwrite ? .replace : .append)
        (inner, finish) = (ingest, { WriteSummary(try policies.finish(ingest)) })
      }
      let tags = ingestion.properties.ingestIfNotExists.map { ExtentTags.ingestByPrefix + $0 }
      return KustoSink(inner, converter, operation, onAbort: takeBack) {
        var summary = try finish()
        if summary.isSkipped, !tags.isEmpty { summary.skipReason = "rows with \(tags.joined(separator: " or ")) are there already" }
        if publishes, try !publish(table, in: home) { return WriteSummary(isSkipped: true) }
        // The rows are there: nothing behind this makes the write a failure.
        if drops || publishes {
          let columns = (try? table.columns()).map(SchemaText.csl) ?? ""
          try? executor.metadata.note("ADD-TABLE", tableName, in: home.name, after: columns)
        }
        Retention(executor).sweep(behind: table)
        return summary
      }
    } catch {
      operation.fail(error)
      takeBack()
      throw error
    }
  }

  /// Gives the written table its name; false when somebody else made one meanwhile and the save mode says to leave that alone.
  private func publish(_ draft: StoreTable, in database: Database) throws -> Bool {
    do {
      try database.publish(draft)
      return true
    } catch let error as KConnectError where error.code == .alreadyExists {
      if mode == .ignore {
        database.discard(draft)
        return false
      }
      if mode == .overwrite { throw KConnectError(.locked, "the table '\(tableName)' was made by another write meanwhile", hint: "run the write again: it replaces that table's rows", isRetryable: true) }
      throw error
    }
  }

  private func upsert(_ rule: UpsertRule, into table: StoreTable, _ rows: StructType, _ properties: IngestProperties, _ policies: UpdatePolicies) throws -> any TableSink {
    if mode == .overwrite { throw KConnectError(.usage, "option 'upsertKey' with mode overwrite: rows are either replaced by key or all at once", hint: "use mode append") }
    if !properties.ingestIfNotExists.isEmpty { throw KConnectError(.notSupported, "not supported: ingestIfNotExists together with upsertKey", hint: "txnAppId and txnVersion make a write happen once") }
    try rule.check(rows: rows, table: try table.snapshot().schema, knowsIngestion: true)
    return UpsertSink(rule, schema: rows, finish: { try policies.upsert($0, schema: rows, into: table, properties) })
  }

  private func transaction() throws -> (application: String, version: Int64)? {
    let application = options.string("txnAppId"), version = options.integer("txnVersion")
    if application == nil, version == nil { return nil }
    guard let application, !application.isEmpty, let version else {
      throw KConnectError(.optionInvalid, "options 'txnAppId' and 'txnVersion' go together", hint: "give both, or neither")
    }
    return (application, Int64(version))
  }
}

/// Rows converted to the table's columns, then ingested, with what update policies make of them. A value that its column cannot take fails the write.
final class KustoSink: TableSink {
  private let inner: any TableSink
  private let converter: RowConverter
  private let operation: SinkOperation
  /// What the sink itself could not do with its rows.
  private let failure = Mutex<(any Error)?>(nil)
  /// Commits `inner`, with what follows from its rows.
  private let finish: @Sendable () throws -> WriteSummary
  private let onAbort: @Sendable () -> Void

  init(
    _ inner: any TableSink, _ converter: RowConverter, _ operation: SinkOperation, onAbort: @escaping @Sendable () -> Void,
    finish: @escaping @Sendable () throws -> WriteSummary
  ) {
    self.inner = inner
    self.converter = converter
    self.operation = operation
    self.finish = finish
    self.onAbort = onAbort
  }

  var preferredChunkRows: Int? { inner.preferredChunkRows }

  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk { try noting { try inner.encode(try chunk.map(converter.convert)) } }

  func append(_ chunk: any EncodedChunk) throws { try noting { try inner.append(chunk) } }

  private func noting<R>(_ body: () throws -> R) throws -> R {
    do { return try body() } catch {
      failure.withLock { if $0 == nil { $0 = error } }
      throw error
    }
  }

  func commit() throws -> WriteSummary {
    let summary: WriteSummary
    do { summary = try finish() } catch {
      operation.fail(error)
      onAbort()
      throw error
    }
    operation.complete(summary)
    return summary
  }

  func abort() {
    inner.abort()
    if let failure = failure.withLock({ $0 }) { operation.fail(failure) } else { operation.abandon() }
    onAbort()
  }
}

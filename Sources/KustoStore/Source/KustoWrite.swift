// Role: a write into a table of the store, from options to sink: makes the table where that is asked for, brings columns to the table's.
// Source: the connector's tableCreateOptions, adjustSchema and save modes.

import Columnar
import DataSource
import Engine
import Expressions

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
    if let table, let (application, version) = ingestion.properties.transaction, try table.recordedTransaction(application) ?? -1 >= version { return nil }
    var isMade = false
    if table == nil {
      if failsIfMissing {
        throw KConnectError(
          .pathNotFound, "there is no table '\(tableName)' in the database '\(target.name.database ?? "")' of the store '\(store.path)'",
          hint: "tableCreateOptions=CreateIfNotExist makes it")
      }
      let made = try database ?? store.createDatabase(target.name.database ?? "", ifNotExists: true)
      database = made
      table = try made.createTable(TableDescription(tableName, schema: try newSchema(ingestion)), ifNotExists: true)
      isMade = true
    }
    guard let home = database, let table else { throw KConnectError(.internalError, "a table that is neither there nor made") }
    do {
      let columns = try self.columns(of: table, ingestion)
      let names = StructType(columns.map { StructField($0.name, $0.type) })
      let inner: any TableSink
      if let rule = try UpsertRule(options) {
        inner = try upsert(rule, into: table, names, ingestion.properties)
      } else {
        inner = try table.ingest(schema: names, ingestion.properties, mode: mode == .overwrite ? .replace : .append)
      }
      let drops = isMade
      return KustoSink(inner, try columns.map { try $0.compiled(schema) }, names) {
        if drops { _ = try? home.dropTable(tableName, ifExists: true) }
      }
    } catch {
      if isMade { _ = try? home.dropTable(tableName, ifExists: true) }
      throw error
    }
  }

  private func upsert(_ rule: UpsertRule, into table: StoreTable, _ rows: StructType, _ properties: IngestProperties) throws -> any TableSink {
    if mode == .overwrite { throw KConnectError(.usage, "option 'upsertKey' with mode overwrite: rows are either replaced by key or all at once", hint: "use mode append") }
    if !properties.ingestIfNotExists.isEmpty { throw KConnectError(.notSupported, "not supported: ingestIfNotExists together with upsertKey", hint: "txnAppId and txnVersion make a write happen once") }
    try rule.check(rows: rows, table: try table.snapshot().schema, knowsIngestion: true)
    return UpsertSink(rule, schema: rows, finish: { try table.upsert($0, schema: rows, properties) })
  }

  private func transaction() throws -> (application: String, version: Int64)? {
    let application = options.string("txnAppId"), version = options.integer("txnVersion")
    if application == nil, version == nil { return nil }
    guard let application, !application.isEmpty, let version else {
      throw KConnectError(.optionInvalid, "options 'txnAppId' and 'txnVersion' go together", hint: "give both, or neither")
    }
    return (application, Int64(version))
  }

  /// The columns of a table made for these rows.
  private func newSchema(_ ingestion: SparkIngestionProperties) throws -> StructType {
    guard let mapping = ingestion.mapping else { return schema }
    return StructType(mapping.map { StructField($0.column, $0.type ?? $0.ordinal.flatMap { $0 < schema.count && $0 >= 0 ? schema[$0].type : nil } ?? .string) })
  }

  // MARK: Columns

  /// A column of the table and where it comes from.
  struct Column {
    var name: String
    var type: DataType
    var source: Expr

    func compiled(_ schema: StructType) throws -> KustoSink.Column {
      let found = try CompiledExpr(source, schema: schema, context: EvaluationContext(nowTicks: 0, seed: 0)).type
      let isSame = found == type
      let expr = isSame ? source : Expr.call("to\(type)", [source])
      return KustoSink.Column(
        name: name, expr: try CompiledExpr(expr, schema: schema, context: EvaluationContext(nowTicks: 0, seed: 0)),
        original: isSame ? nil : try CompiledExpr(source, schema: schema, context: EvaluationContext(nowTicks: 0, seed: 0)))
    }
  }

  private func columns(of table: StoreTable, _ ingestion: SparkIngestionProperties) throws -> [Column] {
    var wanted = try table.snapshot().schema
    let adjustment = options.word("adjustSchema") ?? "NoAdjustment"
    if let mapping = ingestion.mapping { return try mapped(mapping, wanted) }
    if options.bool("mergeSchema") {
      let missing = schema.fields.filter { wanted.field($0.name) == nil }
      if !missing.isEmpty {
        try table.alter { try $0.merge(StructType(missing)) }
        wanted = try table.snapshot().schema
      }
      return try byName(wanted)
    }
    switch adjustment {
    case "GenerateDynamicCsvMapping": return try byName(wanted)
    case "FailIfNotMatch":
      guard schema.names == wanted.names else {
        throw KConnectError(
          .schemaMismatch, "the rows have the columns (\(schema.names.joined(separator: ", "))), the table '\(tableName)' has (\(wanted.names.joined(separator: ", ")))",
          hint: "adjustSchema=GenerateDynamicCsvMapping matches columns by name")
      }
      return byPosition(wanted)
    default:
      guard schema.count <= wanted.count else {
        throw KConnectError(
          .schemaMismatch, "the rows have \(schema.count) columns, the table '\(tableName)' has \(wanted.count)",
          hint: "adjustSchema=GenerateDynamicCsvMapping matches columns by name, to.mergeSchema=true (mergeSchema in Swift) adds those that are missing")
      }
      return byPosition(wanted)
    }
  }

  private func byPosition(_ wanted: StructType) -> [Column] {
    zip(wanted.fields, schema.fields).map { Column(name: $0.name, type: $0.type, source: .column($1.name)) }
  }

  private func byName(_ wanted: StructType) throws -> [Column] {
    try schema.fields.map { field in
      guard let column = wanted.field(field.name) else {
        let near = nearestNames(to: field.name, among: wanted.names, limit: 1).first
        throw KConnectError(
          .schemaMismatch, "the table '\(tableName)' has no column '\(field.name)'",
          hint: (near.map { "did you mean '\($0)'? " } ?? "columns: \(wanted.names.prefix(12).joined(separator: ", ")); ") + "to.mergeSchema=true (mergeSchema in Swift) adds it")
      }
      return Column(name: column.name, type: column.type, source: .column(field.name))
    }
  }

  private func mapped(_ mapping: [SparkIngestionProperties.MappedColumn], _ wanted: StructType) throws -> [Column] {
    try mapping.map { entry in
      guard let column = wanted.field(entry.column) else { throw KConnectError(.schemaMismatch, "csvMapping: the table '\(tableName)' has no column '\(entry.column)'") }
      guard let ordinal = entry.ordinal else { return Column(name: column.name, type: column.type, source: .literal(.string(entry.constant ?? ""))) }
      guard ordinal >= 0, ordinal < schema.count else {
        throw KConnectError(.optionInvalid, "csvMapping of column '\(entry.column)': ordinal \(ordinal), the rows have \(schema.count) columns")
      }
      return Column(name: column.name, type: column.type, source: .column(schema[ordinal].name))
    }
  }
}

/// Rows converted to the table's columns, then ingested. A value that its column cannot take fails the write.
final class KustoSink: TableSink {
  struct Column: Sendable {
    let name: String
    let expr: CompiledExpr
    /// The value before its conversion; nil where none is needed.
    let original: CompiledExpr?
  }

  private let inner: any TableSink
  private let columns: [Column]
  private let schema: StructType
  private let onAbort: @Sendable () -> Void

  init(_ inner: any TableSink, _ columns: [Column], _ schema: StructType, onAbort: @escaping @Sendable () -> Void) {
    self.inner = inner
    self.columns = columns
    self.schema = schema
    self.onAbort = onAbort
  }

  var preferredChunkRows: Int? { inner.preferredChunkRows }

  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk { try inner.encode(try chunk.map(converted)) }

  private func converted(_ batch: RecordBatch) throws -> RecordBatch {
    var vectors: [ColumnVector] = []
    for column in columns {
      let vector = try column.expr.evaluate(batch)
      if let original = column.original { try check(vector, from: try original.evaluate(batch), column.name) }
      vectors.append(vector)
    }
    return RecordBatch(schema: schema, columns: vectors, rowCount: batch.rowCount)
  }

  private func check(_ vector: ColumnVector, from original: ColumnVector, _ name: String) throws {
    guard vector.nullCount > original.nullCount else { return }
    for i in 0..<vector.count where !vector.isValid(i) && original.isValid(i) {
      let value = original.scalar(i)
      // The empty text is the null of every other type, as in CSV.
      if value == .string("") { continue }
      throw KConnectError(
        .valueInvalid, "column '\(name)': '\((ScalarText.text(value) ?? "").prefix(80))' is no \(vector.type)", hint: "convert or filter it before the write")
    }
  }

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

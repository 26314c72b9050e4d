// Role: the result of a query on a cluster as a table: the engine's plan above it is handed over as KQL as far as KQL can say it; one scan is one
// query, whose rows come while the cluster still works.

package import Columnar
package import DataSource
package import Engine
package import Expressions
package import KQL
import KustoWire
import Synchronization

/// A cluster, a database and how they are read.
package struct ClusterReader: Sendable {
  package var client: ClusterClient
  package let database: String?
  /// Rows travel through storage: always, or when there are many of them.
  package var export: ClusterExport?
  var exportsManyRowsOnly = false
  /// How the method of authentication and the request properties make reads differ.
  var identity: String { [client.address.engine, database ?? "", client.tokens.name, client.properties.json ?? ""].joined(separator: "\n") }

  package init(client: ClusterClient, database: String?) {
    self.client = client
    self.database = database
  }

  /// Columns of a query's result, from a run that gives no rows. Throws the cluster's error.
  package func probe(_ shape: QueryTextShape) throws -> StructType {
    var found: [StructType] = []
    try client.query(shape.text + "\n| take 0", database: database, activity: "schemaGet") { event in
      if case .begin(let table) = event, table.kind == .primaryResult || table.kind == .other && table.id == 0 { found.append(table.schema) }
    }
    guard found.count == 1, let only = found.first else { throw KConnectError(.optionInvalid, "the query has \(found.count) results, expected one") }
    return only
  }
}

extension ClusterReader {
  /// The first value of a query's result; nil when it has no rows.
  func value(_ text: String, activity: String) throws -> Scalar? {
    var found: Scalar?
    try client.query(text, database: database, activity: activity) { event in
      guard found == nil, case .rows(let table, let batch) = event, table.kind == .primaryResult || table.kind == .other && table.id == 0 else { return }
      if batch.rowCount > 0 { found = batch.columns.first?.scalar(0) }
    }
    return found
  }

  /// The rows of a query's result.
  func count(_ shape: QueryTextShape) throws -> Int {
    guard case .long(let rows)? = try value(shape.text + "\n| count", activity: "countQuery") else { return 0 }
    return Int(rows)
  }
}

/// A query's result on a cluster.
package struct ClusterTable: PlanRunningTable {
  package let schema: StructType
  let reader: ClusterReader
  /// The query, without semicolons at its end.
  let text: String
  let isNestable: Bool
  /// The names of `schema`'s columns in the text's result.
  let columnNames: [String]
  /// What may be put behind it stays here.
  let isFinal: Bool

  /// - Parameters:
  ///   - shape: the user's query, or a table's name.
  ///   - schema: its columns; values of other types are converted.
  package init(_ reader: ClusterReader, _ shape: QueryTextShape, schema: StructType, takesPlans: Bool) {
    self.init(reader, text: shape.text, isNestable: shape.isSingleStatement, schema: schema, columnNames: schema.names, isFinal: !takesPlans)
  }

  init(_ reader: ClusterReader, text: String, isNestable: Bool, schema: StructType, columnNames: [String], isFinal: Bool) {
    self.reader = reader
    self.text = text
    self.isNestable = isNestable
    self.schema = schema
    self.columnNames = columnNames
    self.isFinal = isFinal
  }

  package var description: String {
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    return "kusto \(reader.client.address.engine)\(reader.database.map { "/" + $0 } ?? ""): \(line)"
  }

  package var runnerIdentity: String? { isFinal ? nil : reader.identity }

  package func pushdown(_ filters: [Expr]) -> [FilterPushdown] { filters.map { _ in .unsupported } }

  package func pushingDown(_ plan: LogicalPlan, context: EvaluationContext) throws -> LogicalPlan {
    let identity = reader.identity
    return KQLPlanPrinter.pushingDown(Self.countable(plan), context: context) { table in
      guard let table = table as? ClusterTable, table.runnerIdentity == identity else { return nil }
      return KQLSourceText(table.text, isNestable: table.isNestable)
    } scan: { fragment in
      .scan(ClusterTable(reader, text: fragment.text, isNestable: true, schema: fragment.schema, columnNames: fragment.columnNames, isFinal: true))
    }
  }

  /// The plan with a column under every count of rows without columns: KQL has no tables without columns.
  private static func countable(_ plan: LogicalPlan) -> LogicalPlan {
    let inputs = plan.inputs.map(countable)
    switch plan.node {
    case .count, .aggregate: return plan.withInputs(inputs.map(widened))
    default: return inputs.isEmpty ? plan : plan.withInputs(inputs)
    }
  }

  /// As many rows, with a column where there was none.
  private static func widened(_ plan: LogicalPlan) -> LogicalPlan {
    guard plan.schema.count == 0 else { return plan }
    switch plan.node {
    case .scan(var scan):
      guard scan.table is ClusterTable, let first = scan.table.schema.fields.first else { return plan }
      scan.columns = [first.name]
      return LogicalPlan(node: .scan(scan), schema: StructType([first]))
    case .project(_, let input): return widened(input)
    case .limit(let count, let input):
      let input = widened(input)
      return LogicalPlan(node: .limit(count, input), schema: input.schema)
    default: return plan
    }
  }

  package func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan {
    let positions = try request.columns.map { name in
      guard let i = schema.index(of: name) else { throw KConnectError(.columnNotFound, "column '\(name)' not found in \(description)") }
      return i
    }
    var query = text
    // Rows without columns are counted by one column.
    let sent = positions.isEmpty && schema.count > 0 ? [0] : positions
    if sent != Array(schema.fields.indices) { query += "\n| project " + sent.map { KQLPrinter.quoted(name: columnNames[$0]) }.joined(separator: ", ") }
    if let limit = request.limit { query += "\n| take \(limit)" }
    if let export = reader.export, !positions.isEmpty, try !reader.exportsManyRowsOnly || !reader.hasFewRows(query, limit: request.limit) {
      let wire = StructType(sent.map { schema[$0] }), names = sent.map { columnNames[$0] }
      let files = try export.files(of: query, wire, columnNames: names, reader)
      // An export without rows makes no files.
      if files.addresses.isEmpty { return EmptyScan(schema: wire) }
      return try ExportScan(files, wire: wire, columnNames: names, context: context)
    }
    return ClusterScan(
      reader, query, wire: StructType(sent.map { schema[$0] }), schema: StructType(positions.map { schema[$0] }), takesColumns: !positions.isEmpty)
  }
}

/// No rows.
private final class EmptyScan: Scan {
  let schema: StructType
  init(schema: StructType) { self.schema = schema }
  var metrics: ScanMetrics { ScanMetrics() }
  func nextMorsel() throws -> (any Morsel)? { nil }
}

/// One query whose batches are morsels.
final class ClusterScan: Scan {
  private struct State {
    var stream: AnswerStream?
    var converter: BatchConverter?
    var isAtEnd = false
    var isStopped = false
    var rows = 0
    var bytes = 0
  }

  private let reader: ClusterReader
  private let text: String
  private let wire: StructType
  let schema: StructType
  private let takesColumns: Bool
  private let state = Mutex(State())
  /// Held while a thread waits for the next batch, so that batches leave in order.
  private let turn = Monitor()

  init(_ reader: ClusterReader, _ text: String, wire: StructType, schema: StructType, takesColumns: Bool) {
    self.reader = reader
    self.text = text
    self.wire = wire
    self.schema = schema
    self.takesColumns = takesColumns
  }

  var metrics: ScanMetrics {
    let state = state.withLock { ($0.rows, $0.bytes) }
    var metrics = ScanMetrics()
    metrics.rowsRead = state.0
    metrics.bytesRead = state.1
    return metrics
  }

  func stop() {
    let stream = state.withLock { state in
      state.isStopped = true
      return state.stream
    }
    stream?.cancel()
  }

  func nextMorsel() throws -> (any Morsel)? {
    try turn.withLock {
      if state.withLock({ $0.isAtEnd }) { return nil }
      let stream = try opened()
      while let event = try stream.next() {
        switch event {
        case .begin(let table) where isResult(table):
          if state.withLock({ $0.converter != nil }) { throw KConnectError(.optionInvalid, "the query has several results, expected one") }
          let converter = try BatchConverter(from: table.schema, to: wire)
          state.withLock { $0.converter = converter }
        case .rows(let table, let batch) where isResult(table):
          guard let converter = state.withLock({ $0.converter }) else { continue }
          state.withLock { state in
            state.rows += batch.rowCount
            state.bytes += batch.byteSize
          }
          return ClusterMorsel(batch: batch, converter: converter, schema: schema, takesColumns: takesColumns)
        case .restart: throw KConnectError(.notSupported, "the cluster sends progressive results, which replace rows", hint: "leave out results_progressive_enabled")
        default: continue
        }
      }
      let isWhole = state.withLock { state in
        state.isAtEnd = true
        state.stream = nil
        return state.converter != nil
      }
      if !isWhole { throw KConnectError(.formatCorrupt, "the answer has no result") }
      return nil
    }
  }

  private func isResult(_ table: ReceivedTable) -> Bool { table.kind == .primaryResult || table.kind == .other && table.id == 0 }

  private func opened() throws -> AnswerStream {
    if let stream = state.withLock({ $0.stream }) { return stream }
    let reader = reader
    let text = text
    let stream = try AnswerStream { emit, isCancelled in
      try reader.client.query(text, database: reader.database, isCancelled: isCancelled, onEvent: emit)
    }
    let isStopped = state.withLock { state in
      state.stream = stream
      return state.isStopped
    }
    if isStopped { stream.cancel() }
    return stream
  }
}

private struct ClusterMorsel: Morsel {
  let batch: RecordBatch
  let converter: BatchConverter
  let schema: StructType
  let takesColumns: Bool

  func read(_ emit: (RecordBatch) throws -> Bool) throws {
    guard takesColumns else {
      _ = try emit(RecordBatch(schema: schema, columns: [], rowCount: batch.rowCount))
      return
    }
    _ = try emit(try converter.convert(batch, schema))
  }
}

/// Columns by position, converted where the cluster's type is another than the plan's.
struct BatchConverter: Sendable {
  private let casts: [CompiledExpr?]

  /// `cast` says how a column of another type becomes the wanted one; nil: by the conversion function of the type. Throws SCHEMA_MISMATCH when the
  /// counts differ.
  init(from found: StructType, to wanted: StructType, cast: (StructField, DataType) -> Expr? = { _, _ in nil }) throws {
    guard found.count == wanted.count else {
      throw KConnectError(.schemaMismatch, "the cluster answers with the columns (\(found)), expected (\(wanted))")
    }
    casts = try zip(found.fields, wanted.fields).map { found, wanted in
      guard found.type != wanted.type else { return nil }
      return try CompiledExpr(
        cast(found, wanted.type) ?? .call("to\(wanted.type)", [.column(found.name)]), schema: StructType([found]), context: EvaluationContext(nowTicks: 0, seed: 0))
    }
  }

  func convert(_ batch: RecordBatch, _ schema: StructType) throws -> RecordBatch {
    var columns = batch.columns
    for (i, cast) in casts.enumerated() {
      guard let cast else { continue }
      columns[i] = try cast.evaluate(RecordBatch(schema: StructType([batch.schema[i]]), columns: [batch.columns[i]], rowCount: batch.rowCount))
    }
    return RecordBatch(schema: schema, columns: columns, rowCount: batch.rowCount)
  }
}

// Role: a text run on a cluster word for word: queries and commands of a command line. The columns come from the answer itself, so nothing is put
// behind the text and nothing is run twice.

import Columnar
import DataSource
package import Engine
import Expressions
package import KQL
import KustoWire
import Synchronization

/// One result of a text.
package struct ClusterResult: Sendable {
  /// Rows in memory, or rows that are still coming: such a plan can be run once.
  package var plan: LogicalPlan
  package var visualization: Visualization?
}

package enum ClusterResults {
  /// Runs the text. The rows of a text with one result come while they are read; those of several results are held.
  package static func run(_ text: String, _ reader: ClusterReader) throws -> [ClusterResult] {
    let shape = QueryTextShape(text)
    if shape.isEmpty { throw KConnectError(.usage, "the query is empty") }
    if shape.isCommand {
      let answer = try reader.client.command(text, database: reader.database)
      return [ClusterResult(plan: values(answer.table.schema, answer.table.batches))]
    }
    let stream = try AnswerStream { emit, isCancelled in
      try reader.client.query(text, database: reader.database, isCancelled: isCancelled, onEvent: emit)
    }
    return shape.hasOneResult ? [try live(stream, reader)] : try held(stream)
  }

  private static func values(_ schema: StructType, _ batches: [RecordBatch]) -> LogicalPlan { LogicalPlan(node: .values(batches), schema: schema) }

  private static func isResult(_ table: ReceivedTable) -> Bool { table.kind == .primaryResult || table.kind == .other }

  private static func live(_ stream: AnswerStream, _ reader: ClusterReader) throws -> ClusterResult {
    var visualizations: [Int: Visualization] = [:]
    while let event = try stream.next() {
      switch event {
      case .rows(let table, let batch) where table.kind == .queryProperties: readProperties(batch, into: &visualizations)
      case .begin(let table) where isResult(table):
        let name = "kusto \(reader.client.address.engine)\(reader.database.map { "/" + $0 } ?? "")"
        let plan = LogicalPlan.scan(LiveTable(schema: table.schema, description: name, id: table.id, stream: stream))
        return ClusterResult(plan: plan, visualization: visualizations[table.id] ?? visualizations[-1])
      default: continue
      }
    }
    throw KConnectError(.formatCorrupt, "the answer has no result")
  }

  private static func held(_ stream: AnswerStream) throws -> [ClusterResult] {
    var visualizations: [Int: Visualization] = [:]
    var tables: [ReceivedTable] = []
    var batches: [[RecordBatch]] = []
    while let event = try stream.next() {
      switch event {
      case .rows(let table, let batch) where table.kind == .queryProperties: readProperties(batch, into: &visualizations)
      case .begin(let table) where isResult(table):
        tables.append(table)
        batches.append([])
      case .rows(let table, let batch) where isResult(table):
        if let i = tables.lastIndex(where: { $0.id == table.id }) { batches[i].append(batch) }
      case .restart(let table):
        if let i = tables.lastIndex(where: { $0.id == table.id }) { batches[i] = [] }
      default: continue
      }
    }
    return zip(tables, batches).map { ClusterResult(plan: values($0.schema, $1), visualization: visualizations[$0.id] ?? visualizations[-1]) }
  }

  /// `[TableId, "Visualization", "{…}"]`.
  private static func readProperties(_ batch: RecordBatch, into out: inout [Int: Visualization]) {
    guard let keys = batch.schema.index(of: "Key"), let values = batch.schema.index(of: "Value") else { return }
    let ids = batch.schema.index(of: "TableId")
    for i in 0..<batch.rowCount {
      guard case .string("Visualization") = batch.columns[keys].scalar(i), let made = visualization(batch.columns[values].scalar(i)) else { continue }
      var id = -1
      if let ids, case .int(let n) = batch.columns[ids].scalar(i) { id = Int(n) }
      out[id] = made
    }
  }

  private static func visualization(_ scalar: Scalar) -> Visualization? {
    var value: DynamicValue?
    if case .dynamic(let dynamic) = scalar { value = dynamic } else if case .string(let text) = scalar { value = .string(text) }
    if case .string(let text)? = value { value = try? DynamicValue(parsing: text) }
    guard case .bag(let entries)? = value, case .string(let kind)? = value?["Visualization"], !kind.isEmpty else { return nil }
    let properties = entries.compactMap { entry -> (name: String, value: String)? in
      guard entry.key != "Visualization" else { return nil }
      switch entry.value {
      case .null, .string(""), .string("NaN"), .bool(false): return nil
      case .string(let text): return (entry.key.lowercased(), text)
      case .array(let items):
        return (entry.key.lowercased(), items.map { if case .string(let text) = $0 { text } else { $0.json } }.joined(separator: ","))
      default: return (entry.key.lowercased(), entry.value.json)
      }
    }
    return Visualization(kind: kind, properties: properties)
  }
}

/// Rows that are coming; can be scanned once.
private struct LiveTable: BatchReadable {
  let schema: StructType
  let description: String
  let id: Int
  let stream: AnswerStream

  func pushdown(_ filters: [Expr]) -> [FilterPushdown] { filters.map { _ in .unsupported } }

  func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan {
    let positions = try request.columns.map { name in
      guard let i = schema.index(of: name) else { throw KConnectError(.columnNotFound, "column '\(name)' not found in the answer") }
      return i
    }
    return LiveScan(StructType(positions.map { schema[$0] }), positions, id, stream)
  }
}

private final class LiveScan: Scan {
  let schema: StructType
  private let positions: [Int]
  private let id: Int
  private let stream: AnswerStream
  private let counts = Mutex((rows: 0, isAtEnd: false))
  /// Held while a thread waits, so that batches leave in order.
  private let turn = Monitor()

  init(_ schema: StructType, _ positions: [Int], _ id: Int, _ stream: AnswerStream) {
    self.schema = schema
    self.positions = positions
    self.id = id
    self.stream = stream
  }

  var metrics: ScanMetrics {
    var metrics = ScanMetrics()
    metrics.rowsRead = counts.withLock { $0.rows }
    return metrics
  }

  func stop() { stream.cancel() }

  /// Reads to the end of the answer, where failures stand.
  func nextMorsel() throws -> (any Morsel)? {
    try turn.withLock {
      if counts.withLock({ $0.isAtEnd }) { return nil }
      while let event = try stream.next() {
        switch event {
        case .rows(let table, let batch) where table.id == id:
          counts.withLock { $0.rows += batch.rowCount }
          return LiveMorsel(batch: batch.selecting(positions))
        case .restart(let table) where table.id == id: throw KConnectError(.notSupported, "the cluster sends progressive results, which replace rows")
        case .begin(let table) where table.kind == .primaryResult: throw KConnectError(.notSupported, "the text has several results where one was expected")
        default: continue
        }
      }
      counts.withLock { $0.isAtEnd = true }
      return nil
    }
  }
}

private struct LiveMorsel: Morsel {
  let batch: RecordBatch
  func read(_ emit: (RecordBatch) throws -> Bool) throws { _ = try emit(batch) }
}

// Role: what the tests of streams share: numbered rows, tables of a store, runs of a plan, whole runs of a query.

import Columnar
import DataSource
import Delta
import DeltaConnector
import Engine
import Expressions
import KustoStore
import Streaming
import Synchronization

/// Rows (id, text) of the numbers.
func numbered(_ ids: some Sequence<Int>) -> RecordBatch {
  let ids = Array(ids)
  return RecordBatch(
    schema: StructType([StructField("id", .long), StructField("text", .string)]),
    columns: [.of(.long, ids.map { .long(Int64($0)) }), .of(.string, ids.map { .string("text \($0)") })], rowCount: ids.count)
}

/// A batch of scalars.
func rowsOf(_ ddl: String, _ rows: [[Scalar]]) throws -> RecordBatch {
  let schema = try StructType(ddl: ddl)
  return RecordBatch(schema: schema, columns: schema.fields.indices.map { c in .of(schema[c].type, rows.map { $0[c] }) }, rowCount: rows.count)
}

/// The first column of a plan's rows, as numbers, in ascending order.
func ids(_ plan: LogicalPlan) throws -> [Int] {
  var out: [Int] = []
  try QueryExecution(plan, options: ExecutionOptions(), context: EvaluationContext(nowTicks: 0, seed: 0)).run { batch in
    for i in 0..<batch.rowCount { out.append(Int(batch.columns[0].scalar(i).int64Value ?? -1)) }
    return true
  }
  return out.sorted()
}

/// The first column of a plan's rows as texts, in their order.
func texts(_ plan: LogicalPlan) throws -> [String] {
  var out: [String] = []
  try QueryExecution(plan, options: ExecutionOptions(), context: EvaluationContext(nowTicks: 0, seed: 0)).run { batch in
    for i in 0..<batch.rowCount { if case .string(let text) = batch.columns[0].scalar(i) { out.append(text) } }
    return true
  }
  return out
}

/// A store with one table.
struct TableInStore {
  let place: Place
  let table: StoreTable

  init(_ ddl: String = "id:long, text:string") throws {
    place = try Place()
    let store = try OpenStores.executor(place.file("store"), create: true).store
    table = try store.createDatabase("db", ifNotExists: true).createTable(TableDescription("T", schema: try StructType(ddl: ddl)))
  }

  func source(_ options: [(String, String)] = []) throws -> StoreStreamSource {
    try StoreStreamSource("db.T", options: try checked("kusto", StoreStreamSource.specs, [("kustoStore", place.file("store"))] + options))
  }
}

func checked(_ source: String, _ specs: [OptionSpec], _ given: [(String, String)]) throws -> DataSourceOptions {
  try DataSourceOptions(source: source, specs: specs, given: given, use: .read)
}

/// Writes rows to a Delta table.
func write(_ rows: RecordBatch, delta path: String, mode: SaveMode = .append, _ options: [(String, String)] = []) throws -> WriteSummary {
  let provider = DeltaProvider()
  let checked = try DataSourceOptions(source: "delta", specs: provider.options, given: options, use: .write)
  guard let sink = try provider.makeSink(path, schema: rows.schema, mode: mode, partitionBy: [], options: checked) else { return WriteSummary(isSkipped: true) }
  return try QueryExecution(.values(rows.schema, [rows]), options: ExecutionOptions(), context: EvaluationContext(nowTicks: 0, seed: 0)).write(to: sink)
}

/// Everything a source has, batch by batch: the ids of each.
func batches(_ source: any MicroBatchSource, after start: inout StreamOffset?, _ admission: Admission = .limited) throws -> [[Int]] {
  var out: [[Int]] = []
  while let end = try source.latestOffset(after: start, admission), end != start {
    out.append(try ids(source.rows(after: start, through: end)))
    start = end
  }
  return out
}

/// Batches given by hand: offset n stands for the first n of them.
final class ListSource: MicroBatchSource {
  let schema: StructType
  let lists: [RecordBatch]
  let description = "list"
  let identity = "list"

  init(_ lists: [RecordBatch], schema: StructType) {
    self.lists = lists
    self.schema = schema
  }

  private func count(_ offset: StreamOffset?) -> Int { offset.flatMap { Int($0.json) } ?? 0 }

  func latestOffset(after start: StreamOffset?, _ admission: Admission) throws -> StreamOffset? {
    count(start) < lists.count ? StreamOffset(json: String(count(start) + 1)) : start
  }

  func rows(after start: StreamOffset?, through end: StreamOffset) throws -> LogicalPlan { .values(schema, Array(lists[count(start)..<count(end)])) }
}

/// Keeps what batches bring; may refuse one of them, or say that it has it.
final class ListSink: MicroBatchSink {
  let description = "list"
  let identity = "collected"
  var batches: [Int: [RecordBatch]] = [:]
  var failsOn: Int?

  func add(_ batch: MicroBatch) throws -> WriteSummary {
    if batches[batch.id] != nil { return WriteSummary(isSkipped: true) }
    var rows: [RecordBatch] = []
    try batch.execution.run { part in
      rows.append(part)
      return true
    }
    batches[batch.id] = rows
    if failsOn == batch.id {
      failsOn = nil
      throw KConnectError(.io, "refused")
    }
    return WriteSummary(rows: rows.reduce(0) { $0 + $1.rowCount })
  }

  /// First columns by batch.
  var ids: [[Int]] {
    batches.sorted { $0.key < $1.key }.map { _, rows in rows.flatMap { batch in (0..<batch.rowCount).map { Int(batch.columns[0].scalar($0).int64Value ?? -1) } } }
  }
}

/// Runs a plan over lists to its end.
@discardableResult
func run(
  _ lists: [RecordBatch], _ ddl: String, into sink: any MicroBatchSink, checkpoint: String, memory: Int? = nil, clock: @escaping @Sendable () -> Int64 = { 1_000 },
  _ make: (LogicalPlan) throws -> LogicalPlan
) throws -> [StreamingQueryProgress] {
  let schema = try StructType(ddl: ddl)
  nonisolated(unsafe) let source = ListSource(lists, schema: schema)
  let plan = try make(.scan(StreamRelation(schema: schema, description: "list") { source }))
  var settings = StreamSettings()
  settings.trigger = .availableNow
  settings.clock = StreamClock(now: clock)
  settings.execution.memoryLimit = memory
  let seen = Mutex<[StreamingQueryProgress]>([])
  let execution = try MicroBatchExecution(plan: plan, sink: sink, checkpoint: try Checkpoint(checkpoint), settings: settings) { progress in seen.withLock { $0.append(progress) } }
  try execution.run()
  return seen.withLock { $0 }
}

/// A file of a checkpoint as the program writes it, for tests that change one.
enum LogLines {
  static func text(_ lines: [String]) -> String {
    let body = (["v1"] + lines).joined(separator: "\n") + "\n"
    let sum = String(crc32(body), radix: 16)
    return body + "crc32:" + String(repeating: "0", count: 8 - sum.count) + sum
  }

  /// The checksum of zlib, bit by bit.
  private static func crc32(_ text: String) -> UInt32 {
    ~text.utf8.reduce(UInt32.max) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }
  }
}

/// The table `db.T` of the store in a place, made when it is missing.
func storeTable(_ place: Place) throws -> StoreTable {
  let store = try OpenStores.executor(place.file("store"), create: true).store
  return try store.createDatabase("db", ifNotExists: true).createTable(TableDescription("T", schema: try StructType(ddl: "id:long, text:string")))
}

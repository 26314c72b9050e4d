// Role: what the tests of the store share: directories that go with the test, tables of a few columns, rows as scalars, Python as a judge.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import Engine
import Expressions
import Foundation
import KustoStore

/// A store in a directory of its own.
final class TestStore {
  let path: String
  let store: Store
  private var others: [Store] = []

  init(fileSystem: FileSystem = .system) throws {
    path = NSTemporaryDirectory() + "kconnect-store-" + randomIdentifier()
    store = try Store.open(path, create: true, fileSystem: fileSystem)
  }

  deinit {
    for store in others + [store] { store.close() }
    _ = FileSystem.system.removeTree(path)
  }

  /// The store as another process would open it.
  func reopened(fileSystem: FileSystem = .system) throws -> Store {
    let other = try Store.open(path, fileSystem: fileSystem)
    others.append(other)
    return other
  }

  @discardableResult
  func table(_ name: String = "T", _ ddl: String = "id:long, text:string", database: String = "db") throws -> StoreTable {
    let home = try store.createDatabase(database, ifNotExists: true)
    return try home.createTable(TableDescription(name, schema: try StructType(ddl: ddl)))
  }
}

/// Rows of scalars as a batch.
func batch(_ schema: StructType, _ rows: [[Scalar]]) -> RecordBatch {
  RecordBatch(schema: schema, columns: schema.fields.indices.map { c in .of(schema[c].type, rows.map { $0[c] }) }, rowCount: rows.count)
}

/// Rows (id, "text id") of the numbers.
func numbered(_ ids: some Sequence<Int>) -> RecordBatch {
  batch(StructType([StructField("id", .long), StructField("text", .string)]), ids.map { [.long(Int64($0)), .string("text \($0)")] })
}

let anyContext = EvaluationContext(nowTicks: 0, seed: 1)

/// The rows of a source, by the engine.
func rows(_ table: any BatchReadable, columns: [String]? = nil, where predicate: Expr? = nil) throws -> [[Scalar]] {
  let names = columns ?? table.schema.names
  let all = StructType(table.schema.fields + HiddenColumns.virtual.fields)
  let read = names + (predicate?.columns.filter { !names.contains($0) }.sorted() ?? [])
  var plan = LogicalPlan(node: .scan(ScanNode(table: table, columns: read)), schema: all.selecting(read) ?? StructType())
  if let predicate { plan = try plan.filter(predicate) }
  plan = try plan.select(names)
  var out: [[Scalar]] = []
  try QueryExecution(plan, options: ExecutionOptions(), context: anyContext).run { batch in
    for i in 0..<batch.rowCount { out.append(batch.columns.map { $0.scalar(i) }) }
    return true
  }
  return out
}

func ids(_ table: StoreTable) throws -> [Int] {
  try rows(table.snapshot().rows(), columns: ["id"]).compactMap { $0[0].int64Value.map { Int($0) } }.sorted()
}

func equal(_ column: String, _ value: Scalar) -> Expr { .call(FunctionName.equal, [.column(column), .literal(value)]) }

/// Python with duckdb, polars and deltalake; nil where KCONNECT_PYTHON does not name one.
let python: String? = ProcessInfo.processInfo.environment["KCONNECT_PYTHON"]

/// Runs a judge of `Judges/`; answers its standard output.
func judge(_ script: String, _ arguments: [String]) throws -> String {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: python ?? "")
  process.arguments = [URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Judges/\(script)"] + arguments
  let pipe = Pipe()
  process.standardOutput = pipe
  try process.run()
  let data = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return String(decoding: data, as: UTF8.self)
}

// Shared by the tests of this target: a directory per test, tables written and read through the provider, a faulty file system, judges.

import Columnar
import DataSource
import Delta
import DeltaConnector
import Expressions
import FileConnector
import Glibc
import Synchronization
import Testing

let context = EvaluationContext(nowTicks: 0, seed: 1)

/// A fresh directory, removed at the end.
final class Scratch {
  let path: String
  init() {
    path = "/tmp/kconnect-delta-" + randomIdentifier()
    mkdir(path, 0o755)
  }
  deinit { _ = FileSystem.system.removeTree(path) }
  func callAsFunction(_ name: String) -> String { joinPath(path, name) }

  /// Writes a file, creating its directories.
  func put(_ name: String, _ text: String) {
    let path = joinPath(path, name)
    _ = FileSystem.system.makeDirectories(parentPath(path))
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    var text = text
    text.withUTF8 { _ = write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
  }

  /// Data files below a table, relative, sorted.
  func dataFiles(_ table: String) -> [String] { walk(joinPath(path, table), "").filter { $0.hasSuffix(".parquet") && !$0.hasPrefix("_delta_log") } }

  private func walk(_ root: String, _ at: String) -> [String] {
    ((try? DirectoryReader.names(in: joinPath(root, at))) ?? []).flatMap { name -> [String] in
      let relative = at.isEmpty ? name : at + "/" + name
      return pathKind(joinPath(root, relative)) == .directory ? walk(root, relative) : [relative]
    }
  }
}

/// The error a closure throws.
func thrown(_ body: () throws -> Void) -> KConnectError? {
  do {
    try body()
    return nil
  } catch { return error as? KConnectError ?? KConnectError(.internalError, "another error: \(error)") }
}

func batch(_ ddl: String, _ rows: [[Scalar]]) throws -> RecordBatch {
  let schema = try StructType(ddl: ddl)
  return RecordBatch(schema: schema, columns: schema.fields.indices.map { c in .of(schema[c].type, rows.map { $0[c] }) }, rowCount: rows.count)
}

func makeOptions(_ given: [String: String], _ use: OptionSpec.Use) throws -> DataSourceOptions {
  try DataSourceOptions(source: "delta", specs: DeltaProvider().options, given: given.map { ($0.key, $0.value) }, use: use)
}

@discardableResult
func writeTable(
  _ path: String, _ batches: [RecordBatch], mode: SaveMode = .append, partitionBy: [String] = [], options: [String: String] = [:],
  fileSystem: FileSystem = .system
) throws -> WriteSummary? {
  let provider = DeltaProvider(fileSystem: fileSystem)
  guard let sink = try provider.makeSink(path, schema: batches[0].schema, mode: mode, partitionBy: partitionBy, options: makeOptions(options, .write)) else {
    return nil
  }
  do {
    for batch in batches { try sink.append(try sink.encode([batch])) }
    return try sink.commit()
  } catch {
    sink.abort()
    throw error
  }
}

func openTable(_ path: String, options: [String: String] = [:]) throws -> any BatchReadable {
  try DeltaProvider().open([path], schema: nil, options: makeOptions(options, .read))
}

func readRows(_ table: any BatchReadable, columns: [String]? = nil, filters: [Expr] = [], metrics: ((ScanMetrics) -> Void)? = nil) throws -> [[Scalar]] {
  let scan = try table.scan(ScanRequest(columns: columns ?? table.schema.names, filters: filters), context: context)
  var out: [[Scalar]] = []
  while let morsel = try scan.nextMorsel() {
    try morsel.read { batch in
      #expect(batch.brokenInvariant() == nil)
      out += (0..<batch.rowCount).map { batch.row($0) }
      return true
    }
  }
  metrics?(scan.metrics)
  return out
}

/// All rows as one Parquet file.
func copyTable(_ table: any BatchReadable, to path: String) throws {
  let provider = FileProvider(ParquetFormat())
  let options = try DataSourceOptions(source: "parquet", specs: provider.options, given: [("onInexact", "truncate")], use: .write)
  let made = try provider.makeSink(path, schema: table.schema, mode: .error, partitionBy: [], options: options)
  let sink = try #require(made)
  let scan = try table.scan(ScanRequest(columns: table.schema.names), context: context)
  while let morsel = try scan.nextMorsel() {
    try morsel.read { batch in
      try sink.append(try sink.encode([batch]))
      return true
    }
  }
  _ = try sink.commit()
}

/// The rows a plain evaluation of the filters leaves, whatever the source answered.
func filteredRows(_ table: any BatchReadable, _ filter: Expr) throws -> [[Scalar]] {
  let pushed = table.pushdown([filter])[0] == .unsupported ? [] : [filter]
  let rows = try readRows(table, filters: pushed)
  let all = RecordBatch(
    schema: table.schema, columns: table.schema.fields.indices.map { c in .of(table.schema[c].type, rows.map { $0[c] }) }, rowCount: rows.count)
  let bits = try CompiledExpr(filter, schema: table.schema, context: context).select(all)
  return rows.indices.filter { bits[$0] }.map { rows[$0] }
}

func sorted(_ rows: [[Scalar]]) -> [String] { rows.map { "\($0)" }.sorted() }

/// Counts calls and makes one fail, or all from one on (a crash).
final class FaultPlan: Sendable {
  private let state = Mutex((calls: 0, failed: FileOperation?.none))
  let failAt: Int
  let isCrash: Bool

  init(failAt: Int, isCrash: Bool) {
    self.failAt = failAt
    self.isCrash = isCrash
  }

  var fileSystem: FileSystem {
    FileSystem { operation, _ in
      self.state.withLock { state in
        state.calls += 1
        guard state.calls == self.failAt || self.isCrash && state.calls > self.failAt else { return nil }
        if state.failed == nil { state.failed = operation }
        return ENOSPC
      }
    }
  }
  var calls: Int { state.withLock { $0.calls } }
  var failed: FileOperation? { state.withLock { $0.failed } }
}

/// Other implementations, and data sets beside the checkout.
enum Judges {
  /// Python with the judges' packages: KCONNECT_PYTHON.
  static let python = getenv("KCONNECT_PYTHON").map { String(cString: $0) }
  static let folder = parentPath(#filePath)

  /// The unpacked golden tables, nil where the archive is not available.
  static let golden: String? = {
    let archives = [getenv("KCONNECT_DATA").map { String(cString: $0) }, folder + "/../../../shared/data", folder + "/../../../../shared/data"]
    guard let archive = archives.compactMap({ $0 }).map({ $0 + "/delta-golden.tar.zst" }).first(where: { access($0, R_OK) == 0 }) else { return nil }
    let target = "/tmp/kconnect-delta-golden-\(UInt64.random(in: 0 ... .max))"
    guard system("mkdir -p '\(target)' && tar --zstd -xf '\(archive)' -C '\(target)'") == 0 else { return nil }
    return target + "/golden"
  }()

  /// Runs judge.py; answers its output's lines.
  static func run(_ arguments: [String]) throws -> [String] {
    let output = "/tmp/kconnect-delta-judge-" + randomIdentifier()
    defer { unlink(output) }
    let command = ([python ?? "python3", folder + "/judge.py"] + arguments).map { "'\($0)'" }.joined(separator: " ")
    let status = system("\(command) > '\(output)' 2>&1")
    let file = try InputFile(path: output)
    var bytes = [UInt8](repeating: 0, count: file.size ?? 0)
    _ = try bytes.withUnsafeMutableBytes { try file.pread(into: $0, at: 0) }
    let text = String(decoding: bytes, as: UTF8.self)
    if status != 0 { Issue.record("judge.py failed: \(text)") }
    return text.split(separator: "\n").map(String.init)
  }
}

/// The least actions of a table.
func firstActions(_ ddl: String, features: [String]? = nil, configuration: [String: String] = [:]) throws -> [DeltaAction] {
  let table = features.map { TableProtocol(minReaderVersion: 1, minWriterVersion: 7, writerFeatures: $0) } ?? TableProtocol()
  return [
    .protocol(table),
    .metadata(
      TableMetadata(id: "00000000-0000-0000-0000-000000000001", schemaString: try DeltaSchema(StructType(ddl: ddl)).json, configuration: configuration)),
  ]
}

func conflict(_: [WinningCommit], _: DeltaSnapshot) -> Rebase { .conflict(KConnectError(.locked, "a winner")) }

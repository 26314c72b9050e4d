// Shared by the tests of this target: a directory per test, rows, writing and reading through providers, a faulty file system.

import Columnar
import DataSource
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
    path = "/tmp/kconnect-test-" + randomIdentifier()
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

  /// All names below, relative, sorted.
  var tree: [String] { Self.walk(path, "") }
  private static func walk(_ root: String, _ at: String) -> [String] {
    ((try? DirectoryReader.names(in: joinPath(root, at))) ?? []).flatMap { name -> [String] in
      let relative = at.isEmpty ? name : at + "/" + name
      var info = stat()
      lstat(joinPath(root, relative), &info)
      return info.st_mode & S_IFMT == S_IFDIR ? [relative + "/"] + walk(root, relative) : [relative]
    }
  }
}

func makeOptions(_ provider: FileProvider, _ given: [String: String], _ use: OptionSpec.Use) throws -> DataSourceOptions {
  try DataSourceOptions(source: provider.shortName, specs: provider.options, given: given.map { ($0.key, $0.value) }, use: use)
}

func openTable(_ provider: FileProvider, _ paths: [String], schema: StructType? = nil, options: [String: String] = [:]) throws -> any BatchReadable {
  try provider.open(paths, schema: schema, options: makeOptions(provider, options, .read))
}

/// All batches of a scan, in order.
func readBatches(_ table: any BatchReadable, columns: [String]? = nil, filters: [Expr] = [], metrics: ((ScanMetrics) -> Void)? = nil) throws -> [RecordBatch] {
  let scan = try table.scan(ScanRequest(columns: columns ?? table.schema.names, filters: filters), context: context)
  var out: [RecordBatch] = []
  while let morsel = try scan.nextMorsel() {
    try morsel.read { batch in
      #expect(batch.brokenInvariant() == nil)
      #expect(batch.schema.names == scan.schema.names)
      out.append(batch)
      return true
    }
  }
  metrics?(scan.metrics)
  return out
}

func readRows(_ table: any BatchReadable, columns: [String]? = nil, filters: [Expr] = [], metrics: ((ScanMetrics) -> Void)? = nil) throws -> [[Scalar]] {
  try readBatches(table, columns: columns, filters: filters, metrics: metrics).flatMap { batch in (0..<batch.rowCount).map { batch.row($0) } }
}

@discardableResult
func writeRows(
  _ provider: FileProvider, _ path: String, _ batches: [RecordBatch], mode: SaveMode = .error, partitionBy: [String] = [], options: [String: String] = [:]
) throws -> WriteSummary? {
  guard
    let sink = try provider.makeSink(path, schema: batches[0].schema, mode: mode, partitionBy: partitionBy, options: makeOptions(provider, options, .write))
  else { return nil }
  do {
    for batch in batches { try sink.append(try sink.encode([batch])) }
    return try sink.commit()
  } catch {
    sink.abort()
    throw error
  }
}

func batch(_ ddl: String, _ rows: [[Scalar]]) throws -> RecordBatch {
  let schema = try StructType(ddl: ddl)
  return RecordBatch(schema: schema, columns: schema.fields.indices.map { c in .of(schema[c].type, rows.map { $0[c] }) }, rowCount: rows.count)
}

/// The error a closure throws.
func thrown(_ body: () throws -> Void) -> KConnectError? {
  do {
    try body()
    return nil
  } catch { return error as? KConnectError }
}

/// Counts calls and makes one fail, or all from one on (a crash).
final class FaultPlan: Sendable {
  private struct State {
    var calls = 0
    var failed: FileOperation?
  }
  private let state = Mutex(State())
  let failAt: Int
  let code: Int32
  let isCrash: Bool
  init(failAt: Int, code: Int32 = ENOSPC, isCrash: Bool = false) {
    self.failAt = failAt
    self.code = code
    self.isCrash = isCrash
  }
  var fileSystem: FileSystem { FileSystem(fault: fileSystemFault) }
  var fileSystemFault: FileSystem.Fault {
    { operation, _ in
      self.state.withLock { state in
        state.calls += 1
        guard state.calls == self.failAt || self.isCrash && state.calls > self.failAt else { return nil }
        if state.failed == nil { state.failed = operation }
        return self.code
      }
    }
  }
  var calls: Int { state.withLock { $0.calls } }
  var failed: FileOperation? { state.withLock { $0.failed } }
}

func readSmall(_ path: String) throws -> String {
  let file = try InputFile(path: path)
  var bytes = [UInt8](repeating: 0, count: file.size ?? 0)
  _ = try bytes.withUnsafeMutableBytes { try file.pread(into: $0, at: 0) }
  return String(decoding: bytes, as: UTF8.self)
}

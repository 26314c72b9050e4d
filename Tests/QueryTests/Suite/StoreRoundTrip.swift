// Role: rows of a source through a table of a store that is closed and opened again before they are read.

import Columnar
import DataSource
import Engine
import Expressions
import Foundation
import KQL
import KustoStore

enum StoreRoundTrip {
  private static let path: String = {
    let path = FileManager.default.temporaryDirectory.path + "/kqltest-store-\(ProcessInfo.processInfo.processIdentifier)-\(UUID().uuidString)"
    RemovedAtExit.append(path)
    return path
  }()
  private static let database = "Suite"

  /// A scan of a new table with those rows, in a store opened for it alone; nil for columns whose names a table cannot hold side by side.
  static func read(_ schema: StructType, _ batches: [RecordBatch]) throws -> LogicalPlan? {
    if schema.names.contains(where: { $0.contains("$") }) || Set(schema.names.map { $0.lowercased() }).count < schema.count { return nil }
    let name = "t" + UUID().uuidString.replacingOccurrences(of: "-", with: "")
    try write(schema, batches, name)
    let reopened = try Store.open(path)
    return try StoreCatalog(reopened, database: database).table(name, database: nil)
  }

  private static func write(_ schema: StructType, _ batches: [RecordBatch], _ name: String) throws {
    let store = try Store.open(path, create: true)
    try store.createDatabase(database, ifNotExists: true)
    var properties = RequestProperties()
    // Storage hints of the rows' origin say nothing about a table.
    properties.surroundings = PlanCatalog(["suite_rows": .values(StructType(schema.fields.map { StructField($0.name, $0.type) }), batches)])
    _ = try CommandExecutor(store).execute(".set \(name) <| suite_rows", database: database, properties)
  }
}

/// Directories that go when the process ends.
enum RemovedAtExit {
  nonisolated(unsafe) private static var paths: [String] = []
  private static let lock = NSLock()

  static func append(_ path: String) {
    lock.withLock {
      if paths.isEmpty { atexit { RemovedAtExit.removeAll() } }
      paths.append(path)
    }
  }

  private static func removeAll() { for path in paths { try? FileManager.default.removeItem(atPath: path) } }
}

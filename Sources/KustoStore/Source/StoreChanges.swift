// Role: a table of the store as streams read it: what each commit added, the rows between two commits, and what was deleted meanwhile.
// Rows keep their commit version when extents are merged or rewritten, so these rows are the same whenever they are asked for.

import Columnar
package import DataSource
import Delta
package import Engine
import Expressions

/// What one commit added to a table, as far as it is there now.
package struct CommitAddition: Sendable, Hashable {
  package var version: Int64
  package var rows: Int
  /// Bytes of files; those of merged extents by their share of rows.
  package var bytes: Int
  /// Extents that hold the rows now.
  package var extents: Int
}

extension TableSnapshot {
  /// What commits after `start` added, in their order. Reads versions from extents only where these were merged after `start`.
  package func additions(after start: Int64) throws -> [CommitAddition] {
    var found: [Int64: CommitAddition] = [:]
    func add(_ version: Int64, _ rows: Int, _ bytes: Int) {
      var one = found[version] ?? CommitAddition(version: version, rows: 0, bytes: 0, extents: 0)
      one.rows += rows
      one.bytes += bytes
      one.extents += 1
      found[version] = one
    }
    var merged: [String: ExtentFile] = [:]
    for file in files where file.extent.version > start {
      if file.hasStoredVersions { merged[file.extent.id.description] = file } else { add(file.extent.version, file.extent.rowCount, file.extent.byteSize) }
    }
    if !merged.isEmpty {
      let version = HiddenColumns.rowVersion, id = HiddenColumns.extentId
      let plan = try LogicalPlan.scan(StoreScanTable(self, files: files.filter { $0.hasStoredVersions && $0.extent.version > start }), columns: [version, id])
        .filter(.call(FunctionName.greater, [.column(version), .literal(.long(start))]))
        .aggregate(keys: [NamedExpr(version, .column(version)), NamedExpr(id, .column(id))], aggregates: [NamedAggregate("n", AggregateCall("count", []))])
      try QueryExecution(plan, options: ExecutionOptions(), context: EvaluationContext(nowTicks: 0, seed: 0)).run { batch in
        for i in 0..<batch.rowCount {
          guard case .long(let version) = batch.columns[0].scalar(i), case .guid(let id) = batch.columns[1].scalar(i), case .long(let n) = batch.columns[2].scalar(i),
            let extent = merged[id.description]?.extent
          else { continue }
          add(version, Int(n), extent.rowCount > 0 ? extent.byteSize / extent.rowCount * Int(n) : 0)
        }
        return true
      }
    }
    return found.values.sorted { $0.version < $1.version }
  }

  /// The table's rows that commits after `start` up to `end` added.
  package func rows(after start: Int64, through end: Int64) throws -> LogicalPlan {
    let version = HiddenColumns.rowVersion
    let candidates = files.filter { $0.extent.version > start && ($0.hasStoredVersions || $0.extent.version <= end) }
    return try LogicalPlan.scan(StoreScanTable(self, files: candidates), columns: Set(schema.names + [version]))
      .filter(.call(FunctionName.greater, [.column(version), .literal(.long(start))]))
      .filter(.call(FunctionName.lessOrEqual, [.column(version), .literal(.long(end))]))
      .select(schema.names)
  }
}

extension StoreTable {
  /// The newest commit. Cheap when there is none since the last look.
  package func newestVersion() throws -> Int64 { try state().version }

  /// Rows added after `read` that commits after `start` up to `end` took out for good; commits whose log is gone are passed over.
  package func deletedRows(after start: Int64, through end: Int64, unreadAfter read: Int64) throws -> Int {
    var count = 0
    for version in (start + 1)..<(max(start, end) + 1) {
      for action in try log.commit(version)?.actions ?? [] {
        switch action {
        case .remove(let file) where file.dataChange && file.defaultRowCommitVersion ?? 0 > read: count += FileStatistics(file.stats)?.numRecords ?? 0
        // The rest of an extent of which rows were deleted.
        case .add(let file) where file.dataChange && file.tags?[ExtentKey.rowVersions] == "stored": count -= Int(file.numRecords ?? 0)
        default: break
        }
      }
    }
    return max(0, count)
  }
}

/// Tables by what path and options of the `kusto` source name.
package enum StoreTables {
  /// The table of a stream; throws USAGE, PATH_NOT_FOUND, NOT_SUPPORTED for addresses of clusters.
  package static func open(_ path: String, _ options: DataSourceOptions) throws -> StoreTable {
    let target = try KustoTarget(path.isEmpty ? [] : [path], options)
    guard let name = target.name.table else {
      throw KConnectError(.usage, "kusto: no table to read is named", hint: "write kusto:DATABASE.TABLE; --query gives the operators applied to its rows")
    }
    let store = try OpenStores.executor(target.store, create: false).store
    return try store.database(try target.existingDatabase(store)).table(name)
  }

  /// The newest batch that a streaming query has written to a table; nil when it wrote none or the table is not there.
  package static func recordedTransaction(store: String?, table path: String, application: String) throws -> Int64? {
    let path = try KustoName(path: path)
    let place = store ?? OpenStores.defaultPath
    guard OpenStores.exists(place), let database = path.database, let table = path.table else { return nil }
    return try OpenStores.executor(place, create: false).store.databaseIfExists(database)?.tableIfExists(table)?.recordedTransaction(application)
  }

  /// The directory, from the root, of the store that a stream's options mean.
  package static func place(_ options: DataSourceOptions) -> String { absolutePath(options.string("kustoStore") ?? OpenStores.defaultPath) }

  /// The options that say where a table is.
  package static var placeOptions: [OptionSpec] { KustoOptions.place }
}

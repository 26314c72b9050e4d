// Role: Delta tables as a source and a sink: options and what they start.

package import Columnar
package import DataSource
import Delta
import Engine
package import FileConnector

/// The `delta` format.
package struct DeltaProvider: DataSourceProvider {
  private let fileSystem: FileSystem
  private let stores: ObjectStores

  package init(fileSystem: FileSystem = .system, stores: ObjectStores = ObjectStores()) {
    self.fileSystem = fileSystem
    self.stores = stores
  }

  package var shortName: String { "delta" }
  package var aliases: [String] { ["deltalake", "org.apache.spark.sql.delta", "io.delta.sql"] }
  package var summary: String { "Delta Lake tables: a directory with Parquet files and a transaction log." }

  package var options: [OptionSpec] {
    [
      OptionSpec("path", .path, use: .read, "The table's directory, when none is given otherwise."),
      OptionSpec("versionAsOf", .integer, use: .read, "Reads this version of the table."),
      OptionSpec("timestampAsOf", .string, use: .read, "Reads the version that was current at this time, such as 2024-01-31T12:00:00Z."),
      OptionSpec(
        "onInexact", .oneOf(["fail", "truncate"]), default: "fail",
        "Values the other side cannot hold exactly (ticks below a microsecond, wide decimals): an error, or cut."),
      OptionSpec("mergeSchema", .bool, default: "false", use: .write, "true: columns the table lacks are added to it."),
      OptionSpec("overwriteSchema", .bool, default: "false", use: .write, "true: mode overwrite replaces schema and partitioning, too."),
      OptionSpec(
        "replaceWhere", .string, use: .write, support: .notSupported("replaceWhere (overwriting only the rows that satisfy a condition)"),
        "Overwrites only rows that satisfy the condition."),
      OptionSpec(
        "partitionOverwriteMode", .oneOf(["static", "dynamic"]), default: "static", use: .write,
        "overwrite of a partitioned table: static replaces everything, dynamic only the partitions written."),
      OptionSpec("txnAppId", .string, use: .write, "With txnVersion: a write of this application that was done already is skipped."),
      OptionSpec("txnVersion", .integer, use: .write, "The number of the write within txnAppId; ascends."),
      OptionSpec("userMetadata", .string, use: .write, "A text that the commit records."),
      OptionSpec(
        "compression", .oneOf(["zstd", "snappy", "gzip", "lz4_raw", "none", "uncompressed"]), use: .write,
        "The codec of data files; default: the table's delta.parquet.compression.codec, else zstd."),
      OptionSpec("rowGroupRows", .integer, default: "262144", use: .write, "Rows in a row group at most."),
      OptionSpec("maxRecordsPerFile", .integer, default: "0", use: .write, "Rows in one file at most; 0: no limit."),
      OptionSpec("maxOpenPartitions", .integer, default: "128", use: .write, "Partition files open at once; beyond it the least recently used is closed."),
    ] + UpsertRule.specs + stores.options
  }

  /// The log of a table in a directory, or in a store of objects.
  private func log(_ text: String, _ options: DataSourceOptions, whole: Bool) throws -> DeltaLog {
    guard text.contains("://"), let place = try stores.place(text, options: options) else { return DeltaLog(path: try Self.directory(text), fileSystem: fileSystem) }
    let table = try ObjectTable(place, whole: whole, fileSystem: fileSystem)
    return DeltaLog(path: table.directory, displayPath: table.shown, fileSystem: fileSystem, origin: table)
  }

  package func open(_ paths: [String], schema: StructType?, options: DataSourceOptions) throws -> any BatchReadable {
    let given = paths.isEmpty ? options.string("path").map { [$0] } ?? [] : paths
    guard let first = given.first, given.count == 1 else {
      throw KConnectError(.usage, given.isEmpty ? "no path given for delta" : "\(given.count) paths given for delta, expected one", hint: "give the table's directory")
    }
    if schema != nil { throw KConnectError(.usage, "a schema was given, but '\(first)' is a Delta table and has its own", hint: "leave the schema out") }
    return try DeltaReader(log: try log(first, options, whole: options.isGiven("versionAsOf") || options.isGiven("timestampAsOf")), options: options).table()
  }

  package func makeSink(
    _ path: String, schema: StructType, mode: SaveMode, partitionBy: [String], options: DataSourceOptions
  ) throws -> (any TableSink)? {
    return try DeltaWriter(log: try log(path, options, whole: false), options: options).sink(schema, mode: mode, partitionBy: partitionBy)
  }

  /// A table's directory from what the user wrote; throws for URLs and standard streams.
  package static func directory(_ text: String) throws -> String {
    guard case .local(let path) = try SourcePath(text) else {
      throw KConnectError(.notSupported, "'\(text)': not supported yet: Delta tables that are not local directories", hint: "give a local directory")
    }
    return trimmingSlashes(path)
  }
}
